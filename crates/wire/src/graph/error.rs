//! Graph's error body (`reference/graph.md`, 11).

use crate::{
    ids::{CorrelationId, TraceId},
    time::Timestamp,
};
use serde::Serialize;

/// Ids that an error body repeats.
#[derive(Debug, Clone, Copy)]
pub struct Ids {
    /// The answer's id.
    pub request: TraceId,
    /// The client's id.
    pub client: CorrelationId,
    /// Now.
    pub date: Timestamp,
}

/// The body.
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
    /// The body of a code word and a sentence.
    #[must_use]
    pub fn new(code: &'a str, message: &'a str, ids: &Ids) -> Self {
        // 19 characters, without a fraction and a zone: Microsoft's SDK for Go reads no other form.
        let mut date = ids.date.iso();
        date.truncate(19);
        let inner_error = InnerError { date, request_id: ids.request, client_request_id: ids.client };
        Self { error: Inner { code, message, inner_error } }
    }
}
