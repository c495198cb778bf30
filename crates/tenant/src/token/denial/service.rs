//! What is said about the service itself: too much is asked of it, or it is at fault.

use super::Denial;
use carnet_wire::aadsts::{self, Row};

/// The row and the sentence of a denial that is no fault of what was asked.
pub(super) fn entry(denial: &Denial) -> (&'static Row, String) {
    match denial {
        Denial::Busy => (
            &aadsts::TRANSIENT,
            "A transient error has occurred: too many sign-ins wait. Please try again.".into(),
        ),
        Denial::Throttled { wait } => (
            &aadsts::TENANT_THROTTLED,
            format!("There are too many incoming requests; try again in {wait} s."),
        ),
        Denial::ClientLoop => (
            &aadsts::CLIENT_LOOP,
            "The server terminated an operation because it encountered a client request loop: the application signs the same user in again and again instead of keeping its tokens."
                .into(),
        ),
        Denial::Away => (
            &aadsts::SERVICE_UNAVAILABLE,
            "The service is temporarily unavailable: nothing can be read or kept just now. Please try again."
                .into(),
        ),
        // Broken, and nothing else.
        _ => (
            &aadsts::ISSUANCE_FAILED,
            "There was an error issuing a token or an issue with our sign-in service; the ids name it in the log."
                .into(),
        ),
    }
}
