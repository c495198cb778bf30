//! Carnet's command line: sets up and tests access to the Power Platform API, and runs an identity server to test
//! against.
//!
//! Parses the arguments, runs one command and exits with 0 for success, 1 if the server refused, 2 for a usage error
//! and 3 for an internal error.

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
            // Threads that sign tokens are always busy. Many requests wait for the thread that commits, which has
            // little to do. With a higher priority than the others it runs at once (measured with sixteen
            // connections: 0.90 of the throughput of plain signing instead of 0.85).
            builder.on_thread_start(|| give_way(GiveWay::ToFew));
        }
        match builder.enable_all().build() {
            Ok(runtime) => {
                let ended = runtime.block_on(commands::run(arguments));
                // Unfinished work of an interrupted command must not delay the exit.
                runtime.shutdown_background();
                ended
            }
            Err(error) => Err(failure::Failure::bug(format!("starting the runtime failed: {error}"))),
        }
    };
    // A panic has already printed its message; here it gets its exit code.
    let ended = std::panic::catch_unwind(AssertUnwindSafe(run));
    match ended {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(failure)) => {
            if failure.has_message() {
                output::say_failure(&failure);
            }
            ExitCode::from(failure.code())
        }
        Err(_) => ExitCode::from(3),
    }
}
