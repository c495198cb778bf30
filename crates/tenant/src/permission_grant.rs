//! Permission grants: the stored record of consent, delegated (`oauth2PermissionGrant`) and
//! application (`appRoleAssignment`).

use crate::{
    access::{self, Caller, Operation, authorize},
    change::{Audit, Change, Decided, Moment, Object, ObjectKey},
    directory::Directory,
    group::MemberKind,
    permission,
    refusal::Refusal,
    service_principal::{self, ServicePrincipal},
};
use carnet_wire::{
    catalogue,
    ids::{AppId, KeyId, ObjectId},
    jose::{decode_base64url, encode_base64url},
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
    /// Who holds the role: a service principal, a user, or a group for those who are directly in it.
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
    /// The principal is a user; otherwise a group or a service principal.
    pub user: bool,
    /// When it was made.
    pub created: Timestamp,
}

impl GrantKey {
    /// Graph's id of the grant: base64url over the ids' mixed-endian bytes (`reference/graph.md`, 5).
    #[must_use]
    pub fn id(&self) -> String {
        let ids = [Some(self.client), Some(self.resource), self.principal];
        let bytes: Vec<u8> = ids.iter().flatten().flat_map(|id| id.uuid().to_bytes_le()).collect();
        encode_base64url(&bytes)
    }

    /// Reads Graph's id.
    #[must_use]
    pub fn parse(id: &str) -> Option<Self> {
        let bytes = decode_base64url(id).ok().filter(|bytes| matches!(bytes.len(), 32 | 48))?;
        let mut ids = bytes.chunks_exact(16).map(|part| {
            let mut id = [0; 16];
            id.copy_from_slice(part);
            ObjectId::new(uuid::Uuid::from_bytes_le(id))
        });
        Some(Self { client: ids.next()?, resource: ids.next()?, principal: ids.next() })
    }
}

/// Consents: keeps delegated permissions for a client (step 2).
///
/// # Errors
/// [`Refusal`]
pub fn create(
    caller: &Caller,
    directory: &Directory,
    (key, scopes): (GrantKey, Vec<String>),
    at: &Moment<'_>,
) -> Result<Decided<PermissionGrant>, Refusal> {
    authorize(caller, directory, &access::CHANGE_GRANTS, &[])?;
    require_authority_over_client(caller, directory, key.client)?;
    if directory.grant(&key).is_some() {
        return Err(Refusal::Conflict { message: "Permission entry already exists.".into() });
    }
    let scopes = checked(directory, &key, scopes)?;
    let grant = PermissionGrant { key, scopes, created: at.now };
    let audit =
        audit(caller, "Add delegated permission grant", directory, (&key, "", &grant.scopes.join(" ")));
    let change = Change::Put(Object::PermissionGrant(grant.clone().into()));
    Ok(Decided { value: grant, changes: vec![change], audit: vec![audit] })
}

/// Replaces the scopes of a grant.
///
/// # Errors
/// [`Refusal`]
pub fn change(
    caller: &Caller,
    directory: &Directory,
    key: &GrantKey,
    scopes: Vec<String>,
) -> Result<Decided<()>, Refusal> {
    authorize(caller, directory, &access::CHANGE_GRANTS, &[])?;
    require_authority_over_client(caller, directory, key.client)?;
    let old = directory.grant(key).ok_or_else(|| Refusal::NotFound { id: key.id() })?;
    let scopes = checked(directory, key, scopes)?;
    let audit = audit(
        caller,
        "Update delegated permission grant",
        directory,
        (key, &old.scopes.join(" "), &scopes.join(" ")),
    );
    let new = PermissionGrant { scopes, ..(**old).clone() };
    if new == **old {
        return Ok(Decided { value: (), changes: Vec::new(), audit: Vec::new() });
    }
    Ok(Decided {
        value: (),
        changes: vec![Change::Put(Object::PermissionGrant(new.into()))],
        audit: vec![audit],
    })
}

/// Takes consent back.
///
/// # Errors
/// [`Refusal`]
pub fn delete(caller: &Caller, directory: &Directory, key: &GrantKey) -> Result<Decided<()>, Refusal> {
    authorize(caller, directory, &access::CHANGE_GRANTS, &[])?;
    let old = directory.grant(key).ok_or_else(|| Refusal::NotFound { id: key.id() })?;
    let audit =
        audit(caller, "Remove delegated permission grant", directory, (key, &old.scopes.join(" "), ""));
    Ok(Decided {
        value: (),
        changes: vec![Change::Remove(ObjectKey::PermissionGrant(*key))],
        audit: vec![audit],
    })
}

