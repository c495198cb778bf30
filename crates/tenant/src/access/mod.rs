//! Who may call what, as data: every operation of every API with the permissions and roles that open it, and the functions
//! that compare a caller with it. No other module names a permission.

mod graph;
mod platform;

pub use graph::*;
pub use platform::*;

use crate::{change::Actor, directory::Directory, refusal::Refusal};
use carnet_wire::ids::{AppId, ObjectId, TenantId};
use std::{fmt, sync::Arc};

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
    /// The operator of this server, by tenant file; only `server/seed` makes it.
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

/// Who may call a route. It is asked before the body of the request is read; what depends on the object that a request
/// is about, such as its owners, is asked by the rule.
#[derive(Debug)]
pub enum Access {
    /// Callers of Microsoft Graph to whom one of these operations is open, or would be for an object that they own.
    Graph(&'static [&'static Operation]),
    /// Users to whom one of these operations of Microsoft Graph is open. An application has no `/me`.
    Me(&'static [&'static Operation]),
    /// Callers of the Power Platform API or its administration API to whom this operation is open.
    Platform(&'static PlatformOperation),
}

impl Access {
    /// Checks that a caller may call the route.
    ///
    /// # Errors
    /// [`Refusal`], of the first operation where there are several; [`Refusal::BadRequest`] for an application at `/me`.
    pub fn check(&self, caller: &Caller, directory: &Directory) -> Result<(), Refusal> {
        match self {
            Self::Me(_) if !matches!(caller, Caller::User { .. }) => Err(Refusal::not_me()),
            Self::Graph(operations) | Self::Me(operations) => {
                let mut checks = operations.iter().map(|it| may_be_open(caller, directory, it));
                let Some(Err(first)) = checks.next() else { return Ok(()) };
                if checks.any(|check| check.is_ok()) { Ok(()) } else { Err(first) }
            }
            Self::Platform(operation) => operation.check(caller, directory),
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Graph(operations) | Self::Me(operations) => {
                let names: Vec<&str> = operations.iter().map(|it| it.name).collect();
                f.write_str(&names.join(" or "))
            }
            Self::Platform(operation) => f.write_str(operation.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{admin, application, bap_admin, bap_member, directory, everyone, nobody, operator};
    use carnet_wire::ids::ObjectId;
    use uuid::Uuid;

    fn user(number: u128, scopes: &[&str]) -> Caller {
        let Caller::User { app, tenant, .. } = everyone() else { panic!("a user") };
        let scopes = scopes.iter().map(|it| (*it).to_owned()).collect();
        Caller::User { user: ObjectId::new(Uuid::from_u128(number)), app, tenant, scopes }
    }

    /// What a caller is told: that the route is open, or the kind of refusal.
    fn told(access: &Access, caller: &Caller) -> &'static str {
        match access.check(caller, &directory()) {
            Ok(()) => "open",
            Err(Refusal::Forbidden { .. }) => "forbidden",
            Err(Refusal::BadRequest { .. }) => "bad request",
            Err(Refusal::MissingScope { .. }) => "missing scope",
            Err(Refusal::NotRegistered { .. }) => "not registered",
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_route_of_several_operations_is_open_where_one_of_them_is() {
        let access = Access::Graph(&[&READ_USERS, &READ_ME]);
        for caller in [user(2, &["User.Read"]), user(2, &["User.Read.All"]), operator()] {
            assert_eq!(told(&access, &caller), "open", "{caller:?}");
        }
        for caller in [nobody(), user(2, &["Group.Read.All"]), application(7, &["Group.Read.All"])] {
            assert_eq!(told(&access, &caller), "forbidden", "{caller:?}");
        }
        let Err(Refusal::Forbidden { needs }) = access.check(&nobody(), &directory()) else {
            panic!("nobody may")
        };
        assert!(needs.starts_with("to read users "), "the first operation is named: {needs}");
    }

    #[test]
    fn an_application_has_no_me_whatever_its_permissions() {
        let access = Access::Me(&[&READ_ME]);
        assert_eq!(told(&access, &user(2, &["User.Read"])), "open");
        assert_eq!(told(&access, &user(2, &["openid"])), "forbidden");
        assert_eq!(told(&access, &application(7, &["User.Read.All"])), "bad request");
        assert_eq!(told(&Access::Graph(&[&READ_USERS]), &application(7, &["User.Read.All"])), "open");
    }

    #[test]
    fn possible_owners_pass_where_owners_may_and_nowhere_else() {
        let owners = Access::Graph(&[&CHANGE_APPLICATION]);
        let roles = Access::Graph(&[&CHANGE_GRANTS]);
        assert_eq!(told(&owners, &everyone()), "open");
        assert_eq!(told(&roles, &everyone()), "forbidden");
        assert_eq!(told(&roles, &admin()), "open");
        assert_eq!(told(&owners, &nobody()), "forbidden", "an owner needs the delegated permission too");
        assert_eq!(told(&owners, &application(7, &["Application.ReadWrite.OwnedBy"])), "open");
        assert_eq!(told(&owners, &application(7, &["Application.Read.All"])), "forbidden");
        assert_eq!(told(&roles, &application(7, &["Application.ReadWrite.OwnedBy"])), "forbidden");
    }

    #[test]
    fn environments_are_read_by_everybody_and_all_of_them_by_administrators() {
        let own = Access::Platform(&READ_OWN_ENVIRONMENTS);
        let all = Access::Platform(&READ_ALL_ENVIRONMENTS);
        assert_eq!((told(&own, &bap_member()), told(&all, &bap_member())), ("open", "forbidden"));
        assert_eq!((told(&own, &bap_admin()), told(&all, &bap_admin())), ("open", "open"));
        assert_eq!((told(&own, &nobody()), told(&all, &nobody())), ("missing scope", "missing scope"));
        let app = application(7, &[]);
        assert_eq!((told(&own, &app), told(&all, &app)), ("not registered", "not registered"));
        assert_eq!(told(&Access::Platform(&CHANGE_REGISTRATIONS), &app), "forbidden");
    }

    #[test]
    fn an_access_is_shown_by_the_names_of_its_operations_which_are_all_different() {
        assert_eq!(
            Access::Graph(&[&READ_USERS, &READ_ME]).to_string(),
            "read users or read the signed-in user"
        );
        assert_eq!(Access::Platform(&READ_PACKAGES).to_string(), "read application packages");
        let mut names: Vec<&str> = PLATFORM_OPERATIONS.iter().map(|it| it.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), PLATFORM_OPERATIONS.len());
    }
}
