//! Tests that drive the built program from outside: real clients, the verbs that people type, and what
//! happens to it.

mod bad_input;
mod clients;
mod crash;
mod journey;
mod kit;
mod limits;
mod quickstart;
