//! Permissions that a resource offers and that an application says it needs.

use crate::{
    directory::Directory,
    operation::{self, Caller, authorize},
    refusal::Refusal,
    role::{GLOBAL_ADMINISTRATOR, PRIVILEGED_ROLE_ADMINISTRATOR, held},
    text::{NAME, cut, is_invisible},
};
use carnet_wire::{
    catalogue,
    ids::{AppId, KeyId, ObjectId},
};
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

/// Whether a directory text may be kept and shown: 1 to 256 characters, no control or direction marks.
///
/// # Errors
/// [`Refusal::BadRequest`]
pub fn check_name(property: &'static str, name: &str) -> Result<(), Refusal> {
    let message = match name.trim().is_empty() {
        true => format!("a value is required for property '{property}'"),
        false if name.len() > NAME && name.chars().count() > NAME => {
            format!("the property '{property}' has more than {NAME} characters")
        }
        false if name.chars().any(is_invisible) => format!("'{property}' has invisible characters"),
        false => return Ok(()),
    };
    Err(Refusal::BadRequest { message, target: Some(property.to_owned()) })
}

/// The permissions that an application offers: each id and each value once, values of the form that
/// fits into a scope.
pub(crate) fn check_offered(scopes: &[PermissionScope], roles: &[AppRole]) -> Result<(), Refusal> {
    let bad = |message: String| Err(Refusal::BadRequest { message, target: Some("api".into()) });
    let mut ids = std::collections::HashSet::new();
    for (list, what) in [
        (scopes.iter().map(|it| (it.id, &it.value)).collect::<Vec<_>>(), "oauth2PermissionScopes"),
        (roles.iter().map(|it| (it.id, &it.value)).collect(), "appRoles"),
    ] {
        let mut values = std::collections::HashSet::new();
        for (id, value) in list {
            let form = (1..=120).contains(&value.len())
                && !value.starts_with('.')
                && value.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\');
            if !form {
                return bad(format!(
                    "{what}: `{}` is not 1 to 120 visible characters without a leading dot",
                    cut(value)
                ));
            }
            if !ids.insert(id) || !values.insert(value.to_lowercase()) {
                return bad(format!("{what}: the id or value of `{value}` stands twice"));
            }
        }
    }
    Ok(())
}

/// Nobody puts somebody into a group that application roles are given to, unless they could give these roles
/// themselves (`security.md`, S31).
pub(crate) fn require_authority_over_group(
    caller: &Caller,
    directory: &Directory,
    group: ObjectId,
) -> Result<(), Refusal> {
    if directory.app_roles_of(group).next().is_none() {
        return Ok(());
    }
    match authorize(caller, directory, &operation::CHANGE_GRANTS, &[]) {
        Ok(()) => Ok(()),
        Err(_) => Err(Refusal::Forbidden {
            needs: "application roles are given to this group; whoever puts members into it has to be able to give them".into(),
        }),
    }
}

/// Nobody gives a credential to a principal that may more than they: one that holds a directory role or
/// a Graph application permission (`security.md`, S31). Microsoft's own applications belong to nobody.
pub(crate) fn require_authority_over(
    caller: &Caller,
    directory: &Directory,
    app: AppId,
) -> Result<(), Refusal> {
    if matches!(caller, Caller::Operator { .. }) {
        return Ok(());
    }
    let forbidden = |needs: &str| Err(Refusal::Forbidden { needs: needs.to_owned() });
    if directory.catalogue.application(app).is_some() {
        return forbidden("Microsoft's own applications take no credentials from a tenant");
    }
    let Some(principal) = directory.principal_by_app(app) else { return Ok(()) };
    let graph = directory.principal_by_name(catalogue::GRAPH).map(|it| it.id);
    let privileged = directory.roles_of(principal.id).next().is_some()
        || directory.app_roles_of(principal.id).any(|it| Some(it.key.resource) == graph)
        || directory.registration(app).is_some();
    let highest = [GLOBAL_ADMINISTRATOR, PRIVILEGED_ROLE_ADMINISTRATOR];
    match caller {
        Caller::User { user, .. } if privileged && !held(directory, *user, &highest) => forbidden(
            "this application holds privileged permissions; only a Global Administrator gives it credentials",
        ),
        Caller::Application { principal: own, .. } if privileged && *own != principal.id => forbidden(
            "this application holds privileged permissions; another application may not give it credentials",
        ),
        _ => Ok(()),
    }
}
