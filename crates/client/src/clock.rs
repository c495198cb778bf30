//! The two things that only the machine knows, for the client half: the time and chance.

use carnet_wire::{entropy::Entropy, time::Timestamp};
use std::time::{SystemTime, UNIX_EPOCH};

/// Now, by the wall clock.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place of the client half that reads the wall clock"
)]
#[must_use]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// The operating system's random bytes.
#[derive(Debug, Default, Clone, Copy)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place of the client half that asks the system"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("a kernel that runs this program has a random source");
    }
}
