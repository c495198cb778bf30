//! Errors of token requests and other forms that cannot be parsed.

use crate::{
    aadsts::{self, Row},
    scope::ScopeError,
};

/// Error: a request to the token service could not be parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestError {
    /// The body is larger than 64 KiB.
    TooLarge,
    /// More than 50 parameters.
    TooMany,
    /// A byte sequence that is not UTF-8, a NUL, or a broken escape.
    NotUtf8,
    /// This parameter is sent more than once.
    Doubled(String),
    /// This header is sent more than once.
    HeaderTwice(&'static str),
    /// This parameter is missing.
    Missing(&'static str),
    /// This parameter is empty or malformed.
    Invalid(&'static str),
    /// The request has no parameters.
    Empty,
    /// The query of the URL is longer than [`LONGEST_QUERY`](super::request::LONGEST_QUERY).
    QueryTooLong,
    /// This parameter is missing, and this grant type requires it.
    MissingForGrant(&'static str, &'static str),
    /// This part of a user's credential is empty.
    FieldEmpty(&'static str),
    /// The code verifier is malformed, so it cannot match a challenge.
    Verifier,
    /// The `Authorization: Basic` header cannot be parsed.
    Basic,
    /// The client id is not a GUID.
    ClientIdNotAGuid(String),
    /// The client id is all zeros.
    ClientIdZero,
    /// The header and the body name different clients.
    SeveralClientIds,
    /// More than one client credential.
    SeveralCredentials,
    /// This grant type is not supported.
    UnsupportedGrant(String),
    /// This parameter requests another kind of token than a bearer token.
    OtherTokenKind(&'static str),
    /// The `scope` parameter is not valid.
    Scope(ScopeError),
    /// The `scope` parameter is not valid, at the redemption of a code.
    ScopeAtRedemption(ScopeError),
    /// The `scope` parameter is empty, at the redemption of a code.
    ScopeEmptyAtRedemption,
}

impl RequestError {
    /// The row of the AADSTS table that answers this error.
    #[must_use]
    pub const fn row(&self) -> &'static Row {
        match self {
            Self::TooLarge
            | Self::TooMany
            | Self::NotUtf8
            | Self::Doubled(_)
            | Self::HeaderTwice(_)
            | Self::Basic => &aadsts::REQUEST_MALFORMED,
            Self::Empty => &aadsts::REQUEST_EMPTY,
            Self::QueryTooLong => &aadsts::QUERY_TOO_LONG,
            Self::Missing(_) => &aadsts::PARAMETER_MISSING,
            Self::MissingForGrant(..) => &aadsts::PARAMETER_REQUIRED_BY_GRANT,
            Self::FieldEmpty(_) => &aadsts::CREDENTIAL_FIELD_MISSING,
            Self::Invalid(_) => &aadsts::PARAMETER_EMPTY,
            Self::Verifier => &aadsts::VERIFIER_MISMATCH,
            Self::ClientIdNotAGuid(_) => &aadsts::UNKNOWN_APPLICATION,
            Self::ClientIdZero => &aadsts::CLIENT_ID_ZERO,
            Self::SeveralClientIds => &aadsts::SEVERAL_CLIENT_IDS,
            Self::SeveralCredentials => &aadsts::SEVERAL_CREDENTIALS,
            Self::UnsupportedGrant(_) => &aadsts::GRANT_UNSUPPORTED,
            Self::OtherTokenKind(_) => &aadsts::REQUEST_INVALID,
            Self::Scope(_) => &aadsts::SCOPE_INVALID,
            Self::ScopeAtRedemption(_) => &aadsts::SCOPE_INVALID_AT_REDEMPTION,
            Self::ScopeEmptyAtRedemption => &aadsts::SCOPE_EMPTY_AT_REDEMPTION,
        }
    }

    /// The sentence for the caller.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::TooLarge => "Request is malformed: the body is larger than 64 KiB.".into(),
            Self::TooMany => "Request is malformed: it has more than 50 parameters.".into(),
            Self::NotUtf8 => {
                "Request is malformed: a parameter is not valid UTF-8 or has a broken escape.".into()
            }
            Self::Doubled(name) => {
                format!("Request is malformed: the parameter '{name}' stands in it twice.")
            }
            Self::HeaderTwice(name) => {
                format!("Request is malformed: the header '{name}' is sent more than once.")
            }
            Self::Verifier => {
                "The code_verifier has 43 to 128 letters, digits or -._~, so it matches no code_challenge."
                    .into()
            }
            Self::Basic => "Request is malformed: the Authorization header is not readable as Basic.".into(),
            Self::Empty => "The request is empty.".into(),
            Self::QueryTooLong => "Requested query string is too long; send the request by POST.".into(),
            Self::MissingForGrant(name, grant) => {
                format!("'{name}' is required for the '{grant}' grant type.")
            }
            Self::FieldEmpty(name) => format!("The required field '{name}' is empty in the credential."),
            Self::Missing(name) => {
                format!("The request body must contain the following parameter: '{name}'.")
            }
            Self::Invalid(name) => format!("{name} parameter is empty or not valid."),
            Self::ClientIdNotAGuid(id) => {
                format!(
                    "Application with identifier '{id}' was not found: an application identifier is a GUID."
                )
            }
            Self::ClientIdZero => "An application identifier of zeros is none.".into(),
            Self::SeveralClientIds => {
                "Request is ambiguous: the header and the body name different applications.".into()
            }
            Self::SeveralCredentials => "Request should not contain more than one client credential.".into(),
            Self::UnsupportedGrant(grant) => format!("The access grant '{grant}' is not supported here."),
            Self::OtherTokenKind(name) => format!(
                "'{name}' asks for another kind of token than a bearer token, and no such token is issued here; leave it out."
            ),
            Self::Scope(error) | Self::ScopeAtRedemption(error) => error.to_string(),
            Self::ScopeEmptyAtRedemption => {
                "The scope may not be empty at the redemption of a code; name one, or leave it out.".into()
            }
        }
    }
}
