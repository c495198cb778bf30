//! The directory: one tenant's objects as one immutable, numbered snapshot in memory. Rules read it;
//! the store makes it and puts changes into it. Users are not in it: they are point reads.

use crate::{
    admin_registration::AdminRegistration,
    application::Application,
    change::{Change, Object, ObjectKey, fold_name},
    environment::Environment,
    group::{Group, MemberKind, Membership, MembershipKey},
    package::Package,
    permission_grant::{AppRoleAssignment, AssignmentKey, GrantKey, PermissionGrant},
    redirect,
    registry::Registry,
    role::{RoleAssignment, RoleKey},
    service_principal::ServicePrincipal,
    shards::Shards,
    tenant::Tenant,
};
use carnet_wire::{
    catalogue::Catalogue,
    ids::{AppId, KeyId, ObjectId},
};
use std::{collections::BTreeSet, sync::Arc};
use uuid::Uuid;

/// A tenant's directory at one version.
#[derive(Debug, Clone)]
pub struct Directory {
    /// The tenant's names and policy.
    pub tenant: Arc<Tenant>,
    /// Goes up by one with every batch of changes.
    pub version: i64,
    /// Digest of the newest audit row: the next one links to it.
    pub audit_head: [u8; 32],
    /// Microsoft's own applications, the same for every tenant.
    pub catalogue: Arc<Catalogue>,
    /// The registrations of all tenants of this server, as they are now.
    registry: Arc<Registry>,
    applications: Shards<ObjectId, Arc<Application>>,
    application_by_app: Shards<AppId, ObjectId>,
    spa_origins: Shards<String, usize>,
    principals: Shards<ObjectId, Arc<ServicePrincipal>>,
    principal_by_app: Shards<AppId, ObjectId>,
    principal_by_name: Shards<String, ObjectId>,
    grants: Shards<GrantKey, Arc<PermissionGrant>>,
    app_roles: Shards<AssignmentKey, Arc<AppRoleAssignment>>,
    roles: Shards<RoleKey, Arc<RoleAssignment>>,
    registrations: Shards<AppId, Arc<AdminRegistration>>,
    environments: Shards<String, Arc<Environment>>,
    packages: Shards<String, Arc<Package>>,
    groups: Shards<ObjectId, Arc<Group>>,
    /// How many applications and groups each owner has.
    owned: Shards<ObjectId, u32>,
    memberships: Shards<MembershipKey, Arc<Membership>>,
    /// The same by group.
    members: Shards<MemberKey, MemberKind>,
}

impl Directory {
    /// The directory of the only tenant of a server, without objects, at version 0.
    #[must_use]
    pub fn empty(tenant: Arc<Tenant>, catalogue: Arc<Catalogue>) -> Self {
        Self::among(tenant, catalogue, Arc::default())
    }

    /// The directory of one of several tenants that share their registrations, without objects, at version 0.
    #[must_use]
    pub fn among(tenant: Arc<Tenant>, catalogue: Arc<Catalogue>, registry: Arc<Registry>) -> Self {
        Self {
            tenant,
            version: 0,
            audit_head: [0; 32],
            catalogue,
            registry,
            applications: Shards::default(),
            application_by_app: Shards::default(),
            spa_origins: Shards::default(),
            principals: Shards::default(),
            principal_by_app: Shards::default(),
            principal_by_name: Shards::default(),
            grants: Shards::default(),
            app_roles: Shards::default(),
            roles: Shards::default(),
            registrations: Shards::default(),
            environments: Shards::default(),
            packages: Shards::default(),
            groups: Shards::default(),
            owned: Shards::default(),
            memberships: Shards::default(),
            members: Shards::default(),
        }
    }

    /// Puts changes in. The caller numbers the result.
    pub fn apply(&mut self, changes: impl IntoIterator<Item = Change>) {
        let changes: Vec<Change> = changes.into_iter().collect();
        // A name that goes from one principal to another is free first, in whatever order they come.
        for change in &changes {
            match change {
                Change::Put(Object::ServicePrincipal(it)) => self.forget_names(it.id),
                Change::Remove(ObjectKey::ServicePrincipal(id)) => self.forget_names(*id),
                _ => {}
            }
        }
        for change in changes {
            match change {
                Change::Put(object) => self.put(object),
                Change::Remove(key) => self.remove(&key),
            }
        }
    }

