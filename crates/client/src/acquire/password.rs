//! Access tokens for a user, with user name and password (RFC 6749, 4.3; setup step 5). The client is a public client
//! (step 3) or authenticates with a secret.

use super::{Token, TokenParameters, ask};
use crate::{authority::Authority, failure::ClientError, transport::Transport};
use carnet_wire::{
    ids::AppId,
    secret::{ClientSecret, Password},
};

/// A user and the client through which the user signs in.
#[derive(Debug, Clone)]
pub struct User {
    /// The client id.
    pub client: AppId,
    /// The client's secret, unless it is a public client.
    pub secret: Option<ClientSecret>,
    /// The user principal name.
    pub name: String,
    /// The password.
    pub password: Password,
}

/// Requests a token.
///
/// # Errors
/// [`ClientError`]
pub async fn acquire(
    transport: &Transport,
    authority: &Authority,
    user: &User,
    parameters: impl Into<TokenParameters<'_>>,
) -> Result<Token, ClientError> {
    let (client, parameters) = (user.client.to_string(), parameters.into());
    let mut fields = vec![
        ("client_id", client.as_str()),
        ("scope", parameters.scope),
        ("username", user.name.as_str()),
        ("password", user.password.expose()),
        ("grant_type", "password"),
    ];
    if let Some(secret) = &user.secret {
        fields.push(("client_secret", secret.expose()));
    }
    fields.extend(parameters.claims.map(|claims| ("claims", claims)));
    ask(transport, authority, &fields).await
}
