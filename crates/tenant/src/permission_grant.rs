//! Permission grants: the stored record of consent, delegated (`oauth2PermissionGrant`) and
//! application (`appRoleAssignment`).

use carnet_wire::{
    ids::{KeyId, ObjectId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// What names a delegated grant: at most one for each triple. The order of the members is the order
/// of the index, so that a client's grants lie together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GrantKey {
    /// The client's service principal.
    pub client: ObjectId,
    /// The resource's service principal.
    pub resource: ObjectId,
    /// The user who consented; `None`: an administrator for everyone (`AllPrincipals`).
    pub principal: Option<ObjectId>,
}

/// Delegated permissions that a client holds for a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PermissionGrant {
    /// Client, resource, user.
    pub key: GrantKey,
    /// Scope values.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created: Timestamp,
}

/// What names an application-role assignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AssignmentKey {
    /// Who holds the role: a service principal or a user.
    pub principal: ObjectId,
    /// The resource's service principal.
    pub resource: ObjectId,
    /// The role; all zeros is plain access without a role.
    pub role: KeyId,
}

/// An application role held by a principal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppRoleAssignment {
    /// Principal, resource, role.
    pub key: AssignmentKey,
    /// Graph's id of the assignment.
    pub id: String,
    /// The principal is a user.
    pub user: bool,
    /// When it was made.
    pub created: Timestamp,
}
