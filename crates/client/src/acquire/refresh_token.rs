//! Access tokens for the same user with a refresh token (RFC 6749, 6).

use super::{Token, ask};
use crate::{authority::Authority, failure::ClientError, transport::Transport};
use carnet_wire::{ids::AppId, secret::RefreshToken};

/// Redeems a refresh token of a public client, for the same or another resource.
///
/// # Errors
/// [`ClientError`]
pub async fn acquire(
    transport: &Transport,
    authority: &Authority,
    client: AppId,
    token: &RefreshToken,
    scope: &str,
) -> Result<Token, ClientError> {
    let client = client.to_string();
    let fields = [
        ("client_id", client.as_str()),
        ("scope", scope),
        ("refresh_token", token.expose()),
        ("grant_type", "refresh_token"),
    ];
    ask(transport, authority, &fields).await
}
