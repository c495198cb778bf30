//! The queue of SQLite's writer thread, and when the next commit is due. A commit takes processor time from signing
//! tokens, so commits should be rare, but should begin while other callers still have tokens to sign.

use super::{Batch, Row};
use crate::StoreError;
use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// Maximum number of waiting batches; further ones are refused.
const QUEUE: usize = 4096;
/// Maximum number of batches in one commit.
const GROUP: usize = 64;
/// Time between the starts of two commits, if few batches wait.
const PACE: Duration = Duration::from_micros(3500);
/// Time between the starts of two commits, if a caller waits for one and has nothing else to do.
const SOON: Duration = Duration::from_micros(500);

/// The result of a batch.
pub(super) type Answer = Result<Vec<Vec<Row>>, StoreError>;

/// A batch, and the channel for its answer.
pub(super) struct Job {
    pub(super) batch: Batch,
    pub(super) answer: oneshot::Sender<Answer>,
}

/// The queue of the writer thread. A new job wakes the writer only if the group is due or large enough, so that a
/// group costs one switch to its thread.
#[derive(Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    bell: Condvar,
}

#[derive(Default)]
struct Waiting {
    jobs: Vec<Job>,
    /// Whether a caller of one of the jobs has nothing else to do.
    urgent: bool,
    closed: bool,
    /// Whether the writer wakes by itself when the next group is due.
    has_timeout: bool,
    concurrency: ConcurrencyEstimate,
}

/// An estimate of how many callers use the store at the same time.
#[derive(Default)]
struct ConcurrencyEstimate {
    /// The estimate times 64. It rises at once, and falls by 1/64 with each commit.
    size: usize,
}

impl ConcurrencyEstimate {
    /// Updates the estimate with the number of batches that waited at the end of a commit, including the committed
    /// ones.
    fn counted(&mut self, waited: usize) {
        self.size = (self.size - self.size / 64).max(waited * 64);
    }

    /// The number of waiting batches at which a commit is due: nearly all expected callers. With sixteen connections
    /// it is fifteen; thirteen lower the throughput of refreshes by 0.01 of plain signing, and sixteen by 0.04
    /// (measured).
    fn enough(&self) -> usize {
        ((self.size * 15 + 512) / 1024).clamp(1, GROUP)
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a job.
    ///
    /// # Errors
    /// [`StoreError::Away`] if the store is closed or too many batches wait.
    pub(super) fn submit(&self, job: Job) -> Result<(), StoreError> {
        let mut waiting = self.lock();
        if waiting.closed {
            return Err(StoreError::Away("the store is closed".into()));
        }
        if waiting.jobs.len() >= QUEUE {
            return Err(StoreError::Away("too many writes are waiting".into()));
        }
        let hastens = !job.batch.can_wait && !waiting.urgent;
        waiting.urgent |= hastens;
        waiting.jobs.push(job);
        let count = waiting.jobs.len();
        let ring = hastens || (count == 1 && !waiting.has_timeout) || count == waiting.concurrency.enough();
        drop(waiting);
        if ring {
            self.bell.notify_one();
        }
        Ok(())
    }

    /// Waits for the next group: until enough batches wait, or until the commit is due. `None` if the queue is closed
    /// and empty.
    pub(super) fn group(&self, last: Option<Instant>) -> Option<Vec<Job>> {
        let mut waiting = self.lock();
        while waiting.jobs.is_empty() {
            if waiting.closed {
                return None;
            }
            let left = last.map_or(Duration::ZERO, |last| PACE.saturating_sub(last.elapsed()));
            waiting.has_timeout = waiting.concurrency.enough() > 1 && !left.is_zero();
            waiting = match waiting.has_timeout {
                true => self.bell.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0,
                false => self.bell.wait(waiting).unwrap_or_else(PoisonError::into_inner),
            };
        }
        waiting.has_timeout = false;
        while waiting.jobs.len() < waiting.concurrency.enough() && !waiting.closed {
            let pace = if waiting.urgent { SOON } else { PACE };
            let left = last.map_or(Duration::ZERO, |last| pace.saturating_sub(last.elapsed()));
            if left.is_zero() {
                break;
            }
            waiting = self.bell.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        let count = waiting.jobs.len().min(GROUP);
        let group = waiting.jobs.drain(..count).collect();
        waiting.urgent = waiting.jobs.iter().any(|job| !job.batch.can_wait);
        Some(group)
    }

    /// Records that a group of this size was committed.
    pub(super) fn committed(&self, count: usize) {
        let mut waiting = self.lock();
        let waited = waiting.jobs.len() + count;
        waiting.concurrency.counted(waited);
    }

    /// Closes the queue for new jobs.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.bell.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(can_wait: bool) -> Job {
        Job { batch: Batch { can_wait, ..Batch::default() }, answer: oneshot::channel().0 }
    }

    fn fill(queue: &Queue, count: usize) {
        for _ in 0..count {
            queue.submit(job(true)).unwrap();
        }
    }

    /// The size of the next group, if the last one began just now.
    fn next(queue: &Queue) -> usize {
        let group = queue.group(Some(Instant::now())).unwrap();
        queue.committed(group.len());
        group.len()
    }

    #[test]
    fn who_is_alone_is_served_at_once_and_a_concurrency_together() {
        let queue = Queue::default();
        assert_eq!(queue.lock().concurrency.enough(), 1);
        fill(&queue, 1);
        assert_eq!((next(&queue), queue.lock().concurrency.enough()), (1, 1));
        fill(&queue, 16);
        assert_eq!((next(&queue), queue.lock().concurrency.enough()), (16, 15));
        fill(&queue, 100);
        assert_eq!((next(&queue), next(&queue), queue.lock().concurrency.enough()), (64, 36, 64));
    }

    #[test]
    fn whoever_comes_alone_where_a_concurrency_was_expected_is_served() {
        let queue = std::sync::Arc::new(Queue::default());
        fill(&queue, 16);
        assert_eq!(next(&queue), 16);
        let writer = std::thread::spawn({
            let queue = queue.clone();
            move || next(&queue)
        });
        // A new job does not wake the writer while it has a timeout, and wakes it afterwards.
        queue.submit(job(true)).unwrap();
        assert_eq!(writer.join().unwrap(), 1);
    }

    #[test]
    fn those_who_come_during_a_commit_belong_to_the_concurrency() {
        let queue = Queue::default();
        fill(&queue, 10);
        let group = queue.group(None).unwrap();
        fill(&queue, 6);
        queue.committed(group.len());
        assert_eq!((group.len(), queue.lock().concurrency.enough()), (10, 15));
    }

    #[test]
    fn a_concurrency_that_is_gone_is_forgotten() {
        let mut concurrency = ConcurrencyEstimate::default();
        concurrency.counted(16);
        let commits = (1..).find(|_| {
            concurrency.counted(1);
            concurrency.enough() == 1
        });
        assert!(commits.is_some_and(|commits| (50..250).contains(&commits)), "{commits:?}");
    }

    #[test]
    fn a_concurrency_that_does_not_come_is_not_waited_for_and_a_closed_queue_gives_what_it_has() {
        let queue = Queue::default();
        fill(&queue, 16);
        assert_eq!(next(&queue), 16);
        // No further job comes, so the pace decides, and its time is over.
        queue.submit(job(false)).unwrap();
        assert_eq!(queue.group(Instant::now().checked_sub(PACE)).unwrap().len(), 1);
        fill(&queue, 2);
        queue.close();
        assert_eq!(next(&queue), 2);
        assert!(queue.submit(job(true)).is_err() && queue.group(None).is_none());
    }
}
