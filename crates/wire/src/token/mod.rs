//! The token endpoint's forms and bodies, v1.0 and v2.0.

pub mod claims_request;
pub mod error;
pub mod form;
pub mod reply;
pub mod request;
mod request_error;
