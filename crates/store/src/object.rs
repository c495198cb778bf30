//! Directory objects in their rows: kind and id as texts, the body sealed.

use crate::{StoreError, seal::Seal};
use carnet_tenant::change::{Object, ObjectKey, Space};
use carnet_wire::ids::TenantId;

/// The columns `kind` and `id` of a key.
pub(crate) fn columns(key: &ObjectKey) -> (&'static str, String) {
    match key {
        ObjectKey::Tenant => ("tenant", String::new()),
        ObjectKey::Application(id) => ("application", id.to_string()),
        ObjectKey::ServicePrincipal(id) => ("principal", id.to_string()),
        ObjectKey::User(id) => ("user", id.to_string()),
        ObjectKey::PermissionGrant(key) => {
            let principal = key.principal.map(|id| id.to_string()).unwrap_or_default();
            ("grant", format!("{}/{}/{principal}", key.client, key.resource))
        }
        ObjectKey::AppRoleAssignment(key) => {
            ("app_role", format!("{}/{}/{}", key.principal, key.resource, key.role))
        }
        ObjectKey::RoleAssignment(key) => ("role", format!("{}/{}", key.principal, key.role)),
        ObjectKey::AdminRegistration(app) => ("registration", app.to_string()),
        ObjectKey::Environment(id) => ("environment", id.clone()),
        ObjectKey::Package(name) => ("package", name.clone()),
        ObjectKey::Installation(id) => ("installation", id.clone()),
    }
}

/// The column `space` of a unique name, and whether it is unique in the whole store.
pub(crate) fn space(space: Space) -> (&'static str, bool) {
    match space {
        Space::Domain => ("domain", true),
        Space::AppId => ("app", true),
        Space::IdentifierUri => ("uri", false),
        Space::ServicePrincipalName => ("name", false),
        Space::UserName => ("user", false),
    }
}

/// An object's sealed body.
pub(crate) fn encode(seal: &Seal, tenant: TenantId, object: &Object) -> Result<Vec<u8>, StoreError> {
    let (kind, id) = columns(&object.key());
    let json = serde_json::to_vec(object).map_err(|error| StoreError::Damaged(error.to_string()))?;
    seal.seal(&["object", &tenant.to_string(), kind, &id], &json)
}

/// The object of a row.
pub(crate) fn decode(
    seal: &Seal,
    tenant: TenantId,
    (kind, id): (&str, &str),
    body: &[u8],
) -> Result<Object, StoreError> {
    let json = seal.open(&["object", &tenant.to_string(), kind, id], body)?;
    serde_json::from_slice(&json).map_err(|error| StoreError::Damaged(format!("{kind} {id}: {error}")))
}
