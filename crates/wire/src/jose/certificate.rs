//! X.509 certificates of applications, read from the formats that tools send. Certificates with weak keys or
//! signatures are refused.

use super::{JoseError, key::PublicKey};
use crate::time::Timestamp;
use base64::Engine as _;
use x509_parser::{
    oid_registry::{OID_PKCS1_MD5WITHRSAENC, OID_PKCS1_SHA1WITHRSA},
    prelude::{FromDer, X509Certificate},
    public_key::PublicKey as Parsed,
};

/// Maximum size of a certificate file, in bytes.
const LARGEST: usize = 64 * 1024;

/// A certificate with an acceptable RSA key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The certificate in DER.
    pub der: Vec<u8>,
    /// The SHA-1 thumbprint (`x5t`).
    pub sha1: [u8; 20],
    /// The SHA-256 thumbprint (`x5t#S256`).
    pub sha256: [u8; 32],
    /// Start of validity.
    pub not_before: Timestamp,
    /// End of validity.
    pub not_after: Timestamp,
    /// The subject's distinguished name.
    pub subject: String,
    /// The public key.
    pub key: PublicKey,
}

impl Certificate {
    /// Parses DER, PEM, base64 of DER, or base64 of a PEM file. White space is ignored.
    ///
    /// # Errors
    /// [`JoseError::TooLarge`], [`JoseError::Key`] or [`JoseError::Certificate`]
    pub fn read(bytes: &[u8]) -> Result<Self, JoseError> {
        if bytes.len() > LARGEST {
            return Err(JoseError::TooLarge);
        }
        if bytes.first() == Some(&0x30) && bytes.get(1).is_some_and(|next| *next >= 0x80) {
            return Self::from_der(bytes);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| JoseError::Certificate("cannot be parsed"))?;
        let inner = body(text)?;
        if inner.starts_with(b"-----") {
            let text = std::str::from_utf8(&inner).map_err(|_| JoseError::Certificate("cannot be parsed"))?;
            return Self::from_der(&body(text)?);
        }
        Self::from_der(&inner)
    }

    /// Parses DER.
    ///
    /// # Errors
    /// [`JoseError::Key`] or [`JoseError::Certificate`]
    pub fn from_der(der: &[u8]) -> Result<Self, JoseError> {
        let (rest, parsed) =
            X509Certificate::from_der(der).map_err(|_| JoseError::Certificate("cannot be parsed"))?;
        if !rest.is_empty() {
            return Err(JoseError::Certificate("is followed by other data"));
        }
        let algorithm = &parsed.signature_algorithm.algorithm;
        if *algorithm == OID_PKCS1_MD5WITHRSAENC || *algorithm == OID_PKCS1_SHA1WITHRSA {
            return Err(JoseError::Certificate("is signed with MD5 or SHA-1; use one signed with SHA-256"));
        }
        let Ok(Parsed::RSA(rsa)) = parsed.public_key().parsed() else { return Err(JoseError::Key) };
        let validity = parsed.validity();
        Ok(Self {
            sha1: digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, der)?,
            sha256: digest(&aws_lc_rs::digest::SHA256, der)?,
            not_before: Timestamp::from_seconds(validity.not_before.timestamp()),
            not_after: Timestamp::from_seconds(validity.not_after.timestamp()),
            subject: parsed.subject().to_string(),
            key: PublicKey::from_parts(rsa.modulus, rsa.exponent)?,
            der: der.to_vec(),
        })
    }

    /// The SHA-1 thumbprint in upper-case hexadecimal, as the Azure portal shows it.
    #[must_use]
    pub fn thumbprint_hex(&self) -> String {
        hex(&self.sha1)
    }

    /// The certificate as base64 of DER.
    #[must_use]
    pub fn base64(&self) -> String {
        base64::engine::general_purpose::STANDARD.encode(&self.der)
    }
}

/// Formats bytes as upper-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

fn digest<const N: usize>(
    algorithm: &'static aws_lc_rs::digest::Algorithm,
    bytes: &[u8],
) -> Result<[u8; N], JoseError> {
    let digest = aws_lc_rs::digest::digest(algorithm, bytes);
    digest.as_ref().try_into().map_err(|_| JoseError::Certificate("cannot be hashed"))
}

/// Decodes the base64 between the first PEM markers, or the whole text if it has none.
fn body(text: &str) -> Result<Vec<u8>, JoseError> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    let inner = match text.split_once(BEGIN) {
        Some((_, rest)) => rest.split("-----END").next().unwrap_or_default(),
        None => text,
    };
    let compact: String = inner.chars().filter(|c| !c.is_whitespace()).collect();
    let engine = base64::engine::general_purpose::STANDARD;
    engine.decode(compact).map_err(|_| JoseError::Certificate("is neither PEM nor base64 of DER"))
}

#[cfg(test)]
pub(super) mod fixture {
    /// A self-signed certificate and its private key in PKCS#8 PEM.
    pub(in crate::jose) fn pair() -> (rcgen::Certificate, rcgen::KeyPair) {
        let key =
            rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).expect("the library makes certificates");
        let certificate = rcgen::CertificateParams::new(vec!["client".into()])
            .expect("the library makes certificates")
            .self_signed(&key)
            .expect("the library makes certificates");
        (certificate, key)
    }
}

#[cfg(test)]
mod tests {
    use super::{fixture::pair, *};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Certificate::read(&bytes);
        }
    }

    #[test]
    fn every_form_in_which_tools_send_a_certificate_is_read() {
        let (certificate, _) = pair();
        let engine = base64::engine::general_purpose::STANDARD;
        let whole = Certificate::read(certificate.der()).unwrap();
        let forms = [
            certificate.pem(),
            whole.base64(),
            engine.encode(certificate.pem()),
            certificate
                .pem()
                .replace("-----BEGIN CERTIFICATE-----", "")
                .replace("-----END CERTIFICATE-----", ""),
        ];
        for form in forms {
            assert_eq!(Certificate::read(form.as_bytes()).as_ref(), Ok(&whole), "{form}");
        }
        assert_eq!(whole.thumbprint_hex().len(), 40);
    }

    #[test]
    fn a_key_that_is_not_rsa_is_refused_row_20() {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(vec!["x".into()]).unwrap().self_signed(&key).unwrap();
        assert_eq!(Certificate::read(certificate.der()), Err(JoseError::Key));
    }

    #[test]
    fn weak_numbers_are_no_key_row_20() {
        let modulus = |bytes: usize| [vec![0x80], vec![0; bytes - 2], vec![1]].concat();
        assert!(PublicKey::from_parts(&modulus(256), &[1, 0, 1]).is_ok());
        for (bytes, exponent) in [(128, &[1, 0, 1][..]), (256, &[3]), (2048, &[1, 0, 1]), (255, &[1, 0, 1])] {
            assert_eq!(PublicKey::from_parts(&modulus(bytes), exponent), Err(JoseError::Key), "{bytes}");
        }
    }
}
