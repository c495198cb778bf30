//! What is true: the objects of a tenant, and the rules. Every yes or no is given here.
//!
//! Values in, values out: no input or output, no clock, no SQL, no HTTP. Time and randomness are
//! arguments. The store keeps what these types describe; the server asks these functions.

pub mod access;
pub mod admin_registration;
pub mod application;
pub mod authorize;
pub mod change;
pub mod consent;
pub mod credential;
pub mod directory;
pub mod environment;
pub mod evaluation;
#[cfg(test)]
mod fixture;
pub mod group;
pub mod lockout;
pub mod offered;
pub mod optional_claims;
pub mod pace;
pub mod package;
pub mod permission;
pub mod permission_grant;
mod quota;
pub mod redirect;
pub mod refusal;
pub mod registry;
pub mod restriction;
pub mod role;
pub mod rotation;
pub mod service_principal;
pub mod shards;
pub mod sign_in;
pub mod tenant;
pub mod text;
pub mod token;
pub mod user;
