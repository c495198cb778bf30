//! Percent-encoding (RFC 3986, 2.1), decoded strictly.

use zeroize::Zeroizing;

/// Encodes all but unreserved characters. A space becomes a plus sign, as in forms.
#[must_use]
pub fn encode(text: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => {
                out.push('%');
                out.push(char::from(DIGITS[usize::from(byte >> 4)]));
                out.push(char::from(DIGITS[usize::from(byte & 15)]));
            }
        }
    }
    out
}

/// Decodes. If `plus` is true, a plus sign is a space, as in forms. `None` if an escape is malformed.
#[must_use]
pub fn decode(text: &[u8], plus: bool) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text;
    loop {
        // Assertions and secrets hardly contain escapes, so text without any is copied as a whole.
        let plain = rest.iter().position(|byte| *byte == b'%' || plus && *byte == b'+').unwrap_or(rest.len());
        bytes.extend_from_slice(&rest[..plain]);
        match &rest[plain..] {
            [] => return Some(bytes),
            [b'%', high, low, tail @ ..] => {
                bytes.push(digit(*high)? << 4 | digit(*low)?);
                rest = tail;
            }
            [b'%', ..] => return None,
            [_, tail @ ..] => {
                bytes.push(b' ');
                rest = tail;
            }
        }
    }
}

/// Decodes to a string. `None` if an escape is malformed or the bytes are not UTF-8.
#[must_use]
pub fn decode_text(text: &str, plus: bool) -> Option<String> {
    String::from_utf8(decode(text.as_bytes(), plus)?.to_vec()).ok()
}

/// The decoded value of a parameter in a query string. `None` if it is absent or cannot be decoded.
#[must_use]
pub fn query_value(query: &str, name: &str) -> Option<String> {
    let part = query.split('&').find_map(|part| part.split_once('=').filter(|(key, _)| *key == name))?;
    decode_text(part.1, true)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|number| u8::try_from(number).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_text_comes_back_from_its_escapes(text in ".{0,40}") {
            let escaped: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
            prop_assert_eq!(decode_text(&escaped, false), Some(text.clone()));
            prop_assert_eq!(decode_text(&encode(&text), true), Some(text));
        }
    }

    #[test]
    fn broken_escapes_are_refused_and_plus_is_a_space_only_in_forms() {
        for text in ["%", "%4", "%zz", "%c3%28"] {
            assert_eq!(decode_text(text, false), None, "{text}");
        }
        assert_eq!(
            (decode_text("a+b", false).as_deref(), decode_text("a+b", true).as_deref()),
            (Some("a+b"), Some("a b"))
        );
        assert_eq!(query_value("x=1&y=a%20b", "y").as_deref(), Some("a b"));
        assert_eq!(query_value("x=1", "y"), None);
    }
}
