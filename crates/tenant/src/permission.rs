//! Permissions that a resource offers and that an application says it needs.

use carnet_wire::ids::{AppId, KeyId};
use serde::{Deserialize, Serialize};

/// A delegated permission of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PermissionScope {
    /// Its id within the resource.
    pub id: KeyId,
    /// What clients ask for, `AppManagement.ApplicationPackages.Read`.
    pub value: String,
    /// The name an administrator sees.
    pub display_name: String,
    /// What it allows, in a sentence.
    pub description: String,
    /// Only administrators may consent to it.
    pub admin_only: bool,
    /// It may be asked for.
    pub enabled: bool,
}

/// An application permission of a resource, or a role for its users.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppRole {
    /// Its id within the resource.
    pub id: KeyId,
    /// What appears in `roles`.
    pub value: String,
    /// The name an administrator sees.
    pub display_name: String,
    /// What it allows, in a sentence.
    pub description: String,
    /// Applications may hold it.
    pub for_applications: bool,
    /// Users may hold it.
    pub for_users: bool,
    /// It may be assigned.
    pub enabled: bool,
}

/// What an application says it needs of one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequiredResource {
    /// The resource's application.
    pub resource: AppId,
    /// Its permissions.
    pub access: Vec<RequiredAccess>,
}

/// One permission in [`RequiredResource`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RequiredAccess {
    /// A delegated permission.
    Scope(KeyId),
    /// An application permission.
    Role(KeyId),
}
