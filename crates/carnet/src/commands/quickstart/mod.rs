//! `carnet quickstart`: the article's five steps against a server of its own, through HTTPS and the
//! client library alone. Each step is tried too early first, so that people see what is missing and with
//! which code it shows; an answer that is not the expected one ends it as our bug.

mod print;
mod server;
mod steps;

use super::signals::Signals;
use crate::{args::Quickstart, failure::Failure, output};
use print::Printer;
use std::time::Instant;

/// Runs all of it.
pub async fn run(arguments: Quickstart) -> Result<(), Failure> {
    let start = Instant::now();
    let printer = Printer::new();
    printer.title("Carnet quickstart", "the article's five steps, against a server of our own");
    let own = server::Own::start().await?;
    printer.note(&format!("A server runs at {}, with a fresh store and a CA of its own.", own.url()));
    let walked = steps::walk(&own, &printer).await;
    if walked.is_ok() {
        printer.title("Done", &format!("five steps in {:.1} s", start.elapsed().as_secs_f32()));
    }
    match (walked, arguments.keep) {
        (Ok(app), true) => {
            for line in own.how_to_go_on(&app) {
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
