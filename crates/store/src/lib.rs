//! Persistence: one schema and one SQL text for two engines, with encryption of all secret data. The rules are in
//! `carnet_tenant`.

mod apply;
pub mod artifact;
mod attempt;
mod attestation;
mod audit;
mod certificate_authority;
mod chain;
mod denials;
pub mod device;
pub mod engine;
mod facts;
mod feed;
mod home;
mod keys;
mod lock;
pub mod log;
pub mod migrate;
mod object;
mod once;
mod opening;
mod probe;
mod public_url;
mod recent;
mod record;
mod redeem;
pub mod seal;
mod tidy;

pub use attempt::AttemptCounter;
pub use attestation::{RecordBreak, RecordChain};
pub use audit::{AuditBreak, AuditChain};
pub use certificate_authority::{KeptAuthorities, KeptAuthority};
pub use denials::DenialCount;
pub use facts::refresh_digest;
pub use keys::{KeptKey, Rotation};
pub use once::Once;
pub use opening::Opening;
pub use record::Settle;

use carnet_tenant::{directory::Directory, registry::Registry, tenant::Tenant, user::User};
use carnet_wire::{
    authority::TenantName,
    catalogue::Catalogue,
    digest,
    entropy::Entropy,
    ids::{AppId, ObjectId, TenantId},
    jose::{decode_base64url, encode_base64url},
    secret::{DatabaseUrl, SecretBytes},
    time::Timestamp,
};
use engine::{Engine, values};
use seal::Seal;
use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

/// Error: a store operation failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another write was faster; nothing was changed.
    #[error("another change was faster")]
    Conflict,
    /// A key is taken; nothing was changed.
    #[error("a unique name is taken")]
    Exists,
    /// A single-use item was used before; nothing was changed.
    #[error("a single-use item was already used")]
    Spent,
    /// It is not known whether the write was committed.
    #[error("the connection was lost while committing")]
    Unknown,
    /// The directories in memory may be out of date.
    #[error("the last successful read of the change feed is more than a second old")]
    Stale,
    /// The store is unavailable.
    #[error("the store cannot be used: {0}")]
    Away(String),
    /// The stored data is not what this program wrote.
    #[error("the store is damaged: {0}; restore it from a backup")]
    Damaged(String),
    /// A newer release of Carnet wrote the store.
    #[error(
        "the store has schema version {found}, but this release of Carnet supports up to {known}: use the newer release"
    )]
    Newer {
        /// The schema version of the store.
        found: i32,
        /// The newest schema version that this program supports.
        known: i32,
    },
    /// The seal key does not match the store.
    #[error(
        "the seal key does not match this store: use the seal.key with which it was created (--seal-key)"
    )]
    WrongSeal,
    /// Another process uses the data folder.
    #[error("the data folder {} is in use by another Carnet process: stop it, or choose another folder with --data", .0.display())]
    InUse(PathBuf),
}

/// The options for opening a store.
#[derive(Clone)]
pub struct Options {
    /// The data folder.
    pub data: PathBuf,
    /// A PostgreSQL database to use instead of a file in the data folder.
    pub database: Option<DatabaseUrl>,
    /// The seal key: 32 bytes with which stored data is encrypted.
    pub seal: SecretBytes,
    /// Microsoft's own applications.
    pub catalogue: Arc<Catalogue>,
    /// The source of randomness.
    pub entropy: Arc<dyn Entropy>,
}

