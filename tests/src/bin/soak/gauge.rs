//! What is measured, its bounds, and the table.

use crate::{attack::Attack, probe::Waits, say};
use carnet_tests::process::Process;
use std::time::Duration;

/// The store may grow by this much during an attack, in MiB.
const STORE: f64 = 10.0;
/// The memory may grow by this much, in MiB.
const MEMORY: f64 = 64.0;
/// Other callers may wait this many times longer than when the server is idle.
const SLOWER: f64 = 5.0;
/// An idle 99th percentile below this is taken as this: less is decided by the machine's scheduler.
const SHORTEST: Duration = Duration::from_millis(2);
/// Descriptors that the server may hold beyond those it held before, once its time limits are over.
const DESCRIPTORS: f64 = 16.0;

/// What an attack is measured against.
pub struct Bounds {
    /// The attack leaves connections open that the server has to close.
    pub connections_end: bool,
}

impl Bounds {
    /// The bounds of an attack.
    pub const fn of(attack: Attack) -> Self {
        Self { connections_end: matches!(attack, Attack::Connections) }
    }
}

/// The server's state at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Taken {
    /// The database with its log, in MiB.
    pub stored: f64,
    /// Resident memory, in MiB.
    pub resident: f64,
    /// Open descriptors.
    pub descriptors: usize,
}

impl Taken {
    /// Looks at a server.
    pub fn of(server: &Process) -> Self {
        Self { stored: server.stored(), resident: server.resident(), descriptors: server.descriptors() }
    }
}

/// What was seen during an attack.
#[derive(Debug, Default)]
pub struct Watched {
    /// The most memory, in MiB.
    pub peak: f64,
    /// The last number of open descriptors, while the attack still held its connections.
    pub descriptors: usize,
    /// The attack was stopped at this time because it went far beyond its bounds.
    pub stopped_after: Option<Duration>,
}

impl Watched {
    /// Takes in another look.
    pub fn see(&mut self, now: &Taken) {
        self.peak = self.peak.max(now.resident);
        self.descriptors = now.descriptors;
    }
}

/// All that is known of one attack.
pub struct Measured {
    /// Before it.
    pub before: Taken,
    /// During it.
    pub watched: Watched,
    /// After it, once its connections were closed.
    pub after: Taken,
    /// Other callers before it.
    pub idle: Vec<Waits>,
    /// Other callers during it.
    pub during: Vec<Waits>,
    /// What the attacker was answered.
    pub answers: String,
}

/// One figure and its bound.
#[derive(Debug)]
pub struct Figure {
    what: String,
    value: f64,
    unit: &'static str,
    /// `None`: the figure is only reported.
    bound: Option<f64>,
}

impl Figure {
    /// The bound is not exceeded.
    pub fn held(&self) -> bool {
        self.bound.is_none_or(|bound| self.value <= bound)
    }
}

/// The figures of one attack.
pub fn figures(measured: &Measured, bounds: &Bounds) -> Vec<Figure> {
    let Measured { before, watched, after, idle, during, answers } = measured;
    let figure = |what: &str, value, unit, bound| Figure { what: what.to_owned(), value, unit, bound };
    let mut all = vec![
        figure("store, growth", after.stored - before.stored, "MiB", Some(STORE)),
        figure("memory, growth at the peak", watched.peak - before.resident, "MiB", Some(MEMORY)),
        figure("memory, growth afterwards", after.resident - before.resident, "MiB", Some(MEMORY)),
    ];
    if bounds.connections_end {
        let held = watched.descriptors as f64 - before.descriptors as f64;
        all.push(figure("connections not closed", held, "", Some(DESCRIPTORS)));
    }
    for (idle, during) in idle.iter().zip(during) {
        let (alone, beside) = (idle.p99(), during.p99());
        let ratio = beside.as_secs_f64() / alone.max(SHORTEST).as_secs_f64();
        let what = format!("{}, p99 {:.1} ms, idle {:.1} ms", during.what, milli(beside), milli(alone));
        all.push(figure(&what, ratio, "x", Some(SLOWER)));
        // Nobody was answered: then no time says anything.
        let unanswered = during.failed + usize::from(during.times.is_empty());
        all.push(figure(&format!("{}, not answered", during.what), unanswered as f64, "", Some(0.0)));
    }
    if let Some(time) = watched.stopped_after {
        all.push(figure("stopped early, after", time.as_secs_f64(), "s", None));
    }
    if !answers.is_empty() {
        all.push(figure(&format!("answers: {answers}"), 0.0, "", None));
    }
    all
}