    fn put(&mut self, object: Object) {
        match object {
            Object::Tenant(it) => self.tenant = it,
            Object::Application(it) => {
                self.application_by_app.insert(it.app_id, it.id);
                for origin in spa_origins(&it) {
                    let count = self.spa_origins.get(&origin).copied().unwrap_or(0);
                    self.spa_origins.insert(origin, count + 1);
                }
                let owners = it.owners.clone();
                let old = self.applications.insert(it.id, it);
                if let Some(old) = &old {
                    self.forget_origins(old);
                }
                self.count_owned(old.as_ref().map_or(&[], |old| &old.owners), &owners);
            }
            Object::ServicePrincipal(it) => {
                self.forget_names(it.id);
                self.take_names(&it);
                self.principal_by_app.insert(it.app_id, it.id);
                self.principals.insert(it.id, it);
            }
            Object::PermissionGrant(it) => drop(self.grants.insert(it.key, it)),
            Object::AppRoleAssignment(it) => drop(self.app_roles.insert(it.key, it)),
            Object::RoleAssignment(it) => drop(self.roles.insert(it.key, it)),
            Object::AdminRegistration(it) => drop(self.registrations.insert(it.app_id, it)),
            Object::Environment(it) => drop(self.environments.insert(it.id.clone(), it)),
            Object::Package(it) => drop(self.packages.insert(it.unique_name.clone(), it)),
            Object::Group(it) => {
                let owners = it.owners.clone();
                let old = self.groups.insert(it.id, it);
                self.count_owned(old.as_ref().map_or(&[], |old| &old.owners), &owners);
            }
            Object::Membership(it) => {
                self.members.insert(MemberKey::of(&it.key), it.kind);
                self.memberships.insert(it.key, it);
            }
            Object::User(_) | Object::Installation(_) => {}
        }
    }

    fn remove(&mut self, key: &ObjectKey) {
        match key {
            ObjectKey::Application(id) => {
                if let Some(old) = self.applications.remove(id) {
                    self.application_by_app.remove(&old.app_id);
                    self.forget_origins(&old);
                    self.count_owned(&old.owners, &[]);
                }
            }
            ObjectKey::ServicePrincipal(id) => {
                self.forget_names(*id);
                if let Some(old) = self.principals.remove(id) {
                    self.principal_by_app.remove(&old.app_id);
                }
            }
            ObjectKey::PermissionGrant(key) => drop(self.grants.remove(key)),
            ObjectKey::AppRoleAssignment(key) => drop(self.app_roles.remove(key)),
            ObjectKey::RoleAssignment(key) => drop(self.roles.remove(key)),
            ObjectKey::AdminRegistration(app) => drop(self.registrations.remove(app)),
            ObjectKey::Environment(id) => drop(self.environments.remove(id)),
            ObjectKey::Package(name) => drop(self.packages.remove(name)),
            ObjectKey::Group(id) => {
                if let Some(old) = self.groups.remove(id) {
                    self.count_owned(&old.owners, &[]);
                }
            }
            ObjectKey::Membership(key) => {
                self.members.remove(&MemberKey::of(key));
                self.memberships.remove(key);
            }
            ObjectKey::Tenant | ObjectKey::User(_) | ObjectKey::Installation(_) => {}
        }
    }

    /// Counts an object for those who own it now and no more for those who did.
    fn count_owned(&mut self, before: &[ObjectId], after: &[ObjectId]) {
        let (before, after): (BTreeSet<_>, BTreeSet<_>) = (before.iter().collect(), after.iter().collect());
        for owner in after.difference(&before) {
            self.owned.insert(**owner, self.owned_by(**owner) + 1);
        }
        for owner in before.difference(&after) {
            match self.owned_by(**owner) {
                0 | 1 => drop(self.owned.remove(owner)),
                more => drop(self.owned.insert(**owner, more - 1)),
            }
        }
    }

    fn forget_origins(&mut self, application: &Application) {
        for origin in spa_origins(application) {
            match self.spa_origins.get(&origin).copied().unwrap_or(0) {
                0 | 1 => drop(self.spa_origins.remove(&origin)),
                more => drop(self.spa_origins.insert(origin, more - 1)),
            }
        }
    }

    /// A name that is another principal's stays that one's; Microsoft's own take theirs all the same.
    fn take_names(&mut self, it: &ServicePrincipal) {
        let microsofts = self.catalogue.application(it.app_id).is_some();
        for name in it.names.iter().map(|name| fold_name(name)) {
            if microsofts || self.principal_by_name.get(&name).is_none() {
                self.principal_by_name.insert(name, it.id);
            }
        }
    }

