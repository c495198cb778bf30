//! What applications and users prove themselves with, as kept: digests, certificates, hashes.

use carnet_wire::{
    ids::{KeyId, ObjectId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::fmt;
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
