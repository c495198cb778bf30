//! Permissions that a resource offers and that an application says it needs.

use crate::{
    access::{self, Caller, authorize},
    directory::Directory,
    group::MemberKind,
    permission_grant,
    refusal::Refusal,
    role::held,
    service_principal::ServicePrincipal,
    text::{NAME, cut, is_invisible},
};
pub use carnet_wire::catalogue::{AppRole, PermissionScope};
use carnet_wire::ids::{AppId, KeyId, ObjectId};
use serde::{Deserialize, Serialize};

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
        false if name.chars().nth(NAME).is_some() => {
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

/// Checks that the caller could give every application role that a group holds: whoever puts a member into the group
/// gives these roles to that member.
///
/// # Errors
/// [`Refusal::Forbidden`]
pub(crate) fn require_authority_over_group(
    caller: &Caller,
    directory: &Directory,
    group: ObjectId,
) -> Result<(), Refusal> {
    for assignment in directory.app_roles_of(group) {
        let Some(resource) = directory.principal(assignment.key.resource) else { continue };
        permission_grant::may_assign(caller, directory, resource, MemberKind::Group).map_err(|_| {
            Refusal::Forbidden {
                needs: format!(
                    "this group holds an application role of {}; only who may assign that role adds members",
                    resource.display_name
                ),
            }
        })?;
    }
    Ok(())
}

/// Checks that the caller could give an application everything that its service principal holds: directory roles,
/// application roles of any API, and the registration with Power Platform. Whoever adds a credential to the
/// application can act as it. An application may always change its own credentials.
///
/// # Errors
/// [`Refusal::Forbidden`], also for Microsoft's own applications, which take no credentials from a tenant.
pub(crate) fn require_authority_over(
    caller: &Caller,
    directory: &Directory,
    app: AppId,
) -> Result<(), Refusal> {
    if matches!(caller, Caller::Operator { .. }) {
        return Ok(());
    }
    if directory.catalogue.application(app).is_some() {
        return Err(Refusal::Forbidden {
            needs: "Microsoft's own applications take no credentials from a tenant".into(),
        });
    }
    match directory.principal_by_app(app) {
        Some(principal) => require_authority_over_principal(caller, directory, principal),
        None => Ok(()),
    }
}

/// Checks that the caller could give a service principal everything that it holds: who adds to it what it may do, or a
/// credential, has to be able to.
///
/// # Errors
/// [`Refusal::Forbidden`]
pub(crate) fn require_authority_over_principal(
    caller: &Caller,
    directory: &Directory,
    principal: &ServicePrincipal,
) -> Result<(), Refusal> {
    let forbidden = |needs: String| Err(Refusal::Forbidden { needs });
    if matches!(caller, Caller::Operator { .. }) {
        return Ok(());
    }
    if matches!(caller, Caller::Application { principal: own, .. } if *own == principal.id) {
        return Ok(());
    }
    if directory.roles_of(principal.id).next().is_some()
        && authorize(caller, directory, &access::GIVE_DIRECTORY_ROLES, &[]).is_err()
    {
        return forbidden(
            "this application holds a directory role; only who may give directory roles adds to it".into(),
        );
    }
    let given = directory.app_roles_of(principal.id).filter(|it| !it.key.role.uuid().is_nil());
    for resource in given.filter_map(|it| directory.principal(it.key.resource)) {
        if permission_grant::may_assign(caller, directory, resource, MemberKind::ServicePrincipal).is_err() {
            return forbidden(format!(
                "this application holds an application role of {}; only who may assign that role adds to it",
                resource.display_name
            ));
        }
    }
    let registers =
        matches!(caller, Caller::User { user, .. } if held(directory, *user, access::ADMINISTRATORS));
    if directory.registration(principal.app_id).is_some() && !registers {
        return forbidden(format!(
            "this application administers Power Platform; only a user with one of the roles {} adds to it",
            access::ADMINISTRATORS.join(", ")
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        admin_registration,
        change::{Change, Object},
        fixture::{
            admin, application, bap_admin, directory, everyone, moment, operator, with_power_platform,
        },
        permission_grant::{AppRoleAssignment, AssignmentKey},
        role,
    };
    use carnet_wire::catalogue::GRAPH;
    use uuid::Uuid;

    #[test]
    fn a_name_has_1_to_256_visible_characters() {
        let is_name = |name: &str| check_name("displayName", name).is_ok();
        for good in ["a".to_owned(), "a".repeat(256), "é".repeat(256)] {
            assert!(is_name(&good), "{good}");
        }
        for bad in [String::new(), "  ".into(), "a".repeat(257), "é".repeat(257), "a\u{202e}b".into()] {
            assert!(!is_name(&bad), "{bad}");
        }
    }

    #[test]
    fn offered_permissions_have_ids_and_values_of_their_own() {
        let scope = |id: u128, value: &str| PermissionScope {
            id: KeyId::new(Uuid::from_u128(id)),
            value: value.into(),
            display_name: String::new(),
            description: String::new(),
            admin_only: false,
            enabled: true,
        };
        let role = |id: u128, value: &str| AppRole {
            id: KeyId::new(Uuid::from_u128(id)),
            value: value.into(),
            display_name: String::new(),
            description: String::new(),
            for_applications: true,
            for_users: false,
            enabled: true,
        };
        for good in ["r", "Files.Read.All", "user_impersonation", &"a".repeat(120)] {
            assert!(check_offered(&[scope(1, good)], &[role(2, good)]).is_ok(), "{good}");
        }
        for bad in ["", ".r", "a b", "a\"b", "a\\b", "é", &"a".repeat(121)] {
            assert!(check_offered(&[scope(1, bad)], &[]).is_err(), "scope {bad}");
            assert!(check_offered(&[], &[role(1, bad)]).is_err(), "role {bad}");
        }
        assert!(check_offered(&[scope(1, "a"), scope(2, "b")], &[]).is_ok());
        assert!(check_offered(&[scope(1, "a"), scope(1, "b")], &[]).is_err(), "one id twice");
        assert!(check_offered(&[scope(1, "a")], &[role(1, "b")]).is_err(), "one id in both lists");
        assert!(check_offered(&[scope(1, "a"), scope(2, "A")], &[]).is_err(), "one value twice");
    }

    /// Gives a role of Graph. `None`: plain assignment, which gives nothing.
    fn give_role(directory: &mut Directory, principal: ObjectId, user: bool, plain: bool) {
        let graph = directory.principal_by_app(GRAPH.parse().unwrap()).unwrap().clone();
        let role = if plain { KeyId::new(Uuid::nil()) } else { graph.app_roles[0].id };
        let key = AssignmentKey { principal, resource: graph.id, role };
        let it = AppRoleAssignment { key, id: "a".into(), user, created: moment().now };
        directory.apply([Change::Put(Object::AppRoleAssignment(it.into()))]);
    }

    fn adds_to(caller: &Caller, directory: &Directory, principal: ObjectId) -> bool {
        let app = directory.principal(principal).unwrap().app_id;
        match require_authority_over(caller, directory, app) {
            Ok(()) => true,
            Err(Refusal::Forbidden { .. }) => false,
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn who_adds_to_an_application_could_give_it_its_application_roles() {
        let (mut directory, principal, _) = with_power_platform();
        let stranger = application(77, &["Application.ReadWrite.All"]);
        assert!(adds_to(&everyone(), &directory, principal), "it holds nothing");
        give_role(&mut directory, principal, false, true);
        assert!(adds_to(&everyone(), &directory, principal), "plain assignment gives nothing");
        give_role(&mut directory, principal, false, false);
        assert!(!adds_to(&everyone(), &directory, principal));
        assert!(!adds_to(&stranger, &directory, principal));
        let itself = Caller::Application {
            principal,
            app: directory.principal(principal).unwrap().app_id,
            tenant: directory.tenant.id,
            roles: Vec::new().into(),
        };
        for may in [admin(), operator(), itself] {
            assert!(adds_to(&may, &directory, principal), "{may:?}");
        }
    }

    #[test]
    fn who_adds_to_an_application_could_give_it_its_directory_roles() {
        let (mut directory, principal, _) = with_power_platform();
        let role = role::assign(&operator(), &directory, principal, role::GLOBAL_ADMINISTRATOR).unwrap();
        directory.apply(role.changes);
        assert!(adds_to(&admin(), &directory, principal));
        assert!(!adds_to(&everyone(), &directory, principal));
        assert!(!adds_to(&application(77, &["Application.ReadWrite.All"]), &directory, principal));
        assert!(adds_to(&application(77, &["RoleManagement.ReadWrite.Directory"]), &directory, principal));
    }

    #[test]
    fn who_adds_to_a_registered_application_could_register_it() {
        let (mut directory, principal, _) = with_power_platform();
        let app = directory.principal(principal).unwrap().app_id;
        let made = admin_registration::register(&bap_admin(), &directory, app, &moment()).unwrap();
        directory.apply(made.changes);
        assert!(adds_to(&admin(), &directory, principal));
        assert!(!adds_to(&everyone(), &directory, principal));
        assert!(!adds_to(&application(77, &["Application.ReadWrite.All"]), &directory, principal));
    }

    #[test]
    fn nobody_but_the_operator_adds_to_microsofts_applications() {
        let directory = directory();
        let graph = directory.principal_by_app(GRAPH.parse().unwrap()).unwrap().id;
        assert!(!adds_to(&admin(), &directory, graph));
        assert!(adds_to(&operator(), &directory, graph));
        let absent = AppId::new(Uuid::from_u128(5));
        assert!(
            require_authority_over(&everyone(), &directory, absent).is_ok(),
            "it has no service principal"
        );
    }

    #[test]
    fn who_adds_members_to_a_group_could_give_them_its_roles() {
        let mut directory = directory();
        let group = ObjectId::new(Uuid::from_u128(50));
        let adds = |caller: &Caller, directory: &Directory| {
            require_authority_over_group(caller, directory, group).is_ok()
        };
        assert!(adds(&everyone(), &directory), "it holds nothing");
        give_role(&mut directory, group, false, false);
        assert!(!adds(&everyone(), &directory));
        assert!(adds(&admin(), &directory));
    }
}
