//! The listener's numbers. Everything that waits or grows has one.

use std::time::Duration;

/// The numbers of one listener; tests make them small.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// To finish the TLS handshake.
    pub handshake: Duration,
    /// To finish a request's head, from its first byte.
    pub head: Duration,
    /// To finish a request's body.
    pub body: Duration,
    /// Between requests of one connection.
    pub idle: Duration,
    /// While a write does not move.
    pub write_stall: Duration,
    /// To finish what is under way when the server stops.
    pub drain: Duration,
    /// A request's line and headers together, in bytes.
    pub head_bytes: usize,
    /// A request's headers.
    pub headers: usize,
    /// Connections at once.
    pub connections: usize,
    /// Connections at once from one address that is not this machine's.
    pub per_address: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(5),
            head: Duration::from_secs(10),
            body: Duration::from_secs(20),
            idle: Duration::from_secs(60),
            write_stall: Duration::from_secs(20),
            drain: Duration::from_secs(10),
            head_bytes: 16 * 1024,
            headers: 100,
            connections: 10_000,
            per_address: 512,
        }
    }
}
