//! Tests that drive the built binary from outside.
