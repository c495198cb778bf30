//! An authorization request (RFC 6749, 4.1.1; OpenID Connect Core, 3.1.2.1), parsed once from its query or form.
//! Whether it is allowed is decided in `carnet_tenant`.

use crate::{
    ids::AppId,
    pkce::Challenge,
    scope::{GRAPH, ScopeRequest},
    token::{
        claims_request::ClaimsRequest,
        form::Form,
        request::{LONGEST_USER_NAME, RequestError, Target, Version, bearer_only, client_id},
    },
};
use std::fmt;
use uuid::Uuid;

/// Maximum length of `state`, in bytes.
const LONGEST_STATE: usize = 16 * 1024;
/// Maximum length of `nonce`, in bytes.
const LONGEST_NONCE: usize = 4 * 1024;

/// A request to the authorization endpoint or to an admin consent endpoint.
#[derive(Debug, Clone)]
pub struct AuthorizeRequest {
    /// The version of the endpoint that received the request.
    pub version: Version,
    /// The kind of endpoint that received the request.
    pub wants: Wants,
    /// The client.
    pub client_id: AppId,
    /// The redirect URI, as sent.
    pub redirect_uri: Option<String>,
    /// All other parameters. If they are not valid, the error is sent to the redirect URI.
    pub rest: Result<Asked, RequestProblem>,
    /// How the response is sent to the client.
    pub mode: ResponseMode,
    /// The `state` parameter, returned unchanged.
    pub state: Option<String>,
}

/// The parameters of a request whose client and redirect URI are known.
#[derive(Debug, Clone)]
pub struct Asked {
    /// What the response contains.
    pub response: ResponseType,
    /// The scopes or the resource that the token is for.
    pub target: Target,
    /// The `scope` parameter (v2.0) or resource (v1.0) as text, which is stored with the code.
    pub scope: String,
    /// The `nonce` parameter, which is copied into the ID token.
    pub nonce: Option<String>,
    /// The PKCE challenge.
    pub challenge: Option<Challenge>,
    /// Whether the user has to be prompted.
    pub prompt: Prompt,
    /// The account to start the sign-in with.
    pub login_hint: Option<String>,
    /// A domain of the account's tenant. It is used if the path names no tenant.
    pub domain_hint: Option<String>,
    /// The session to use, from the `sid` parameter.
    pub session: Option<Uuid>,
    /// Maximum age of the sign-in, in seconds.
    pub max_age: Option<i64>,
    /// Whether the client sent `client_info=1`.
    pub client_info: bool,
    /// The parsed `claims` parameter.
    pub claims: ClaimsRequest,
    /// True for `api-version=1.0` on v1.0: the audience of an API that is named by its id is then `spn:ID`.
    pub spn_audience: bool,
}

/// The purpose of an authorization request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    /// Sign in a user.
    SignIn,
    /// Consent for a whole tenant, without a sign-in to the application.
    AdminConsent,
}

/// The `response_type` parameter: a set of words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ResponseType {
    /// An authorization code is returned.
    pub code: bool,
    /// An ID token is returned in the redirect.
    pub id_token: bool,
    /// An access token is returned in the redirect.
    pub token: bool,
}

impl ResponseType {
    /// Parses the words, in any order. `None` if there is none, an unknown one, or the same one twice.
    fn parse(text: &str) -> Option<Self> {
        let mut all = Self::default();
        for word in text.split(' ') {
            let part = match word {
                "code" => &mut all.code,
                "id_token" => &mut all.id_token,
                "token" => &mut all.token,
                _ => return None,
            };
            if std::mem::replace(part, true) {
                return None;
            }
        }
        Some(all)
    }

    /// Whether the response contains a token, which must not be sent in a query string.
    #[must_use]
    pub const fn gives_token(self) -> bool {
        self.id_token || self.token
    }
}

impl fmt::Display for ResponseType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = [(self.code, "code"), (self.id_token, "id_token"), (self.token, "token")];
        let words: Vec<&str> = all.into_iter().filter(|(has, _)| *has).map(|(_, word)| word).collect();
        f.write_str(&words.join(" "))
    }
}

/// The `response_mode` parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseMode {
    /// In the query string of the redirect URI.
    Query,
    /// In the fragment of the redirect URI.
    Fragment,
    /// As a form that a page posts.
    FormPost,
}

