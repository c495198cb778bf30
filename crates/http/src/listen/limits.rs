//! The listener's limits. Everything that waits or grows has one.
//!
//! # Memory of HTTP/2
//!
//! What the library holds of request bodies that no handler has read yet is at most [`WINDOW`] for each connection. A
//! handler that reads a body does so at once and counts the bytes (`work::bodies`); one that looks at the caller first
//! refuses a stranger without waiting for anybody. So these bytes are there for as long as a handler runs, not for as
//! long as a peer likes. RFC 9113 lets no server give a connection less than 65,535 bytes to begin with, so the number
//! of streams does not multiply it: the window of the connection is the bound.
//!
//! Answers are complete when they are handed to the library, so they are not copied into its send buffer. A peer that
//! does not take them has [`Limits::write_stall`] before its connection is closed.

use std::time::Duration;

/// HTTP/2: request streams at once on one connection.
pub const STREAMS: u32 = 100;
/// HTTP/2: bytes of request bodies that a peer may send before a handler reads them, for one stream and for all
/// streams of a connection together. The largest form fits into it; larger JSON bodies are asked for piece by piece.
pub const WINDOW: u32 = 65_535;
/// HTTP/2: the largest frame, in bytes; one that arrives slowly is held for each connection.
pub const FRAME: u32 = 16 * 1024;
/// HTTP/2: bytes of an answer that may wait for the peer's window before the next piece is asked for.
pub const SEND_BUFFER: usize = 64 * 1024;

/// The limits of one listener; tests make them small.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// To finish the TLS handshake.
    pub handshake: Duration,
    /// To finish a request's head, from its first byte; a new connection has as long for its first request.
    pub head: Duration,
    /// To finish a request's body.
    pub body: Duration,
    /// Between requests of one connection; over HTTP/2, without any request being served or answered.
    pub idle: Duration,
    /// While a write does not move; over HTTP/2 also while any answer does not, because the peer opens no window for it.
    pub write_stall: Duration,
    /// To finish what is under way when the server stops or closes an idle HTTP/2 connection.
    pub drain: Duration,
    /// A request's line and headers together, in bytes.
    pub head_bytes: usize,
    /// A request's headers.
    pub headers: usize,
    /// Connections at once.
    pub connections: usize,
    /// Connections at once from one source (an IPv4 address or an IPv6 /64 network) that is not this machine.
    pub per_source: usize,
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
            per_source: 512,
        }
    }
}
