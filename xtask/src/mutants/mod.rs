//! `cargo xtask mutants MODULE…`: changes one module in many small ways and reports the changes that no test detects.
//!
//! Each mutant runs the unit tests of its package; survivors also run the tests in [`FURTHER`]. Results and the
//! reasons for accepted survivors are in `docs/mutants.md`.

mod module;
mod report;
mod tool;
mod tree;

use crate::run::{quiet, root};
use module::Module;
use report::{Report, Survivor, Tally};
use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    thread,
    time::Instant,
};
use tool::{Outcome, Tests};
use tree::Tree;

/// Number of copies of the workspace that run mutants in parallel.
const JOBS: usize = 2;

/// Integration tests (`carnet-tests`, target `inside`) for a module, as name filters. They run only for mutants that
/// the unit tests did not catch, because each costs a build of the server.
const FURTHER: &[Further] = &[
    Further { module: "tenant/redirect", filters: &["redirect"] },
    Further {
        module: "tenant/consent",
        filters: &["consent", "review_rights", "microsoft_apis", "multi_tenant"],
    },
    Further {
        module: "tenant/permission_grant",
        filters: &["consent", "grant", "review_rights", "access::"],
    },
    Further {
        module: "tenant/token/scope",
        filters: &["scope", "consent", "login::claims", "login::libraries", "on_behalf", "review_rights"],
    },
    Further { module: "tenant/permission", filters: &["graph::", "access::", "review_rights"] },
    Further {
        module: "tenant/access",
        filters: &["graph::", "power_platform::", "access::", "review_rights"],
    },
    Further {
        module: "tenant/service_principal",
        filters: &[
            "graph::",
            "admin_consent",
            "access::",
            "review_rights",
            "microsoft_apis",
            "multi_tenant",
            "laws",
        ],
    },
    Further { module: "tenant/admin_registration", filters: &["power_platform::", "access::"] },
];

/// The integration tests for one module.
struct Further {
    module: &'static str,
    filters: &'static [&'static str],
}