/// The `prompt` parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prompt {
    /// Prompt only if it is needed.
    AsNeeded,
    /// Never prompt; if interaction is needed, the request fails.
    None,
    /// The user has to sign in again.
    Login,
    /// The user has to choose an account.
    SelectAccount,
    /// The user has to consent again.
    Consent,
    /// An administrator has to consent for the whole tenant (v1.0).
    AdminConsent,
}

/// Error: a parameter other than the client or the redirect URI is not valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestProblem {
    /// A parameter is not valid that token requests have too.
    Request(RequestError),
    /// The request uses a request object, which is not supported: `request` (false) or `request_uri` (true).
    Object(bool),
    /// The response type is not supported.
    ResponseType(String),
    /// `response_type` includes an access token, and the application may not get one from this endpoint.
    AccessTokensOff(String),
    /// `response_type` includes an ID token, and the application may not get one from this endpoint.
    IdTokensOff(String),
    /// The response mode is unknown.
    ResponseMode(String),
    /// The code challenge has a length that no challenge has.
    ChallengeSize,
    /// The code challenge does not have the length of an S256 challenge.
    ChallengeNotS256,
    /// The code challenge method is not S256.
    ChallengeMethod,
    /// The prompt value is unknown.
    Prompt(String),
    /// Both `sid` and `login_hint` were sent.
    SessionWithHint,
    /// `sid` was sent with a prompt to choose an account (true) or to sign in again (false).
    SessionWithPrompt(bool),
}

impl From<RequestError> for RequestProblem {
    fn from(error: RequestError) -> Self {
        Self::Request(error)
    }
}

impl AuthorizeRequest {
    /// Parses a query string or form.
    ///
    /// # Errors
    /// [`RequestError`] if the client is missing or not valid.
    pub fn parse(version: Version, form: &Form) -> Result<Self, RequestError> {
        let text = |name: &str| form.get(name).filter(|value| !value.is_empty());
        if form.is_empty() {
            return Err(RequestError::Empty);
        }
        let client_id = client_id(text("client_id").ok_or(RequestError::Missing("client_id"))?)?;
        let state = text("state").map(str::to_owned);
        let response = text("response_type").and_then(ResponseType::parse);
        // Neither a token nor the error for a token request is sent in a query string (OAuth 2.0 Multiple Response
        // Type Encoding Practices, 5).
        let usual = match response {
            Some(response) if response.gives_token() => ResponseMode::Fragment,
            _ => ResponseMode::Query,
        };
        let (mode, known) = match text("response_mode") {
            None => (usual, true),
            Some("query") => (usual, usual == ResponseMode::Query),
            Some("fragment") => (ResponseMode::Fragment, true),
            Some("form_post") => (ResponseMode::FormPost, true),
            Some(_) => (usual, false),
        };
        let rest = if known {
            asked(version, form)
        } else {
            Err(RequestProblem::ResponseMode(shown(text("response_mode").unwrap_or_default())))
        };
        let rest = match &state {
            Some(state) if state.len() > LONGEST_STATE => Err(RequestError::Invalid("state").into()),
            _ => rest,
        };
        let redirect_uri = text("redirect_uri").map(str::to_owned);
        Ok(Self { version, wants: Wants::SignIn, client_id, redirect_uri, rest, mode, state })
    }

    /// Parses a request to an admin consent endpoint (Microsoft identity platform, "Admin consent on the Microsoft
    /// identity platform"). The v1.0 endpoint takes no scope; it stands for all registered permissions.
    ///
    /// # Errors
    /// As [`AuthorizeRequest::parse`].
    pub fn admin_consent(version: Version, form: &Form) -> Result<Self, RequestError> {
        let text = |name: &str| form.get(name).filter(|value| !value.is_empty());
        let client_id = client_id(text("client_id").ok_or(RequestError::Missing("client_id"))?)?;
        let state = text("state").map(str::to_owned);
        let rest = match &state {
            Some(state) if state.len() > LONGEST_STATE => Err(RequestError::Invalid("state").into()),
            _ => everything(version, form),
        };
        let redirect_uri = text("redirect_uri").map(str::to_owned);
        let (wants, mode) = (Wants::AdminConsent, ResponseMode::Query);
        Ok(Self { version, wants, client_id, redirect_uri, rest, mode, state })
    }
}

