//! Signing keys at rest: sealed, numbered by slot, so that of two nodes that make one at once only one
//! succeeds.

use crate::{
    Store, StoreError,
    engine::{Batch, Expect, values},
};
use carnet_wire::{ids::TenantId, secret::SecretBytes, time::Timestamp};

const KEYS: &str = "select slot, kid, created_at, body from signing_key where tenant_id = $1 order by slot";
const KEEP: &str =
    "insert into signing_key(tenant_id, slot, kid, created_at, body) values ($1, $2, $3, $4, $5)";

/// A signing key as kept.
#[derive(Debug, Clone)]
pub struct KeptKey {
    /// Its place in the row of the tenant's keys.
    pub slot: i64,
    /// Its id.
    pub kid: String,
    /// When it was made.
    pub created: Timestamp,
    /// The private key, PKCS#8 DER.
    pub private: SecretBytes,
    /// The certificate over it, DER.
    pub certificate: Vec<u8>,
}

impl Store {
    /// A tenant's signing keys, oldest first.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn signing_keys(&self, tenant: TenantId) -> Result<Vec<KeptKey>, StoreError> {
        let rows = self.inner.engine.read(KEYS, values![tenant]).await?;
        let mut keys = Vec::with_capacity(rows.len());
        for row in rows {
            let kid = row.text(1).to_owned();
            let place = ["signing_key", &tenant.to_string(), &kid];
            let body = self.inner.seal.open(&place, row.bytes(3).unwrap_or_default())?;
            let (private, certificate): (Vec<u8>, Vec<u8>) =
                serde_json::from_slice(&body).map_err(|error| StoreError::Damaged(error.to_string()))?;
            let created = Timestamp::from_millis(row.int(2));
            keys.push(KeptKey {
                slot: row.int(0),
                kid,
                created,
                private: SecretBytes::new(private),
                certificate,
            });
        }
        Ok(keys)
    }

    /// Keeps a key in its slot.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when another node was faster: read the keys again.
    pub async fn keep_signing_key(&self, tenant: TenantId, key: &KeptKey) -> Result<(), StoreError> {
        let pair = zeroize::Zeroizing::new(
            serde_json::to_vec(&(key.private.expose(), &key.certificate))
                .map_err(|error| StoreError::Damaged(error.to_string()))?,
        );
        let sealed = self.inner.seal.seal(&["signing_key", &tenant.to_string(), &key.kid], &pair)?;
        let mut batch = Batch::default();
        batch.push(KEEP, values![tenant, key.slot, key.kid.clone(), key.created, sealed], Expect::Rows(1));
        self.inner.engine.write(batch).await.map(drop)
    }

    /// A tenant's secret for pairwise subjects.
    #[must_use]
    pub fn pairwise(&self, tenant: TenantId) -> [u8; 32] {
        self.inner.seal.pairwise(tenant)
    }
}
