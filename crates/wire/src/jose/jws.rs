//! Parsing of a compact JWS in the order of `docs/security.md#s1`. Only `alg`, `kid`, `typ` and the thumbprints of
//! the header are read; none of them supplies a key.

use super::{Algorithm, JoseError, PublicKey, base64url, json};
use serde_json::{Map, Value};

/// Maximum size of a token, in bytes.
pub const LARGEST: usize = 16 * 1024;
/// Maximum size of a header, in bytes. The header of a client assertion may contain a certificate chain (`x5c`).
const LARGEST_HEADER: usize = 12 * 1024;
/// Maximum length of `kid`, in bytes.
const LONGEST_KID: usize = 128;

/// The header members that are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The signature algorithm.
    pub algorithm: Algorithm,
    /// The key id, an opaque string.
    pub kid: Option<String>,
    /// SHA-1 thumbprint of the certificate.
    pub x5t: Option<[u8; 20]>,
    /// SHA-256 thumbprint of the certificate.
    pub x5t_s256: Option<[u8; 32]>,
    /// Whether a thumbprint was sent that cannot be decoded. It then names no certificate.
    pub unreadable_thumbprint: bool,
}

/// A parsed JWS whose signature has not been verified.
#[derive(Debug)]
pub struct Jws<'a> {
    header: Header,
    signed: &'a str,
    claims: Map<String, Value>,
    signature: Vec<u8>,
}

impl<'a> Jws<'a> {
    /// Parses a token.
    ///
    /// # Errors
    /// [`JoseError`]
    pub fn parse(text: &'a str) -> Result<Self, JoseError> {
        if text.len() > LARGEST {
            return Err(JoseError::TooLarge);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(JoseError::Shape)?;
        let (head, claims) = signed.split_once('.').ok_or(JoseError::Shape)?;
        if claims.contains('.') {
            return Err(JoseError::Shape);
        }
        if head.len() > LARGEST_HEADER {
            return Err(JoseError::TooLarge);
        }
        let header = header(&json::object(&base64url::decode(head)?)?)?;
        let (claims, signature) = (base64url::decode(claims)?, base64url::decode(signature)?);
        Ok(Self { header, signed, claims: json::object(&claims)?, signature })
    }

    /// The header.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Verifies the signature and returns the claims.
    ///
    /// # Errors
    /// [`JoseError::Signature`]
    pub fn verify(&self, key: &PublicKey) -> Result<&Map<String, Value>, JoseError> {
        key.verify(self.header.algorithm, self.signed.as_bytes(), &self.signature)?;
        Ok(&self.claims)
    }

    /// Verifies the signature and returns the claims by value.
    ///
    /// # Errors
    /// [`JoseError::Signature`]
    pub fn into_verified(self, key: &PublicKey) -> Result<Map<String, Value>, JoseError> {
        self.verify(key)?;
        Ok(self.claims)
    }

    /// The claims before verification, to find the key that should verify them.
    #[must_use]
    pub const fn unverified_claims(&self) -> &Map<String, Value> {
        &self.claims
    }
}

fn header(members: &Map<String, Value>) -> Result<Header, JoseError> {
    if ["crit", "zip", "b64"].iter().any(|name| members.contains_key(*name)) {
        return Err(JoseError::Critical);
    }
    let algorithm = match members.get("alg").and_then(Value::as_str) {
        Some("RS256") => Algorithm::Rs256,
        Some("PS256") => Algorithm::Ps256,
        _ => return Err(JoseError::Algorithm),
    };
    let text = |name: &str| match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(JoseError::Json),
    };
    let kid = text("kid")?;
    if kid.is_some_and(|kid| kid.len() > LONGEST_KID) {
        return Err(JoseError::TooLarge);
    }
    let (sha1, sha256) = (text("x5t")?, text("x5t#S256")?);
    let (x5t, x5t_s256) = (sha1.and_then(base64url::thumbprint), sha256.and_then(base64url::thumbprint));
    Ok(Header {
        algorithm,
        kid: kid.map(str::to_owned),
        unreadable_thumbprint: sha1.is_some() != x5t.is_some() || sha256.is_some() != x5t_s256.is_some(),
        x5t,
        x5t_s256,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn token(head: &str, claims: &str) -> String {
        format!(
            "{}.{}.{}",
            base64url::encode(head.as_bytes()),
            base64url::encode(claims.as_bytes()),
            base64url::encode(b"x")
        )
    }

    fn error(head: &str) -> JoseError {
        Jws::parse(&token(head, "{}")).unwrap_err()
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,200}") {
            let _ = Jws::parse(&text);
        }
    }

    #[test]
    fn an_algorithm_that_is_none_or_symmetric_is_refused_rows_1_and_2() {
        for alg in ["none", "None", "NONE", "nOnE", "", "HS256", "RS512", "rs256"] {
            assert_eq!(error(&format!(r#"{{"alg":"{alg}"}}"#)), JoseError::Algorithm, "{alg}");
        }
        assert_eq!(error("{}"), JoseError::Algorithm);
        assert_eq!(error(r#"{"alg":["RS256"]}"#), JoseError::Algorithm);
    }

    #[test]
    fn key_material_in_the_header_is_not_looked_at_rows_3_to_5() {
        let plain = Jws::parse(&token(r#"{"alg":"RS256"}"#, "{}")).map(|it| it.header().clone()).unwrap();
        let loaded = token(
            r#"{"alg":"RS256","jwk":{"kty":"RSA"},"jku":"https://evil.example","x5u":"x","x5c":["x"]}"#,
            "{}",
        );
        assert_eq!(Jws::parse(&loaded).map(|it| it.header().clone()), Ok(plain));
    }

    #[test]
    fn odd_key_ids_are_text_or_nothing_row_6() {
        let kid = |kid: &str| {
            Jws::parse(&token(&format!(r#"{{"alg":"RS256","kid":{kid}}}"#), "{}"))
                .map(|it| it.header().kid.clone())
        };
        assert_eq!(kid(r#""../../dev/null""#), Ok(Some("../../dev/null".into())));
        assert_eq!(kid("1"), Err(JoseError::Json));
        assert_eq!(kid("[]"), Err(JoseError::Json));
        assert_eq!(kid(&format!("\"{}\"", "k".repeat(129))), Err(JoseError::TooLarge));
    }

    #[test]
    fn wrapped_compressed_and_critical_tokens_are_refused_rows_7_8_11() {
        assert_eq!(Jws::parse("a.b.c.d.e").unwrap_err(), JoseError::Shape);
        assert_eq!(error(r#"{"alg":"RS256","zip":"DEF"}"#), JoseError::Critical);
        assert_eq!(error(r#"{"alg":"RS256","crit":["x"]}"#), JoseError::Critical);
    }

    #[test]
    fn dots_and_megabytes_are_refused_unread_row_10() {
        assert_eq!(Jws::parse(&".".repeat(1_000_000)).unwrap_err(), JoseError::TooLarge);
        assert_eq!(Jws::parse(&".".repeat(1000)).unwrap_err(), JoseError::Shape);
    }
}
