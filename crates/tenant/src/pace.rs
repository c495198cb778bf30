//! How often may be asked. Counting is the server's, each node's for itself; what a count means is said here.

use crate::{tenant::Policy, token::Denial};

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Counted {
    /// Requests for tokens in a tenant.
    Requests,
    /// The same sign-in: for one user through one client, by one grant, for the same permissions.
    Repeats,
    /// Polls with a device code that nobody has answered.
    Polls,
}

impl Counted {
    /// Seconds in which they are counted together.
    #[must_use]
    pub const fn window(self) -> i64 {
        match self {
            Self::Requests | Self::Repeats => 60,
            Self::Polls => 5,
        }
    }

    /// How many there may be in that time; `None`: as many as there are. A device may poll once in 5 seconds
    /// (RFC 8628, 3.5); ten times as often is a flood (`security.md`, row 96).
    #[must_use]
    pub fn most(self, policy: &Policy) -> Option<u32> {
        match self {
            Self::Requests => policy.requests_per_minute.map(Into::into),
            Self::Repeats => policy.repeats_per_minute.map(Into::into),
            Self::Polls => Some(10),
        }
    }

    /// Whether there are too many, the one that asks among them; counting begins anew after `wait` seconds.
    ///
    /// # Errors
    /// [`Denial::Throttled`], [`Denial::ClientLoop`]
    pub fn allowed(self, policy: &Policy, (many, wait): (u32, i64)) -> Result<(), Denial> {
        match (self, self.most(policy).is_some_and(|most| many > most)) {
            (_, false) => Ok(()),
            (Self::Repeats, true) => Err(Denial::ClientLoop),
            (Self::Requests | Self::Polls, true) => Err(Denial::Throttled { wait }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;

    #[test]
    fn nothing_is_too_much_save_where_a_number_says_so() {
        let none = Policy::default();
        let told = |what: Counted, policy: &Policy, many| what.allowed(policy, (many, 7)).err();
        assert_eq!([Counted::Requests, Counted::Repeats].map(|it| told(it, &none, u32::MAX)), [None, None]);
        let throttled = Some(Denial::Throttled { wait: 7 });
        assert_eq!([10, 11].map(|many| told(Counted::Polls, &none, many)), [None, throttled.clone()]);
        let some = Policy {
            requests_per_minute: NonZeroU32::new(3),
            repeats_per_minute: NonZeroU32::new(2),
            ..Policy::default()
        };
        assert_eq!([3, 4].map(|many| told(Counted::Requests, &some, many)), [None, throttled]);
        assert_eq!([2, 3].map(|many| told(Counted::Repeats, &some, many)), [None, Some(Denial::ClientLoop)]);
    }
}
