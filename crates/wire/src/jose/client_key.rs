//! An application's certificate and private key, with which it signs client assertions.

use super::{JoseError, base64url, certificate::Certificate};
use crate::{
    entropy::Entropy,
    ids::AppId,
    secret::{Assertion, SecretBytes},
    time::Timestamp,
};
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{KeyPair, RSA_PSS_SHA256, RsaKeyPair},
};
use base64::Engine as _;
use zeroize::Zeroizing;

/// Lifetime of an assertion in seconds, the same as in Microsoft's libraries (observed).
const LIFETIME: i64 = 600;

/// A certificate with its private key.
pub struct ClientKey {
    pair: RsaKeyPair,
    certificate: Certificate,
}

impl std::fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ClientKey({})", self.certificate.thumbprint_hex())
    }
}

impl ClientKey {
    /// Parses a PEM file with a certificate and an unencrypted private key (PKCS#8 or PKCS#1).
    ///
    /// # Errors
    /// [`JoseError::Certificate`] if one is missing or the key does not match the certificate.
    pub fn from_pem(pem: &SecretBytes) -> Result<Self, JoseError> {
        let text =
            std::str::from_utf8(pem.expose()).map_err(|_| JoseError::Certificate("file is not PEM"))?;
        let certificate =
            section(text, "CERTIFICATE").ok_or(JoseError::Certificate("is missing in the file"))?;
        let (key, pkcs1) = section(text, "PRIVATE KEY")
            .map(|key| (key, false))
            .or_else(|| section(text, "RSA PRIVATE KEY").map(|key| (key, true)))
            .ok_or(JoseError::Certificate("file has no unencrypted private key"))?;
        let pair = if pkcs1 { RsaKeyPair::from_der(&key) } else { RsaKeyPair::from_pkcs8(&key) };
        let pair = pair.map_err(|_| JoseError::Key)?;
        let certificate = Certificate::from_der(&certificate)?;
        if pair.public_key().modulus().big_endian_without_leading_zero() != certificate.key.modulus() {
            return Err(JoseError::Certificate("does not match the private key"));
        }
        Ok(Self { pair, certificate })
    }

    /// The certificate.
    #[must_use]
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Signs an assertion for a token endpoint: PS256, `x5t#S256` in the header, valid for ten minutes.
    ///
    /// # Errors
    /// [`JoseError::Signature`] if the crypto library fails.
    pub fn assertion(
        &self,
        client: AppId,
        audience: &str,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Assertion, JoseError> {
        let header = serde_json::json!({
            "alg": "PS256", "typ": "JWT", "x5t#S256": base64url::encode(&self.certificate.sha256),
        });
        let (from, id) = (now.seconds(), entropy.uuid());
        let claims = serde_json::json!({
            "aud": audience, "iss": client, "sub": client, "jti": id, "nbf": from, "iat": from, "exp": from + LIFETIME,
        });
        let mut token = base64url::encode(header.to_string().as_bytes());
        token.push('.');
        token.push_str(&base64url::encode(claims.to_string().as_bytes()));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        #[expect(clippy::disallowed_methods, reason = "the signing call takes its own source for the salt")]
        let random = SystemRandom::new();
        self.pair
            .sign(&RSA_PSS_SHA256, &random, token.as_bytes(), &mut signature)
            .map_err(|_| JoseError::Signature)?;
        token.push('.');
        token.push_str(&base64url::encode(&signature));
        Ok(Assertion::new(token))
    }
}

fn section(text: &str, label: &str) -> Option<Zeroizing<Vec<u8>>> {
    let (_, rest) = text.split_once(&format!("-----BEGIN {label}-----"))?;
    let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
    let compact: Zeroizing<String> = Zeroizing::new(body.chars().filter(|c| !c.is_whitespace()).collect());
    base64::engine::general_purpose::STANDARD.decode(compact.as_bytes()).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        entropy::SeededEntropy,
        jose::{Jws, certificate::fixture::pair, times},
    };
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_file_is_a_pair_or_none(
            body in "[A-Za-z0-9+/=\n-]{0,200}",
            label in "CERTIFICATE|PRIVATE KEY|RSA PRIVATE KEY|.{0,10}",
        ) {
            let text = format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n");
            prop_assert!(ClientKey::from_pem(&SecretBytes::new(text.into_bytes())).is_err());
        }
    }

    #[test]
    fn an_assertion_verifies_by_its_certificate_and_says_what_it_must() {
        let (certificate, key) = pair();
        let file = SecretBytes::new(format!("{}\n{}", key.serialize_pem(), certificate.pem()).into_bytes());
        let client = ClientKey::from_pem(&file).unwrap();
        let app: AppId = "a0000000-0000-4000-8000-000000000001".parse().unwrap();
        let made = client
            .assertion(app, "https://x/token", Timestamp::from_seconds(1000), &SeededEntropy::new(1))
            .unwrap();
        let parsed = Jws::parse(made.expose()).unwrap();
        assert_eq!(parsed.header().x5t_s256, Some(client.certificate().sha256));
        let claims = parsed.verify(&client.certificate().key).unwrap();
        assert_eq!(times::strict(claims, "exp"), Ok(1600));
        assert_eq!(
            (claims["iss"].as_str(), claims["sub"].as_str()),
            (Some(&*app.to_string()), Some(&*app.to_string()))
        );
    }

    #[test]
    fn a_file_that_lacks_a_half_or_mixes_two_is_refused() {
        let ((certificate, _), (_, other)) = (pair(), pair());
        for text in [
            certificate.pem(),
            other.serialize_pem(),
            format!("{}{}", other.serialize_pem(), certificate.pem()),
        ] {
            assert!(ClientKey::from_pem(&SecretBytes::new(text.into_bytes())).is_err());
        }
    }
}
