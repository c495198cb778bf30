//! Who may do what, as data: each API operation with the scopes, roles and directory roles that open
//! it (`security.md`, S28), and the one function that compares a caller with it.

use crate::{
    change::Actor,
    directory::Directory,
    refusal::Refusal,
    role::{self, held},
};
use carnet_wire::{
    entropy::Entropy,
    ids::{AppId, ObjectId, TenantId},
    time::Timestamp,
};
use std::sync::Arc;

/// Time and randomness of a change.
pub struct Moment<'a> {
    /// Now.
    pub now: Timestamp,
    /// For new ids and secrets.
    pub entropy: &'a dyn Entropy,
}

/// Who calls an API, as proved by a bearer token that was verified.
#[derive(Debug, Clone)]
pub enum Caller {
    /// A user through an application.
    User {
        /// The user's object id.
        user: ObjectId,
        /// The client application.
        app: AppId,
        /// The tenant.
        tenant: TenantId,
        /// `scp`: delegated permissions in the token.
        scopes: Arc<[String]>,
    },
    /// An application by itself.
    Application {
        /// Its service principal.
        principal: ObjectId,
        /// The application.
        app: AppId,
        /// The tenant.
        tenant: TenantId,
        /// `roles`: application permissions in the token.
        roles: Arc<[String]>,
    },
    /// The operator of this server, by tenant file; only `server/seed.rs` makes it.
    Operator {
        /// Digest of the file.
        digest: String,
    },
}

impl Caller {
    /// How the audit names this caller.
    #[must_use]
    pub fn actor(&self) -> Actor {
        match self {
            Self::User { user, app, .. } => Actor::User { user: *user, app: *app },
            Self::Application { principal, app, .. } => {
                Actor::Application { principal: *principal, app: *app }
            }
            Self::Operator { digest } => Actor::Operator { digest: digest.clone() },
        }
    }
}

/// What opens an operation of Microsoft Graph.
#[derive(Debug)]
pub struct Operation {
    /// For messages and tests.
    pub name: &'static str,
    /// Delegated permissions, any of which opens it (`reference/graph.md`, 10).
    pub scopes: &'static [&'static str],
    /// Application permissions, any of which opens it.
    pub roles: &'static [&'static str],
    /// What the signed-in person needs besides the scope.
    pub person: Person,
}

/// What a signed-in person needs besides the scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Person {
    /// Nothing: every member may.
    Member,
    /// One of these directory roles, by name, or to own the object.
    Role(&'static [&'static str]),
}

const APPLICATION_ADMINISTRATORS: &[&str] =
    &[role::GLOBAL_ADMINISTRATOR, role::APPLICATION_ADMINISTRATOR, role::CLOUD_APPLICATION_ADMINISTRATOR];

