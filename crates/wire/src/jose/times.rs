//! Times and strings among the claims of a token. Times in Carnet's own tokens are JSON integers; times in client
//! assertions are integers, floats or decimal strings (`docs/security.md#s2`). A malformed claim is an error, not
//! absent.

use super::JoseError;
use serde_json::{Map, Value};

/// The largest float that still counts whole seconds: 2^53.
const LARGEST: f64 = 9_007_199_254_740_992.0;

/// A time claim of one of Carnet's own tokens, in seconds since 1970.
///
/// # Errors
/// [`JoseError::Claim`] if it is missing or not an integer.
pub fn strict(claims: &Map<String, Value>, name: &'static str) -> Result<i64, JoseError> {
    claims.get(name).and_then(Value::as_i64).ok_or(JoseError::Claim(name))
}

/// A time claim of a client assertion, in seconds since 1970; `None` if it is absent.
///
/// # Errors
/// [`JoseError::Claim`] if it is present and not a time.
pub fn lenient(claims: &Map<String, Value>, name: &'static str) -> Result<Option<i64>, JoseError> {
    let number = match claims.get(name) {
        None => return Ok(None),
        Some(Value::Number(number)) => number.as_f64(),
        // MSAL for .NET writes its times as decimal strings (observed).
        Some(Value::String(text))
            if !text.is_empty() && text.len() <= 15 && text.bytes().all(|b| b.is_ascii_digit()) =>
        {
            text.parse().ok()
        }
        Some(_) => None,
    };
    match number {
        Some(number) if (0.0..LARGEST).contains(&number) =>
        {
            #[expect(clippy::cast_possible_truncation, reason = "floored and below 2^53, so it fits")]
            Ok(Some(number.floor() as i64))
        }
        _ => Err(JoseError::Claim(name)),
    }
}

/// A string claim; `None` if it is absent.
///
/// # Errors
/// [`JoseError::Claim`] if it is present and not a string.
pub fn text<'a>(claims: &'a Map<String, Value>, name: &'static str) -> Result<Option<&'a str>, JoseError> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(JoseError::Claim(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::object;

    fn read(value: &str) -> Result<Option<i64>, JoseError> {
        lenient(&object(format!("{{\"exp\":{value}}}").as_bytes()).unwrap(), "exp")
    }

    #[test]
    fn the_three_spellings_of_real_clients_are_times() {
        assert_eq!((read("17"), read("17.9"), read("\"17\"")), (Ok(Some(17)), Ok(Some(17)), Ok(Some(17))));
        assert_eq!(lenient(&Map::new(), "exp"), Ok(None));
    }

    #[test]
    fn what_is_no_time_is_an_error_and_never_absent_row_12() {
        for value in ["null", "-1", "\"-1\"", "\"1e3\"", "\"\"", "true", "[1]", "1e300", "9007199254740993"] {
            assert_eq!(read(value), Err(JoseError::Claim("exp")), "{value}");
        }
    }

    #[test]
    fn our_own_tokens_times_are_integers() {
        let claims = object(br#"{"exp":5,"nbf":"5","iat":5.0}"#).unwrap();
        assert_eq!(strict(&claims, "exp"), Ok(5));
        for name in ["nbf", "iat", "auth_time"] {
            assert_eq!(strict(&claims, name), Err(JoseError::Claim(name)));
        }
    }
}
