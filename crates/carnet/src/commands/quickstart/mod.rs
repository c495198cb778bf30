//! `carnet quickstart`: the five setup steps against a temporary server, through HTTPS and the client library. Each
//! step is first tried before its prerequisite exists, so that users see the resulting error. An unexpected response
//! is reported as an internal error.

mod print;
mod server;
mod steps;

use super::signals::Signals;
use crate::{args::Quickstart, failure::Failure, output};
use print::Printer;
use std::time::Instant;

/// Runs the quickstart.
pub async fn run(arguments: Quickstart) -> Result<(), Failure> {
    let start = Instant::now();
    let printer = Printer::new();
    printer.title("Carnet quickstart", "the five setup steps, against a temporary server");
    let own = server::LocalServer::start().await?;
    printer.note(&format!(
        "A temporary server runs at {}, with an empty store and its own certificate authority.",
        own.url()
    ));
    let walked = steps::walk(&own, &printer).await;
    if walked.is_ok() {
        printer.title("Done", &format!("five steps in {:.1} s", start.elapsed().as_secs_f32()));
    }
    match (walked, arguments.keep) {
        (Ok(app), true) => {
            for line in own.commands_to_try(&app) {
                output::plain(&format!("{line}\n"));
            }
            let mut signals = Signals::listen()?;
            signals.next().await;
            signals.unless_interrupted(own.stop()).await
        }
        (walked, _) => {
            own.stop().await;
            walked.map(drop)
        }
    }
}
