//! Runs an external suite of real clients against `carnet up`.

use crate::run::{quiet, target};
use std::{
    path::Path,
    process::{Command, Stdio},
};

/// Runs the suite and returns the numbers of passed and failed cases.
pub fn run(suite: &Path, binary: &Path) -> Result<(u32, u32), String> {
    let work = target().join("clients");
    let cache = work.join("cache");
    std::fs::create_dir_all(&work).map_err(|error| error.to_string())?;
    quiet(Command::new("bash").arg(suite.join("setup.sh")).arg(&cache))?;
    let python = cache.join("venv/bin/python");
    let folder = work.join("tenant");
    let _ = std::fs::remove_dir_all(&folder);
    let mut command = Command::new("python3");
    command
        .arg(suite.join("carnet.py"))
        .arg("--binary")
        .arg(binary)
        .arg("--dir")
        .arg(&folder)
        .arg("--extra")
        .arg("--");
    command.arg(python).arg(suite.join("run.py")).arg("--cache").arg(&cache).args(["--tenant", "{tenant}"]);
    let output = command.stderr(Stdio::inherit()).output().map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    for line in text.lines().filter(|line| !line.starts_with("PASS ")) {
        println!("    {line}");
    }
    let count =
        |word: &str| u32::try_from(text.lines().filter(|line| line.starts_with(word)).count()).unwrap_or(0);
    let (passed, failed) = (count("PASS "), count("FAIL ") + count("SKIP "));
    match passed + failed {
        0 => Err("the suite ran no cases".into()),
        _ => Ok((passed, failed)),
    }
}
