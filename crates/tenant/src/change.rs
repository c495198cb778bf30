//! Changes: what a decision does to the directory. A rule says them, the store keeps them in one
//! batch with their audit rows, and the snapshot takes them in (`directory::Directory::with`).

use crate::{
    admin_registration::AdminRegistration,
    application::Application,
    environment::Environment,
    group::{Group, Membership, MembershipKey},
    package::{Installation, Package},
    permission_grant::{AppRoleAssignment, AssignmentKey, GrantKey, PermissionGrant},
    role::{RoleAssignment, RoleKey},
    service_principal::ServicePrincipal,
    tenant::Tenant,
    user::User,
};
use carnet_wire::{
    entropy::Entropy,
    ids::{AppId, ObjectId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, sync::Arc};

/// Time and randomness of a change.
pub struct Moment<'a> {
    /// Now.
    pub now: Timestamp,
    /// For new ids and secrets.
    pub entropy: &'a dyn Entropy,
}

/// A directory object of any kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Object {
    /// The tenant itself.
    Tenant(Arc<Tenant>),
    /// A registration.
    Application(Arc<Application>),
    /// An application in the tenant.
    ServicePrincipal(Arc<ServicePrincipal>),
    /// A person.
    User(Arc<User>),
    /// A delegated grant.
    PermissionGrant(Arc<PermissionGrant>),
    /// An application role held.
    AppRoleAssignment(Arc<AppRoleAssignment>),
    /// A directory role held.
    RoleAssignment(Arc<RoleAssignment>),
    /// A registration with Power Platform.
    AdminRegistration(Arc<AdminRegistration>),
    /// An environment.
    Environment(Arc<Environment>),
    /// A package.
    Package(Arc<Package>),
    /// An installation of a package.
    Installation(Arc<Installation>),
    /// A group.
    Group(Arc<Group>),
    /// A membership.
    Membership(Arc<Membership>),
}

/// What names an object within its tenant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ObjectKey {
    /// The tenant itself.
    Tenant,
    /// By object id.
    Application(ObjectId),
    /// By object id.
    ServicePrincipal(ObjectId),
    /// By object id.
    User(ObjectId),
    /// By client, resource and user.
    PermissionGrant(GrantKey),
    /// By principal, resource and role.
    AppRoleAssignment(AssignmentKey),
    /// By principal and role.
    RoleAssignment(RoleKey),
    /// By application.
    AdminRegistration(AppId),
    /// By its id.
    Environment(String),
    /// By its unique name.
    Package(String),
    /// By its id.
    Installation(String),
    /// By object id.
    Group(ObjectId),
    /// By member and group.
    Membership(MembershipKey),
}

/// One change to the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The object is now this, whether it was there or not.
    Put(Object),
    /// The object is gone.
    Remove(ObjectKey),
}

impl Object {
    /// What names it.
    #[must_use]
    pub fn key(&self) -> ObjectKey {
        match self {
            Self::Tenant(_) => ObjectKey::Tenant,
            Self::Application(it) => ObjectKey::Application(it.id),
            Self::ServicePrincipal(it) => ObjectKey::ServicePrincipal(it.id),
            Self::User(it) => ObjectKey::User(it.id),
            Self::PermissionGrant(it) => ObjectKey::PermissionGrant(it.key),
            Self::AppRoleAssignment(it) => ObjectKey::AppRoleAssignment(it.key),
            Self::RoleAssignment(it) => ObjectKey::RoleAssignment(it.key),
            Self::AdminRegistration(it) => ObjectKey::AdminRegistration(it.app_id),
            Self::Environment(it) => ObjectKey::Environment(it.id.clone()),
            Self::Package(it) => ObjectKey::Package(it.unique_name.clone()),
            Self::Installation(it) => ObjectKey::Installation(it.id.clone()),
            Self::Group(it) => ObjectKey::Group(it.id),
            Self::Membership(it) => ObjectKey::Membership(it.key),
        }
    }

    /// Names that must be unique in their space within the tenant, besides the key itself.
    #[must_use]
    pub fn unique_names(&self) -> Vec<(Space, String)> {
        let folded = |space: Space, names: &[String]| {
            let names: BTreeSet<String> = names.iter().map(|name| fold_name(name)).collect();
            names.into_iter().map(move |name| (space, name))
        };
        match self {
            Self::Tenant(it) => it.domains.iter().map(|domain| (Space::Domain, domain.clone())).collect(),
            Self::Application(it) => {
                let uris = folded(Space::IdentifierUri, &it.identifier_uris);
                std::iter::once((Space::AppId, it.app_id.to_string())).chain(uris).collect()
            }
            Self::ServicePrincipal(it) => folded(Space::ServicePrincipalName, &it.names).collect(),
            Self::User(it) => vec![(Space::UserName, it.name_key.clone())],
            _ => Vec::new(),
        }
    }
}

/// How identifier URIs and service principals' names are compared: in lower case, without slashes at the end.
/// What is unique and what is found are the same because both fold by this.
pub(crate) fn fold_name(name: &str) -> String {
    name.trim_end_matches('/').to_lowercase()
}

/// A space of unique names. `Domain` and `AppId` are unique in the whole store, the others in a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Space {
    /// Verified domains.
    Domain,
    /// Application ids.
    AppId,
    /// Identifier URIs of applications, folded.
    IdentifierUri,
    /// Service principal names, folded.
    ServicePrincipalName,
    /// Canonical user names.
    UserName,
}

/// One line of the directory audit, before it is numbered and linked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    /// What was done, in Microsoft's words where there are any: `Add application`.
    pub activity: String,
    /// Who did it.
    pub actor: Actor,
    /// The object's kind, id and name.
    pub target: (String, String, String),
    /// Names of the properties that changed, with old and new text; never a secret.
    pub modified: Vec<(String, String, String)>,
}

/// Who makes a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Actor {
    /// A signed-in user, through an application.
    User {
        /// The user.
        user: ObjectId,
        /// The application.
        app: AppId,
    },
    /// An application by itself.
    Application {
        /// Its service principal.
        principal: ObjectId,
        /// The application.
        app: AppId,
    },
    /// The operator, by a tenant file or at first start; the digest of the file in hexadecimal.
    Operator {
        /// SHA-256 of the file, empty at first start.
        digest: String,
    },
    /// A start of a node of this service, about itself.
    Node {
        /// Its id, new at every start.
        node: String,
    },
}

/// What a rule that changes the directory answers.
#[derive(Debug, Clone)]
pub struct Decided<T> {
    /// What the caller gets to see.
    pub value: T,
    /// What is kept. Empty: nothing to do, nothing is written.
    pub changes: Vec<Change>,
    /// What is written down about it.
    pub audit: Vec<Audit>,
}
