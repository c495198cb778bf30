//! The error body of the token service (RFC 6749, 5.2, with the members that Entra adds).

use crate::{
    aadsts::Row,
    ids::{CorrelationId, TraceId},
    time::Timestamp,
};
use serde::Serialize;

/// The ids and the time that an error body repeats.
#[derive(Debug, Clone, Copy)]
pub struct Ids {
    /// The id of the response.
    pub trace: TraceId,
    /// The client's id for the request.
    pub correlation: CorrelationId,
    /// The time of the response.
    pub now: Timestamp,
}

/// The error body. Its members are in Entra's order (observed).
#[derive(Debug, Serialize)]
pub struct ErrorBody {
    error: &'static str,
    error_description: String,
    error_codes: [u32; 1],
    timestamp: String,
    trace_id: TraceId,
    correlation_id: CorrelationId,
    error_uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    suberror: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    claims: Option<String>,
}

impl ErrorBody {
    /// The error body for a row of the AADSTS table. `error` is the row's OAuth error at the endpoint's version;
    /// `base` is the base URL of the token service.
    #[must_use]
    pub fn new(row: &Row, error: &'static str, sentence: &str, ids: Ids, base: &str) -> Self {
        let (number, timestamp) = (row.number, ids.now.plain());
        Self {
            error,
            error_description: format!(
                "AADSTS{number}: {sentence} Trace ID: {} Correlation ID: {} Timestamp: {timestamp}",
                ids.trace, ids.correlation
            ),
            error_codes: [number],
            timestamp,
            trace_id: ids.trace,
            correlation_id: ids.correlation,
            error_uri: format!("{base}/error?code={number}"),
            suberror: row.suberror.filter(|_| error != "interaction_required"),
            claims: None,
        }
    }

    /// Adds a claims challenge (JSON text).
    #[must_use]
    pub fn challenging(self, claims: Option<String>) -> Self {
        Self { claims, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aadsts;

    #[test]
    fn a_recorded_body_comes_out_member_for_member() {
        let ids = Ids {
            trace: "767fe140-950b-475d-82c3-495050418b01".parse().unwrap(),
            correlation: "767fe140-950b-475d-82c3-495050418b02".parse().unwrap(),
            now: Timestamp::from_seconds(1_741_382_744),
        };
        let row = &aadsts::WRONG_PASSWORD;
        let body = serde_json::to_string(&ErrorBody::new(
            row,
            row.error,
            "No.",
            ids,
            "https://login.microsoftonline.com",
        ))
        .unwrap();
        assert_eq!(
            body,
            concat!(
                r#"{"error":"invalid_grant","error_description":"AADSTS50126: No. Trace ID: 767fe140-950b-475d-82c3-495050418b01 Correlation ID: 767fe140-950b-475d-82c3-495050418b02 Timestamp: 2025-03-07 21:25:44Z","#,
                r#""error_codes":[50126],"timestamp":"2025-03-07 21:25:44Z","trace_id":"767fe140-950b-475d-82c3-495050418b01","correlation_id":"767fe140-950b-475d-82c3-495050418b02","#,
                r#""error_uri":"https://login.microsoftonline.com/error?code=50126"}"#
            )
        );
    }
}
