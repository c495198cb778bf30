//! Step 5, service principal: a token for an application by itself, with a secret or a certificate.

use super::{Token, Wanted, ask};
use crate::{authority::Place, clock, failure::ClientError, transport::Transport};
use carnet_wire::{ids::AppId, jose::ClientKey, secret::ClientSecret};
use std::sync::Arc;

/// What the application proves itself with.
#[derive(Debug, Clone)]
pub enum Credential {
    /// A client secret.
    Secret(ClientSecret),
    /// A certificate and its private key, which sign an assertion.
    Certificate(Arc<ClientKey>),
}

/// An application with its credential.
#[derive(Debug, Clone)]
pub struct Application {
    /// The application.
    pub client: AppId,
    /// Its credential.
    pub credential: Credential,
}

/// Asks for a token, whose scope is one resource's `/.default`.
///
/// # Errors
/// [`ClientError`]
pub async fn acquire(
    transport: &Transport,
    place: &Place,
    application: &Application,
    wanted: impl Into<Wanted<'_>>,
) -> Result<Token, ClientError> {
    let (client, wanted) = (application.client.to_string(), wanted.into());
    let mut base =
        vec![("client_id", client.as_str()), ("scope", wanted.scope), ("grant_type", "client_credentials")];
    base.extend(wanted.claims.map(|claims| ("claims", claims)));
    match &application.credential {
        Credential::Secret(secret) => {
            let fields = [&base[..], &[("client_secret", secret.expose())]].concat();
            ask(transport, place, &fields).await
        }
        Credential::Certificate(key) => {
            // The audience comes from configuration, never from metadata.
            let assertion = key
                .assertion(application.client, &place.token_endpoint(), clock::now(), &clock::OsEntropy)
                .map_err(|error| ClientError::Input(format!("the certificate cannot sign: {error}")))?;
            let proof = [("client_assertion_type", JWT_BEARER), ("client_assertion", assertion.expose())];
            ask(transport, place, &[&base[..], &proof[..]].concat()).await
        }
    }
}

/// RFC 7523, 2.2.
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