/// Checks that the caller could give a client everything that it holds already. Microsoft's own clients hold nothing
/// that a tenant gave them.
///
/// # Errors
/// [`Refusal::Forbidden`]
pub(crate) fn require_authority_over_client(
    caller: &Caller,
    directory: &Directory,
    client: ObjectId,
) -> Result<(), Refusal> {
    match directory.principal(client) {
        Some(client) => permission::require_authority_over_principal(caller, directory, client),
        None => Ok(()),
    }
}

/// The scopes in the API's own spelling; every one must be published.
fn checked(directory: &Directory, key: &GrantKey, scopes: Vec<String>) -> Result<Vec<String>, Refusal> {
    let bad =
        |target: &str, message: String| Refusal::BadRequest { message, target: Some(target.to_owned()) };
    if directory.principal(key.client).is_none() {
        return Err(bad("clientId", format!("clientId {} is no service principal's object id", key.client)));
    }
    let Some(resource) = directory.principal(key.resource) else {
        return Err(bad(
            "resourceId",
            format!("resourceId {} is no service principal's object id", key.resource),
        ));
    };
    let mut list: Vec<String> = Vec::new();
    for scope in scopes {
        let published = resource.scopes.by_value(&scope);
        let Some(published) = published else {
            return Err(bad(
                "scope",
                format!("`{scope}` is not a delegated permission of {}", resource.display_name),
            ));
        };
        if !list.contains(&published.value) {
            list.push(published.value.clone());
        }
    }
    Ok(list)
}

fn audit(
    caller: &Caller,
    activity: &str,
    directory: &Directory,
    (key, old, new): (&GrantKey, &str, &str),
) -> Audit {
    let name = directory.principal(key.client).map(|it| it.display_name.clone()).unwrap_or_default();
    let modified = vec![("scope".to_owned(), old.to_owned(), new.to_owned())];
    Audit {
        activity: activity.to_owned(),
        actor: caller.actor(),
        target: ("oauth2PermissionGrant".to_owned(), key.id(), name),
        modified,
    }
}

/// Application permissions of this API change the directory itself: Microsoft Graph, and the API before it.
fn is_directory_api(app: AppId) -> bool {
    let id = app.to_string();
    id == catalogue::GRAPH || id == catalogue::AZURE_AD
}

/// The operation that assigns an application role of this API to a principal of this kind.
fn assigning(resource: &ServicePrincipal, holder: MemberKind) -> &'static Operation {
    match holder {
        MemberKind::User | MemberKind::Group => &access::ASSIGN_APP_ROLES_TO_MEMBERS,
        MemberKind::ServicePrincipal if is_directory_api(resource.app_id) => &access::ASSIGN_GRAPH_APP_ROLES,
        MemberKind::ServicePrincipal => &access::ASSIGN_APP_ROLES,
    }
}

/// The operation that takes an application role of this API away from a principal of this kind.
fn unassigning(resource: &ServicePrincipal, holder: MemberKind) -> &'static Operation {
    match holder {
        MemberKind::User | MemberKind::Group => &access::ASSIGN_APP_ROLES_TO_MEMBERS,
        MemberKind::ServicePrincipal if is_directory_api(resource.app_id) => {
            &access::UNASSIGN_GRAPH_APP_ROLES
        }
        MemberKind::ServicePrincipal => &access::UNASSIGN_APP_ROLES,
    }
}

/// Checks that the caller could give an application role of an API to a principal of this kind.
///
/// # Errors
/// [`Refusal::Forbidden`]
pub(crate) fn may_assign(
    caller: &Caller,
    directory: &Directory,
    resource: &ServicePrincipal,
    holder: MemberKind,
) -> Result<(), Refusal> {
    authorize(caller, directory, assigning(resource, holder), &[])
}

