//! What is said on pages, and to the application that sent the browser here.

use super::Denial;
use crate::authorize::RedirectNo;
use carnet_wire::{
    aadsts::{self, Row},
    authorize::RequestProblem,
};

/// The row and the sentence of a denial on a page.
pub(super) fn entry(denial: &Denial) -> (&'static Row, String) {
    match denial {
        Denial::Redirect(why) => about_redirect(why),
        Denial::Authorize(problem) => about_authorize(problem),
        Denial::ChallengeMissing => (
            &aadsts::SPA_NEEDS_PKCE,
            "Proof Key for Code Exchange is required for this redirect URI: send a code_challenge with S256."
                .into(),
        ),
        Denial::Session(why) => why.entry(),
        Denial::Typed => (
            &aadsts::INPUT_INVALID,
            "What was typed is too long, or has characters that no account name has.".into(),
        ),
        Denial::NoSession => {
            (&aadsts::NO_SESSION, "A silent sign-in request was sent but no user is signed in.".into())
        }
        Denial::SeveralSessions => (
            &aadsts::SEVERAL_SESSIONS,
            "Several people are signed in here; ask without prompt=none, or name one by login_hint or sid."
                .into(),
        ),
        Denial::ConsentDeclined => {
            (&aadsts::CONSENT_DECLINED, "The user declined to consent to access the app.".into())
        }
        Denial::AdminConsentNeeded(app, name) => (
            &aadsts::ADMIN_CONSENT_NEEDED,
            format!(
                "'{name}' ({app}) asks for permissions that only an administrator can grant; ask one to consent."
            ),
        ),
        Denial::LogoutHint => (
            &aadsts::LOGOUT_HINT_INVALID,
            "The logout_hint is not the login_hint claim of an ID token of this tenant's.".into(),
        ),
        Denial::SignOutOfOther { asked, hinted } => (
            &aadsts::SIGN_OUT_INVALID,
            format!(
                "Unable to complete sign-out: client_id is '{asked}', and id_token_hint is a token for '{hinted}'."
            ),
        ),
        Denial::SignInLost => (
            &aadsts::REQUEST_FORMAT,
            "This page was opened in another browser, or somebody signed in or out in this browser after it was opened."
                .into(),
        ),
        // SignInCancelled, and nothing else: the other variants have their own groups.
        _ => (&aadsts::CONSENT_DECLINED, "The user went back instead of signing in.".into()),
    }
}

fn about_redirect(why: &RedirectNo) -> (&'static Row, String) {
    match why {
        RedirectNo::Missing => {
            (&aadsts::NO_REDIRECT_GIVEN, "No reply address is provided; send redirect_uri.".into())
        }
        RedirectNo::NoneRegistered => (
            &aadsts::NO_REDIRECT_REGISTERED,
            "No reply address is registered for the application; add one to its registration.".into(),
        ),
        RedirectNo::NotSecure(uri) => (
            &aadsts::REDIRECT_NOT_SECURE,
            format!("The reply address '{uri}' is neither https nor on this machine."),
        ),
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
        RequestProblem::Object(_) => (
            &aadsts::REQUEST_INVALID,
            "The parameters have to stand in the request itself, not in a request object.".into(),
        ),
        RequestProblem::ResponseType(asked) => (
            &aadsts::RESPONSE_TYPE_UNSUPPORTED,
            format!(
                "The response_type '{asked}' is not supported; send code, id_token, code id_token, token or id_token token."
            ),
        ),
        RequestProblem::AccessTokensOff(asked) => (
            &aadsts::RESPONSE_TYPE_TOKEN_OFF,
            format!(
                "The response_type '{asked}' is not enabled for the application; send code, or turn access tokens (web.implicitGrantSettings.enableAccessTokenIssuance) on in its registration."
            ),
        ),
        RequestProblem::IdTokensOff(asked) => (
            &aadsts::RESPONSE_TYPE_ID_TOKEN_OFF,
            format!(
                "The response_type '{asked}' is not enabled for the application; send code, or turn ID tokens (web.implicitGrantSettings.enableIdTokenIssuance) on in its registration."
            ),
        ),
        RequestProblem::ResponseMode(asked) => (
            &aadsts::RESPONSE_MODE_UNSUPPORTED,
            format!(
                "The response_mode '{asked}' is none of query, fragment and form_post, or query where a token is asked for."
            ),
        ),
        RequestProblem::ChallengeSize => {
            (&aadsts::CODE_CHALLENGE_SIZE, "The code_challenge has 43 characters of base64url.".into())
        }
        RequestProblem::ChallengeNotS256 => (
            &aadsts::CODE_CHALLENGE_METHOD_INVALID,
            "The code_challenge has not the 43 characters that its method, S256, gives it.".into(),
        ),
        RequestProblem::ChallengeMethod => {
            (&aadsts::CODE_CHALLENGE_METHOD, "The code_challenge_method has to be S256.".into())
        }
        RequestProblem::SessionWithHint => {
            (&aadsts::SID_WITH_HINT, "sid and login_hint cannot be used together.".into())
        }
        RequestProblem::SessionWithPrompt(true) => {
            (&aadsts::SID_WITH_PROMPT_SELECT, "sid names an account, and prompt asks to choose one.".into())
        }
        RequestProblem::SessionWithPrompt(false) => {
            (&aadsts::SID_WITH_PROMPT, "sid names a session, and prompt asks for a new one.".into())
        }
        RequestProblem::Prompt(asked) => {
            (&aadsts::REQUEST_INVALID, format!("The prompt '{asked}' is not supported."))
        }
    }
}

/// Why somebody's session, or a sign-in under way, does not do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionNo {
    /// The account is gone.
    UserGone,
    /// Sessions of the account were ended since.
    Ended,
    /// The password was changed since.
    PasswordChanged,
    /// The tenant demands a newer sign-in.
    TooOld,
    /// The domain that is hinted at is not the session's tenant's.
    OtherTenant(String),
    /// No tenant has the domain that is hinted at.
    UnknownDomain(String),
    /// The page was open for too long.
    FlowExpired,
    /// The page was posted before, and what it does was done then.
    PageUsed,
}

impl SessionNo {
    fn entry(&self) -> (&'static Row, String) {
        match self {
            Self::UserGone => (
                &aadsts::USER_NOT_FOUND_AGAIN,
                "The account of this session could not be found; sign in again.".into(),
            ),
            Self::Ended => (&aadsts::SESSION_INVALID, "The session was ended; sign in again.".into()),
            Self::PasswordChanged => (
                &aadsts::SESSION_PASSWORD_CHANGED,
                "The session is not valid due to a recent password change; sign in again.".into(),
            ),
            Self::TooOld => (
                &aadsts::SIGN_IN_FREQUENCY_SESSION,
                "The session has expired by this tenant's sign-in frequency; sign in again.".into(),
            ),
            Self::OtherTenant(domain) => (
                &aadsts::SESSION_OF_OTHER_TENANT,
                format!("Session mismatch: the session's tenant does not have the domain '{domain}'."),
            ),
            Self::UnknownDomain(domain) => (
                &aadsts::FEDERATION_REALM_MISSING,
                format!("The requested realm object '{domain}' does not exist; leave the domain hint out."),
            ),
            Self::FlowExpired => {
                (&aadsts::FLOW_TOKEN_EXPIRED, "This page was open for more than 15 minutes.".into())
            }
            Self::PageUsed => (
                &aadsts::FLOW_TOKEN_EXPIRED,
                "This page was submitted before. Each page of a sign-in works once.".into(),
            ),
        }
    }
}
