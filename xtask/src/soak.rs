//! `cargo xtask soak`: builds the program and the attacker, and runs the attacks against a local server.

use crate::run::{cargo, target};
use std::{
    path::PathBuf,
    process::{Command, ExitCode},
};

/// Builds with the release profile and runs the attacker, which parses the flags and prints the table. With
/// `--binary`, only the attacker is built.
pub fn run(flags: &[&str]) -> ExitCode {
    let at = flags.iter().position(|flag| *flag == "--binary");
    let given = at.and_then(|at| flags.get(at + 1)).map(PathBuf::from);
    let mut build = vec!["build", "--release", "--package", "carnet-tests", "--bin", "soak"];
    if given.is_none() {
        build.extend(["--package", "carnet", "--bin", "carnet"]);
    }
    if !cargo(&build).status().is_ok_and(|status| status.success()) {
        return ExitCode::FAILURE;
    }
    let programs = target().join("release");
    let mut soak = Command::new(programs.join("soak"));
    soak.arg("--carnet").arg(given.unwrap_or_else(|| programs.join("carnet")));
    let others = flags
        .iter()
        .enumerate()
        .filter(|(position, _)| at.is_none_or(|at| *position != at && *position != at + 1));
    match soak.args(others.map(|(_, flag)| flag)).status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
