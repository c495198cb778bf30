//! Python environments with pinned packages: Microsoft's clients, and applications.

use crate::run::{has, install, quiet, root, target};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Installs Microsoft's clients for Python and returns the interpreter.
pub fn environment() -> Result<PathBuf, String> {
    install_packages(&root().join("tests/outside/clients/requirements.txt"), &target().join("python"))
}

/// Creates an environment with the packages of a requirements file, unless an earlier run did, and returns its
/// interpreter.
pub fn install_packages(wanted: &Path, folder: &Path) -> Result<PathBuf, String> {
    let pinned = fs::read_to_string(wanted).map_err(|error| format!("{}: {error}", wanted.display()))?;
    let (python, mark) = (folder.join("bin/python"), folder.join("carnet-requirements.txt"));
    if python.exists() && fs::read_to_string(&mark).is_ok_and(|made| made == pinned) {
        return Ok(python);
    }
    if !has("python3") {
        install(&["python3", "python3-venv"])?;
    }
    let make = || quiet(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder));
    if make().is_err() {
        install(&["python3-venv"])?;
        make()?;
    }
    let mut pip = Command::new(&python);
    quiet(pip.args(["-m", "pip", "install", "-q", "--disable-pip-version-check", "-r"]).arg(wanted))?;
    fs::write(&mark, pinned).map_err(|error| error.to_string())?;
    Ok(python)
}