    fn forget_names(&mut self, principal: ObjectId) {
        if let Some(old) = self.principals.get(&principal).cloned() {
            for name in old.names.iter().map(|name| fold_name(name)) {
                if self.principal_by_name.get(&name) == Some(&principal) {
                    self.principal_by_name.remove(&name);
                }
            }
        }
    }

    /// The registration with this object id.
    #[must_use]
    pub fn application(&self, id: ObjectId) -> Option<&Arc<Application>> {
        self.applications.get(&id)
    }

    /// The registration with this application id.
    #[must_use]
    pub fn application_by_app(&self, app: AppId) -> Option<&Arc<Application>> {
        self.applications.get(self.application_by_app.get(&app)?)
    }

    /// Some single-page application of the tenant lives at this origin (`redirect::origin`), or one of another tenant
    /// that takes this tenant's users.
    #[must_use]
    pub fn has_spa_origin(&self, origin: &str) -> bool {
        redirect::origin(origin).is_some_and(|origin| {
            self.spa_origins.get(&origin).is_some() || self.registry.has_spa_origin(&origin)
        })
    }

    /// The registrations of all tenants of this server.
    #[must_use]
    pub const fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// All registrations after `after`, in the order of their ids.
    pub fn applications(&self, after: Option<ObjectId>) -> impl Iterator<Item = &Arc<Application>> {
        self.applications.after(after).map(|(_, it)| it)
    }

    /// The service principal with this object id.
    #[must_use]
    pub fn principal(&self, id: ObjectId) -> Option<&Arc<ServicePrincipal>> {
        self.principals.get(&id)
    }

    /// The service principal of this application.
    #[must_use]
    pub fn principal_by_app(&self, app: AppId) -> Option<&Arc<ServicePrincipal>> {
        self.principals.get(self.principal_by_app.get(&app)?)
    }

    /// The service principal under this name: an identifier URI with or without slashes at its end,
    /// or an application id.
    #[must_use]
    pub fn principal_by_name(&self, name: &str) -> Option<&Arc<ServicePrincipal>> {
        if let Ok(app) = name.parse() {
            return self.principal_by_app(app);
        }
        self.principals.get(self.principal_by_name.get(&fold_name(name))?)
    }

    /// The service principal of the API that a client names: by one of its names, or by `api://` and its application
    /// id, which is a name of every registered application without being one of its identifier URIs.
    #[must_use]
    pub fn api_by_name(&self, name: &str) -> Option<&Arc<ServicePrincipal>> {
        self.principal_by_name(name).or_else(|| {
            let id =
                name.get(..6).filter(|scheme| scheme.eq_ignore_ascii_case("api://")).map(|_| &name[6..])?;
            let app = id.trim_end_matches('/').parse().ok()?;
            self.principal_by_app(app).filter(|_| self.catalogue.application(app).is_none())
        })
    }

    /// All service principals after `after`, in the order of their ids.
    pub fn principals(&self, after: Option<ObjectId>) -> impl Iterator<Item = &Arc<ServicePrincipal>> {
        self.principals.after(after).map(|(_, it)| it)
    }

    /// The delegated grant with this key.
    #[must_use]
    pub fn grant(&self, key: &GrantKey) -> Option<&Arc<PermissionGrant>> {
        self.grants.get(key)
    }

    /// All delegated grants after `after`, by client, resource and user.
    pub fn grants(&self, after: Option<GrantKey>) -> impl Iterator<Item = &Arc<PermissionGrant>> {
        self.grants.after(after).map(|(_, it)| it)
    }

    /// The delegated grants that a client holds.
    pub fn grants_of(&self, client: ObjectId) -> impl Iterator<Item = &Arc<PermissionGrant>> {
        let nil = ObjectId::new(Uuid::nil());
        let from = GrantKey { client, resource: nil, principal: None };
        self.grants.range(from, move |key| key.client == client).map(|(_, it)| it)
    }

    /// The application roles that a service principal or user holds.
    pub fn app_roles_of(&self, principal: ObjectId) -> impl Iterator<Item = &Arc<AppRoleAssignment>> {
        let from =
            AssignmentKey { principal, resource: ObjectId::new(Uuid::nil()), role: KeyId::new(Uuid::nil()) };
        self.app_roles.range(from, move |key| key.principal == principal).map(|(_, it)| it)
    }

