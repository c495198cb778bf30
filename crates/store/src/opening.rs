//! Opening a store: first its database with the right seal key, then its tenants.

use crate::{
    Inner, KEEP_META, META, Options, Store, StoreError, TENANTS, Weak, denials, device,
    engine::{Batch, Engine, Expect, postgres::Postgres, sqlite::Sqlite, values},
    feed, lately, lock, public_url,
    seal::Seal,
};
use carnet_wire::catalogue::Catalogue;
use std::{
    path::{Path, PathBuf},
    sync::{Arc, RwLock, atomic::AtomicBool},
};

/// Users that are held in memory after they were read.
const USERS: usize = 1024;
/// Codes that are held in memory after they were written.
const CODES: usize = 4096;
/// Refresh tokens that are held in memory after they were kept.
const REFRESH_TOKENS: usize = 4096;

/// A store whose database is open and whose tenants are not loaded yet. A server reads its public URL in between,
/// because the catalogue depends on the server's names.
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
    /// Opens the database, brings its schema up to date and proves the seal key.
    ///
    /// # Errors
    /// [`StoreError`], each with its mend in its sentence.
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

    /// For a server that answers to these host names: no application is named after them.
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

    /// The public URL that is kept, if any.
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
            devices: device::Full::default(),
            users: lately::Lately::holding(USERS),
            codes: lately::Lately::holding(CODES),
            refresh: lately::Lately::holding(REFRESH_TOKENS),
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

/// The database in a data folder.
fn file(data: &Path) -> PathBuf {
    data.join("carnet.db")
}

/// The first start keeps a sealed text; every later one opens it, or has the wrong key.
async fn check_seal(engine: &Engine, seal: &Seal) -> Result<(), StoreError> {
    const NAME: &str = "seal";
    if engine.read(META, values![NAME]).await?.is_empty() {
        let mut batch = Batch::default();
        batch.push(KEEP_META, values![NAME, seal.seal(&["meta", NAME], b"carnet")?], Expect::Rows(1));
        match engine.write(batch).await {
            // Another node was first; its key has to be ours.
            Ok(_) | Err(StoreError::Exists) => {}
            Err(error) => return Err(error),
        }
    }
    let rows = engine.read(META, values![NAME]).await?;
    let kept = rows.first().and_then(|row| row.bytes(0)).unwrap_or_default();
    seal.open(&["meta", NAME], kept).map(drop)
}
