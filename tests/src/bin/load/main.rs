//! The load generator of `cargo xtask bench`: runs the ceiling and Carnet in turn, several times, and prints
//! the median of the rounds' ratios. Ratios are taken in one run on one machine; absolute figures are not compared.
//! With `--against` another `carnet` program takes the ceiling's place.

mod against;
mod client;
mod people;
mod run;
mod side;
mod subject;

use client::Transport;
use run::{Told, half, median, run};
use side::Side;
use std::{io::Write, path::PathBuf, time::Duration};
use subject::{Carnet, Case, Ceiling, Source};

/// No token that is no password login takes longer, at the 99th percentile, whatever passwords come.
const PATIENCE: Duration = Duration::from_millis(25);

struct Arguments {
    carnet: PathBuf,
    ceiling: PathBuf,
    against: Option<PathBuf>,
    quick: bool,
    only: Option<String>,
}

impl Arguments {
    /// The row is to be measured.
    fn wants(&self, row: &str) -> bool {
        self.only.as_ref().is_none_or(|word| row.contains(word.as_str()))
    }
}

fn arguments() -> Option<Arguments> {
    let (mut carnet, mut ceiling, mut against, mut quick, mut only) = (None, None, None, false, None);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--carnet" => carnet = words.next().map(PathBuf::from),
            "--ceiling" => ceiling = words.next().map(PathBuf::from),
            "--against" => against = Some(words.next().map(PathBuf::from)?),
            "--quick" => quick = true,
            "--only" => only = Some(words.next()?),
            _ => return None,
        }
    }
    Some(Arguments { carnet: carnet?, ceiling: ceiling?, against, quick, only })
}

/// How long what is measured once runs, or one of a few times.
const ONCE: Duration = Duration::from_millis(4500);
/// How often passwords and bare hashes take turns.
const TURNS: usize = 5;

/// How often and how long.
#[derive(Clone, Copy)]
struct Rounds {
    count: usize,
    time: Duration,
}

/// One line of the table.
struct Line {
    what: &'static str,
    ceiling: f64,
    carnet: f64,
    /// The rounds' ratios: the median, and between which two half of them lie.
    ratio: f64,
    half: (f64, f64),
    p99: (Duration, Duration),
    cpu: Option<Duration>,
    target: Option<f64>,
}

fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// What runs, and who uses it.
struct Bench {
    ceiling: Ceiling,
    side: Side,
    rounds: Rounds,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::process::ExitCode {
    let Some(arguments) = arguments() else {
        say("usage: load --carnet FILE --ceiling FILE [--against FILE] [--quick] [--only WORD]");
        return std::process::ExitCode::from(2);
    };
    if let Some(other) = &arguments.against {
        against::run(other, &arguments).await;
        return std::process::ExitCode::SUCCESS;
    }
    // Many short rounds in turn: what else the machine does falls on both alike, and a disk that stands still for a
    // while, as some do every few seconds, costs the round in which it does, and not the median.
    let rounds = match arguments.quick {
        true => Rounds { count: 1, time: Duration::from_secs(1) },
        false => Rounds { count: 41, time: Duration::from_millis(400) },
    };
    let (ceiling, side) = (Ceiling::start(&arguments.ceiling), Side::start(&arguments.carnet).await);
    let mut bench = Bench { ceiling, side, rounds };
    // The first line is printed once it is known how many codes a round may need.
    let speed = run(bench.ceiling.job(Transport::Plain), Duration::from_millis(500)).await.rate;
    heading();
    for case in bench.side.carnet.cases() {
        if arguments.wants(case.what) {
            print(&bench.measure(&case, speed).await);
        }
    }
    if arguments.wants("mixed") {
        bench.mixture(speed).await;
    }
    if arguments.only.is_none() {
        bench.rest().await;
    }
    std::process::ExitCode::SUCCESS
}

impl Bench {
    /// Measures one case in rounds.
    async fn measure(&mut self, case: &Case, speed: f64) -> Line {
        let Rounds { count, time } = self.rounds;
        let count = if matches!(case.source, Source::Devices) { 1 } else { count };
        let mut of = (Vec::new(), Vec::new());
        for _ in 0..count {
            let job = self.side.job(&case.source, side::enough(speed, time)).await;
            of.0.push(run(self.ceiling.job(case.transport), time).await);
            of.1.push(self.side.measure(job, time).await);
        }
        line(case.what, case.target, of)
    }

