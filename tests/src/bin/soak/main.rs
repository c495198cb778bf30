//! The attacker of `cargo xtask soak`: attacks a server on this machine and compares what each attack cost with a bound.
//!
//! Every attack has a server and a store of its own. The attack runs in a process of its own at a low priority, since a
//! real attacker does not take the server's processor time; meanwhile this process measures the store, the memory and
//! how long other callers wait. Everything stays on the loopback interface and ends by itself.

mod attack;
mod client;
mod gauge;
mod probe;
mod tenant;

use attack::Attack;
use carnet_tests::process::{Ports, Process};
use gauge::{Bounds, Figure};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

/// How the program was called.
enum Called {
    /// Measure the attacks with this word in their name.
    Measure { carnet: PathBuf, quick: bool, only: Option<String> },
    /// Be the attacker.
    Attack(Attack, attack::Target),
}

fn called() -> Option<Called> {
    let mut words = std::env::args().skip(1);
    let (mut carnet, mut quick, mut only) = (None, false, None);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--carnet" => carnet = words.next().map(PathBuf::from),
            "--quick" => quick = true,
            "--only" => only = Some(words.next()?),
            "--attack" => {
                let attack = Attack::of_row(words.next()?.parse().ok()?)?;
                let ports = Ports { plain: words.next()?.parse().ok()?, tls: words.next()?.parse().ok()? };
                let ca = PathBuf::from(words.next()?);
                let time = Duration::from_secs(words.next()?.parse().ok()?);
                return Some(Called::Attack(attack, attack::Target { ports, ca, time }));
            }
            _ => return None,
        }
    }
    Some(Called::Measure { carnet: carnet?, quick, only })
}

fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

fn main() -> ExitCode {
    match called() {
        None => {
            say("usage: soak --carnet FILE [--quick] [--only WORD]");
            ExitCode::from(2)
        }
        Some(Called::Attack(attack, target)) => {
            say(&attack::run(attack, &target));
            ExitCode::SUCCESS
        }
        Some(Called::Measure { carnet, quick, only }) => {
            let wanted =
                |attack: &Attack| only.as_ref().is_none_or(|word| attack.title().contains(word.as_str()));
            let attacks: Vec<Attack> = attack::ALL.into_iter().filter(wanted).collect();
            measure(&carnet, &attacks, if quick { Length::QUICK } else { Length::FULL })
        }
    }
}

/// How long the parts of each measurement take.
#[derive(Clone, Copy)]
struct Length {
    /// Other callers alone.
    idle: Duration,
    /// The attack, except where its connections have to outlive the server's time limits.
    attack: Duration,
    /// After the attack, until the memory is read.
    rest: Duration,
}

impl Length {
    /// Five minutes for all attacks.
    const QUICK: Self =
        Self { idle: Duration::from_secs(10), attack: Duration::from_secs(25), rest: Duration::from_secs(5) };
    /// Thirty minutes for all attacks.
    const FULL: Self = Self {
        idle: Duration::from_secs(30),
        attack: Duration::from_secs(295),
        rest: Duration::from_secs(30),
    };

    /// The time that an attack runs.
    fn of(self, attack: Attack) -> Duration {
        self.attack.max(attack.shortest())
    }
}

/// Runs the attacks in turn and prints the table.
fn measure(carnet: &Path, attacks: &[Attack], length: Length) -> ExitCode {
    let seeded = tenant::seed(carnet);
    gauge::heading();
    let mut exceeded = 0;
    for attack in attacks {
        let figures = one(carnet, seeded.path(), *attack, length);
        exceeded += figures.iter().filter(|figure| !figure.held()).count();
        gauge::print(attack.title(), &figures);
    }
    say(&format!("{} attacks, {exceeded} figures beyond their bound", attacks.len()));
    ExitCode::from(u8::from(exceeded > 0 || attacks.is_empty()))
}

/// Measures one attack on a server of its own, over a copy of the seeded store.
fn one(carnet: &Path, seeded: &Path, attack: Attack, length: Length) -> Vec<Figure> {
    let folder = tempfile::tempdir().expect("a folder");
    tenant::copy(seeded, folder.path());
    let server = Process::start(carnet, folder.path(), Ports::free());
    let time = length.of(attack);
    let probes = probe::Probes::start(server.ports.plain, time);
    // What a server allocates once is not growth.
    std::thread::sleep(length.rest.min(Duration::from_secs(5)));
    let _ = probes.take();
    std::thread::sleep(length.idle);
    let idle = probes.take();
    let before = gauge::Taken::of(&server);

    let mut attacker = start(attack, &server, &ca(folder.path()), time);
    let watched = watch(&server, &before, &mut attacker, time);
    let during = probes.take();
    let answers = finish(attacker);
    std::thread::sleep(length.rest);
    let after = gauge::Taken::of(&server);
    let bounds = Bounds::of(attack);
    gauge::figures(&gauge::Measured { before, watched, after, idle, during, answers }, &bounds)
}

/// Reads where the server keeps its CA.
fn ca(folder: &Path) -> PathBuf {
    let text = fs::read_to_string(folder.join("ready.json")).expect("the server is ready");
    let ready: serde_json::Value = serde_json::from_str(&text).expect("it writes JSON");
    PathBuf::from(ready["ca_file"].as_str().expect("it names its CA"))
}

/// Starts the attacker with the lowest priority. It ends by itself, also when this process ends.
fn start(attack: Attack, server: &Process, ca: &Path, time: Duration) -> Child {
    let own = std::env::current_exe().expect("a program knows its own file");
    let mut command = Command::new("nice");
    command.args(["-n", "19"]).arg(own).args(["--attack", &attack.row().to_string()]);
    command.args([server.ports.plain.to_string(), server.ports.tls.to_string()]).arg(ca);
    command.arg(time.as_secs().to_string());
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("`nice` is part of every Unix")
}

/// Looks at the server until shortly before the attack ends. An attack that got far beyond every bound is stopped, so
/// that it does not take this machine down.
fn watch(server: &Process, before: &gauge::Taken, attacker: &mut Child, time: Duration) -> gauge::Watched {
    const TOO_MUCH: f64 = 512.0;
    let begun = Instant::now();
    let mut watched = gauge::Watched::default();
    let end = time.saturating_sub(Duration::from_secs(1));
    while begun.elapsed() < end && matches!(attacker.try_wait(), Ok(None)) {
        let now = gauge::Taken::of(server);
        watched.see(&now);
        if now.resident - before.resident > TOO_MUCH || now.stored - before.stored > TOO_MUCH {
            watched.stopped_after = Some(begun.elapsed());
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    watched
}

/// Ends the attack by closing the attacker's standard input; what it was answered.
fn finish(mut attacker: Child) -> String {
    drop(attacker.stdin.take());
    let output = attacker.wait_with_output().expect("the attacker ends");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
