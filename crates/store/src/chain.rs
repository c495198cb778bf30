//! The chain of sign-in records. Each start of a node numbers its records of each tenant from 1 and links the stored
//! ones in the order of their numbers. The head of the chain is written into the tenant's audit once a minute
//! (`attestation`), so that a record that is removed or altered later is detected.
//!
//! Each tenant has a chain of its own, so that verification needs no data of other tenants.

use crate::StoreError;
use carnet_wire::{digest, ids::TenantId, time::Timestamp};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A position in a chain: the number of a record, and the digest over all stored records up to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Link {
    pub(crate) number: i64,
    pub(crate) digest: [u8; 32],
}

impl Link {
    /// The position after one more stored record.
    pub(crate) fn then(&self, number: i64, record: &[u8; 32]) -> Self {
        Self { number, digest: digest::sha256(&[&self.digest, &number.to_be_bytes(), record]) }
    }
}

/// The digest of one record.
pub(crate) fn record_digest(number: i64, body: &str) -> [u8; 32] {
    digest::sha256(&[&number.to_be_bytes(), body.as_bytes()])
}

/// A range of a segment in which the store did not confirm a write. The chain does not include such records, and
/// their requests failed, but they may have been stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gap {
    /// The first such number, with the chain's digest before it.
    pub(crate) from: Link,
    /// The last such number, with the chain's digest after it.
    pub(crate) to: Link,
}

/// The part of a chain that is not attested yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    /// The position before the first record.
    pub(crate) from: Link,
    /// The position of the last record.
    pub(crate) head: Link,
    /// The earliest time of a record.
    pub(crate) since: Timestamp,
    /// The latest time of a record.
    pub(crate) until: Timestamp,
    /// The range with unconfirmed records, if any.
    pub(crate) gap: Option<Gap>,
}

impl Segment {
    /// Joins this segment with the one that follows it.
    fn followed_by(self, later: Self) -> Self {
        let gap = match (self.gap, later.gap) {
            (Some(first), Some(last)) => Some(Gap { from: first.from, to: last.to }),
            (first, last) => first.or(last),
        };
        let (since, until) = (self.since.min(later.since), self.until.max(later.until));
        Self { from: self.from, head: later.head, since, until, gap }
    }
}

/// The result of writing a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Stored,
    NotStored,
    Unconfirmed,
}

/// A record that has a number and is not linked yet.
#[derive(Debug)]
struct Slot {
    at: Timestamp,
    digest: [u8; 32],
    outcome: Option<Outcome>,
}

/// The chain of one tenant. A record is linked when the outcomes of all records before it are known.
#[derive(Debug, Default)]
struct TenantChain {
    head: Link,
    /// The records after the head, in the order of their numbers: the writes in progress, and the finished ones after
    /// the oldest of them.
    open: VecDeque<Slot>,
    segment: Option<Segment>,
}

impl TenantChain {
    fn advance(&mut self) {
        while let Some((slot, outcome)) = self.open.front().and_then(|it| Some((it, it.outcome?))) {
            let (before, number, at) = (self.head, self.head.number + 1, slot.at);
            let skipped = Link { number, digest: before.digest };
            let (head, gap) = match outcome {
                Outcome::Stored => (before.then(number, &slot.digest), None),
                Outcome::NotStored => (skipped, None),
                Outcome::Unconfirmed => (skipped, Some(Gap { from: skipped, to: skipped })),
            };
            self.head = head;
            self.open.pop_front();
            let one = Segment { from: before, head, since: at, until: at, gap };
            self.segment = match (self.segment, outcome) {
                (Some(segment), Outcome::NotStored) => Some(Segment { head, ..segment }),
                (None, Outcome::NotStored) => None,
                (Some(segment), _) => Some(segment.followed_by(one)),
                (None, _) => Some(one),
            };
        }
    }
}

/// The chains of one start of a node.
#[derive(Debug, Default)]
pub(crate) struct Chains(Mutex<HashMap<TenantId, TenantChain>>);

impl Chains {
    /// Gives the next number to a record. The ticket reports the outcome to the chain.
    pub(crate) fn link(self: &Arc<Self>, tenant: TenantId, at: Timestamp, body: &str) -> Ticket {
        let mut chains = self.chains();
        let chain = chains.entry(tenant).or_default();
        let number = chain.head.number + i64::try_from(chain.open.len()).unwrap_or(i64::MAX) + 1;
        let digest = record_digest(number, body);
        chain.open.push_back(Slot { at, digest, outcome: None });
        Ticket { chains: self.clone(), tenant, number, digest }
    }

    fn settle(&self, tenant: TenantId, number: i64, outcome: Outcome) {
        let mut chains = self.chains();
        let Some(chain) = chains.get_mut(&tenant) else { return };
        let place = usize::try_from(number - chain.head.number - 1).ok();
        if let Some(slot) = place.and_then(|at| chain.open.get_mut(at)) {
            slot.outcome = Some(outcome);
        }
        chain.advance();
    }

    /// Takes the unattested segment of each tenant that has one. New segments begin after them.
    pub(crate) fn take(&self) -> Vec<(TenantId, Segment)> {
        let mut chains = self.chains();
        chains.iter_mut().filter_map(|(tenant, chain)| Some((*tenant, chain.segment.take()?))).collect()
    }

