//! Go programs with pinned modules: Microsoft's clients, and applications.

use crate::run::{has, quiet, root, target};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Builds the program with Microsoft's clients for Go and returns its path.
pub fn witness() -> Result<PathBuf, String> {
    build(&root().join("tests/outside/clients/go"), ".", &target().join("go/witness"))
}

/// Builds a package as a program, in the versions that `go.mod` in the folder pins, and returns its path. Go caches
/// builds.
pub fn build(folder: &Path, package: &str, program: &Path) -> Result<PathBuf, String> {
    if !has("go") {
        return Err("Go 1.26 or newer is required".into());
    }
    let mut build = Command::new("go");
    build
        .args(["build", "-mod=readonly", "-buildvcs=false", "-ldflags=-s -w", "-o"])
        .arg(program)
        .arg(package);
    // dex contains SQLite, which no test uses. It takes a minute to compile with optimization.
    quiet(build.env("CGO_CFLAGS", "-O0").current_dir(folder))?;
    Ok(program.to_path_buf())
}
