//! Token requests, with one file for each grant type. A request is sent once; a password is never sent again after a
//! failure.

pub mod client_credentials;
pub mod password;
pub mod refresh_token;

use crate::{
    authority::Authority,
    failure::ClientError,
    transport::{ApiResponse, Transport},
};
use carnet_wire::secret::{AccessToken, RefreshToken};
use serde_json::Value;

/// An issued token.
#[derive(Debug, Clone)]
pub struct Token {
    /// The access token.
    pub access: AccessToken,
    /// The refresh token, if `offline_access` was requested.
    pub refresh: Option<RefreshToken>,
    /// Lifetime of the access token in seconds.
    pub expires_in: i64,
    /// The granted scopes, for users.
    pub scope: Option<String>,
    /// The response body, for `carnet token --output json`.
    pub body: Value,
}

/// The parameters of a token request that all grant types share.
#[derive(Debug, Clone, Copy)]
pub struct TokenParameters<'a> {
    /// The `scope` parameter.
    pub scope: &'a str,
    /// The `claims` parameter: client capabilities, and the claims challenge of an API.
    pub claims: Option<&'a str>,
}

impl<'a> From<&'a str> for TokenParameters<'a> {
    fn from(scope: &'a str) -> Self {
        Self { scope, claims: None }
    }
}

impl<'a> From<&'a String> for TokenParameters<'a> {
    fn from(scope: &'a String) -> Self {
        Self { scope, claims: None }
    }
}

/// Sends a form to the tenant's token endpoint and parses the response.
async fn ask(
    transport: &Transport,
    authority: &Authority,
    fields: &[(&str, &str)],
) -> Result<Token, ClientError> {
    let url = authority.token_endpoint();
    let ApiResponse { body, .. } = transport.form(&url, fields).await?;
    read(body).ok_or_else(|| ClientError::Unexpected { url, what: "the body has no bearer token".into() })
}

fn read(body: Value) -> Option<Token> {
    let access = AccessToken::new(body["access_token"].as_str()?.to_owned());
    if !body["token_type"].as_str()?.eq_ignore_ascii_case("Bearer") {
        return None;
    }
    // v2.0 sends numbers, v1.0 decimal strings.
    let seconds = &body["expires_in"];
    let expires_in = seconds.as_i64().or_else(|| seconds.as_str()?.parse().ok())?;
    let refresh = body["refresh_token"].as_str().map(|text| RefreshToken::new(text.to_owned()));
    let scope = body["scope"].as_str().map(str::to_owned);
    Some(Token { access, refresh, expires_in, scope, body })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_and_decimal_strings_both_count_seconds() {
        for seconds in [json!(3599), json!("3599")] {
            let token =
                read(json!({"token_type": "bearer", "expires_in": seconds, "access_token": "a"})).unwrap();
            assert_eq!((token.expires_in, token.scope), (3599, None));
        }
    }

    #[test]
    fn an_answer_that_is_no_bearer_token_is_none() {
        for body in [
            json!({}),
            json!({"token_type": "mac", "expires_in": 1, "access_token": "a"}),
            json!({"token_type": "Bearer", "access_token": "a"}),
        ] {
            assert!(read(body).is_none());
        }
    }
}
