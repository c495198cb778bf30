//! Directory objects as rows: kind and id as text, the body sealed.

use crate::{StoreError, seal::Seal};
use carnet_tenant::{
    change::{Object, ObjectKey, Space},
    group::MembershipKey,
    permission_grant::{AssignmentKey, GrantKey},
    role::RoleKey,
};
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
        ObjectKey::Group(id) => ("group", id.to_string()),
        ObjectKey::Membership(key) => ("member", format!("{}/{}", key.member, key.group)),
    }
}

/// Parses the columns `kind` and `id`.
pub(crate) fn key(kind: &str, id: &str) -> Result<ObjectKey, StoreError> {
    let damaged = || StoreError::Damaged(format!("`{kind} {id}` is not a valid object key"));
    let object = || id.parse().map_err(|_| damaged());
    let mut parts = id.split('/');
    let mut part = || parts.next().unwrap_or_default();
    Ok(match kind {
        "tenant" => ObjectKey::Tenant,
        "application" => ObjectKey::Application(object()?),
        "principal" => ObjectKey::ServicePrincipal(object()?),
        "user" => ObjectKey::User(object()?),
        "grant" => {
            let (client, resource, principal) = (part(), part(), part());
            let principal =
                (!principal.is_empty()).then(|| principal.parse().map_err(|_| damaged())).transpose()?;
            let (client, resource) = client.parse().ok().zip(resource.parse().ok()).ok_or_else(damaged)?;
            ObjectKey::PermissionGrant(GrantKey { client, resource, principal })
        }
        "app_role" => {
            let (principal, resource, role) = (part(), part(), part());
            let (principal, resource) =
                principal.parse().ok().zip(resource.parse().ok()).ok_or_else(damaged)?;
            let role = role.parse().map_err(|_| damaged())?;
            ObjectKey::AppRoleAssignment(AssignmentKey { principal, resource, role })
        }
        "role" => {
            let (principal, role) = part().parse().ok().zip(part().parse().ok()).ok_or_else(damaged)?;
            ObjectKey::RoleAssignment(RoleKey { principal, role })
        }
        "group" => ObjectKey::Group(object()?),
        "member" => {
            let (member, group) = part().parse().ok().zip(part().parse().ok()).ok_or_else(damaged)?;
            ObjectKey::Membership(MembershipKey { member, group })
        }
        "registration" => ObjectKey::AdminRegistration(id.parse().map_err(|_| damaged())?),
        "environment" => ObjectKey::Environment(id.to_owned()),
        "package" => ObjectKey::Package(id.to_owned()),
        "installation" => ObjectKey::Installation(id.to_owned()),
        _ => return Err(damaged()),
    })
}

/// The column `space` of a unique name, and whether the name is unique in the whole store instead of in its tenant.
pub(crate) fn space(space: Space) -> (&'static str, bool) {
    match space {
        Space::Domain => ("domain", true),
        Space::AppId => ("app", true),
        Space::IdentifierUri => ("uri", false),
        Space::ServicePrincipalName => ("name", false),
        Space::UserName => ("user", false),
    }
}

/// Seals the body of an object.
pub(crate) fn encode(seal: &Seal, tenant: TenantId, object: &Object) -> Result<Vec<u8>, StoreError> {
    let (kind, id) = columns(&object.key());
    let json = serde_json::to_vec(object).map_err(|error| StoreError::Damaged(error.to_string()))?;
    seal.seal(&["object", &tenant.to_string(), kind, &id], &json)
}

/// Opens and parses the body of an object.
pub(crate) fn decode(
    seal: &Seal,
    tenant: TenantId,
    kind: &str,
    id: &str,
    body: &[u8],
) -> Result<Object, StoreError> {
    let json = seal.open(&["object", &tenant.to_string(), kind, id], body)?;
    serde_json::from_slice(&json).map_err(|error| StoreError::Damaged(format!("{kind} {id}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use carnet_wire::ids::{KeyId, ObjectId};
    use uuid::Uuid;

    #[test]
    fn every_key_reads_back_from_its_columns() {
        let id = |number: u128| ObjectId::new(Uuid::from_u128(number));
        let role = KeyId::new(Uuid::from_u128(9));
        let keys = [
            ObjectKey::Tenant,
            ObjectKey::Application(id(1)),
            ObjectKey::ServicePrincipal(id(2)),
            ObjectKey::User(id(3)),
            ObjectKey::PermissionGrant(GrantKey { client: id(1), resource: id(2), principal: None }),
            ObjectKey::PermissionGrant(GrantKey { client: id(1), resource: id(2), principal: Some(id(3)) }),
            ObjectKey::AppRoleAssignment(AssignmentKey { principal: id(1), resource: id(2), role }),
            ObjectKey::RoleAssignment(RoleKey { principal: id(1), role: id(2) }),
            ObjectKey::AdminRegistration(carnet_wire::ids::AppId::new(Uuid::from_u128(5))),
            ObjectKey::Environment("Default-x".into()),
            ObjectKey::Package("p".into()),
            ObjectKey::Installation("i".into()),
            ObjectKey::Group(id(6)),
            ObjectKey::Membership(MembershipKey { member: id(3), group: id(6) }),
        ];
        for wanted in keys {
            let (kind, text) = columns(&wanted);
            assert_eq!(key(kind, &text).unwrap(), wanted);
        }
        assert!(key("grant", "x/y/").is_err() && key("other", "").is_err());
    }
}