    /// All application-role assignments.
    pub fn app_role_assignments(&self) -> impl Iterator<Item = &Arc<AppRoleAssignment>> {
        self.app_roles.iter().map(|(_, it)| it)
    }

    /// The directory roles that a user or service principal holds.
    pub fn roles_of(&self, principal: ObjectId) -> impl Iterator<Item = &Arc<RoleAssignment>> {
        let from = RoleKey { principal, role: ObjectId::new(Uuid::nil()) };
        self.roles.range(from, move |key| key.principal == principal).map(|(_, it)| it)
    }

    /// The principal holds the directory role.
    #[must_use]
    pub fn holds_role(&self, principal: ObjectId, role: ObjectId) -> bool {
        self.roles.get(&RoleKey { principal, role }).is_some()
    }

    /// All directory role assignments.
    pub fn role_assignments(&self) -> impl Iterator<Item = &Arc<RoleAssignment>> {
        self.roles.iter().map(|(_, it)| it)
    }

    /// The registration of an application with Power Platform.
    #[must_use]
    pub fn registration(&self, app: AppId) -> Option<&Arc<AdminRegistration>> {
        self.registrations.get(&app)
    }

    /// All registrations with Power Platform.
    pub fn registrations(&self) -> impl Iterator<Item = &Arc<AdminRegistration>> {
        self.registrations.iter().map(|(_, it)| it)
    }

    /// The environment with this id.
    #[must_use]
    pub fn environment(&self, id: &str) -> Option<&Arc<Environment>> {
        self.environments.get(&id.to_owned())
    }

    /// All environments.
    pub fn environments(&self) -> impl Iterator<Item = &Arc<Environment>> {
        self.environments.iter().map(|(_, it)| it)
    }

    /// The package with this name.
    #[must_use]
    pub fn package(&self, unique_name: &str) -> Option<&Arc<Package>> {
        self.packages.get(&unique_name.to_owned())
    }

    /// All packages.
    pub fn packages(&self) -> impl Iterator<Item = &Arc<Package>> {
        self.packages.iter().map(|(_, it)| it)
    }

    /// The group with this object id.
    #[must_use]
    pub fn group(&self, id: ObjectId) -> Option<&Arc<Group>> {
        self.groups.get(&id)
    }

    /// All groups after `after`, in the order of their ids.
    pub fn groups(&self, after: Option<ObjectId>) -> impl Iterator<Item = &Arc<Group>> {
        self.groups.after(after).map(|(_, it)| it)
    }

    /// How many applications and groups somebody owns.
    #[must_use]
    pub fn owned_by(&self, owner: ObjectId) -> u32 {
        self.owned.get(&owner).copied().unwrap_or(0)
    }

    /// Whether somebody is directly in a group.
    #[must_use]
    pub fn is_member(&self, key: &MembershipKey) -> bool {
        self.memberships.get(key).is_some()
    }

    /// The groups that a user, service principal or group is directly in.
    pub fn memberships_of(&self, member: ObjectId) -> impl Iterator<Item = &Arc<Membership>> {
        let from = MembershipKey { member, group: ObjectId::new(Uuid::nil()) };
        self.memberships.range(from, move |key| key.member == member).map(|(_, it)| it)
    }

    /// The direct members of a group after `after`, in the order of their ids.
    pub fn members_of(
        &self,
        group: ObjectId,
        after: Option<ObjectId>,
    ) -> impl Iterator<Item = (ObjectId, MemberKind)> + '_ {
        let from = MemberKey { group, member: after.unwrap_or(ObjectId::new(Uuid::nil())) };
        let all = self.members.range(from, move |key| key.group == group);
        all.map(|(key, kind)| (key.member, *kind)).filter(move |(member, _)| Some(*member) != after)
    }
}

/// A membership by its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MemberKey {
    pub(crate) group: ObjectId,
    member: ObjectId,
}

impl MemberKey {
    const fn of(key: &MembershipKey) -> Self {
        Self { group: key.group, member: key.member }
    }
}

/// The origins of an application's single-page redirect URIs, each once.
fn spa_origins(application: &Application) -> BTreeSet<String> {
    application.redirect_uris.spa.iter().filter_map(|uri| redirect::origin(uri)).collect()
}
