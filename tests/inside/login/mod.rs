//! The token service behind the router: each grant with its nearest noes, discovery, and the shapes of whole
//! answers.

mod admin_consent;
mod certificate;
mod claims;
mod codes;
mod device;
mod device_sign_in;
mod discovery;
mod each_grant;
mod evaluation;
mod federated;
mod first_edition;
mod first_party;
mod forms;
mod hybrid;
mod implicit;
mod interactive;
mod libraries;
mod microsoft_apis;
mod multi_tenant;
mod names;
mod notices;
mod on_behalf;
mod organizations;
mod password;
mod questions;
mod refresh;
mod rotation;
pub(crate) mod second_factor;
mod secret;
mod sessions;
mod shapes;
mod spa;

use carnet_tests::{Contoso, PUBLIC, UNCONSENTED};

/// The usual tenant, with an address for the answers of its public clients.
async fn contoso(policy: &str) -> Contoso {
    contoso_with(policy, "").await
}

/// The same, with further tables of its file.
async fn contoso_with(policy: &str, more: &str) -> Contoso {
    let t = Contoso::with(policy, more).await;
    t.registered(&[PUBLIC, UNCONSENTED]).await;
    t
}
