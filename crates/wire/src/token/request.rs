//! A token request, read once from the form and the headers.
//!
//! Unknown parameters are ignored (real clients send many), doubled ones are refused, and afterwards
//! nobody sees a raw form. What a request may do is decided elsewhere: `tenant::token`.

use crate::{
    ids::{AppId, CorrelationId},
    scope::ScopeRequest,
    secret::{Assertion, ClientSecret, Password, RefreshToken},
};

/// Which edition of the protocol the path names; it decides numbers or strings, `scope` or `resource`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// `/oauth2/token`.
    V1,
    /// `/oauth2/v2.0/token`.
    V2,
}

/// A token request that has the shape of one.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// The edition of the endpoint that was asked.
    pub version: Version,
    /// Who asks.
    pub client_id: AppId,
    /// How the client proves itself.
    pub client_auth: ClientAuth,
    /// The grant type and what it carries.
    pub grant: Grant,
    /// What the token is for. `None`: a grant that may leave it out (refresh token) did.
    pub target: Option<Target>,
    /// `client_info=1` was asked for.
    pub client_info: bool,
    /// The `claims` parameter names `cp1` among the client's capabilities (continuous evaluation).
    pub claims_cp1: bool,
}

/// The one credential of a request; more than one is refused while reading.
#[derive(Debug, Clone)]
pub enum ClientAuth {
    /// No credential: a public client, or one that forgot.
    None,
    /// `client_secret` in the body or by HTTP Basic.
    Secret(ClientSecret),
    /// `client_assertion` of type jwt-bearer.
    Assertion(Assertion),
}

/// The grant types that are served.
#[derive(Debug, Clone)]
pub enum Grant {
    /// Resource owner password credentials (RFC 6749, 4.3).
    Password {
        /// The user principal name, as typed.
        username: String,
        /// The password, as typed: never trimmed, folded or cut.
        password: Password,
    },
    /// Client credentials (RFC 6749, 4.4).
    ClientCredentials,
    /// Refresh token (RFC 6749, 6).
    RefreshToken {
        /// The token, as handed out.
        token: RefreshToken,
    },
}

/// What a token is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// v2.0: the `scope` parameter.
    Scope(ScopeRequest),
    /// v1.0: the `resource` parameter, echoed as written, and whether `scope` holds `openid`.
    Resource {
        /// The identifier as the client wrote it.
        name: String,
        /// An ID token is wanted too.
        openid: bool,
    },
}

/// What the request carries beside its meaning; kept for answers and records even when the rest does
/// not parse.
#[derive(Debug, Clone, Default)]
pub struct Tracing {
    /// `client-request-id`, from a header or the form.
    pub correlation: Option<CorrelationId>,
    /// `return-client-request-id: true` was sent.
    pub echo: bool,
}
