//! Client authentication: who the client is, and whether it proved itself. Each grant says which kind of
//! client it wants; the proof is made once, whatever the grant (`security.md`, S9 to S12).

use super::{Asking, AssertionClaims, ClientProof, Denial, Effect, Facts, denial::TenantNo};
use crate::{
    application::{Application, SignInAudience},
    credential::CertificateCredential,
    directory::Directory,
    registry::Registered,
    service_principal::ServicePrincipal,
    tenant::AssertionReplay,
};
use carnet_wire::{
    authority::TenantName,
    digest,
    ids::{AppId, KeyId},
    jose::{Header, JoseError, Jws, thumbprint, times},
    secret::{Assertion, ClientSecret},
    token::request::{ClientAuth, TokenRequest},
};
use std::sync::Arc;

/// Clock skew that assertions are given, in seconds.
const SKEW: i64 = 300;
/// The longest life of an assertion, in seconds.
const LONGEST_LIFE: i64 = 24 * 3600;
/// An assertion of at most this life may be shown again where the tenant tolerates it, in seconds.
const TOLERATED_LIFE: i64 = 15 * 60;

/// The client of a request, as the tenant knows it.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its application id.
    pub app: AppId,
    /// Its name.
    pub name: String,
    /// Its presence in the tenant. Microsoft's command-line clients have none of their own, nor has an application of
    /// another tenant before somebody here consents to it.
    pub principal: Option<Arc<ServicePrincipal>>,
    /// Its registration, which may be at home in another tenant; `None` for Microsoft's own.
    pub application: Option<Arc<Application>>,
    /// Its service principal is disabled in the other tenant in which it is registered.
    pub disabled_at_home: bool,
    /// Where no redirect URI tells, it counts as public.
    pub fallback_public: bool,
}

/// Which credential was right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialUsed {
    /// None: a public client.
    Public,
    /// A secret.
    Secret(KeyId),
    /// A certificate.
    Certificate(KeyId),
    /// A token of an outside issuer.
    Federated(KeyId),
}

impl CredentialUsed {
    /// `appidacr` and `azpacr`.
    #[must_use]
    pub const fn acr(self) -> &'static str {
        match self {
            Self::Public => "0",
            Self::Secret(_) => "1",
            Self::Certificate(_) | Self::Federated(_) => "2",
        }
    }

    /// The credential's id.
    #[must_use]
    pub const fn key(self) -> Option<KeyId> {
        match self {
            Self::Public => None,
            Self::Secret(key) | Self::Certificate(key) | Self::Federated(key) => Some(key),
        }
    }
}

impl Client {
    /// Its service principal may sign in, here and where it is registered.
    pub(crate) fn enabled(self) -> Result<Self, Denial> {
        match &self.principal {
            Some(principal) if !principal.enabled => {
                Err(Denial::ApplicationDisabled(self.app, principal.display_name.clone()))
            }
            _ if self.disabled_at_home => Err(Denial::ApplicationDisabled(self.app, self.name)),
            _ => Ok(self),
        }
    }

    /// It has no service principal here before somebody consents to it.
    pub(crate) fn is_new_here(&self) -> bool {
        self.application.is_some() && self.principal.is_none()
    }
}

/// Finds the client in the tenant, disabled or not: that is told to who proves to be it.
pub(crate) fn find(directory: &Directory, tenant: &TenantName, app: AppId) -> Result<Client, Denial> {
    let principal = directory.principal_by_app(app).cloned();
    if let Some(application) = directory.application_by_app(app) {
        for_accounts(tenant, application)?;
        let single = application.sign_in_audience == SignInAudience::AzureADMyOrg;
        if single && tenant.is_alias() {
            return Err(Denial::NotMultiTenant(app, application.display_name.clone()));
        }
        // Over an alias the visitors of other tenants come first, who need none here.
        let visited = tenant.is_alias() && application.sign_in_audience.is_multi_tenant();
        if principal.is_none() && !visited {
            return Err(Denial::PrincipalMissing(app));
        }
        return Ok(Client {
            app,
            name: application.display_name.clone(),
            fallback_public: application.is_fallback_public_client == Some(true),
            principal,
            application: Some(application.clone()),
            disabled_at_home: false,
        });
    }
    // Without a service principal it can sign somebody in, who is asked for consent, and nothing else.
    let same = |it: &Registered| principal.as_ref().is_none_or(|principal| principal.owner_tenant == it.home);
    if let Some(Registered { application, enabled, .. }) = directory.registered(app).filter(same) {
        for_accounts(tenant, &application)?;
        return Ok(Client {
            app,
            name: application.display_name.clone(),
            fallback_public: application.is_fallback_public_client == Some(true),
            principal,
            application: Some(application),
            disabled_at_home: !enabled,
        });
    }
    match directory.catalogue.application(app) {
        Some(known) if known.public_client => {
            let name = known.display_name.clone();
            if *tenant == TenantName::Consumers {
                return Err(Denial::Tenant(TenantNo::NotOverConsumers(app, name)));
            }
            if principal.as_ref().is_some_and(|it| !it.enabled) {
                return Err(Denial::Tenant(TenantNo::DisabledHere(app, name)));
            }
            Ok(Client {
                app,
                name,
                principal,
                application: None,
                disabled_at_home: false,
                fallback_public: true,
            })
        }
        _ => Err(Denial::UnknownApplication(app, directory.tenant.display_name.clone())),
    }
}

