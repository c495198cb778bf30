//! Smart lockout: how often a password may be tried. An attempt is reserved before the hash is
//! computed, in one atomic statement of the store; this module holds its numbers and what the
//! reservation tells the rules (`security.md`, S26).

use carnet_wire::time::Timestamp;

/// Wrong passwords before the first lock.
pub const FREE_ATTEMPTS: i64 = 10;
/// The first lock, in seconds; each further wrong attempt doubles it.
pub const FIRST_LOCK: i64 = 60;
/// The longest lock, in seconds.
pub const LONGEST_LOCK: i64 = 30 * 60;
/// Wrong attempts in a row after which only an administrator unlocks.
pub const HARD_STOP: i64 = 100;

/// Seconds in which the failed passwords of one source are counted together, over all accounts of a tenant. How many
/// there may be is the tenant's `source_failures`.
pub const SOURCE_WINDOW: i64 = 10 * 60;
/// Seconds after which a sign-in from a known source is written down again.
pub const SEEN_AGAIN: i64 = 24 * 3600;

/// What a counter of attempts counts. Counters of two purposes never meet, whatever their keys are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AttemptPurpose {
    /// Passwords of the user name that is the key.
    Password,
    /// Second factors of the user whose name is the key.
    SecondFactor,
    /// User codes of devices that were guessed from the source that is the key.
    UserCodeFromSource,
    /// User codes of devices that were guessed at one tenant; the key is the part of the codes and the time.
    UserCodeAtTenant,
}

/// What reserving an attempt told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// The grant tries no password.
    None,
    /// It may be evaluated; so many were reserved in a row, this one among them.
    Reserved(i64),
    /// The same password was among the last three: evaluated, not counted.
    Repeated,
    /// Locked until then: the password is not evaluated (a dummy hash costs the same).
    Locked(Timestamp),
    /// Too many passwords of this source were wrong, at whatever accounts: the password is not evaluated and not
    /// counted against the account.
    SourceLimited,
}

impl Attempt {
    /// The password is to be evaluated for real.
    #[must_use]
    pub const fn evaluates(self) -> bool {
        matches!(self, Self::Reserved(_) | Self::Repeated)
    }
}

/// How long the account is closed to this source after `count` reserved attempts without a success,
/// in seconds; 0 while attempts are free, `i64::MAX` at the hard stop.
#[must_use]
pub fn lock_seconds(count: i64) -> i64 {
    if count < FREE_ATTEMPTS {
        return 0;
    }
    if count >= HARD_STOP {
        return i64::MAX;
    }
    let doublings = u32::try_from(count - FREE_ATTEMPTS).unwrap_or(u32::MAX).min(10);
    (FIRST_LOCK << doublings).min(LONGEST_LOCK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tenth_wrong_password_locks_for_a_minute_and_each_further_one_doubles_it() {
        let locks: Vec<i64> = [9, 10, 11, 12, 15, 99, 100].map(lock_seconds).into();
        assert_eq!(locks, [0, 60, 120, 240, 1800, 1800, i64::MAX]);
    }
}
