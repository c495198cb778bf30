//! A token request, parsed once from the form and the headers.
//!
//! Unknown parameters are ignored, because clients send many; duplicate ones are refused. Later code uses the parsed
//! request only. `carnet_tenant` decides whether it is granted.

pub use super::request_error::RequestError;

use super::{
    claims_request::ClaimsRequest,
    form::{Basic, Form},
};
use crate::{
    catalogue::AZURE_AD,
    ids::{AppId, CorrelationId},
    jose::{JoseError, Jws},
    pkce::Verifier,
    scope::ScopeRequest,
    secret::{Assertion, AuthorizationCode, ClientSecret, DeviceCode, Password, RefreshToken},
};

/// The version of an endpoint. It determines numbers or strings in bodies, and `scope` or `resource` in requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// v1.0, `/oauth2/token`.
    V1,
    /// v2.0, `/oauth2/v2.0/token`.
    V2,
}

/// A parsed token request.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// The version of the endpoint that received the request.
    pub version: Version,
    /// The client.
    pub client_id: AppId,
    /// How the client authenticates.
    pub client_auth: ClientAuth,
    /// The grant type and its parameters.
    pub grant: Grant,
    /// The scopes or the resource that the token is for. `None` only for grant types that may leave it out (refresh
    /// token, code, device code).
    pub target: Option<Target>,
    /// The `resource` parameter of a v2.0 request without a scope (RFC 8707). It must name the API of the grant.
    pub resource_parameter: Option<String>,
    /// True for `api-version=1.0` in the query of a v1.0 request: the audience of a resource that is named by its id
    /// is then `spn:{id}`.
    pub spn_audience: bool,
    /// Whether the client sent `client_info=1`.
    pub client_info: bool,
    /// The parsed `claims` parameter.
    pub claims: ClaimsRequest,
}

/// The credential of a request. A request with more than one is refused when it is parsed.
#[derive(Debug, Clone)]
pub enum ClientAuth {
    /// No credential.
    None,
    /// `client_secret` in the body or by HTTP Basic.
    Secret(ClientSecret),
    /// `client_assertion` of type jwt-bearer (RFC 7523, 2.2).
    Assertion(Assertion),
}

impl ClientAuth {
    /// Whether no credential was sent.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// The parsed assertion. `None` if the credential is not an assertion.
    #[must_use]
    pub fn assertion(&self) -> Option<Result<Jws<'_>, JoseError>> {
        match self {
            Self::Assertion(text) => Some(Jws::parse(text.expose())),
            Self::None | Self::Secret(_) => None,
        }
    }
}

/// The supported grant types with their parameters.
#[derive(Debug, Clone)]
pub enum Grant {
    /// Resource owner password credentials (RFC 6749, 4.3).
    Password {
        /// The user principal name, as sent.
        username: String,
        /// The password, as sent; it is never trimmed or normalized.
        password: Password,
    },
    /// Client credentials (RFC 6749, 4.4).
    ClientCredentials,
    /// Refresh token (RFC 6749, 6).
    RefreshToken {
        /// The refresh token.
        token: RefreshToken,
    },
    /// Authorization code (RFC 6749, 4.1.3), with PKCE (RFC 7636).
    AuthorizationCode {
        /// The authorization code.
        code: AuthorizationCode,
        /// The redirect URI, which must equal that of the authorization request.
        redirect_uri: Option<String>,
        /// The code verifier (RFC 7636).
        verifier: Option<Verifier>,
    },
    /// Device code (RFC 8628, 3.4).
    DeviceCode {
        /// The device code.
        code: DeviceCode,
    },
    /// On behalf of a user (RFC 7523, 2.1, with `requested_token_use=on_behalf_of`).
    OnBehalfOf {
        /// The access token that the user sent to the client.
        assertion: Assertion,
    },
}

