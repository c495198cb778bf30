//! Black-box tests inside one process.
#![expect(clippy::unwrap_used, reason = "in a test, what cannot be unwrapped is the failure")]

mod access;
mod architecture;
mod attacks;
mod graph;
mod laws;
mod login;
mod power_platform;
mod start;
mod transport;
