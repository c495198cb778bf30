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
