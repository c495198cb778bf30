//! `cargo xtask test`: prepares what the tests need and runs them all. The last lines are a summary.

use crate::{
    applications, browser, clients, go, java, node,
    postgres::Cluster,
    python,
    run::{cargo, ci, target},
};
use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Command, ExitCode, Stdio},
    time::Instant,
};

/// The result of one suite.
struct Suite {
    name: &'static str,
    passed: u32,
    failed: u32,
    skipped: Option<String>,
}

/// Runs all tests.
pub fn run(suite: Option<PathBuf>) -> ExitCode {
    let start = Instant::now();
    let mut suites = Vec::new();
    let cluster = started("PostgreSQL", Cluster::start(), &mut suites);
    let python = started("Python clients", python::environment(), &mut suites);
    let go = started("Go clients", go::witness(), &mut suites);
    let java = started("Java clients", java::witness(), &mut suites);
    let modules = started("Node.js clients", node::environment(), &mut suites);
    let chromium = started("Chromium", browser::chromium(), &mut suites);
    // Installing waits for downloads and building does not, so they run in parallel.
    let applications = std::thread::spawn(applications::prepare);
    println!("building the program and its tests");
    let built = cargo(&["build", "--quiet", "--package", "carnet"]).status();
    let binary = target().join("debug/carnet");
    if !built.is_ok_and(|status| status.success()) {
        suites.push(failed("build"));
        return finish(&suites, start);
    }
    let Ok(applications) = applications.join() else { return finish(&[failed("applications")], start) };
    let mut tests = cargo(&["test", "--workspace", "--no-fail-fast", "--quiet", "--", "--format=pretty"]);
    tests.env("CARNET_TEST_BINARY", &binary);
    if let Some(cluster) = &cluster {
        tests.env("CARNET_TEST_POSTGRES", &cluster.url);
    }
    let prepared = [
        ("CARNET_TEST_PYTHON", python),
        ("CARNET_TEST_GO", go),
        ("CARNET_TEST_JAVA", java),
        ("CARNET_TEST_NODE_MODULES", modules),
        ("CARNET_TEST_CHROMIUM", chromium),
        ("CARNET_TEST_OAUTH2_PROXY", started("oauth2-proxy", applications.oauth2_proxy, &mut suites)),
        ("CARNET_TEST_DEX", started("dex", applications.dex, &mut suites)),
        ("CARNET_TEST_NODE_APPLICATIONS", started("Node.js applications", applications.node, &mut suites)),
        ("CARNET_TEST_PYTHON_APPLICATIONS", started("Python applications", applications.python, &mut suites)),
        ("CARNET_TEST_SCREENSHOTS", Some(target().join("screenshots"))),
    ];
    tests.envs(prepared.into_iter().filter_map(|(name, path)| Some((name, path?))));
    suites.push(counted(tests));
    if let Some(folder) = suite {
        suites.push(match clients::run(&folder, &binary) {
            Ok((passed, failed)) => Suite { name: "suite of real clients", passed, failed, skipped: None },
            Err(why) => skipped("suite of real clients", why),
        });
    }
    drop(cluster);
    finish(&suites, start)
}

fn failed(name: &'static str) -> Suite {
    Suite { name, passed: 0, failed: 1, skipped: None }
}

/// A suite that could not be prepared. With `CI=true`, it counts as failed.
fn skipped(name: &'static str, why: String) -> Suite {
    Suite { name, passed: 0, failed: u32::from(ci()), skipped: Some(why) }
}

fn started<T>(name: &'static str, made: Result<T, String>, suites: &mut Vec<Suite>) -> Option<T> {
    made.map_err(|why| suites.push(skipped(name, why))).ok()
}

/// Runs the tests, shows everything except passed tests, and counts.
fn counted(mut command: Command) -> Suite {
    let mut suite = Suite { name: "workspace", passed: 0, failed: 0, skipped: None };
    let spawned = command.stdout(Stdio::piped()).spawn();
    let Ok(mut child) = spawned else { return failed("workspace") };
    for line in
        child.stdout.take().into_iter().flat_map(|out| BufReader::new(out).lines()).map_while(Result::ok)
    {
        if let Some(result) = line.strip_prefix("test result: ") {
            suite.passed += number(result, " passed");
            suite.failed += number(result, " failed");
        } else if !line.ends_with(" ... ok") && !line.is_empty() && !line.starts_with("running ") {
            println!("{line}");
        }
    }
    let good = child.wait().is_ok_and(|status| status.success());
    if !good && suite.failed == 0 {
        suite.failed = 1;
    }
    suite
}

/// The number before a word, as in `12 passed`.
fn number(text: &str, word: &str) -> u32 {
    let before = text.split(word).next().unwrap_or_default();
    before.rsplit([' ', '.', ';']).next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

fn finish(suites: &[Suite], start: Instant) -> ExitCode {
    println!();
    for suite in suites {
        match &suite.skipped {
            Some(why) => println!("{}: skipped: {why}", suite.name),
            None => println!("{}: {} passed, {} failed", suite.name, suite.passed, suite.failed),
        }
    }
    let sum = |of: fn(&Suite) -> u32| suites.iter().map(of).sum::<u32>();
    let (passed, failed) = (sum(|it| it.passed), sum(|it| it.failed));
    let skipped = suites.iter().filter(|it| it.skipped.is_some()).count();
    println!("{passed} passed, {failed} failed, {skipped} skipped in {} s", start.elapsed().as_secs());
    ExitCode::from(u8::from(failed > 0 || passed == 0))
}
