//! Whether anything can be written: reading alone goes on working on a full disk.

use crate::{
    Store, StoreError,
    engine::{Batch, Expect, values},
    record::SPEND,
};
use carnet_wire::{digest, ids::TenantId, time::Timestamp};
use uuid::Uuid;

/// Milliseconds for which a probe that succeeded is believed: the readiness check is open to everybody, so it may not
/// cost a commit each time.
const BELIEVED: i64 = 1000;
const FORGET: &str = "delete from spent where tenant_id = $1 and digest = $2";

impl Store {
    /// Writes a row and takes it away again in one batch, unless that succeeded less than a second ago. `nonce` keeps
    /// the rows of several nodes apart.
    ///
    /// # Errors
    /// [`StoreError`] when nothing can be written.
    pub async fn probe_write(&self, nonce: Uuid, now: Timestamp) -> Result<(), StoreError> {
        let mut probed = self.inner.probed.lock().await;
        let age = probed.map(|at| now.millis() - at.millis());
        if age.is_some_and(|age| (0..BELIEVED).contains(&age)) {
            return Ok(());
        }
        *probed = None;
        let (nobody, digest) = (TenantId::new(Uuid::nil()), digest::sha256(&[b"probe ", nonce.as_bytes()]));
        let mut batch = Batch::default();
        batch.push(SPEND, values![nobody, &digest[..], now], Expect::Rows(1));
        batch.push(FORGET, values![nobody, &digest[..]], Expect::Rows(1));
        self.inner.engine.write(batch).await?;
        *probed = Some(now);
        Ok(())
    }
}
