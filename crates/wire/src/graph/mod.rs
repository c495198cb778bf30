//! Microsoft Graph: query options and the error body. The server's package for Graph shapes the objects themselves.

pub mod error;
pub mod filter;
pub mod members;
pub mod query;
