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
        // Tokens for Microsoft's APIs need no look at the registrations of all tenants.
        if self.catalogue.application(app).is_some() {
            return None;
        }
        self.registry().multi_tenant(app).filter(|it| it.home != self.tenant.id)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        application::{self, Changes, New, SignInAudience},
        fixture::{admin, directory, moment, operator},
        refusal::Refusal,
        service_principal,
        tenant::Tenant,
        token::{Denial, client_auth::find},
    };
    use carnet_wire::{authority::TenantName, ids::ObjectId};

    const OTHER: &str = "b7a1c0de-0000-4000-8000-000000000002";

    /// Two tenants that share their registrations: the usual one, and one with nothing of its own.
    struct Two {
        registry: Arc<Registry>,
        home: Directory,
        other: Directory,
    }

    impl Two {
        fn new() -> Self {
            let registry: Arc<Registry> = Arc::default();
            let (id, domains) = (OTHER.parse().unwrap(), vec!["fabrikam.example".to_owned()]);
            let among = |of: Directory| {
                let mut new = Directory::among(of.tenant.clone(), of.catalogue.clone(), registry.clone());
                new.apply(of.principals(None).cloned().map(|it| Change::Put(Object::ServicePrincipal(it))));
                new.apply(of.role_assignments().cloned().map(|it| Change::Put(Object::RoleAssignment(it))));
                new
            };
            let home = among(directory());
            let mut other = among(directory());
            other.tenant = Tenant { id, domains, ..(*other.tenant).clone() }.into();
            Self { registry, home, other }
        }

        fn apply(&mut self, at_home: bool, changes: Vec<Change>) {
            let directory = if at_home { &mut self.home } else { &mut self.other };
            let apps = touched(directory, &changes);
            directory.apply(changes);
            self.registry.follow(directory, &apps);
        }

        /// Registers an application at home, with a service principal.
        fn register(&mut self, audience: SignInAudience) -> AppId {
            let uris = vec!["https://contoso.example/api".to_owned(), "https://spa.example".to_owned()];
            let spa = Some(vec!["https://spa.example/cb".to_owned()]);
            let changes = Changes {
                sign_in_audience: Some(audience),
                identifier_uris: Some(uris),
                spa,
                ..Changes::default()
            };
            let new = New { display_name: "api".into(), changes, ..New::default() };
            let made = application::create(&operator(), &self.home, new, &moment()).unwrap();
            let app = made.value.app_id;
            self.apply(true, made.changes);
            let made = service_principal::create(&admin(), &self.home, (app, None), &moment()).unwrap();
            self.apply(true, made.changes);
            app
        }

        /// Makes its service principal in the other tenant.
        fn install(&mut self, app: AppId) -> ObjectId {
            let made = service_principal::create(&admin(), &self.other, (app, None), &moment()).unwrap();
            self.apply(false, made.changes);
            made.value.id
        }

        fn change(&mut self, app: AppId, changes: Changes) {
            let id = self.home.application_by_app(app).unwrap().id;
            let changes = application::change(&operator(), &self.home, id, changes).unwrap().changes;
            self.apply(true, changes);
        }

        fn found(&self, app: AppId) -> Result<bool, Denial> {
            find(&self.other, &TenantName::parse(OTHER).unwrap(), app)?
                .enabled()
                .map(|it| it.principal.is_some())
        }
    }

    #[test]
    fn an_application_for_all_organisations_is_known_elsewhere_and_others_are_not() {
        use SignInAudience::*;
        for (audience, known) in [
            (AzureADMultipleOrgs, true),
            (AzureADandPersonalMicrosoftAccount, true),
            (AzureADMyOrg, false),
            (PersonalMicrosoftAccount, false),
        ] {
            let mut two = Two::new();
            let app = two.register(audience);
            assert_eq!(two.registry.home(app), Some(two.home.tenant.id));
            assert_eq!(two.other.registered(app).is_some(), known, "{audience:?}");
            assert_eq!(two.other.has_spa_origin("https://spa.example"), known, "{audience:?}");
            assert_eq!(two.found(app).ok(), known.then_some(false), "{audience:?}");
            let made = service_principal::create(&admin(), &two.other, (app, None), &moment());
            match known {
                true => assert!(made.unwrap().value.owners.is_empty()),
                false => assert!(matches!(made, Err(Refusal::BadRequest { .. })), "{audience:?}"),
            }
        }
    }

    #[test]
    fn what_becomes_of_it_at_home_counts_elsewhere() {
        let mut two = Two::new();
        let app = two.register(SignInAudience::AzureADMultipleOrgs);
        two.install(app);
        assert_eq!(two.found(app), Ok(true));
        let at_home = |two: &Two| two.other.at_home(two.other.principal_by_app(app).unwrap());
        assert_eq!((at_home(&two), two.registry.copies(app)), (AtHome::Served, vec![two.other.tenant.id]));
        let principal = two.home.principal_by_app(app).unwrap().id;
        for (on, told) in [(false, AtHome::Disabled), (true, AtHome::Served)] {
            let changes =
                service_principal::change(&admin(), &two.home, principal, (Some(on), None)).unwrap().changes;
            two.apply(true, changes);
            assert_eq!((at_home(&two), two.found(app).is_ok()), (told, on));
        }
        let narrow = |audience| Changes { sign_in_audience: Some(audience), ..Changes::default() };
        two.change(app, narrow(SignInAudience::AzureADMyOrg));
        assert_eq!((at_home(&two), two.found(app).is_ok()), (AtHome::Gone, false));
        assert!(
            !two.other.has_spa_origin("https://spa.example")
                && two.home.has_spa_origin("https://spa.example")
        );
        two.change(app, narrow(SignInAudience::AzureADMultipleOrgs));
        assert_eq!((at_home(&two), two.found(app).is_ok()), (AtHome::Served, true));
        let id = two.home.application_by_app(app).unwrap().id;
        let changes = application::delete(&admin(), &two.home, id).unwrap().changes;
        two.apply(true, changes);
        assert_eq!((at_home(&two), two.registry.home(app)), (AtHome::Gone, None));
        assert!(matches!(two.found(app), Err(Denial::UnknownApplication(..))));
        // Registered anew by a third tenant, it is not the application to which this tenant consented.
        let id = "b7a1c0de-0000-4000-8000-000000000003".parse().unwrap();
        let third = Tenant { id, ..(*two.home.tenant).clone() };
        let mut third = Directory::among(third.into(), two.home.catalogue.clone(), two.registry.clone());
        let changes =
            Changes { sign_in_audience: Some(SignInAudience::AzureADMultipleOrgs), ..Changes::default() };
        let new = New { app_id: Some(app), display_name: "other".into(), changes, ..New::default() };
        third.apply(application::create(&operator(), &third, new, &moment()).unwrap().changes);
        two.registry.follow(&third, &[app]);
        assert_eq!((at_home(&two), two.found(app).is_ok()), (AtHome::Gone, false));
    }

    #[test]
    fn a_copy_follows_its_registration_and_keeps_what_is_its_own() {
        let mut two = Two::new();
        let app = two.register(SignInAudience::AzureADMultipleOrgs);
        let id = two.install(app);
        assert!(
            service_principal::refresh(&two.other, app).is_none()
                && service_principal::refresh(&two.home, app).is_none()
        );
        let changes = service_principal::change(&admin(), &two.other, id, (Some(false), Some(true))).unwrap();
        two.apply(false, changes.changes);
        let uris =
            vec!["https://fabrikam.example/api".to_owned(), "https://contoso.example/other".to_owned()];
        let renamed = Changes {
            display_name: Some("renamed".into()),
            identifier_uris: Some(uris),
            ..Changes::default()
        };
        two.change(app, renamed);
        let changes = service_principal::refresh(&two.other, app).unwrap().changes;
        two.apply(false, changes);
        let copy = two.other.principal(id).unwrap();
        assert_eq!((&*copy.display_name, copy.enabled, copy.assignment_required), ("renamed", false, true));
        // A name at a domain of this tenant is not another tenant's to give.
        assert_eq!(copy.names, [app.to_string(), "https://contoso.example/other".to_owned()]);
        assert!(service_principal::refresh(&two.other, app).is_none());
    }
}