    /// Everything at once, as [`Side::mixture`] says.
    async fn mixture(&mut self, speed: f64) {
        let Rounds { count, time } = self.rounds;
        let (mut of, mut passwords) = ((Vec::new(), Vec::new()), Vec::new());
        for _ in 0..count {
            let jobs = self.side.mixture(side::enough(speed, time) / 2).await;
            of.0.push(run(self.ceiling.job(Transport::Plain), time).await);
            let told = jobs.run(time).await;
            of.1.push(told.all);
            passwords.push(told.passwords);
        }
        let (passwords, all) = (median(passwords), line("mixed run, 5 % password logins", None, of));
        print(&all);
        let held = verdict(all.p99.1 <= PATIENCE);
        say(&format!(
            "mixed run: p99 of the other tokens {:.1} ms (target 25 ms){held}; password logins {:.1}/s, p99 {:.1} ms",
            milli(all.p99.1),
            passwords.rate,
            milli(passwords.p99)
        ));
    }

    /// Polls, passwords, memory, start.
    async fn rest(mut self) {
        let polls = self.side.people.polls().await;
        let told = run(polls, ONCE).await;
        say(&format!("device code, polls that wait: {:.0}/s, p99 {:.1} ms", told.rate, milli(told.p99)));
        passwords(&self.side.carnet).await;
        let carnet = self.side.carnet;
        let (memory, first) = (carnet.memory(), carnet.restart_to_first_token().await);
        say(&format!("memory at start, existing store: {:.1} MiB (target 24)", memory.0));
        say(&format!("memory after the runs above:     {:.1} MiB", memory.1));
        say(&format!("start to first token, existing store: {} ms (target 100)", first.as_millis()));
    }
}

fn line(what: &'static str, target: Option<f64>, of: (Vec<Told>, Vec<Told>)) -> Line {
    let ratios = of.0.iter().zip(&of.1).map(|(ceiling, carnet)| carnet.rate / ceiling.rate).collect();
    let (ratio, half) = half(ratios);
    let (ceiling, carnet) = (median(of.0), median(of.1));
    Line {
        ratio,
        half,
        what,
        ceiling: ceiling.rate,
        carnet: carnet.rate,
        p99: (ceiling.p99, carnet.p99),
        cpu: carnet.cpu,
        target,
    }
}

fn milli(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// What stands behind a figure that has a target.
const fn verdict(held: bool) -> &'static str {
    if held { "" } else { "  MISSED" }
}

fn heading() {
    say(&format!(
        "{:<44}{:>10}{:>10}{:>7}{:>8}{:>13}{:>9}{:>9}{:>9}",
        "", "ceiling/s", "carnet/s", "ratio", "target", "half within", "p99", "p99", "cpu µs"
    ));
}

fn print(line: &Line) {
    let time = |time: Duration| format!("{:.1}ms", milli(time));
    let cpu = line.cpu.map_or_else(String::new, |cpu| cpu.as_micros().to_string());
    let target = line.target.map_or_else(String::new, |target| format!("{target:.2}"));
    let half = format!("{:.2} to {:.2}", line.half.0, line.half.1);
    // As printed: two digits.
    let held = line.target.is_none_or(|target| (line.ratio * 100.0).round() >= (target * 100.0).round());
    say(&format!(
        "{:<44}{:>10.0}{:>10.0}{:>7.2}{target:>8}{half:>13}{:>9}{:>9}{cpu:>9}{}",
        line.what,
        line.ceiling,
        line.carnet,
        line.ratio,
        time(line.p99.0),
        time(line.p99.1),
        verdict(held)
    ));
}

/// Password logins against the same hashes without a server around them, and beside application tokens.
async fn passwords(carnet: &Carnet) {
    let mut turns = Vec::new();
    for _ in 0..TURNS {
        let bare = subject::bare_hashes(ONCE / 2).await;
        turns.push((bare, run(carnet.password_job(), ONCE / 2).await.rate));
    }
    turns.sort_unstable_by(|one, other| (one.1 / one.0).total_cmp(&(other.1 / other.0)));
    let (bare, rate) = turns[TURNS / 2];
    say(&format!(
        "password: bare Argon2 {bare:.1}/s, Carnet {rate:.1}/s, ratio {:.2} (target 0.90){}",
        rate / bare,
        verdict(rate / bare >= 0.895)
    ));
    let alone = run(carnet.job(Transport::Plain), ONCE).await;
    let flood = tokio::spawn(run(carnet.password_job(), ONCE));
    let beside = run(carnet.job(Transport::Plain), ONCE).await;
    let _ = flood.await;
    say(&format!(
        "application tokens beside a password flood: p99 {:.1} ms (alone {:.1} ms; target 25 ms){}",
        milli(beside.p99),
        milli(alone.p99),
        verdict(beside.p99 <= PATIENCE)
    ));
}
