//! A form body (`application/x-www-form-urlencoded`), parsed once and strictly: at most 64 KiB and 50 parameters,
//! each name once, UTF-8 (`docs/security.md`, "Limits").

use super::request::RequestError;
use crate::percent;
use zeroize::Zeroizing;

/// Maximum size of a form, in bytes.
pub const LARGEST: usize = 64 * 1024;
/// Maximum number of parameters.
pub const MOST: usize = 50;

/// The parameters of a form, in the order sent, each name once.
#[derive(Default)]
pub struct Form {
    pairs: Vec<(String, Zeroizing<String>)>,
}

impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.pairs.iter().map(|(name, _)| name)).finish()
    }
}

impl Form {
    /// Parses a body.
    ///
    /// # Errors
    /// [`RequestError`] if the body is too large, is not UTF-8, has a control character in a name, or has a parameter
    /// twice.
    pub fn parse(body: &[u8]) -> Result<Self, RequestError> {
        if body.len() > LARGEST {
            return Err(RequestError::TooLarge);
        }
        let mut pairs: Vec<(String, Zeroizing<String>)> = Vec::new();
        for part in body.split(|byte| *byte == b'&').filter(|part| !part.is_empty()) {
            let at = part.iter().position(|byte| *byte == b'=');
            let (name, value) = match at {
                Some(at) => (&part[..at], &part[at + 1..]),
                None => (part, &[][..]),
            };
            let name = std::mem::take(&mut *decode(name)?);
            if name.chars().any(char::is_control) {
                return Err(RequestError::NotUtf8);
            }
            if pairs.iter().any(|(other, _)| *other == name) {
                return Err(RequestError::Doubled(clipped(&name)));
            }
            if pairs.len() == MOST {
                return Err(RequestError::TooMany);
            }
            pairs.push((name, decode(value)?));
        }
        Ok(Self { pairs })
    }

    /// Whether the form has no parameters.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The value of a parameter. An empty value is returned as empty, not as `None`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

/// Decodes a name or value. NUL is refused, because no valid value contains it.
fn decode(text: &[u8]) -> Result<Zeroizing<String>, RequestError> {
    let mut bytes = percent::decode(text, true).ok_or(RequestError::NotUtf8)?;
    let text = match String::from_utf8(std::mem::take(&mut *bytes)) {
        Ok(text) => Zeroizing::new(text),
        Err(error) => {
            *bytes = error.into_bytes();
            return Err(RequestError::NotUtf8);
        }
    };
    if text.contains('\0') { Err(RequestError::NotUtf8) } else { Ok(text) }
}

fn clipped(name: &str) -> String {
    name.chars().take(64).collect()
}

/// The client id and secret of an `Authorization: Basic` header. Both are form-encoded before base64 (RFC 6749,
/// 2.3.1). A value that cannot be decoded is used as it is.
#[derive(Debug)]
pub struct Basic {
    /// The client id.
    pub client_id: String,
    /// The secret.
    pub secret: crate::secret::ClientSecret,
}

impl Basic {
    /// Parses the header's value. `None` if it has another scheme.
    ///
    /// # Errors
    /// [`RequestError::Basic`] if the scheme is Basic and the rest is not valid.
    pub fn parse(header: &str) -> Result<Option<Self>, RequestError> {
        use base64::Engine as _;
        let Some((scheme, rest)) = header.split_once(' ') else { return Ok(None) };
        if !scheme.eq_ignore_ascii_case("basic") {
            return Ok(None);
        }
        let engine = base64::engine::general_purpose::STANDARD;
        let bytes = Zeroizing::new(engine.decode(rest.trim()).map_err(|_| RequestError::Basic)?);
        let text = std::str::from_utf8(&bytes).map_err(|_| RequestError::Basic)?;
        let (id, secret) = text.split_once(':').ok_or(RequestError::Basic)?;
        let plain =
            |part: &str| decode(part.as_bytes()).map_or_else(|_| part.to_owned(), |text| text.to_string());
        Ok(Some(Self { client_id: plain(id), secret: crate::secret::ClientSecret::new(plain(secret)) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Form::parse(&body);
        }

        #[test]
        fn a_value_comes_through_every_encoding(value in "[^\0]{0,40}") {
            let encoded: String = value.bytes().map(|byte| format!("%{byte:02x}")).collect();
            let form = Form::parse(format!("a={encoded}&b=1").as_bytes()).unwrap();
            prop_assert_eq!((form.get("a"), form.get("b")), (Some(value.as_str()), Some("1")));
        }

        #[test]
        fn any_basic_header_is_read_or_refused(header in ".{0,60}") {
            let _ = Basic::parse(&header);
        }
    }

    #[test]
    fn a_name_stands_once_row_38() {
        assert_eq!(Form::parse(b"scope=a&scope=b").unwrap_err(), RequestError::Doubled("scope".into()));
        assert!(Form::parse(b"scope=a&Scope=b").is_ok());
    }

    #[test]
    fn what_is_not_utf8_is_refused_row_88() {
        for body in [&b"a=%c0%af"[..], b"a=%00", b"a=%ed%a0%80", b"a=\xff", b"a=%4", b"a=%zz"] {
            assert_eq!(Form::parse(body).unwrap_err(), RequestError::NotUtf8, "{body:?}");
        }
    }

    #[test]
    fn there_is_a_limit_to_parameters_and_size() {
        let many: String = (0..51).map(|n| format!("p{n}=1&")).collect();
        assert_eq!(Form::parse(many.as_bytes()).unwrap_err(), RequestError::TooMany);
        assert_eq!(Form::parse(&vec![b'a'; LARGEST + 1]).unwrap_err(), RequestError::TooLarge);
    }

    #[test]
    fn basic_credentials_are_form_decoded_and_a_plain_percent_is_kept() {
        let of = |text: &str| {
            use base64::Engine as _;
            let encoded = base64::engine::general_purpose::STANDARD.encode(text);
            Basic::parse(&format!("basic {encoded}")).unwrap().unwrap()
        };
        assert_eq!(of("id:a%7Eb").secret.expose(), "a~b");
        assert_eq!(of("id:100%").secret.expose(), "100%");
        assert!(Basic::parse("Bearer x").unwrap().is_none());
        assert_eq!(Basic::parse("Basic !").unwrap_err(), RequestError::Basic);
    }
}
