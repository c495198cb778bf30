//! Attestation of sign-in records: once a minute, the head of each tenant's chain of records (`chain`) becomes an
//! entry of the tenant's audit, which is a chain of its own. Verification compares the records with the audit.

use crate::{
    AuditBreak, Store, StoreError,
    chain::{Gap, Link, Segment, record_digest},
    engine::values,
};
use carnet_tenant::change::{Actor, Audit};
use carnet_wire::{digest, ids::TenantId, time::Timestamp};
use std::collections::{BTreeMap, HashMap};

/// Maximum number of times that an attestation is written again after a conflict.
const TRIES: usize = 5;
/// Number of records that verification reads at once.
const PAGE: i64 = 500;
/// The activity name of an attestation in the audit.
const ACTIVITY: &str = "Attest sign-in records";

const RECORDS: &str = "select n, body, digest, at from sign_in where tenant_id = $1 and node = $2 \
    and n > $3 and n <= $4 and at <= $6 and (at > $5 or (at = $5 and n > $7)) order by at, n limit $8";

/// The result of verifying a tenant's sign-in records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RecordChain {
    /// Number of records that match the audit.
    pub verified: i64,
    /// Number of records in ranges whose writes the store did not confirm. The audit cannot attest them.
    pub unconfirmed: i64,
    /// Number of attestations that were not verified, because their records may have reached the end of their
    /// retention or an earlier release wrote them.
    pub skipped: i64,
}

/// Error: a tenant's sign-in records do not match its audit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordBreak {
    /// The audit chain itself is broken.
    #[error(transparent)]
    Audit(#[from] AuditBreak),
    /// Two consecutive attestations of a node do not continue each other.
    #[error("the attestations of node {node} do not follow each other at record {number}")]
    Order {
        /// The node's id.
        node: String,
        /// The first record number of the later attestation.
        number: i64,
    },
    /// A record in this range was removed, altered or added.
    #[error("the records {first} to {last} of node {node} differ from those that were attested")]
    Records {
        /// The node's id.
        node: String,
        /// The first record number.
        first: i64,
        /// The last record number.
        last: i64,
    },
}

/// An attestation, parsed from an audit entry.
struct Attestation {
    node: String,
    segment: Segment,
}

impl Attestation {
    fn audit(&self) -> Audit {
        let Segment { from, head, since, until, gap } = &self.segment;
        let gap = gap.map(|it| format!("{} {}", written(&it.from), written(&it.to))).unwrap_or_default();
        let pair = |name: &str, value: String| (name.to_owned(), String::new(), value);
        Audit {
            activity: ACTIVITY.into(),
            actor: Actor::Node { node: self.node.clone() },
            target: ("node".into(), self.node.clone(), String::new()),
            modified: vec![
                pair("from", written(from)),
                pair("head", written(head)),
                pair("since", since.millis().to_string()),
                pair("until", until.millis().to_string()),
                pair("unconfirmed", gap),
            ],
        }
    }

    /// Parses an attestation. `None` for one of an earlier release, which covers the records of all tenants.
    fn of(audit: &Audit) -> Option<Self> {
        let text = |name: &str| Some(&audit.modified.iter().find(|it| it.0 == name)?.2);
        let time = |name| Some(Timestamp::from_millis(text(name)?.parse().ok()?));
        let gap = match text("unconfirmed")?.split_once(' ') {
            Some((from, to)) => Some(Gap { from: read(from)?, to: read(to)? }),
            None => None,
        };
        let (from, head) = (read(text("from")?)?, read(text("head")?)?);
        let segment = Segment { from, head, since: time("since")?, until: time("until")?, gap };
        Some(Self { node: audit.target.1.clone(), segment })
    }
}

fn written(link: &Link) -> String {
    format!("{}:{}", link.number, digest::hex(&link.digest))
}

fn read(text: &str) -> Option<Link> {
    let (number, hex) = text.split_once(':')?;
    Some(Link { number: number.parse().ok()?, digest: digest::from_hex(hex)? })
}

impl Store {
    /// Writes the head of each tenant's chain of sign-in records into its audit, if there are new records.
    ///
    /// # Errors
    /// The first [`StoreError`]. A head that could not be written is part of the next attestation.
    pub async fn attest_records(&self, now: Timestamp) -> Result<(), StoreError> {
        let mut told = Ok(());
        for (tenant, segment) in self.inner.chains.take() {
            if let Err(error) = self.attest(tenant, segment, now).await {
                self.inner.chains.give_back(tenant, segment);
                told = told.and(Err(error));
            }
        }
        told
    }