const USER_ADMINISTRATORS: &[&str] = &[role::GLOBAL_ADMINISTRATOR, role::USER_ADMINISTRATOR];
const GROUP_READERS: &[&str] = &[
    "GroupMember.Read.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const GROUP_WRITERS: &[&str] = &["Group.ReadWrite.All", "Directory.ReadWrite.All"];

/// Passes every Graph operation within the person's own rights; Microsoft's own clients hold it, and so do pages
/// on which a person signed in.
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
    person: Person::Member,
};
/// Create a registration. Members may, unless the tenant says otherwise (`application::create`).
pub const CREATE_APPLICATION: Operation = Operation {
    name: "create applications",
    scopes: &["AppRegistration.Create", "Application.ReadWrite.All", "Directory.ReadWrite.All"],
    roles: &["AppRegistration.Create", "Application.ReadWrite.All", "Application.ReadWrite.OwnedBy"],
    person: Person::Member,
};
/// Change or delete a registration or a service principal, or its credentials.
pub const CHANGE_APPLICATION: Operation = Operation {
    name: "change applications",
    scopes: &["Application.ReadWrite.All", "Directory.ReadWrite.All"],
    roles: &["Application.ReadWrite.All"],
    person: Person::Role(APPLICATION_ADMINISTRATORS),
};
/// Read consent.
pub const READ_GRANTS: Operation = Operation {
    name: "read permission grants",
    scopes: &["Directory.Read.All", "DelegatedPermissionGrant.ReadWrite.All", "Directory.ReadWrite.All"],
    roles: &["Directory.Read.All", "DelegatedPermissionGrant.ReadWrite.All", "Directory.ReadWrite.All"],
    person: Person::Member,
};
/// Give or take consent for everyone.
pub const CHANGE_GRANTS: Operation = Operation {
    name: "change permission grants",
    scopes: &["DelegatedPermissionGrant.ReadWrite.All", "Directory.ReadWrite.All"],
    roles: &["DelegatedPermissionGrant.ReadWrite.All", "Directory.ReadWrite.All"],
    person: Person::Role(&[
        role::GLOBAL_ADMINISTRATOR,
        role::PRIVILEGED_ROLE_ADMINISTRATOR,
        role::APPLICATION_ADMINISTRATOR,
        role::CLOUD_APPLICATION_ADMINISTRATOR,
    ]),
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
    person: Person::Member,
};
/// Create users, change them, switch them on and off.
pub const CHANGE_USERS: Operation = Operation {
    name: "change users",
    scopes: &["User.ReadWrite.All", "Directory.ReadWrite.All"],
    roles: &["User.ReadWrite.All", "Directory.ReadWrite.All"],
    person: Person::Role(USER_ADMINISTRATORS),
};
/// Delete users.
pub const DELETE_USERS: Operation = Operation {
    name: "delete users",
    scopes: &["User.ReadWrite.All"],
    roles: &["User.ReadWrite.All"],
    person: Person::Role(USER_ADMINISTRATORS),
};
/// Set another one's password.
pub const RESET_PASSWORD: Operation = Operation {
    name: "reset passwords",
    scopes: &["User-PasswordProfile.ReadWrite.All"],
    roles: &["User-PasswordProfile.ReadWrite.All"],
    person: Person::Role(USER_ADMINISTRATORS),
};
/// Change one's own password, knowing the old one.
pub const CHANGE_OWN_PASSWORD: Operation = Operation {
    name: "change one's own password",
    scopes: &["User-PasswordProfile.ReadWrite.All"],
    roles: &[],
    person: Person::Member,
};
/// End another one's sessions and refresh tokens.
pub const REVOKE_SESSIONS: Operation = Operation {
    name: "revoke sessions",
    scopes: &["User.RevokeSessions.All", "User.ReadWrite.All", "Directory.ReadWrite.All"],
    roles: &["User.RevokeSessions.All", "User.ReadWrite.All", "Directory.ReadWrite.All"],
    person: Person::Role(USER_ADMINISTRATORS),
};
/// End one's own sessions and refresh tokens.
pub const REVOKE_OWN_SESSIONS: Operation = Operation {
    name: "revoke one's own sessions",
    scopes: &["User.RevokeSessions.All", "User.ReadWrite.All", "Directory.ReadWrite.All"],
    roles: &[],
    person: Person::Member,
};
/// Read the organisation.
pub const READ_ORGANIZATION: Operation = Operation {
    name: "read the organization",
    scopes: &["User.Read", "Organization.Read.All", "Directory.Read.All", "Directory.ReadWrite.All"],
    roles: &["Organization.Read.All", "Directory.Read.All", "Directory.ReadWrite.All"],
    person: Person::Member,
};

/// Read groups and who is in them.
pub const READ_GROUPS: Operation =
    Operation { name: "read groups", scopes: GROUP_READERS, roles: GROUP_READERS, person: Person::Member };
/// Create a group. Members may.
pub const CREATE_GROUP: Operation =
    Operation { name: "create groups", scopes: GROUP_WRITERS, roles: GROUP_WRITERS, person: Person::Member };
/// Change or delete a group, or who is in it.
pub const CHANGE_GROUP: Operation = Operation {
    name: "change groups",
    scopes: GROUP_WRITERS,
    roles: GROUP_WRITERS,
    person: Person::Role(&[role::GLOBAL_ADMINISTRATOR, role::USER_ADMINISTRATOR]),
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
    person: Person::Member,
};

/// Every Graph operation, for the test by enumeration.
pub const OPERATIONS: &[&Operation] = &[
    &READ_APPLICATIONS,
    &CREATE_APPLICATION,
    &CHANGE_APPLICATION,
    &READ_GRANTS,
    &CHANGE_GRANTS,
    &READ_ME,
    &READ_USERS,
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
    &READ_OWN_GROUPS,
];

/// May the caller do this to an object with these owners?
///
/// # Errors
/// [`Refusal::Forbidden`]
pub fn authorize(
    caller: &Caller,
    directory: &Directory,
    operation: &Operation,
    owners: &[ObjectId],
) -> Result<(), Refusal> {
    let forbidden = |needs: String| Refusal::Forbidden { needs };
    match caller {
        Caller::Operator { .. } => Ok(()),
        Caller::Application { principal, roles, .. } => {
            let owned =
                owners.contains(principal) && roles.iter().any(|it| it == "Application.ReadWrite.OwnedBy");
            let opens = roles.iter().any(|it| operation.roles.contains(&it.as_str()));
            if opens || owned {
                return Ok(());
            }
            Err(forbidden(format!(
                "to {} an application needs one of {}",
                operation.name,
                operation.roles.join(", ")
            )))
        }
        Caller::User { user, scopes, .. } => {
            let opens = |it: &String| it == OWN_RIGHTS || operation.scopes.contains(&it.as_str());
            if !scopes.iter().any(opens) {
                return Err(forbidden(format!(
                    "to {} the token needs one of {}",
                    operation.name,
                    operation.scopes.join(", ")
                )));
            }
            match operation.person {
                Person::Member => Ok(()),
                Person::Role(roles) if owners.contains(user) || held(directory, *user, roles) => Ok(()),
                Person::Role(roles) => Err(forbidden(format!(
                    "to {} the user needs one of the roles {}",
                    operation.name,
                    roles.join(", ")
                ))),
            }
        }
    }
}