/// An open store. Clones share it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    seal: Seal,
    catalogue: Arc<Catalogue>,
    /// The registrations of all tenants, which their directories share.
    registry: Arc<Registry>,
    tenants: RwLock<LoadedTenants>,
    node: String,
    chains: Arc<chain::Chains>,
    denials: denials::Denials,
    devices: device::FullQuotas,
    /// Users by the version of their tenant's directory, which every change of a user raises.
    users: recent::RecentCache<(TenantId, ObjectId, i64), User>,
    /// Authorization codes by digest, each until it is redeemed.
    codes: recent::RecentCache<(TenantId, [u8; 32]), redeem::CachedCode>,
    /// The facts of refresh tokens that never change, by digest. The state of a token's family is not cached.
    refresh: recent::RecentCache<(TenantId, [u8; 32]), redeem::CachedRefreshToken>,
    fresh: feed::Freshness,
    /// When a write was last tested ([`Store::probe_write`]).
    probed: tokio::sync::Mutex<Option<Timestamp>>,
    closed: AtomicBool,
    _lock: Option<lock::FolderLock>,
}

/// A reference that does not keep the store open.
pub(crate) struct Weak(std::sync::Weak<Inner>);

impl Weak {
    pub(crate) fn upgrade(&self) -> Option<Store> {
        self.0.upgrade().map(|inner| Store { inner })
    }
}

/// The tenants in memory.
#[derive(Default)]
struct LoadedTenants {
    slots: HashMap<TenantId, Arc<Slot>>,
    domains: HashMap<String, TenantId>,
    /// The tenant with the smallest id.
    first: Option<TenantId>,
}

/// One tenant in memory.
struct Slot {
    current: arc_swap::ArcSwap<Directory>,
    turn: tokio::sync::Mutex<()>,
}

const TENANTS: &str = "select id from tenant order by id";
const META: &str = "select value from meta where name = $1";
const KEEP_META: &str = "insert into meta(name, value) values ($1, $2)";
const FILE: &str = "select file_digest from tenant where id = $1";

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

