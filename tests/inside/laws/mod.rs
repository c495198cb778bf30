//! The laws of the store: what must hold whatever engine keeps it.

mod artifacts;
mod attempts;
mod audit;
mod common_to_nodes;
mod denials;
mod directory;
mod fixtures;
mod homes;
mod keys;
mod nodes;
mod once;
mod records;
mod sources;
mod tokens;

use carnet_client::clock::OsEntropy;
use carnet_store::{Options, Store, StoreError, engine::Engine};
use carnet_tenant::{
    directory::Directory,
    tenant::{Policy, Tenant},
};
use carnet_wire::{
    catalogue::Catalogue,
    entropy::SeededEntropy,
    ids::TenantId,
    secret::{DatabaseUrl, SecretBytes},
    time::Timestamp,
};
use std::{path::Path, sync::Arc};
use uuid::Uuid;

pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// A store in a folder of its own, with its tenants.
pub(crate) struct Kept {
    pub folder: tempfile::TempDir,
    pub store: Store,
    pub database: Option<DatabaseUrl>,
}

/// A law: one body, run on SQLite always and on PostgreSQL where a cluster is prepared.
macro_rules! law {
    (async fn $name:ident($kept:ident) $body:block) => {
        mod $name {
            use super::*;

            async fn law($kept: Kept) $body

            #[tokio::test]
            async fn sqlite() {
                law(Kept::sqlite().await).await;
            }

            #[tokio::test]
            async fn postgres() {
                if let Some(kept) = Kept::postgres().await {
                    law(kept).await;
                }
            }
        }
    };
}
pub(crate) use law;

pub(crate) fn options(folder: &Path, seal: u8) -> Options {
    Options {
        data: folder.to_path_buf(),
        database: None,
        seal: SecretBytes::new(vec![seal; 32]),
        catalogue: Arc::new(Catalogue::builtin()),
        entropy: Arc::new(SeededEntropy::new(u64::from(seal))),
    }
}

pub(crate) fn tenant(number: u128, domain: &str) -> Tenant {
    Tenant {
        country: None,
        id: TenantId::new(Uuid::from_u128(number)),
        domains: vec![domain.to_owned()],
        display_name: domain.to_owned(),
        created: NOW,
        policy: Policy::default(),
    }
}

impl Kept {
    /// A file in a folder of its own.
    pub async fn sqlite() -> Self {
        Self::over(None).await
    }

    /// A database of its own in the prepared cluster; `None` where there is none and none is demanded.
    pub async fn postgres() -> Option<Self> {
        Some(Self::over(Some(carnet_tests::database::database().await?)).await)
    }

    async fn over(database: Option<DatabaseUrl>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store =
            Store::open(Options { database: database.clone(), ..options(folder.path(), 1) }).await.unwrap();
        Self { folder, store, database }
    }

    /// Opens the same database once more: another node, with this seal key.
    pub async fn node(&self, seal: u8) -> Result<Store, StoreError> {
        let mut options = options(self.folder.path(), seal);
        options.database = self.database.clone();
        options.entropy = Arc::new(OsEntropy);
        Store::open(options).await
    }

    /// Stops and opens again.
    pub async fn again(self) -> Self {
        self.store.close().await;
        let (folder, database) = (self.folder, self.database);
        drop(self.store);
        let store =
            Store::open(Options { database: database.clone(), ..options(folder.path(), 1) }).await.unwrap();
        Self { folder, store, database }
    }

    /// Its database once more, for looking at rows.
    pub async fn engine(&self) -> Engine {
        carnet_tests::database::engine(self.folder.path(), self.database.as_ref()).await
    }

    /// Stops, runs statements of somebody who has the database, and opens again.
    pub async fn harmed(self, sql: &str) -> Self {
        self.store.close().await;
        match &self.database {
            Some(url) => carnet_tests::database::run(url, sql).await,
            None => {
                let file = rusqlite::Connection::open(self.folder.path().join("carnet.db")).unwrap();
                file.execute_batch(sql).unwrap();
            }
        }
        self.again().await
    }

    pub async fn contoso(&self) -> Arc<Directory> {
        self.store.create_tenant((tenant(1, "contoso.example"), None), vec![], vec![], NOW).await.unwrap()
    }
}
