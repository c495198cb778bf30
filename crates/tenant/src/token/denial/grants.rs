//! What is said about codes, refresh tokens, device codes and assertions of users.

use super::Denial;
use carnet_wire::{
    aadsts::{self, Row},
    time::Timestamp,
};

/// The row and the sentence of a denial about what is redeemed.
pub(super) fn entry(denial: &Denial) -> (&'static Row, String) {
    match denial {
        Denial::Assertion(why) => {
            let (row, sentence) = why.entry();
            (row, sentence.to_owned())
        }
        Denial::Device(why) => {
            let (row, sentence) = why.entry();
            (row, sentence.to_owned())
        }
        Denial::Code(why) => {
            let (row, sentence) = why.entry();
            (row, sentence.to_owned())
        }
        Denial::CrossOrigin(origin) => (
            &aadsts::CROSS_ORIGIN_NOT_SPA,
            format!(
                "Cross-origin token redemption is for single-page redirect URIs of this application. Request origin: '{origin}'."
            ),
        ),
        Denial::OriginMissing => (
            &aadsts::SPA_NEEDS_ORIGIN,
            "What was issued for a single-page application is redeemed by cross-origin requests only: the Origin header is missing."
                .into(),
        ),
        Denial::RefreshSpaEnded => (
            &aadsts::REFRESH_SPA_AGE,
            "The refresh token was issued to a single page app, lived its fixed 24 hours and is over; sign in again."
                .into(),
        ),
        Denial::Refresh(why) => why.entry(),
        Denial::RefreshOfOtherClient => {
            (&aadsts::GRANT_OF_OTHER_CLIENT, "The grant was issued for a different client id.".into())
        }
        Denial::RefreshInactive { issued } => (
            &aadsts::REFRESH_INACTIVE,
            format!("The refresh token has expired due to inactivity. It was issued on {}.", issued.plain()),
        ),
        Denial::RefreshRevoked { issued } => (
            &aadsts::GRANT_REVOKED,
            format!(
                "The provided grant has expired due to it being revoked; sign in again. It was issued on {}.",
                issued.plain()
            ),
        ),
        // RefreshUnknown, and nothing else: the number of a request that cannot be read, with the OAuth error
        // of a bad grant.
        _ => (
            &aadsts::REQUEST_MALFORMED,
            "Invalid request: the refresh token is malformed or not one of this tenant.".into(),
        ),
    }
}

/// Why a refresh token gives no token any more, by where it belongs or by its sign-in's age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshNo {
    /// It was issued in another tenant.
    OtherTenant,
    /// A refresh token was shown as a code, or a code as a refresh token.
    OtherKind,
    /// The tenant lets no refresh token become so old.
    TooOld {
        /// When somebody signed in.
        signed_in: Timestamp,
    },
    /// The tenant demands a newer sign-in.
    SignInTooOld {
        /// When somebody signed in.
        signed_in: Timestamp,
    },
}

impl RefreshNo {
    fn entry(self) -> (&'static Row, String) {
        match self {
            Self::OtherTenant => (
                &aadsts::GRANT_OF_OTHER_TENANT,
                "The grant was obtained for a different tenant; name that one in the address.".into(),
            ),
            Self::OtherKind => (
                &aadsts::GRANT_INVALID,
                "Provided grant is invalid: a refresh token is no authorization code, and neither the other."
                    .into(),
            ),
            Self::TooOld { signed_in } => (
                &aadsts::REFRESH_MAXIMUM_AGE,
                format!(
                    "The refresh token has expired due to maximum lifetime; the sign-in was on {}.",
                    signed_in.plain()
                ),
            ),
            Self::SignInTooOld { signed_in } => (
                &aadsts::SIGN_IN_FREQUENCY,
                format!(
                    "The refresh token has expired by this tenant's sign-in frequency; the sign-in was on {}.",
                    signed_in.plain()
                ),
            ),
        }
    }
}
