//! The registrations of all tenants of a server, by application id, each with the tenant in which it is at home.
//!
//! All directories of a store share one of these and read it as it is now: a registration that is changed, disabled or
//! deleted at home counts at once in every tenant that has a service principal of it.

use crate::{
    application::Application,
    change::{Change, Object, ObjectKey},
    directory::Directory,
    redirect,
    service_principal::ServicePrincipal,
};
use carnet_wire::ids::{AppId, TenantId};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, PoisonError, RwLock},
};

/// A registration and where it is at home.
#[derive(Debug, Clone)]
pub struct Registered {
    /// The registration.
    pub application: Arc<Application>,
    /// The tenant in which it is registered.
    pub home: TenantId,
    /// Its service principal at home is not disabled.
    pub enabled: bool,
}

/// How an application stands in the tenant in which it is registered, seen from a tenant that has a service principal
/// of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtHome {
    /// It is registered and enabled.
    Served,
    /// Its service principal is disabled there.
    Disabled,
    /// It is deleted, or takes users of its own tenant only.
    Gone,
}

/// The registrations of a server.
#[derive(Debug, Default)]
pub struct Registry(RwLock<Inner>);

#[derive(Debug, Default)]
struct Inner {
    by_app: HashMap<AppId, Registered>,
    /// The tenants that have a service principal of an application of another tenant.
    copies: HashMap<AppId, BTreeSet<TenantId>>,
    /// Origins of single-page redirect URIs of multi-tenant applications, with how many name each.
    spa_origins: HashMap<String, usize>,
}

impl Registry {
    /// The tenant in which an application is registered.
    #[must_use]
    pub fn home(&self, app: AppId) -> Option<TenantId> {
        self.read(|inner| inner.by_app.get(&app).map(|it| it.home))
    }

    /// The registration of an application that takes users of other organisations.
    #[must_use]
    pub fn multi_tenant(&self, app: AppId) -> Option<Registered> {
        let multi = |it: &&Registered| it.application.sign_in_audience.is_multi_tenant();
        self.read(|inner| inner.by_app.get(&app).filter(multi).cloned())
    }

    /// The tenants other than its own that have a service principal of an application.
    #[must_use]
    pub fn copies(&self, app: AppId) -> Vec<TenantId> {
        self.read(|inner| inner.copies.get(&app).into_iter().flatten().copied().collect())
    }

    /// All applications that have a service principal in another tenant than their own.
    #[must_use]
    pub fn copied(&self) -> Vec<AppId> {
        self.read(|inner| inner.copies.keys().copied().collect())
    }

    /// A single-page application that takes users of other organisations has a redirect URI at this origin, which is
    /// in the form of [`redirect::origin`].
    #[must_use]
    pub fn has_spa_origin(&self, origin: &str) -> bool {
        self.read(|inner| inner.spa_origins.contains_key(origin))
    }

    /// Takes over what a newer version of a tenant's directory says of these applications.
    pub fn follow(&self, directory: &Directory, apps: &[AppId]) {
        if apps.is_empty() {
            return;
        }
        let mut inner = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for app in apps {
            inner.follow(directory, *app);
        }
    }

    fn read<T>(&self, reading: impl FnOnce(&Inner) -> T) -> T {
        reading(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Inner {
    fn follow(&mut self, directory: &Directory, app: AppId) {
        let tenant = directory.tenant.id;
        let principal = directory.principal_by_app(app);
        let new = directory.application_by_app(app).map(|application| Registered {
            application: application.clone(),
            home: tenant,
            enabled: principal.is_none_or(|it| it.enabled),
        });
        let own = self.by_app.get(&app).is_some_and(|it| it.home == tenant);
        let old = match new {
            Some(new) => {
                self.count_origins(&new.application, true);
                self.by_app.insert(app, new)
            }
            None if own => self.by_app.remove(&app),
            None => None,
        };
        if let Some(old) = old {
            self.count_origins(&old.application, false);
        }
        if principal.is_some_and(|it| directory.is_copy(it)) {
            self.copies.entry(app).or_default().insert(tenant);
        } else if let Some(tenants) = self.copies.get_mut(&app) {
            tenants.remove(&tenant);
            if tenants.is_empty() {
                self.copies.remove(&app);
            }
        }
    }

    /// Counts the origins of a registration, or counts them no more.
    fn count_origins(&mut self, application: &Application, more: bool) {
        if !application.sign_in_audience.is_multi_tenant() {
            return;
        }
        let origins: BTreeSet<_> =
            application.redirect_uris.spa.iter().filter_map(|uri| redirect::origin(uri)).collect();
        for origin in origins {
            if more {
                *self.spa_origins.entry(origin).or_default() += 1;
                continue;
            }
            match self.spa_origins.get_mut(&origin) {
                Some(count) if *count > 1 => *count -= 1,
                _ => drop(self.spa_origins.remove(&origin)),
            }
        }
    }
}

/// The applications whose registration or service principal is changed by these changes of a directory.
#[must_use]
pub fn touched(directory: &Directory, changes: &[Change]) -> Vec<AppId> {
    let app = |change: &Change| match change {
        Change::Put(Object::Application(it)) => Some(it.app_id),
        Change::Put(Object::ServicePrincipal(it)) => Some(it.app_id),
        Change::Remove(ObjectKey::Application(id)) => directory.application(*id).map(|it| it.app_id),
        Change::Remove(ObjectKey::ServicePrincipal(id)) => directory.principal(*id).map(|it| it.app_id),
        _ => None,
    };
    changes.iter().filter_map(app).collect()
}

impl Directory {
    /// The registration of an application, as far as this tenant may know it: one of its own, or one of another tenant
    /// that takes users of other organisations. Microsoft's applications have none, unless the tenant registered one
    /// that stands in for it.
    #[must_use]
    pub fn registered(&self, app: AppId) -> Option<Registered> {
        if let Some(own) = self.application_by_app(app) {
            let enabled = self.principal_by_app(app).is_none_or(|it| it.enabled);
            return Some(Registered { application: own.clone(), home: self.tenant.id, enabled });
        }
        let elsewhere = self.registry().multi_tenant(app)?;
        (self.catalogue.application(app).is_none() && elsewhere.home != self.tenant.id).then_some(elsewhere)
    }

    /// The service principal stands for an application that is registered in another tenant.
    #[must_use]
    pub fn is_copy(&self, principal: &ServicePrincipal) -> bool {
        let app = principal.app_id;
        principal.owner_tenant != self.tenant.id
            && self.application_by_app(app).is_none()
            && self.catalogue.application(app).is_none()
            && principal.owner_tenant.to_string() != carnet_wire::catalogue::MICROSOFT_TENANT
    }

    /// How the application of a service principal stands where it is registered.
    #[must_use]
    pub fn at_home(&self, principal: &ServicePrincipal) -> AtHome {
        if !self.is_copy(principal) {
            return AtHome::Served;
        }
        match self.registered(principal.app_id) {
            Some(it) if it.home != principal.owner_tenant => AtHome::Gone,
            Some(it) if it.enabled => AtHome::Served,
            Some(_) => AtHome::Disabled,
            None => AtHome::Gone,
        }
    }
}