impl Grant {
    /// The short name of the grant type, also if it was sent as a URN.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Password { .. } => "password",
            Self::ClientCredentials => "client_credentials",
            Self::RefreshToken { .. } => "refresh_token",
            Self::AuthorizationCode { .. } => "authorization_code",
            Self::DeviceCode { .. } => "device_code",
            Self::OnBehalfOf { .. } => "on_behalf_of",
        }
    }
}

/// The scopes or the resource that a token is requested for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// v2.0: the `scope` parameter.
    Scope(ScopeRequest),
    /// v1.0: the `resource` parameter.
    Resource {
        /// The identifier as the client wrote it, which the response repeats.
        name: String,
        /// Whether an ID token is requested too.
        openid: bool,
        /// Whether the client named no resource, so that the default [`AZURE_AD`] is used.
        implied: bool,
    },
}

/// Maximum length of the query of a URL, in bytes. It is below the maximum size of a request's head.
pub const LONGEST_QUERY: usize = 12 * 1024;

/// Client assertion type (RFC 7523, 2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Grant type (RFC 8628, 7.2). Some of Microsoft's libraries send the short name `device_code` (observed).
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// Maximum length of a user name, in bytes. Normalizing a name costs more than receiving it.
pub const LONGEST_USER_NAME: usize = 256;
/// Grant type of on-behalf-of requests (RFC 7523, 8.1).
const ON_BEHALF_OF: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

impl TokenRequest {
    /// Parses a request from its form and its Basic header.
    ///
    /// # Errors
    /// The first [`RequestError`], in the order in which Entra checks the parameters (observed).
    pub fn parse(version: Version, form: &Form, basic: Option<Basic>) -> Result<Self, RequestError> {
        if form.is_empty() && basic.is_none() {
            return Err(RequestError::Empty);
        }
        let grant_type = required(form, "grant_type")?;
        let (client_id, header_secret) = client(form, basic)?;
        let grant = grant(grant_type, form)?;
        bearer_only(form)?;
        let target = target(version, &grant, form)?;
        let kept = matches!(
            grant,
            Grant::RefreshToken { .. } | Grant::AuthorizationCode { .. } | Grant::DeviceCode { .. }
        );
        if target.is_none() && !kept {
            return Err(RequestError::Missing(if version == Version::V1 { "resource" } else { "scope" }));
        }
        Ok(Self {
            version,
            client_id,
            client_auth: credential(form, header_secret)?,
            grant,
            resource_parameter: form
                .get("resource")
                .filter(|value| version == Version::V2 && target.is_none() && !value.is_empty())
                .map(str::to_owned),
            target,
            spn_audience: false,
            client_info: form.get("client_info") == Some("1"),
            claims: ClaimsRequest::parse(form.get("claims"))?,
        })
    }
}

/// Parses the grant type and its parameters.
fn grant(grant_type: &str, form: &Form) -> Result<Grant, RequestError> {
    Ok(match grant_type {
        "password" => Grant::Password {
            username: Some(filled(form, "username")?)
                .filter(|name| name.len() <= LONGEST_USER_NAME)
                .ok_or(RequestError::Invalid("username"))?
                .to_owned(),
            password: Password::new(filled(form, "password")?.to_owned()),
        },
        "client_credentials" => Grant::ClientCredentials,
        "refresh_token" => {
            Grant::RefreshToken { token: RefreshToken::new(required(form, "refresh_token")?.to_owned()) }
        }
        "authorization_code" => Grant::AuthorizationCode {
            code: AuthorizationCode::new(required(form, "code")?.to_owned()),
            redirect_uri: form.get("redirect_uri").filter(|it| !it.is_empty()).map(str::to_owned),
            verifier: form
                .get("code_verifier")
                .filter(|it| !it.is_empty())
                .map(|text| Verifier::parse(text).map_err(|_| RequestError::Verifier))
                .transpose()?,
        },
        "device_code" | DEVICE_CODE => {
            // Old ADAL libraries and many scripts send the code as `code`; MSAL for Python sends both (observed).
            let code = required(form, "device_code")
                .or_else(|missing| required(form, "code").map_err(|_| missing))?;
            Grant::DeviceCode { code: DeviceCode::new(code.to_owned()) }
        }
        ON_BEHALF_OF => {
            let assertion = required(form, "assertion")?.to_owned();
            match form.get("requested_token_use").filter(|it| !it.is_empty()) {
                None => return Err(RequestError::MissingForGrant("requested_token_use", "jwt-bearer")),
                Some("on_behalf_of") => Grant::OnBehalfOf { assertion: Assertion::new(assertion) },
                _ => return Err(RequestError::Invalid("requested_token_use")),
            }
        }
        other => return Err(RequestError::UnsupportedGrant(clip(other))),
    })
}

