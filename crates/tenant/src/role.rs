//! Directory roles, by Microsoft's template ids, and who holds them.

use crate::{
    access::{self, Caller, authorize},
    change::{Audit, Change, Decided, Object},
    directory::Directory,
    refusal::Refusal,
};
use carnet_wire::ids::ObjectId;
use serde::{Deserialize, Serialize};

/// What names a directory role assignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RoleKey {
    /// The user or service principal.
    pub principal: ObjectId,
    /// The role's template id, the same in every tenant.
    pub role: ObjectId,
}

/// A directory role held by a principal, for the whole tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleAssignment {
    /// Principal and role.
    pub key: RoleKey,
    /// Graph's id of the assignment.
    pub id: String,
}

/// May do everything.
pub const GLOBAL_ADMINISTRATOR: &str = "Global Administrator";
/// May give roles and consent to everything.
pub const PRIVILEGED_ROLE_ADMINISTRATOR: &str = "Privileged Role Administrator";
/// May change registrations.
pub const APPLICATION_ADMINISTRATOR: &str = "Application Administrator";
/// May change registrations.
pub const CLOUD_APPLICATION_ADMINISTRATOR: &str = "Cloud Application Administrator";
/// May change users.
pub const USER_ADMINISTRATOR: &str = "User Administrator";
/// Administers Power Platform.
pub const POWER_PLATFORM_ADMINISTRATOR: &str = "Power Platform Administrator";
/// Administers Power Platform too.
pub const DYNAMICS_ADMINISTRATOR: &str = "Dynamics 365 Administrator";

/// The principal holds one of the roles with these names, in the directory as it is now.
#[must_use]
pub fn held(directory: &Directory, principal: ObjectId, names: &[&str]) -> bool {
    names.iter().any(|name| {
        directory.catalogue.role(name).is_some_and(|template| directory.holds_role(principal, template.id))
    })
}

/// Gives a user or service principal a role.
///
/// # Errors
/// [`Refusal::Forbidden`] unless the caller may give roles, [`Refusal::BadRequest`] for an unknown role.
pub fn assign(
    caller: &Caller,
    directory: &Directory,
    principal: ObjectId,
    name: &str,
) -> Result<Decided<()>, Refusal> {
    authorize(caller, directory, &access::GIVE_DIRECTORY_ROLES, &[])?;
    let Some(template) = directory.catalogue.role(name) else {
        let known: Vec<&str> =
            directory.catalogue.role_templates.iter().map(|it| it.display_name.as_str()).collect();
        let message = format!("there is no directory role `{name}`; one of {}", known.join(", "));
        return Err(Refusal::BadRequest { message, target: Some("roles".into()) });
    };
    if directory.holds_role(principal, template.id) {
        return Ok(Decided { value: (), changes: Vec::new(), audit: Vec::new() });
    }
    let key = RoleKey { principal, role: template.id };
    let id = carnet_wire::jose::encode_base64url(
        &[template.id.uuid().to_bytes_le(), principal.uuid().to_bytes_le()].concat(),
    );
    let change = Change::Put(Object::RoleAssignment(RoleAssignment { key, id }.into()));
    let target = ("role".to_owned(), template.id.to_string(), template.display_name.clone());
    let modified = vec![("principal".to_owned(), String::new(), principal.to_string())];
    let audit = Audit { activity: "Add member to role".into(), actor: caller.actor(), target, modified };
    Ok(Decided { value: (), changes: vec![change], audit: vec![audit] })
}