fn milli(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// The table's first line.
pub fn heading() {
    say(&format!("{:<34}{:<52}{:>12}{:>12}", "attack", "figure", "measured", "bound"));
}

/// Prints the figures of an attack.
pub fn print(title: &str, figures: &[Figure]) {
    for (at, figure) in figures.iter().enumerate() {
        let title = if at == 0 { title } else { "" };
        say(format!("{title:<34}{}", line(figure)).trim_end());
    }
}

fn line(figure: &Figure) -> String {
    if figure.what.starts_with("answers: ") {
        return figure.what.clone();
    }
    let number = |value: f64| match figure.unit {
        "" => format!("{value:.0}"),
        unit => format!("{value:.1} {unit}"),
    };
    let bound = figure.bound.map(number).unwrap_or_default();
    let verdict = match (figure.bound, figure.held()) {
        (None, _) => "",
        (Some(_), true) => "  held",
        (Some(_), false) => "  EXCEEDED",
    };
    format!("{:<52}{:>12}{bound:>12}{verdict}", figure.what, number(figure.value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(what: &'static str, milliseconds: u64, failed: usize) -> Waits {
        Waits { what, times: vec![Duration::from_millis(milliseconds); 100], failed }
    }

    fn measured(peak: f64, during: Waits) -> Measured {
        let before = Taken { stored: 5.0, resident: 40.0, descriptors: 20 };
        Measured {
            before,
            watched: Watched { peak, descriptors: 500, stopped_after: None },
            after: before,
            idle: vec![waits("token", 4, 0)],
            during: vec![during],
            answers: "400 x7".into(),
        }
    }

    fn beyond(measured: &Measured, connections_end: bool) -> Vec<String> {
        let figures = figures(measured, &Bounds { connections_end });
        figures.into_iter().filter(|figure| !figure.held()).map(|figure| figure.what).collect()
    }

    #[test]
    fn what_stays_within_its_bounds_is_held() {
        assert!(beyond(&measured(104.0, waits("token", 20, 0)), false).is_empty());
    }

    #[test]
    fn memory_waits_failures_and_connections_beyond_their_bounds_are_told() {
        assert_eq!(beyond(&measured(104.1, waits("token", 20, 0)), false), ["memory, growth at the peak"]);
        assert_eq!(
            beyond(&measured(40.0, waits("token", 21, 0)), false),
            ["token, p99 21.0 ms, idle 4.0 ms"]
        );
        assert_eq!(beyond(&measured(40.0, waits("token", 4, 1)), false), ["token, not answered"]);
        assert_eq!(beyond(&measured(40.0, waits("token", 4, 0)), true), ["connections not closed"]);
        let nobody = Waits { what: "token", times: Vec::new(), failed: 0 };
        assert_eq!(beyond(&measured(40.0, nobody), false), ["token, not answered"]);
    }

    #[test]
    fn a_line_says_whether_the_bound_was_held() {
        let figure = |value| Figure { what: "store, growth".into(), value, unit: "MiB", bound: Some(10.0) };
        assert!(line(&figure(10.0)).ends_with("10.0 MiB    10.0 MiB  held"));
        assert!(line(&figure(10.1)).ends_with("  EXCEEDED"));
    }
}
