//! Finds the tenant in which an application is registered.

use crate::{Store, StoreError, engine::values};
use carnet_tenant::{directory::Directory, tenant::Tenant};
use carnet_wire::ids::{AppId, TenantId};
use std::sync::Arc;

const HOME: &str = "select tenant_id from object_key where scope = '' and space = 'app' and name = $1";

impl Store {
    /// A tenant's directory without objects.
    pub(crate) fn blank(&self, tenant: Arc<Tenant>) -> Directory {
        Directory::among(tenant, self.inner.catalogue.clone(), self.inner.registry.clone())
    }

    /// The directory of the tenant in which an application is registered. If it is not in memory, the store is asked,
    /// because another node may have registered it since the last read of the feed.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn home_directory(&self, app: AppId) -> Result<Option<Arc<Directory>>, StoreError> {
        // An application with the id of one of Microsoft's is usable in its own tenant only.
        if self.inner.catalogue.application(app).is_some() {
            return Ok(None);
        }
        if let Some(home) = self.inner.registry.home(app) {
            return self.directory(home).await;
        }
        match self.load_registration(app).await? {
            Some(home) => self.directory(home).await,
            None => Ok(None),
        }
    }

    /// The directory of the tenant with the smallest id. `None` if there is no tenant.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn any_directory(&self) -> Result<Option<Arc<Directory>>, StoreError> {
        let first = self.inner.tenants.read().unwrap_or_else(std::sync::PoisonError::into_inner).first;
        match first {
            Some(tenant) => self.directory(tenant).await,
            None => Ok(None),
        }
    }

    /// A newer directory on which to decide again before a client is denied because something does not exist. In
    /// addition to [`Store::confirm`], the tenant in which the client is registered is updated.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn confirm_client(
        &self,
        seen: &Directory,
        app: AppId,
    ) -> Result<Option<Arc<Directory>>, StoreError> {
        let newer = self.confirm(seen).await?;
        if !self.inner.engine.shared() {
            return Ok(newer);
        }
        let elsewhere = match self.inner.registry.home(app) {
            Some(home) if home == seen.tenant.id => false,
            Some(home) => self.catch_up(home).await?.is_some(),
            None => self.load_registration(app).await?.is_some(),
        };
        // It is not known which version of the other tenant the denial was based on.
        if elsewhere && newer.is_none() {
            return self.directory(seen.tenant.id).await;
        }
        Ok(newer)
    }

    /// Loads an application that another node registered, and returns its tenant.
    async fn load_registration(&self, app: AppId) -> Result<Option<TenantId>, StoreError> {
        if !self.inner.engine.shared() || self.inner.catalogue.application(app).is_some() {
            return Ok(None);
        }
        let rows = self.inner.engine.read(HOME, values![app.to_string()]).await?;
        let Some(home) = rows.first().and_then(|row| row.text(0).parse().ok()) else { return Ok(None) };
        match self.slot(home) {
            Some(_) => drop(self.catch_up(home).await?),
            None => self.load(home).await?,
        }
        Ok(self.inner.registry.home(app))
    }
}
