//! RSA public keys: who may have signed.

use super::JoseError;
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaPublicKeyComponents};

/// The algorithms that are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PSS with SHA-256.
    Ps256,
}

/// An RSA public key of 2048 to 4096 bits whose exponent is 65537.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    modulus: Vec<u8>,
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicKey({} bits)", self.modulus.len() * 8)
    }
}

/// 65537, big-endian.
const EXPONENT: [u8; 3] = [1, 0, 1];

impl PublicKey {
    /// A key from its big-endian parts.
    ///
    /// # Errors
    /// [`JoseError::Key`]
    pub fn from_parts(modulus: &[u8], exponent: &[u8]) -> Result<Self, JoseError> {
        let modulus = strip(modulus);
        let bits = modulus.first().map_or(0, |first| modulus.len() * 8 - first.leading_zeros() as usize);
        let odd = modulus.last().is_some_and(|last| last % 2 == 1);
        if !(2048..=4096).contains(&bits) || !odd || strip(exponent) != EXPONENT {
            return Err(JoseError::Key);
        }
        Ok(Self { modulus: modulus.to_vec() })
    }

    /// The modulus, big-endian.
    #[must_use]
    pub fn modulus(&self) -> &[u8] {
        &self.modulus
    }

    /// Checks a signature.
    ///
    /// # Errors
    /// [`JoseError::Signature`]
    pub fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> Result<(), JoseError> {
        let parameters = match algorithm {
            Algorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
            Algorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
        };
        RsaPublicKeyComponents { n: &self.modulus[..], e: &EXPONENT[..] }
            .verify(parameters, message, signature)
            .map_err(|_| JoseError::Signature)
    }
}

fn strip(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}
