//! Device authorization requests and user codes (RFC 8628, with Entra's differences).

use crate::{
    entropy::Entropy,
    ids::AppId,
    token::{
        form::Form,
        request::{RequestError, Target, Version, bearer_only, client_id},
    },
};
use serde_json::{Value, json};

/// Lifetime of a device code, in seconds.
pub const LIFETIME: i64 = 15 * 60;
/// Minimum time between two polls, in seconds.
pub const INTERVAL: u32 = 5;
/// The 20 letters of user codes: without vowels and Y, so that codes do not spell words (RFC 8628, 6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// Number of letters in a user code: 38.9 bits.
const LENGTH: usize = 9;

/// A device authorization request (RFC 8628, 3.1).
#[derive(Debug, Clone)]
pub struct DeviceRequest {
    /// The client.
    pub client_id: AppId,
    /// The scopes or the resource that the token is for.
    pub target: Target,
    /// The target as text, which is stored with the code.
    pub scope: String,
}

impl DeviceRequest {
    /// Parses a form.
    ///
    /// # Errors
    /// [`RequestError`]
    pub fn parse(version: Version, form: &Form) -> Result<Self, RequestError> {
        if form.is_empty() {
            return Err(RequestError::Empty);
        }
        let client = form.get("client_id").filter(|it| !it.is_empty());
        let client = client.ok_or(RequestError::Missing("client_id"))?;
        let client_id = client_id(client)?;
        bearer_only(form)?;
        let target = match (Target::of(version, form)?, version) {
            (Some(target), _) => target,
            (None, Version::V1) => Target::default_resource(true),
            (None, Version::V2) => return Err(RequestError::Missing("scope")),
        };
        let scope = target.kept_text();
        Ok(Self { client_id, target, scope })
    }
}

/// Error: a typed text is not a user code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserCodeProblem {
    /// It does not have nine characters.
    Length,
    /// It has a character that user codes never have, such as a vowel or a digit.
    Characters,
}

/// The code that the user types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserCode(String);

impl UserCode {
    /// Generates a user code.
    #[must_use]
    pub fn new(entropy: &dyn Entropy) -> Self {
        let letter = |_| char::from(LETTERS[entropy.below(20) as usize]);
        Self((0..LENGTH).map(letter).collect())
    }

    /// Parses what the user typed; letter case, spaces and hyphens are ignored.
    ///
    /// # Errors
    /// [`UserCodeProblem`]
    pub fn parse(text: &str) -> Result<Self, UserCodeProblem> {
        if text.len() > 64 {
            return Err(UserCodeProblem::Length);
        }
        let plain: String =
            text.chars().filter(|c| !matches!(c, ' ' | '-')).map(|c| c.to_ascii_uppercase()).collect();
        if plain.chars().count() != LENGTH {
            return Err(UserCodeProblem::Length);
        }
        match plain.bytes().all(|byte| LETTERS.contains(&byte)) {
            true => Ok(Self(plain)),
            false => Err(UserCodeProblem::Characters),
        }
    }

    /// The code in upper case, without spaces.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The response body of the device authorization endpoint: numbers in v2.0, strings in v1.0.
#[must_use]
pub fn reply(version: Version, device_code: &str, user_code: &UserCode, page: &str) -> Value {
    let code = user_code.as_str();
    let message = format!(
        "To sign in, use a web browser to open the page {page} and enter the code {code} to authenticate."
    );
    match version {
        Version::V2 => json!({
            "user_code": code, "device_code": device_code, "verification_uri": page,
            "expires_in": LIFETIME, "interval": INTERVAL, "message": message,
        }),
        Version::V1 => json!({
            "user_code": code, "device_code": device_code, "verification_url": page,
            "expires_in": LIFETIME.to_string(), "interval": INTERVAL.to_string(), "message": message,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_code_is_read_however_it_is_typed(seed: u64, junk in ".{0,80}") {
            let code = UserCode::new(&SeededEntropy::new(seed));
            let typed = format!(" {}-{} ", &code.as_str()[..4].to_lowercase(), &code.as_str()[4..]);
            prop_assert_eq!(UserCode::parse(&typed), Ok(code));
            let _ = UserCode::parse(&junk);
        }
    }

    #[test]
    fn the_editions_differ_in_types_and_in_the_name_of_the_page() {
        let code = UserCode::new(&SeededEntropy::new(1));
        let (two, one) = (reply(Version::V2, "d", &code, "p"), reply(Version::V1, "d", &code, "p"));
        assert_eq!((&two["expires_in"], &one["expires_in"]), (&json!(900), &json!("900")));
        assert_eq!((&two["verification_uri"], &one["verification_url"]), (&json!("p"), &json!("p")));
    }

    #[test]
    fn a_text_that_is_no_code_is_refused_with_its_cause() {
        for text in ["", "BCDFGHJK", "BCDFGHJKLM", "BCD-FGH", &"B".repeat(65)] {
            assert_eq!(UserCode::parse(text), Err(UserCodeProblem::Length), "{text}");
        }
        for text in ["WRONGCODE", "AAAAAAAAA", "BCDFGHJK1", "bcdfghjk?", "äcdfghjkl"] {
            assert_eq!(UserCode::parse(text), Err(UserCodeProblem::Characters), "{text}");
        }
        assert!(UserCode::parse("bcd-fgh jkl").is_ok());
    }
}
