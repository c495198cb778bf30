//! Getting tokens, one file for each way. A request is made once: a password is never tried again.

pub mod client_credentials;
pub mod password;
pub mod refresh_token;

use crate::{
    authority::Place,
    failure::ClientError,
    transport::{Answered, Transport},
};
use carnet_wire::secret::{AccessToken, RefreshToken};
use serde_json::Value;

/// A token that was issued.
#[derive(Debug, Clone)]
pub struct Token {
    /// The access token.
    pub access: AccessToken,
    /// The refresh token, when `offline_access` was asked for.
    pub refresh: Option<RefreshToken>,
    /// Seconds until the access token ends.
    pub expires_in: i64,
    /// The scopes that were given, for users.
    pub scope: Option<String>,
    /// The answer as it came, for `carnet token --output json`.
    pub body: Value,
}

/// What a token is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The scope.
    pub scope: &'a str,
    /// The `claims` parameter: what the client can do, and what an API challenged it for.
    pub claims: Option<&'a str>,
}

impl<'a> From<&'a str> for Wanted<'a> {
    fn from(scope: &'a str) -> Self {
        Self { scope, claims: None }
    }
}

impl<'a> From<&'a String> for Wanted<'a> {
    fn from(scope: &'a String) -> Self {
        Self { scope, claims: None }
    }
}

/// Sends a form to the tenant's token endpoint and reads the token out of the answer.
async fn ask(transport: &Transport, place: &Place, fields: &[(&str, &str)]) -> Result<Token, ClientError> {
    let url = place.token_endpoint();
    let Answered { body, .. } = transport.form(&url, fields).await?;
    read(body).ok_or_else(|| ClientError::Unexpected { url, what: "a body without a bearer token".into() })
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
