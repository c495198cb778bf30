//! Tokens of the authorize endpoint: implicit and hybrid sign-in (OpenID Connect Core, 3.2 and 3.3), for applications
//! that turned them on.

use super::{Approval, Configured, CredentialUsed, Denial, Resource, Subject, password, scope};
use crate::{
    authorize::{Admitted, SignedIn},
    directory::Directory,
};
use carnet_wire::{
    authorize::Asked, digest, entropy::Entropy, jose::encode_base64url, token::request::Version,
};

/// What was asked at the authorize endpoint, and where.
pub struct FrontChannel<'a> {
    /// Client and tenant.
    pub admitted: &'a Admitted,
    /// What comes back.
    pub asked: &'a Asked,
    /// The edition of the endpoint.
    pub version: Version,
    /// Base URLs of Graph on this server.
    pub graphs: &'a [String],
    /// Randomness for the access token's lifetime.
    pub entropy: &'a dyn Entropy,
}

/// What the tokens say that go back with somebody who is signed in and may have a code. An access token comes of it
/// only where one was asked for.
///
/// # Errors
/// [`Denial`] as for the code.
pub fn tokens(
    directory: &Directory,
    what: &FrontChannel<'_>,
    signed_in: &SignedIn<'_>,
) -> Result<Approval, Denial> {
    let FrontChannel { admitted, asked, version, graphs, entropy } = *what;
    let (client, user) = (&admitted.client, signed_in.user);
    let mut resolved = scope::resolve_usable(directory, graphs, &asked.target)?;
    resolved.resource.ask_spn(asked.spn_audience);
    let contexts = &asked.claims.acrs;
    let principal = client.principal.as_ref();
    let mut approval = Approval {
        client: client.clone(),
        credential: CredentialUsed::Public,
        scopes: Vec::new(),
        roles: Vec::new(),
        id_roles: principal.map_or_else(Vec::new, |it| scope::roles_of_user(directory, user.id, it)),
        access: Configured::default(),
        id: Configured::of_client(directory, client, user.id).with_contexts(
            directory,
            &contexts.id_token,
            signed_in.methods,
        ),
        directory_roles: directory.roles_of(user.id).map(|it| it.key.role).collect(),
        continuous: false,
        lifetime: 0,
        scope_text: None,
        openid: asked.response.id_token,
        profile: resolved.oidc.profile,
        email: resolved.oidc.email,
        refresh: false,
        nonce: asked.nonce.clone(),
        signed_in: Some(signed_in.at),
        auth_time: asked.max_age.is_some(),
        session: Some(signed_in.session),
        client_info: asked.client_info,
        version,
        resource: resolved.resource.clone(),
        subject: Subject::User { user: user.clone(), methods: signed_in.methods.to_vec() },
    };
    if asked.response.token {
        scope::over(&admitted.named, client, &resolved.resource)?;
        let resource: &Resource = &resolved.resource;
        approval.scopes = scope::delegated(directory, client, user, &resolved)?;
        approval.scope_text = Some(scope::text(&asked.target, &resolved, &approval.scopes));
        approval.roles = scope::roles_of_user(directory, user.id, &resource.principal);
        let wants = (resource.claims, resource.groups);
        approval.access = Configured::of(directory, wants, Some(resource.principal.id), user.id)
            .with_capability(asked.claims.capabilities_cp1)
            .with_contexts(directory, &contexts.access_token, signed_in.methods);
        approval.lifetime = password::usual_lifetime(entropy);
    }
    Ok(approval)
}

/// `c_hash` of a code and `at_hash` of an access token: the left half of the digest (OpenID Connect Core, 3.3.2.11).
#[must_use]
pub fn half_hash(text: &str) -> String {
    let digest = digest::sha256(&[text.as_bytes()]);
    encode_base64url(&digest[..digest.len() / 2])
}

#[cfg(test)]
mod tests {
    use super::half_hash;

    #[test]
    fn the_hash_of_a_code_is_the_one_of_the_standards_example() {
        // OpenID Connect Core, A.4.
        assert_eq!(
            half_hash("Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk"),
            "LDktKdoQak3Pk0cnXxCltA"
        );
    }
}
