//! The server framework: listener and TLS, hosts and routes, authentication of callers, the request pipeline, answers in
//! each host's dialect, what all pages share, signing keys and worker threads. It knows no endpoint; rules are
//! `carnet-tenant`'s, and keeping is `carnet-store`'s.

mod apply;
mod body;
pub mod caller;
pub mod clock;
pub mod context;
pub mod copies;
pub mod cross_origin;
pub mod keys;
pub mod listen;
pub mod own_token;
pub mod password;
pub mod reply;
pub mod route;
pub mod serve;
pub mod web;
pub mod work;
