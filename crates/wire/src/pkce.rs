//! Proof key for code exchange (RFC 7636), S256 only.

use crate::jose::encode_base64url;
use zeroize::Zeroizing;

/// A code verifier: 43 to 128 unreserved characters.
#[derive(Clone)]
pub struct Verifier(Zeroizing<String>);

/// The S256 challenge of a verifier: 43 characters.
#[derive(Debug, Clone)]
pub struct Challenge(String);

/// Error: the text is not a PKCE verifier or challenge.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a PKCE verifier or challenge")]
pub struct NotPkce;

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Verifier(..)")
    }
}

impl Verifier {
    /// Parses a verifier.
    ///
    /// # Errors
    /// [`NotPkce`]
    pub fn parse(text: &str) -> Result<Self, NotPkce> {
        let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
        match (43..=128).contains(&text.len()) && text.bytes().all(unreserved) {
            true => Ok(Self(Zeroizing::new(text.to_owned()))),
            false => Err(NotPkce),
        }
    }

    /// The S256 challenge of this verifier.
    #[must_use]
    pub fn challenge(&self) -> Challenge {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, self.0.as_bytes());
        Challenge(encode_base64url(digest.as_ref()))
    }
}

impl Challenge {
    /// Parses an S256 challenge.
    ///
    /// # Errors
    /// [`NotPkce`]
    pub fn parse(text: &str) -> Result<Self, NotPkce> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        match text.len() == 43 && text.bytes().all(plain) {
            true => Ok(Self(text.to_owned())),
            false => Err(NotPkce),
        }
    }

    /// The challenge as it was sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the challenge of the verifier.
    #[must_use]
    pub fn accepts(&self, verifier: &Verifier) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(
            self.0.as_bytes(),
            verifier.challenge().0.as_bytes(),
        )
        .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,140}") {
            let _ = (Verifier::parse(&text), Challenge::parse(&text));
        }
    }

    #[test]
    fn the_rfcs_example_holds_and_another_verifier_does_not() {
        let verifier = Verifier::parse("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
        let challenge = Challenge::parse("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM").unwrap();
        assert!(challenge.accepts(&verifier));
        assert!(!challenge.accepts(&Verifier::parse(&"a".repeat(43)).unwrap()));
    }

    #[test]
    fn lengths_are_kept_row_48() {
        for (length, good) in [(42, false), (43, true), (128, true), (129, false)] {
            assert_eq!(Verifier::parse(&"a".repeat(length)).is_ok(), good, "{length}");
        }
    }
}
