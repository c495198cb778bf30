//! When a tenant's signing keys are made, sign, and go (`security.md`, sections 2 and 7, F6 and F12).
//!
//! A key is published from the moment it is kept to the moment it is taken away, whatever the clock says; time
//! only chooses which of the published ones signs. So a clock that jumps back takes no key out of the
//! document, and a token that verified goes on verifying.

use carnet_wire::time::Timestamp;

/// A new key is made so long after the newest one, in seconds.
pub const EVERY: i64 = 30 * DAY;
/// A key is published so long before it signs, in seconds: clients keep the document for a day.
pub const PUBLISHED_BEFORE: i64 = DAY;
/// A key is kept so long after it signed last, in seconds: the longest token's day (continuous evaluation), and
/// an hour for clocks that differ.
pub const KEPT_AFTER: i64 = DAY + 3600;

const DAY: i64 = 24 * 3600;

/// A key's place among its tenant's, and its age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyDates {
    /// Its place: a later key has a larger one.
    pub slot: i64,
    /// When it was made, and so published.
    pub made: Timestamp,
}

impl KeyDates {
    const fn signs_from(&self) -> Timestamp {
        self.made.plus_seconds(PUBLISHED_BEFORE)
    }
}

/// Which of a tenant's keys, oldest first, signs now: the newest that was published long enough. A tenant's
/// first key signs at once, and so does the only one that an emergency left. `None`: there is no key.
#[must_use]
pub fn signing(keys: &[KeyDates], now: Timestamp) -> Option<usize> {
    let ripe = keys.iter().rposition(|key| key.signs_from() <= now);
    ripe.or(if keys.is_empty() { None } else { Some(0) })
}

/// The slot of the key that is to be made now, if one is.
#[must_use]
pub fn due(keys: &[KeyDates], now: Timestamp) -> Option<i64> {
    let newest = keys.last()?;
    (newest.made.plus_seconds(EVERY) <= now).then(|| next(keys))
}

/// The slot after the newest key's.
#[must_use]
pub fn next(keys: &[KeyDates]) -> i64 {
    keys.iter().map(|key| key.slot + 1).max().unwrap_or(0)
}

/// The moment from which a key counts that is made now beside these: not before the newest of them, even where
/// the clock is behind. A key that counted from earlier would take the older ones away before their tokens end.
#[must_use]
pub fn made(beside: &[KeyDates], now: Timestamp) -> Timestamp {
    beside.iter().map(|key| key.made).fold(now, Timestamp::max)
}

/// The slots of keys whose last token is dead: a later key has been signing for longer than a token lives.
#[must_use]
pub fn over(keys: &[KeyDates], now: Timestamp) -> Vec<i64> {
    let dead = |at: usize| {
        let relieved = keys.get(at + 1..)?.iter().map(KeyDates::signs_from).min()?;
        Some(relieved.plus_seconds(KEPT_AFTER) <= now)
    };
    (0..keys.len()).filter(|at| dead(*at) == Some(true)).map(|at| keys[at].slot).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const T0: i64 = 1_800_000_000;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(T0 + seconds)
    }

    fn keys(made: &[i64]) -> Vec<KeyDates> {
        (0..).zip(made).map(|(slot, made)| KeyDates { slot, made: at(*made) }).collect()
    }

    #[test]
    fn the_first_key_signs_at_once_and_a_later_one_after_a_day() {
        let two = keys(&[0, EVERY]);
        assert_eq!(signing(&two[..1], at(0)), Some(0));
        assert_eq!(signing(&two, at(EVERY)), Some(0));
        assert_eq!(signing(&two, at(EVERY + DAY - 1)), Some(0));
        assert_eq!(signing(&two, at(EVERY + DAY)), Some(1));
        assert_eq!(signing(&[], at(0)), None);
    }

    #[test]
    fn a_key_is_made_after_thirty_days_and_one_at_a_time() {
        assert_eq!(due(&keys(&[0]), at(EVERY - 1)), None);
        assert_eq!(due(&keys(&[0]), at(EVERY)), Some(1));
        assert_eq!(due(&keys(&[0, EVERY]), at(EVERY)), None);
        assert_eq!(due(&[], at(EVERY)), None);
    }

    #[test]
    fn a_key_goes_when_its_last_token_is_dead_and_never_the_one_that_signs() {
        let two = keys(&[0, EVERY]);
        let end = EVERY + DAY + KEPT_AFTER;
        assert!(over(&two, at(end - 1)).is_empty());
        assert_eq!(over(&two, at(end)), [0]);
        assert!(over(&two[1..], at(end + 10 * EVERY)).is_empty());
    }

    #[test]
    fn a_clock_that_jumps_back_signs_with_a_key_that_is_still_published() {
        let two = keys(&[0, EVERY]);
        assert_eq!(signing(&two, at(-EVERY)), Some(0));
        assert!(over(&two, at(-EVERY)).is_empty() && due(&two, at(-EVERY)).is_none());
        // And after a jump forward and back: the key of the future waits, the old one signs.
        let jumped = keys(&[0, 10 * EVERY]);
        assert_eq!(signing(&jumped, at(EVERY)), Some(0));
    }

    #[test]
    fn a_key_that_a_clock_behind_made_relieves_the_older_one_in_its_time() {
        let mut all = keys(&[0]);
        assert_eq!((made(&all, at(5)), made(&[], at(-5))), (at(5), at(-5)));
        all.push(KeyDates { slot: 1, made: made(&all, at(-10 * DAY)) });
        assert_eq!(all[1].made, at(0));
        assert_eq!((signing(&all, at(DAY - 1)), signing(&all, at(DAY))), (Some(0), Some(1)));
        assert!(over(&all, at(DAY + KEPT_AFTER - 1)).is_empty());
        assert_eq!(over(&all, at(DAY + KEPT_AFTER)), [0]);
    }

    proptest! {
        #[test]
        fn the_key_that_signs_is_never_one_that_goes(
            made in proptest::collection::vec(-2 * EVERY..2 * EVERY, 1..6),
            now in -3 * EVERY..4 * EVERY,
        ) {
            let keys = keys(&made);
            let signs = keys[signing(&keys, at(now)).unwrap()].slot;
            prop_assert!(!over(&keys, at(now)).contains(&signs));
        }
    }
}
