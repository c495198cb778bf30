//! The operations of Microsoft Graph: the delegated permissions, application permissions and directory roles that open
//! each of them.

use super::Caller;
use crate::{
    directory::Directory,
    refusal::Refusal,
    role::{self, held},
};
use carnet_wire::ids::ObjectId;

/// What opens an operation of Microsoft Graph.
#[derive(Debug)]
pub struct Operation {
    /// For messages and tests.
    pub name: &'static str,
    /// Delegated permissions, any of which opens it.
    pub scopes: &'static [&'static str],
    /// Application permissions, any of which opens it.
    pub roles: &'static [&'static str],
    /// Permissions of which one is needed in addition, delegated or application like the first; empty: none.
    pub companions: &'static [&'static str],
    /// Application permissions that open it for an object that the application owns.
    pub roles_for_owned: &'static [&'static str],
    /// What the signed-in person needs besides the scope.
    pub person: Person,
}

/// What a signed-in person needs besides the scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Person {
    /// Nothing: every member may.
    Member,
    /// One of these directory roles, by name.
    Role(&'static [&'static str]),
    /// One of these directory roles, by name, or to own the object.
    RoleOrOwner(&'static [&'static str]),
}

const APPLICATION_ADMINISTRATORS: &[&str] =
    &[role::GLOBAL_ADMINISTRATOR, role::APPLICATION_ADMINISTRATOR, role::CLOUD_APPLICATION_ADMINISTRATOR];

