//! Lookup of modules by name.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The package that is searched first, because it contains the rules.
const RULES: &str = "tenant";

/// A source file, or a folder with all its source files.
#[derive(Debug, PartialEq, Eq)]
pub struct Module {
    /// The package's folder and the path below `src`, such as `tenant/token/scope`.
    pub name: String,
    /// The package's name in its manifest.
    pub package: String,
    /// The path of the file or folder, relative to the workspace.
    pub path: PathBuf,
    /// Whether it is a folder.
    pub is_folder: bool,
}

impl Module {
    /// The pattern that selects the module's files.
    pub fn pattern(&self) -> String {
        let path = self.path.display();
        if self.is_folder { format!("{path}/**/*.rs") } else { path.to_string() }
    }
}

/// Finds a module by the end of its path below `crates/*/src`: `redirect`, `token/scope`, or with its package,
/// `login/consent`. A module of the rules is preferred over others with the same name.
pub fn find(root: &Path, name: &str) -> Result<Module, String> {
    let mut all = Vec::new();
    for package in folders(&root.join("crates")) {
        let source = root.join("crates").join(&package).join("src");
        walk(&source, "", &mut |inner, is_folder| {
            let full = format!("{package}/{inner}");
            if full == name || full.ends_with(&format!("/{name}")) {
                all.push((full, is_folder));
            }
        });
    }
    all.sort();
    // Order of preference: an exact name with its package, a module of the rules, the only module.
    let rule = |full: &str| full.split('/').next() == Some(RULES);
    let exact: Vec<_> = all.iter().filter(|(full, _)| full == name).collect();
    let rules: Vec<_> = all.iter().filter(|(full, _)| rule(full)).collect();
    let all: Vec<_> = all.iter().collect();
    let chosen = [exact, rules, all].into_iter().find(|found| !found.is_empty()).unwrap_or_default();
    match chosen.as_slice() {
        [(full, is_folder)] => module(root, full, *is_folder),
        [] => Err(format!("no module `{name}` in crates/*/src")),
        several => {
            let names: Vec<&str> = several.iter().map(|(full, _)| full.as_str()).collect();
            Err(format!("several modules are named `{name}`; use one of: {}", names.join(", ")))
        }
    }
}

fn module(root: &Path, full: &str, is_folder: bool) -> Result<Module, String> {
    let (folder, inner) = full.split_once('/').ok_or_else(|| format!("`{full}` is not a module"))?;
    let manifest = root.join("crates").join(folder).join("Cargo.toml");
    let text = fs::read_to_string(&manifest).map_err(|error| format!("{}: {error}", manifest.display()))?;
    let package = text.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
    let package = package.ok_or_else(|| format!("{}: no package name", manifest.display()))?.to_owned();
    let suffix = if is_folder { "" } else { ".rs" };
    let path = PathBuf::from(format!("crates/{folder}/src/{inner}{suffix}"));
    Ok(Module { name: full.to_owned(), package, path, is_folder })
}

/// Calls `found` for each module below a folder, with whether it is a folder.
fn walk(folder: &Path, above: &str, found: &mut dyn FnMut(&str, bool)) {
    let inside = |name: &str| if above.is_empty() { name.to_owned() } else { format!("{above}/{name}") };
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            // If a file has the same name, the file is the module and the folder contains its parts.
            if !folder.join(format!("{name}.rs")).exists() {
                found(&inside(&name), true);
            }
            walk(&path, &inside(&name), found);
        } else if let Some(stem) = name.strip_suffix(".rs").filter(|stem| *stem != "mod") {
            found(&inside(stem), false);
        }
    }
}

fn folders(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let inner = entries.filter(|entry| entry.path().is_dir());
    inner.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::root;

    fn name(name: &str) -> Result<String, String> {
        find(&root(), name).map(|module| module.name)
    }

    #[test]
    fn a_short_name_finds_the_rule() {
        let module = find(&root(), "redirect").unwrap();
        assert_eq!(module.name, "tenant/redirect");
        assert_eq!(module.package, "carnet-tenant");
        assert_eq!(module.pattern(), "crates/tenant/src/redirect.rs");
        assert_eq!(name("token/scope").as_deref(), Ok("tenant/token/scope"));
        assert_eq!(
            find(&root(), "token/scope").map(|it| it.pattern()).as_deref(),
            Ok("crates/tenant/src/token/scope.rs")
        );
        // The token service has a file with this name too; the rule is preferred.
        assert_eq!(name("consent").as_deref(), Ok("tenant/consent"));
    }

    #[test]
    fn a_package_in_front_finds_another_package_and_a_folder() {
        assert_eq!(name("login/consent").as_deref(), Ok("login/consent"));
        let denials = find(&root(), "tenant/token/denial").unwrap();
        assert_eq!(denials.pattern(), "crates/tenant/src/token/denial/**/*.rs");
    }

    #[test]
    fn an_unknown_name_and_a_part_of_a_name_are_errors() {
        assert!(name("no_such_module").unwrap_err().contains("no module"));
        assert!(name("edirect").unwrap_err().contains("no module"));
    }

    #[test]
    fn a_name_in_two_packages_has_to_say_which() {
        let root = std::env::temp_dir().join(format!("carnet-xtask-module-{}", std::process::id()));
        for package in ["one", "two"] {
            let source = root.join("crates").join(package).join("src");
            fs::create_dir_all(&source).unwrap();
            fs::write(source.join("same.rs"), "").unwrap();
            fs::write(root.join("crates").join(package).join("Cargo.toml"), "name = \"carnet-it\"\n")
                .unwrap();
        }
        let error = find(&root, "same").unwrap_err();
        assert!(error.contains("use one of: one/same, two/same"), "{error}");
        assert_eq!(find(&root, "two/same").map(|module| module.name).as_deref(), Ok("two/same"));
        fs::remove_dir_all(root).unwrap();
    }
}
