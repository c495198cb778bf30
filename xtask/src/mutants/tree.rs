//! Copies of the workspace below `target/mutants`, in which mutants are built and tested.
//!
//! Each copy has its own `target` folder, so that a mutant costs one incremental build. The checkout is not changed.

use crate::run::{root, target};
use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

/// A copy of the workspace.
pub struct Tree {
    /// The copy's number, from 0.
    pub number: usize,
    /// The folder of the copy.
    pub folder: PathBuf,
    /// The folder for the results of runs in this copy.
    pub output: PathBuf,
}

impl Tree {
    /// Creates the copy, or updates the copy of an earlier run.
    pub fn prepare(number: usize) -> Result<Self, String> {
        let folder = target().join("mutants").join(format!("tree-{number}"));
        let output = target().join("mutants").join(format!("output-{number}"));
        let files = sources()?;
        update(&root(), &folder, &files)
            .and_then(|()| fs::create_dir_all(&output))
            .map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(Self { number, folder, output })
    }
}

/// The files of the checkout that git tracks or would add.
fn sources() -> Result<BTreeSet<PathBuf>, String> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .map_err(|error| format!("git: {error}"))?;
    let text = String::from_utf8(listed.stdout).map_err(|error| format!("git: {error}"))?;
    let files = text.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from);
    let files: BTreeSet<PathBuf> = files.filter(|file| root().join(file).is_file()).collect();
    if files.is_empty() { Err("git listed no files".into()) } else { Ok(files) }
}

/// Copies files that differ, so that unchanged files keep their modification times and are not built again, and
/// removes deleted ones.
fn update(from: &Path, to: &Path, files: &BTreeSet<PathBuf>) -> io::Result<()> {
    for file in files {
        let (source, copy) = (from.join(file), to.join(file));
        let wanted = fs::read(&source)?;
        if fs::read(&copy).is_ok_and(|there| there == wanted) {
            continue;
        }
        if let Some(parent) = copy.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&copy, wanted)?;
        fs::set_permissions(&copy, fs::metadata(&source)?.permissions())?;
    }
    remove_others(to, Path::new(""), files)
}

fn remove_others(tree: &Path, below: &Path, files: &BTreeSet<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(tree.join(below))? {
        let entry = entry?;
        let inner = below.join(entry.file_name());
        // The build output of the copy.
        if inner == Path::new("target") {
            continue;
        }
        if entry.file_type()?.is_dir() {
            remove_others(tree, &inner, files)?;
        } else if !files.contains(&inner) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_copies_what_differs_and_removes_what_is_gone() {
        let base = std::env::temp_dir().join(format!("carnet-xtask-tree-{}", std::process::id()));
        let (from, to) = (base.join("from"), base.join("to"));
        let write = |file: PathBuf, text: &str| {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        };
        write(from.join("a/same.rs"), "same");
        write(from.join("a/mutated.rs"), "good");
        write(to.join("a/same.rs"), "same");
        write(to.join("a/mutated.rs"), "bad");
        write(to.join("a/gone.rs"), "gone");
        write(to.join("target/built"), "built");
        let before = fs::metadata(to.join("a/same.rs")).unwrap().modified().unwrap();
        let files = ["a/same.rs", "a/mutated.rs"].map(PathBuf::from).into();
        update(&from, &to, &files).unwrap();
        assert_eq!(fs::read_to_string(to.join("a/mutated.rs")).unwrap(), "good");
        assert_eq!(fs::metadata(to.join("a/same.rs")).unwrap().modified().unwrap(), before);
        assert!(!to.join("a/gone.rs").exists() && to.join("target/built").exists());
        fs::remove_dir_all(base).unwrap();
    }
}
