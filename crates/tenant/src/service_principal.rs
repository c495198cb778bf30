//! Service principals: an application's presence in a tenant, with an object id of its own. Tokens of
//! client credentials carry that id. A tenant does not hold the principal of every first-party API:
//! step 2 of the article makes the one of Power Platform appear.

use crate::permission::{AppRole, PermissionScope};
use carnet_wire::{
    ids::{AppId, ObjectId, TenantId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// An application in a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServicePrincipal {
    /// The object's id: `oid` and `sub` of the application's own tokens.
    pub id: ObjectId,
    /// The application it stands for.
    pub app_id: AppId,
    /// The name people see.
    pub display_name: String,
    /// Tokens may be issued to it and for it.
    pub enabled: bool,
    /// The tenant that owns the application (Microsoft's own for first-party ones).
    pub owner_tenant: TenantId,
    /// Only assigned users and applications get tokens for it.
    pub assignment_required: bool,
    /// Names under which it is asked for: application id and identifier URIs.
    pub names: Vec<String>,
    /// Delegated permissions it offers, copied from the application.
    pub scopes: Vec<PermissionScope>,
    /// Roles it offers, copied from the application.
    pub app_roles: Vec<AppRole>,
    /// Version of access tokens for it: 1 or 2.
    pub token_version: u8,
    /// Users and service principals that own it.
    pub owners: Vec<ObjectId>,
    /// Labels.
    pub tags: Vec<String>,
    /// Further Graph properties, kept as given and read by no rule.
    pub kept: std::collections::BTreeMap<String, serde_json::Value>,
    /// When it was made.
    pub created: Timestamp,
}
