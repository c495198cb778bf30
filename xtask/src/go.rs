//! The program with the pinned Microsoft clients for Go.

use crate::run::{has, quiet, root, target};
use std::{path::PathBuf, process::Command};

/// Builds the program; where it is. Go keeps what it has built before.
pub fn witness() -> Result<PathBuf, String> {
    if !has("go") {
        return Err("Go 1.25 or newer is needed".into());
    }
    let program = target().join("go/witness");
    let mut build = Command::new("go");
    build.args(["build", "-mod=readonly", "-buildvcs=false", "-o"]).arg(&program).arg(".");
    quiet(build.current_dir(root().join("tests/outside/clients/go")))?;
    Ok(program)
}
