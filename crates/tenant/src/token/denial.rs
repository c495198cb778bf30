//! Denials: the token service says no. A variant carries facts; its row and its sentence are made here,
//! and nowhere else.

use super::{
    authorization_code::CodeNo, client_auth::Foreign, device_code::DeviceNo, on_behalf_of::Unusable,
};
use crate::authorize::RedirectNo;
use carnet_wire::{
    aadsts::{self, Row},
    authorize::RequestProblem,
    ids::{AppId, ObjectId},
    time::Timestamp,
    token::request::RequestError,
};

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
    /// Nothing tells which tenant `common` or `organizations` means.
    NoTenantNamed,
    /// The password grant over `common` or `consumers`.
    GrantNotOverCommon,
    /// A single-tenant application over an alias.
    NotMultiTenant(AppId, String),
    /// A method other than POST.
    PostOnly(String),
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
    /// No such user, where the tenant lets that be told.
    UnknownUser,
    /// Locked, where the tenant lets that be told.
    Locked,
    /// The password is right and over.
    PasswordExpired,
    /// The password is right and the account disabled.
    UserDisabled,
    /// The account belongs elsewhere.
    Guest,
    /// A second factor is registered and cannot be asked for here.
    SecondFactor(AppId),
    /// The code of the second factor is wrong, used or over.
    WrongSecondFactor,
    /// A second factor is demanded and none is registered.
    SecondFactorEnrol(AppId),
    /// A tenant rule forbids it.
    Blocked,
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
    /// The user went back instead of signing in.
    SignInCancelled,
    /// The user declined to consent.
    ConsentDeclined,
    /// Only an administrator may consent to what is asked.
    AdminConsentNeeded(AppId, String),
    /// What a page posted is none of ours, of another browser, or too late.
    SignInLost,
    /// The device code gives no token, or none is given out.
    Device(DeviceNo),
    /// The authorization code gives no token.
    Code(CodeNo),
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
        /// The scope.
        scope: String,
        /// The API.
        resource: String,
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
    /// The user is not assigned to an application that demands it.
    UserNotAssigned(AppId, String),
    /// The application is not assigned to an API that demands it.
    AppNotAssigned {
        /// The client.
        app: AppId,
        /// The API's service principal.
        resource: ObjectId,
    },
    /// Too many passwords wait to be checked.
    Busy,
}

impl Denial {
    /// The row of the table, and the sentence.
    #[must_use]
    pub fn entry(&self) -> (&'static Row, String) {
        match self {
            Self::Malformed(error) => (error.row(), error.sentence()),
            Self::CredentialMissing
            | Self::CredentialMissingForApp
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
            | Self::AssertionReplayed => self.about_credentials(),
            Self::WrongPassword
            | Self::UnknownUser
            | Self::Locked
            | Self::PasswordExpired
            | Self::UserDisabled
            | Self::Guest
            | Self::SecondFactor(_)
            | Self::WrongSecondFactor
            | Self::SecondFactorEnrol(_)
            | Self::Blocked
            | Self::Assertion(_)
            | Self::Code(_)
            | Self::Device(_)
            | Self::RefreshUnknown
            | Self::RefreshOfOtherClient
            | Self::RefreshInactive { .. }
            | Self::RefreshRevoked { .. }
            | Self::Busy => self.about_users(),
            Self::Redirect(_)
            | Self::Authorize(_)
            | Self::CrossOrigin(_)
            | Self::OriginMissing
            | Self::RefreshSpaEnded
            | Self::ChallengeMissing
            | Self::NoSession
            | Self::SignInCancelled
            | Self::SignInLost
            | Self::ConsentDeclined
            | Self::AdminConsentNeeded(..) => self.about_pages(),
            Self::ResourceMissing { .. }
            | Self::ResourceDisabled(_)
            | Self::ScopeUnknown { .. }
            | Self::ScopeNotDefault(_)
            | Self::SeveralResources
            | Self::ConsentMissing { .. }
            | Self::UserNotAssigned(..)
            | Self::AppNotAssigned { .. } => self.about_permissions(),
            _ => self.about_tenants(),
        }
    }