/// Gives a principal an application role of a resource.
///
/// # Errors
/// [`Refusal::Forbidden`] for a caller who may not assign application roles, and for a built-in service principal as
/// the holder; [`Refusal::BadRequest`] for a role that the resource does not offer to this kind of principal.
pub fn assign(
    caller: &Caller,
    directory: &Directory,
    (key, holder): (AssignmentKey, MemberKind),
    at: &Moment<'_>,
) -> Result<Decided<AppRoleAssignment>, Refusal> {
    let bad = |message: String| Refusal::BadRequest { message, target: Some("appRoleId".into()) };
    let Some(resource) = directory.principal(key.resource) else {
        // Who may assign nothing learns nothing about which ids exist.
        authorize(caller, directory, &access::ASSIGN_APP_ROLES, &[])?;
        return Err(bad(format!("resourceId {} is no service principal's object id", key.resource)));
    };
    may_assign(caller, directory, resource, holder)?;
    if let Some(principal) = directory.principal(key.principal) {
        service_principal::not_built_in(caller, directory, principal)?;
        permission::require_authority_over_principal(caller, directory, principal)?;
    }
    // A group holds a role for the users in it.
    let for_users = holder != MemberKind::ServicePrincipal;
    let offered = key.role.uuid().is_nil() || fits(resource, key.role, for_users);
    if !offered {
        return Err(bad(format!(
            "appRoleId {} is no role of {} for this principal",
            key.role, resource.display_name
        )));
    }
    if directory.app_roles_of(key.principal).any(|it| it.key == key) {
        return Err(Refusal::BadRequest {
            message: "Permission being assigned already exists on the object".into(),
            target: None,
        });
    }
    let id = encode_base64url(&[key.principal.uuid().to_bytes_le(), at.entropy.uuid().into_bytes()].concat());
    let user = holder == MemberKind::User;
    let assignment = AppRoleAssignment { key, id, user, created: at.now };
    let activity = match holder {
        MemberKind::User => "Add app role assignment grant to user",
        MemberKind::Group => "Add app role assignment to group",
        MemberKind::ServicePrincipal => "Add app role assignment to service principal",
    };
    let modified = ("appRoleId".to_owned(), String::new(), key.role.to_string());
    let audit = assignment_audit(caller, activity, (&assignment, resource), modified);
    let change = Change::Put(Object::AppRoleAssignment(assignment.clone().into()));
    Ok(Decided { value: assignment, changes: vec![change], audit: vec![audit] })
}

/// Takes an application role away from its holder. `id` is Graph's id of the assignment.
///
/// # Errors
/// [`Refusal::Forbidden`] as for [`assign`], [`Refusal::NotFound`] when the holder has no assignment with this id.
pub fn unassign(
    caller: &Caller,
    directory: &Directory,
    (principal, holder): (ObjectId, MemberKind),
    id: &str,
) -> Result<Decided<()>, Refusal> {
    let absent = || Refusal::NotFound { id: id.chars().take(120).collect() };
    let held = directory.app_roles_of(principal).find(|it| it.id == id);
    let resource = held.and_then(|it| directory.principal(it.key.resource));
    let Some((held, resource)) = held.zip(resource) else {
        let any = match holder {
            MemberKind::ServicePrincipal => &access::UNASSIGN_APP_ROLES,
            MemberKind::User | MemberKind::Group => &access::ASSIGN_APP_ROLES_TO_MEMBERS,
        };
        authorize(caller, directory, any, &[])?;
        return Err(absent());
    };
    authorize(caller, directory, unassigning(resource, holder), &[])?;
    if let Some(principal) = directory.principal(principal) {
        service_principal::not_built_in(caller, directory, principal)?;
    }
    let activity = match holder {
        MemberKind::User => "Remove app role assignment from user",
        MemberKind::Group => "Remove app role assignment from group",
        MemberKind::ServicePrincipal => "Remove app role assignment from service principal",
    };
    let modified = ("appRoleId".to_owned(), held.key.role.to_string(), String::new());
    let audit = assignment_audit(caller, activity, (held, resource), modified);
    let change = Change::Remove(ObjectKey::AppRoleAssignment(held.key));
    Ok(Decided { value: (), changes: vec![change], audit: vec![audit] })
}

fn assignment_audit(
    caller: &Caller,
    activity: &str,
    (assignment, resource): (&AppRoleAssignment, &ServicePrincipal),
    modified: (String, String, String),
) -> Audit {
    Audit {
        activity: activity.to_owned(),
        actor: caller.actor(),
        target: ("appRoleAssignment".to_owned(), assignment.id.clone(), resource.display_name.clone()),
        modified: vec![modified],
    }
}

