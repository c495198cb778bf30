//! Keys that sign whatever a test wants signed: what a stranger makes with a key of their own, and what only
//! a mistake of ours could sign.

use crate::{Contoso, NOW, part};
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::Engine as _;
use carnet_wire::jose::{Certificate, encode_base64url};
use serde_json::Value;

/// An RSA key with a certificate over it.
pub struct Signer {
    pair: RsaKeyPair,
    certificate: Certificate,
}

impl Default for Signer {
    fn default() -> Self {
        Self::new(365)
    }
}

impl Signer {
    /// A stranger's own key. Its certificate is valid for so many days from a year before now; a negative
    /// number ends it before now.
    #[must_use]
    pub fn new(days: i64) -> Self {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).expect("a key");
        let mut params = rcgen::CertificateParams::new(vec!["tests".into()]).expect("a name");
        params.not_before = NOW.plus_seconds(-365 * 86_400).date_time();
        params.not_after = NOW.plus_seconds(days * 86_400).date_time();
        let made = params.self_signed(&pair).expect("a certificate");
        Self::of(&pair.serialize_der(), made.der())
    }

    fn of(pkcs8: &[u8], certificate: &[u8]) -> Self {
        let pair = RsaKeyPair::from_pkcs8(pkcs8).expect("a key");
        Self { pair, certificate: Certificate::from_der(certificate).expect("a certificate") }
    }

    /// The certificate as PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", self.base64())
    }

    /// The certificate as base64 of DER, as `x5c` and Graph show it.
    #[must_use]
    pub fn base64(&self) -> String {
        self.certificate.base64()
    }

    /// The certificate's SHA-1 thumbprint in base64url: `x5t`, and the `kid` of our own keys.
    #[must_use]
    pub fn x5t(&self) -> String {
        encode_base64url(&self.certificate.sha1)
    }

    /// The certificate's SHA-256 thumbprint in base64url: `x5t#S256`.
    #[must_use]
    pub fn x5t_s256(&self) -> String {
        encode_base64url(&self.certificate.sha256)
    }

    /// The modulus, big-endian.
    #[must_use]
    pub fn modulus(&self) -> &[u8] {
        self.certificate.key.modulus()
    }

    /// The public key as DER (PKCS#1).
    #[must_use]
    pub fn public_der(&self) -> Vec<u8> {
        self.pair.public_key().as_ref().to_vec()
    }

    /// Signs (RS256) header and claims as they are written.
    #[must_use]
    pub fn sign(&self, header: &str, claims: &str) -> String {
        let signed =
            format!("{}.{}", encode_base64url(header.as_bytes()), encode_base64url(claims.as_bytes()));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        #[expect(
            clippy::disallowed_methods,
            reason = "the signing call wants a source; PKCS#1 takes nothing from it"
        )]
        let random = SystemRandom::new();
        self.pair.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature).expect("a signature");
        format!("{signed}.{}", encode_base64url(&signature))
    }

    /// Signs claims as a client assertion, named by `x5t`.
    #[must_use]
    pub fn assertion(&self, claims: &Value) -> String {
        self.sign(&format!(r#"{{"alg":"RS256","typ":"JWT","x5t":"{}"}}"#, self.x5t()), &claims.to_string())
    }
}

impl Contoso {
    /// The key with which a tenant signs now.
    pub async fn signer(&self, tenant: &str) -> Signer {
        let tenant = tenant.parse().expect("a tenant's id");
        let kept = self.store.signing_keys(tenant).await.expect("the store answers");
        let newest = kept.last().expect("a token was signed before");
        Signer::of(newest.private.expose(), &newest.certificate)
    }

    /// A token of ours with other claims, signed with the tenant's own key.
    pub async fn forge(&self, token: &str, change: impl FnOnce(&mut Value)) -> String {
        let (header, mut claims) = (part(token, 0), part(token, 1));
        let signer = self.signer(claims["tid"].as_str().expect("a tenant")).await;
        change(&mut claims);
        signer.sign(&header.to_string(), &claims.to_string())
    }
}

/// A token of three segments with this signature.
#[must_use]
pub fn compact(header: &str, claims: &str, signature: &[u8]) -> String {
    [header.as_bytes(), claims.as_bytes(), signature].map(encode_base64url).join(".")
}

/// A key as PEM text with this label.
#[must_use]
pub fn pem(label: &str, der: &[u8]) -> String {
    let body = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> = body.as_bytes().chunks(64).filter_map(|it| std::str::from_utf8(it).ok()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