    fn about_tenants(&self) -> (&'static Row, String) {
        match self {
            Self::UnknownTenant { name, .. } => {
                (&aadsts::TENANT_NOT_FOUND, format!("Tenant '{name}' not found. Check the tenant id or domain."))
            }
            Self::TenantName(name) => (
                &aadsts::TENANT_NAME_INVALID,
                format!("Specified tenant identifier '{name}' is neither a valid DNS name, nor a GUID."),
            ),
            Self::GrantNotOverCommon => (
                &aadsts::GRANT_NOT_OVER_COMMON,
                "The grant type is not supported over the /common or /consumers endpoints; use /organizations or the tenant.".into(),
            ),
            Self::NotMultiTenant(app, name) => (
                &aadsts::NOT_MULTI_TENANT,
                format!("Application '{app}'({name}) is not configured as a multi-tenant application; name its tenant in the address."),
            ),
            Self::PostOnly(method) => (
                &aadsts::POST_ONLY,
                format!("The endpoint only accepts POST requests. Received a {method} request."),
            ),
            Self::UnknownInstance => (&aadsts::UNKNOWN_INSTANCE, "Unknown or invalid instance.".into()),
            Self::UnknownApplication(app, tenant) => (
                &aadsts::UNKNOWN_APPLICATION,
                format!("Application with identifier '{app}' was not found in the directory '{tenant}'."),
            ),
            Self::PrincipalMissing(app) => (
                &aadsts::CLIENT_PRINCIPAL_MISSING,
                format!("The client application {app} is missing service principal in its tenant; create it."),
            ),
            Self::ApplicationDisabled(app, name) => {
                (&aadsts::APPLICATION_DISABLED, format!("Application '{app}'({name}) is disabled."))
            }
            // NoTenantNamed, and nothing else: the other variants have their own groups.
            _ => (
                &aadsts::NO_TENANT_NAMED,
                "No tenant-identifying information found in the request; name the tenant in the address.".into(),
            ),
        }
    }

    fn about_credentials(&self) -> (&'static Row, String) {
        match self {
            Self::CredentialMissingForApp => (
                &aadsts::CREDENTIAL_MISSING_FOR_APP,
                "'client_assertion' or 'client_secret' is required for the 'client_credentials' grant type.".into(),
            ),
            Self::PublicClientWithCredential => (
                &aadsts::PUBLIC_CLIENT_WITH_CREDENTIAL,
                "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.".into(),
            ),
            Self::WrongSecret(app) => (
                &aadsts::WRONG_SECRET,
                format!("Invalid client secret provided for app '{app}': send the secret's value, not its id."),
            ),
            Self::SecretExpired(app, on) => (
                &aadsts::SECRET_EXPIRED,
                format!("The provided client secret keys for app '{app}' are expired since {}; add a new one.", on.plain()),
            ),
            Self::NoKeys(app) => {
                (&aadsts::NO_KEYS_CONFIGURED, format!("Client application has no configured keys: {app} has no certificate."))
            }
            Self::Federated(why) => why.entry(),
            Self::AssertionMalformed => {
                (&aadsts::ASSERTION_MALFORMED, "JWT token is invalid or malformed: the client assertion.".into())
            }
            Self::AssertionSignature { thumbprint, expired } => {
                let reason = if *expired { "The key used is expired" } else { "The key was not found or did not sign it" };
                let named = thumbprint.as_deref().unwrap_or("none");
                (
                    &aadsts::ASSERTION_SIGNATURE,
                    format!("Client assertion contains an invalid signature. [Reason - {reason}, thumbprint named: '{named}'.]"),
                )
            }
            Self::AssertionOfOtherApp => (
                &aadsts::ASSERTION_OF_OTHER_APP,
                "Client assertion application identifier doesn't match 'client_id' parameter.".into(),
            ),
            Self::AssertionWithoutSubject => {
                (&aadsts::ASSERTION_WITHOUT_SUBJECT, "No Subject claim provided in the assertion.".into())
            }
            Self::AssertionSubject => {
                (&aadsts::ASSERTION_SUBJECT_NOT_ISSUER, "Subject must match the issuer claim in the client assertion.".into())
            }
            Self::AssertionAudience => (
                &aadsts::ASSERTION_AUDIENCE,
                "Client assertion audience claim does not match Realm issuer: send this tenant's token endpoint or issuer as one text.".into(),
            ),
            Self::AssertionTime { now, from, until } => (
                &aadsts::ASSERTION_TIME,
                format!(
                    "Client assertion is not within its valid time range. Current time: {}, valid from {}, until {}; at most 24 hours.",
                    now.plain(),
                    Timestamp::from_seconds(*from).plain(),
                    Timestamp::from_seconds(*until).plain()
                ),
            ),
            // Entra tolerates a replay, so no number of its own exists; the nearest is a bad assertion.
            Self::AssertionReplayed => {
                (&aadsts::ASSERTION_MALFORMED, "JWT token is invalid: this client assertion was used before.".into())
            }
            _ => (
                &aadsts::CREDENTIAL_MISSING,
                "The request body must contain the following parameter: 'client_assertion' or 'client_secret'; or set the public client switch.".into(),
            ),
        }
    }

