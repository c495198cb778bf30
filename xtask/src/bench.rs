//! `cargo xtask bench`: builds the program, the ceiling and the load generator, and runs the measurements. With
//! `--against BINARY`, another program is measured instead of the ceiling.

use crate::run::{cargo, target};
use std::process::{Command, ExitCode};

/// Builds with the release profile for packages and runs the load generator, which parses the flags and prints the
/// table.
pub fn run(flags: &[&str]) -> ExitCode {
    let build = ["build", "--profile", "dist", "--package", "carnet", "--package", "carnet-tests", "--bins"];
    if !cargo(&build).status().is_ok_and(|status| status.success()) {
        return ExitCode::FAILURE;
    }
    // The build's writes must not slow down the disk during the measurement.
    let _ = Command::new("sync").status();
    let programs = target().join("dist");
    let mut load = Command::new(programs.join("load"));
    load.arg("--carnet").arg(programs.join("carnet")).arg("--ceiling").arg(programs.join("ceiling"));
    match load.args(flags).status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
