//! The chain of sign-in records. Each start of a node numbers its records of each tenant from 1 and links those that
//! were kept, in the order of their numbers. The head of the chain is written into the tenant's audit once a minute
//! (`attestation`), so a record that is removed or altered afterwards shows.
//!
//! A tenant's chain has only that tenant's records: nothing of another tenant is needed to verify it.

use crate::StoreError;
use carnet_wire::{digest, ids::TenantId, time::Timestamp};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A place in a chain: the number of a record, and the digest over all kept records up to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Link {
    pub(crate) number: i64,
    pub(crate) digest: [u8; 32],
}

impl Link {
    /// The chain after one more kept record.
    pub(crate) fn then(&self, number: i64, record: &[u8; 32]) -> Self {
        Self { number, digest: digest::sha256(&[&self.digest, &number.to_be_bytes(), record]) }
    }
}

/// The digest of one record.
pub(crate) fn record_digest(number: i64, body: &str) -> [u8; 32] {
    digest::sha256(&[&number.to_be_bytes(), body.as_bytes()])
}

/// The numbers between the first and the last record of a segment of which it is not known whether they were kept:
/// the store did not answer. Their requests failed, and the chain does not include them, but they may be there.
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
    /// The chain before the first record.
    pub(crate) from: Link,
    /// The chain after the last record.
    pub(crate) head: Link,
    /// The earliest time of a record.
    pub(crate) since: Timestamp,
    /// The latest time of a record.
    pub(crate) until: Timestamp,
    /// Where it is not known what was kept.
    pub(crate) gap: Option<Gap>,
}

impl Segment {
    /// This segment and the one that follows it.
    fn followed_by(self, later: Self) -> Self {
        let gap = match (self.gap, later.gap) {
            (Some(first), Some(last)) => Some(Gap { from: first.from, to: last.to }),
            (first, last) => first.or(last),
        };
        let (since, until) = (self.since.min(later.since), self.until.max(later.until));
        Self { from: self.from, head: later.head, since, until, gap }
    }
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Kept,
    NotKept,
    Unconfirmed,
}

/// A record that has its number.
#[derive(Debug)]
struct Slot {
    at: Timestamp,
    digest: [u8; 32],
    outcome: Option<Outcome>,
}

/// The chain of one tenant. A record is linked once it is known what became of all records before it.
#[derive(Debug, Default)]
struct TenantChain {
    head: Link,
    /// The records after the head, in the order of their numbers. As many as there are writes under way, and what
    /// was kept since the oldest of them began.
    open: VecDeque<Slot>,
    segment: Option<Segment>,
}

impl TenantChain {
    fn advance(&mut self) {
        while let Some((slot, outcome)) = self.open.front().and_then(|it| Some((it, it.outcome?))) {
            let (before, number, at) = (self.head, self.head.number + 1, slot.at);
            let skipped = Link { number, digest: before.digest };
            let (head, gap) = match outcome {
                Outcome::Kept => (before.then(number, &slot.digest), None),
                Outcome::NotKept => (skipped, None),
                Outcome::Unconfirmed => (skipped, Some(Gap { from: skipped, to: skipped })),
            };
            self.head = head;
            self.open.pop_front();
            let one = Segment { from: before, head, since: at, until: at, gap };
            self.segment = match (self.segment, outcome) {
                (Some(segment), Outcome::NotKept) => Some(Segment { head, ..segment }),
                (None, Outcome::NotKept) => None,
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
    /// The number and digest of the next record. The ticket tells the chain what became of it.
    pub(crate) fn link(self: &Arc<Self>, tenant: TenantId, (at, body): (Timestamp, &str)) -> Ticket {
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

    /// What is to be attested: the segment of each tenant that has one. New segments begin after them.
    pub(crate) fn take(&self) -> Vec<(TenantId, Segment)> {
        let mut chains = self.chains();
        chains.iter_mut().filter_map(|(tenant, chain)| Some((*tenant, chain.segment.take()?))).collect()
    }

    /// A segment that could not be attested is part of the next one.
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

/// A record's number in its chain, until it is known what became of the record. It travels with the record's batch
/// through the engine, because whoever waits for the answer may go away before it comes.
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

    /// The engine's answer to the record's batch.
    pub(crate) fn answered<T>(mut self, answer: &Result<T, StoreError>) {
        let outcome = match answer {
            Ok(_) => Outcome::Kept,
            Err(StoreError::Conflict | StoreError::Exists) => Outcome::NotKept,
            Err(_) => Outcome::Unconfirmed,
        };
        self.chains.settle(self.tenant, self.number, outcome);
        // Numbers begin with 1: there is nothing left to tell.
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
        chains.link(TENANT, (AT, body))
    }

    /// The chain over these records.
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
        chains.link(OTHER, (AT, "x")).answered(&KEPT);
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
