//! The `claims` parameter (OpenID Connect Core, 5.5), and the claims challenges that make a client send it. Of the
//! parameter, these members are read: client capabilities (`xms_cc`), authentication contexts (`acrs`), and the
//! earliest time of the sign-in (`nbf`). Other members are ignored.

use super::request::RequestError;
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Maximum number of authentication contexts for one token in one request.
const MOST: usize = 25;

/// A parsed `claims` parameter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClaimsRequest {
    /// Whether `xms_cc` of the access token contains `cp1`: the client handles claims challenges (continuous access
    /// evaluation).
    pub capabilities_cp1: bool,
    /// `nbf` of the access token, if it is essential: the sign-in must not be older, in seconds since 1970.
    pub not_before: Option<i64>,
    /// The requested authentication contexts.
    pub acrs: AskedContexts,
}

/// Requested authentication contexts, by token.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AskedContexts {
    /// `id_token.acrs`
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub id_token: Vec<AskedContext>,
    /// `access_token.acrs`
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub access_token: Vec<AskedContext>,
}

impl AskedContexts {
    /// Whether no context is requested.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.id_token.is_empty() && self.access_token.is_empty()
    }

    /// The contexts without which no token may be issued.
    pub fn essential(&self) -> impl Iterator<Item = &str> {
        let all = self.id_token.iter().chain(&self.access_token);
        all.filter(|it| it.essential).map(|it| it.value.as_str())
    }
}

/// One requested authentication context.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedContext {
    /// The id, `c1` to `c99`.
    pub value: String,
    /// Whether the request must fail without the context.
    pub essential: bool,
}

impl ClaimsRequest {
    /// Parses the parameter. An absent or empty parameter requests nothing, and unknown members are ignored.
    ///
    /// # Errors
    /// [`RequestError::Invalid`] if it is not a JSON object.
    pub fn parse(text: Option<&str>) -> Result<Self, RequestError> {
        let Some(text) = text.filter(|value| !value.is_empty()) else { return Ok(Self::default()) };
        let claims: Map<String, Value> =
            serde_json::from_str(text).map_err(|_| RequestError::Invalid("claims"))?;
        let member = |token: &str, name: &str| claims.get(token).and_then(|it| it.get(name));
        let capabilities = values(member("access_token", "xms_cc"));
        Ok(Self {
            capabilities_cp1: capabilities.iter().any(|value| value.eq_ignore_ascii_case("cp1")),
            not_before: member("access_token", "nbf").and_then(seconds),
            acrs: AskedContexts {
                id_token: contexts(member("id_token", "acrs")),
                access_token: contexts(member("access_token", "acrs")),
            },
        })
    }
}

/// Whether the text is the id of an authentication context, `c1` to `c99`.
#[must_use]
pub fn is_context(id: &str) -> bool {
    let number = id.strip_prefix('c').unwrap_or_default();
    !number.starts_with('0') && matches!(number.len(), 1 | 2) && number.bytes().all(|b| b.is_ascii_digit())
}

/// What a claims challenge asks the client to request (Microsoft identity platform, "Claims challenges and claims
/// requests").
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Challenge {
    /// A sign-in that is not older than this second. The form is that of Graph's answers
    /// (microsoftgraph/msgraph-sdk-dotnet#1416).
    NotBefore(i64),
    /// The ids of the conditional access policies that were not satisfied.
    Policies(Vec<Uuid>),
}

impl Challenge {
    /// The value for the `claims` parameter.
    #[must_use]
    pub fn json(&self) -> String {
        let member = match self {
            Self::NotBefore(seconds) => {
                json!({ "nbf": { "essential": true, "value": seconds.to_string() } })
            }
            Self::Policies(ids) => json!({ "capolids": { "essential": true, "values": ids } }),
        };
        json!({ "access_token": member }).to_string()
    }

    /// The value for a `WWW-Authenticate` header.
    #[must_use]
    pub fn base64(&self) -> String {
        STANDARD.encode(self.json())
    }
}

/// Maximum length of a claims challenge that the client repeats, in bytes.
const LONGEST: usize = 16 * 1024;

/// The claims challenge in a `WWW-Authenticate` header, as JSON text. `None` unless the header has both `claims` and
/// the error `insufficient_claims`.
#[must_use]
pub fn challenged(header: &str) -> Option<String> {
    let parameters = || header.split([',', ' ']).filter_map(|part| part.trim().split_once('='));
    let value = |name: &str| {
        let found = parameters().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim_matches('"'))
    };
    let claims = value("claims").filter(|_| value("error") == Some("insufficient_claims"))?;
    let bytes = STANDARD_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    String::from_utf8(bytes).ok().filter(|text| text.len() <= LONGEST)
}

/// The `claims` parameter of a client that handles claims challenges: the challenge (JSON), if any, and the
/// capability `cp1`. `None` if the challenge is not a JSON object.
#[must_use]
pub fn with_cp1(challenge: Option<&str>) -> Option<String> {
    let mut claims: Map<String, Value> =
        challenge.map_or_else(|| Some(Map::new()), |text| serde_json::from_str(text).ok())?;
    let access = claims.entry("access_token").or_insert_with(|| json!({}));
    access.as_object_mut()?.insert("xms_cc".into(), json!({ "values": ["cp1"] }));
    Some(Value::Object(claims).to_string())
}

