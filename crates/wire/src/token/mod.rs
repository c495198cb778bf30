//! Requests to the token endpoint and its responses, v1.0 and v2.0.

pub mod claims_request;
pub mod error;
pub mod form;
pub mod reply;
pub mod request;
mod request_error;
