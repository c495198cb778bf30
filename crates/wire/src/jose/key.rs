//! RSA public keys for signature verification.

use super::JoseError;
use crate::digest;
use aws_lc_rs::signature::{
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaPublicKeyComponents,
};
use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};

/// The supported signature algorithms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PSS with SHA-256.
    Ps256,
}

/// An RSA public key of 2048 to 4096 bits with exponent 65537.
///
/// The parsed form for the crypto library is cached, because parsing takes half the time of a verification. Digests
/// of the last valid signatures are cached too: clients send the same access token for an hour, and MSAL for Python
/// sends the same assertion for nine minutes.
pub struct PublicKey {
    modulus: Vec<u8>,
    pkcs1: OnceLock<Option<ParsedPublicKey>>,
    pss: OnceLock<Option<ParsedPublicKey>>,
    proved: Mutex<HashSet<[u8; 32]>>,
    most: usize,
}

/// Default number of valid signatures that a key remembers: enough for the nodes of one client.
const REMEMBERED: usize = 16;

impl Clone for PublicKey {
    fn clone(&self) -> Self {
        Self::of(self.modulus.clone()).remembering(self.most)
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.modulus == other.modulus
    }
}

impl Eq for PublicKey {}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicKey({} bits)", self.modulus.len() * 8)
    }
}

/// The exponent 65537, big-endian.
const EXPONENT: [u8; 3] = [1, 0, 1];

impl PublicKey {
    /// Makes a key from its big-endian modulus and exponent.
    ///
    /// # Errors
    /// [`JoseError::Key`] if the key is too short, too long or weak.
    pub fn from_parts(modulus: &[u8], exponent: &[u8]) -> Result<Self, JoseError> {
        let modulus = strip(modulus);
        let bits = modulus.first().map_or(0, |first| modulus.len() * 8 - first.leading_zeros() as usize);
        let odd = modulus.last().is_some_and(|last| last % 2 == 1);
        if !(2048..=4096).contains(&bits) || !odd || strip(exponent) != EXPONENT || is_roca(modulus) {
            return Err(JoseError::Key);
        }
        Ok(Self::of(modulus.to_vec()))
    }

    fn of(modulus: Vec<u8>) -> Self {
        Self {
            modulus,
            pkcs1: OnceLock::new(),
            pss: OnceLock::new(),
            proved: Mutex::default(),
            most: REMEMBERED,
        }
    }

    /// Sets the number of valid signatures that the key remembers.
    #[must_use]
    pub(super) const fn remembering(mut self, most: usize) -> Self {
        self.most = most;
        self
    }

    /// The modulus, big-endian.
    #[must_use]
    pub fn modulus(&self) -> &[u8] {
        &self.modulus
    }

    /// Verifies a signature.
    ///
    /// # Errors
    /// [`JoseError::Signature`]
    pub fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> Result<(), JoseError> {
        let (place, parameters) = match algorithm {
            Algorithm::Rs256 => (&self.pkcs1, &RSA_PKCS1_2048_8192_SHA256),
            Algorithm::Ps256 => (&self.pss, &RSA_PSS_2048_8192_SHA256),
        };
        let shown = mark(algorithm, message, signature);
        if self.proved().contains(&shown) {
            return Ok(());
        }
        let parse = || {
            RsaPublicKeyComponents { n: &self.modulus[..], e: &EXPONENT[..] }
                .to_parsed_public_key(parameters)
                .ok()
        };
        let key = place.get_or_init(parse).as_ref().ok_or(JoseError::Signature)?;
        key.verify_sig(message, signature).map_err(|_| JoseError::Signature)?;
        let mut proved = self.proved();
        if proved.len() >= self.most {
            proved.clear();
        }
        proved.insert(shown);
        Ok(())
    }

