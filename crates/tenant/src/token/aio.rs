//! `aio`: opaque, and some libraries want it there. In a user's token it holds when and how they signed in, for
//! the tenant that wrote it alone, so that whoever is acted for by that token (`on_behalf_of`) has signed in no
//! later and proved no more than they did. `amr` would not do: v2.0 tokens have none.

use carnet_wire::{
    digest::{self, DigestKey},
    ids::ObjectId,
    jose::{decode_base64url, encode_base64url},
    time::Timestamp,
};

/// Bytes of the proof; the rest are what is held.
const PROOF: usize = 24;
/// Bytes that are held: the moment in milliseconds, and a bit for each method.
const HELD: usize = 9;
/// The methods that there are, by their bit.
const METHODS: [&str; 2] = ["pwd", "mfa"];

/// Holds a sign-in. `secret` is the tenant's, `uti` the id of the answer that the token is part of.
///
/// The proof is the nonce too (as in RFC 5297): two tokens look alike only where they are of one answer.
pub(super) fn hold(
    secret: &DigestKey,
    (uti, user): (&str, ObjectId),
    (signed_in, methods): (Timestamp, &[String]),
) -> String {
    let mut held = [0; HELD];
    held[..8].copy_from_slice(&signed_in.millis().to_be_bytes());
    let shown = |name: &str| methods.iter().any(|method| method == name);
    held[8] = METHODS.iter().enumerate().map(|(bit, name)| u8::from(shown(name)) << bit).sum();
    let proof = proof(secret, (uti, user), &held);
    hide(secret, &proof, &mut held);
    encode_base64url(&[&proof[..], &held].concat())
}

/// The sign-in that the `aio` of a token holds: when, and how. `None`: it holds none, or is not this token's.
/// Whether the token itself is ours is to be known already.
#[must_use]
pub fn open(
    secret: &DigestKey,
    (uti, user): (&str, ObjectId),
    aio: &str,
) -> Option<(Timestamp, Vec<String>)> {
    let bytes = decode_base64url(aio).ok()?;
    let (shown, held) = bytes.split_at_checked(PROOF)?;
    let mut held: [u8; HELD] = held.try_into().ok()?;
    hide(secret, shown, &mut held);
    if !digest::same(shown, &proof(secret, (uti, user), &held)) {
        return None;
    }
    let (moment, bits) = held.split_first_chunk()?;
    let methods = METHODS.iter().enumerate().filter(|(bit, _)| (bits[0] >> bit) & 1 == 1);
    let methods = methods.map(|(_, name)| (*name).to_owned()).collect();
    Some((Timestamp::from_millis(i64::from_be_bytes(*moment)), methods))
}

/// That of a token about no user, which holds nothing.
pub(super) fn empty(secret: &DigestKey, uti: &str) -> String {
    let bytes = secret.digest(&[b"aio", uti.as_bytes()]);
    let repeated: Vec<u8> = bytes.iter().copied().cycle().take(PROOF + HELD).collect();
    encode_base64url(&repeated)
}

fn proof(secret: &DigestKey, (uti, user): (&str, ObjectId), held: &[u8; HELD]) -> [u8; PROOF] {
    let user = user.uuid().into_bytes();
    let parts: [&[u8]; 4] = [b"aio of a sign-in", uti.as_bytes(), &user, held];
    let whole = secret.digest(&parts);
    let mut proof = [0; PROOF];
    proof.copy_from_slice(&whole[..PROOF]);
    proof
}

/// What hides shows again too.
fn hide(secret: &DigestKey, proof: &[u8], held: &mut [u8; HELD]) {
    let stream = secret.digest(&[b"aio, hidden", proof]);
    for (byte, other) in held.iter_mut().zip(stream) {
        *byte ^= other;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_sign_in_is_read_back_from_its_own_token_and_tenant_alone() {
        let [one, other] = [DigestKey::new(&[1; 32]), DigestKey::new(&[2; 32])];
        let user = |number| ObjectId::new(Uuid::from_u128(number));
        let at = Timestamp::from_millis(1_800_000_000_123);
        for methods in [vec![], vec!["pwd".to_owned()], vec!["pwd".to_owned(), "mfa".to_owned()]] {
            let text = hold(&one, ("uti", user(7)), (at, &methods));
            assert_eq!(text.len(), 44);
            assert_eq!(open(&one, ("uti", user(7)), &text), Some((at, methods)));
            assert_eq!(open(&other, ("uti", user(7)), &text), None);
            assert_eq!(open(&one, ("other", user(7)), &text), None);
            assert_eq!(open(&one, ("uti", user(8)), &text), None);
            let bytes = decode_base64url(&text).unwrap();
            for place in 0..bytes.len() {
                let mut changed = bytes.clone();
                changed[place] ^= 2;
                assert_eq!(open(&one, ("uti", user(7)), &encode_base64url(&changed)), None, "{place}");
            }
            for text in ["", "?", &text[..40], &empty(&one, "uti")] {
                assert_eq!(open(&one, ("uti", user(7)), text), None, "{text}");
            }
        }
    }
}
