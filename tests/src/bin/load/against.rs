//! Two `carnet` programs in turn: the same rows and the same load, in short rounds. It is a report; nothing fails.

use super::{
    Arguments, Rounds, milli,
    run::{Told, half, median},
    say,
    side::{Side, enough},
    subject::{Case, Source},
};
use crate::client::Transport;
use std::{path::Path, time::Duration};

/// A median ratio below this is marked.
const SLOWER: f64 = 0.95;

/// How often and how long: password logins are few in a second, so their rounds are longer.
struct Plan {
    rounds: Rounds,
    passwords: Rounds,
}

impl Plan {
    fn of(quick: bool) -> Self {
        let rounds = |count, milliseconds| Rounds { count, time: Duration::from_millis(milliseconds) };
        if quick {
            Self { rounds: rounds(7, 300), passwords: rounds(3, 1000) }
        } else {
            Self { rounds: rounds(41, 400), passwords: rounds(11, 1500) }
        }
    }
}

/// The rounds of a row, in pairs.
#[derive(Default)]
struct Pairs {
    old: Vec<Told>,
    new: Vec<Told>,
}

/// Compares the program of this checkout with another one and prints a line for each row.
pub async fn run(other: &Path, arguments: &Arguments) {
    let plan = Plan::of(arguments.quick);
    let mut old = Side::start(other).await;
    let mut new = Side::start(&arguments.carnet).await;
    let mut speed: f64 = 0.0;
    for side in [&old, &new] {
        let told = side.measure(side.carnet.job(Transport::Plain), Duration::from_millis(500)).await;
        // The ceiling is somewhat higher.
        speed = speed.max(told.rate * 1.25);
    }
    say(&format!("old: {}\nnew: {}", other.display(), arguments.carnet.display()));
    say(&format!(
        "{:<44}{:>10}{:>10}{:>9}{:>14}{:>9}{:>9}{:>9}{:>9}",
        "", "old/s", "new/s", "new/old", "half within", "old p99", "new p99", "old µs", "new µs"
    ));
    let cases = old.carnet.cases().into_iter().zip(new.carnet.cases());
    // A tenant takes too few device codes in a while for many rounds.
    let cases = cases.filter(|(_, case)| !matches!(case.source, Source::Devices));
    for (of_old, of_new) in cases.filter(|(_, case)| arguments.wants(case.what)) {
        let pairs = rows(&mut old, &mut new, (&of_old, &of_new), plan.rounds, speed).await;
        print(of_new.what, &pairs);
    }
    if arguments.wants("password") {
        let case = |side: &Side| Case {
            what: "password",
            transport: Transport::Plain,
            source: Source::Job(side.carnet.password_job()),
            target: None,
        };
        let cases = (case(&old), case(&new));
        let pairs = rows(&mut old, &mut new, (&cases.0, &cases.1), plan.passwords, speed).await;
        print("password", &pairs);
    }
    if arguments.wants("mixed") {
        mixture(&mut old, &mut new, plan.rounds, speed).await;
    }
}

/// The rounds of one row. Which program begins changes from round to round.
async fn rows(
    old: &mut Side,
    new: &mut Side,
    cases: (&Case, &Case),
    Rounds { count, time }: Rounds,
    speed: f64,
) -> Pairs {
    let mut pairs = Pairs::default();
    for round in 0..count {
        let jobs = (
            old.job(&cases.0.source, enough(speed, time)).await,
            new.job(&cases.1.source, enough(speed, time)).await,
        );
        if round.is_multiple_of(2) {
            pairs.old.push(old.measure(jobs.0, time).await);
            pairs.new.push(new.measure(jobs.1, time).await);
        } else {
            pairs.new.push(new.measure(jobs.1, time).await);
            pairs.old.push(old.measure(jobs.0, time).await);
        }
    }
    pairs
}

/// The mixed run: the rates, and how long the tokens wait that are no password login.
async fn mixture(old: &mut Side, new: &mut Side, Rounds { count, time }: Rounds, speed: f64) {
    let mut pairs = Pairs::default();
    for round in 0..count {
        let jobs = (old.mixture(enough(speed, time) / 2).await, new.mixture(enough(speed, time) / 2).await);
        if round.is_multiple_of(2) {
            pairs.old.push(jobs.0.run(time).await.all);
            pairs.new.push(jobs.1.run(time).await.all);
        } else {
            pairs.new.push(jobs.1.run(time).await.all);
            pairs.old.push(jobs.0.run(time).await.all);
        }
    }
    print("mixed run, 5 % password logins", &pairs);
    let speeds = |told: &Told| 1.0 / told.p99.as_secs_f64().max(f64::MIN_POSITIVE);
    let (ratio, half) = half(ratios(&pairs, speeds));
    say(&format!(
        "mixed run, p99 of the other tokens, old/new{:>30.2}{:>14}{}",
        ratio,
        format!("{:.2} to {:.2}", half.0, half.1),
        verdict(ratio)
    ));
}

/// The ratio new/old of each pair of rounds.
fn ratios(pairs: &Pairs, of: impl Fn(&Told) -> f64) -> Vec<f64> {
    pairs.old.iter().zip(&pairs.new).map(|(old, new)| of(new) / of(old)).collect()
}

/// As printed: two digits.
fn verdict(ratio: f64) -> &'static str {
    if (ratio * 100.0).round() < SLOWER * 100.0 { "  SLOWER" } else { "" }
}

fn print(what: &str, pairs: &Pairs) {
    let (ratio, half) = half(ratios(pairs, |told| told.rate));
    let (old, new) = (median(pairs.old.clone()), median(pairs.new.clone()));
    let wait = |told: &Told| format!("{:.1}ms", milli(told.p99));
    let cpu = |told: &Told| told.cpu.map_or_else(String::new, |cpu| cpu.as_micros().to_string());
    say(&format!(
        "{what:<44}{:>10.0}{:>10.0}{ratio:>9.2}{:>14}{:>9}{:>9}{:>9}{:>9}{}",
        old.rate,
        new.rate,
        format!("{:.2} to {:.2}", half.0, half.1),
        wait(&old),
        wait(&new),
        cpu(&old),
        cpu(&new),
        verdict(ratio)
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_marked_when_it_is_below_its_bound_as_printed() {
        assert_eq!(verdict(0.946), "");
        assert_eq!(verdict(0.944), "  SLOWER");
        assert_eq!(verdict(1.2), "");
    }

    #[test]
    fn ratios_are_those_of_the_pairs() {
        let told = |rate| Told { count: 1, rate, p99: Duration::ZERO, cpu: None };
        let pairs = Pairs { old: vec![told(10.0), told(20.0)], new: vec![told(5.0), told(30.0)] };
        assert_eq!(ratios(&pairs, |told| told.rate), [0.5, 1.5]);
    }
}