fn everything(version: Version, form: &Form) -> Result<Asked, RequestProblem> {
    let scope = match (version, form.get("scope").filter(|value| !value.is_empty())) {
        (Version::V1, _) => format!("{GRAPH}/.default"),
        (Version::V2, None) => return Err(RequestError::Missing("scope").into()),
        (Version::V2, Some(scope)) => scope.to_owned(),
    };
    let request = ScopeRequest::parse(&scope).map_err(RequestError::Scope)?;
    Ok(Asked {
        target: Target::Scope(request),
        scope,
        response: ResponseType::default(),
        nonce: None,
        challenge: None,
        prompt: Prompt::AdminConsent,
        login_hint: None,
        domain_hint: None,
        session: None,
        max_age: None,
        client_info: false,
        claims: ClaimsRequest::default(),
        spn_audience: false,
    })
}

fn asked(version: Version, form: &Form) -> Result<Asked, RequestProblem> {
    let text = |name: &str| form.get(name).filter(|value| !value.is_empty());
    if let Some(object) = [("request", false), ("request_uri", true)].iter().find(|it| text(it.0).is_some()) {
        return Err(RequestProblem::Object(object.1));
    }
    let kind = text("response_type").ok_or(RequestError::Missing("response_type"))?;
    let response = ResponseType::parse(kind).ok_or_else(|| RequestProblem::ResponseType(shown(kind)))?;
    if response.id_token && text("nonce").is_none() {
        return Err(RequestError::Missing("nonce").into());
    }
    bearer_only(form)?;
    let target = match (Target::of(version, form)?, version) {
        (Some(target), _) => target,
        (None, Version::V2) => return Err(RequestError::Missing("scope").into()),
        // In v1.0, the resource may be named when the code is redeemed, or left out.
        (None, Version::V1) if response.code || response.token => Target::default_resource(true),
        (None, Version::V1) => {
            Target::Scope(ScopeRequest { openid: true, profile: true, ..ScopeRequest::default() })
        }
    };
    let challenge = match (text("code_challenge"), text("code_challenge_method")) {
        (None, _) => None,
        (Some(challenge), Some("S256")) => {
            Some(Challenge::parse(challenge).map_err(|_| challenge_problem(challenge))?)
        }
        (Some(_), _) => return Err(RequestProblem::ChallengeMethod),
    };
    let prompt = match text("prompt") {
        None => Prompt::AsNeeded,
        Some("none") => Prompt::None,
        Some("login") => Prompt::Login,
        Some("select_account") => Prompt::SelectAccount,
        Some("consent") => Prompt::Consent,
        Some("admin_consent") if version == Version::V1 => Prompt::AdminConsent,
        Some(other) => return Err(RequestProblem::Prompt(shown(other))),
    };
    let session = text("sid").map(|sid| sid.parse().map_err(|_| RequestError::Invalid("sid"))).transpose()?;
    match (session, prompt) {
        (Some(_), _) if text("login_hint").is_some() => return Err(RequestProblem::SessionWithHint),
        (Some(_), Prompt::SelectAccount) => return Err(RequestProblem::SessionWithPrompt(true)),
        (Some(_), Prompt::Login) => return Err(RequestProblem::SessionWithPrompt(false)),
        _ => {}
    }
    let max_age = text("max_age").map(|age| age.parse().map_err(|_| RequestError::Invalid("max_age")));
    Ok(Asked {
        scope: target.kept_text(),
        target,
        response,
        nonce: match text("nonce") {
            Some(nonce) if nonce.len() > LONGEST_NONCE => return Err(RequestError::Invalid("nonce").into()),
            nonce => nonce.map(str::to_owned),
        },
        challenge,
        prompt,
        // A hint that is longer than a user name cannot be one.
        login_hint: text("login_hint")
            .filter(|it| it.len() <= LONGEST_USER_NAME && is_name(it))
            .map(str::to_owned),
        domain_hint: text("domain_hint").and_then(domain_hint),
        session,
        max_age: max_age.transpose()?,
        client_info: text("client_info") == Some("1"),
        claims: ClaimsRequest::parse(form.get("claims"))?,
        spn_audience: version == Version::V1 && text("api-version") == Some("1.0"),
    })
}

/// Parses a domain hint, in lower case. Words for account types, such as `organizations`, name no domain.
fn domain_hint(text: &str) -> Option<String> {
    let domain = text.trim().to_lowercase();
    let names_none = matches!(domain.as_str(), "" | "organizations" | "consumers" | "common" | "live.com");
    (!names_none && domain.len() <= 253 && is_name(&domain)).then_some(domain)
}

