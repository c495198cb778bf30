//! How often may be asked. Counting is the server's, each node's for itself; what a count means is said here.

use crate::{
    tenant::Policy,
    token::{Denial, denial::ServiceNo},
};

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Requests for tokens in a tenant, by those who proved who they are: nobody else uses its number up.
    Requests,
    /// The same sign-in: for one user through one client, by one grant, for the same permissions.
    Repeats,
    /// Polls with a device code that nobody has answered.
    Polls,
    /// User codes that a browser typed and that are none.
    Guesses,
}

impl Counted {
    /// Seconds that each one counts for.
    #[must_use]
    pub const fn window(self) -> i64 {
        match self {
            Self::Requests | Self::Repeats => 60,
            Self::Polls => 5,
            Self::Guesses => 15 * 60,
        }
    }

    /// How many there may be in that time; `None`: as many as there are. A device may poll once in 5 seconds
    /// (RFC 8628, 3.5); ten times as often is a flood (`security.md`, row 96). So many guesses are a browser's (row 93).
    #[must_use]
    pub fn most(self, policy: &Policy) -> Option<usize> {
        let number = |it: std::num::NonZeroU32| usize::try_from(it.get()).unwrap_or(usize::MAX);
        match self {
            Self::Requests => policy.requests_per_minute.map(number),
            Self::Repeats => policy.repeats_per_minute.map(number),
            Self::Polls => Some(10),
            Self::Guesses => Some(5),
        }
    }

    /// What is told where there were as many already; the first of them counts no more after `wait` seconds.
    #[must_use]
    pub const fn too_many(self, wait: i64) -> Denial {
        Denial::Service(match self {
            Self::Requests | Self::Polls | Self::Guesses => ServiceNo::Throttled { wait },
            Self::Repeats => ServiceNo::ClientLoop,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;

    #[test]
    fn nothing_is_too_much_save_where_a_number_says_so() {
        let all = [Counted::Requests, Counted::Repeats, Counted::Polls, Counted::Guesses];
        let none = Policy::default();
        assert_eq!(all.map(|it| it.most(&none)), [None, None, Some(10), Some(5)]);
        let some = Policy {
            requests_per_minute: NonZeroU32::new(3),
            repeats_per_minute: NonZeroU32::new(2),
            ..Policy::default()
        };
        assert_eq!(all.map(|it| it.most(&some)), [Some(3), Some(2), Some(10), Some(5)]);
        assert_eq!(all.map(|it| it.too_many(7).entry().0.number), [90_055, 50_196, 90_055, 90_055]);
    }
}
