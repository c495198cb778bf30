//! Tests whether the store accepts writes. On a full disk, reads still succeed.

use crate::{
    Store, StoreError,
    engine::{Batch, Expect, values},
    record::SPEND,
};
use carnet_wire::{digest, ids::TenantId, time::Timestamp};
use uuid::Uuid;

/// Time in milliseconds for which a successful test counts. The readiness check is public, so it must not cost a
/// commit each time.
const BELIEVED: i64 = 1000;
const FORGET: &str = "delete from spent where tenant_id = $1 and digest = $2";

impl Store {
    /// Writes and deletes a row in one batch, unless that succeeded less than a second ago. `nonce` separates the
    /// rows of several nodes.
    ///
    /// # Errors
    /// [`StoreError`] if nothing can be written.
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
