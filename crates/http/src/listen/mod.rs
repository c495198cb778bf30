//! The listener: TCP, TLS, HTTP/1.1 and HTTP/2, each with its limits (`security.md`, section 2).

pub mod accept;
pub(crate) mod drain;
mod frames;
pub mod limits;
mod streams;
pub mod tls;
mod watch;
