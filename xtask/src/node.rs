//! Node.js with pinned packages: Microsoft's client libraries, a browser driver, axe, and applications.

use crate::run::{has, install, quiet, root, target};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The oldest release that the packages support.
const OLDEST: u32 = 20;
/// The files that pin the packages.
const PINNED: [&str; 2] = ["package.json", "package-lock.json"];

/// Installs the packages for the browser tests and Microsoft's clients, and returns their folder.
pub fn environment() -> Result<PathBuf, String> {
    install_packages(&root().join("tests/outside/browser"), &target().join("node"))
}

/// Installs the packages that the files in a source folder pin, unless an earlier run did, and returns the folder
/// `node_modules`.
pub fn install_packages(source: &Path, folder: &Path) -> Result<PathBuf, String> {
    let missing: Vec<&str> =
        [("node", "nodejs"), ("npm", "npm")].into_iter().filter(|it| !has(it.0)).map(|it| it.1).collect();
    if !missing.is_empty() {
        install(&missing)?;
    }
    new_enough()?;
    let (modules, mark) = (folder.join("node_modules"), folder.join("carnet-packages.json"));
    let pinned = pinned(source)?;
    if modules.exists() && fs::read_to_string(&mark).is_ok_and(|made| made == pinned) {
        return Ok(modules);
    }
    let copied = |name: &str| fs::copy(source.join(name), folder.join(name)).map(drop);
    fs::create_dir_all(folder)
        .and_then(|()| PINNED.into_iter().try_for_each(copied))
        .map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(folder);
    // The tests use Debian's Chromium, so the driver must not download a browser.
    quiet(npm.env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1"))?;
    fs::write(&mark, pinned).map_err(|error| error.to_string())?;
    Ok(modules)
}

/// Checks the release of Node.js. Debian 13 and newer have a recent one.
fn new_enough() -> Result<(), String> {
    let told = Command::new("node").arg("--version").output().map_err(|error| format!("node: {error}"))?;
    let text = String::from_utf8_lossy(&told.stdout);
    let release = text.trim().trim_start_matches('v').split('.').next().and_then(|it| it.parse::<u32>().ok());
    match release {
        Some(release) if release >= OLDEST => Ok(()),
        _ => Err(format!("Node.js {OLDEST} or newer is required; found {}", text.trim())),
    }
}

fn pinned(source: &Path) -> Result<String, String> {
    let read = |name: &str| {
        let file = source.join(name);
        fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))
    };
    PINNED.into_iter().map(read).collect()
}
