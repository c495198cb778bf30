//! Randomness as an argument. Code that generates ids or secrets takes a source, so that a test can seed it. The
//! sources that use the operating system are in the client and the server.

use crate::{secret::ClientSecret, time::Timestamp};
use uuid::Uuid;

/// A source of random bytes that are suitable for keys.
pub trait Entropy: Send + Sync {
    /// Fills the slice with random bytes.
    fn fill(&self, bytes: &mut [u8]);

    /// A random (version 4) UUID.
    fn uuid(&self) -> Uuid {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }

    /// A UUID that begins with a time (version 7, RFC 9562, 5.7), so that rows created together are stored together.
    fn uuid_at(&self, now: Timestamp) -> Uuid {
        let mut bytes = [0; 10];
        self.fill(&mut bytes);
        let millis = now.millis().unsigned_abs();
        uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
    }

    /// A uniformly distributed number below `bound`, which must not be 0.
    fn below(&self, bound: u32) -> u32 {
        let limit = u32::MAX - u32::MAX % bound;
        loop {
            let mut bytes = [0; 4];
            self.fill(&mut bytes);
            let number = u32::from_le_bytes(bytes);
            if number < limit {
                return number % bound;
            }
        }
    }

    /// Generates a client secret: 40 characters of a 64-character alphabet, 240 bits.
    fn client_secret(&self) -> ClientSecret {
        let mut bytes = zeroize::Zeroizing::new([0_u8; 40]);
        self.fill(bytes.as_mut_slice());
        ClientSecret::new(bytes.iter().map(|b| char::from(ALPHABET[usize::from(b % 64)])).collect())
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789~_";

/// A deterministic source for tests: the same seed gives the same bytes.
#[derive(Debug, Default)]
pub struct SeededEntropy(std::sync::atomic::AtomicU64);

impl SeededEntropy {
    /// A source with this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed.into())
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        use std::sync::atomic::Ordering::Relaxed;
        for chunk in bytes.chunks_mut(8) {
            // SplitMix64: evenly distributed, but not suitable for real keys.
            let mut z = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Relaxed).wrapping_add(0x9E37_79B9_7F4A_7C15);
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^= z >> 31;
            chunk.copy_from_slice(&z.to_le_bytes()[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_secret_has_forty_characters_of_the_alphabet_and_differs() {
        let entropy = SeededEntropy::new(7);
        let (one, two) = (entropy.client_secret(), entropy.client_secret());
        assert_eq!(one.expose().len(), 40);
        assert!(one.expose().bytes().all(|b| ALPHABET.contains(&b)));
        assert_ne!(one.expose(), two.expose());
    }

    #[test]
    fn a_uuid_of_a_time_sorts_by_it_and_differs() {
        let entropy = SeededEntropy::new(1);
        let at = |seconds: i64| entropy.uuid_at(Timestamp::from_seconds(seconds));
        let (one, two, later) = (at(1_000), at(1_000), at(1_001));
        assert_ne!(one, two);
        assert!(one < later && two < later);
        assert_eq!((one.get_version_num(), one.as_u128() >> 80), (7, 1_000_000));
    }

    #[test]
    fn numbers_stay_below_their_bound() {
        let entropy = SeededEntropy::new(1);
        assert!((0..1000).all(|_| entropy.below(7) < 7));
    }
}