    /// Returns a segment that could not be attested, so that it becomes part of the next one.
    pub(crate) fn give_back(&self, tenant: TenantId, earlier: Segment) {
        let mut chains = self.chains();
        let chain = chains.entry(tenant).or_default();
        chain.segment = Some(match chain.segment {
            Some(later) => earlier.followed_by(later),
            None => earlier,
        });
    }

    fn chains(&self) -> MutexGuard<'_, HashMap<TenantId, TenantChain>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A record's number in its chain, until its outcome is known. The ticket travels with the batch through the engine,
/// because the caller may be cancelled before the answer arrives.
#[derive(Debug)]
pub(crate) struct Ticket {
    chains: Arc<Chains>,
    tenant: TenantId,
    number: i64,
    digest: [u8; 32],
}

impl Ticket {
    pub(crate) const fn number(&self) -> i64 {
        self.number
    }

    pub(crate) const fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// Reports the engine's answer to the record's batch.
    pub(crate) fn answered<T>(mut self, answer: &Result<T, StoreError>) {
        let outcome = match answer {
            Ok(_) => Outcome::Stored,
            Err(StoreError::Conflict | StoreError::Exists) => Outcome::NotStored,
            Err(_) => Outcome::Unconfirmed,
        };
        self.chains.settle(self.tenant, self.number, outcome);
        // Numbers begin with 1, so 0 means that the outcome was reported.
        self.number = 0;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.number > 0 {
            self.chains.settle(self.tenant, self.number, Outcome::Unconfirmed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const TENANT: TenantId = TenantId::new(Uuid::from_u128(1));
    const OTHER: TenantId = TenantId::new(Uuid::from_u128(2));
    const AT: Timestamp = Timestamp::from_seconds(1);
    const KEPT: Result<(), StoreError> = Ok(());
    const LOST: Result<(), StoreError> = Err(StoreError::Conflict);
    const UNKNOWN: Result<(), StoreError> = Err(StoreError::Unknown);

    fn link(chains: &Arc<Chains>, body: &str) -> Ticket {
        chains.link(TENANT, AT, body)
    }

    /// The digest of the chain over these records.
    fn over(records: &[(i64, &str)]) -> [u8; 32] {
        let one =
            |link: Link, (number, body): &(i64, &str)| link.then(*number, &record_digest(*number, body));
        records.iter().fold(Link::default(), one).digest
    }

    fn segment(chains: &Chains) -> Segment {
        let taken = chains.take();
        assert_eq!(taken.len(), 1, "{taken:?}");
        taken[0].1
    }

    #[test]
    fn records_are_linked_in_the_order_of_their_numbers_whatever_the_order_of_the_answers() {
        let chains = Arc::new(Chains::default());
        let [one, two, three] = ["a", "b", "c"].map(|body| link(&chains, body));
        assert_eq!([one.number(), two.number(), three.number()], [1, 2, 3]);
        three.answered(&KEPT);
        two.answered(&LOST);
        assert!(chains.take().is_empty(), "the first is not answered");
        one.answered(&KEPT);
        let told = segment(&chains);
        assert_eq!((told.head.number, told.head.digest, told.gap), (3, over(&[(1, "a"), (3, "c")]), None));
        assert!(chains.take().is_empty());
    }

    #[test]
    fn what_was_not_kept_is_no_segment_and_does_not_touch_other_tenants_row_154() {
        let chains = Arc::new(Chains::default());
        chains.link(OTHER, AT, "x").answered(&KEPT);
        assert_eq!(chains.take().len(), 1);
        for body in ["a", "b"] {
            link(&chains, body).answered(&LOST);
        }
        assert!(chains.take().is_empty());
        drop(link(&chains, "c"));
        let taken = chains.take();
        assert_eq!(taken.iter().map(|(tenant, _)| *tenant).collect::<Vec<_>>(), [TENANT]);
    }

    #[test]
    fn however_many_are_not_confirmed_they_are_one_range_row_154() {
        let chains = Arc::new(Chains::default());
        link(&chains, "a").answered(&KEPT);
        for _ in 0..10_000 {
            link(&chains, "b").answered(&UNKNOWN);
        }
        link(&chains, "c").answered(&KEPT);
        drop(link(&chains, "d"));
        link(&chains, "e").answered(&KEPT);
        let told = segment(&chains);
        let gap = Gap {
            from: Link { number: 2, digest: over(&[(1, "a")]) },
            to: Link { number: 10_003, digest: over(&[(1, "a"), (10_002, "c")]) },
        };
        assert_eq!(told.gap, Some(gap));
        assert_eq!(told.head.digest, over(&[(1, "a"), (10_002, "c"), (10_004, "e")]));
        assert!(chains.chains()[&TENANT].open.is_empty());
    }

    #[test]
    fn a_segment_that_was_not_attested_is_part_of_the_next() {
        let chains = Arc::new(Chains::default());
        link(&chains, "a").answered(&UNKNOWN);
        let first = segment(&chains);
        link(&chains, "b").answered(&KEPT);
        chains.give_back(TENANT, first);
        link(&chains, "c").answered(&UNKNOWN);
        let both = segment(&chains);
        assert_eq!((both.from.number, both.head.number), (0, 3));
        assert_eq!(both.gap.map(|gap| (gap.from.number, gap.to.number)), Some((1, 3)));
    }
}
