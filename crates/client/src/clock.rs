//! The system clock and random source of the client.

use carnet_wire::{entropy::Entropy, time::Timestamp};
use std::time::{SystemTime, UNIX_EPOCH};

/// The current time of the system clock.
#[expect(clippy::disallowed_methods, reason = "only this function of the client reads the system clock")]
#[must_use]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Random bytes from the operating system.
#[derive(Debug, Default, Clone, Copy)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    #[expect(
        clippy::disallowed_methods,
        reason = "only this function of the client reads the system's random source"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("every supported system has a random source");
    }
}
