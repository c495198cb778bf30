//! The Java program with Microsoft's clients in pinned versions.

use crate::run::{has, quiet, root, target};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Compiles the program and copies its libraries, unless an earlier run did, and returns their folder. Maven stores
/// downloads in the user's local repository.
pub fn witness() -> Result<PathBuf, String> {
    if ["mvn", "java", "javac"].into_iter().any(|program| !has(program)) {
        return Err("JDK 17 or newer and Maven are required".into());
    }
    let (source, folder) = (root().join("tests/outside/clients/java"), target().join("java"));
    let mark = folder.join("carnet-sources.txt");
    let sources = sources(&source).map_err(|error| format!("{}: {error}", source.display()))?;
    if fs::read_to_string(&mark).is_ok_and(|made| made == sources) {
        return Ok(folder);
    }
    if folder.exists() {
        // A library of another version would stay on the class path.
        fs::remove_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let mut maven = Command::new("mvn");
    maven.args(["--batch-mode", "--quiet", "compiler:compile", "dependency:copy-dependencies"]);
    maven.arg(format!("-Dfolder={}", folder.display()));
    quiet(maven.current_dir(&source))?;
    fs::write(&mark, sources).map_err(|error| error.to_string())?;
    Ok(folder)
}

/// The content of the program's sources and of the file that pins its libraries.
fn sources(folder: &Path) -> std::io::Result<String> {
    let mut files = vec![folder.join("pom.xml")];
    for entry in fs::read_dir(folder.join("src/main/java/carnet"))? {
        files.push(entry?.path());
    }
    files.sort();
    files.iter().map(fs::read_to_string).collect()
}