/// Parses the target.
fn target(version: Version, grant: &Grant, form: &Form) -> Result<Option<Target>, RequestError> {
    Ok(match (grant, Target::of(version, form)) {
        (Grant::AuthorizationCode { .. }, Err(RequestError::Scope(why))) => {
            return Err(RequestError::ScopeAtRedemption(why));
        }
        // An absent scope means the scope of the code. An empty one is an error.
        (Grant::AuthorizationCode { .. }, Ok(None))
            if version == Version::V2 && form.get("scope").is_some() =>
        {
            return Err(RequestError::ScopeEmptyAtRedemption);
        }
        // A code and a refresh token contain their resource. An on-behalf-of request has to name the API.
        (Grant::ClientCredentials | Grant::Password { .. }, Ok(None)) if version == Version::V1 => {
            Some(Target::default_resource(asks_openid(form)))
        }
        (_, target) => target?,
    })
}

/// Parameters that request another kind of token, such as one that is bound to a key. A bearer token in its place
/// would be mistaken for that kind, so such requests are refused.
const OTHER_KINDS: [&str; 6] =
    ["req_cnf", "req_ds_cnf", "dpop_jkt", "fmi_path", "authorization_details", "return_spa_code"];

/// Token type (RFC 8693, 3).
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// Checks that a form requests a bearer token and no other kind of token.
///
/// # Errors
/// [`RequestError::OtherTokenKind`] names the parameter.
pub fn bearer_only(form: &Form) -> Result<(), RequestError> {
    let filled = |name: &str| form.get(name).filter(|value| !value.is_empty());
    if filled("token_type").is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(RequestError::OtherTokenKind("token_type"));
    }
    if filled("requested_token_type").is_some_and(|kind| kind != ACCESS_TOKEN) {
        return Err(RequestError::OtherTokenKind("requested_token_type"));
    }
    match OTHER_KINDS.into_iter().find(|name| filled(name).is_some()) {
        Some(name) => Err(RequestError::OtherTokenKind(name)),
        None => Ok(()),
    }
}

/// Whether the `scope` parameter contains `openid`.
fn asks_openid(form: &Form) -> bool {
    form.get("scope").is_some_and(|text| text.split_whitespace().any(|value| value == "openid"))
}

/// The grant type as sent, cut to 64 characters, for the sign-in record of a request that could not be parsed.
#[must_use]
pub fn grant_name(form: &Form) -> String {
    clip(form.get("grant_type").unwrap_or_default())
}

fn required<'a>(form: &'a Form, name: &'static str) -> Result<&'a str, RequestError> {
    form.get(name).filter(|value| !value.is_empty()).ok_or(RequestError::Missing(name))
}

fn client(form: &Form, basic: Option<Basic>) -> Result<(AppId, Option<ClientSecret>), RequestError> {
    let named = form.get("client_id").filter(|value| !value.is_empty());
    let (text, secret) = match (named, basic) {
        (None, None) => return Err(RequestError::Missing("client_id")),
        (Some(name), None) => (name.to_owned(), None),
        (Some(name), Some(basic)) if !name.eq_ignore_ascii_case(&basic.client_id) => {
            return Err(RequestError::SeveralClientIds);
        }
        (_, Some(basic)) => (basic.client_id, Some(basic.secret)),
    };
    Ok((client_id(&text)?, secret))
}

