//! An authorization request (`reference/authorize-and-device.md`, 1), read once from its query or form. What
//! it may ask for is decided elsewhere: `tenant::authorize`.

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

/// The longest `state` that is carried along, in bytes.
const LONGEST_STATE: usize = 16 * 1024;
/// The longest `nonce` that is carried into an ID token, in bytes.
const LONGEST_NONCE: usize = 4 * 1024;

/// A request to sign somebody in.
#[derive(Debug, Clone)]
pub struct AuthorizeRequest {
    /// The edition of the endpoint that was asked.
    pub version: Version,
    /// Which endpoint that was.
    pub wants: Wants,
    /// Who asks.
    pub client_id: AppId,
    /// Where the answer goes, as sent.
    pub redirect_uri: Option<String>,
    /// Everything else, which may be wrong: then the answer goes to the redirect URI.
    pub rest: Result<Asked, RequestProblem>,
    /// How the answer travels.
    pub mode: ResponseMode,
    /// Returned unchanged.
    pub state: Option<String>,
}

/// What is asked for, once client and redirect URI are good.
#[derive(Debug, Clone)]
pub struct Asked {
    /// What comes back.
    pub response: ResponseType,
    /// What the token will be for.
    pub target: Target,
    /// The `scope` parameter (v2.0) or resource (v1.0) as text, to be kept with the code.
    pub scope: String,
    /// Copied into the ID token.
    pub nonce: Option<String>,
    /// PKCE.
    pub challenge: Option<Challenge>,
    /// Whether somebody is to be asked.
    pub prompt: Prompt,
    /// The account to begin with.
    pub login_hint: Option<String>,
    /// A domain of the account's tenant, where the path names none.
    pub domain_hint: Option<String>,
    /// The session that is to answer, `sid`.
    pub session: Option<Uuid>,
    /// A sign-in may be so old at most, in seconds.
    pub max_age: Option<i64>,
    /// `client_info=1` was asked for.
    pub client_info: bool,
    /// What the `claims` parameter asks for.
    pub claims: ClaimsRequest,
    /// `api-version=1.0` on v1.0: the audience of an API that is named by its id is `spn:ID`.
    pub spn_audience: bool,
}

/// What somebody is sent here for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    /// To sign in.
    SignIn,
    /// To consent for a whole tenant, and for nothing else.
    AdminConsent,
}

/// `response_type`: a set of words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ResponseType {
    /// A code.
    pub code: bool,
    /// An ID token, in the address.
    pub id_token: bool,
    /// An access token, in the address.
    pub token: bool,
}

impl ResponseType {
    /// Reads the words, in any order; `None`: there is another one, or one twice, or none.
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

    /// A token comes back in the address, which then may not be the query.
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

/// `response_mode`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseMode {
    /// In the query.
    Query,
    /// In the fragment.
    Fragment,
    /// Posted by a page.
    FormPost,
}

/// `prompt`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prompt {
    /// As needed.
    AsNeeded,
    /// Nobody is asked anything.
    None,
    /// Sign in again.
    Login,
    /// Choose an account.
    SelectAccount,
    /// Consent again.
    Consent,
    /// Consent for everyone in the tenant (v1.0).
    AdminConsent,
}

/// Why the rest of a request cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestProblem {
    /// As in a token request.
    Request(RequestError),
    /// The request stands in an object (false) or at an address (true) of its own.
    Object(bool),
    /// This response type is not served.
    ResponseType(String),
    /// `response_type` asks for an access token, and the application does not give these in an address.
    AccessTokensOff(String),
    /// `response_type` asks for an ID token, and the application does not give these in an address.
    IdTokensOff(String),
    /// The response mode is none.
    ResponseMode(String),
    /// The challenge has not the size of one.
    ChallengeSize,
    /// The challenge has not the size that S256 gives it.
    ChallengeNotS256,
    /// The challenge method is not S256.
    ChallengeMethod,
    /// The prompt is none.
    Prompt(String),
    /// A session and an account are named.
    SessionWithHint,
    /// A session is named, and the prompt asks to choose an account (true) or to sign in again.
    SessionWithPrompt(bool),
}

impl From<RequestError> for RequestProblem {
    fn from(error: RequestError) -> Self {
        Self::Request(error)
    }
}

impl AuthorizeRequest {
    /// Reads a query or form.
    ///
    /// # Errors
    /// [`RequestError`] where not even the client is named.
    pub fn parse(version: Version, form: &Form) -> Result<Self, RequestError> {
        let text = |name: &str| form.get(name).filter(|value| !value.is_empty());
        if form.is_empty() {
            return Err(RequestError::Empty);
        }
        let client_id = client_id(text("client_id").ok_or(RequestError::Missing("client_id"))?)?;
        let state = text("state").map(str::to_owned);
        let response = text("response_type").and_then(ResponseType::parse);
        // A token never travels in a query, and neither does a no to who asked for one (OAuth 2.0 Multiple
        // Response Type Encoding Practices, 5).
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
        let rest = match known {
            true => asked(version, form),
            false => Err(RequestProblem::ResponseMode(shown(text("response_mode").unwrap_or_default()))),
        };
        let rest = match &state {
            Some(state) if state.len() > LONGEST_STATE => Err(RequestError::Invalid("state").into()),
            _ => rest,
        };
        let redirect_uri = text("redirect_uri").map(str::to_owned);
        Ok(Self { version, wants: Wants::SignIn, client_id, redirect_uri, rest, mode, state })
    }

    /// Reads a request to an admin consent endpoint (`reference/authorize-and-device.md`, 5). The older one
    /// takes no scope: everything that is registered is meant.
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
        // The resource may be named when the code is redeemed, or nowhere.
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
        // A longer hint is nobody's name.
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

/// A domain that is hinted at, in lower case. The words for kinds of accounts are none.
fn domain_hint(text: &str) -> Option<String> {
    let domain = text.trim().to_lowercase();
    let names_none = matches!(domain.as_str(), "" | "organizations" | "consumers" | "common" | "live.com");
    (!names_none && domain.len() <= 253 && is_name(&domain)).then_some(domain)
}

/// A challenge of the plain method may have up to 128 characters, one of S256 has 43.
fn challenge_problem(text: &str) -> RequestProblem {
    match text.len() {
        44..=128 => RequestProblem::ChallengeNotS256,
        _ => RequestProblem::ChallengeSize,
    }
}

/// The target that a kept scope text stands for.
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

/// A hint is shown as the account that signs in, so it has to be able to be one: a sentence is none.
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
