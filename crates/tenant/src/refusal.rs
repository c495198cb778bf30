//! Refusals: an API says no. A variant carries facts; the server makes each host's own body of it
//! (Graph's OData error, the gateway's, BAP's).

use carnet_wire::{
    ids::{AppId, ObjectId},
    token::claims_request::Challenge,
};

/// Why an API operation is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 401: a token that cannot be read, or one that is not for this API, not ours, or no longer good.
    #[error("{reason}")]
    InvalidToken {
        /// What is wrong with it, for the body; never the token.
        reason: String,
    },
    /// 401: no token was sent.
    #[error("Access token is empty.")]
    NoToken,
    /// 401: the token is ours and no longer good, and its client can be told what would help.
    #[error("continuous access evaluation resulted in a challenge: {reason}")]
    InsufficientClaims {
        /// What is wrong with it, for the body.
        reason: String,
        /// What the next token is to be asked for with.
        challenge: Challenge,
    },
    /// 403: the token lacks the permission, or the person the role.
    #[error("insufficient privileges to complete the operation: {needs}")]
    Forbidden {
        /// What would open the door.
        needs: String,
    },
    /// 403 of Power Platform: none of these delegated scopes is in the token.
    #[error("the token has none of the delegated permissions {any_of:?}")]
    MissingScope {
        /// Any of them would do.
        any_of: Vec<String>,
    },
    /// 403 of Power Platform: the service principal was never registered as an administrator.
    #[error("the service principal {principal} of application {app} is not registered with Power Platform")]
    NotRegistered {
        /// Its object id.
        principal: ObjectId,
        /// The application.
        app: AppId,
    },
    /// 404.
    #[error(
        "resource '{id}' does not exist or one of its queried reference-property objects are not present"
    )]
    NotFound {
        /// What was asked for.
        id: String,
    },
    /// 404 of Graph: somebody has no photo.
    #[error("the photo does not exist")]
    NoPhoto,
    /// 400: a property or value is wrong.
    #[error("{message}")]
    BadRequest {
        /// Names the input and the mend.
        message: String,
        /// The property, where there is one.
        target: Option<String>,
    },
    /// 400: the query asks for what is not supported here.
    #[error("{message}")]
    UnsupportedQuery {
        /// Names the part and the mend.
        message: String,
    },
    /// 400 of Power Platform: the environment in the path does not exist.
    #[error("environment id {id} is invalid")]
    UnknownEnvironment {
        /// The id in the path.
        id: String,
    },
    /// 409: an object with the same key is there already.
    #[error("{message}")]
    Conflict {
        /// Names the key.
        message: String,
    },
    /// 400 of Graph: another object has the same value of a unique property.
    #[error("another object with the same value for property {property} already exists")]
    ObjectConflict {
        /// The property.
        property: &'static str,
    },
    /// 403: the caller owns as many objects as one person or application may.
    #[error(
        "the quota of {limit} directory objects that one person or application may own is used up; delete some, or \
         ask an administrator"
    )]
    QuotaExceeded {
        /// How many they may own.
        limit: u32,
    },
    /// 405.
    #[error("the HTTP method is not allowed here")]
    MethodNotAllowed,
    /// 429 or 503, with the seconds to wait.
    #[error("too busy; try again in {seconds} s")]
    Busy {
        /// `Retry-After`.
        seconds: u32,
    },
}

impl Refusal {
    /// An application asked for `/me`, which is the signed-in user's.
    #[must_use]
    pub fn not_me() -> Self {
        let message = "/me request is only valid with delegated authentication flow.".to_owned();
        Self::BadRequest { message, target: None }
    }

    /// It rests on something that is not there, so that a node asks whether it is out of date before it
    /// answers so.
    #[must_use]
    pub const fn rests_on_absence(&self) -> bool {
        matches!(
            self,
            Self::NotFound { .. }
                | Self::NotRegistered { .. }
                | Self::Forbidden { .. }
                | Self::UnknownEnvironment { .. }
                | Self::BadRequest { .. }
                | Self::QuotaExceeded { .. }
        )
    }
}
