//! Signals that end a command.

use crate::{failure::Failure, output};
use carnet_os::signal::{self, Signal};

/// The signals of this process, as long as a command that serves runs.
pub struct Signals(signal::Signals);

impl Signals {
    /// Begins to listen; signals no longer end the process by themselves.
    pub fn listen() -> Result<Self, Failure> {
        let wrong = |error| Failure::bug(format!("signals cannot be received: {error}"));
        signal::Signals::listen().map(Self).map_err(wrong)
    }

    /// Waits for the next signal.
    pub async fn next(&mut self) -> Signal {
        self.0.next().await
    }

    /// Waits for a signal to stop. A hangup is one where the program runs in a terminal.
    pub async fn stopped(&mut self, in_terminal: bool) {
        while self.next().await == Signal::Hangup && !in_terminal {}
    }

    /// Finishes work that ends a command, unless Ctrl+C is pressed meanwhile.
    ///
    /// # Errors
    /// [`Failure::interrupted`]
    pub async fn unless_interrupted(&mut self, work: impl Future<Output = ()>) -> Result<(), Failure> {
        let interrupted = async { while self.next().await != Signal::Interrupt {} };
        tokio::select! {
            () = work => Ok(()),
            () = interrupted => {
                output::say("stopped at once");
                Err(Failure::interrupted())
            }
        }
    }
}
