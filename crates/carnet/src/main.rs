//! Carnet: gets people into the Power Platform API, and plays the other side for those who test.
//!
//! Reads the arguments, runs one command, and turns its end into an exit code: 0 done, 1 refused by the
//! other side, 2 asked wrongly, 3 our bug.

mod args;
mod commands;
mod config;
mod failure;
mod output;

use carnet_os::process::{GiveWay, give_way};
use clap::Parser;
use std::{panic::AssertUnwindSafe, process::ExitCode};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let run = || {
        let arguments = args::Arguments::parse();
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        if arguments.command.serves() {
            // The threads that sign are always busy; the one that commits has little to do and many wait for it. Above
            // them in priority it runs at once (measured with sixteen connections: 0.90 of bare signing instead of
            // 0.85).
            builder.on_thread_start(|| give_way(GiveWay::ToFew));
        }
        match builder.enable_all().build() {
            Ok(runtime) => {
                let ended = runtime.block_on(commands::run(arguments));
                // Work that a command gave up does not hold the process.
                runtime.shutdown_background();
                ended
            }
            Err(error) => Err(failure::Failure::bug(format!("the runtime cannot be started: {error}"))),
        }
    };
    // A panic has printed its place already; here it gets its exit code.
    let ended = std::panic::catch_unwind(AssertUnwindSafe(run));
    match ended {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(failure)) => {
            if failure.is_told() {
                output::say_failure(&failure);
            }
            ExitCode::from(failure.code())
        }
        Err(_) => ExitCode::from(3),
    }
}
