//! What is kept: one schema, one SQL text, sealing of everything secret. Rules live in
//! `carnet_tenant`; this package knows rows.

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
mod lately;
mod lock;
pub mod log;
pub mod migrate;
mod object;
mod once;
mod opening;
mod probe;
mod public_url;
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

/// Why the store does not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another write was faster; nothing was done.
    #[error("another change was faster")]
    Conflict,
    /// A key is taken; nothing was done.
    #[error("a unique name is taken")]
    Exists,
    /// What may be used once was used before; nothing was done.
    #[error("it may be used once, and was used before")]
    Spent,
    /// It is not known whether the write was done.
    #[error("the connection was lost while committing")]
    Unknown,
    /// What is in memory may be out of date.
    #[error("this node has not heard from the store for a second")]
    Stale,
    /// Nothing can be read or kept just now.
    #[error("the store cannot be used: {0}")]
    Away(String),
    /// What is there is not what this program wrote.
    #[error("the store is damaged: {0}; restore it from a backup")]
    Damaged(String),
    /// A newer Carnet made it.
    #[error(
        "the store has schema {found}, and this Carnet knows {known}: start the newer Carnet that made it"
    )]
    Newer {
        /// The schema's version.
        found: i32,
        /// The newest this program knows.
        known: i32,
    },
    /// The seal key is another one.
    #[error("the seal key does not open this store: use the seal.key that made it (--seal-key)")]
    WrongSeal,
    /// Another process has the folder.
    #[error("the data folder {} is in use by another Carnet: stop it, or choose another --data", .0.display())]
    InUse(PathBuf),
}

/// How to open a store.
#[derive(Clone)]
pub struct Options {
    /// The data folder.
    pub data: PathBuf,
    /// A PostgreSQL database instead of a file in the data folder.
    pub database: Option<DatabaseUrl>,
    /// 32 bytes that open what is kept.
    pub seal: SecretBytes,
    /// Microsoft's applications.
    pub catalogue: Arc<Catalogue>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
}

/// The store. Clones share it.
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
    tenants: RwLock<Held>,
    node: String,
    chains: Arc<chain::Chains>,
    denials: denials::Denials,
    devices: device::Full,
    /// Users as they were under a number of their tenant's directory, which every change of a user raises.
    users: lately::Lately<(TenantId, ObjectId, i64), User>,
    /// Codes by their digests, each until it is shown.
    codes: lately::Lately<(TenantId, [u8; 32]), redeem::KeptCode>,
    /// Refresh tokens by their digests: what one stands for never changes, its family does.
    refresh: lately::Lately<(TenantId, [u8; 32]), redeem::KeptRefresh>,
    fresh: feed::Freshness,
    /// When a row was last written only to see whether that is possible.
    probed: tokio::sync::Mutex<Option<Timestamp>>,
    closed: AtomicBool,
    _lock: Option<lock::FolderLock>,
}

/// A store that may have been let go of.
pub(crate) struct Weak(std::sync::Weak<Inner>);

impl Weak {
    pub(crate) fn upgrade(&self) -> Option<Store> {
        self.0.upgrade().map(|inner| Store { inner })
    }
}

/// The tenants in memory.
#[derive(Default)]
struct Held {
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
    /// [`StoreError`], each with its mend in its sentence.
    pub async fn open(options: Options) -> Result<Self, StoreError> {
        Opening::begin(options).await?.load().await
    }