/// The error for a challenge of the wrong length. A `plain` challenge has up to 128 characters, an S256 challenge has
/// 43.
fn challenge_problem(text: &str) -> RequestProblem {
    match text.len() {
        44..=128 => RequestProblem::ChallengeNotS256,
        _ => RequestProblem::ChallengeSize,
    }
}

/// Parses the stored scope text of an authorization request again.
///
/// # Errors
/// [`RequestError`]
pub fn target_of(version: Version, scope: &str) -> Result<Target, RequestError> {
    match version {
        Version::V1 if scope.is_empty() => Ok(Target::default_resource(true)),
        Version::V1 => Ok(Target::Resource { name: scope.to_owned(), openid: true, implied: false }),
        Version::V2 => ScopeRequest::parse(scope).map(Target::Scope).map_err(RequestError::Scope),
    }
}

/// Whether the hint can be a user name. The page shows it as the account, so a sentence is not accepted.
fn is_name(hint: &str) -> bool {
    !hint.contains(|c: char| c.is_whitespace() || c.is_control())
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ID: &str = "client_id=a0000000-0000-4000-8000-000000000001&response_type=code&scope=openid";

    fn parse(text: &str) -> AuthorizeRequest {
        AuthorizeRequest::parse(Version::V2, &Form::parse(text.as_bytes()).unwrap()).unwrap()
    }

    proptest! {
        #[test]
        fn any_form_is_a_request_or_none(text in "([a-z_]{1,14}=[ -~]{0,20}&){0,8}") {
            if let Ok(form) = Form::parse(format!("{text}client_id=a0000000-0000-4000-8000-000000000001").as_bytes()) {
                let _ = AuthorizeRequest::parse(Version::V1, &form);
                let _ = AuthorizeRequest::parse(Version::V2, &form);
            }
        }
    }

    #[test]
    fn what_is_wrong_is_told_without_losing_the_way_back() {
        let challenge = "c".repeat(43);
        for (more, problem) in [
            ("&response_mode=web", RequestProblem::ResponseMode("web".into())),
            ("&prompt=maybe", RequestProblem::Prompt("maybe".into())),
            ("&sid=00000000-0000-4000-8000-000000000001&login_hint=a", RequestProblem::SessionWithHint),
            (
                "&sid=00000000-0000-4000-8000-000000000001&prompt=login",
                RequestProblem::SessionWithPrompt(false),
            ),
            ("&sid=x", RequestProblem::Request(RequestError::Invalid("sid"))),
            ("&code_challenge=short&code_challenge_method=S256", RequestProblem::ChallengeSize),
            (&*format!("&code_challenge={challenge}"), RequestProblem::ChallengeMethod),
            (
                &*format!("&code_challenge={challenge}&code_challenge_method=plain"),
                RequestProblem::ChallengeMethod,
            ),
        ] {
            let read = parse(&format!("{ID}&state=s&redirect_uri=http://localhost{more}"));
            assert_eq!(read.rest.unwrap_err(), problem);
            assert_eq!(
                (read.state.as_deref(), read.redirect_uri.as_deref()),
                (Some("s"), Some("http://localhost"))
            );
        }
        for kind in ["ticket", "code+code", "code+none"] {
            let other = parse(&ID.replace("=code", &format!("={kind}")));
            assert_eq!(other.rest.unwrap_err(), RequestProblem::ResponseType(kind.replace('+', " ")));
        }
    }

    #[test]
    fn a_whole_request_is_read() {
        let challenge = "c".repeat(43);
        let read = parse(&format!(
            "{ID}&nonce=n&prompt=none&login_hint=ada&max_age=60&response_mode=form_post&code_challenge={challenge}&code_challenge_method=S256"
        ));
        let asked = read.rest.unwrap();
        assert_eq!(
            (read.mode, asked.prompt, asked.max_age),
            (ResponseMode::FormPost, Prompt::None, Some(60))
        );
        assert_eq!((asked.nonce.as_deref(), asked.login_hint.as_deref()), (Some("n"), Some("ada")));
        assert!(asked.challenge.is_some());
    }

    #[test]
    fn the_claims_parameter_is_read_and_text_that_is_none_goes_back() {
        let read = |claims: &str| parse(&format!("{ID}&claims={claims}")).rest;
        let asked = read("%7B%22id_token%22%3A%7B%22acrs%22%3A%7B%22value%22%3A%22c1%22%7D%7D%7D").unwrap();
        assert_eq!(asked.claims.acrs.id_token.len(), 1);
        assert_eq!(read("x").unwrap_err(), RequestError::Invalid("claims").into());
    }
}
