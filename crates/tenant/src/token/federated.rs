//! Federated credentials: the token of an outside issuer stands for a secret, if it is exactly the one that was
//! configured. The issuer's keys are read by `server::work::issuers`.

use super::{ClientProof, Facts, client_auth::read};
use crate::{credential::FederatedCredential, registry::Registered};
use carnet_wire::{
    aadsts::{self, Row},
    ids::{KeyId, TenantId},
    jose::{Jws, PublicKey, times},
    token::request::{ClientAuth, TokenRequest},
};

/// A federated credential that an assertion names.
#[derive(Debug, Clone)]
pub struct Named {
    /// The credential.
    pub credential: FederatedCredential,
    /// The key of its issuer.
    pub kid: String,
    /// The tenant in which the application is registered.
    pub home: TenantId,
}

/// The federated credential of an application that an assertion speaks of, and its issuer's key id, all of it
/// unproved yet. `None`: the assertion is for the application's own certificates, or none at all. `logins` are
/// our own names, whose tokens stand for no secret.
#[must_use]
pub fn credential(
    facts: &Facts,
    request: &TokenRequest,
    (jws, logins): (&Jws<'_>, &[String]),
) -> Option<Result<Named, Foreign>> {
    let Registered { application, home, .. } = facts.directory.registered(request.client_id)?;
    let claims = jws.unverified_claims();
    let claimed = |name| times::text(claims, name).ok().flatten();
    let federated_only = !application.federated.is_empty() && application.certificates.is_empty();
    let Some(issuer) = claimed("iss") else { return federated_only.then_some(Err(Foreign::Nothing)) };
    if issuer.eq_ignore_ascii_case(&request.client_id.to_string()) {
        return None;
    }
    // What the tenant of the registration does not take at home it takes nowhere.
    if [facts.directory.tenant.id, home].iter().any(|tenant| is_ours(issuer, logins, *tenant)) {
        let user = claims.contains_key("scp");
        return Some(Err(if user { Foreign::OwnUserToken } else { Foreign::OwnToken }));
    }
    if application.federated.is_empty() {
        // An outside issuer is an address; an assertion of the application's own names the application.
        return issuer.starts_with("https://").then_some(Err(Foreign::NoneConfigured));
    }
    // Matched exactly and one after the other, so that the refusal names what differs.
    let all = &application.federated;
    let shown = |text: &str| text.chars().filter(|c| !c.is_control()).take(200).collect::<String>();
    let same_issuer: Vec<_> = all.iter().filter(|it| it.issuer == issuer).collect();
    if same_issuer.is_empty() {
        return Some(Err(Foreign::Issuer(shown(issuer))));
    }
    let (Some(subject), true) = (claimed("sub"), claims.contains_key("aud")) else {
        return Some(Err(Foreign::Nothing));
    };
    let same_subject: Vec<_> = same_issuer.into_iter().filter(|it| it.subject == subject).collect();
    if same_subject.is_empty() {
        return Some(Err(Foreign::Subject(shown(subject))));
    }
    let audience = claims.get("aud").and_then(serde_json::Value::as_str).unwrap_or_default();
    let Some(found) = same_subject.into_iter().find(|it| it.audience == audience) else {
        return Some(Err(Foreign::Audience(shown(audience))));
    };
    let kid = jws.header().kid.clone().unwrap_or_default();
    Some(Ok(Named { credential: found.clone(), kid, home }))
}

/// The issuer is this tenant, under any of our names. Another tenant is an outside issuer like any other.
fn is_ours(issuer: &str, logins: &[String], tenant: TenantId) -> bool {
    let tenant = tenant.to_string();
    let ours = |base: &str| {
        let path = issuer.strip_prefix(base).and_then(|rest| rest.strip_prefix('/'));
        path.and_then(|path| path.split('/').next()).is_some_and(|id| id.eq_ignore_ascii_case(&tenant))
    };
    ours("https://sts.windows.net") || logins.iter().any(|base| ours(base))
}

/// The proof by a token of an outside issuer, with the issuer's key.
#[must_use]
pub fn prove(
    credential: &FederatedCredential,
    request: &TokenRequest,
    (jws, key): (&Jws<'_>, Option<&PublicKey>),
) -> ClientProof {
    let ClientAuth::Assertion(assertion) = &request.client_auth else { return ClientProof::None };
    let verified = key.and_then(|key| jws.verify(key).ok());
    let Some(claims) = verified else { return ClientProof::Foreign(Foreign::Signature) };
    match read(claims, request.client_id, assertion) {
        Some(claims) => ClientProof::Federated { key: KeyId::new(credential.id.uuid()), claims },
        None => ClientProof::Malformed,
    }
}

/// Why a token of an outside issuer proves nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Foreign {
    /// No credential names this issuer.
    Issuer(String),
    /// No credential of the issuer names this subject.
    Subject(String),
    /// No credential of issuer and subject names this audience.
    Audience(String),
    /// None of the issuer's keys signed it, or they cannot be had.
    Signature,
    /// The application trusts no outside issuer.
    NoneConfigured,
    /// It lacks an issuer, a subject or an audience.
    Nothing,
    /// It is an application's token of our own.
    OwnToken,
    /// It is a user's token of our own.
    OwnUserToken,
}

impl Foreign {
    /// Row and sentence.
    #[must_use]
    pub fn entry(&self) -> (&'static Row, String) {
        let none = "No matching federated identity record found for presented assertion";
        match self {
            Self::Issuer(it) => (&aadsts::FEDERATED_ISSUER, format!("{none} issuer '{it}'.")),
            Self::Subject(it) => (&aadsts::FEDERATED_SUBJECT, format!("{none} subject '{it}'.")),
            Self::Audience(it) => (&aadsts::FEDERATED_AUDIENCE, format!("{none} audience '{it}'.")),
            Self::NoneConfigured => (
                &aadsts::FEDERATED_NONE_CONFIGURED,
                "Client application has no configured federated identity credentials.".into(),
            ),
            Self::Nothing => {
                (&aadsts::FEDERATED_NO_MATCH, format!("{none}: it lacks an issuer, a subject or an audience."))
            }
            Self::OwnToken => (
                &aadsts::FEDERATED_OWN_TOKEN,
                "Tokens that this service issued may not be used for federated identity flows.".into(),
            ),
            Self::OwnUserToken => (
                &aadsts::FEDERATED_USER_TOKEN,
                "A user's token that this service issued may not be used for federated identity flows.".into(),
            ),
            Self::Signature => (
                &aadsts::ASSERTION_SIGNATURE,
                "Client assertion contains an invalid signature; its issuer's keys did not sign it or cannot be read.".into(),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_tenant_is_no_outside_issuer_and_others_are() {
        let id = "b7a1c0de-0000-4000-8000-000000000001";
        let own = |issuer: &str| is_ours(issuer, &["https://localhost:8443".into()], id.parse().unwrap());
        assert!(own(&format!("https://localhost:8443/{id}/v2.0")));
        assert!(own(&format!("https://sts.windows.net/{id}/")));
        for other in [
            "https://localhost:8443/b7a1c0de-0000-4000-8000-000000000002/v2.0",
            "https://localhost:8443.evil.example/b7a1c0de-0000-4000-8000-000000000001/v2.0",
            "https://issuer.example",
            id,
        ] {
            assert!(!own(other), "{other}");
        }
    }
}
