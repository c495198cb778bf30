//! Denials: the token service says no. A variant carries facts; its row and its sentence are made here,
//! and nowhere else: the sentences by group, a file each.

mod credentials;
mod grants;
mod pages;
mod permissions;
mod service;
mod tenants;
mod users;

pub use grants::RefreshNo;
pub use pages::SessionNo;
pub use permissions::PermissionNo;
pub use service::ServiceNo;
pub use tenants::TenantNo;
pub use users::FactorNo;

use super::{authorization_code::CodeNo, device_code::DeviceNo, federated::Foreign, on_behalf_of::Unusable};
use crate::authorize::RedirectNo;
use carnet_wire::{
    aadsts::Row,
    authorize::RequestProblem,
    ids::{AppId, ObjectId},
    time::Timestamp,
    token::{claims_request::Challenge, request::RequestError},
};
use uuid::Uuid;

/// A second factor that is demanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demand {
    /// For which API.
    pub resource: AppId,
    /// The ids of the tenant rules that demand it; none where only the account itself does.
    pub rules: Vec<Uuid>,
}

/// Why no token is issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    /// The request is none.
    Malformed(RequestError),
    /// The tenant is not known here.
    UnknownTenant {
        /// As asked.
        name: String,
        /// Asked by discovery, whose OAuth error differs.
        discovery: bool,
    },
    /// The tenant segment is neither a GUID nor a domain.
    TenantName(String),
    /// The tenant, or an application in it, does not serve this.
    Tenant(TenantNo),
    /// Nothing tells which tenant `common` or `organizations` means.
    NoTenantNamed,
    /// The password grant over `common` or `consumers`.
    GrantNotOverCommon,
    /// A single-tenant application over an alias.
    NotMultiTenant(AppId, String),
    /// A method other than POST.
    PostOnly(String),
    /// Instance discovery was asked without the address of an authority.
    Discovery,
    /// Instance discovery was asked about a host that nobody knows.
    UnknownInstance,
    /// No such application in the tenant.
    UnknownApplication(AppId, String),
    /// The application has no service principal in its tenant.
    PrincipalMissing(AppId),
    /// The application's service principal is disabled.
    ApplicationDisabled(AppId, String),
    /// No credential, where the grant may not go without one.
    CredentialMissing,
    /// No credential for client credentials.
    CredentialMissingForApp,
    /// No credential, where this grant may not go without one.
    CredentialMissingForGrant(&'static str),
    /// A public client showed a credential.
    PublicClientWithCredential,
    /// The secret is none of the application's.
    WrongSecret(AppId),
    /// The secret is right and over.
    SecretExpired(AppId, Timestamp),
    /// The application has no certificate at all.
    NoKeys(AppId),
    /// The assertion cannot be read.
    AssertionMalformed,
    /// The assertion's certificate is not the application's, is over, or did not sign it.
    AssertionSignature {
        /// As the assertion names it.
        thumbprint: Option<String>,
        /// The certificate is the application's and outside its validity.
        expired: bool,
    },
    /// The assertion speaks of another application.
    AssertionOfOtherApp,
    /// The assertion has no subject.
    AssertionWithoutSubject,
    /// The assertion's subject is not its issuer.
    AssertionSubject,
    /// The assertion is for another server.
    AssertionAudience,
    /// The assertion is not valid now.
    AssertionTime {
        /// Now.
        now: Timestamp,
        /// Its beginning, in seconds.
        from: i64,
        /// Its end, in seconds.
        until: i64,
    },
    /// The token of an outside issuer proves nothing.
    Federated(Foreign),
    /// The assertion was used before and may be used once.
    AssertionReplayed,
    /// Wrong password, or no such user, or locked.
    WrongPassword,
    /// The account has no password, where the tenant lets that be told.
    NoPassword,
    /// No such user, where the tenant lets that be told.
    UnknownUser,
    /// Locked, where the tenant lets that be told.
    Locked,
    /// The password is right and over.
    PasswordExpired,
    /// The password is right and the account disabled.
    UserDisabled,
    /// The account was deleted since the grant was given.
    UserDeleted(ObjectId),
    /// The account belongs elsewhere.
    Guest,
    /// A second factor is missing, or does not do.
    SecondFactor(FactorNo, Demand),
    /// The code of the second factor is wrong, used or over.
    WrongSecondFactor,
    /// Tenant rules with these ids forbid it.
    Blocked(Vec<Uuid>),
    /// The token of the user who is acted for cannot be used.
    Assertion(Unusable),
    /// The redirect URI is not the client's.
    Redirect(RedirectNo),
    /// The authorization request asks for what is not served.
    Authorize(RequestProblem),
    /// A script of this origin may not ask.
    CrossOrigin(String),
    /// What a single-page application got is redeemed without an `Origin`.
    OriginMissing,
    /// A single-page application's refresh tokens are over, a day after the sign-in.
    RefreshSpaEnded,
    /// A public client sent no PKCE challenge.
    ChallengeMissing,
    /// Nobody is signed in, and nobody may be asked.
    NoSession,
    /// Several people are signed in, and nobody may be asked.
    SeveralSessions,
    /// The user went back instead of signing in.
    SignInCancelled,
    /// The user declined to consent.
    ConsentDeclined,
    /// Only an administrator may consent to what is asked.
    AdminConsentNeeded(AppId, String),
    /// The session does not do for this.
    Session(SessionNo),
    /// What was typed on a page cannot be read.
    Typed,
    /// The logout hint names nobody.
    LogoutHint,
    /// A sign-out names one application, and an ID token of another.
    SignOutOfOther {
        /// As the request names it, or something else in its place.
        asked: String,
        /// The one that the ID token is for.
        hinted: AppId,
    },
    /// What a page posted is none of ours, or of another browser, or older than the last sign-in or sign-out here.
    SignInLost,
    /// The device code gives no token, or none is given out.
    Device(DeviceNo),
    /// The authorization code gives no token.
    Code(CodeNo),
    /// The refresh token gives no token any more.
    Refresh(RefreshNo),
    /// Not a refresh token of this tenant.
    RefreshUnknown,
    /// The refresh token was issued to another client.
    RefreshOfOtherClient,
    /// The refresh token was unused for too long.
    RefreshInactive {
        /// When it was issued.
        issued: Timestamp,
    },
    /// The refresh token was exchanged before, or its family revoked.
    RefreshRevoked {
        /// When it was issued.
        issued: Timestamp,
    },
    /// The API has no service principal in the tenant, or nobody knows it.
    ResourceMissing {
        /// As asked.
        name: String,
        /// The tenant.
        tenant: String,
    },
    /// The API's service principal is disabled.
    ResourceDisabled(String),
    /// The API does not publish this scope.
    ScopeUnknown {
        /// The client's name.
        application: String,
        /// The scope.
        scope: String,
        /// The API.
        resource: AppId,
    },
    /// Client credentials without `/.default`.
    ScopeNotDefault(String),
    /// More than one API in one request.
    SeveralResources,
    /// Nobody consented.
    ConsentMissing {
        /// The application.
        app: AppId,
        /// Its name.
        name: String,
    },
    /// Client and API do not go together.
    Permission(PermissionNo),
    /// The user is not assigned to an application that demands it.
    UserNotAssigned(AppId, String),
    /// The application is not assigned to an API that demands it.
    AppNotAssigned {
        /// The client.
        app: AppId,
        /// The API's service principal.
        resource: ObjectId,
    },
    /// The service does not answer, whatever is asked.
    Service(ServiceNo),
}

