//! The two things that only the machine knows: what time it is, and chance. Everything else is handed
//! them as arguments.

use carnet_wire::{entropy::Entropy, time::Timestamp};
use std::{
    cell::RefCell,
    sync::atomic::{AtomicI64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};
use zeroize::Zeroize;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// The wall clock, which never runs backwards within one process: a step back would let what was
/// already refused as expired pass again.
#[derive(Debug, Default)]
pub struct SystemClock {
    latest: AtomicI64,
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let millis = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
        let latest = self.latest.fetch_max(millis, Ordering::Relaxed);
        Timestamp::from_millis(millis.max(latest))
    }
}

/// A clock that a test sets.
#[derive(Debug)]
pub struct FixedClock(AtomicI64);

impl FixedClock {
    /// A clock that stands at `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self(now.millis().into())
    }

    /// Moves the clock.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.millis(), Ordering::Relaxed);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// The operating system's random bytes, fetched some ahead: a token takes several few, and each call costs more than
/// the bytes. What was handed out is wiped from the stock. No process of ours forks and goes on with it.
#[derive(Debug, Default, Clone, Copy)]
pub struct OsEntropy;

/// Bytes that are fetched at a time.
const STOCK: usize = 512;

thread_local! {
    /// The bytes, and how many of them are left, at the end.
    static AHEAD: RefCell<([u8; STOCK], usize)> = const { RefCell::new(([0; STOCK], 0)) };
}

impl Entropy for OsEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        if bytes.len() > STOCK {
            return fetch(bytes);
        }
        AHEAD.with_borrow_mut(|(stock, left)| {
            if bytes.len() > *left {
                fetch(stock);
                *left = STOCK;
            }
            let from = STOCK - *left;
            let taken = &mut stock[from..from + bytes.len()];
            bytes.copy_from_slice(taken);
            taken.zeroize();
            *left -= bytes.len();
        });
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that asks the system")]
fn fetch(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("a kernel that runs this program has a random source");
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_wall_clock_never_steps_back() {
        let clock = SystemClock { latest: AtomicI64::new(i64::from(u32::MAX) * 2000) };
        assert_eq!(clock.now().millis(), i64::from(u32::MAX) * 2000);
    }

    #[test]
    fn no_byte_is_handed_out_twice_and_none_is_left_unfilled() {
        let draw = |length: usize| {
            let mut bytes = vec![0; length];
            OsEntropy.fill(&mut bytes);
            bytes
        };
        // Across the end of a stock, a whole one, and more than one holds: no sixteen bytes come again, and none are nought.
        let drawn: Vec<u8> = [16, 32, 480, STOCK, STOCK + 16, 16].into_iter().flat_map(draw).collect();
        let parts: BTreeSet<&[u8]> = drawn.chunks_exact(16).collect();
        assert_eq!(parts.len(), drawn.len() / 16);
        assert!(!parts.contains(&[0; 16][..]));
        let elsewhere = std::thread::spawn(move || draw(16)).join().unwrap();
        assert!(!parts.contains(&elsewhere[..]));
    }
}
