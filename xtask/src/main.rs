//! Tasks of the workspace, with the standard library alone, so that they build in a second.
//!
//! `cargo xtask test` installs or starts what the tests need and runs all of them; `cargo xtask bench` builds
//! the measured programs and prints their ratios.

#![expect(clippy::disallowed_macros, reason = "a task talks to the person who runs it")]
#![expect(clippy::disallowed_methods, reason = "tasks pass the environment on")]

mod bench;
mod browser;
mod clients;
mod node;
mod postgres;
mod python;
mod run;
mod test;

use std::{path::PathBuf, process::ExitCode};

const USAGE: &str = "\
usage: cargo xtask test [--clients DIR]   run every test; DIR holds a further suite of real clients
       cargo xtask bench [--quick] [--only WORD]
                                         measure against the ceiling and print the table of ratios";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["test"] => test::run(None),
        ["test", "--clients", folder] => test::run(Some(PathBuf::from(folder))),
        ["bench", flags @ ..]
            if matches!(flags, [] | ["--quick"] | ["--only", _] | ["--quick", "--only", _]) =>
        {
            bench::run(flags)
        }
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}
