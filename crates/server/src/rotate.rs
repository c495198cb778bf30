//! Rotating signing keys by hand, over the store of a server that is stopped, or over a database beside nodes that
//! run.

use crate::start::{StartError, read_seal_key};
use carnet_http::{
    clock::{Clock, OsEntropy, SystemClock},
    keys,
};
use carnet_store::{Options, Store, StoreError};
use carnet_wire::{catalogue::Catalogue, ids::TenantId, secret::DatabaseUrl};
use std::{path::PathBuf, sync::Arc};

/// Which store, and how.
#[derive(Debug, Clone)]
pub struct Rotating {
    /// The data folder.
    pub data: PathBuf,
    /// A PostgreSQL database instead of a file in the data folder.
    pub database: Option<DatabaseUrl>,
    /// The seal key's file; `None`: `seal.key` in the data folder.
    pub seal_key: Option<PathBuf>,
    /// The new keys sign at once, and the others are gone.
    pub emergency: bool,
}

/// What was done to a tenant's keys.
#[derive(Debug, Clone)]
pub struct Rotated {
    /// The tenant.
    pub tenant: TenantId,
    /// The new key.
    pub made: String,
    /// Keys that are gone.
    pub gone: Vec<String>,
}

/// Why no keys were rotated.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// The folder is no server's.
    #[error(
        "{0} has no store of Carnet's; name the server's folder with --data, or its database with --database-url"
    )]
    NoStore(String),
    /// The seal key.
    #[error(transparent)]
    Seal(#[from] StartError),
    /// A server that runs has the folder.
    #[error(
        "a running server has the folder {0}, and looks after its keys itself; stop it to rotate them by hand"
    )]
    Running(String),
    /// The store.
    #[error(transparent)]
    Store(StoreError),
    /// A key could not be made or kept.
    #[error("the keys of tenant {tenant} were not rotated: {cause}")]
    Failed {
        /// The tenant.
        tenant: TenantId,
        /// Why.
        cause: String,
    },
}

/// Makes the next signing key of every tenant of a store.
///
/// # Errors
/// [`RotateError`]; tenants before the failing one have their new key.
pub async fn rotate_keys(rotating: Rotating) -> Result<Vec<Rotated>, RotateError> {
    let folder = rotating.data.display().to_string();
    let path = rotating.seal_key.clone().unwrap_or_else(|| rotating.data.join("seal.key"));
    if rotating.database.is_none() && !rotating.data.join("carnet.db").exists() {
        return Err(RotateError::NoStore(folder));
    }
    let options = Options {
        seal: read_seal_key(&path)?,
        data: rotating.data,
        database: rotating.database,
        catalogue: Arc::new(Catalogue::builtin()),
        entropy: Arc::new(OsEntropy),
    };
    let store = Store::open(options).await.map_err(|error| match error {
        StoreError::InUse(_) => RotateError::Running(folder),
        other => RotateError::Store(other),
    })?;
    let now = SystemClock::default().now();
    let mut all = Vec::new();
    for tenant in store.tenants() {
        let failed = |cause: String| RotateError::Failed { tenant: tenant.id, cause };
        let told = keys::rotate(&store, tenant.id, rotating.emergency, now).await;
        let (made, gone) = told.map_err(|error| failed(error.to_string()))?;
        all.push(Rotated { tenant: tenant.id, made, gone });
    }
    store.close().await;
    Ok(all)
}
