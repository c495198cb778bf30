//! Microsoft Graph: queries as tools send them, and the error body. Objects travel as the server's host
//! folder shapes them from `carnet_tenant`'s objects.

pub mod error;
pub mod filter;
pub mod members;
pub mod query;
