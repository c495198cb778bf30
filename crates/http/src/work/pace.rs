//! Counts how often is asked, for the rules of `tenant::pace`: in memory, and on each node for itself.

use carnet_tenant::{pace::Counted, tenant::Policy, token::Denial};
use carnet_wire::{digest, time::Timestamp};
use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};

/// What is counted apart at most, of each kind; what is new beyond it goes uncounted until something older is over.
const MOST: usize = 1 << 16;
/// What is over is looked for at this size for the first time.
const FEW: usize = 1 << 10;
/// How often it is looked for at most where there is no room, in milliseconds.
const PAUSE: u64 = 1000;

type Key = [u8; 16];

/// The counts.
#[derive(Debug, Default)]
pub struct Pace {
    requests: Mutex<Log>,
    repeats: Mutex<Log>,
    polls: Mutex<Log>,
    guesses: Mutex<Log>,
    /// Until when a tenant's requests are too many, in milliseconds; no tenant's after that.
    full_until: AtomicI64,
}

impl Pace {
    /// Some tenant's requests are too many now.
    #[must_use]
    pub fn is_full(&self, now: Timestamp) -> bool {
        self.full_until.load(Ordering::Relaxed) > now.millis()
    }

    /// Whether there is room for one more of what `parts` name, by the numbers of a policy.
    ///
    /// # Errors
    /// [`Denial`] where there is none.
    pub fn room(&self, what: Counted, policy: &Policy, one: (&[&[u8]], Timestamp)) -> Result<(), Denial> {
        self.look(what, policy, (one, false))
    }

    /// The same, and counts it where there is.
    ///
    /// # Errors
    /// [`Denial`]
    pub fn count(&self, what: Counted, policy: &Policy, one: (&[&[u8]], Timestamp)) -> Result<(), Denial> {
        self.look(what, policy, (one, true))
    }

    fn look(
        &self,
        what: Counted,
        policy: &Policy,
        ((parts, now), counts): ((&[&[u8]], Timestamp), bool),
    ) -> Result<(), Denial> {
        let Some(most) = what.most(policy) else { return Ok(()) };
        let (window, now) = (what.window() * 1000, now.millis());
        let mut log = self.log(what);
        let Some(times) = log.lately(key(parts), (window, now)) else { return Ok(()) };
        let held = times.len().checked_sub(most).and_then(|over| times.get(over));
        if let Some(until) = held.map(|at| at + window) {
            if what == Counted::Requests {
                self.full_until.fetch_max(until, Ordering::Relaxed);
            }
            return Err(what.too_many((until - now + 999) / 1000));
        }
        if counts {
            times.push_back(now);
        }
        Ok(())
    }

