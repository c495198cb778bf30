//! Running programs and finding folders.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The root folder of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_path_buf)
}

/// The target folder of the build.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Whether tests that cannot be prepared are failures instead of skipped (`CI=true`).
pub fn ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}

/// A Cargo command in the root folder.
pub fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// Runs a command without showing its output. The error contains the end of the output.
pub fn quiet(command: &mut Command) -> Result<(), String> {
    let name = format!("{:?}", command.get_program());
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{name}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    let tail: Vec<&str> = text.lines().rev().take(8).collect();
    Err(format!("{name}: {}\n{}", output.status, tail.into_iter().rev().collect::<Vec<_>>().join("\n")))
}

/// Finds a program on the path.
pub fn found(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Whether a program is on the path.
pub fn has(program: &str) -> bool {
    found(program).is_some()
}

/// Whether this process runs as root.
pub fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.starts_with(b"0\n"))
}

/// Installs Debian packages, if the user may.
pub fn install(packages: &[&str]) -> Result<(), String> {
    if !has("apt-get") {
        return Err("this machine has no apt-get".into());
    }
    let apt = |arguments: &[&str]| {
        let mut command = if is_root() { Command::new("apt-get") } else { Command::new("sudo") };
        if !is_root() {
            command.args(["-n", "apt-get"]);
        }
        quiet(command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive"))
    };
    let wanted = [&["install", "-y", "-q", "--no-install-recommends"], packages].concat();
    if apt(&wanted).is_ok() {
        return Ok(());
    }
    apt(&["update", "-q"])?;
    apt(&wanted)
}