impl Denial {
    /// The row of the table, and the sentence.
    #[must_use]
    pub fn entry(&self) -> (&'static Row, String) {
        match self {
            Self::Malformed(error) => (error.row(), error.sentence()),
            Self::CredentialMissing
            | Self::CredentialMissingForApp
            | Self::CredentialMissingForGrant(_)
            | Self::PublicClientWithCredential
            | Self::WrongSecret(_)
            | Self::SecretExpired(..)
            | Self::NoKeys(_)
            | Self::AssertionMalformed
            | Self::Federated(_)
            | Self::AssertionSignature { .. }
            | Self::AssertionOfOtherApp
            | Self::AssertionWithoutSubject
            | Self::AssertionSubject
            | Self::AssertionAudience
            | Self::AssertionTime { .. }
            | Self::AssertionReplayed => credentials::entry(self),
            Self::WrongPassword
            | Self::UnknownUser
            | Self::NoPassword
            | Self::Locked
            | Self::PasswordExpired
            | Self::UserDisabled
            | Self::UserDeleted(_)
            | Self::Guest
            | Self::SecondFactor(..)
            | Self::WrongSecondFactor
            | Self::Blocked(_) => users::entry(self),
            Self::Service(why) => why.entry(),
            Self::Assertion(_)
            | Self::Code(_)
            | Self::Device(_)
            | Self::CrossOrigin(_)
            | Self::OriginMissing
            | Self::RefreshSpaEnded
            | Self::Refresh(_)
            | Self::RefreshUnknown
            | Self::RefreshOfOtherClient
            | Self::RefreshInactive { .. }
            | Self::RefreshRevoked { .. } => grants::entry(self),
            Self::Redirect(_)
            | Self::Authorize(_)
            | Self::ChallengeMissing
            | Self::NoSession
            | Self::SeveralSessions
            | Self::SignInCancelled
            | Self::Session(_)
            | Self::Typed
            | Self::LogoutHint
            | Self::SignOutOfOther { .. }
            | Self::SignInLost
            | Self::ConsentDeclined
            | Self::AdminConsentNeeded(..) => pages::entry(self),
            Self::ResourceMissing { .. }
            | Self::ResourceDisabled(_)
            | Self::ScopeUnknown { .. }
            | Self::ScopeNotDefault(_)
            | Self::SeveralResources
            | Self::ConsentMissing { .. }
            | Self::Permission(_)
            | Self::UserNotAssigned(..)
            | Self::AppNotAssigned { .. } => permissions::entry(self),
            _ => tenants::entry(self),
        }
    }

