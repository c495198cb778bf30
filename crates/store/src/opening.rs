//! Opening a store: first the database, with a check of the seal key, then the tenants.

use crate::{
    Inner, KEEP_META, META, Options, Store, StoreError, TENANTS, Weak, denials, device,
    engine::{Batch, Engine, Expect, postgres::Postgres, sqlite::Sqlite, values},
    feed, lock, public_url, recent,
    seal::Seal,
};
use carnet_wire::catalogue::Catalogue;
use std::{
    path::{Path, PathBuf},
    sync::{Arc, RwLock, atomic::AtomicBool},
};

/// Maximum number of cached users.
const USERS: usize = 1024;
/// Maximum number of cached authorization codes.
const CODES: usize = 4096;
/// Maximum number of cached refresh tokens.
const REFRESH_TOKENS: usize = 4096;

/// A store whose database is open and whose tenants are not loaded yet. The server reads its public URL in between,
/// because the catalogue contains the server's host names.
pub struct Opening {
    engine: Engine,
    seal: Seal,
    lock: Option<lock::FolderLock>,
    node: String,
    catalogue: Arc<Catalogue>,
}

impl std::fmt::Debug for Opening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Opening")
    }
}

impl Opening {
    /// Opens the database, updates its schema and checks the seal key.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn begin(options: Options) -> Result<Self, StoreError> {
        let (engine, lock) = match &options.database {
            Some(url) => (Engine::Postgres(Postgres::open(url).await?), None),
            None => {
                let lock = lock::FolderLock::take(&options.data)?;
                (Engine::Sqlite(Sqlite::open(&file(&options.data))?), Some(lock))
            }
        };
        let seal = Seal::new(&options.seal, options.entropy.clone());
        check_seal(&engine, &seal).await?;
        let node = options.entropy.uuid().to_string();
        Ok(Self { engine, seal, lock, node, catalogue: options.catalogue })
    }

    /// Sets the host names of this server. No application may have an identifier URI on them.
    #[must_use]
    pub fn for_hosts(mut self, hosts: &[String]) -> Self {
        self.catalogue = Arc::new(Arc::unwrap_or_clone(self.catalogue).for_hosts(hosts));
        self
    }

    /// Whether other nodes may use the same database.
    #[must_use]
    pub fn shared(&self) -> bool {
        self.engine.shared()
    }

    /// The stored public URL, if any.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn public_url(&self) -> Result<Option<String>, StoreError> {
        Ok(public_url::read(&self.engine, &self.seal).await?.map(|kept| kept.url))
    }

    /// Loads the tenants.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn load(self) -> Result<Store, StoreError> {
        let Self { engine, seal, lock, node, catalogue } = self;
        let inner = Inner {
            fresh: feed::Freshness::of(&engine),
            engine,
            seal,
            catalogue,
            registry: Arc::default(),
            tenants: RwLock::default(),
            node,
            chains: Arc::default(),
            denials: denials::Denials::default(),
            devices: device::FullQuotas::default(),
            users: recent::RecentCache::new(USERS),
            codes: recent::RecentCache::new(CODES),
            refresh: recent::RecentCache::new(REFRESH_TOKENS),
            probed: tokio::sync::Mutex::default(),
            closed: AtomicBool::new(false),
            _lock: lock,
        };
        let store = Store { inner: Arc::new(inner) };
        for row in store.inner.engine.read(TENANTS, values![]).await? {
            let id = row.text(0).parse().map_err(|_| StoreError::Damaged("a tenant without an id".into()))?;
            store.load(id).await?;
        }
        if store.shared() {
            tokio::spawn(feed::follow(Weak(Arc::downgrade(&store.inner))));
        }
        Ok(store)
    }
}

/// The path of the database in a data folder.
fn file(data: &Path) -> PathBuf {
    data.join("carnet.db")
}

/// Checks the seal key: the first start stores a sealed text, which every later start has to open.
async fn check_seal(engine: &Engine, seal: &Seal) -> Result<(), StoreError> {
    const NAME: &str = "seal";
    if engine.read(META, values![NAME]).await?.is_empty() {
        let mut batch = Batch::default();
        batch.push(KEEP_META, values![NAME, seal.seal(&["meta", NAME], b"carnet")?], Expect::Rows(1));
        match engine.write(batch).await {
            // Another node stored it first; its key has to be the same.
            Ok(_) | Err(StoreError::Exists) => {}
            Err(error) => return Err(error),
        }
    }
    let rows = engine.read(META, values![NAME]).await?;
    let kept = rows.first().and_then(|row| row.bytes(0)).unwrap_or_default();
    seal.open(&["meta", NAME], kept).map(drop)
}
