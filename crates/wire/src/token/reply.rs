//! Bodies of granted token requests, in the order and with the types of each edition: v2.0 sends
//! numbers, v1.0 decimal texts and the resource (`reference/token-endpoint.md`, 4).

use crate::ids::{ObjectId, TenantId};
use base64::Engine as _;
use serde::{Deserialize, Serialize};

/// A v2.0 answer.
#[derive(Debug, Serialize)]
pub struct ReplyV2<'a> {
    /// Always `Bearer`.
    pub token_type: &'static str,
    /// For users only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<&'a str>,
    /// Seconds.
    pub expires_in: i64,
    /// Seconds; equal to `expires_in`, as recorded.
    pub ext_expires_in: i64,
    /// The access token.
    pub access_token: &'a str,
    /// When `offline_access` was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<&'a str>,
    /// When `openid` was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<&'a str>,
    /// When `client_info=1` was asked for and a user is the subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_info: Option<&'a str>,
}

/// A v1.0 answer.
#[derive(Debug, Serialize)]
pub struct ReplyV1<'a> {
    /// Always `Bearer`.
    pub token_type: &'static str,
    /// For users only, short names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<&'a str>,
    /// Seconds, as text.
    pub expires_in: String,
    /// Seconds, as text.
    pub ext_expires_in: String,
    /// Seconds since 1970, as text.
    pub expires_on: String,
    /// Seconds since 1970, as text.
    pub not_before: String,
    /// The resource as asked.
    pub resource: &'a str,
    /// The access token.
    pub access_token: &'a str,
    /// For users.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<&'a str>,
    /// When `openid` was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<&'a str>,
    /// When `client_info=1` was asked for and a user is the subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_info: Option<&'a str>,
}

/// Whose account an answer is about: `client_info`, base64url of compact JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientInfo {
    /// The user's object id in the home tenant.
    pub uid: ObjectId,
    /// The home tenant.
    pub utid: TenantId,
}

impl ClientInfo {
    /// The text that travels.
    #[must_use]
    pub fn encode(&self) -> String {
        let json = format!("{{\"uid\":\"{}\",\"utid\":\"{}\"}}", self.uid, self.utid);
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json)
    }

    /// Reads the text.
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
        fn any_text_is_read_or_is_none(text in ".{0,60}") {
            let _ = ClientInfo::decode(&text);
        }
    }

    #[test]
    fn an_app_only_answer_has_the_articles_fields_and_no_other() {
        let body = ReplyV2 {
            token_type: "Bearer",
            scope: None,
            expires_in: 3599,
            ext_expires_in: 3599,
            access_token: "t",
            refresh_token: None,
            id_token: None,
            client_info: None,
        };
        let text = serde_json::to_string(&body).unwrap();
        assert_eq!(
            text,
            r#"{"token_type":"Bearer","expires_in":3599,"ext_expires_in":3599,"access_token":"t"}"#
        );
    }
}