    async fn attest(&self, tenant: TenantId, segment: Segment, now: Timestamp) -> Result<(), StoreError> {
        let audit = Attestation { node: self.inner.node.clone(), segment }.audit();
        let mut last = Ok(());
        for _ in 0..TRIES {
            let Some(seen) = self.directory(tenant).await? else { return Ok(()) };
            last = self.apply(&seen, (Vec::new(), vec![audit.clone()]), now, None).await.map(drop);
            if last != Err(StoreError::Conflict) {
                break;
            }
        }
        last
    }

    /// Verifies a tenant's audit, and its attested sign-in records at or after `since`; older ones may have been
    /// removed by the retention. Records are read in pages; digests are in memory for one attestation at a time,
    /// which covers about a minute.
    ///
    /// # Errors
    /// [`StoreError`]; the first mismatch is the inner error.
    pub async fn verify_records(
        &self,
        tenant: TenantId,
        since: Timestamp,
    ) -> Result<Result<RecordChain, RecordBreak>, StoreError> {
        let mut found = Vec::new();
        let mut skipped = 0;
        let walked = self
            .walk_audit(tenant, |body| {
                if !body.contains(ACTIVITY) {
                    return Ok(());
                }
                let damaged = |error: serde_json::Error| StoreError::Damaged(error.to_string());
                let entries: Vec<Audit> = serde_json::from_str(body).map_err(damaged)?;
                for audit in entries.iter().filter(|it| it.activity == ACTIVITY) {
                    match Attestation::of(audit).filter(|it| it.segment.since >= since) {
                        Some(attestation) => found.push(attestation),
                        None => skipped += 1,
                    }
                }
                Ok(())
            })
            .await?;
        if let Err(broken) = walked {
            return Ok(Err(broken.into()));
        }
        let mut told = RecordChain { skipped, ..RecordChain::default() };
        let mut latest: HashMap<&str, &Segment> = HashMap::new();
        for attestation in &found {
            let Attestation { node, segment } = attestation;
            let before = latest.insert(node, segment);
            if before.is_some_and(|before| !follows(segment, before)) {
                let (node, number) = (node.clone(), segment.from.number + 1);
                return Ok(Err(RecordBreak::Order { node, number }));
            }
            let records = self.records_of(tenant, attestation).await?;
            let held = records.and_then(|records| Some((holds(segment, &records)?, records)));
            let Some((unconfirmed, records)) = held else {
                let (first, last) = (segment.from.number + 1, segment.head.number);
                return Ok(Err(RecordBreak::Records { node: node.clone(), first, last }));
            };
            let new = before.map_or(0, |before| before.head.number) + 1;
            let all = records.range(new..).count() as i64;
            told.unconfirmed += unconfirmed;
            told.verified += (all - unconfirmed).max(0);
        }
        Ok(Ok(told))
    }

    /// The digests of an attestation's records by number. `None` if a record is altered or duplicated.
    async fn records_of(
        &self,
        tenant: TenantId,
        Attestation { node, segment }: &Attestation,
    ) -> Result<Option<BTreeMap<i64, [u8; 32]>>, StoreError> {
        let mut records = BTreeMap::new();
        let (mut at, mut after) = (segment.since.millis(), 0);
        loop {
            let values = values![
                tenant,
                node.clone(),
                segment.from.number,
                segment.head.number,
                at,
                segment.until,
                after,
                PAGE
            ];
            let rows = self.inner.engine.read(RECORDS, values).await?;
            for row in &rows {
                let number = row.int(0);
                let digest = record_digest(number, row.text(1));
                let same = row.bytes(2) == Some(&digest[..]);
                if !same || records.insert(number, digest).is_some() {
                    return Ok(None);
                }
                (at, after) = (row.int(3), number);
            }
            if rows.len() < PAGE as usize {
                return Ok(Some(records));
            }
        }
    }
}

/// Whether a segment continues the previous one. It may also begin where the previous one began: the store had
/// written that attestation without confirming it, so it was written again with newer records.
fn follows(segment: &Segment, before: &Segment) -> bool {
    [before.head.digest, before.from.digest].contains(&segment.from.digest)
}