/// May consent for everyone, except to application permissions of Microsoft Graph.
const CONSENT_ADMINISTRATORS: &[&str] = &[
    role::GLOBAL_ADMINISTRATOR,
    role::PRIVILEGED_ROLE_ADMINISTRATOR,
    role::APPLICATION_ADMINISTRATOR,
    role::CLOUD_APPLICATION_ADMINISTRATOR,
];
/// May give directory roles and application permissions of Microsoft Graph.
const HIGHEST_ADMINISTRATORS: &[&str] = &[role::GLOBAL_ADMINISTRATOR, role::PRIVILEGED_ROLE_ADMINISTRATOR];
/// The permission to assign application roles.
const ASSIGN: &str = "AppRoleAssignment.ReadWrite.All";
/// Read applications and service principals.
const APPLICATION_READERS: &[&str] =
    &["Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
/// An application's permission for those applications that it owns.
const OWNED_APPLICATIONS: &[&str] = &["Application.ReadWrite.OwnedBy"];
const USER_ADMINISTRATORS: &[&str] = &[role::GLOBAL_ADMINISTRATOR, role::USER_ADMINISTRATOR];
const GROUP_READERS: &[&str] = &[
    "GroupMember.Read.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const GROUP_WRITERS: &[&str] = &["Group.ReadWrite.All", "Directory.ReadWrite.All"];

/// Opens every Graph operation within the user's own directory roles. Microsoft's own clients hold it, and the
/// server's pages act with it for the user who signed in.
pub const OWN_RIGHTS: &str = "Directory.AccessAsUser.All";

/// Read registrations and service principals.
pub const READ_APPLICATIONS: Operation = Operation {
    name: "read applications",
    scopes: &[
        "Application.Read.All",
        "Application.ReadWrite.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    ],
    roles: &[
        "Application.Read.All",
        "Application.ReadWrite.All",
        "Application.ReadWrite.OwnedBy",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    ],
    companions: &[],
    roles_for_owned: &[],
    person: Person::Member,
};
/// Create a registration. Members may, unless the tenant says otherwise (`application::create`).
pub const CREATE_APPLICATION: Operation = Operation {
    name: "create applications",
    scopes: &["AppRegistration.Create", "Application.ReadWrite.All"],
    roles: &["AppRegistration.Create", "Application.ReadWrite.All", "Application.ReadWrite.OwnedBy"],
    companions: &[],
    roles_for_owned: &[],
    person: Person::Member,
};
/// Change or delete a registration.
pub const CHANGE_APPLICATION: Operation = Operation {
    name: "change applications",
    scopes: &["Application.ReadWrite.All"],
    roles: &["Application.ReadWrite.All"],
    companions: &[],
    roles_for_owned: OWNED_APPLICATIONS,
    person: Person::RoleOrOwner(APPLICATION_ADMINISTRATORS),
};
/// Add a secret to an application, or remove one.
pub const CHANGE_CREDENTIALS: Operation = Operation {
    name: "change the credentials of applications",
    scopes: &["Application.ReadWrite.All", "Directory.ReadWrite.All"],
    roles: &["Application.ReadWrite.All", "Directory.ReadWrite.All"],
    ..CHANGE_APPLICATION
};
/// Create, change or delete a service principal.
pub const CHANGE_PRINCIPAL: Operation = Operation { name: "change service principals", ..CHANGE_CREDENTIALS };
/// Read consent.
pub const READ_GRANTS: Operation = Operation {
    name: "read permission grants",
    scopes: &["Directory.Read.All", "DelegatedPermissionGrant.ReadWrite.All", "Directory.ReadWrite.All"],
    roles: &["Directory.Read.All", "DelegatedPermissionGrant.ReadWrite.All", "Directory.ReadWrite.All"],
    companions: &[],
    roles_for_owned: &[],
    person: Person::Member,
};
/// Give or take consent for everyone.
pub const CHANGE_GRANTS: Operation = Operation {
    name: "change permission grants",
    scopes: &["DelegatedPermissionGrant.ReadWrite.All", "Directory.ReadWrite.All"],
    roles: &["DelegatedPermissionGrant.ReadWrite.All", "Directory.ReadWrite.All"],
    companions: &[],
    roles_for_owned: &[],
    person: Person::Role(CONSENT_ADMINISTRATORS),
};
/// Give a service principal an application role of an API. The companion permission is one that
/// reads service principals, as in Microsoft's permission table of `POST /servicePrincipals/{id}/appRoleAssignments`.
pub const ASSIGN_APP_ROLES: Operation = Operation {
    name: "assign application roles",
    scopes: &[ASSIGN],
    roles: &[ASSIGN],
    companions: APPLICATION_READERS,
    roles_for_owned: &[],
    person: Person::Role(CONSENT_ADMINISTRATORS),
};
/// Give a service principal an application permission of Microsoft Graph.
pub const ASSIGN_GRAPH_APP_ROLES: Operation = Operation {
    name: "assign application permissions of Microsoft Graph",
    person: Person::Role(HIGHEST_ADMINISTRATORS),
    ..ASSIGN_APP_ROLES
};
/// Take an application role of an API away from a service principal.
pub const UNASSIGN_APP_ROLES: Operation =
    Operation { name: "remove application roles", companions: &[], ..ASSIGN_APP_ROLES };
/// Take an application permission of Microsoft Graph away from a service principal.
pub const UNASSIGN_GRAPH_APP_ROLES: Operation = Operation {
    name: "remove application permissions of Microsoft Graph",
    person: Person::Role(HIGHEST_ADMINISTRATORS),
    ..UNASSIGN_APP_ROLES
};
/// Give a user or a group an application role of an API, or take it away.
pub const ASSIGN_APP_ROLES_TO_MEMBERS: Operation =
    Operation { name: "assign application roles to users and groups", companions: &[], ..ASSIGN_APP_ROLES };
/// Read the application roles that users and groups hold.
pub const READ_ASSIGNMENTS_OF_MEMBERS: Operation = Operation {
    name: "read the application roles of users and groups",
    scopes: &[ASSIGN, "Directory.Read.All", "Directory.ReadWrite.All"],
    roles: &[ASSIGN, "Directory.Read.All", "Directory.ReadWrite.All"],
    companions: &[],
    roles_for_owned: &[],
    person: Person::Member,
};
/// Give a directory role. No route does this yet; rules ask it of who adds a credential to a principal that holds one.
pub const GIVE_DIRECTORY_ROLES: Operation = Operation {
    name: "give directory roles",
    scopes: &["RoleManagement.ReadWrite.Directory"],
    roles: &["RoleManagement.ReadWrite.Directory"],
    companions: &[],
    roles_for_owned: &[],
    person: Person::Role(HIGHEST_ADMINISTRATORS),
};
/// Read one's own record.
pub const READ_ME: Operation = Operation {
    name: "read the signed-in user",
    scopes: &[
        "User.Read",
        "User.ReadBasic.All",
        "User.Read.All",
        "User.ReadWrite.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    ],
    roles: &[],
    companions: &[],
    roles_for_owned: &[],
    person: Person::Member,
};
/// Read users.
pub const READ_USERS: Operation = Operation {
    name: "read users",
    scopes: &[
        "User.ReadBasic.All",
        "User.Read.All",
        "User.ReadWrite.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    ],
    roles: &[
        "User.Read.All",
        "User.ReadBasic.All",
        "User.ReadWrite.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    ],
    companions: &[],
    roles_for_owned: &[],
    person: Person::Member,
};
/// Read who somebody's manager is.
pub const READ_MANAGER: Operation = Operation {
    name: "read managers",
    scopes: &["User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
    roles: &["User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
    companions: &[],
    roles_for_owned: &[],
    person: Person::Member,
};
/// Read objects of any kind by their ids.
pub const READ_OBJECTS: Operation = Operation {
    name: "read directory objects",
    scopes: &["Directory.Read.All", "Directory.ReadWrite.All"],
    roles: &["Directory.Read.All", "Directory.ReadWrite.All"],
    companions: &[],
    roles_for_owned: &[],
    person: Person::Member,
};
/// Create users, change them, switch them on and off.
pub const CHANGE_USERS: Operation = Operation {
    name: "change users",
    scopes: &["User.ReadWrite.All", "Directory.ReadWrite.All"],
    roles: &["User.ReadWrite.All", "Directory.ReadWrite.All"],
    companions: &[],
    roles_for_owned: &[],
    person: Person::Role(USER_ADMINISTRATORS),
};
/// Delete users.
pub const DELETE_USERS: Operation = Operation {
    name: "delete users",
    scopes: &["User.ReadWrite.All"],
    roles: &["User.ReadWrite.All"],
    companions: &[],
    roles_for_owned: &[],
    person: Person::Role(USER_ADMINISTRATORS),
};
/// Set another one's password.
pub const RESET_PASSWORD: Operation = Operation {
    name: "reset passwords",
    scopes: &["User-PasswordProfile.ReadWrite.All"],
    roles: &["User-PasswordProfile.ReadWrite.All"],
    companions: &[],
    roles_for_owned: &[],
    person: Person::Role(USER_ADMINISTRATORS),
};
/// Change one's own password, knowing the old one.
pub const CHANGE_OWN_PASSWORD: Operation = Operation {
    name: "change one's own password",
    scopes: &["User-PasswordProfile.ReadWrite.All"],
    roles: &[],
    companions: &[],
    roles_for_owned: &[],
    person: Person::Member,
};
/// End another one's sessions and refresh tokens.
pub const REVOKE_SESSIONS: Operation = Operation {
    name: "revoke sessions",
    scopes: &["User.RevokeSessions.All", "User.ReadWrite.All", "Directory.ReadWrite.All"],
    roles: &["User.RevokeSessions.All", "User.ReadWrite.All", "Directory.ReadWrite.All"],
    companions: &[],
    roles_for_owned: &[],
    person: Person::Role(USER_ADMINISTRATORS),
};
/// End one's own sessions and refresh tokens.
pub const REVOKE_OWN_SESSIONS: Operation = Operation {
    name: "revoke one's own sessions",
    scopes: &["User.RevokeSessions.All", "User.ReadWrite.All", "Directory.ReadWrite.All"],
    roles: &[],
    companions: &[],
    roles_for_owned: &[],
    person: Person::Member,
};
/// Read the organisation.
pub const READ_ORGANIZATION: Operation = Operation {
    name: "read the organization",
    scopes: &[
        "User.Read",
        "User.Read.All",
        "Organization.Read.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    ],
    roles: &["User.Read.All", "Organization.Read.All", "Directory.Read.All", "Directory.ReadWrite.All"],
    companions: &[],
    roles_for_owned: &[],
    person: Person::Member,
};

/// Read groups and who is in them.
pub const READ_GROUPS: Operation = Operation {
    name: "read groups",
    scopes: GROUP_READERS,
    roles: GROUP_READERS,
    companions: &[],
    roles_for_owned: &[],
    person: Person::Member,
};
/// Create a group. Members may.
pub const CREATE_GROUP: Operation = Operation {
    name: "create groups",
    scopes: GROUP_WRITERS,
    roles: GROUP_WRITERS,
    companions: &[],
    roles_for_owned: &[],
    person: Person::Member,
};
/// Change or delete a group, or who is in it.
pub const CHANGE_GROUP: Operation = Operation {
    name: "change groups",
    scopes: GROUP_WRITERS,
    roles: GROUP_WRITERS,
    companions: &[],
    roles_for_owned: &[],
    person: Person::RoleOrOwner(&[role::GLOBAL_ADMINISTRATOR, role::USER_ADMINISTRATOR]),
};
/// Delete a group.
pub const DELETE_GROUP: Operation = Operation {
    name: "delete groups",
    scopes: &["Group.ReadWrite.All"],
    roles: &["Group.ReadWrite.All"],
    ..CHANGE_GROUP
};
/// Read the groups that one is in.
pub const READ_OWN_GROUPS: Operation = Operation {
    name: "read the signed-in user's groups",
    // User.Read is enough for the ids of one's own groups: the answer to a claim that was too long.
    scopes: &[
        "User.Read",
        "User.Read.All",
        "User.ReadWrite.All",
        "GroupMember.Read.All",
        "Group.Read.All",
        "Group.ReadWrite.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    ],
    roles: &[],
    companions: &[],
    roles_for_owned: &[],
    person: Person::Member,
};

/// Every operation that a Graph route asks for, for the test by enumeration.
pub const OPERATIONS: &[&Operation] = &[
    &READ_APPLICATIONS,
    &CREATE_APPLICATION,
    &CHANGE_APPLICATION,
    &CHANGE_CREDENTIALS,
    &CHANGE_PRINCIPAL,
    &READ_GRANTS,
    &CHANGE_GRANTS,
    &ASSIGN_APP_ROLES,
    &ASSIGN_GRAPH_APP_ROLES,
    &UNASSIGN_APP_ROLES,
    &UNASSIGN_GRAPH_APP_ROLES,
    &ASSIGN_APP_ROLES_TO_MEMBERS,
    &READ_ASSIGNMENTS_OF_MEMBERS,
    &READ_ME,
    &READ_USERS,
    &READ_MANAGER,
    &READ_OBJECTS,
    &CHANGE_USERS,
    &DELETE_USERS,
    &RESET_PASSWORD,
    &CHANGE_OWN_PASSWORD,
    &REVOKE_SESSIONS,
    &REVOKE_OWN_SESSIONS,
    &READ_ORGANIZATION,
    &READ_GROUPS,
    &CREATE_GROUP,
    &CHANGE_GROUP,
    &DELETE_GROUP,
    &READ_OWN_GROUPS,
];

/// Checks that the caller may do this to an object with these owners.
///
/// A user needs the delegated permission and the directory role (or to own the object): neither makes up for the
/// other.
///
/// # Errors
/// [`Refusal::Forbidden`]
pub fn authorize(
    caller: &Caller,
    directory: &Directory,
    operation: &Operation,
    owners: &[ObjectId],
) -> Result<(), Refusal> {
    match caller {
        Caller::Operator { .. } => Ok(()),
        Caller::Application { principal, roles, .. } => {
            let owned = owners.contains(principal) && any_of(roles, operation.roles_for_owned);
            if owned || (any_of(roles, operation.roles) && has_companion(roles, operation)) {
                return Ok(());
            }
            Err(operation.lacks("an application", operation.roles))
        }
        Caller::User { user, scopes, .. } => {
            let own_rights = scopes.iter().any(|it| it == OWN_RIGHTS);
            let permitted = any_of(scopes, operation.scopes) && has_companion(scopes, operation);
            if !(own_rights || permitted) {
                return Err(operation.lacks("the token", operation.scopes));
            }
            let roles = match operation.person {
                Person::Member => return Ok(()),
                Person::RoleOrOwner(_) if owners.contains(user) => return Ok(()),
                Person::Role(roles) | Person::RoleOrOwner(roles) => roles,
            };
            if held(directory, *user, roles) {
                return Ok(());
            }
            let needs = format!("to {} the user needs one of the roles {}", operation.name, roles.join(", "));
            Err(Refusal::Forbidden { needs })
        }
    }
}

/// Checks what can be checked before the object is known: where owners of the object may do this, somebody who could be
/// one passes.
///
/// # Errors
/// [`Refusal::Forbidden`]
pub(super) fn may_be_open(
    caller: &Caller,
    directory: &Directory,
    operation: &Operation,
) -> Result<(), Refusal> {
    let owner = match caller {
        Caller::Application { principal, .. } => Some(*principal),
        Caller::User { user, .. } => Some(*user),
        Caller::Operator { .. } => None,
    };
    authorize(caller, directory, operation, owner.as_slice())
}

fn any_of(held: &[String], accepted: &[&str]) -> bool {
    held.iter().any(|it| accepted.contains(&it.as_str()))
}

fn has_companion(held: &[String], operation: &Operation) -> bool {
    operation.companions.is_empty() || any_of(held, operation.companions)
}

impl Operation {
    fn lacks(&self, who: &str, accepted: &[&str]) -> Refusal {
        let mut needs = format!("to {} {who} needs one of {}", self.name, accepted.join(", "));
        if !self.companions.is_empty() {
            needs.push_str(&format!(" and one of {}", self.companions.join(", ")));
        }
        Refusal::Forbidden { needs }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{application, directory, everyone};
    use std::collections::BTreeSet;

    #[test]
    fn every_operation_has_a_name_of_its_own() {
        let names: BTreeSet<&str> = OPERATIONS.iter().map(|it| it.name).collect();
        assert_eq!(names.len(), OPERATIONS.len());
    }

    #[test]
    fn operations_that_derive_from_others_have_their_own_permissions() {
        let writers: &[&str] = &["Application.ReadWrite.All", "Directory.ReadWrite.All"];
        for operation in [&CHANGE_CREDENTIALS, &CHANGE_PRINCIPAL] {
            assert_eq!((operation.scopes, operation.roles), (writers, writers), "{}", operation.name);
        }
        let groups: &[&str] = &["Group.ReadWrite.All"];
        assert_eq!((DELETE_GROUP.scopes, DELETE_GROUP.roles), (groups, groups));
    }

    #[test]
    fn giving_an_application_role_needs_a_permission_to_read_and_taking_it_away_does_not() {
        let directory = directory();
        let assign = "AppRoleAssignment.ReadWrite.All";
        let may = |roles: &[&str], operation: &Operation| {
            authorize(&application(77, roles), &directory, operation, &[])
        };
        for operation in [&ASSIGN_APP_ROLES, &ASSIGN_GRAPH_APP_ROLES] {
            assert!(may(&[assign, "Application.Read.All"], operation).is_ok());
            let Err(Refusal::Forbidden { needs }) = may(&[assign], operation) else {
                panic!("{} needs a companion", operation.name)
            };
            assert!(needs.ends_with(
                "needs one of AppRoleAssignment.ReadWrite.All and one of Application.Read.All, Application.ReadWrite.All, Directory.Read.All, Directory.ReadWrite.All"
            ), "{needs}");
        }
        for operation in [&UNASSIGN_APP_ROLES, &UNASSIGN_GRAPH_APP_ROLES, &ASSIGN_APP_ROLES_TO_MEMBERS] {
            assert!(may(&[assign], operation).is_ok(), "{}", operation.name);
            let Err(Refusal::Forbidden { needs }) = may(&[], operation) else {
                panic!("{} needs a permission", operation.name)
            };
            assert!(needs.ends_with("needs one of AppRoleAssignment.ReadWrite.All"), "{needs}");
        }
        assert!(authorize(&everyone(), &directory, &ASSIGN_APP_ROLES, &[]).is_err());
    }
}
