//! What applications and users prove themselves with, as kept: digests, certificates, hashes.

use crate::text::NAME;
use carnet_wire::{
    digest,
    entropy::Entropy,
    ids::{KeyId, ObjectId},
    jose::{Certificate, PublicKey},
    secret::ClientSecret,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::{fmt, sync::OnceLock};
use zeroize::Zeroizing;

/// A client secret, kept as a salted SHA-256 digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretCredential {
    /// Graph's `keyId`.
    pub key_id: KeyId,
    /// The name people see.
    pub display_name: Option<String>,
    /// First three characters, shown so that people can tell secrets apart.
    pub hint: String,
    /// Random, one for each secret.
    pub salt: [u8; 16],
    /// SHA-256 over salt and secret.
    pub digest: [u8; 32],
    /// Valid from.
    pub start: Timestamp,
    /// Valid until.
    pub end: Timestamp,
}

impl SecretCredential {
    /// The record of a secret.
    #[must_use]
    pub fn new(
        name: Option<String>,
        secret: &ClientSecret,
        (start, end): (Timestamp, Timestamp),
        entropy: &dyn Entropy,
    ) -> Self {
        let mut salt = [0; 16];
        entropy.fill(&mut salt);
        Self {
            key_id: KeyId::new(entropy.uuid()),
            display_name: name,
            hint: secret.expose().chars().take(3).collect(),
            salt,
            digest: digest::sha256(&[&salt, secret.expose().as_bytes()]),
            start,
            end,
        }
    }

    /// The secret is this one. Takes the same time whether it is or not.
    #[must_use]
    pub fn matches(&self, secret: &ClientSecret) -> bool {
        digest::same(&self.digest, &digest::sha256(&[&self.salt, secret.expose().as_bytes()]))
    }

    /// It may be used at this moment.
    #[must_use]
    pub fn valid_at(&self, now: Timestamp) -> bool {
        self.start <= now && now < self.end
    }
}

/// A certificate with which an application signs assertions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateCredential {
    /// Graph's `keyId`.
    pub key_id: KeyId,
    /// The name people see.
    pub display_name: Option<String>,
    /// The certificate.
    pub der: Vec<u8>,
    /// Its SHA-1 thumbprint, which `x5t` names.
    pub sha1: [u8; 20],
    /// Its SHA-256 thumbprint, which `x5t#S256` names.
    pub sha256: [u8; 32],
    /// Valid from.
    pub start: Timestamp,
    /// Valid until.
    pub end: Timestamp,
    #[serde(skip)]
    key: ReadKey,
}

/// A key that is read of its certificate once. Credentials are the same by their certificates.
#[derive(Debug, Clone, Default)]
struct ReadKey(OnceLock<Option<PublicKey>>);

impl PartialEq for ReadKey {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for ReadKey {}

impl CertificateCredential {
    /// The certificate's key. `None`: what is kept is no certificate.
    #[must_use]
    pub fn key(&self) -> Option<&PublicKey> {
        self.key.0.get_or_init(|| Certificate::from_der(&self.der).ok().map(|read| read.key)).as_ref()
    }

    /// The record of a certificate. Without dates its own validity counts.
    #[must_use]
    pub fn new(
        certificate: &Certificate,
        (start, end): (Option<Timestamp>, Option<Timestamp>),
        entropy: &dyn Entropy,
    ) -> Self {
        Self {
            key_id: KeyId::new(entropy.uuid()),
            // A subject may be of any length; a name may not.
            display_name: Some(certificate.subject.chars().take(NAME).collect()),
            der: certificate.der.clone(),
            sha1: certificate.sha1,
            sha256: certificate.sha256,
            start: start.unwrap_or(certificate.not_before),
            end: end.unwrap_or(certificate.not_after),
            key: ReadKey::default(),
        }
    }
}

/// Trust in the tokens of an outside issuer (workload identity federation).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FederatedCredential {
    /// The object's id.
    pub id: ObjectId,
    /// Unique in the application; never changes.
    pub name: String,
    /// `iss` to match exactly.
    pub issuer: String,
    /// `sub` to match exactly.
    pub subject: String,
    /// `aud` to match exactly.
    pub audience: String,
    /// Free text.
    pub description: Option<String>,
}

/// A text that is serialised into sealed bodies only and never printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Guarded(#[serde(with = "zeroizing")] Zeroizing<String>);

mod zeroizing {
    use zeroize::Zeroizing;

    pub(super) fn serialize<S: serde::Serializer>(
        value: &Zeroizing<String>,
        s: S,
    ) -> Result<S::Ok, S::Error> {
        s.serialize_str(value)
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Zeroizing<String>, D::Error> {
        <String as serde::Deserialize>::deserialize(d).map(Zeroizing::new)
    }
}

impl Guarded {
    /// Takes the text in.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text, to use it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Guarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guarded(..)")
    }
}

/// A password's Argon2id hash in PHC form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordHash(pub Guarded);

#[cfg(test)]
mod tests {
    use super::*;
    use carnet_wire::entropy::SeededEntropy;

    fn moment(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn a_secret_matches_itself_and_no_neighbour_row_40() {
        let entropy = SeededEntropy::new(1);
        let secret = |text: &str| ClientSecret::new(text.to_owned());
        let kept = SecretCredential::new(None, &secret("s3cret-value~one"), (moment(0), moment(9)), &entropy);
        assert!(kept.matches(&secret("s3cret-value~one")));
        let id = kept.key_id.to_string();
        for other in ["s3cret-value~one ", "s3cret-value~on", "S3cret-value~one", "s3c", "", &id] {
            assert!(!kept.matches(&secret(other)), "{other}");
        }
        assert!(kept.valid_at(moment(8)) && !kept.valid_at(moment(9)));
    }

    #[test]
    fn what_is_kept_does_not_show_in_debug() {
        assert_eq!(
            format!("{:?}", PasswordHash(Guarded::new("$argon2id$".into()))),
            "PasswordHash(Guarded(..))"
        );
    }
}