    /// What the client is told to repeat in `claims`, where Entra tells it so
    /// (`reference/tokens-and-claims.md`, 9).
    #[must_use]
    pub fn challenge(&self) -> Option<Challenge> {
        let rules = match self {
            Self::Blocked(rules) | Self::SecondFactor(_, Demand { rules, .. }) => rules,
            _ => return None,
        };
        (!rules.is_empty()).then(|| Challenge::Policies(rules.clone()))
    }

    /// Seconds to wait before asking again.
    #[must_use]
    pub const fn retry_after(&self) -> i64 {
        match self {
            Self::Service(ServiceNo::Throttled { wait }) if *wait > 1 => *wait,
            _ => 1,
        }
    }

    /// The OAuth error, where it differs from the row's.
    #[must_use]
    pub fn error_name(&self) -> Option<&'static str> {
        match self {
            Self::UnknownTenant { name, discovery: true } if !tenants::is_elsewhere(name) => {
                Some("invalid_tenant")
            }
            Self::RefreshUnknown | Self::Code(CodeNo::Unknown) => Some("invalid_grant"),
            Self::Device(why) => why.error_name(),
            // OpenID Connect Core, 3.1.2.6.
            Self::Authorize(RequestProblem::Object(false)) => Some("request_not_supported"),
            Self::Authorize(RequestProblem::Object(true)) => Some("request_uri_not_supported"),
            _ => None,
        }
    }

    /// It is no answer yet, only one to ask again for: it leaves no record.
    #[must_use]
    pub const fn is_pending(&self) -> bool {
        matches!(self, Self::Device(DeviceNo::Pending))
    }

    /// The no rests on something that is not there, which another node may have made meanwhile; it is
    /// confirmed before it is given (`style.md`, section 2).
    #[must_use]
    pub const fn rests_on_absence(&self) -> bool {
        matches!(
            self,
            Self::UnknownApplication(..)
                | Self::PrincipalMissing(_)
                | Self::ApplicationDisabled(..)
                | Self::CredentialMissing
                | Self::CredentialMissingForApp
                | Self::CredentialMissingForGrant(_)
                | Self::WrongSecret(_)
                | Self::SecretExpired(..)
                | Self::NoKeys(_)
                | Self::AssertionSignature { .. }
                | Self::Redirect(_)
                | Self::ResourceMissing { .. }
                | Self::ResourceDisabled(_)
                | Self::ScopeUnknown { .. }
                | Self::Permission(_)
                | Self::ConsentMissing { .. }
                | Self::UserNotAssigned(..)
                | Self::AppNotAssigned { .. }
        )
    }
}
