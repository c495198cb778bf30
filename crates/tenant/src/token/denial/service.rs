//! What is said about the service itself: too much is asked of it, or it is at fault.

use carnet_wire::aadsts::{self, Row};

/// Why the service does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceNo {
    /// Too many passwords wait to be checked, or too many requests for their bodies.
    Busy,
    /// The tenant or a device asks too often, somebody tries too many user codes, or too many device codes wait.
    Throttled {
        /// Seconds to wait.
        wait: i64,
    },
    /// A client signs the same user in again and again.
    ClientLoop,
    /// Nothing can be read or kept just now.
    Away,
    /// Something is broken on our side.
    Broken,
}

impl ServiceNo {
    pub(super) fn entry(self) -> (&'static Row, String) {
        match self {
            Self::Busy => (
                &aadsts::TRANSIENT,
                "A transient error has occurred: too many requests wait. Please try again.".into(),
            ),
            Self::Throttled { wait } => (
                &aadsts::TENANT_THROTTLED,
                format!("There are too many incoming requests; try again in {wait} s."),
            ),
            Self::ClientLoop => (
                &aadsts::CLIENT_LOOP,
                "The server terminated an operation because it encountered a client request loop: the application signs the same user in again and again instead of keeping its tokens."
                    .into(),
            ),
            Self::Away => (
                &aadsts::SERVICE_UNAVAILABLE,
                "The service is temporarily unavailable: nothing can be read or kept just now. Please try again."
                    .into(),
            ),
            Self::Broken => (
                &aadsts::ISSUANCE_FAILED,
                "There was an error issuing a token or an issue with our sign-in service; the ids name it in the log."
                    .into(),
            ),
        }
    }
}