/// Runs the modules one after another and updates the report after each.
pub fn run(names: &[&str]) -> ExitCode {
    match all(names) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(open) => {
            println!(
                "{open} survivors have no reason yet. Write a test that catches each, or a reason into {FILE}."
            );
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The file with results and reasons.
const FILE: &str = "docs/mutants.md";

/// Runs the modules and returns the number of survivors without a reason.
fn all(names: &[&str]) -> Result<usize, String> {
    let modules: Vec<Module> =
        names.iter().map(|name| module::find(&root(), name)).collect::<Result<_, _>>()?;
    let program = tool::installed()?;
    let trees: Vec<Tree> = (0..JOBS).map(Tree::prepare).collect::<Result<_, _>>()?;
    // The copies are complete; from here on, the checkout may change.
    let commits: Vec<String> = modules.iter().map(|module| commit(&module.path)).collect::<Result<_, _>>()?;
    let mut open = 0;
    for (module, commit) in modules.iter().zip(commits) {
        let begun = Instant::now();
        let mut report = read_report()?;
        let found = examine(&program, &trees, module, &report)?;
        print_outcome(module, &found, begun);
        let tally = Tally {
            module: module.name.clone(),
            commit,
            caught: found.caught.len(),
            alive: found.missed.len(),
            timeout: found.timeout.len(),
            unviable: found.unviable.len(),
        };
        report.record(tally, survivors(module, &found).into_iter().map(|(_, survivor)| survivor).collect());
        for survivor in report.survivors_of(&module.name) {
            let reason = if survivor.reason.is_empty() { "NO REASON" } else { &survivor.reason };
            println!("  {}: {}: {reason}", survivor.file, survivor.mutation);
        }
        open += report.without_reason(&module.name);
        write_report(&report)?;
    }
    Ok(open)
}

/// Runs the mutants of one module: first against the unit tests, then survivors against further tests.
fn examine(program: &Path, trees: &[Tree], module: &Module, report: &Report) -> Result<Outcome, String> {
    println!("{}: the tests of {} without a mutation", module.name, module.package);
    let unit = Tests::Unit { package: &module.package };
    on_each(trees, |tree| unit.check(&tree.folder))?;
    println!("{}: mutants of {} against the unit tests", module.name, module.path.display());
    let parts = on_each(trees, |tree| {
        let shard = format!("{}/{JOBS}", tree.number);
        tool::run(program, tree, module, &unit, &["--shard", &shard, "--sharding", "round-robin"])
    })?;
    let mut found = Outcome::default();
    parts.into_iter().for_each(|part| found.extend(part));
    if found.total() == 0 {
        return Err(format!("{} has no mutants", module.path.display()));
    }
    let Some(further) = FURTHER.iter().find(|further| further.module == module.name) else {
        return Ok(found);
    };
    // A survivor with a reason does not have to be caught.
    let again: Vec<String> = survivors(module, &found)
        .into_iter()
        .filter(|(_, survivor)| report.reason(survivor).is_empty())
        .map(|(name, _)| name)
        .collect();
    if again.is_empty() {
        return Ok(found);
    }
    println!(
        "{}: {} survivors against further tests: {}",
        module.name,
        again.len(),
        further.filters.join(", ")
    );
    let tests = Tests::Further { filters: further.filters };
    let tree = trees.first().ok_or("there is no tree")?;
    tests.check(&tree.folder)?;
    let patterns: Vec<String> = again.iter().map(|name| tool::exactly(name)).collect();
    let chosen: Vec<&str> = patterns.iter().flat_map(|pattern| ["--re", pattern.as_str()]).collect();
    found.replace(&again, tool::run(program, tree, module, &tests, &chosen)?);
    Ok(found)
}

/// Runs work in all copies in parallel.
fn on_each<T: Send>(
    trees: &[Tree],
    work: impl Fn(&Tree) -> Result<T, String> + Sync,
) -> Result<Vec<T>, String> {
    thread::scope(|scope| {
        let running: Vec<_> = trees.iter().map(|tree| scope.spawn(|| work(tree))).collect();
        let ended = running.into_iter().map(|one| one.join().map_err(|_| "a worker panicked".to_owned())?);
        ended.collect()
    })
}

/// The survivors with their names in cargo-mutants, in source order.
fn survivors(module: &Module, found: &Outcome) -> Vec<(String, Survivor)> {
    let missed = |name: &String| found.missed.contains(name);
    let all = report::identities(found.names()).into_iter().filter(|(name, _)| missed(name));
    let survivor = |identity: report::Identity| Survivor {
        module: module.name.clone(),
        file: identity.file,
        mutation: identity.mutation,
        reason: String::new(),
    };
    all.map(|(name, identity)| (name, survivor(identity))).collect()
}

fn print_outcome(module: &Module, found: &Outcome, begun: Instant) {
    println!(
        "{}: {} mutants in {:.1} minutes: {} caught, {} missed, {} timeout, {} unviable",
        module.name,
        found.total(),
        begun.elapsed().as_secs_f64() / 60.0,
        found.caught.len(),
        found.missed.len(),
        found.timeout.len(),
        found.unviable.len()
    );
}

/// The commit of the checkout, and whether the module has uncommitted changes.
fn commit(path: &Path) -> Result<String, String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).arg("--").arg(path).current_dir(root()).output();
        output.map_err(|error| format!("git: {error}"))
    };
    let head = Command::new("git").args(["rev-parse", "--short", "HEAD"]).current_dir(root()).output();
    let head = head.map_err(|error| format!("git: {error}"))?;
    let head = String::from_utf8_lossy(&head.stdout).trim().to_owned();
    let changed = !git(&["status", "--porcelain"])?.stdout.is_empty();
    Ok(if changed { format!("{head} with changes") } else { head })
}

fn file() -> PathBuf {
    root().join(FILE)
}

fn read_report() -> Result<Report, String> {
    match std::fs::read_to_string(file()) {
        Ok(text) => Report::parse(&text).map_err(|error| format!("{FILE}: {error}")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Report::parse(report::EMPTY),
        Err(error) => Err(format!("{FILE}: {error}")),
    }
}

fn write_report(report: &Report) -> Result<(), String> {
    let folder = file().parent().map(Path::to_path_buf).unwrap_or_default();
    let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(file(), report.to_string()));
    written.map_err(|error| format!("{FILE}: {error}"))
}

/// Installs a program from crates.io in this version.
fn install(name: &str, version: &str, folder: &Path) -> Result<(), String> {
    println!("installing {name} {version} into {}", folder.display());
    let mut cargo = crate::run::cargo(&["install", name, "--locked", "--version", version, "--root"]);
    quiet(cargo.arg(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_module_with_further_tests_exists() {
        for further in FURTHER {
            let found = module::find(&root(), further.module).map(|module| module.name);
            assert_eq!(found.as_deref(), Ok(further.module));
            assert!(!further.filters.is_empty());
        }
    }
}
