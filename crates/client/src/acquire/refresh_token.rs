//! A token for the same user again, or for another resource, by a refresh token.

use super::{Token, ask};
use crate::{authority::Place, failure::ClientError, transport::Transport};
use carnet_wire::{ids::AppId, secret::RefreshToken};

/// Exchanges a refresh token of a public client.
///
/// # Errors
/// [`ClientError`]
pub async fn acquire(
    transport: &Transport,
    place: &Place,
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
    ask(transport, place, &fields).await
}
