//! Counts how often is asked, for the rules of `tenant::pace`. In memory, so that a flood costs the store nothing,
//! and on each node for itself.

use carnet_tenant::{pace::Counted, tenant::Policy, token::Denial};
use carnet_wire::{digest, time::Timestamp};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Counts that are kept at most; what is new beyond them is not counted until older ones are over.
const MOST: usize = 1 << 16;
/// Those that are over are looked for at this size for the first time.
const FEW: usize = 1 << 10;

type Key = [u8; 16];

/// The counts.
#[derive(Debug, Default)]
pub struct Pace {
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    by_key: HashMap<Key, Count>,
    /// The size at which those that are over are looked for, twice what was left of them the last time.
    sweep_at: usize,
}

#[derive(Debug)]
struct Count {
    began: i64,
    ends: i64,
    many: u32,
}

impl Pace {
    /// Counts one more of what `parts` name, where the tenant's policy has a number for it.
    ///
    /// # Errors
    /// [`Denial`] when there are too many.
    pub fn count(
        &self,
        what: Counted,
        policy: &Policy,
        parts: &[&[u8]],
        now: Timestamp,
    ) -> Result<(), Denial> {
        if what.most(policy).is_none() {
            return Ok(());
        }
        let lengths: Vec<[u8; 8]> = parts.iter().map(|part| part.len().to_be_bytes()).collect();
        let kind = format!("{what:?}");
        let mut told: Vec<&[u8]> = vec![kind.as_bytes()];
        told.extend(lengths.iter().zip(parts).flat_map(|(length, part)| [&length[..], part]));
        let mut key = Key::default();
        key.copy_from_slice(&digest::sha256(&told)[..16]);
        what.allowed(policy, self.lock().add(key, what.window() * 1000, now.millis()))
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    /// How many there are now, and after how many seconds counting begins anew.
    fn add(&mut self, key: Key, window: i64, now: i64) -> (u32, i64) {
        if self.by_key.len() >= self.sweep_at.clamp(FEW, MOST) {
            self.by_key.retain(|_, it| it.ends > now);
            self.sweep_at = 2 * self.by_key.len();
        }
        if self.by_key.len() >= MOST && !self.by_key.contains_key(&key) {
            return (1, 0);
        }
        let count = self.by_key.entry(key).or_insert(Count { began: now, ends: now + window, many: 0 });
        let over = count.ends <= now;
        // A clock that was put back makes nobody wait for longer than is counted together, and forgets nothing.
        if over || now < count.began {
            (count.began, count.ends) = (now, now + window);
        }
        count.many = if over { 1 } else { count.many.saturating_add(1) };
        (count.many, (count.ends - now + 999) / 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u64) -> Key {
        let mut key = Key::default();
        key[..8].copy_from_slice(&number.to_be_bytes());
        key
    }

    #[test]
    fn each_is_counted_for_itself_until_its_time_is_over() {
        let mut counts = Counts::default();
        let mut add = |number, now| counts.add(key(number), 5000, now);
        assert_eq!([add(1, 0), add(1, 1), add(2, 1), add(1, 4999)], [(1, 5), (2, 5), (1, 5), (3, 1)]);
        assert_eq!([add(1, 5000), add(2, 5000)], [(1, 5), (2, 1)]);
    }

    #[test]
    fn a_clock_that_is_put_back_forgets_nothing_and_makes_nobody_wait_longer() {
        let mut counts = Counts::default();
        let day = 86_400_000;
        assert_eq!(counts.add(key(1), 5000, day), (1, 5));
        assert_eq!([0, 4999, 5000].map(|now| counts.add(key(1), 5000, now)), [(2, 5), (3, 1), (1, 5)]);
    }

    #[test]
    fn what_is_over_makes_room_and_beyond_the_bound_nothing_new_is_kept() {
        let mut counts = Counts::default();
        let bound = u64::try_from(MOST).unwrap();
        for number in 0..bound + 10 {
            assert_eq!(counts.add(key(number), 5000, 0).0, 1);
        }
        assert_eq!(counts.by_key.len(), MOST);
        assert_eq!([counts.add(key(7), 5000, 1).0, counts.add(key(bound + 1), 5000, 1).0], [2, 1]);
        assert_eq!(counts.add(key(bound + 1), 5000, 5000), (1, 5));
        assert_eq!(counts.by_key.len(), 1);
    }

    #[test]
    fn nothing_is_kept_where_the_policy_has_no_number() {
        let pace = Pace::default();
        let now = Timestamp::from_seconds(1);
        pace.count(Counted::Requests, &Policy::default(), &[b"tenant"], now).unwrap();
        assert!(pace.lock().by_key.is_empty());
        pace.count(Counted::Polls, &Policy::default(), &[b"ab", b"c"], now).unwrap();
        pace.count(Counted::Polls, &Policy::default(), &[b"a", b"bc"], now).unwrap();
        assert_eq!(pace.lock().by_key.len(), 2);
    }
}