/// The tenant, or this server for all tenants, knows an application with this id as a client.
#[must_use]
pub fn is_known(directory: &Directory, app: AppId) -> bool {
    let built_in = || directory.catalogue.application(app).is_some_and(|it| it.public_client);
    directory.registered(app).is_some() || built_in()
}

/// The application is for accounts of the kind that the path means.
fn for_accounts(tenant: &TenantName, application: &Application) -> Result<(), Denial> {
    use SignInAudience::{AzureADandPersonalMicrosoftAccount, PersonalMicrosoftAccount};
    let (app, name) = (application.app_id, application.display_name.clone());
    match (tenant, application.sign_in_audience) {
        (TenantName::Consumers, PersonalMicrosoftAccount | AzureADandPersonalMicrosoftAccount) => Ok(()),
        (TenantName::Consumers, _) => Err(Denial::Tenant(TenantNo::WorkOnly(app, name))),
        // No tenant of ours has personal accounts, and `common` leads to one of ours.
        (_, PersonalMicrosoftAccount) => Err(Denial::Tenant(TenantNo::PersonalOnly(app, name))),
        _ => Ok(()),
    }
}

/// What kind of client the grant wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wants {
    /// One that proves itself: client credentials.
    Proof,
    /// Public or confidential as the registration's switch says: password, device code.
    Either,
    /// What it was when the artifact was issued.
    AsIssued {
        /// It was public.
        public: bool,
    },
}

/// Judges the proof.
pub(super) fn verdict(
    facts: &Facts,
    asking: &Asking<'_>,
    client: &Client,
    (proof, wants): (&ClientProof, Wants),
) -> Result<(CredentialUsed, Vec<Effect>), Denial> {
    let public = match wants {
        Wants::Proof => false,
        Wants::Either => client.fallback_public,
        Wants::AsIssued { public } => public,
    };
    match proof {
        ClientProof::None if public => Ok((CredentialUsed::Public, Vec::new())),
        ClientProof::None if wants == Wants::Proof => Err(Denial::CredentialMissingForApp),
        ClientProof::None => Err(Denial::CredentialMissing),
        _ if public => Err(Denial::PublicClientWithCredential),
        ClientProof::WrongSecret => Err(Denial::WrongSecret(client.app)),
        ClientProof::Secret(key) => secret(client, asking, *key).map(|used| (used, Vec::new())),
        ClientProof::Malformed => Err(Denial::AssertionMalformed),
        ClientProof::OfOtherApp => Err(Denial::AssertionOfOtherApp),
        ClientProof::BadSignature { thumbprint } => match &client.application {
            Some(application) if application.certificates.is_empty() => Err(Denial::NoKeys(client.app)),
            _ => Err(Denial::AssertionSignature { thumbprint: thumbprint.clone(), expired: false }),
        },
        ClientProof::Federated { key, claims } => {
            in_time(asking, claims).map(|_| (CredentialUsed::Federated(*key), Vec::new()))
        }
        ClientProof::Foreign(why) => Err(Denial::Federated(why.clone())),
        ClientProof::Certificate { key, thumbprint, claims } => {
            assertion(facts, asking, client, (&Signed { key: *key, thumbprint }, claims))
        }
    }
}