/// Parses a client id.
///
/// # Errors
/// [`RequestError::ClientIdNotAGuid`] or [`RequestError::ClientIdZero`]
pub fn client_id(text: &str) -> Result<AppId, RequestError> {
    // Pages show this text. Without spaces, it cannot be mistaken for a sentence of Carnet's.
    let shown = || clip(text).split_whitespace().collect();
    let id: AppId = text.trim().parse().map_err(|_| RequestError::ClientIdNotAGuid(shown()))?;
    if id.uuid().is_nil() { Err(RequestError::ClientIdZero) } else { Ok(id) }
}

/// A part of a user's credential. A missing and an empty one have different errors.
fn filled<'a>(form: &'a Form, name: &'static str) -> Result<&'a str, RequestError> {
    let value = form.get(name).ok_or(RequestError::Missing(name))?;
    if value.is_empty() { Err(RequestError::FieldEmpty(name)) } else { Ok(value) }
}

fn credential(form: &Form, header: Option<ClientSecret>) -> Result<ClientAuth, RequestError> {
    let secret = form.get("client_secret").filter(|value| !value.is_empty());
    let assertion = form.get("client_assertion").filter(|value| !value.is_empty());
    if usize::from(secret.is_some()) + usize::from(assertion.is_some()) + usize::from(header.is_some()) > 1 {
        return Err(RequestError::SeveralCredentials);
    }
    if let Some(assertion) = assertion {
        return match form.get("client_assertion_type") {
            None | Some("") => Err(RequestError::Missing("client_assertion_type")),
            Some(JWT_BEARER) => Ok(ClientAuth::Assertion(Assertion::new(assertion.to_owned()))),
            Some(_) => Err(RequestError::Invalid("client_assertion_type")),
        };
    }
    let secret = secret.map(|text| ClientSecret::new(text.to_owned())).or(header);
    Ok(secret.map_or(ClientAuth::None, ClientAuth::Secret))
}

impl Target {
    /// The target of a v1.0 request without a resource: Azure AD Graph.
    #[must_use]
    pub fn default_resource(openid: bool) -> Self {
        Self::Resource { name: AZURE_AD.to_owned(), openid, implied: true }
    }

    /// The text that is stored with a code: the scope (v2.0), the resource (v1.0), or nothing for the default
    /// resource. [`target_of`](crate::authorize::target_of) parses it again.
    #[must_use]
    pub fn kept_text(&self) -> String {
        match self {
            Self::Scope(request) => request.to_string(),
            Self::Resource { implied: true, .. } => String::new(),
            Self::Resource { name, .. } => name.clone(),
        }
    }

    /// Parses the target of a form. `None` if the form names none.
    ///
    /// # Errors
    /// [`RequestError::Scope`]
    pub fn of(version: Version, form: &Form) -> Result<Option<Self>, RequestError> {
        let scope = form.get("scope").filter(|value| !value.trim().is_empty());
        let resource = form.get("resource").filter(|value| !value.is_empty());
        match version {
            Version::V2 => {
                let parsed =
                    scope.map(|text| ScopeRequest::parse(text).map_err(RequestError::Scope)).transpose()?;
                let beside = resource.map(str::to_owned);
                Ok(parsed
                    .map(|request| Target::Scope(ScopeRequest { resource_parameter: beside, ..request })))
            }
            Version::V1 => Ok(resource.map(|name| Target::Resource {
                name: name.to_owned(),
                openid: asks_openid(form),
                implied: false,
            })),
        }
    }
}

fn clip(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}

