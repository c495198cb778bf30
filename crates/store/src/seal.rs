//! Encryption at rest: every body is encrypted with AES-256-GCM under a key of its own, derived from the seal key,
//! which is not in the database. A body that is copied to another row cannot be decrypted.

use crate::StoreError;
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf, hmac,
};
use carnet_wire::{digest::DigestKey, entropy::Entropy, ids::TenantId, secret::SecretBytes};
use std::sync::Arc;
use zeroize::Zeroizing;

/// The HKDF salt.
const SALT: &[u8] = b"carnet seal 1";

/// The seal key, and the source of randomness.
#[derive(Clone)]
pub struct Seal {
    root: Arc<hkdf::Prk>,
    mac: DigestKey,
    entropy: Arc<dyn Entropy>,
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal(..)")
    }
}

impl Seal {
    /// Prepares the key derivation from the 32 bytes of the seal key.
    #[must_use]
    pub fn new(key: &SecretBytes, entropy: Arc<dyn Entropy>) -> Self {
        // Extracted once (RFC 5869, 2.2); the library would extract again for every expansion.
        let extracted = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SALT), key.expose());
        let root = hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, extracted.as_ref());
        let mac = Zeroizing::new(DigestKey::new(key.expose()).digest(&[b"carnet digests 1"]));
        Self { root: Arc::new(root), mac: DigestKey::new(&mac[..]), entropy }
    }

    /// Encrypts a body for a row.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if the crypto library fails.
    pub fn seal(&self, place: &[&str], body: &[u8]) -> Result<Vec<u8>, StoreError> {
        let mut nonce = [0; NONCE_LEN];
        self.entropy.fill(&mut nonce);
        let (key, aad) = self.key(place)?;
        let mut sealed = Vec::with_capacity(NONCE_LEN + body.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(body);
        let tag = key
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(aad),
                &mut sealed[NONCE_LEN..],
            )
            .map_err(|_| broken())?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// Decrypts the body of a row.
    ///
    /// # Errors
    /// [`StoreError::WrongSeal`] if it was encrypted with another key or for another row, or was altered.
    pub fn open(&self, place: &[&str], sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
        let (nonce, body) = sealed.split_at_checked(NONCE_LEN).ok_or(StoreError::WrongSeal)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| StoreError::WrongSeal)?;
        let mut body = body.to_vec();
        let (key, aad) = self.key(place)?;
        let length =
            key.open_in_place(nonce, Aad::from(aad), &mut body).map_err(|_| StoreError::WrongSeal)?.len();
        body.truncate(length);
        Ok(body)
    }

    /// A digest that is keyed with the seal key. Accounts and password attempts are stored as such digests.
    #[must_use]
    pub fn digest(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut all = vec![purpose.as_bytes()];
        all.extend(parts);
        self.mac.digest(&all)
    }

    /// A tenant's key for pairwise subject identifiers. It is the same on every node and never changes.
    #[must_use]
    pub fn pairwise(&self, tenant: TenantId) -> DigestKey {
        DigestKey::new(&Zeroizing::new(self.digest("pairwise", &[tenant.uuid().as_bytes()]))[..])
    }

    fn key(&self, place: &[&str]) -> Result<(LessSafeKey, Vec<u8>), StoreError> {
        // Lengths distinguish ("a", "bc") from ("ab", "c").
        let mut aad = Vec::with_capacity(128);
        for part in place {
            aad.extend_from_slice(&(part.len() as u64).to_be_bytes());
            aad.extend_from_slice(part.as_bytes());
        }
        let info = [aad.as_slice()];
        let derived = self.root.expand(&info, &AES_256_GCM).map_err(|_| broken())?;
        Ok((LessSafeKey::new(UnboundKey::from(derived)), aad))
    }
}

fn broken() -> StoreError {
    StoreError::Damaged("encryption failed".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use carnet_wire::entropy::SeededEntropy;

    fn seal(byte: u8) -> Seal {
        Seal::new(&SecretBytes::new(vec![byte; 32]), Arc::new(SeededEntropy::new(1)))
    }

    #[test]
    fn keys_are_derived_as_the_library_does_it() {
        struct Size;
        impl hkdf::KeyType for Size {
            fn len(&self) -> usize {
                32
            }
        }
        let derive = |root: &hkdf::Prk| {
            let mut key = [0; 32];
            root.expand(&[b"place"], Size).unwrap().fill(&mut key).unwrap();
            key
        };
        let theirs = hkdf::Salt::new(hkdf::HKDF_SHA256, SALT).extract(&[7; 32]);
        assert_eq!(derive(&seal(7).root), derive(&theirs));
        assert_ne!(derive(&seal(8).root), derive(&theirs));
    }

    #[test]
    fn a_body_opens_in_its_own_row_with_its_own_key_only() {
        let sealed = seal(1).seal(&["object", "a"], b"body").unwrap();
        assert_eq!(seal(1).open(&["object", "a"], &sealed).unwrap(), b"body");
        for (key, place) in [(2, ["object", "a"]), (1, ["object", "b"]), (1, ["objecta", ""])] {
            assert_eq!(seal(key).open(&place, &sealed), Err(StoreError::WrongSeal));
        }
        assert_eq!(seal(1).open(&["object", "a"], &sealed[..20]), Err(StoreError::WrongSeal));
        assert!(!sealed.windows(4).any(|part| part == b"body"));
    }
}
