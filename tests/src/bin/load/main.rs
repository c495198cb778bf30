//! The load generator of `cargo xtask bench`: runs the ceiling and Carnet in turn, several times, and prints
//! the median of the rounds' ratios. Ratios are taken in one run on one machine; absolute figures are not compared.

mod client;
mod subject;

use client::{Job, Transport};
use std::{
    io::Write,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use subject::{Carnet, Ceiling};

/// Keep-alive connections.
const CONNECTIONS: usize = 16;

struct Arguments {
    carnet: PathBuf,
    ceiling: PathBuf,
    quick: bool,
}

fn arguments() -> Option<Arguments> {
    let (mut carnet, mut ceiling, mut quick) = (None, None, false);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--carnet" => carnet = words.next().map(PathBuf::from),
            "--ceiling" => ceiling = words.next().map(PathBuf::from),
            "--quick" => quick = true,
            _ => return None,
        }
    }
    Some(Arguments { carnet: carnet?, ceiling: ceiling?, quick })
}

/// One line of the table.
struct Line {
    what: &'static str,
    ceiling: f64,
    carnet: f64,
    /// The median of the rounds' ratios.
    ratio: f64,
    p99: (Duration, Duration),
    cpu: Option<Duration>,
    target: f64,
}

fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::process::ExitCode {
    let Some(arguments) = arguments() else {
        say("usage: load --carnet FILE --ceiling FILE [--quick]");
        return std::process::ExitCode::from(2);
    };
    // Many short rounds in turn: what else the machine does then falls on both alike.
    let (rounds, time) =
        if arguments.quick { (1, Duration::from_secs(1)) } else { (11, Duration::from_millis(1500)) };
    let ceiling = Ceiling::start(&arguments.ceiling);
    let carnet = Carnet::start(&arguments.carnet);
    let mut lines = Vec::new();
    for case in carnet.cases() {
        let mut of = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            of.0.push(run(ceiling.job(case.transport), time).await);
            let before = carnet.cpu();
            let mut told = run(case.job.clone(), time).await;
            told.cpu = (carnet.cpu() - before).checked_div(u32::try_from(told.count).unwrap_or(1));
            of.1.push(told);
        }
        let mut ratios: Vec<f64> =
            of.0.iter().zip(&of.1).map(|(ceiling, carnet)| carnet.rate / ceiling.rate).collect();
        ratios.sort_unstable_by(f64::total_cmp);
        let (ceiling, carnet) = (median(of.0), median(of.1));
        lines.push(Line {
            ratio: ratios[ratios.len() / 2],
            what: case.what,
            ceiling: ceiling.rate,
            carnet: carnet.rate,
            p99: (ceiling.p99, carnet.p99),
            cpu: carnet.cpu,
            target: case.target,
        });
    }
    print(&lines);
    passwords(&carnet, time * 3).await;
    let (memory, first) = (carnet.memory(), carnet.restart_to_first_token().await);
    say(&format!("memory at start, existing store: {:.1} MiB (target 24)", memory.0));
    say(&format!("memory after the runs above:     {:.1} MiB", memory.1));
    say(&format!("start to first token, existing store: {} ms (target 100)", first.as_millis()));
    std::process::ExitCode::SUCCESS
}

fn print(lines: &[Line]) {
    say(&format!(
        "{:<44}{:>10}{:>10}{:>7}{:>8}{:>9}{:>9}{:>9}",
        "", "ceiling/s", "carnet/s", "ratio", "target", "p99", "p99", "cpu µs"
    ));
    for line in lines {
        let milli = |time: Duration| format!("{:.1}ms", time.as_secs_f64() * 1000.0);
        let cpu = line.cpu.map_or_else(String::new, |cpu| cpu.as_micros().to_string());
        say(&format!(
            "{:<44}{:>10.0}{:>10.0}{:>7.2}{:>8.2}{:>9}{:>9}{:>9}",
            line.what,
            line.ceiling,
            line.carnet,
            line.ratio,
            line.target,
            milli(line.p99.0),
            milli(line.p99.1),
            cpu
        ));
    }
}

/// What one run told.
#[derive(Debug, Clone)]
pub struct Told {
    count: usize,
    rate: f64,
    p99: Duration,
    cpu: Option<Duration>,
}

/// Keeps all connections busy for a while.
async fn run(job: Job, time: Duration) -> Told {
    let job = Arc::new(job);
    let begun = Instant::now();
    let end = begun + time;
    let workers: Vec<_> =
        (0..CONNECTIONS).map(|at| tokio::spawn(client::work(job.clone(), at, end))).collect();
    let mut times = Vec::new();
    for worker in workers {
        times.extend(worker.await.expect("a worker ends"));
    }
    let took = begun.elapsed();
    times.sort_unstable();
    let p99 = times.get(times.len() * 99 / 100).copied().unwrap_or_default();
    Told { count: times.len(), rate: times.len() as f64 / took.as_secs_f64(), p99, cpu: None }
}

fn median(mut runs: Vec<Told>) -> Told {
    runs.sort_by(|one, other| one.rate.total_cmp(&other.rate));
    runs.swap_remove(runs.len() / 2)
}

/// Password logins against the same hashes without a server around them.
async fn passwords(carnet: &Carnet, time: Duration) {
    let bare = subject::bare_hashes(time).await;
    let told = run(carnet.password_job(), time).await;
    say(&format!(
        "password: bare Argon2 {bare:.1}/s, Carnet {:.1}/s, ratio {:.2} (target 0.90)",
        told.rate,
        told.rate / bare
    ));
    let alone = run(carnet.job(Transport::Plain), time).await;
    let flood = tokio::spawn(run(carnet.password_job(), time));
    let beside = run(carnet.job(Transport::Plain), time).await;
    let _ = flood.await;
    let milli = |time: Duration| time.as_secs_f64() * 1000.0;
    say(&format!(
        "application tokens beside a password flood: p99 {:.1} ms (alone {:.1} ms; target 25 ms)",
        milli(beside.p99),
        milli(alone.p99)
    ));
}
