//! Deletes expired rows. Each statement deletes a limited number of rows, so that it does not block the writer for
//! long.

use crate::{
    Store, StoreError,
    engine::{Batch, Expect, Value, values},
};
use carnet_tenant::{lockout::SOURCE_WINDOW, tenant::Policy};
use carnet_wire::{ids::TenantId, time::Timestamp};
use uuid::Uuid;

const DAY: i64 = 24 * 3600;
/// Retention of sign-in records, in days.
const RECORD_DAYS: i64 = 30;

/// Number of rows that one statement deletes, as in the SQL texts.
const CHUNK: usize = 500;

const ARTIFACTS: &str = "delete from artifact where digest in \
    (select digest from artifact where expires_at <= $1 limit 500) returning 1";
const FAMILIES: &str =
    "delete from family where id in (select id from family where expires_at <= $1 limit 500) returning 1";
const SPENT: &str = "delete from spent where digest in \
    (select digest from spent where expires_at <= $1 limit 500) returning 1";
const ATTEMPTS: &str = "delete from attempt where locked_until <= $1 and updated_at <= $2 and account in \
    (select account from attempt where locked_until <= $1 and updated_at <= $2 limit 500) returning 1";
const RECORDS: &str = "delete from sign_in where tenant_id = $1 and (at, node, n) in \
    (select at, node, n from sign_in where tenant_id = $1 and at <= $2 order by at limit 500) returning 1";
const DELETED_OBJECTS: &str = "delete from object where (tenant_id, kind, id) in \
    (select tenant_id, kind, id from object where deleted > 0 and deleted <= $1 limit 500) returning 1";
const SOURCE_FAILURES: &str = "delete from source_failure where (tenant_id, source) in \
    (select tenant_id, source from source_failure where began_at <= $1 limit 500) returning 1";
const KNOWN_SOURCES: &str = "delete from known_source where tenant_id = $1 and (account, source) in \
    (select account, source from known_source where tenant_id = $1 and seen_at <= $2 limit 500) returning 1";
const COUNTS: &str = "delete from denial_count where (minute, tenant_id, code, app_id, source) in \
    (select minute, tenant_id, code, app_id, source from denial_count where minute <= $1 limit 500) returning 1";

impl Store {
    /// Deletes what expired before `now`.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn tidy(&self, now: Timestamp) -> Result<(), StoreError> {
        self.drain(ARTIFACTS, values![now]).await?;
        // Deleted artifacts must not stay in the caches.
        self.inner.codes.retain(|kept| kept.expires > now);
        self.inner.refresh.retain(|kept| kept.expires > now);
        self.drain(FAMILIES, values![now]).await?;
        self.drain(SPENT, values![now]).await?;
        self.drain(ATTEMPTS, values![now, now.plus_seconds(-DAY)]).await?;
        let month_ago = now.plus_seconds(-RECORD_DAYS * DAY);
        self.drain(SOURCE_FAILURES, values![now.plus_seconds(-SOURCE_WINDOW)]).await?;
        // An earlier release stored known sources of user codes without a tenant.
        let nobody = (TenantId::new(Uuid::nil()), Policy::default().known_source_days);
        let known = self.tenants().into_iter().map(|it| (it.id, it.policy.known_source_days));
        for (tenant, days) in known.chain([nobody]) {
            let since = now.plus_seconds(-i64::from(days.get()) * DAY);
            self.drain(KNOWN_SOURCES, values![tenant, since]).await?;
        }
        for tenant in self.tenants() {
            self.drain(RECORDS, values![tenant.id, month_ago]).await?;
            self.tidy_audit(&tenant, now).await?;
        }
        self.drain(DELETED_OBJECTS, values![now.plus_seconds(-DAY)]).await?;
        self.drain(COUNTS, values![month_ago.millis() / 60_000]).await
    }

    /// Repeats a statement that deletes at most [`CHUNK`] rows until it deletes fewer, each in a batch of its own, so
    /// that other writes can run in between.
    async fn drain(&self, sql: &'static str, values: Vec<Value>) -> Result<(), StoreError> {
        loop {
            let mut batch = Batch::default();
            batch.push(sql, values.clone(), Expect::Any);
            let gone = self.inner.engine.write(batch).await?;
            if gone.first().map_or(0, Vec::len) < CHUNK {
                return Ok(());
            }
        }
    }
}