/// The value of an essential member in seconds, sent as a string or number.
fn seconds(member: &Value) -> Option<i64> {
    let value = member.get("value").filter(|_| member.get("essential") == Some(&Value::Bool(true)))?;
    value.as_i64().or_else(|| value.as_str()?.parse().ok()).filter(|seconds| *seconds >= 0)
}

fn contexts(member: Option<&Value>) -> Vec<AskedContext> {
    let essential = member.and_then(|it| it.get("essential")).and_then(Value::as_bool).unwrap_or(false);
    let named = values(member).into_iter().filter(|value| is_context(value)).take(MOST);
    named.map(|value| AskedContext { value: value.to_owned(), essential }).collect()
}

/// The strings in `value` and `values` of a requested claim.
fn values(member: Option<&Value>) -> Vec<&str> {
    let Some(member) = member else { return Vec::new() };
    let several = member.get("values").and_then(Value::as_array).into_iter().flatten();
    member.get("value").into_iter().chain(several).filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> ClaimsRequest {
        ClaimsRequest::parse(Some(text)).unwrap()
    }

    #[test]
    fn contexts_are_read_for_each_token_by_value_and_by_values() {
        let asked = parse(
            r#"{"id_token":{"acrs":{"essential":true,"value":"c1"}},
                "access_token":{"acrs":{"values":["c2","c3"]},"xms_cc":{"values":["CP1"]}}}"#,
        );
        assert!(asked.capabilities_cp1);
        assert_eq!(asked.acrs.id_token, [AskedContext { value: "c1".into(), essential: true }]);
        let names: Vec<&str> = asked.acrs.access_token.iter().map(|it| it.value.as_str()).collect();
        assert_eq!(names, ["c2", "c3"]);
        assert_eq!(asked.acrs.essential().collect::<Vec<_>>(), ["c1"]);
    }

    #[test]
    fn a_challenge_comes_back_as_it_was_given() {
        let challenge = Challenge::NotBefore(1_657_834_417);
        assert_eq!(challenge.json(), r#"{"access_token":{"nbf":{"essential":true,"value":"1657834417"}}}"#);
        let asked = parse(&with_cp1(Some(&challenge.json())).unwrap());
        assert_eq!((asked.not_before, asked.capabilities_cp1), (Some(1_657_834_417), true));
        let rules = Challenge::Policies(vec![Uuid::from_u128(7)]).json();
        assert!(
            rules.starts_with(r#"{"access_token":{"capolids":{"essential":true,"values":["0000"#),
            "{rules}"
        );
        assert_eq!(parse(&with_cp1(Some(&rules)).unwrap()).not_before, None);
        assert!(parse(&with_cp1(None).unwrap()).capabilities_cp1);
        assert_eq!(with_cp1(Some("[")), None);
        assert_eq!(with_cp1(Some(r#"{"access_token":1}"#)), None);
    }

    #[test]
    fn a_recorded_challenge_is_understood() {
        let recorded = r#"Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", client_id="00000003-0000-0000-c000-000000000000", error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwgInZhbHVlIjoiMTY1NzgzNDQxNyJ9fX0=", errorDescription="x""#;
        assert_eq!(parse(&challenged(recorded).unwrap()).not_before, Some(1_657_834_417));
        for other in [
            r#"Bearer realm="", error="invalid_token""#,
            r#"Bearer error="insufficient_claims""#,
            r#"Bearer error="invalid_token", claims="e30=""#,
            r#"Bearer error="insufficient_claims", claims="%%%""#,
            "",
        ] {
            assert_eq!(challenged(other), None, "{other}");
        }
    }

    #[test]
    fn a_recorded_challenge_has_spaces_inside() {
        let header =
            "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwgInZhbHVlIjoiMTY1NzgzNDQxNyJ9fX0=";
        let text = String::from_utf8(STANDARD.decode(header).unwrap()).unwrap();
        assert_eq!(parse(&text).not_before, Some(1_657_834_417));
    }

    #[test]
    fn what_is_not_understood_asks_for_nothing() {
        for text in [
            "{}",
            r#"{"id_token":null}"#,
            r#"{"id_token":{"acrs":"c1"}}"#,
            r#"{"id_token":{"acrs":{"value":7}}}"#,
            r#"{"id_token":{"acrs":{"values":["c0","c100","C1","d1","c","urn:x"]}}}"#,
            r#"{"id_token":{"xms_cc":{"values":["cp1"]}}}"#,
            r#"{"userinfo":{"acrs":{"value":"c1"}}}"#,
            r#"{"access_token":{"nbf":{"value":"5"}}}"#,
            r#"{"access_token":{"nbf":{"essential":true,"value":"-5"}}}"#,
            r#"{"access_token":{"nbf":{"essential":true,"value":"x"}}}"#,
        ] {
            assert_eq!(parse(text), ClaimsRequest::default(), "{text}");
        }
        assert_eq!(ClaimsRequest::parse(None), Ok(ClaimsRequest::default()));
    }

    #[test]
    fn text_that_is_no_object_is_an_error() {
        for text in ["[", "[]", "1", "x"] {
            assert_eq!(ClaimsRequest::parse(Some(text)), Err(RequestError::Invalid("claims")), "{text}");
        }
    }
}
