//! Step 5, user name and password: a token for a user, through a public client (step 3) or one that
//! proves itself besides.

use super::{Token, Wanted, ask};
use crate::{authority::Place, failure::ClientError, transport::Transport};
use carnet_wire::{
    ids::AppId,
    secret::{ClientSecret, Password},
};

/// Who signs in, through which application.
#[derive(Debug, Clone)]
pub struct User {
    /// The application.
    pub client: AppId,
    /// The application's secret, unless it is a public client.
    pub secret: Option<ClientSecret>,
    /// The user principal name.
    pub name: String,
    /// The password.
    pub password: Password,
}

/// Asks for a token.
///
/// # Errors
/// [`ClientError`]
pub async fn acquire(
    transport: &Transport,
    place: &Place,
    user: &User,
    wanted: impl Into<Wanted<'_>>,
) -> Result<Token, ClientError> {
    let (client, wanted) = (user.client.to_string(), wanted.into());
    let mut fields = vec![
        ("client_id", client.as_str()),
        ("scope", wanted.scope),
        ("username", user.name.as_str()),
        ("password", user.password.expose()),
        ("grant_type", "password"),
    ];
    if let Some(secret) = &user.secret {
        fields.push(("client_secret", secret.expose()));
    }
    fields.extend(wanted.claims.map(|claims| ("claims", claims)));
    ask(transport, place, &fields).await
}
