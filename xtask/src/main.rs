//! Tasks of the workspace. They use only the standard library, so that they build within a second.
//!
//! `cargo xtask test` prepares what the tests need and runs them all. `cargo xtask bench` measures the performance.
//! `cargo xtask soak` attacks a server and compares the costs with limits. `cargo xtask mutants` reports changes of a
//! module that no test detects.

#![expect(clippy::disallowed_macros, reason = "tasks print messages for the developer")]
#![expect(clippy::disallowed_methods, reason = "tasks pass the environment to other programs")]

mod applications;
mod bench;
mod browser;
mod clients;
mod go;
mod java;
mod mutants;
mod node;
mod postgres;
mod python;
mod run;
mod soak;
mod test;

use std::{path::PathBuf, process::ExitCode};

const USAGE: &str = "\
usage: cargo xtask test [--clients DIR]
           run all tests; DIR contains an additional suite of real clients
       cargo xtask bench [--against BINARY] [--quick] [--only WORD]
           measure against the ceiling, or against another carnet program, and print the ratios
       cargo xtask soak [--quick] [--binary BINARY] [--only WORD]
           attack a server for 30 minutes (--quick: 5 minutes), print the costs, and fail if a limit
           is exceeded
       cargo xtask mutants MODULE...
           change modules in many small ways, run their tests, and update docs/mutants.md; fail if an
           undetected change has no reason there";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["test"] => test::run(None),
        ["test", "--clients", folder] => test::run(Some(PathBuf::from(folder))),
        ["bench", flags @ ..] if known(flags, &["--against", "--only"]) => bench::run(flags),
        ["soak", flags @ ..] if known(flags, &["--binary", "--only"]) => soak::run(flags),
        ["mutants", names @ ..] if !names.is_empty() && !names.iter().any(|name| name.starts_with('-')) => {
            mutants::run(names)
        }
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// Whether all flags are `--quick` or one of these with a value, each at most once.
fn known(flags: &[&str], with_value: &[&str]) -> bool {
    let mut seen = Vec::new();
    let mut flags = flags.iter();
    while let Some(flag) = flags.next() {
        let value = with_value.contains(flag);
        let valued = !value || flags.next().is_some_and(|value| !value.starts_with("--"));
        if seen.contains(flag) || !valued || !(value || *flag == "--quick") {
            return false;
        }
        seen.push(flag);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::known;

    #[test]
    fn flags_are_taken_in_any_order_and_once() {
        let values = ["--against", "--only"];
        assert!(known(&[], &values));
        assert!(known(&["--only", "secret", "--quick", "--against", "old/carnet"], &values));
        assert!(!known(&["--only"], &values));
        assert!(!known(&["--only", "--quick"], &values));
        assert!(!known(&["--quick", "--quick"], &values));
        assert!(!known(&["--slow"], &values));
        assert!(!known(&["quick"], &values));
    }
}