    fn log(&self, what: Counted) -> MutexGuard<'_, Log> {
        let log = match what {
            Counted::Requests => &self.requests,
            Counted::Repeats => &self.repeats,
            Counted::Polls => &self.polls,
            Counted::Guesses => &self.guesses,
        };
        log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// No two lists of parts have one key.
fn key(parts: &[&[u8]]) -> Key {
    let lengths: Vec<[u8; 8]> = parts.iter().map(|part| part.len().to_be_bytes()).collect();
    let told: Vec<&[u8]> = lengths.iter().zip(parts).flat_map(|(length, part)| [&length[..], part]).collect();
    let mut key = Key::default();
    key.copy_from_slice(&digest::sha256(&told)[..16]);
    key
}

/// The moments that count of each key, in milliseconds and in order.
#[derive(Debug, Default)]
struct Log {
    by_key: HashMap<Key, VecDeque<i64>>,
    /// The size at which what is over is looked for: twice what was left the last time.
    sweep_at: usize,
    swept: i64,
}

impl Log {
    /// The moments of a key that still count; `None`: there is no room for it.
    fn lately(&mut self, key: Key, (window, now): (i64, i64)) -> Option<&mut VecDeque<i64>> {
        let full = self.by_key.len() >= MOST;
        if self.by_key.len() >= self.sweep_at.clamp(FEW, MOST) && (!full || self.swept.abs_diff(now) >= PAUSE)
        {
            self.by_key.retain(|_, times| {
                settle(times, (window, now));
                !times.is_empty()
            });
            (self.sweep_at, self.swept) = (2 * self.by_key.len(), now);
        }
        if self.by_key.len() >= MOST && !self.by_key.contains_key(&key) {
            return None;
        }
        let times = self.by_key.entry(key).or_default();
        settle(times, (window, now));
        Some(times)
    }
}

/// Drops what counts no more. After a clock was put back, what is still to come counts from now on: nothing is
/// forgotten, and nobody waits for longer than anything counts.
fn settle(times: &mut VecDeque<i64>, (window, now): (i64, i64)) {
    for at in times.iter_mut().rev().take_while(|at| **at > now) {
        *at = now;
    }
    while times.front().is_some_and(|at| at + window <= now) {
        times.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;

    fn policy(number: u32) -> Policy {
        Policy { requests_per_minute: NonZeroU32::new(number), ..Policy::default() }
    }

    /// Counts one; how long it has to wait, in seconds.
    fn ask(pace: &Pace, who: &[u8], millis: i64) -> Option<i64> {
        let now = Timestamp::from_millis(millis);
        let no = pace.count(Counted::Requests, &policy(2), (&[who], now)).err()?;
        assert_eq!(no.entry().0.number, 90_055);
        Some(no.retry_after())
    }

    #[test]
    fn each_one_counts_for_its_time_and_for_whom_it_is_of() {
        let pace = Pace::default();
        assert_eq!(
            [0, 30_000, 30_001, 59_999].map(|at| ask(&pace, b"a", at)),
            [None, None, Some(30), Some(1)]
        );
        assert_eq!(ask(&pace, b"b", 59_999), None);
        // What was refused does not count.
        assert_eq!([60_000, 60_001, 90_000].map(|at| ask(&pace, b"a", at)), [None, Some(30), None]);
    }

    #[test]
    fn who_looks_is_not_counted_and_a_tenant_that_is_full_shows() {
        let (pace, now) = (Pace::default(), Timestamp::from_millis(0));
        for _ in 0..5 {
            pace.room(Counted::Requests, &policy(1), (&[b"a"], now)).unwrap();
        }
        pace.count(Counted::Requests, &policy(1), (&[b"a"], now)).unwrap();
        assert!(!pace.is_full(now));
        pace.room(Counted::Requests, &policy(1), (&[b"a"], now)).unwrap_err();
        assert_eq!(
            [0, 59_999, 60_000].map(|at| pace.is_full(Timestamp::from_millis(at))),
            [true, true, false]
        );
    }

    #[test]
    fn a_clock_that_is_put_back_forgets_nothing_and_makes_nobody_wait_longer() {
        let (pace, day) = (Pace::default(), 86_400_000);
        assert_eq!([day, day, 0, 60_000].map(|at| ask(&pace, b"a", at)), [None, None, Some(60), None]);
    }

    #[test]
    fn what_is_over_makes_room_and_beyond_the_bound_nothing_new_is_counted() {
        let mut log = Log::default();
        let one = |number: usize| key(&[&number.to_be_bytes()]);
        let mut add = |number, now| log.lately(one(number), (5000, now)).map(|times| times.push_back(now));
        for number in 0..MOST {
            assert!(add(number, 0).is_some());
        }
        assert!(add(MOST, 0).is_none() && add(7, 0).is_some());
        assert!(add(MOST, 5000).is_some());
        assert_eq!(log.by_key.len(), 1);
    }

    #[test]
    fn nothing_is_kept_where_the_policy_has_no_number_and_no_two_lists_are_one() {
        let (pace, now) = (Pace::default(), Timestamp::from_millis(0));
        pace.count(Counted::Requests, &Policy::default(), (&[b"a"], now)).unwrap();
        assert!(pace.log(Counted::Requests).by_key.is_empty());
        assert_ne!(key(&[b"ab", b"c"]), key(&[b"a", b"bc"]));
    }
}
