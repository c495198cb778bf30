//! Signals that end a program or tell it to read its files again.

use crate::system;
use std::io;

/// What a signal means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Ctrl+C in the terminal.
    Interrupt,
    /// The service manager or the system ends the program: SIGTERM; on Windows Ctrl+Break and the end of the session.
    Terminate,
    /// The terminal is gone, or an operator asks a program without one to read its files again: SIGHUP. On Windows the
    /// closed console window.
    Hangup,
}

/// Listens for signals. While one of these exists, they no longer end the process by themselves.
pub struct Signals(system::Signals);

impl Signals {
    /// Begins to listen.
    ///
    /// # Errors
    /// The system's.
    pub fn listen() -> io::Result<Self> {
        system::Signals::listen().map(Self)
    }

    /// Waits for the next signal.
    pub async fn next(&mut self) -> Signal {
        self.0.next().await
    }
}