fn fits(resource: &ServicePrincipal, role: KeyId, user: bool) -> bool {
    resource
        .app_roles
        .iter()
        .any(|it| it.id == role && it.enabled && if user { it.for_users } else { it.for_applications })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fixture::{admin, directory, everyone, moment, operator, with_power_platform},
        permission::AppRole,
        role,
    };
    use carnet_wire::catalogue::{AZURE_AD, GRAPH, POWER_PLATFORM};
    use uuid::Uuid;

    #[test]
    fn a_grants_id_is_the_published_one_and_reads_back() {
        let key = GrantKey {
            client: "b25985a8-9d2b-4fde-9fa7-6c4e43a8ddec".parse().unwrap(),
            resource: "a3efc889-f1b7-4532-9e01-91e32d1039f4".parse().unwrap(),
            principal: None,
        };
        assert_eq!(key.id(), "qIVZsiud3k-fp2xOQ6jd7InI76O38TJFngGR4y0QOfQ");
        assert_eq!(GrantKey::parse(&key.id()), Some(key));
        let personal = GrantKey { principal: Some(key.client), ..key };
        assert_eq!(GrantKey::parse(&personal.id()), Some(personal));
        assert_eq!(GrantKey::parse("x"), None);
    }

    #[test]
    fn consent_names_published_scopes_and_needs_an_administrator_row_100() {
        let (mut directory, client, resource) = with_power_platform();
        let key = GrantKey { client, resource, principal: None };
        let read = || vec!["appmanagement.applicationpackages.read".to_owned()];
        assert!(matches!(
            create(&everyone(), &directory, (key, read()), &moment()),
            Err(Refusal::Forbidden { .. })
        ));
        assert!(create(&admin(), &directory, (key, vec!["No.Such.Scope".into()]), &moment()).is_err());
        let made = create(&admin(), &directory, (key, read()), &moment()).unwrap();
        assert_eq!(made.value.scopes, ["AppManagement.ApplicationPackages.Read"]);
        directory.apply(made.changes);
        assert!(matches!(
            create(&admin(), &directory, (key, read()), &moment()),
            Err(Refusal::Conflict { .. })
        ));
        let gone = delete(&admin(), &directory, &key).unwrap();
        directory.apply(gone.changes);
        assert!(directory.grant(&key).is_none());
    }

    #[test]
    fn ids_that_name_nothing_are_refused() {
        let key = GrantKey {
            client: ObjectId::new(Uuid::nil()),
            resource: ObjectId::new(Uuid::nil()),
            principal: None,
        };
        assert!(matches!(
            create(&admin(), &directory(), (key, vec![]), &moment()),
            Err(Refusal::BadRequest { .. })
        ));
    }

    /// Makes the member without a role an application administrator.
    fn with_application_administrator() -> (Directory, ObjectId, ObjectId) {
        let (mut directory, client, resource) = with_power_platform();
        let Caller::User { user, .. } = everyone() else { panic!("everyone is a user") };
        let role = role::assign(&operator(), &directory, user, role::APPLICATION_ADMINISTRATOR).unwrap();
        directory.apply(role.changes);
        (directory, client, resource)
    }

    #[test]
    fn a_grant_gets_other_scopes_and_the_same_ones_change_nothing() {
        let (mut directory, client, resource) = with_power_platform();
        let key = GrantKey { client, resource, principal: None };
        let scopes = |value: &str| vec![value.to_owned()];
        let made =
            create(&admin(), &directory, (key, scopes("AppManagement.ApplicationPackages.Read")), &moment())
                .unwrap();
        directory.apply(made.changes);
        let same =
            change(&admin(), &directory, &key, scopes("APPMANAGEMENT.ApplicationPackages.Read")).unwrap();
        assert!(same.changes.is_empty() && same.audit.is_empty());
        let new = scopes("AppManagement.ApplicationPackages.Install");
        assert!(matches!(change(&everyone(), &directory, &key, new.clone()), Err(Refusal::Forbidden { .. })));
        let done = change(&admin(), &directory, &key, new.clone()).unwrap();
        assert_eq!(done.audit.len(), 1);
        directory.apply(done.changes);
        assert_eq!(directory.grant(&key).map(|it| it.scopes.clone()), Some(new));
    }

    #[test]
    fn who_consents_for_a_client_could_give_it_what_it_holds() {
        let (mut directory, client, resource) = with_application_administrator();
        let key = GrantKey { client, resource, principal: None };
        let consent = |caller: &Caller, directory: &Directory| {
            let scopes = vec!["AppManagement.ApplicationPackages.Read".to_owned()];
            create(caller, directory, (key, scopes), &moment()).map(|done| done.changes)
        };
        assert!(consent(&everyone(), &directory).is_ok());
        let role = role::assign(&operator(), &directory, client, role::GLOBAL_ADMINISTRATOR).unwrap();
        directory.apply(role.changes);
        assert!(matches!(consent(&everyone(), &directory), Err(Refusal::Forbidden { .. })));
        directory.apply(consent(&admin(), &directory).unwrap());
        let changed = change(&everyone(), &directory, &key, Vec::new());
        assert!(matches!(changed, Err(Refusal::Forbidden { .. })));
    }

    #[test]
    fn application_permissions_of_the_directory_want_one_of_the_two_highest_roles() {
        let (mut directory, client, _) = with_application_administrator();
        let created =
            service_principal::create(&admin(), &directory, (AZURE_AD.parse().unwrap(), None), &moment());
        directory.apply(created.unwrap().changes);
        let holder = MemberKind::ServicePrincipal;
        // All zeros is assignment without a role, which every API offers.
        for (api, may) in [(GRAPH, false), (AZURE_AD, false), (POWER_PLATFORM, true)] {
            let resource = directory.principal_by_app(api.parse().unwrap()).unwrap().id;
            let key = AssignmentKey { principal: client, resource, role: KeyId::new(Uuid::nil()) };
            let given = assign(&everyone(), &directory, (key, holder), &moment());
            assert_eq!(given.is_ok(), may, "{api}: {given:?}");
            assert!(given.is_ok() || matches!(given, Err(Refusal::Forbidden { .. })), "{api}");
            let given = assign(&admin(), &directory, (key, holder), &moment()).unwrap();
            directory.apply(given.changes);
            let taken = unassign(&everyone(), &directory, (client, holder), &given.value.id);
            assert_eq!(taken.is_ok(), may, "{api}: {taken:?}");
            assert!(unassign(&admin(), &directory, (client, holder), &given.value.id).is_ok(), "{api}");
        }
        // People get these too from whoever assigns people to applications.
        let resource = directory.principal_by_app(GRAPH.parse().unwrap()).unwrap().id;
        let Caller::User { user, .. } = admin() else { panic!("the administrator is a user") };
        let key = AssignmentKey { principal: user, resource, role: KeyId::new(Uuid::nil()) };
        assert!(assign(&everyone(), &directory, (key, MemberKind::User), &moment()).is_ok());
    }

    #[test]
    fn a_role_is_given_to_the_kind_of_principal_that_may_hold_it() {
        let (mut directory, client, resource) = with_power_platform();
        let role = |number: u128, for_users: bool, enabled: bool| AppRole {
            id: KeyId::new(Uuid::from_u128(number)),
            value: format!("r{number}"),
            display_name: String::new(),
            description: String::new(),
            for_applications: !for_users,
            for_users,
            enabled,
        };
        let mut api = (**directory.principal(resource).unwrap()).clone();
        api.app_roles =
            vec![role(1, false, true), role(2, true, true), role(3, false, false), role(4, true, false)]
                .into();
        directory.apply([Change::Put(Object::ServicePrincipal(api.into()))]);
        let Caller::User { user, .. } = everyone() else { panic!("everyone is a user") };
        let group = ObjectId::new(Uuid::from_u128(70));
        let given = |principal, holder, number: u128| {
            let key = AssignmentKey { principal, resource, role: KeyId::new(Uuid::from_u128(number)) };
            assign(&admin(), &directory, (key, holder), &moment()).map(|done| done.value.user)
        };
        let refused = |done: Result<bool, Refusal>| matches!(done, Err(Refusal::BadRequest { .. }));
        assert_eq!(given(client, MemberKind::ServicePrincipal, 1).ok(), Some(false));
        assert_eq!(given(user, MemberKind::User, 2).ok(), Some(true));
        assert_eq!(given(group, MemberKind::Group, 2).ok(), Some(false));
        for (principal, holder, number) in [
            (client, MemberKind::ServicePrincipal, 2),
            (client, MemberKind::ServicePrincipal, 3),
            (client, MemberKind::ServicePrincipal, 9),
            (user, MemberKind::User, 1),
            (user, MemberKind::User, 4),
            (group, MemberKind::Group, 1),
        ] {
            assert!(refused(given(principal, holder, number)), "{holder:?} {number}");
        }
    }
}
