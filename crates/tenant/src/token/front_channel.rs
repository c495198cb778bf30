//! ID tokens of the authorize endpoint: implicit and hybrid sign-in (OpenID Connect Core, 3.2 and 3.3), for
//! applications that turned them on.

use super::{Approval, Configured, CredentialUsed, Denial, Subject, scope};
use crate::{
    authorize::{Admitted, SignedIn},
    directory::Directory,
};
use carnet_wire::{authorize::Asked, digest, jose::encode_base64url, token::request::Version};

/// What an ID token says that goes back with somebody who is signed in and may have a code. No access token
/// comes of it.
///
/// # Errors
/// [`Denial`] as for the code.
pub fn id_token(
    directory: &Directory,
    (admitted, asked, version): (&Admitted, &Asked, Version),
    signed_in: &SignedIn<'_>,
    graphs: &[String],
) -> Result<Approval, Denial> {
    let (client, user) = (&admitted.client, signed_in.user);
    let resolved = scope::resolve_usable(directory, graphs, &asked.target)?;
    let contexts = &asked.claims.acrs.id_token;
    let principal = client.principal.as_ref();
    Ok(Approval {
        client: client.clone(),
        credential: CredentialUsed::Public,
        scopes: Vec::new(),
        roles: Vec::new(),
        id_roles: principal.map_or_else(Vec::new, |it| scope::roles_of_user(directory, user.id, it)),
        access: Configured::default(),
        id: Configured::of_client(directory, client, user.id).with_contexts(
            directory,
            contexts,
            signed_in.methods,
        ),
        directory_roles: directory.roles_of(user.id).map(|it| it.key.role).collect(),
        continuous: false,
        lifetime: 0,
        scope_text: None,
        openid: true,
        profile: resolved.oidc.profile,
        email: resolved.oidc.email,
        refresh: false,
        nonce: asked.nonce.clone(),
        signed_in: Some(signed_in.at),
        auth_time: asked.max_age.is_some(),
        session: Some(signed_in.session),
        client_info: asked.client_info,
        version,
        resource: resolved.resource,
        subject: Subject::User { user: user.clone(), methods: signed_in.methods.to_vec() },
    })
}

/// `c_hash`: the left half of the code's digest (OpenID Connect Core, 3.3.2.11).
#[must_use]
pub fn code_hash(code: &str) -> String {
    let digest = digest::sha256(&[code.as_bytes()]);
    encode_base64url(&digest[..digest.len() / 2])
}

#[cfg(test)]
mod tests {
    use super::code_hash;

    #[test]
    fn the_hash_of_a_code_is_the_one_of_the_standards_example() {
        // OpenID Connect Core, A.4.
        assert_eq!(
            code_hash("Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk"),
            "LDktKdoQak3Pk0cnXxCltA"
        );
    }
}
