//! Signing keys in memory, by tenant: parsed once. A tenant's first key is made when it is first needed, the
//! others by the calendar of `carnet_tenant::rotation`; of two nodes that make one at once, one wins and both
//! use it. Every node reads the keys anew each minute, and at once, but at most once a minute, when a token names
//! a key that it does not hold.

use arc_swap::ArcSwap;
use carnet_store::{KeptKey, Rotation, Store, StoreError};
use carnet_tenant::rotation::{self, KeyDates};
use carnet_wire::{
    digest::DigestKey,
    ids::TenantId,
    jose::{JoseError, PublicKey, SigningKey},
    secret::SecretBytes,
    time::Timestamp,
};
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_RSA_SHA256};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Self-signed certificates over signing keys live so long, in seconds.
const CERTIFICATE_LIFE: i64 = 5 * 365 * 24 * 3600;
/// Between two readings for keys that are not held, in milliseconds.
const LOOK_AGAIN: i64 = 60_000;
/// How often a rotation is decided on again when another change was faster.
const TRIES: usize = 5;

/// Why the keys of a tenant are not there.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The store does not give or take them.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key cannot be made or read.
    #[error("a signing key: {0}")]
    Broken(String),
}

/// A tenant's keys, oldest first.
#[derive(Debug)]
pub struct TenantKeys {
    keys: Vec<Arc<SigningKey>>,
    dates: Vec<KeyDates>,
    /// The tenant's secret for pairwise subjects.
    pub pairwise: DigestKey,
}

impl TenantKeys {
    /// The key that signs now.
    #[must_use]
    pub fn current(&self, now: Timestamp) -> &Arc<SigningKey> {
        let at = rotation::signing(&self.dates, now).and_then(|at| self.keys.get(at));
        at.expect("a tenant's keys are held only when there is one")
    }

    /// All keys that are published.
    #[must_use]
    pub fn published(&self) -> &[Arc<SigningKey>] {
        &self.keys
    }

    /// The key with this id.
    #[must_use]
    pub fn public(&self, kid: &str) -> Option<&PublicKey> {
        self.keys.iter().find(|key| key.kid() == kid).map(|key| key.public())
    }

    fn are(&self, kept: &[KeptKey]) -> bool {
        self.keys.len() == kept.len() && self.keys.iter().zip(kept).all(|(held, kept)| held.kid() == kept.kid)
    }
}

/// The keys of all tenants that were asked for.
#[derive(Debug, Default)]
pub struct Keys {
    held: ArcSwap<HashMap<TenantId, Arc<TenantKeys>>>,
    making: tokio::sync::Mutex<()>,
    looked: Mutex<HashMap<TenantId, Timestamp>>,
}

impl Keys {
    /// A tenant's keys; made when it has none.
    ///
    /// # Errors
    /// [`KeysError`]
    pub async fn of(
        &self,
        store: &Store,
        tenant: TenantId,
        now: Timestamp,
    ) -> Result<Arc<TenantKeys>, KeysError> {
        if let Some(keys) = self.held.load().get(&tenant) {
            return Ok(keys.clone());
        }
        let _turn = self.making.lock().await;
        if let Some(keys) = self.held.load().get(&tenant) {
            return Ok(keys.clone());
        }
        self.hold(store, tenant, first(store, tenant, now).await?)
    }

    /// The keys of a tenant read anew, because a token names one that is not held. `None`: that was done less
    /// than a minute ago.
    ///
    /// # Errors
    /// [`KeysError`]
    pub async fn look_again(
        &self,
        store: &Store,
        tenant: TenantId,
        now: Timestamp,
    ) -> Result<Option<Arc<TenantKeys>>, KeysError> {
        {
            let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
            let recent = |last: &Timestamp| (now.millis() - last.millis()).abs() < LOOK_AGAIN;
            if looked.get(&tenant).is_some_and(recent) {
                return Ok(None);
            }
            looked.insert(tenant, now);
        }
        let _turn = self.making.lock().await;
        let kept = store.signing_keys(tenant).await?;
        self.hold(store, tenant, kept).map(Some)
    }

