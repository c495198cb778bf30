//! Signals that stop a command.

use crate::{failure::Failure, output};
use carnet_os::signal::{self, Signal};

/// A listener for signals, for commands that run a server.
pub struct Signals(signal::Signals);

impl Signals {
    /// Starts to listen. Signals then no longer end the process.
    pub fn listen() -> Result<Self, Failure> {
        let wrong = |error| Failure::bug(format!("listening for signals failed: {error}"));
        signal::Signals::listen().map(Self).map_err(wrong)
    }

    /// Waits for the next signal.
    pub async fn next(&mut self) -> Signal {
        self.0.next().await
    }

    /// Waits for a signal that stops the command. A hangup counts if the program runs in a terminal.
    pub async fn stopped(&mut self, in_terminal: bool) {
        while self.next().await == Signal::Hangup && !in_terminal {}
    }

    /// Completes the last work of a command, unless Ctrl+C is pressed.
    ///
    /// # Errors
    /// [`Failure::interrupted`]
    pub async fn unless_interrupted(&mut self, work: impl Future<Output = ()>) -> Result<(), Failure> {
        let interrupted = async { while self.next().await != Signal::Interrupt {} };
        tokio::select! {
            () = work => Ok(()),
            () = interrupted => {
                output::say("stopped without waiting");
                Err(Failure::interrupted())
            }
        }
    }
}
