//! Who may do what, as data: each API operation with the scopes, roles and directory roles that open
//! it (`security.md`, S28), and the one function that compares a caller with it.

use crate::change::Actor;
use carnet_wire::ids::{AppId, ObjectId, TenantId};
use std::sync::Arc;

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
