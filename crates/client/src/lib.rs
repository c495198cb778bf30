//! The client library: requests tokens, calls Microsoft Graph, the Power Platform API and its administration API, and
//! performs the five setup steps of Microsoft's article on Power Platform API authentication. It shares only
//! `carnet_wire` with the server, so that each half tests the other.

pub mod acquire;
pub mod authority;
pub mod clock;
pub mod failure;
pub mod graph;
pub mod power_platform;
pub mod setup;
pub mod transport;

pub use authority::Authority;
pub use failure::{ClientError, Refused};
pub use transport::{Exchange, Transport};