/// The client's id for the request, from the form field `client-request-id`.
#[must_use]
pub fn correlation(form: &Form) -> Option<CorrelationId> {
    form.get("client-request-id")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_form_is_a_request_or_none(
            names in proptest::collection::hash_map(
                "client_secret|client_assertion|client_assertion_type|scope|resource|username|password|refresh_token|claims|client_info",
                ".{0,40}", 0..12,
            ),
            grant in "password|client_credentials|refresh_token|.{0,10}",
            v2 in any::<bool>(),
        ) {
            let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
            let mut body: String = names.iter().map(|(name, value)| format!("{name}={}&", encode(value))).collect();
            body += &format!("{ID}&grant_type={}", encode(&grant));
            let Ok(form) = Form::parse(body.as_bytes()) else { return Ok(()) };
            let version = if v2 { Version::V2 } else { Version::V1 };
            if let Ok(request) = TokenRequest::parse(version, &form, None) {
                let read = match &request.grant {
                    Grant::Password { .. } => "password",
                    Grant::ClientCredentials => "client_credentials",
                    Grant::RefreshToken { .. } => "refresh_token",
                    Grant::OnBehalfOf { .. } => ON_BEHALF_OF,
                    Grant::AuthorizationCode { .. } => "authorization_code",
                    Grant::DeviceCode { .. } => DEVICE_CODE,
                };
                prop_assert_eq!(read, grant);
            }
        }
    }

    const ID: &str = "client_id=a0000000-0000-4000-8000-000000000001";

    fn parse(version: Version, body: &str) -> Result<TokenRequest, RequestError> {
        TokenRequest::parse(version, &Form::parse(body.as_bytes()).unwrap(), None)
    }

    #[test]
    fn the_articles_two_requests_are_read() {
        let scope = "scope=https%3A%2F%2Fapi.powerplatform.com%2F.default";
        let user =
            parse(Version::V2, &format!("{ID}&{scope}&username=a%40b&password=+p+&grant_type=password"))
                .unwrap();
        let Grant::Password { username, password } = &user.grant else { panic!("{user:?}") };
        assert_eq!((username.as_str(), password.expose()), ("a@b", " p "));
        let app = parse(Version::V2, &format!("{ID}&{scope}&client_secret=s&grant_type=client_credentials"))
            .unwrap();
        assert!(matches!(app.client_auth, ClientAuth::Secret(_)));
        assert!(matches!(app.target, Some(Target::Scope(_))));
    }

    #[test]
    fn a_user_name_has_at_most_256_bytes_row_162() {
        let body = |name: &str| format!("{ID}&grant_type=password&password=x&scope=s&username={name}");
        for name in ["a".repeat(256), "%C3%A4".repeat(128)] {
            assert!(parse(Version::V2, &body(&name)).is_ok(), "{name}");
        }
        for name in ["a".repeat(257), "%C3%A4".repeat(129), "%EF%B7%BA".repeat(86)] {
            let told = parse(Version::V2, &body(&name)).unwrap_err();
            assert_eq!(told, RequestError::Invalid("username"), "{name}");
        }
    }

    #[test]
    fn the_first_missing_parameter_is_named() {
        for (body, name) in [
            ("scope=a/.default", "grant_type"),
            ("grant_type=password", "client_id"),
            (&format!("{ID}&grant_type=password&password=x&scope=s"), "username"),
            (&format!("{ID}&grant_type=password&username=x&scope=s"), "password"),
            (&format!("{ID}&grant_type=client_credentials"), "scope"),
            (&format!("{ID}&grant_type=refresh_token"), "refresh_token"),
            (
                &format!("{ID}&grant_type=client_credentials&scope=s&client_assertion=a"),
                "client_assertion_type",
            ),
        ] {
            assert_eq!(parse(Version::V2, body).unwrap_err(), RequestError::Missing(name), "{body}");
        }
        let on_behalf =
            format!("{ID}&grant_type={ON_BEHALF_OF}&assertion=a&requested_token_use=on_behalf_of");
        assert_eq!(parse(Version::V1, &on_behalf).unwrap_err(), RequestError::Missing("resource"));
    }

    #[test]
    fn v1_without_a_resource_means_windows_azure_active_directory() {
        for grant in ["client_credentials", "password&username=a&password=b"] {
            for (scope, openid) in [("", false), ("&scope=openid", true), ("&scope=s", false)] {
                let read = parse(Version::V1, &format!("{ID}&grant_type={grant}{scope}")).unwrap();
                assert_eq!(read.target, Some(Target::default_resource(openid)), "{grant} {scope}");
            }
        }
        let named = parse(Version::V1, &format!("{ID}&grant_type=client_credentials&resource=r")).unwrap();
        let Some(Target::Resource { name, implied, .. }) = named.target else { panic!("a resource") };
        assert_eq!((name.as_str(), implied), ("r", false));
        assert!(parse(Version::V2, &format!("{ID}&grant_type=client_credentials")).is_err());
    }

    #[test]
    fn a_request_for_another_kind_of_token_is_refused_by_the_name_of_its_parameter() {
        let told = |version, more: &str| {
            parse(version, &format!("{ID}&grant_type=client_credentials&scope=s/.default&resource=r{more}"))
                .err()
        };
        for version in [Version::V1, Version::V2] {
            for (more, name) in [
                ("&token_type=pop&req_cnf=eyJraWQiOiJ4In0", "token_type"),
                ("&token_type=ssh-cert&key_id=k", "token_type"),
                ("&req_cnf=eyJraWQiOiJ4In0", "req_cnf"),
                ("&req_ds_cnf=x", "req_ds_cnf"),
                ("&dpop_jkt=x", "dpop_jkt"),
                ("&fmi_path=x", "fmi_path"),
                ("&authorization_details=%5B%5D", "authorization_details"),
                ("&return_spa_code=1", "return_spa_code"),
                ("&requested_token_type=urn:ietf:params:oauth:token-type:saml2", "requested_token_type"),
            ] {
                assert_eq!(told(version, more), Some(RequestError::OtherTokenKind(name)), "{more}");
            }
            for more in
                ["&token_type=Bearer", "&token_type=", "&fmi_path=", "&key_id=k", "&x-client-SKU=MSAL"]
            {
                assert_eq!(told(version, more), None, "{more}");
            }
            let access = format!("&requested_token_type={ACCESS_TOKEN}");
            assert_eq!(told(version, &access), None);
        }
    }

    #[test]
    fn two_credentials_or_two_clients_are_too_many_row_37() {
        let both = format!("{ID}&grant_type=client_credentials&scope=s&client_secret=a&client_assertion=b");
        assert_eq!(parse(Version::V2, &both).unwrap_err(), RequestError::SeveralCredentials);
        let other = Basic {
            client_id: "a0000000-0000-4000-8000-000000000002".into(),
            secret: ClientSecret::new("s".into()),
        };
        let form = Form::parse(format!("{ID}&grant_type=client_credentials&scope=s").as_bytes()).unwrap();
        assert_eq!(
            TokenRequest::parse(Version::V2, &form, Some(other)).unwrap_err(),
            RequestError::SeveralClientIds
        );
    }

    #[test]
    fn a_grant_that_is_not_served_is_named_row_55() {
        let error = parse(Version::V2, &format!("{ID}&grant_type=telepathy&scope=s")).unwrap_err();
        assert_eq!(error, RequestError::UnsupportedGrant("telepathy".into()));
    }

    #[test]
    fn capabilities_are_read_from_the_claims_parameter() {
        let body = |claims: &str| {
            format!("{ID}&grant_type=client_credentials&scope=s&client_secret=x&claims={claims}")
        };
        let on = parse(
            Version::V2,
            &body("%7B%22access_token%22%3A%7B%22xms_cc%22%3A%7B%22values%22%3A%5B%22CP1%22%5D%7D%7D%7D"),
        );
        assert!(on.unwrap().claims.capabilities_cp1);
        assert!(!parse(Version::V2, &body("%7B%7D")).unwrap().claims.capabilities_cp1);
        assert_eq!(parse(Version::V2, &body("%5B")).unwrap_err(), RequestError::Invalid("claims"));
    }
}
