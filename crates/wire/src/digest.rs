//! SHA-256, HMAC-SHA256 and constant-time comparison.

use aws_lc_rs::{constant_time, digest, hmac};

/// SHA-256 over the concatenated parts.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part);
    }
    bytes(context.finish().as_ref())
}

/// A key for HMAC-SHA256. It is prepared once, because preparing it costs as much as a short digest.
#[derive(Clone)]
pub struct DigestKey(hmac::Key);

impl std::fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DigestKey(..)")
    }
}

impl DigestKey {
    /// Prepares a key from a secret.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// HMAC-SHA256 over the parts, each preceded by its length so that two different lists of parts differ.
    #[must_use]
    pub fn digest(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        bytes(context.sign().as_ref())
    }
}

/// Compares two digests in constant time.
#[must_use]
pub fn same(one: &[u8], other: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(one, other).is_ok()
}

/// Formats bytes as lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(DIGITS[usize::from(byte >> 4)]);
        text.push(DIGITS[usize::from(byte & 15)]);
    }
    text
}

/// Parses a SHA-256 digest from hexadecimal. `None` if the text is not 64 hexadecimal digits.
#[must_use]
pub fn from_hex(text: &str) -> Option<[u8; 32]> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|it| u8::try_from(it).ok());
    let digits: Vec<u8> = text.as_bytes().iter().map(digit).collect::<Option<_>>()?;
    let pairs: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    pairs.try_into().ok().filter(|_| text.len() == 64)
}

fn bytes(digest: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_digest_is_the_known_one() {
        assert_eq!(hex(&sha256(&[]))[..16], *"e3b0c44298fc1c14");
        assert_eq!(from_hex(&hex(&sha256(&[]))), Some(sha256(&[])));
        assert_eq!((from_hex("e3"), from_hex(&"g".repeat(64))), (None, None));
        assert_eq!(sha256(&[b"a", b"b"]), sha256(&[b"ab"]));
    }

    #[test]
    fn parts_of_a_keyed_digest_do_not_run_together() {
        let key = DigestKey::new(b"k");
        assert_ne!(key.digest(&[b"a", b"b"]), key.digest(&[b"ab"]));
        assert_ne!(key.digest(&[b"a"]), DigestKey::new(b"l").digest(&[b"a"]));
        assert_eq!(key.digest(&[b"a"]), key.clone().digest(&[b"a"]));
        assert!(same(b"ab", b"ab") && !same(b"ab", b"ac") && !same(b"ab", b"abc"));
    }
}
