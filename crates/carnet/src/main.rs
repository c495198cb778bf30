//! Carnet: gets people into the Power Platform API, and plays the other side for those who test.
//!
//! Reads the arguments, runs one command, and turns its end into an exit code: 0 done, 1 refused by the
//! other side, 2 asked wrongly, 3 our bug.

mod args;
mod commands;
mod config;
mod failure;
mod output;

use clap::Parser;
use std::{panic::AssertUnwindSafe, process::ExitCode};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The threads that sign are always busy; the one that commits has little to do and many wait for it. Below it in
/// priority they let it run at once (measured with sixteen connections: 0.90 of bare signing, without this 0.85).
/// Where the system refuses, they run as they are.
fn give_way() {
    let _ = rustix::process::nice(5);
}

fn main() -> ExitCode {
    let run = || {
        let arguments = args::Arguments::parse();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().enable_all().on_thread_start(give_way).build();
        match runtime {
            Ok(runtime) => runtime.block_on(commands::run(arguments)),
            Err(error) => Err(failure::Failure::bug(format!("the runtime cannot be started: {error}"))),
        }
    };
    // A panic has printed its place already; here it gets its exit code.
    let ended = std::panic::catch_unwind(AssertUnwindSafe(run));
    match ended {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(failure)) => {
            output::say_failure(&failure);
            ExitCode::from(failure.code())
        }
        Err(_) => ExitCode::from(3),
    }
}
