//! Storage of signing keys. They are sealed and numbered by slot, so that only one of two nodes that create a key at
//! the same time succeeds.

use crate::{
    Store, StoreError,
    engine::{Batch, Expect, values},
};
use carnet_tenant::{
    change::{Actor, Audit},
    directory::Directory,
    rotation::KeyDates,
};
use carnet_wire::{digest::DigestKey, ids::TenantId, secret::SecretBytes, time::Timestamp};

const KEYS: &str = "select slot, kid, created_at, body from signing_key where tenant_id = $1 order by slot";
const KEEP: &str =
    "insert into signing_key(tenant_id, slot, kid, created_at, body) values ($1, $2, $3, $4, $5)";

const DROP: &str = "delete from signing_key where tenant_id = $1 and slot = $2";

/// A stored signing key.
#[derive(Debug, Clone)]
pub struct KeptKey {
    /// The slot: its number among the tenant's keys.
    pub slot: i64,
    /// The key id.
    pub kid: String,
    /// Creation time.
    pub created: Timestamp,
    /// The private key in PKCS#8 DER.
    pub private: SecretBytes,
    /// The certificate in DER.
    pub certificate: Vec<u8>,
}

impl KeptKey {
    /// The slot and creation time.
    #[must_use]
    pub const fn dates(&self) -> KeyDates {
        KeyDates { slot: self.slot, made: self.created }
    }
}

/// A change of a tenant's signing keys.
#[derive(Debug, Default)]
pub struct Rotation {
    /// The key to add.
    pub made: Option<KeptKey>,
    /// The keys to delete: slots and key ids.
    pub gone: Vec<(i64, String)>,
    /// Whether the operator requested it. Otherwise the node does it on schedule.
    pub by_operator: bool,
}

impl Store {
    /// Reads a tenant's signing keys, oldest first.
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

    /// Stores a key in its slot.
    ///
    /// # Errors
    /// [`StoreError::Exists`] if another node stored one in this slot: read the keys again.
    pub async fn keep_signing_key(&self, tenant: TenantId, key: &KeptKey) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        self.push_key(&mut batch, tenant, key)?;
        self.inner.engine.write(batch).await.map(drop)
    }

    fn push_key(&self, batch: &mut Batch, tenant: TenantId, key: &KeptKey) -> Result<(), StoreError> {
        let pair = zeroize::Zeroizing::new(
            serde_json::to_vec(&(key.private.expose(), &key.certificate))
                .map_err(|error| StoreError::Damaged(error.to_string()))?,
        );
        let sealed = self.inner.seal.seal(&["signing_key", &tenant.to_string(), &key.kid], &pair)?;
        batch.push(KEEP, values![tenant, key.slot, key.kid.clone(), key.created, sealed], Expect::Rows(1));
        Ok(())
    }

    /// Adds and deletes keys with an audit entry, in one batch.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] or [`StoreError::Exists`] if another node changed the keys or the directory: read the
    /// keys and decide again.
    pub async fn rotate_signing_keys(
        &self,
        seen: &Directory,
        rotation: &Rotation,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let tenant = seen.tenant.id;
        let mut more = Batch::default();
        if let Some(key) = &rotation.made {
            self.push_key(&mut more, tenant, key)?;
        }
        for (slot, _) in &rotation.gone {
            more.push(DROP, values![tenant, *slot], Expect::Rows(1));
        }
        let actor = match rotation.by_operator {
            true => Actor::Operator { digest: String::new() },
            false => Actor::Node { node: self.inner.node.clone() },
        };
        let gone: Vec<&str> = rotation.gone.iter().map(|(_, kid)| kid.as_str()).collect();
        let made = rotation.made.as_ref().map_or("", |key| &key.kid);
        let audit = Audit {
            activity: "Rotate signing keys".into(),
            actor,
            target: ("tenant".into(), tenant.to_string(), seen.tenant.display_name.clone()),
            modified: vec![("signingKeys".into(), gone.join(" "), made.to_owned())],
        };
        self.apply_with(seen, (Vec::new(), vec![audit]), now, more).await.map(drop)
    }

    /// A tenant's key for pairwise subject identifiers.
    #[must_use]
    pub fn pairwise(&self, tenant: TenantId) -> DigestKey {
        self.inner.seal.pairwise(tenant)
    }
}
