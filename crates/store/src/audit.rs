//! The audit chain of a tenant: linking, verification and retention of entries. The last removed entry leaves an
//! anchor, its number and digest, from which verification starts.

use crate::{
    Store, StoreError,
    engine::{Batch, Expect, Row, values},
};
use carnet_tenant::tenant::Tenant;
use carnet_wire::{digest, ids::TenantId, time::Timestamp};

const DAY: i64 = 24 * 3600;
/// Number of entries that verification reads at once.
const PAGE: i64 = 200;
/// Maximum number of entries that one batch removes.
const CHUNK: usize = 500;

const ANCHOR: &str = "select version, digest from audit_anchor where tenant_id = $1";
const HEAD: &str = "select version, audit_head from tenant where id = $1";
const ENTRIES: &str = "select version, previous, digest, body from audit \
    where tenant_id = $1 and version > $2 order by version limit $3";
const FIRST: &str = "select version from audit where tenant_id = $1 order by version limit 1";
const OLDEST: &str = "select version, at, digest from audit where tenant_id = $1 order by version limit $2";
const REMOVE: &str = "delete from audit where tenant_id = $1 and version <= $2";
const KEEP_ANCHOR: &str = "insert into audit_anchor(tenant_id, version, digest) values ($1, $2, $3) \
    on conflict (tenant_id) do update set version = excluded.version, digest = excluded.digest \
    where audit_anchor.version < excluded.version";

/// The digest of an audit entry, to which the next entry links.
pub(crate) fn entry_digest(tenant: TenantId, previous: &[u8], version: i64, body: &str) -> [u8; 32] {
    digest::sha256(&[previous, tenant.uuid().as_bytes(), &version.to_be_bytes(), body.as_bytes()])
}

/// The result of verifying an audit chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditChain {
    /// The number of the last entry that the retention removed, or 0. Entries up to this one are not verified.
    pub anchor: i64,
    /// The number of the newest entry.
    pub newest: i64,
}

/// Error: the first entry at which an audit chain is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuditBreak {
    /// An entry is missing.
    #[error("audit entry {0} is missing")]
    Missing(i64),
    /// An entry does not link to the previous one, or to the anchor.
    #[error("audit entry {0} does not link to the entry before it")]
    Link(i64),
    /// An entry does not match its digest.
    #[error("audit entry {0} was altered")]
    Altered(i64),
    /// An entry exists although the anchor says that it was removed.
    #[error("audit entry {0} exists, but the anchor says that it was removed")]
    Removed(i64),
    /// The newest entry is not the one that the tenant's row names.
    #[error("audit entry {0} is not the newest one according to the tenant's row")]
    Newest(i64),
}

/// A position in an audit chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Position {
    version: i64,
    digest: [u8; 32],
}

impl Position {
    fn of(row: &Row) -> Result<Self, StoreError> {
        let digest = row.bytes(1).unwrap_or_default().try_into();
        let digest =
            digest.map_err(|_| StoreError::Damaged("a digest of the audit has another length".into()))?;
        Ok(Self { version: row.int(0), digest })
    }

    /// The position of the next entry, after verifying its row.
    fn next(self, tenant: TenantId, row: &Row) -> Result<Self, AuditBreak> {
        let (version, body) = (row.int(0), row.text(3));
        if version != self.version + 1 {
            return Err(AuditBreak::Missing(self.version + 1));
        }
        if row.bytes(1) != Some(&self.digest[..]) {
            return Err(AuditBreak::Link(version));
        }
        let digest = entry_digest(tenant, &self.digest, version, body);
        if row.bytes(2) != Some(&digest[..]) {
            return Err(AuditBreak::Altered(version));
        }
        Ok(Self { version, digest })
    }
}

impl Store {
    /// Verifies a tenant's audit chain from its anchor to the newest entry. Entries are read in pages.
    ///
    /// # Errors
    /// [`StoreError`]; the first break of the chain is the inner error.
    pub async fn verify_audit(&self, tenant: TenantId) -> Result<Result<AuditChain, AuditBreak>, StoreError> {
        self.walk_audit(tenant, |_| Ok(())).await
    }

