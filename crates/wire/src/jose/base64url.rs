//! Strict base64url, and lenient parsing of certificate thumbprints, which libraries write in three ways (observed).

use super::JoseError;
use base64::{Engine, engine::general_purpose as engines};

/// Encodes without padding.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    engines::URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes. Padding, white space and non-zero trailing bits are errors.
///
/// # Errors
/// [`JoseError::Shape`]
pub fn decode(text: &str) -> Result<Vec<u8>, JoseError> {
    engines::URL_SAFE_NO_PAD.decode(text).map_err(|_| JoseError::Shape)
}

/// Decodes `x5t` (20 bytes) or `x5t#S256` (32 bytes): base64url with or without padding, or standard base64.
#[must_use]
pub fn thumbprint<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() > 64 {
        return None;
    }
    let plain: String = text
        .trim_end_matches('=')
        .chars()
        .map(|c| match c {
            '+' => '-',
            '/' => '_',
            other => other,
        })
        .collect();
    engines::URL_SAFE_NO_PAD.decode(plain).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bytes_come_back_and_no_second_spelling_decodes_row_22(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let text = encode(&bytes);
            prop_assert_eq!(decode(&text), Ok(bytes.clone()));
            let (padded, spaced) = (decode(&format!("{text}=")), decode(&format!(" {text}")));
            prop_assert!(padded.is_err() && spaced.is_err());
            if bytes.len() % 3 != 0 {
                let last = text.chars().last().unwrap();
                let next = char::from(u8::try_from(u32::from(last) + 1).unwrap());
                let other = format!("{}{next}", &text[..text.len() - 1]);
                prop_assert_ne!(decode(&other), Ok(bytes));
            }
        }

        #[test]
        fn a_thumbprint_is_read_in_its_three_spellings(bytes: [u8; 20]) {
            for text in [engines::STANDARD.encode(bytes), engines::URL_SAFE.encode(bytes), encode(&bytes)] {
                prop_assert_eq!(thumbprint::<20>(&text), Some(bytes));
                prop_assert_eq!(thumbprint::<32>(&text), None);
            }
        }
    }
}
