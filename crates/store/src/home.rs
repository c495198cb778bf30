//! Where an application is registered: any tenant may be asked for an application of another one.

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

    /// The directory of the tenant in which an application is registered. One that is not in memory may have been
    /// registered by another node since the last reading, so that one is looked up.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn home_directory(&self, app: AppId) -> Result<Option<Arc<Directory>>, StoreError> {
        // An application that stands in for one of Microsoft's is known in its own tenant alone.
        if self.inner.catalogue.application(app).is_some() {
            return Ok(None);
        }
        if let Some(home) = self.inner.registry.home(app) {
            return self.directory(home).await;
        }
        match self.registered_meanwhile(app).await? {
            Some(home) => self.directory(home).await,
            None => Ok(None),
        }
    }

    /// The directory of any tenant, always the same one; `None`: there is no tenant.
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

    /// A directory to ask again before a denial to a client that rests on absence: [`Store::confirm`], for the tenant
    /// in which the client is registered too.
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
            None => self.registered_meanwhile(app).await?.is_some(),
        };
        // Which version of the other tenant the denial rested on is not known.
        if elsewhere && newer.is_none() {
            return self.directory(seen.tenant.id).await;
        }
        Ok(newer)
    }

    /// Loads an application that another node registered; gives its tenant.
    async fn registered_meanwhile(&self, app: AppId) -> Result<Option<TenantId>, StoreError> {
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
