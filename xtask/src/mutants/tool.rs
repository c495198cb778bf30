//! Runs cargo-mutants and parses its output.

use super::{install, module::Module, tree::Tree};
use crate::run::target;
use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The program's name on crates.io.
const NAME: &str = "cargo-mutants";
/// The program's version.
const VERSION: &str = "27.1.0";
/// Timeout of unit tests in seconds. They usually take about one second.
const TIMEOUT_UNIT: u32 = 120;
/// Timeout of further tests in seconds. They start servers in the test process.
const TIMEOUT_FURTHER: u32 = 600;

/// Installs the program if it is missing, and returns its path.
pub fn installed() -> Result<PathBuf, String> {
    let folder = target().join("tools");
    let program = folder.join("bin").join(NAME);
    let told = Command::new(&program).args(["mutants", "--version"]).output();
    let wanted = format!("{NAME} {VERSION}");
    if told.is_ok_and(|told| String::from_utf8_lossy(&told.stdout).trim() == wanted) {
        return Ok(program);
    }
    install(NAME, VERSION, &folder)?;
    Ok(program)
}

/// The tests that are run for each mutant.
pub enum Tests<'a> {
    /// The unit tests of the module's package.
    Unit {
        /// The package's name.
        package: &'a str,
    },
    /// Integration tests (`carnet-tests`, target `inside`) selected by name filters.
    Further {
        /// The name filters.
        filters: &'a [&'a str],
    },
}

impl Tests<'_> {
    /// The package that contains the tests.
    const fn package(&self) -> &str {
        match self {
            Self::Unit { package } => package,
            Self::Further { .. } => "carnet-tests",
        }
    }

    /// The Cargo arguments that select the target.
    const fn target(&self) -> &[&str] {
        match self {
            Self::Unit { .. } => &["--lib"],
            Self::Further { .. } => &["--test", "inside"],
        }
    }

    /// The arguments of the test program.
    const fn filters(&self) -> &[&str] {
        match self {
            Self::Unit { .. } => &[],
            Self::Further { filters } => filters,
        }
    }

    const fn timeout(&self) -> u32 {
        match self {
            Self::Unit { .. } => TIMEOUT_UNIT,
            Self::Further { .. } => TIMEOUT_FURTHER,
        }
    }

    /// Builds and runs the tests on unchanged sources, where they have to pass.
    pub fn check(&self, tree: &Path) -> Result<(), String> {
        let mut test = Command::new(cargo());
        test.args(["test", "--quiet", "--package", self.package()]).args(self.target());
        test.arg("--").args(self.filters());
        let output = environment(&mut test, tree).output().map_err(|error| format!("cargo: {error}"))?;
        if output.status.success() {
            return Ok(());
        }
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        let tail: Vec<&str> = text.lines().rev().take(20).collect();
        let tail: Vec<&str> = tail.into_iter().rev().collect();
        Err(format!("the tests fail without a mutation:\n{}", tail.join("\n")))
    }
}

fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Each copy of the workspace has its own target folder and builds without debug information, which is faster.
fn environment<'a>(command: &'a mut Command, tree: &Path) -> &'a mut Command {
    command.current_dir(tree).env_remove("CARGO_TARGET_DIR").env("CARGO_PROFILE_DEV_DEBUG", "none")
}

/// Runs the selected mutants of a module.
pub fn run(
    program: &Path,
    tree: &Tree,
    module: &Module,
    tests: &Tests<'_>,
    selection: &[&str],
) -> Result<Outcome, String> {
    let results = tree.output.join("mutants.out");
    let _ = fs::remove_dir_all(&results);
    let mut mutants = Command::new(program);
    mutants.args(["mutants", "--in-place", "--baseline", "skip", "--no-shuffle", "--no-times"]);
    mutants.args(["--colors", "never", "--annotations", "none", "--output"]).arg(&tree.output);
    mutants.args(["--package", &module.package, "--file", &module.pattern()]);
    mutants.args(["--test-package", tests.package(), "--timeout", &tests.timeout().to_string()]);
    mutants.args(tests.target().iter().map(|word| format!("--cargo-arg={word}"))).args(selection);
    if !tests.filters().is_empty() {
        mutants.args(["--", "--"]).args(tests.filters());
    }
    let ended = environment(&mut mutants, &tree.folder).stdin(Stdio::null()).status();
    let ended = ended.map_err(|error| format!("{NAME}: {error}"))?;
    // 2: some mutants were missed. 3: some timed out.
    match ended.code() {
        Some(0 | 2 | 3) => Outcome::read(&results),
        _ => Err(format!("{NAME} failed: {ended}")),
    }
}

/// The mutants by result. Names are such as `crates/tenant/src/redirect.rs:12:5: replace == with != in matches`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// A test failed.
    pub caught: Vec<String>,
    /// All tests passed.
    pub missed: Vec<String>,
    /// The tests did not end.
    pub timeout: Vec<String>,
    /// The change did not compile.
    pub unviable: Vec<String>,
}

impl Outcome {
    fn read(folder: &Path) -> Result<Self, String> {
        let list = |name: &str| match fs::read_to_string(folder.join(name)) {
            Ok(text) => Ok(text.lines().map(str::to_owned).collect()),
            Err(error) => Err(format!("{}: {error}", folder.join(name).display())),
        };
        Ok(Self {
            caught: list("caught.txt")?,
            missed: list("missed.txt")?,
            timeout: list("timeout.txt")?,
            unviable: list("unviable.txt")?,
        })
    }

    /// Adds the results of another run.
    pub fn extend(&mut self, other: Self) {
        self.caught.extend(other.caught);
        self.missed.extend(other.missed);
        self.timeout.extend(other.timeout);
        self.unviable.extend(other.unviable);
    }

    /// Replaces the results of some missed mutants by those of a further run. A mutant that this run could not build
    /// stays missed, because no test caught it.
    pub fn replace(&mut self, names: &[String], mut again: Self) {
        self.missed.retain(|name| !names.contains(name));
        again.missed.append(&mut again.unviable);
        self.extend(again);
    }

    /// The number of mutants.
    pub fn total(&self) -> usize {
        self.names().count()
    }

    /// The names of all mutants.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        self.caught.iter().chain(&self.missed).chain(&self.timeout).chain(&self.unviable)
    }
}

/// A regular expression that matches exactly this text.
pub fn exactly(text: &str) -> String {
    let mut pattern = String::from("^");
    for c in text.chars() {
        if "\\.+*?()|[]{}^$#&-~".contains(c) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('$');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_further_run_moves_what_it_caught() {
        let mut outcome =
            Outcome { caught: names(&["a"]), missed: names(&["b", "c", "d", "e"]), ..Outcome::default() };
        let again = Outcome {
            caught: names(&["b"]),
            missed: names(&["c"]),
            timeout: names(&["d"]),
            unviable: Vec::new(),
        };
        outcome.replace(&names(&["b", "c", "d"]), again);
        assert_eq!(outcome.caught, ["a", "b"]);
        assert_eq!(outcome.missed, ["e", "c"]);
        assert_eq!(outcome.timeout, ["d"]);
        assert_eq!(outcome.total(), 5);
    }

    #[test]
    fn a_pattern_matches_its_text_alone() {
        assert_eq!(
            exactly("a.rs:1:2: replace && with || in f"),
            "^a\\.rs:1:2: replace \\&\\& with \\|\\| in f$"
        );
        assert_eq!(exactly("-> Option<&str> with None"), "^\\-> Option<\\&str> with None$");
    }
}
