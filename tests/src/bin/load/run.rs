//! Runs: all connections busy for a while, and what that told.

use super::client::{self, Job, Times, connect, timed};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// Keep-alive connections.
const CONNECTIONS: usize = 16;
/// In a mixed run, so many requests of a connection for each password login.
const FOR_EACH_PASSWORD: usize = 20;

/// What one run told.
#[derive(Debug, Clone)]
pub struct Told {
    /// Requests.
    pub count: usize,
    /// Requests a second.
    pub rate: f64,
    /// The time that 99 of a hundred stay under.
    pub p99: Duration,
    /// The server's processor time for each.
    pub cpu: Option<Duration>,
}

/// What came after the end was begun before it: it is counted as work, and not for the rate.
fn told(Times { mut all, late }: Times, took: Duration) -> Told {
    all.sort_unstable();
    let p99 = all.get(all.len() * 99 / 100).copied().unwrap_or_default();
    Told { count: all.len(), rate: (all.len() - late) as f64 / took.as_secs_f64(), p99, cpu: None }
}

/// Keeps all connections busy for a while, or until nothing is left to be sent.
pub async fn run(job: Job, time: Duration) -> Told {
    let job = Arc::new(job);
    let begun = Instant::now();
    let end = begun + time;
    let workers: Vec<_> =
        (0..CONNECTIONS).map(|at| tokio::spawn(client::work(job.clone(), at, end))).collect();
    let mut times = Times::default();
    for worker in workers {
        times.extend(worker.await.expect("a worker ends"));
    }
    told(times, begun.elapsed().min(time))
}

/// The same with several jobs: every twentieth request of a connection is a password, the others take turns.
/// What was told by those others, and by the passwords.
pub async fn mixed(passwords: Job, others: Vec<Job>, time: Duration) -> (Told, Told) {
    let jobs = Arc::new((passwords, others));
    let begun = Instant::now();
    let end = begun + time;
    let workers: Vec<_> =
        (0..CONNECTIONS).map(|at| tokio::spawn(take_turns(jobs.clone(), at, end))).collect();
    let mut times = (Times::default(), Times::default());
    for worker in workers {
        let (others, passwords) = worker.await.expect("a worker ends");
        times.0.extend(others);
        times.1.extend(passwords);
    }
    let took = begun.elapsed().min(time);
    (told(times.0, took), told(times.1, took))
}

async fn take_turns(jobs: Arc<(Job, Vec<Job>)>, number: usize, end: Instant) -> (Times, Times) {
    let mut stream = connect(jobs.0.address).await;
    let mut times = (Times::default(), Times::default());
    // The connections do not all begin at the same place.
    let mut turn = number * FOR_EACH_PASSWORD / CONNECTIONS;
    while Instant::now() < end {
        turn += 1;
        let password = turn.is_multiple_of(FOR_EACH_PASSWORD);
        let job = if password { &jobs.0 } else { &jobs.1[turn % jobs.1.len()] };
        let Some(request) = job.feed.next(number) else { break };
        let (answer, took) = timed(&mut stream, &request).await;
        answer.expect(job.status);
        job.feed.answered(number, &answer);
        let of = if password { &mut times.1 } else { &mut times.0 };
        of.push(took, end);
    }
    times
}

/// The run in the middle, by rate.
pub fn median(mut runs: Vec<Told>) -> Told {
    runs.sort_by(|one, other| one.rate.total_cmp(&other.rate));
    runs.swap_remove(runs.len() / 2)
}

/// The median of some ratios, and between which two half of them lie.
pub fn half(mut ratios: Vec<f64>) -> (f64, (f64, f64)) {
    ratios.sort_unstable_by(f64::total_cmp);
    let count = ratios.len();
    (ratios[count / 2], (ratios[count / 4], ratios[count * 3 / 4]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_ratios_lie_between_the_quarters() {
        assert_eq!(half(vec![1.0]), (1.0, (1.0, 1.0)));
        let ratios = vec![0.9, 5.0, 1.0, 1.1, 0.1, 0.8, 1.2];
        assert_eq!(half(ratios), (1.0, (0.8, 1.2)));
    }
}