fn secret(client: &Client, asking: &Asking<'_>, key: KeyId) -> Result<CredentialUsed, Denial> {
    let held =
        client.application.as_ref().and_then(|it| it.secrets.iter().find(|secret| secret.key_id == key));
    match held {
        Some(secret) if secret.valid_at(asking.now) => Ok(CredentialUsed::Secret(key)),
        Some(secret) => Err(Denial::SecretExpired(client.app, secret.end)),
        None => Err(Denial::WrongSecret(client.app)),
    }
}

/// The certificate over the key that an assertion is signed with.
struct Signed<'a> {
    /// Its id in the registration.
    key: KeyId,
    /// Its SHA-256 thumbprint: older registrations may hold an id twice.
    thumbprint: &'a [u8; 32],
}

impl Signed<'_> {
    fn is(&self, held: &CertificateCredential) -> bool {
        held.key_id == self.key && held.sha256 == *self.thumbprint
    }
}

/// The claims of an assertion whose signature is right, in Entra's order.
fn assertion(
    facts: &Facts,
    asking: &Asking<'_>,
    client: &Client,
    (signed, claims): (&Signed<'_>, &AssertionClaims),
) -> Result<(CredentialUsed, Vec<Effect>), Denial> {
    let all = client.application.iter().flat_map(|it| &it.certificates);
    let mut held = all.filter(|certificate| signed.is(certificate)).peekable();
    let thumbprint = held.peek().map(|it| digest::hex(&it.sha1).to_uppercase());
    if !held.any(|it| it.start <= asking.now && asking.now < it.end) {
        return Err(Denial::AssertionSignature { thumbprint, expired: true });
    }
    let own = client.app.to_string();
    let Some(subject) = &claims.subject else { return Err(Denial::AssertionWithoutSubject) };
    if *subject != claims.issuer {
        return Err(Denial::AssertionSubject);
    }
    if !subject.eq_ignore_ascii_case(&own) {
        return Err(Denial::AssertionOfOtherApp);
    }
    if !claims.audience.as_ref().is_some_and(|audience| asking.is_our_audience(facts, audience)) {
        return Err(Denial::AssertionAudience);
    }
    let life = in_time(asking, claims)?;
    let tolerated = facts.directory.tenant.policy.assertion_replay == AssertionReplay::Tolerate;
    let mut effects = Vec::new();
    if !tolerated || life > TOLERATED_LIFE {
        let expires = carnet_wire::time::Timestamp::from_seconds(claims.expires + SKEW);
        effects.push(Effect::SpendAssertion { digest: claims.replay, expires });
    }
    Ok((CredentialUsed::Certificate(signed.key), effects))
}

/// The assertion's time is now; how long it lives, in seconds.
fn in_time(asking: &Asking<'_>, claims: &AssertionClaims) -> Result<i64, Denial> {
    let now = asking.now.seconds();
    let from = claims.not_before.or(claims.issued).unwrap_or(now);
    let life = claims.expires.saturating_sub(from);
    let early = claims.not_before.is_some_and(|nbf| nbf > now + SKEW)
        || claims.issued.is_some_and(|iat| iat > now + SKEW);
    if early || claims.expires <= now - SKEW || life > LONGEST_LIFE {
        return Err(Denial::AssertionTime { now: asking.now, from, until: claims.expires });
    }
    Ok(life)
}

/// Compares what was shown with what is registered. Pure, and the same work for an unknown client.
#[must_use]
pub fn prove(
    facts: &Facts,
    request: &TokenRequest,
    shown: Option<&Result<Jws<'_>, JoseError>>,
) -> ClientProof {
    let application = facts.directory.registered(request.client_id).map(|it| it.application);
    let application = application.as_ref();
    match (&request.client_auth, shown) {
        (ClientAuth::None, _) => ClientProof::None,
        (ClientAuth::Secret(secret), _) => compare(application, secret),
        (ClientAuth::Assertion(text), Some(Ok(jws))) => check(application, request.client_id, (text, jws)),
        // Readable, and protected in a way that proves nothing here.
        (_, Some(Err(JoseError::Algorithm | JoseError::Critical))) => {
            ClientProof::BadSignature { thumbprint: None }
        }
        _ => ClientProof::Malformed,
    }
}

fn compare(application: Option<&Arc<Application>>, secret: &ClientSecret) -> ClientProof {
    let Some(application) = application.filter(|it| !it.secrets.is_empty()) else {
        // An unknown application costs a digest like a known one.
        std::hint::black_box(digest::sha256(&[&[0; 16], secret.expose().as_bytes()]));
        return ClientProof::WrongSecret;
    };
    // The latest end first, so that of two copies of one secret the valid one counts.
    let matching = application.secrets.iter().filter(|held| held.matches(secret));
    matching
        .max_by_key(|held| held.end)
        .map_or(ClientProof::WrongSecret, |held| ClientProof::Secret(held.key_id))
}

fn check(
    application: Option<&Arc<Application>>,
    app: AppId,
    (text, jws): (&Assertion, &Jws<'_>),
) -> ClientProof {
    // What another application says is never looked at further, whoever signed it.
    let issuer = jws.unverified_claims().get("iss").and_then(|it| it.as_str());
    let issuer: Option<AppId> = issuer.and_then(|it| it.parse().ok());
    if issuer.is_some_and(|issuer| issuer != app) {
        return ClientProof::OfOtherApp;
    }
    let header = jws.header();
    let named = || {
        let sha1 = header.x5t.map(|bytes| digest::hex(&bytes));
        sha1.or_else(|| header.x5t_s256.map(|bytes| digest::hex(&bytes)))
    };
    let bad = || ClientProof::BadSignature { thumbprint: named().map(|hex| hex.to_uppercase()) };
    let certificates = || application.iter().flat_map(|it| &it.certificates);
    // The latest end first, so that of two entries of one certificate the valid one counts.
    let held = certificates().filter(|it| is_named(header, it)).max_by_key(|it| it.end);
    let Some(held) = held.filter(|it| !names_another(header, it, certificates())) else { return bad() };
    let Some(key) = held.key() else { return bad() };
    let Ok(claims) = jws.verify(key) else { return bad() };
    match read(claims, app, text) {
        Some(claims) => ClientProof::Certificate { key: held.key_id, thumbprint: held.sha256, claims },
        None => ClientProof::Malformed,
    }
}

/// Every thumbprint of a header is this certificate's. Some clients send none and name it by `kid` alone.
fn is_named(header: &Header, held: &CertificateCredential) -> bool {
    let named = match (header.x5t, header.x5t_s256) {
        (None, None) => header.kid.as_deref().is_some_and(|kid| is_kid(kid, held)),
        (sha1, sha256) => sha1.is_none_or(|it| it == held.sha1) && sha256.is_none_or(|it| it == held.sha256),
    };
    named && !header.unreadable_thumbprint
}

/// The key id of a header names another certificate than this one: one of these, or one that the application does
/// not have (`security.md`, row 158). A key id that is neither of theirs nor a thumbprint is free text.
fn names_another<'a>(
    header: &Header,
    held: &CertificateCredential,
    mut all: impl Iterator<Item = &'a CertificateCredential>,
) -> bool {
    let other = |kid: &str| !is_kid(kid, held) && (is_thumbprint(kid) || all.any(|it| is_kid(kid, it)));
    header.kid.as_deref().is_some_and(other)
}

/// A key id can be nothing but a thumbprint: a SHA-1 in base64 or hexadecimal, a SHA-256 in hexadecimal. A SHA-256 in
/// base64url may be that of a JSON Web Key as well (RFC 7638), which names no certificate.
fn is_thumbprint(kid: &str) -> bool {
    let hexadecimal = matches!(kid.len(), 40 | 64) && kid.bytes().all(|byte| byte.is_ascii_hexdigit());
    hexadecimal || thumbprint::<20>(kid).is_some()
}

/// A key id names a certificate: by a thumbprint in hexadecimal or in base64, in each of the spellings in which
/// `x5t` is read, or by the id in the registration.
fn is_kid(kid: &str, held: &CertificateCredential) -> bool {
    let hexadecimal = |it: &[u8]| kid.eq_ignore_ascii_case(&digest::hex(it));
    thumbprint(kid) == Some(held.sha1)
        || thumbprint(kid) == Some(held.sha256)
        || hexadecimal(&held.sha1)
        || hexadecimal(&held.sha256)
        || kid.parse::<KeyId>().is_ok_and(|id| id == held.key_id)
}

pub(super) fn read(
    claims: &serde_json::Map<String, serde_json::Value>,
    app: AppId,
    assertion: &Assertion,
) -> Option<AssertionClaims> {
    let jti = times::text(claims, "jti").ok()?;
    let shown = jti.unwrap_or(assertion.expose());
    Some(AssertionClaims {
        issuer: times::text(claims, "iss").ok()??.to_owned(),
        subject: times::text(claims, "sub").ok()?.map(str::to_owned),
        // An array is refused later as a wrong audience, even when one member is right.
        audience: claims.get("aud").and_then(serde_json::Value::as_str).map(str::to_owned),
        expires: times::lenient(claims, "exp").ok()??,
        not_before: times::lenient(claims, "nbf").ok()?,
        issued: times::lenient(claims, "iat").ok()?,
        replay: digest::DigestKey::new(b"assertion").digest(&[app.uuid().as_bytes(), shown.as_bytes()]),
    })
}

#[cfg(test)]
mod tests {
    use super::super::contoso::*;
    use super::*;
    use crate::tenant::AssertionReplay;
    use carnet_wire::{
        entropy::SeededEntropy,
        jose::{Certificate, ClientKey, encode_base64url},
        secret::SecretBytes,
        time::Timestamp,
    };

    const AUDIENCE: &str = "https://localhost:8443/contoso.example/oauth2/v2.0/token";

    fn pair() -> (ClientKey, CertificateCredential) {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
        let certificate = rcgen::CertificateParams::new(vec!["c".into()]).unwrap().self_signed(&key).unwrap();
        let file = format!("{}{}", key.serialize_pem(), certificate.pem());
        let read = Certificate::from_der(certificate.der()).unwrap();
        let valid = (NOW - 1000, NOW + 1000);
        let valid = (Some(Timestamp::from_seconds(valid.0)), Some(Timestamp::from_seconds(valid.1)));
        let held = CertificateCredential::new(&read, valid, &SeededEntropy::new(9));
        (ClientKey::from_pem(&SecretBytes::new(file.into_bytes())).unwrap(), held)
    }

    fn with(held: CertificateCredential) -> Contoso {
        let mut contoso = Contoso::new();
        contoso.change_application(SECRET, |it| it.certificates = vec![held]);
        contoso
    }

    fn body(key: &ClientKey, app: &str, audience: &str, at: i64) -> String {
        let app: AppId = app.parse().unwrap();
        let made = key.assertion(app, audience, Timestamp::from_seconds(at), &SeededEntropy::new(1)).unwrap();
        format!(
            "scope=https://api.powerplatform.com/.default&grant_type=client_credentials&client_assertion={}&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer",
            made.expose()
        )
    }

    #[test]
    fn a_registered_certificate_proves_its_application_and_no_other_rows_17_and_19() {
        let (key, held) = pair();
        let contoso = with(held);
        let yes = contoso.ask(SECRET, &body(&key, SECRET, AUDIENCE, NOW)).verdict.unwrap();
        assert_eq!(yes.credential.acr(), "2");
        assert_eq!(number(&contoso.ask(SECRET, &body(&key, PUBLIC, AUDIENCE, NOW))), 700_021);
        let (stranger, _) = pair();
        // It is the other application's whoever signed it.
        assert_eq!(number(&contoso.ask(SECRET, &body(&stranger, PUBLIC, AUDIENCE, NOW))), 700_021);
        assert_eq!(number(&contoso.ask(SECRET, &body(&stranger, SECRET, AUDIENCE, NOW))), 700_027);
        assert_eq!(number(&Contoso::new().ask(SECRET, &body(&key, SECRET, AUDIENCE, NOW))), 700_026);
    }

    #[test]
    fn the_audience_is_this_tenant_at_this_server_row_14() {
        let (key, held) = pair();
        let contoso = with(held);
        let ask = |audience: &str| number(&contoso.ask(SECRET, &body(&key, SECRET, audience, NOW)));
        let id = format!("https://localhost:8443/{TENANT}");
        for good in [
            AUDIENCE,
            &format!("{id}/oauth2/token"),
            &format!("{id}/v2.0"),
            &format!("{id}/"),
            &format!("https://sts.windows.net/{TENANT}/"),
        ] {
            assert_eq!(ask(good), 0, "{good}");
        }
        for bad in [
            "https://evil.example/",
            "",
            SECRET,
            "https://localhost:8443/fabrikam.example/oauth2/v2.0/token",
            "https://localhost:8443.evil.example/",
            &format!("{id}/other"),
        ] {
            assert_eq!(ask(bad), 700_023, "{bad}");
        }
    }

    #[test]
    fn time_counts_with_five_minutes_of_skew_row_18() {
        let (key, held) = pair();
        let contoso = with(held);
        let ask = |at: i64| number(&contoso.ask(SECRET, &body(&key, SECRET, AUDIENCE, at)));
        assert_eq!((ask(NOW + 290), ask(NOW - 890)), (0, 0));
        assert_eq!((ask(NOW + 310), ask(NOW - 910)), (700_024, 700_024));
    }

    /// A certificate over a key, whose entry is valid from a thousand seconds ago for so long.
    fn entry(held: &CertificateCredential, id: u128, until: i64) -> CertificateCredential {
        let mut entry = held.clone();
        entry.key_id = KeyId::new(uuid::Uuid::from_u128(id));
        entry.end = Timestamp::from_seconds(NOW + until);
        entry
    }

    #[test]
    fn everything_that_an_assertion_names_is_one_certificate_row_158() {
        let ((one, first), (_, second), (_, stranger)) = (pair(), pair(), pair());
        let (first, second) = (entry(&first, 1, 1000), entry(&second, 2, 1000));
        let mut contoso = Contoso::new();
        contoso.change_application(SECRET, |it| it.certificates = vec![first.clone(), second.clone()]);
        let sent = body(&one, SECRET, AUDIENCE, NOW);
        let text = sent.split("client_assertion=").nth(1).and_then(|it| it.split('&').next()).unwrap();
        let (own, other) = (&first, &second);
        let sha1 = |it: &CertificateCredential| encode_base64url(&it.sha1);
        let sha256 = |it: &CertificateCredential| encode_base64url(&it.sha256);
        let hex = |it: &CertificateCredential| digest::hex(&it.sha1).to_uppercase();
        let id = |it: &CertificateCredential| it.key_id.to_string();
        let all =
            || contoso.directory.application_by_app(SECRET.parse().unwrap()).unwrap().certificates.iter();
        let chosen = |header: serde_json::Value| {
            let mut whole = serde_json::json!({ "alg": "RS256", "typ": "JWT" });
            whole.as_object_mut().unwrap().extend(header.as_object().unwrap().clone());
            let head = encode_base64url(whole.to_string().as_bytes());
            let text = format!("{head}.{}", text.split_once('.').unwrap().1);
            let jws = Jws::parse(&text).unwrap();
            let named = all().filter(|it| is_named(jws.header(), it)).max_by_key(|it| it.end);
            named.filter(|it| !names_another(jws.header(), it, all())).map(|it| it.key_id)
        };
        for header in [
            serde_json::json!({ "x5t": sha1(own) }),
            serde_json::json!({ "x5t#S256": sha256(own) }),
            serde_json::json!({ "x5t": sha1(own), "x5t#S256": sha256(own) }),
            serde_json::json!({ "kid": sha1(own) }),
            serde_json::json!({ "kid": hex(own) }),
            serde_json::json!({ "kid": sha256(own) }),
            serde_json::json!({ "kid": id(own) }),
            serde_json::json!({ "x5t": sha1(own), "kid": hex(own) }),
            serde_json::json!({ "x5t#S256": sha256(own), "kid": id(own) }),
            // A name of the client's own choice.
            serde_json::json!({ "x5t": sha1(own), "kid": "ci" }),
            // The SHA-256 of its key as a JSON Web Key, say.
            serde_json::json!({ "x5t": sha1(own), "kid": sha256(&stranger) }),
            // HashiCorp's SDK pads; other programs write standard base64.
            serde_json::json!({ "kid": format!("{}=", sha1(own)) }),
            serde_json::json!({ "kid": format!("{}=", sha1(own).replace('-', "+").replace('_', "/")) }),
            serde_json::json!({ "kid": hex(own).to_lowercase() }),
            serde_json::json!({ "x5t": sha1(own), "kid": format!("{}=", sha1(own)) }),
        ] {
            assert_eq!(chosen(header.clone()), Some(own.key_id), "{header}");
        }
        for header in [
            serde_json::json!({ "x5t": sha1(own), "x5t#S256": sha256(other) }),
            serde_json::json!({ "x5t": sha1(other), "x5t#S256": sha256(own) }),
            serde_json::json!({ "x5t": sha1(own), "kid": sha1(other) }),
            serde_json::json!({ "x5t": sha1(own), "kid": hex(other) }),
            serde_json::json!({ "x5t#S256": sha256(own), "kid": sha256(other) }),
            serde_json::json!({ "x5t#S256": sha256(own), "kid": id(other) }),
            serde_json::json!({ "x5t": "no thumbprint", "kid": sha1(own) }),
            serde_json::json!({ "x5t": sha1(own), "kid": format!("{}=", sha1(&stranger)) }),
            serde_json::json!({ "x5t": sha1(own), "kid": hex(&stranger) }),
            serde_json::json!({ "kid": format!("{}=", sha1(&stranger)) }),
            serde_json::json!({ "x5t#S256": sha1(own), "x5t": sha1(own) }),
            serde_json::json!({ "kid": "ci" }),
            serde_json::json!({}),
        ] {
            assert_eq!(chosen(header.clone()), None, "{header}");
        }
    }

    #[test]
    fn an_expired_certificate_is_not_revived_by_another_with_its_key_id_row_158() {
        let ((old_key, old), (new_key, new)) = (pair(), pair());
        for order in [[0, 1], [1, 0]] {
            // As an older version let them be registered.
            let both = [entry(&old, 1, -1), entry(&new, 1, 1000)];
            let mut contoso = Contoso::new();
            contoso.change_application(SECRET, |it| {
                it.certificates = order.iter().map(|at| both[*at].clone()).collect();
            });
            let ask = |key: &ClientKey| number(&contoso.ask(SECRET, &body(key, SECRET, AUDIENCE, NOW)));
            assert_eq!((ask(&old_key), ask(&new_key)), (700_027, 0), "{order:?}");
            // One certificate under two ids is valid while one of its entries is.
            let twice = [entry(&old, 1, -1), entry(&old, 2, 1000)];
            contoso.change_application(SECRET, |it| {
                it.certificates = order.iter().map(|at| twice[*at].clone()).collect();
            });
            let decision = contoso.ask(SECRET, &body(&old_key, SECRET, AUDIENCE, NOW));
            let used = decision.verdict.unwrap().credential;
            assert_eq!(used, CredentialUsed::Certificate(twice[1].key_id), "{order:?}");
        }
    }

    #[test]
    fn a_certificate_outside_its_validity_proves_nothing() {
        let (key, mut held) = pair();
        held.end = Timestamp::from_seconds(NOW);
        assert_eq!(number(&with(held).ask(SECRET, &body(&key, SECRET, AUDIENCE, NOW))), 700_027);
    }

    #[test]
    fn a_strict_tenant_takes_an_assertion_once_row_16() {
        let (key, held) = pair();
        let mut contoso = with(held);
        let asked = body(&key, SECRET, AUDIENCE, NOW);
        assert!(contoso.ask(SECRET, &asked).effects.is_empty());
        contoso.tenant(|it| it.policy.assertion_replay = AssertionReplay::Refuse);
        let decision = contoso.ask(SECRET, &asked);
        assert!(matches!(&decision.effects[..], [Effect::SpendAssertion { .. }]));
        assert_eq!(decision.if_lost, Some(Denial::AssertionReplayed));
    }

    #[test]
    fn what_is_no_assertion_is_malformed() {
        let (_, held) = pair();
        let contoso = with(held);
        let asked = "scope=https://api.powerplatform.com/.default&grant_type=client_credentials&client_assertion=a.b.c&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
        assert_eq!(number(&contoso.ask(SECRET, asked)), 50_027);
    }

    #[test]
    fn an_application_is_for_the_accounts_that_its_registration_names() {
        let told = |audience: SignInAudience, tenant: &str| {
            let mut contoso = Contoso::new();
            contoso.change_application(PUBLIC, |it| it.sign_in_audience = audience);
            find(&contoso.directory, &TenantName::parse(tenant).unwrap(), PUBLIC.parse().unwrap())
                .err()
                .map(|denial| denial.entry().0.number)
        };
        use SignInAudience::*;
        for (audience, at_home, at_consumers) in [
            (AzureADMyOrg, None, Some(9_002_332)),
            (AzureADMultipleOrgs, None, Some(9_002_332)),
            (AzureADandPersonalMicrosoftAccount, None, None),
            (PersonalMicrosoftAccount, Some(9_002_331), None),
        ] {
            assert_eq!(told(audience, TENANT), at_home, "{audience:?}");
            assert_eq!(told(audience, "consumers"), at_consumers, "{audience:?}");
        }
    }
}