    fn about_users(&self) -> (&'static Row, String) {
        match self {
            Self::UnknownUser => {
                (&aadsts::UNKNOWN_USER, "The user account does not exist in this directory.".into())
            }
            Self::Locked => (
                &aadsts::ACCOUNT_LOCKED,
                "The account is locked after too many attempts with an incorrect user ID or password.".into(),
            ),
            Self::PasswordExpired => {
                (&aadsts::PASSWORD_EXPIRED, "The password is expired; choose a new one.".into())
            }
            Self::UserDisabled => (&aadsts::USER_DISABLED, "The user account is disabled.".into()),
            Self::Guest => (
                &aadsts::USER_OF_OTHER_TENANT,
                "User account belongs to another directory and cannot sign in with a password here.".into(),
            ),
            Self::WrongSecondFactor => (
                &aadsts::SECOND_FACTOR_FAILED,
                "The code of the authenticator is wrong, or was used before.".into(),
            ),
            Self::SecondFactor(app) => (
                &aadsts::SECOND_FACTOR_NEEDED,
                format!(
                    "You must use multi-factor authentication to access '{app}'; a password alone is not enough for this account."
                ),
            ),
            Self::SecondFactorEnrol(app) => (
                &aadsts::SECOND_FACTOR_ENROL,
                format!("You must enroll in multi-factor authentication to access '{app}'."),
            ),
            Self::Blocked => (
                &aadsts::BLOCKED_BY_POLICY,
                "Access has been blocked by Conditional Access policies: this tenant does not allow it."
                    .into(),
            ),
            Self::Assertion(why) => {
                let (row, sentence) = why.entry();
                (row, sentence.to_owned())
            }
            Self::Device(why) => {
                let (row, sentence) = why.entry();
                (row, sentence.to_owned())
            }
            Self::Code(why) => {
                let (row, sentence) = why.entry();
                (row, sentence.to_owned())
            }
            // The number of a request that cannot be read, with the OAuth error of a bad grant.
            Self::RefreshUnknown => (
                &aadsts::REQUEST_MALFORMED,
                "Invalid request: the refresh token is malformed or not one of this tenant.".into(),
            ),
            Self::RefreshOfOtherClient => {
                (&aadsts::GRANT_OF_OTHER_CLIENT, "The grant was issued for a different client id.".into())
            }
            Self::RefreshInactive { issued } => (
                &aadsts::REFRESH_INACTIVE,
                format!(
                    "The refresh token has expired due to inactivity. It was issued on {}.",
                    issued.plain()
                ),
            ),
            Self::RefreshRevoked { issued } => (
                &aadsts::GRANT_REVOKED,
                format!(
                    "The provided grant has expired due to it being revoked; sign in again. It was issued on {}.",
                    issued.plain()
                ),
            ),
            Self::Busy => (
                &aadsts::TRANSIENT,
                "A transient error has occurred: too many sign-ins wait. Please try again.".into(),
            ),
            _ => (
                &aadsts::WRONG_PASSWORD,
                "Error validating credentials due to invalid username or password.".into(),
            ),
        }
    }

    fn about_pages(&self) -> (&'static Row, String) {
        match self {
            Self::Redirect(why) => about_redirect(why),
            Self::Authorize(problem) => about_authorize(problem),
            Self::CrossOrigin(origin) => (
                &aadsts::CROSS_ORIGIN_NOT_SPA,
                format!("Cross-origin token redemption is for single-page redirect URIs of this application. Request origin: '{origin}'."),
            ),
            Self::OriginMissing => (
                &aadsts::SPA_NEEDS_ORIGIN,
                "What was issued for a single-page application is redeemed by cross-origin requests only: the Origin header is missing.".into(),
            ),
            Self::RefreshSpaEnded => (
                &aadsts::REFRESH_SPA_AGE,
                "The refresh token was issued to a single page app, lived its fixed 24 hours and is over; sign in again.".into(),
            ),
            Self::ChallengeMissing => (
                &aadsts::SPA_NEEDS_PKCE,
                "Proof Key for Code Exchange is required for this redirect URI: send a code_challenge with S256.".into(),
            ),
            Self::NoSession => (
                &aadsts::NO_SESSION,
                "A silent sign-in request was sent but no user is signed in.".into(),
            ),
            Self::ConsentDeclined => {
                (&aadsts::CONSENT_DECLINED, "The user declined to consent to access the app.".into())
            }
            Self::AdminConsentNeeded(app, name) => (
                &aadsts::ADMIN_CONSENT_NEEDED,
                format!("'{name}' ({app}) asks for permissions that only an administrator can grant; ask one to consent."),
            ),
            Self::SignInLost => (
                &aadsts::REQUEST_FORMAT,
                "This sign-in was begun elsewhere or too long ago; go back to the application and begin again.".into(),
            ),
            // SignInCancelled, and nothing else: the other variants have their own groups.
            _ => (&aadsts::CONSENT_DECLINED, "The user went back instead of signing in.".into()),
        }
    }

