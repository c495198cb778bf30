//! Signing keys in memory, by tenant: parsed once. A tenant's first key is made when it is first needed;
//! of two nodes that make one at once, one wins and both use it.

use crate::reply::Failure;
use arc_swap::ArcSwap;
use carnet_store::{KeptKey, Store, StoreError};
use carnet_wire::{
    ids::TenantId,
    jose::{JoseError, PublicKey, SigningKey},
    secret::SecretBytes,
    time::Timestamp,
};
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_RSA_SHA256};
use std::{collections::HashMap, sync::Arc};

/// Self-signed certificates over signing keys live so long, in seconds.
const CERTIFICATE_LIFE: i64 = 5 * 365 * 24 * 3600;

/// A tenant's keys, oldest first; the newest signs.
#[derive(Debug)]
pub struct TenantKeys {
    /// All keys that are published.
    pub all: Vec<Arc<SigningKey>>,
    /// The tenant's secret for pairwise subjects.
    pub pairwise: [u8; 32],
}

impl TenantKeys {
    /// The key that signs.
    #[must_use]
    pub fn current(&self) -> &Arc<SigningKey> {
        self.all.last().expect("a tenant's keys are held only when there is one")
    }

    /// The key with this id.
    #[must_use]
    pub fn public(&self, kid: &str) -> Option<&PublicKey> {
        self.all.iter().find(|key| key.kid() == kid).map(|key| key.public())
    }
}

/// The keys of all tenants that were asked for.
#[derive(Debug, Default)]
pub struct Keys {
    held: ArcSwap<HashMap<TenantId, Arc<TenantKeys>>>,
    making: tokio::sync::Mutex<()>,
}

impl Keys {
    /// A tenant's keys; made when it has none.
    ///
    /// # Errors
    /// [`Failure`]
    pub async fn of(
        &self,
        store: &Store,
        tenant: TenantId,
        now: Timestamp,
    ) -> Result<Arc<TenantKeys>, Failure> {
        if let Some(keys) = self.held.load().get(&tenant) {
            return Ok(keys.clone());
        }
        let _turn = self.making.lock().await;
        if let Some(keys) = self.held.load().get(&tenant) {
            return Ok(keys.clone());
        }
        let mut kept = store.signing_keys(tenant).await?;
        if kept.is_empty() {
            let made =
                tokio::task::spawn_blocking(move || make(0, now)).await.map_err(broken)?.map_err(broken)?;
            kept = match store.keep_signing_key(tenant, &made).await {
                Ok(()) => vec![made],
                Err(StoreError::Exists) => store.signing_keys(tenant).await?,
                Err(error) => return Err(error.into()),
            };
        }
        let parse = |key: &KeptKey| SigningKey::new(&key.private, &key.certificate).map(Arc::new);
        let all = kept.iter().map(parse).collect::<Result<Vec<_>, JoseError>>().map_err(broken)?;
        if all.is_empty() {
            return Err(Failure::Broken("a tenant without a signing key".into()));
        }
        let keys = Arc::new(TenantKeys { all, pairwise: store.pairwise(tenant) });
        let mut map = HashMap::clone(&self.held.load());
        map.insert(tenant, keys.clone());
        self.held.store(Arc::new(map));
        Ok(keys)
    }
}

fn broken(error: impl ToString) -> Failure {
    Failure::Broken(error.to_string())
}

/// A new RSA-2048 key with a certificate over it, named as Entra names its own.
fn make(slot: i64, now: Timestamp) -> Result<KeptKey, rcgen::Error> {
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256)?;
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "accounts.accesscontrol.windows.net");
    params.not_before = now.plus_seconds(-3600).date_time();
    params.not_after = now.plus_seconds(CERTIFICATE_LIFE).date_time();
    let certificate = params.self_signed(&key)?.der().to_vec();
    let private = SecretBytes::new(key.serialize_der());
    let kid = carnet_wire::jose::Certificate::from_der(&certificate)
        .map(|read| carnet_wire::jose::encode_base64url(&read.sha1))
        .map_err(|_| rcgen::Error::CouldNotParseCertificate)?;
    Ok(KeptKey { slot, kid, created: now, private, certificate })
}
