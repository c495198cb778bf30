//! Lists of directory objects: filtered, shaped and written as JSON on a few threads of their own, so that a costly
//! filter slows nobody but those who send one. The place in the queue belongs to the work, not to the request that may
//! go away.

use carnet_os::process::{GiveWay, give_way};
use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError, mpsc},
};
use tokio::sync::oneshot;
use uuid::Uuid;

/// Jobs that may wait.
const QUEUE: usize = 64;
/// Jobs of one caller that may wait or run.
const PER_CALLER: usize = 16;

/// Why a search was not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotSearched {
    /// Too many wait.
    Busy,
    /// It panicked.
    Panicked,
}

type Job = Box<dyn FnOnce() + Send>;

/// A place in the queue; given back when the work is done.
struct Place {
    waiting: Arc<Mutex<HashMap<Uuid, usize>>>,
    caller: Uuid,
}

impl Place {
    fn take(waiting: &Arc<Mutex<HashMap<Uuid, usize>>>, caller: Uuid) -> Option<Self> {
        let mut counts = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(caller).or_insert(0);
        if *count >= PER_CALLER {
            return None;
        }
        *count += 1;
        Some(Self { waiting: waiting.clone(), caller })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.caller) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.caller);
            }
        }
    }
}

/// The search threads. They end when this is dropped.
#[derive(Clone)]
pub struct Searcher {
    queue: mpsc::SyncSender<Job>,
    waiting: Arc<Mutex<HashMap<Uuid, usize>>>,
    reading: Arc<Mutex<()>>,
}

impl Searcher {
    /// Starts so many threads.
    ///
    /// # Errors
    /// The system's, when no thread can be started.
    pub fn start(threads: usize) -> std::io::Result<Self> {
        let (queue, jobs) = mpsc::sync_channel::<Job>(QUEUE);
        let jobs = Arc::new(Mutex::new(jobs));
        for number in 0..threads.max(1) {
            let jobs = jobs.clone();
            std::thread::Builder::new().name(format!("carnet-search-{number}")).spawn(move || run(&jobs))?;
        }
        Ok(Self { queue, waiting: Arc::default(), reading: Arc::default() })
    }

    /// Runs a search of this caller. It may block.
    ///
    /// # Errors
    /// [`NotSearched`]
    pub async fn search<T: Send + 'static>(
        &self,
        caller: Uuid,
        search: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NotSearched> {
        let (answer, wait) = oneshot::channel();
        let place = Place::take(&self.waiting, caller).ok_or(NotSearched::Busy)?;
        let job = move || {
            // Nobody waits for it any more.
            if answer.is_closed() {
                return;
            }
            let found = search();
            // The place is free before the answer is there, so that its receiver may come again at once.
            drop(place);
            let _ = answer.send(found);
        };
        self.queue.try_send(Box::new(job)).map_err(|_| NotSearched::Busy)?;
        wait.await.map_err(|_| NotSearched::Panicked)
    }

    /// Reads from the store within a search: one search at a time, because a file has one reading connection for each
    /// thread of the runtime and one more.
    pub fn reading<T>(&self, read: impl FnOnce() -> T) -> T {
        let _one = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        read()
    }
}

fn run(jobs: &Mutex<mpsc::Receiver<Job>>) {
    // Lists may wait; tokens may not. Where the system refuses, the threads run as they are.
    give_way(GiveWay::ToAll);
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        // Who waits for the answer learns of a panic because none is sent.
        let _ = catch_unwind(AssertUnwindSafe(job));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    const ONE: Uuid = Uuid::from_u128(1);
    const OTHER: Uuid = Uuid::from_u128(2);

    #[tokio::test]
    async fn a_search_answers_and_one_that_panics_costs_itself_alone() {
        let searcher = Searcher::start(1).unwrap();
        let panics: Result<u8, _> = searcher.search(ONE, || panic!("on purpose")).await;
        assert_eq!(panics, Err(NotSearched::Panicked));
        assert_eq!(searcher.search(ONE, || 7).await, Ok(7));
        assert_eq!(searcher.search(ONE, || std::thread::current().name().map(str::to_owned)).await, {
            Ok(Some("carnet-search-0".to_owned()))
        });
    }

    #[tokio::test]
    async fn one_caller_has_so_many_places_and_others_have_theirs_row_149() {
        let searcher = Searcher::start(1).unwrap();
        let (open, gate) = mpsc::channel::<()>();
        let blocker = searcher.search(ONE, move || gate.recv().is_ok());
        let rest = futures_util::future::join_all((0..20).map(|_| searcher.search(ONE, || true)));
        let other = searcher.search(OTHER, || true);
        let opened = async { open.send(()).unwrap() };
        let (first, rest, other, ()) = tokio::join!(blocker, rest, other, opened);
        assert_eq!((first, other), (Ok(true), Ok(true)));
        assert_eq!(rest.iter().filter(|it| **it == Ok(true)).count(), PER_CALLER - 1);
        assert_eq!(rest.iter().filter(|it| **it == Err(NotSearched::Busy)).count(), 20 + 1 - PER_CALLER);
        assert_eq!(searcher.search(ONE, || true).await, Ok(true));
        assert!(searcher.waiting.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_search_that_nobody_waits_for_is_not_made_row_149() {
        let searcher = Searcher::start(1).unwrap();
        let (open, gate) = mpsc::channel::<()>();
        let mut blocker = Box::pin(searcher.search(ONE, move || gate.recv().is_ok()));
        assert!(blocker.as_mut().now_or_never().is_none());
        let (told, made) = mpsc::channel::<()>();
        let mut gone = Box::pin(searcher.search(ONE, move || told.send(())));
        assert!(gone.as_mut().now_or_never().is_none());
        drop(gone);
        open.send(()).unwrap();
        assert_eq!(blocker.await, Ok(true));
        assert_eq!(searcher.search(ONE, || true).await, Ok(true));
        assert!(made.recv().is_err());
    }
}