    /// Once a minute: takes in what other nodes did to a tenant's keys, makes the next one in time, and takes
    /// away those whose last token is dead.
    ///
    /// # Errors
    /// [`KeysError`]; what is missing is done the next time.
    pub async fn tend(&self, store: &Store, tenant: TenantId, now: Timestamp) -> Result<(), KeysError> {
        let _turn = self.making.lock().await;
        for _ in 0..TRIES {
            let Some(seen) = store.directory(tenant).await? else { return Ok(()) };
            let kept = first(store, tenant, now).await?;
            let dates: Vec<KeyDates> = kept.iter().map(KeptKey::dates).collect();
            let over = rotation::over(&dates, now);
            let due = rotation::due(&dates, now);
            let gone = kept.iter().filter(|key| over.contains(&key.slot));
            let mut rotation = Rotation {
                gone: gone.map(|key| (key.slot, key.kid.clone())).collect(),
                ..Rotation::default()
            };
            self.hold(store, tenant, kept)?;
            if due.is_none() && over.is_empty() {
                return Ok(());
            }
            if let Some(slot) = due {
                rotation.made = Some(make(slot, rotation::made(&dates, now)).await?);
            }
            match store.rotate_signing_keys(&seen, &rotation, now).await {
                // Read anew, like whatever another node did.
                Ok(()) | Err(StoreError::Conflict | StoreError::Exists) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Puts keys in the place of those that are held, parsed only where they differ.
    fn hold(
        &self,
        store: &Store,
        tenant: TenantId,
        kept: Vec<KeptKey>,
    ) -> Result<Arc<TenantKeys>, KeysError> {
        let held = self.held.load().get(&tenant).cloned();
        if let Some(held) = held.as_ref().filter(|held| held.are(&kept)) {
            return Ok(held.clone());
        }
        let known = |kid: &str| held.as_ref()?.keys.iter().find(|key| key.kid() == kid).cloned();
        let parse = |key: &KeptKey| match known(&key.kid) {
            Some(key) => Ok(key),
            None => SigningKey::new(&key.private, &key.certificate).map(Arc::new),
        };
        let all = kept.iter().map(parse).collect::<Result<Vec<_>, JoseError>>().map_err(broken)?;
        if all.is_empty() {
            return Err(KeysError::Broken("a tenant has no signing key".into()));
        }
        let dates = kept.iter().map(KeptKey::dates).collect();
        let keys = Arc::new(TenantKeys { keys: all, dates, pairwise: store.pairwise(tenant) });
        let mut map = HashMap::clone(&self.held.load());
        map.insert(tenant, keys.clone());
        self.held.store(Arc::new(map));
        Ok(keys)
    }
}

/// A tenant's next key, at once: the operator wants it. In an emergency it is the only one from now on, so that it
/// signs at once and every token of the others is dead. Its id, and the ids of the keys that are gone.
///
/// # Errors
/// [`KeysError`]
pub async fn rotate(
    store: &Store,
    tenant: TenantId,
    emergency: bool,
    now: Timestamp,
) -> Result<(String, Vec<String>), KeysError> {
    for _ in 0..TRIES {
        let Some(seen) = store.directory(tenant).await? else {
            return Err(StoreError::Away("signing keys".into()).into());
        };
        let kept = first(store, tenant, now).await?;
        let dates: Vec<KeyDates> = kept.iter().map(KeptKey::dates).collect();
        // In an emergency nothing stays that it could come before.
        let beside = if emergency { &[][..] } else { &dates[..] };
        let made = make(rotation::next(&dates), rotation::made(beside, now)).await?;
        let kid = made.kid.clone();
        let all = kept.into_iter().filter(|_| emergency).map(|key| (key.slot, key.kid));
        let rotation = Rotation { made: Some(made), gone: all.collect(), by_operator: true };
        match store.rotate_signing_keys(&seen, &rotation, now).await {
            Ok(()) => return Ok((kid, rotation.gone.into_iter().map(|(_, kid)| kid).collect())),
            Err(StoreError::Conflict | StoreError::Exists) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Away("signing keys".into()).into())
}

/// A tenant's keys as kept; the first is made when there is none.
async fn first(store: &Store, tenant: TenantId, now: Timestamp) -> Result<Vec<KeptKey>, KeysError> {
    let kept = store.signing_keys(tenant).await?;
    if !kept.is_empty() {
        return Ok(kept);
    }
    let made = make(0, now).await?;
    match store.keep_signing_key(tenant, &made).await {
        Ok(()) => Ok(vec![made]),
        Err(StoreError::Exists) => Ok(store.signing_keys(tenant).await?),
        Err(error) => Err(error.into()),
    }
}

fn broken(error: impl ToString) -> KeysError {
    KeysError::Broken(error.to_string())
}

/// A new key that counts from this moment, made beside the requests.
async fn make(slot: i64, now: Timestamp) -> Result<KeptKey, KeysError> {
    tokio::task::spawn_blocking(move || generate(slot, now)).await.map_err(broken)?.map_err(broken)
}

/// A new RSA-2048 key with a certificate over it, named as Entra names its own.
fn generate(slot: i64, now: Timestamp) -> Result<KeptKey, rcgen::Error> {
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