    /// Verifies a tenant's audit chain and passes each verified entry's body to `entry`.
    pub(crate) async fn walk_audit(
        &self,
        tenant: TenantId,
        mut entry: impl FnMut(&str) -> Result<(), StoreError>,
    ) -> Result<Result<AuditChain, AuditBreak>, StoreError> {
        // Read before the anchor, so that entries that are appended during verification are left to the next one.
        let rows = self.inner.engine.read(HEAD, values![tenant]).await?;
        let Some(head) = rows.first().map(Position::of).transpose()? else {
            return Ok(Ok(AuditChain { anchor: 0, newest: 0 }));
        };
        let mut anchor = self.anchor(tenant).await?;
        let first = self.inner.engine.read(FIRST, values![tenant]).await?;
        if let Some(version) = first.first().map(|row| row.int(0)).filter(|it| *it <= anchor.version) {
            return Ok(Err(AuditBreak::Removed(version)));
        }
        let mut place = anchor;
        while place.version < head.version {
            let page = self.inner.engine.read(ENTRIES, values![tenant, place.version, PAGE]).await?;
            if page.is_empty() {
                return Ok(Err(AuditBreak::Missing(place.version + 1)));
            }
            for row in &page {
                match place.next(tenant, row) {
                    Ok(next) => place = next,
                    Err(AuditBreak::Missing(version)) => {
                        // The retention may have removed the entry since the anchor was read.
                        let newer = self.anchor(tenant).await?;
                        if newer.version < version {
                            return Ok(Err(AuditBreak::Missing(version)));
                        }
                        (anchor, place) = (newer, newer);
                        break;
                    }
                    Err(broken) => return Ok(Err(broken)),
                }
                entry(row.text(3))?;
                if place.version == head.version {
                    break;
                }
            }
        }
        if place != head {
            return Ok(Err(AuditBreak::Newest(place.version)));
        }
        Ok(Ok(AuditChain { anchor: anchor.version, newest: place.version }))
    }

    async fn anchor(&self, tenant: TenantId) -> Result<Position, StoreError> {
        let rows = self.inner.engine.read(ANCHOR, values![tenant]).await?;
        match rows.first() {
            Some(row) => Position::of(row),
            None => Ok(Position { version: 0, digest: [0; 32] }),
        }
    }

    /// Removes a tenant's audit entries that are older than its policy's retention, oldest first, and moves the
    /// anchor with each batch. An entry stays as long as an older one does, and the newest entry always stays.
    pub(crate) async fn tidy_audit(&self, tenant: &Tenant, now: Timestamp) -> Result<(), StoreError> {
        let cutoff = now.plus_seconds(-i64::from(tenant.policy.audit_days.get()) * DAY);
        // Usually there is nothing to remove, which one row shows.
        let mut limit = 1;
        loop {
            let rows = self.inner.engine.read(OLDEST, values![tenant.id, limit]).await?;
            let old = rows.iter().take_while(|row| row.int(1) <= cutoff.millis()).count();
            if old == 0 {
                return Ok(());
            }
            if limit == 1 {
                limit = CHUNK as i64 + 1;
                continue;
            }
            // One more row was read than is removed, so that the newest entry stays.
            let removed = old.min(rows.len() - 1).min(CHUNK);
            let Some(last) = removed.checked_sub(1).and_then(|at| rows.get(at)) else { return Ok(()) };
            let mut batch = Batch::default();
            batch.push(REMOVE, values![tenant.id, last.int(0)], Expect::Rows(removed as u64));
            let digest = last.bytes(2).unwrap_or_default();
            batch.push(KEEP_ANCHOR, values![tenant.id, last.int(0), digest], Expect::Rows(1));
            match self.inner.engine.write(batch).await {
                Ok(_) if removed == CHUNK => {}
                // Another node removes the same entries.
                Ok(_) | Err(StoreError::Conflict) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }
}
