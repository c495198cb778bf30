//! The laws of the store: what must hold whatever engine keeps it.

mod attempts;
mod directory;
mod tokens;

use carnet_store::{Options, Store};
use carnet_tenant::{
    directory::Directory,
    tenant::{Policy, Tenant},
};
use carnet_wire::{
    catalogue::Catalogue, entropy::SeededEntropy, ids::TenantId, secret::SecretBytes, time::Timestamp,
};
use std::{path::Path, sync::Arc};
use uuid::Uuid;

pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// A store in a folder of its own, with its tenants.
pub(crate) struct Kept {
    pub folder: tempfile::TempDir,
    pub store: Store,
}

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
        id: TenantId::new(Uuid::from_u128(number)),
        domains: vec![domain.to_owned()],
        display_name: domain.to_owned(),
        created: NOW,
        policy: Policy::default(),
    }
}

impl Kept {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(options(folder.path(), 1)).await.unwrap();
        Self { folder, store }
    }

    /// Stops and opens again.
    pub async fn again(self) -> Self {
        self.store.close().await;
        let folder = self.folder;
        drop(self.store);
        let store = Store::open(options(folder.path(), 1)).await.unwrap();
        Self { folder, store }
    }

    pub async fn contoso(&self) -> Arc<Directory> {
        self.store.create_tenant((tenant(1, "contoso.example"), None), vec![], vec![], NOW).await.unwrap()
    }
}