    fn proved(&self) -> MutexGuard<'_, HashSet<[u8; 32]>> {
        self.proved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The digest under which a valid signature is remembered.
fn mark(algorithm: Algorithm, message: &[u8], signature: &[u8]) -> [u8; 32] {
    let name = match algorithm {
        Algorithm::Rs256 => b"RS256",
        Algorithm::Ps256 => b"PS256",
    };
    digest::sha256(&[name, &(message.len() as u64).to_be_bytes(), message, signature])
}

/// The primes of the test for CVE-2017-15361 (ROCA): modulo each of them, the modulus of a weak key is a power of
/// 65537. A sound modulus passes for all of them with probability 10^-8 (M. Nemec et al., "The Return of
/// Coppersmith's Attack", 2017).
const ROCA_PRIMES: [u16; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103,
    107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// Whether the modulus comes from the weak generator of CVE-2017-15361, so that it can be factored.
fn is_roca(modulus: &[u8]) -> bool {
    ROCA_PRIMES.iter().all(|prime| {
        let prime = u32::from(*prime);
        let rest = modulus.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime);
        let mut power = 1;
        for _ in 0..prime {
            if power == rest {
                return true;
            }
            power = power * 65_537 % prime;
        }
        false
    })
}

fn strip(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{jose::SigningKey, secret::SecretBytes, token::request::Version};

    /// 65537 to a power, big-endian.
    fn power(times: usize) -> Vec<u8> {
        let mut digits = vec![1_u32];
        for _ in 0..times {
            let shifted = std::iter::once(0).chain(digits.iter().copied());
            let mut carry = 0;
            let mut next: Vec<u32> = shifted
                .zip(digits.iter().copied().chain([0]))
                .map(|(one, other)| {
                    let sum = one + other + carry;
                    carry = sum >> 16;
                    sum & 0xffff
                })
                .collect();
            next.extend(Some(carry).filter(|carry| *carry > 0));
            digits = next;
        }
        digits.iter().rev().flat_map(|it| [(it >> 8) as u8, (it & 0xff) as u8]).collect()
    }

    #[test]
    fn what_was_right_once_says_nothing_of_anything_else() {
        let (certificate, pair) = crate::jose::certificate::fixture::pair();
        let key = SigningKey::new(&SecretBytes::new(pair.serialize_der()), certificate.der()).unwrap();
        let public = key.public();
        let token = key.sign(Version::V2, b"{}").unwrap();
        let (message, signature) = token.rsplit_once('.').unwrap();
        let signature = crate::jose::decode_base64url(signature).unwrap();
        let verify =
            |algorithm, message: &[u8], signature: &[u8]| public.verify(algorithm, message, signature);
        let message = message.as_bytes();
        for _ in 0..2 {
            assert_eq!(verify(Algorithm::Rs256, message, &signature), Ok(()));
            assert_eq!(public.proved().len(), 1);
            let mut other = signature.clone();
            other[0] ^= 1;
            for no in [
                verify(Algorithm::Ps256, message, &signature),
                verify(Algorithm::Rs256, message, &other),
                verify(Algorithm::Rs256, &message[1..], &signature),
                verify(Algorithm::Rs256, message, &signature[1..]),
                verify(Algorithm::Rs256, &[message, &signature[..1]].concat(), &signature[1..]),
            ] {
                assert_eq!(no, Err(JoseError::Signature));
            }
        }
        // A remembered signature is not computed again.
        public.proved().insert(mark(Algorithm::Rs256, b"never signed", &signature));
        assert_eq!(verify(Algorithm::Rs256, b"never signed", &signature), Ok(()));
        // The number of remembered signatures is limited.
        public
            .proved()
            .extend((0..public.most as u64).map(|number| digest::sha256(&[&number.to_be_bytes()])));
        let other = key.sign(Version::V2, b"{ }").unwrap();
        let (message, signature) = other.rsplit_once('.').unwrap();
        let signature = crate::jose::decode_base64url(signature).unwrap();
        assert_eq!(verify(Algorithm::Rs256, message.as_bytes(), &signature), Ok(()));
        assert_eq!(public.proved().len(), 1);
    }

    #[test]
    fn a_modulus_of_the_weak_generator_is_no_key_row_20() {
        let marked = power(128);
        assert_eq!(PublicKey::from_parts(&marked, &EXPONENT), Err(JoseError::Key));
        let mut plain = marked;
        plain[20] ^= 4;
        assert!(PublicKey::from_parts(&plain, &EXPONENT).is_ok());
    }
}
