//! What waits for SQLite's writer, and when the next commit is due. A commit costs the processors that sign: it
//! should be rare, and yet begin while those who are not waiting still have something to sign.

use super::{Batch, Row};
use crate::StoreError;
use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// Batches that may wait; more are turned away.
const QUEUE: usize = 4096;
/// Batches in one commit at most.
const GROUP: usize = 64;
/// The next commit begins so long after the last one began, however few wait.
const PACE: Duration = Duration::from_micros(3500);
/// The same where somebody goes on only after the commit and signs nothing meanwhile.
const SOON: Duration = Duration::from_micros(500);

/// What came of a batch.
pub(super) type Answer = Result<Vec<Vec<Row>>, StoreError>;

/// A batch, and who waits for its answer.
pub(super) struct Job {
    pub(super) batch: Batch,
    pub(super) answer: oneshot::Sender<Answer>,
}

/// What waits for the writer. Neither a job that joins others nor the first of a crowd that is expected back wakes
/// anybody: the writer sleeps until the group is due or large enough, so a group costs one switch to its thread.
#[derive(Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    bell: Condvar,
}

#[derive(Default)]
struct Waiting {
    jobs: Vec<Job>,
    /// Of one of them somebody waits who has nothing to do meanwhile.
    urgent: bool,
    closed: bool,
    /// The writer wakes by itself when the next group is due.
    dozes: bool,
    crowd: Crowd,
}

/// How many have been waiting at once of late: as far as a store can see, those who use it at the same time.
#[derive(Default)]
struct Crowd {
    /// In sixty-fourths. Goes up at once, and down by a sixty-fourth of itself with each commit.
    size: usize,
}

impl Crowd {
    /// So many waited when a commit was done, those among them whom it answers.
    fn counted(&mut self, waited: usize) {
        self.size = (self.size - self.size / 64).max(waited * 64);
    }

    /// A commit is due when so many wait: all but a few, for whom a commit is not put off. With sixteen connections
    /// fifteen; at thirteen refresh falls by 0.01 of bare signing, and when all of them are waited for by 0.04.
    fn enough(&self) -> usize {
        ((self.size * 15 + 512) / 1024).clamp(1, GROUP)
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a job in.
    ///
    /// # Errors
    /// [`StoreError::Away`] when the store is closed or too many wait.
    pub(super) fn submit(&self, job: Job) -> Result<(), StoreError> {
        let mut waiting = self.lock();
        if waiting.closed {
            return Err(StoreError::Away("the store is closed".into()));
        }
        if waiting.jobs.len() >= QUEUE {
            return Err(StoreError::Away("too many writes wait".into()));
        }
        let hastens = !job.batch.beside && !waiting.urgent;
        waiting.urgent |= hastens;
        waiting.jobs.push(job);
        let count = waiting.jobs.len();
        let ring = hastens || (count == 1 && !waiting.dozes) || count == waiting.crowd.enough();
        drop(waiting);
        if ring {
            self.bell.notify_one();
        }
        Ok(())
    }

    /// The next group: when enough wait, or so long after the last commit began; one that somebody waits for is due
    /// sooner. `None`: closed, and nothing waits any more.
    pub(super) fn group(&self, last: Option<Instant>) -> Option<Vec<Job>> {
        let mut waiting = self.lock();
        while waiting.jobs.is_empty() {
            if waiting.closed {
                return None;
            }
            let left = last.map_or(Duration::ZERO, |last| PACE.saturating_sub(last.elapsed()));
            waiting.dozes = waiting.crowd.enough() > 1 && !left.is_zero();
            waiting = match waiting.dozes {
                true => self.bell.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0,
                false => self.bell.wait(waiting).unwrap_or_else(PoisonError::into_inner),
            };
        }
        waiting.dozes = false;
        while waiting.jobs.len() < waiting.crowd.enough() && !waiting.closed {
            let pace = if waiting.urgent { SOON } else { PACE };
            let left = last.map_or(Duration::ZERO, |last| pace.saturating_sub(last.elapsed()));
            if left.is_zero() {
                break;
            }
            waiting = self.bell.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        let count = waiting.jobs.len().min(GROUP);
        let group = waiting.jobs.drain(..count).collect();
        waiting.urgent = waiting.jobs.iter().any(|job| !job.batch.beside);
        Some(group)
    }

    /// A group of so many is committed and about to be answered.
    pub(super) fn committed(&self, count: usize) {
        let mut waiting = self.lock();
        let waited = waiting.jobs.len() + count;
        waiting.crowd.counted(waited);
    }

    /// Takes nothing in any more.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.bell.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(beside: bool) -> Job {
        Job { batch: Batch { beside, ..Batch::default() }, answer: oneshot::channel().0 }
    }

    fn fill(queue: &Queue, count: usize) {
        for _ in 0..count {
            queue.submit(job(true)).unwrap();
        }
    }

    /// The size of the next group, the last one having begun just now.
    fn next(queue: &Queue) -> usize {
        let group = queue.group(Some(Instant::now())).unwrap();
        queue.committed(group.len());
        group.len()
    }

    #[test]
    fn who_is_alone_is_served_at_once_and_a_crowd_together() {
        let queue = Queue::default();
        assert_eq!(queue.lock().crowd.enough(), 1);
        fill(&queue, 1);
        assert_eq!((next(&queue), queue.lock().crowd.enough()), (1, 1));
        fill(&queue, 16);
        assert_eq!((next(&queue), queue.lock().crowd.enough()), (16, 15));
        fill(&queue, 100);
        assert_eq!((next(&queue), next(&queue), queue.lock().crowd.enough()), (64, 36, 64));
    }

    #[test]
    fn whoever_comes_alone_where_a_crowd_was_expected_is_served() {
        let queue = std::sync::Arc::new(Queue::default());
        fill(&queue, 16);
        assert_eq!(next(&queue), 16);
        let writer = std::thread::spawn({
            let queue = queue.clone();
            move || next(&queue)
        });
        // Nobody wakes the writer while it dozes, and somebody does afterwards.
        queue.submit(job(true)).unwrap();
        assert_eq!(writer.join().unwrap(), 1);
    }

    #[test]
    fn those_who_come_during_a_commit_belong_to_the_crowd() {
        let queue = Queue::default();
        fill(&queue, 10);
        let group = queue.group(None).unwrap();
        fill(&queue, 6);
        queue.committed(group.len());
        assert_eq!((group.len(), queue.lock().crowd.enough()), (10, 15));
    }

    #[test]
    fn a_crowd_that_is_gone_is_forgotten() {
        let mut crowd = Crowd::default();
        crowd.counted(16);
        let commits = (1..).find(|_| {
            crowd.counted(1);
            crowd.enough() == 1
        });
        assert!(commits.is_some_and(|commits| (50..250).contains(&commits)), "{commits:?}");
    }

    #[test]
    fn a_crowd_that_does_not_come_is_not_waited_for_and_a_closed_queue_gives_what_it_has() {
        let queue = Queue::default();
        fill(&queue, 16);
        assert_eq!(next(&queue), 16);
        // Nobody else comes: the pace decides, and here it is over.
        queue.submit(job(false)).unwrap();
        assert_eq!(queue.group(Instant::now().checked_sub(PACE)).unwrap().len(), 1);
        fill(&queue, 2);
        queue.close();
        assert_eq!(next(&queue), 2);
        assert!(queue.submit(job(true)).is_err() && queue.group(None).is_none());
    }
}
