//! A tenant's signing key. It is parsed once and both headers are encoded in advance, so that signing costs the RSA
//! operation and one allocation.

use super::{JoseError, PublicKey, base64url, certificate::Certificate};
use crate::{metadata::CLOUD_INSTANCE, secret::SecretBytes, token::request::Version};
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use serde::Serialize;

/// Number of own tokens whose signature is remembered as valid.
const REMEMBERED: usize = 1024;

/// A tenant's signing key with its certificate.
pub struct SigningKey {
    pair: RsaKeyPair,
    random: SystemRandom,
    public: PublicKey,
    kid: String,
    certificate: Certificate,
    header_v1: String,
    header_v2: String,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({})", self.kid)
    }
}

/// A key in the JSON Web Key Set (RFC 7517, with the members that Entra adds).
#[derive(Debug, Clone, Serialize)]
pub struct Jwk {
    kty: &'static str,
    #[serde(rename = "use")]
    purpose: &'static str,
    kid: String,
    x5t: String,
    n: String,
    e: &'static str,
    x5c: [String; 1],
    /// The cloud whose tokens the key signs; sent only together with an issuer.
    #[serde(skip_serializing_if = "Option::is_none")]
    cloud_instance_name: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<String>,
}

impl SigningKey {
    /// Makes a signing key from a private key (PKCS#8 DER) and its certificate (DER).
    ///
    /// # Errors
    /// [`JoseError::Key`] if they do not match or are not acceptable.
    pub fn new(pkcs8: &SecretBytes, certificate: &[u8]) -> Result<Self, JoseError> {
        let pair = RsaKeyPair::from_pkcs8(pkcs8.expose()).map_err(|_| JoseError::Key)?;
        let certificate = Certificate::from_der(certificate)?;
        let public =
            PublicKey::from_parts(pair.public_key().modulus().big_endian_without_leading_zero(), &[1, 0, 1])?;
        if public != certificate.key {
            return Err(JoseError::Key);
        }
        let public = public.remembering(REMEMBERED);
        let kid = base64url::encode(&certificate.sha1);
        let v1 = format!(r#"{{"typ":"JWT","alg":"RS256","x5t":"{kid}","kid":"{kid}"}}"#);
        let v2 = format!(r#"{{"typ":"JWT","alg":"RS256","kid":"{kid}"}}"#);
        let (header_v1, header_v2) = (base64url::encode(v1.as_bytes()), base64url::encode(v2.as_bytes()));
        #[expect(
            clippy::disallowed_methods,
            reason = "the signing call requires a source; PKCS#1 v1.5 does not use it"
        )]
        let random = SystemRandom::new();
        Ok(Self { pair, random, public, kid, certificate, header_v1, header_v2 })
    }

    /// Signs claims with the header of a token version.
    ///
    /// # Errors
    /// [`JoseError::Signature`] if the crypto library fails.
    pub fn sign(&self, version: Version, claims: &[u8]) -> Result<String, JoseError> {
        use base64::Engine as _;
        let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let header = if version == Version::V1 { &self.header_v1 } else { &self.header_v2 };
        let size = self.pair.public_modulus_len();
        let mut token = String::with_capacity(header.len() + (claims.len() + size) * 4 / 3 + 8);
        token.push_str(header);
        token.push('.');
        engine.encode_string(claims, &mut token);
        let mut signature = vec![0; size];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &self.random, token.as_bytes(), &mut signature)
            .map_err(|_| JoseError::Signature)?;
        token.push('.');
        engine.encode_string(&signature, &mut token);
        Ok(token)
    }

    /// The key id: the certificate's SHA-1 thumbprint in base64url.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public key.
    #[must_use]
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The JSON Web Key. The v2.0 key set includes the issuer.
    #[must_use]
    pub fn jwk(&self, issuer: Option<String>) -> Jwk {
        Jwk {
            kty: "RSA",
            purpose: "sig",
            kid: self.kid.clone(),
            x5t: self.kid.clone(),
            n: base64url::encode(self.public.modulus()),
            e: "AQAB",
            x5c: [self.certificate.base64()],
            cloud_instance_name: issuer.is_some().then_some(CLOUD_INSTANCE),
            issuer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::{Jws, certificate::fixture::pair};

    fn key() -> SigningKey {
        let (certificate, key) = pair();
        SigningKey::new(&SecretBytes::new(key.serialize_der()), certificate.der()).unwrap()
    }

    #[test]
    fn an_independent_library_takes_our_tokens_and_no_altered_one() {
        let key = key();
        let token = key.sign(Version::V2, br#"{"aud":"x","exp":99999999999}"#).unwrap();
        let jwk: serde_json::Value = serde_json::to_value(key.jwk(None)).unwrap();
        let theirs =
            jsonwebtoken::DecodingKey::from_rsa_components(jwk["n"].as_str().unwrap(), "AQAB").unwrap();
        let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
        rules.set_audience(&["x"]);
        let check = |token: &str| jsonwebtoken::decode::<serde_json::Value>(token, &theirs, &rules).is_ok();
        assert!(check(&token));
        assert!(!check(&token.replacen("eyJhdWQi", "eyJhdWRi", 1)));
        assert_eq!(jwk["kid"], jwk["x5t"]);
    }

    #[test]
    fn our_own_reader_takes_them_with_the_right_key_only() {
        let (one, other) = (key(), key());
        let token = one.sign(Version::V1, br#"{"a":1}"#).unwrap();
        let parsed = Jws::parse(&token).unwrap();
        assert_eq!(parsed.header().kid.as_deref(), Some(one.kid()));
        assert_eq!(parsed.verify(one.public()).unwrap().len(), 1);
        assert_eq!(parsed.verify(other.public()), Err(JoseError::Signature));
    }

    #[test]
    fn a_certificate_of_another_key_is_refused() {
        let ((certificate, _), (_, key)) = (pair(), pair());
        assert!(SigningKey::new(&SecretBytes::new(key.serialize_der()), certificate.der()).is_err());
    }
}
