//! Tests that drive the built program from outside: real clients, the verbs that people type, and what
//! happens to it.
#![expect(clippy::unwrap_used, reason = "in a test, what cannot be unwrapped is the failure")]

mod applications;
mod bad_input;
mod browser;
mod clients;
mod crash;
mod evaluation;
mod journey;
mod keys;
mod kit;
mod limits;
mod quickstart;
mod running;
mod starting;
mod tenant_file;
mod transcripts;