impl Store {
    /// Opens the store and loads its tenants.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn open(options: Options) -> Result<Self, StoreError> {
        Opening::begin(options).await?.load().await
    }

    /// Replaces the directory of a tenant in memory. `apps` are the applications whose registration or service
    /// principal differs from before.
    fn hold(&self, directory: Directory, apps: &[AppId]) -> Arc<Directory> {
        let directory = Arc::new(directory);
        let tenant = &directory.tenant;
        let mut held = self.inner.tenants.write().unwrap_or_else(PoisonError::into_inner);
        for domain in &tenant.domains {
            held.domains.insert(domain.clone(), tenant.id);
        }
        match held.slots.get(&tenant.id) {
            // The feed and an own change may arrive at the same time; the newer directory stays.
            Some(slot) if slot.current.load().version > directory.version => return slot.current.load_full(),
            Some(slot) => slot.current.store(directory.clone()),
            None => {
                let current = arc_swap::ArcSwap::new(directory.clone());
                held.slots.insert(tenant.id, Arc::new(Slot { current, turn: tokio::sync::Mutex::default() }));
                held.first = Some(held.first.map_or(tenant.id, |first| first.min(tenant.id)));
            }
        }
        self.inner.registry.follow(&directory, apps);
        directory
    }

    fn slot(&self, tenant: TenantId) -> Option<Arc<Slot>> {
        self.inner.tenants.read().unwrap_or_else(PoisonError::into_inner).slots.get(&tenant).cloned()
    }

    /// Microsoft's own applications, and this server's host names.
    #[must_use]
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        &self.inner.catalogue
    }

    /// The registrations of all tenants.
    #[must_use]
    pub fn registry(&self) -> &Arc<Registry> {
        &self.inner.registry
    }

    /// All tenants.
    #[must_use]
    pub fn tenants(&self) -> Vec<Arc<Tenant>> {
        let held = self.inner.tenants.read().unwrap_or_else(PoisonError::into_inner);
        let mut list: Vec<_> = held.slots.values().map(|slot| slot.current.load().tenant.clone()).collect();
        list.sort_by_key(|tenant| tenant.id);
        list
    }

    /// A tenant's current directory.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn directory(&self, tenant: TenantId) -> Result<Option<Arc<Directory>>, StoreError> {
        self.inner.fresh.check()?;
        Ok(self.slot(tenant).map(|slot| slot.current.load_full()))
    }

    /// A tenant's current directory, by id or domain.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn directory_named(&self, name: &TenantName) -> Result<Option<Arc<Directory>>, StoreError> {
        match self.id_of(name) {
            Some(id) => self.directory(id).await,
            None => Ok(None),
        }
    }

    /// A tenant by id or domain, for answers that are given while the store is unavailable (discovery and keys). The
    /// tenant in memory is returned however old the last read of the feed is, so no token may be issued on this
    /// answer.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if the tenant is not in memory and another node may have created it.
    pub fn known_tenant(&self, name: &TenantName) -> Result<Option<Arc<Tenant>>, StoreError> {
        let slot = self.id_of(name).and_then(|id| self.slot(id));
        match slot {
            Some(slot) => Ok(Some(slot.current.load().tenant.clone())),
            None => self.inner.fresh.check().map(|()| None),
        }
    }

    /// The id of a tenant by id or domain, from the tenants in memory. An id is returned unchecked.
    fn id_of(&self, name: &TenantName) -> Option<TenantId> {
        match name {
            TenantName::Id(id) => Some(*id),
            TenantName::Domain(domain) => {
                self.inner.tenants.read().unwrap_or_else(PoisonError::into_inner).domains.get(domain).copied()
            }
            _ => None,
        }
    }

    /// Whether a user name is on a domain of another tenant. It does not matter whether the user exists.
    #[must_use]
    pub fn elsewhere(&self, tenant: TenantId, name: &str) -> bool {
        let held = self.inner.tenants.read().unwrap_or_else(PoisonError::into_inner);
        let owner = name.rsplit_once('@').and_then(|(_, domain)| held.domains.get(domain));
        owner.is_some_and(|owner| *owner != tenant)
    }

    /// A newer directory than `seen`, if another node changed it. It is asked for before a denial that is based on
    /// the absence of something. The memory of a SQLite store is always current.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn confirm(&self, seen: &Directory) -> Result<Option<Arc<Directory>>, StoreError> {
        let now = match self.inner.engine.shared() {
            true => self.catch_up(seen.tenant.id).await?,
            false => self.directory(seen.tenant.id).await?,
        };
        Ok(now.filter(|now| now.version > seen.version))
    }

    /// The digest of the tenant file that was applied last; empty if there was none.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn applied_file(&self, tenant: TenantId) -> Result<String, StoreError> {
        let rows = self.inner.engine.read(FILE, values![tenant]).await?;
        Ok(rows.first().map(|row| row.text(0).to_owned()).unwrap_or_default())
    }

    /// A keyed digest of a tenant file, from which the secrets in its text cannot be guessed.
    #[must_use]
    pub fn file_digest(&self, text: &[u8]) -> String {
        digest::hex(&self.inner.seal.digest("file", &[text]))
    }

    /// Encrypts the position of a page in a list, for one query.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if the crypto library fails.
    pub fn seal_place(&self, query: &[&str], last: &str) -> Result<String, StoreError> {
        let place: Vec<&str> = ["page"].iter().chain(query).copied().collect();
        Ok(encode_base64url(&self.inner.seal.seal(&place, last.as_bytes())?))
    }

    /// Decrypts what [`Store::seal_place`] returned. `None` if it is for another query or not valid.
    #[must_use]
    pub fn open_place(&self, query: &[&str], token: &str) -> Option<String> {
        let place: Vec<&str> = ["page"].iter().chain(query).copied().collect();
        let sealed = decode_base64url(token).ok()?;
        String::from_utf8(self.inner.seal.open(&place, &sealed).ok()?).ok()
    }

    /// Completes waiting writes and releases the data folder.
    pub async fn close(&self) {
        if let Err(error) = self.flush_denials().await {
            tracing::warn!(cause = %error, "could not write the counts of failed requests");
        }
        self.inner.closed.store(true, Ordering::Relaxed);
        self.inner.engine.close().await;
    }
}
