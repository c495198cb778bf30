//! Successful responses of the token endpoint (RFC 6749, 5.1), with the members in Entra's order: v2.0 sends numbers,
//! v1.0 decimal strings and the resource (observed).

use crate::ids::{ObjectId, TenantId};
use base64::Engine as _;
use serde::{Deserialize, Serialize};

/// The tokens of a response, which are its last members.
#[derive(Debug)]
pub struct Tokens<'a> {
    /// The access token.
    pub access: &'a str,
    /// The refresh token, if `offline_access` was requested. In v1.0, every user gets one.
    pub refresh: Option<&'a str>,
    /// The ID token, if `openid` was requested.
    pub id: Option<&'a str>,
    /// The encoded [`ClientInfo`], if `client_info=1` was sent and the subject is a user.
    pub client_info: Option<&'a str>,
}

/// The members of a v2.0 response that precede the tokens.
#[derive(Debug, Serialize)]
pub struct ReplyV2<'a> {
    /// Always `Bearer`.
    pub token_type: &'static str,
    /// The scopes, for users only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<&'a str>,
    /// Lifetime in seconds.
    pub expires_in: i64,
    /// Extended lifetime in seconds, equal to `expires_in`.
    pub ext_expires_in: i64,
}

/// The members of a v1.0 response that precede the tokens.
#[derive(Debug, Serialize)]
pub struct ReplyV1<'a> {
    /// Always `Bearer`.
    pub token_type: &'static str,
    /// The scopes as short names, for users only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<&'a str>,
    /// Lifetime in seconds, as a string.
    pub expires_in: String,
    /// Extended lifetime in seconds, as a string.
    pub ext_expires_in: String,
    /// Expiry in seconds since 1970, as a string.
    pub expires_on: String,
    /// Start of validity in seconds since 1970, as a string.
    pub not_before: String,
    /// The resource as requested.
    pub resource: &'a str,
}

impl Tokens<'_> {
    /// The whole response body: the members of `head`, which must be an object, followed by the tokens.
    ///
    /// # Errors
    /// If `head` cannot be serialized, which does not happen for [`ReplyV1`] and [`ReplyV2`].
    pub fn after(&self, head: &impl Serialize) -> serde_json::Result<Vec<u8>> {
        let texts = [
            ("access_token", Some(self.access)),
            ("refresh_token", self.refresh),
            ("id_token", self.id),
            ("client_info", self.client_info),
        ];
        let long: usize = texts.iter().filter_map(|(_, text)| *text).map(str::len).sum();
        let mut body = Vec::with_capacity(long + 512);
        serde_json::to_writer(&mut body, head)?;
        body.pop();
        for (name, text) in texts {
            let Some(text) = text else { continue };
            body.extend_from_slice(b",\"");
            body.extend_from_slice(name.as_bytes());
            body.extend_from_slice(b"\":");
            // Tokens are kilobytes of text without characters to escape, so they are copied as a whole.
            if is_plain(text) {
                body.push(b'"');
                body.extend_from_slice(text.as_bytes());
                body.push(b'"');
            } else {
                serde_json::to_writer(&mut body, text)?;
            }
        }
        body.push(b'}');
        Ok(body)
    }
}

/// Whether JSON escapes nothing in this text. The loop has no early exit, so that the compiler can vectorize it.
fn is_plain(text: &str) -> bool {
    text.bytes().fold(true, |plain, byte| plain & (byte >= b' ') & (byte != b'"') & (byte != b'\\'))
}

/// The account of a response: the `client_info` member, base64url of compact JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientInfo {
    /// The user's object id in the home tenant.
    pub uid: ObjectId,
    /// The home tenant.
    pub utid: TenantId,
}

impl ClientInfo {
    /// Encodes for a response.
    #[must_use]
    pub fn encode(&self) -> String {
        let json = format!("{{\"uid\":\"{}\",\"utid\":\"{}\"}}", self.uid, self.utid);
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json)
    }

    /// Decodes the text of a response.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        let bytes =
            base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?;
        serde_json::from_slice(&bytes).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn client_info_reads_back(uid: u128, utid: u128) {
            let info = ClientInfo { uid: ObjectId::new(uuid::Uuid::from_u128(uid)), utid: TenantId::new(uuid::Uuid::from_u128(utid)) };
            prop_assert_eq!(ClientInfo::decode(&info.encode()), Some(info));
        }

        #[test]
        fn every_token_comes_back_from_the_answer(access in ".{0,40}", refresh in proptest::option::of("[ -~\u{0}-\u{20}]{0,9}")) {
            let head = ReplyV2 { token_type: "Bearer", scope: Some("a"), expires_in: 1, ext_expires_in: 1 };
            let tokens = Tokens { access: &access, refresh: refresh.as_deref(), id: None, client_info: Some("c") };
            let body: serde_json::Value = serde_json::from_slice(&tokens.after(&head).unwrap()).unwrap();
            prop_assert_eq!(body["access_token"].as_str(), Some(access.as_str()));
            prop_assert_eq!(body["refresh_token"].as_str(), refresh.as_deref());
            prop_assert_eq!((body.get("id_token"), &body["client_info"], &body["scope"]), (None, &"c".into(), &"a".into()));
        }

        #[test]
        fn any_text_is_read_or_is_none(text in ".{0,60}") {
            let _ = ClientInfo::decode(&text);
        }
    }

    #[test]
    fn an_app_only_answer_has_the_articles_fields_and_no_other() {
        let head = ReplyV2 { token_type: "Bearer", scope: None, expires_in: 3599, ext_expires_in: 3599 };
        let tokens = Tokens { access: "t", refresh: None, id: None, client_info: None };
        assert_eq!(
            String::from_utf8(tokens.after(&head).unwrap()).unwrap(),
            r#"{"token_type":"Bearer","expires_in":3599,"ext_expires_in":3599,"access_token":"t"}"#
        );
    }
}
