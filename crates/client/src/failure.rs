//! Errors of client calls: the server refused, could not be reached, or sent an unexpected response, or the input was
//! wrong.

use carnet_wire::aadsts::{self, Row};
use serde_json::Value;

/// Error: a client call failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The server refused the request.
    #[error(transparent)]
    Refused(Box<Refused>),
    /// No response arrived.
    #[error("cannot reach {url}: {cause}")]
    Unreachable {
        /// The URL of the request.
        url: String,
        /// The cause, as far as it is known.
        cause: String,
    },
    /// The response is not valid for this protocol.
    #[error("unexpected response from {url}: {what}")]
    Unexpected {
        /// The URL of the request.
        url: String,
        /// What is wrong with the response.
        what: String,
    },
    /// The input is not valid; no request was sent.
    #[error("{0}")]
    Input(String),
}

/// An error response: code, message and ids, cleaned for a terminal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refused {
    /// The HTTP status.
    pub status: u16,
    /// The error code, such as `invalid_grant`, `Authorization_RequestDenied` or `Forbidden`.
    pub code: String,
    /// The AADSTS number, if the token service refused.
    pub aadsts: Option<u32>,
    /// The token service's `suberror` or the gateway's `innererror.code`.
    pub inner: Option<String>,
    /// The message, without control characters, cut to 2 KiB.
    pub message: String,
    /// The server's id for the request.
    pub trace: Option<String>,
    /// A claims challenge (JSON), with which the next token has to be requested.
    pub claims: Option<String>,
}

impl Refused {
    /// Parses an error body of any of the four hosts.
    #[must_use]
    pub fn read(status: u16, body: &Value) -> Self {
        let text = |value: &Value| value.as_str().map(|text| printable(text, 2048));
        let error = &body["error"];
        if let Some(code) = error.as_str() {
            let description = text(&body["error_description"]).unwrap_or_default();
            return Self {
                status,
                code: printable(code, 128),
                aadsts: aadsts_number(body, &description),
                inner: text(&body["suberror"]),
                message: sentence(&description),
                trace: text(&body["trace_id"]),
                claims: body["claims"].as_str().map(str::to_owned),
            };
        }
        let inner = [&error["innerError"], &body["innererror"]].into_iter().find(|inner| inner.is_object());
        let source = if error.is_object() { error } else { body };
        let inner_message = inner.and_then(|inner| text(&inner["message"]));
        Self {
            status,
            code: text(&source["code"]).unwrap_or_else(|| format!("HTTP {status}")),
            aadsts: None,
            inner: inner.and_then(|inner| text(&inner["code"])),
            message: inner_message.or_else(|| text(&source["message"])).unwrap_or_default(),
            trace: inner.and_then(|inner| text(&inner["request-id"])),
            claims: None,
        }
    }

    /// Adds the claims challenge of a `WWW-Authenticate` header.
    #[must_use]
    pub fn challenging(self, claims: Option<String>) -> Self {
        Self { claims: claims.or(self.claims), ..self }
    }

    /// The row of the AADSTS table, which names the setup step that fixes the error.
    #[must_use]
    pub fn row(&self) -> Option<&'static Row> {
        aadsts::find(self.aadsts?)
    }
}

fn aadsts_number(body: &Value, description: &str) -> Option<u32> {
    let listed = body["error_codes"][0].as_u64().and_then(|number| u32::try_from(number).ok());
    listed.or_else(|| {
        let digits: String =
            description.strip_prefix("AADSTS")?.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    })
}

/// The sentence of an error description, without the number in front and the ids at the end.
fn sentence(description: &str) -> String {
    let body = match description.split_once(": ") {
        Some((number, rest)) if number.starts_with("AADSTS") => rest,
        _ => description,
    };
    body.split(" Trace ID:").next().unwrap_or(body).trim().to_owned()
}

/// Cleans text from the network for a terminal: no control characters, no direction overrides, limited length.
#[must_use]
pub fn printable(text: &str, limit: usize) -> String {
    let mut out = String::new();
    for c in text.chars() {
        let c = match c {
            '\r' | '\n' | '\t' => ' ',
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '?',
            c if c.is_control() => '?',
            c => c,
        };
        if out.len() + c.len_utf8() > limit {
            out.push('…');
            break;
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_error_of_the_token_service_gives_number_and_sentence() {
        for separator in [" ", "\r\n"] {
            let description =
                format!("AADSTS50126: wrong.{separator}Trace ID: a{separator}Correlation ID: b");
            let body =
                json!({"error": "invalid_grant", "error_description": description, "error_codes": [50126]});
            let no = Refused::read(400, &body);
            assert_eq!((no.aadsts, no.message.as_str()), (Some(50126), "wrong."));
        }
    }

    #[test]
    fn the_gateways_inner_code_and_words_come_through() {
        let body = json!({"code": "Forbidden", "message": "no", "innererror": {"code": "ServicePrincipalNotRegistered", "message": "register it"}});
        let no = Refused::read(403, &body);
        assert_eq!(
            (no.code.as_str(), no.inner.as_deref(), no.message.as_str()),
            ("Forbidden", Some("ServicePrincipalNotRegistered"), "register it")
        );
    }

    #[test]
    fn graph_and_bap_wrap_theirs_in_error() {
        let no =
            Refused::read(403, &json!({"error": {"code": "Authorization_RequestDenied", "message": "no"}}));
        assert_eq!(
            (no.code.as_str(), no.message.as_str(), no.aadsts),
            ("Authorization_RequestDenied", "no", None)
        );
    }

    #[test]
    fn escape_sequences_do_not_reach_the_terminal() {
        let no = Refused::read(
            400,
            &json!({"error": "x\u{1b}[31m", "error_description": "a\u{1b}]0;t\u{7}b\u{202e}c"}),
        );
        assert!(!format!("{no}").contains(['\u{1b}', '\u{7}', '\u{202e}']), "{no}");
        assert!(printable(&"x".repeat(5000), 2048).len() <= 2051);
    }

    #[test]
    fn a_body_that_is_no_error_still_says_the_status() {
        assert_eq!(Refused::read(502, &json!([1])).code, "HTTP 502");
    }
}
