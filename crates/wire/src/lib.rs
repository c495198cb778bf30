//! Wire formats that the server and the client of Carnet share.
//!
//! No I/O, no clock, no decisions. A type is trusted only if an unmodified Microsoft client, or a body recorded from
//! Microsoft, passes through it in a test.

pub mod aadsts;
pub mod authority;
pub mod authorize;
pub mod bap;
pub mod catalogue;
pub mod cloud;
pub mod device;
pub mod digest;
pub mod entropy;
pub mod graph;
pub mod ids;
pub mod jose;
pub mod metadata;
pub mod percent;
pub mod pkce;
pub mod power_platform;
pub mod restriction;
pub mod scope;
pub mod secret;
pub mod source;
pub mod tenant_file;
pub mod time;
pub mod token;