    fn about_permissions(&self) -> (&'static Row, String) {
        match self {
            Self::ResourceMissing { name, tenant } => (
                &aadsts::RESOURCE_PRINCIPAL_MISSING,
                format!("The resource principal named {name} was not found in the tenant named {tenant}; create its service principal, or check the name."),
            ),
            Self::ResourceDisabled(name) => {
                (&aadsts::RESOURCE_DISABLED, format!("The service principal for resource '{name}' is disabled."))
            }
            Self::ScopeUnknown { scope, resource } => (
                &aadsts::SCOPE_UNKNOWN,
                format!("The application asked for scope '{scope}' that doesn't exist on the resource '{resource}'."),
            ),
            Self::ScopeNotDefault(scope) => (
                &aadsts::SCOPE_NOT_DEFAULT,
                format!("The provided value for scope {scope} is not valid. Client credential flows must have a scope value with /.default after the resource, and no other."),
            ),
            Self::SeveralResources => (
                &aadsts::SEVERAL_RESOURCES,
                "Provided value for the input parameter scope names more than one resource; ask for one at a time.".into(),
            ),
            Self::UserNotAssigned(app, name) => (
                &aadsts::USER_NOT_ASSIGNED,
                format!("Your administrator has configured the application {name} ('{app}') to block users who are not assigned to it."),
            ),
            Self::AppNotAssigned { app, resource } => (
                &aadsts::APP_NOT_ASSIGNED,
                format!("Application '{app}' is not assigned to a role for the application '{resource}'."),
            ),
            Self::ConsentMissing { app, name } => (
                &aadsts::CONSENT_MISSING,
                format!("The user or administrator has not consented to use the application with ID '{app}' named '{name}'."),
            ),
            _ => (&aadsts::SCOPE_INVALID, "The provided value for the input parameter 'scope' is not valid.".into()),
        }
    }

    /// The OAuth error, where it differs from the row's.
    #[must_use]
    pub const fn error_name(&self) -> Option<&'static str> {
        match self {
            Self::UnknownTenant { discovery: true, .. } => Some("invalid_tenant"),
            Self::RefreshUnknown | Self::Code(CodeNo::Unknown) => Some("invalid_grant"),
            Self::Device(why) => why.error_name(),
            _ => None,
        }
    }

    /// It is no answer yet, only one to ask again for: it leaves no record.
    #[must_use]
    pub const fn is_pending(&self) -> bool {
        matches!(self, Self::Device(DeviceNo::Pending))
    }

    /// Who asked is nobody: such requests are counted and leave no record each, so that a stranger does not
    /// fill the log.
    #[must_use]
    pub const fn is_counted(&self) -> bool {
        matches!(self, Self::UnknownApplication(..))
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
                | Self::WrongSecret(_)
                | Self::SecretExpired(..)
                | Self::NoKeys(_)
                | Self::AssertionSignature { .. }
                | Self::ResourceMissing { .. }
                | Self::ResourceDisabled(_)
                | Self::ScopeUnknown { .. }
                | Self::ConsentMissing { .. }
                | Self::UserNotAssigned(..)
                | Self::AppNotAssigned { .. }
        )
    }
}

fn about_redirect(why: &RedirectNo) -> (&'static Row, String) {
    match why {
        RedirectNo::Missing => {
            (&aadsts::NO_REDIRECT_GIVEN, "No reply address is provided; send redirect_uri.".into())
        }
        RedirectNo::NotRegistered(uri) => (
            &aadsts::REDIRECT_NOT_REGISTERED,
            format!(
                "The redirect URI '{uri}' specified in the request does not match the redirect URIs configured for the application."
            ),
        ),
    }
}

fn about_authorize(problem: &RequestProblem) -> (&'static Row, String) {
    match problem {
        RequestProblem::Request(error) => (error.row(), error.sentence()),
        RequestProblem::ResponseType(asked) => (
            &aadsts::RESPONSE_TYPE_UNSUPPORTED,
            format!("The response_type '{asked}' is not served here; send code."),
        ),
        RequestProblem::ResponseMode(asked) => (
            &aadsts::RESPONSE_MODE_UNSUPPORTED,
            format!("The response_mode '{asked}' is none of query, fragment and form_post."),
        ),
        RequestProblem::ChallengeSize => {
            (&aadsts::CODE_CHALLENGE_SIZE, "The code_challenge has 43 characters of base64url.".into())
        }
        RequestProblem::ChallengeMethod => {
            (&aadsts::CODE_CHALLENGE_METHOD, "The code_challenge_method has to be S256.".into())
        }
        RequestProblem::Prompt(asked) => {
            (&aadsts::REQUEST_INVALID, format!("The prompt '{asked}' is not supported."))
        }
    }
}
