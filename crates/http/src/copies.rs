//! Keeps service principals of applications of other tenants up to date with their registrations: what an application
//! publishes (its name, scopes, roles and identifier URIs) is changed at home and read in every tenant that has it.

use carnet_store::{Store, StoreError};
use carnet_tenant::{
    change::{Change, Object},
    service_principal,
};
use carnet_wire::{
    ids::{AppId, TenantId},
    time::Timestamp,
};

/// How often a copy is decided on again when another change was faster.
const TRIES: usize = 5;

/// The applications whose registration is changed by these changes.
pub fn changed(changes: &[Change]) -> Vec<AppId> {
    let app = |change: &Change| match change {
        Change::Put(Object::Application(it)) => Some(it.app_id),
        _ => None,
    };
    changes.iter().filter_map(app).collect()
}

/// Brings the copies of these applications up to date. It goes on where the caller goes away. What cannot be written
/// now is tried again in a minute ([`publish_all`]).
pub async fn publish(store: &Store, apps: Vec<AppId>, now: Timestamp) {
    let apps: Vec<AppId> = apps.into_iter().filter(|app| !store.registry().copies(*app).is_empty()).collect();
    if apps.is_empty() {
        return;
    }
    let store = store.clone();
    // A task that panicked has been logged and is tried again.
    let _ = tokio::spawn(async move { publish_each(&store, &apps, now).await }).await;
}

/// Brings all copies up to date. What is in memory tells which ones differ.
pub async fn publish_all(store: &Store, now: Timestamp) {
    publish_each(store, &store.registry().copied(), now).await;
}

async fn publish_each(store: &Store, apps: &[AppId], now: Timestamp) {
    for app in apps {
        for tenant in store.registry().copies(*app) {
            if let Err(error) = publish_to(store, (*app, tenant), now).await {
                tracing::warn!(
                    tenant.id = %tenant, app.id = %app, cause = %error,
                    "a service principal is not up to date with its registration; it is tried again in a minute"
                );
            }
        }
    }
}

async fn publish_to(
    store: &Store,
    (app, tenant): (AppId, TenantId),
    now: Timestamp,
) -> Result<(), StoreError> {
    for _ in 0..TRIES {
        let Some(directory) = store.directory(tenant).await? else { return Ok(()) };
        let Some(decided) = service_principal::refresh(&directory, app) else { return Ok(()) };
        match store.apply(&directory, (decided.changes, decided.audit), now, None).await {
            Err(StoreError::Conflict) => {}
            told => return told.map(drop),
        }
    }
    Err(StoreError::Conflict)
}