/// Whether records match a segment, and how many of them the segment cannot attest. `None` if they do not match.
fn holds(segment: &Segment, records: &BTreeMap<i64, [u8; 32]>) -> Option<i64> {
    // The digest of the chain over the records with numbers from `first` to before `end`.
    let chained = |link: Link, first: i64, end: i64| {
        let some = records.range(first.min(end)..end);
        some.fold(link, |link, (number, digest)| link.then(*number, digest)).digest
    };
    let (mut link, mut first, mut unconfirmed) = (segment.from, segment.from.number + 1, 0);
    if let Some(Gap { from, to }) = segment.gap {
        if chained(link, first, from.number) != from.digest {
            return None;
        }
        // Usually none of the unconfirmed records exists, and the chain over the others matches.
        if chained(from, from.number, to.number + 1) != to.digest {
            unconfirmed =
                records.range(from.number..).take_while(|(number, _)| **number <= to.number).count();
        }
        (link, first) = (to, to.number + 1);
    }
    let whole = chained(link, first, segment.head.number + 1) == segment.head.digest;
    whole.then(|| i64::try_from(unconfirmed).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(number: i64) -> Link {
        (1..=number).fold(Link::default(), |link, number| link.then(number, &[7; 32]))
    }

    fn segment(from: i64, head: i64, gap: Option<Gap>) -> Segment {
        let at = Timestamp::from_seconds(1);
        Segment { from: link(from), head: link(head), since: at, until: at, gap }
    }

    fn records(numbers: std::ops::RangeInclusive<i64>) -> BTreeMap<i64, [u8; 32]> {
        numbers.map(|number| (number, [7; 32])).collect()
    }

    #[test]
    fn an_attestation_reads_back_and_one_of_an_earlier_release_does_not() {
        let gap = Some(Gap { from: link(3), to: link(4) });
        for segment in [segment(2, 5, None), segment(2, 5, gap)] {
            let audit = Attestation { node: "n".into(), segment }.audit();
            let read = Attestation::of(&audit).unwrap();
            assert_eq!((read.node.as_str(), read.segment), ("n", segment));
        }
        let mut old = Attestation { node: "n".into(), segment: segment(0, 1, None) }.audit();
        old.modified = ["head", "void"].map(|name| (name.into(), String::new(), String::new())).into();
        assert!(Attestation::of(&old).is_none());
    }

    #[test]
    fn a_segment_holds_over_its_own_records_alone() {
        let whole = segment(2, 5, None);
        assert_eq!(holds(&whole, &records(3..=5)), Some(0));
        for wrong in [3..=4, 4..=5, 6..=6] {
            assert_eq!(holds(&whole, &records(wrong.clone())), None, "{wrong:?}");
        }
        let mut altered = records(3..=5);
        altered.insert(4, [8; 32]);
        assert_eq!(holds(&whole, &altered), None);
    }

    #[test]
    fn what_was_not_confirmed_may_be_there_or_not() {
        // Records 3 and 4 were not confirmed, so the chain covers 1, 2 and 5.
        let before = link(2);
        let head = before.then(5, &[7; 32]);
        let gap = Gap { from: Link { number: 3, ..before }, to: Link { number: 4, ..before } };
        let segment = Segment { head, ..segment(0, 5, Some(gap)) };
        let with = |numbers: &[i64]| numbers.iter().map(|number| (*number, [7; 32])).collect();
        assert_eq!(holds(&segment, &with(&[1, 2, 5])), Some(0));
        assert_eq!(holds(&segment, &with(&[1, 2, 4, 5])), Some(1));
        assert_eq!(holds(&segment, &with(&[1, 2, 3, 4, 5])), Some(2));
        for wrong in [&[1, 5][..], &[1, 2], &[1, 2, 3, 4]] {
            assert_eq!(holds(&segment, &with(wrong)), None, "{wrong:?}");
        }
    }

    #[test]
    fn an_attestation_continues_the_one_before_or_repeats_it() {
        let before = segment(2, 5, None);
        assert!(follows(&segment(5, 6, None), &before) && follows(&segment(2, 6, None), &before));
        assert!(!follows(&segment(6, 7, None), &before) && !follows(&segment(3, 7, None), &before));
    }
}
