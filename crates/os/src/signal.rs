//! Signals that stop the program or make it reload its files.

use crate::system;
use std::io;

/// A signal, by meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Ctrl+C in the terminal.
    Interrupt,
    /// The service manager or the system stops the program: SIGTERM; on Windows Ctrl+Break or the end of the session.
    Terminate,
    /// The terminal was closed, or an operator asks a program without a terminal to reload its files: SIGHUP. On
    /// Windows the console window was closed.
    Hangup,
}

/// A listener for signals. While it exists, signals do not end the process.
pub struct Signals(system::Signals);

impl Signals {
    /// Starts to listen.
    ///
    /// # Errors
    /// Errors of the operating system.
    pub fn listen() -> io::Result<Self> {
        system::Signals::listen().map(Self)
    }

    /// Waits for the next signal.
    pub async fn next(&mut self) -> Signal {
        self.0.next().await
    }
}
