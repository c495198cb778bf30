//! Microsoft Graph's error body (Microsoft Graph, "Error responses and resource types").

use crate::{
    ids::{CorrelationId, TraceId},
    time::Timestamp,
};
use serde::Serialize;

/// The ids and the time that an error body repeats.
#[derive(Debug, Clone, Copy)]
pub struct Ids {
    /// The id of the response.
    pub request: TraceId,
    /// The client's id for the request.
    pub client: CorrelationId,
    /// The time of the response.
    pub date: Timestamp,
}

/// The error body, `{"error": {"code", "message", "innerError"}}`.
#[derive(Debug, Serialize)]
pub struct ErrorBody<'a> {
    error: Inner<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Inner<'a> {
    code: &'a str,
    message: &'a str,
    inner_error: InnerError,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct InnerError {
    date: String,
    request_id: TraceId,
    client_request_id: CorrelationId,
}

impl<'a> ErrorBody<'a> {
    /// An error body with a code and a message.
    #[must_use]
    pub fn new(code: &'a str, message: &'a str, ids: &Ids) -> Self {
        // 19 characters, without a fraction and a zone: Microsoft's SDK for Go parses no other form (observed).
        let mut date = ids.date.iso();
        date.truncate(19);
        let inner_error = InnerError { date, request_id: ids.request, client_request_id: ids.client };
        Self { error: Inner { code, message, inner_error } }
    }
}
