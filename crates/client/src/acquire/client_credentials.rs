//! Access tokens for an application itself, with a secret or a certificate (RFC 6749, 4.4; setup step 5).

use super::{Token, TokenParameters, ask};
use crate::{authority::Authority, clock, failure::ClientError, transport::Transport};
use carnet_wire::{ids::AppId, jose::ClientKey, secret::ClientSecret};
use std::sync::Arc;

/// The credential of an application.
#[derive(Debug, Clone)]
pub enum Credential {
    /// A client secret.
    Secret(ClientSecret),
    /// A certificate with its private key, which signs a client assertion.
    Certificate(Arc<ClientKey>),
}

/// An application and its credential.
#[derive(Debug, Clone)]
pub struct Application {
    /// The client id.
    pub client: AppId,
    /// The credential.
    pub credential: Credential,
}

/// Requests a token. The scope is `{resource}/.default` of one resource.
///
/// # Errors
/// [`ClientError`]
pub async fn acquire(
    transport: &Transport,
    authority: &Authority,
    application: &Application,
    parameters: impl Into<TokenParameters<'_>>,
) -> Result<Token, ClientError> {
    let (client, parameters) = (application.client.to_string(), parameters.into());
    let mut base = vec![
        ("client_id", client.as_str()),
        ("scope", parameters.scope),
        ("grant_type", "client_credentials"),
    ];
    base.extend(parameters.claims.map(|claims| ("claims", claims)));
    match &application.credential {
        Credential::Secret(secret) => {
            let fields = [&base[..], &[("client_secret", secret.expose())]].concat();
            ask(transport, authority, &fields).await
        }
        Credential::Certificate(key) => {
            // The audience is taken from the configuration, never from metadata.
            let assertion = key
                .assertion(application.client, &authority.token_endpoint(), clock::now(), &clock::OsEntropy)
                .map_err(|error| {
                    ClientError::Input(format!("signing with the certificate failed: {error}"))
                })?;
            let proof = [("client_assertion_type", JWT_BEARER), ("client_assertion", assertion.expose())];
            ask(transport, authority, &[&base[..], &proof[..]].concat()).await
        }
    }
}

/// Client assertion type (RFC 7523, 2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