    /// Puts a directory in the place of its older self. `apps` are the applications whose registration or service
    /// principal differs between the two.
    fn hold(&self, directory: Directory, apps: &[AppId]) -> Arc<Directory> {
        let directory = Arc::new(directory);
        let tenant = &directory.tenant;
        let mut held = self.inner.tenants.write().unwrap_or_else(PoisonError::into_inner);
        for domain in &tenant.domains {
            held.domains.insert(domain.clone(), tenant.id);
        }
        match held.slots.get(&tenant.id) {
            // The feed and a change of our own may come at once; the newer one stays.
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

    /// Microsoft's applications.
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

    /// A tenant's directory as it is now.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn directory(&self, tenant: TenantId) -> Result<Option<Arc<Directory>>, StoreError> {
        self.inner.fresh.check()?;
        Ok(self.slot(tenant).map(|slot| slot.current.load_full()))
    }

    /// A tenant's directory, by id or domain.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn directory_named(&self, name: &TenantName) -> Result<Option<Arc<Directory>>, StoreError> {
        match self.id_of(name) {
            Some(id) => self.directory(id).await,
            None => Ok(None),
        }
    }

    /// Whether a tenant has this id or domain, for what may be answered while the store is away: discovery and keys.
    /// A tenant that is in memory is known, however old the last reading is. Nothing may be issued on this answer.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the tenant is not in memory and may have been made by another node meanwhile.
    pub fn known_tenant(&self, name: &TenantName) -> Result<Option<Arc<Tenant>>, StoreError> {
        let slot = self.id_of(name).and_then(|id| self.slot(id));
        match slot {
            Some(slot) => Ok(Some(slot.current.load().tenant.clone())),
            None => self.inner.fresh.check().map(|()| None),
        }
    }

    /// The tenant with this id or domain, as far as the tenants in memory tell.
    fn id_of(&self, name: &TenantName) -> Option<TenantId> {
        match name {
            TenantName::Id(id) => Some(*id),
            TenantName::Domain(domain) => {
                self.inner.tenants.read().unwrap_or_else(PoisonError::into_inner).domains.get(domain).copied()
            }
            _ => None,
        }
    }

    /// Whether a user's name is on a domain of another tenant than this one; says nothing of the user.
    #[must_use]
    pub fn elsewhere(&self, tenant: TenantId, name: &str) -> bool {
        let held = self.inner.tenants.read().unwrap_or_else(PoisonError::into_inner);
        let owner = name.rsplit_once('@').and_then(|(_, domain)| held.domains.get(domain));
        owner.is_some_and(|owner| *owner != tenant)
    }

    /// A newer directory than `seen`, if another node made one: asked before a no that rests on
    /// something that is not there. A SQLite file has one process, whose memory is always current.
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

    /// The digest of the tenant file that was applied last; empty when there was none.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn applied_file(&self, tenant: TenantId) -> Result<String, StoreError> {
        let rows = self.inner.engine.read(FILE, values![tenant]).await?;
        Ok(rows.first().map(|row| row.text(0).to_owned()).unwrap_or_default())
    }

    /// A keyed digest of a tenant file, so that the text's secrets cannot be guessed from it.
    #[must_use]
    pub fn file_digest(&self, text: &[u8]) -> String {
        digest::hex(&self.inner.seal.digest("file", &[text]))
    }

    /// Seals the place where a page ended, for one query alone.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when the crypto library fails.
    pub fn seal_place(&self, query: &[&str], last: &str) -> Result<String, StoreError> {
        let place: Vec<&str> = ["page"].iter().chain(query).copied().collect();
        Ok(encode_base64url(&self.inner.seal.seal(&place, last.as_bytes())?))
    }

    /// Opens what [`Store::seal_place`] sealed; `None` for another query, or anything else.
    #[must_use]
    pub fn open_place(&self, query: &[&str], token: &str) -> Option<String> {
        let place: Vec<&str> = ["page"].iter().chain(query).copied().collect();
        let sealed = decode_base64url(token).ok()?;
        String::from_utf8(self.inner.seal.open(&place, &sealed).ok()?).ok()
    }

    /// Finishes what waits and lets go of the folder.
    pub async fn close(&self) {
        if let Err(error) = self.flush_denials().await {
            tracing::warn!(cause = %error, "counts of failed requests were not written");
        }
        self.inner.closed.store(true, Ordering::Relaxed);
        self.inner.engine.close().await;
    }
}
