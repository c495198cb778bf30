//! The janitor: takes away what has ended. Each call takes a bounded number of rows, so that it never
//! holds the writer up for long.

use crate::{
    Store, StoreError,
    engine::{Batch, Expect, values},
};
use carnet_wire::time::Timestamp;

const DAY: i64 = 24 * 3600;
/// Sign-in records are kept so many days.
const RECORD_DAYS: i64 = 30;

const ARTIFACTS: &str =
    "delete from artifact where digest in (select digest from artifact where expires_at <= $1 limit 500)";
const FAMILIES: &str =
    "delete from family where id in (select id from family where expires_at <= $1 limit 500)";
const SPENT: &str =
    "delete from spent where digest in (select digest from spent where expires_at <= $1 limit 500)";
const ATTEMPTS: &str = "delete from attempt where locked_until <= $1 and updated_at <= $2 and account in \
    (select account from attempt where updated_at <= $2 limit 500)";
const RECORDS: &str = "delete from sign_in where at <= $1 and node in (select distinct node from sign_in where at <= $1 limit 50)";
const TOMBS: &str = "delete from object where deleted > 0 and deleted <= $1";
const UNKNOWN: &str = "delete from unknown_client where minute <= $1";

impl Store {
    /// Takes away what ended before `now`.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn tidy(&self, now: Timestamp) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        batch.push(ARTIFACTS, values![now], Expect::Any);
        batch.push(FAMILIES, values![now], Expect::Any);
        batch.push(SPENT, values![now], Expect::Any);
        batch.push(ATTEMPTS, values![now, now.plus_seconds(-DAY)], Expect::Any);
        batch.push(RECORDS, values![now.plus_seconds(-RECORD_DAYS * DAY)], Expect::Any);
        batch.push(TOMBS, values![now.plus_seconds(-DAY)], Expect::Any);
        batch.push(UNKNOWN, values![now.plus_seconds(-RECORD_DAYS * DAY).millis() / 60_000], Expect::Any);
        self.inner.engine.write(batch).await.map(drop)
    }
}
