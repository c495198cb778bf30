//! What is said about the person who signs in.

use super::{Demand, Denial};
use carnet_wire::aadsts::{self, Row};

/// The row and the sentence of a denial about a user.
pub(super) fn entry(denial: &Denial) -> (&'static Row, String) {
    match denial {
        Denial::NoPassword => (
            &aadsts::NO_PASSWORD,
            "The account has no password in this directory; an administrator has to set one.".into(),
        ),
        Denial::UnknownUser => {
            (&aadsts::UNKNOWN_USER, "The user account does not exist in this directory.".into())
        }
        Denial::Locked => (
            &aadsts::ACCOUNT_LOCKED,
            "The account is locked after too many attempts with an incorrect user ID or password.".into(),
        ),
        Denial::PasswordExpired => {
            (&aadsts::PASSWORD_EXPIRED, "The password is expired; choose a new one.".into())
        }
        Denial::UserDisabled => (&aadsts::USER_DISABLED, "The user account is disabled.".into()),
        Denial::UserDeleted(id) => {
            (&aadsts::USER_DELETED, format!("The user account {id} has been deleted from this directory."))
        }
        Denial::Guest => (
            &aadsts::USER_OF_OTHER_TENANT,
            "User account belongs to another directory and cannot sign in with a password here.".into(),
        ),
        Denial::WrongSecondFactor => (
            &aadsts::SECOND_FACTOR_FAILED,
            "The code of the authenticator is wrong, or was used before.".into(),
        ),
        Denial::SecondFactor(why, demand) => why.entry(demand),
        Denial::Blocked(_) => (
            &aadsts::BLOCKED_BY_POLICY,
            "Access has been blocked by Conditional Access policies: this tenant does not allow it.".into(),
        ),
        _ => (
            &aadsts::WRONG_PASSWORD,
            "Error validating credentials due to invalid username or password.".into(),
        ),
    }
}

/// Why a second factor does not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactorNo {
    /// One is registered and cannot be asked for here.
    Missing,
    /// One is demanded and none is registered.
    Enrol,
    /// The session is a password's alone, where one has to be shown.
    Strong,
    /// The session is a password's alone, where one has to be registered.
    EnrolNow,
    /// The one that was shown counts no more.
    Over,
}

impl FactorNo {
    fn entry(self, Demand { resource: app, .. }: &Demand) -> (&'static Row, String) {
        match self {
            Self::Missing => (
                &aadsts::SECOND_FACTOR_NEEDED,
                format!(
                    "You must use multi-factor authentication to access '{app}'; a password alone is not enough for this account."
                ),
            ),
            Self::Enrol => (
                &aadsts::SECOND_FACTOR_ENROL,
                format!("You must enroll in multi-factor authentication to access '{app}'."),
            ),
            Self::Strong => (
                &aadsts::STRONG_AUTHENTICATION,
                format!("Strong Authentication is required to access '{app}': sign in with a second factor."),
            ),
            Self::EnrolNow => (
                &aadsts::SECOND_FACTOR_ENROL_NOW,
                format!(
                    "You must enroll in multi-factor authentication to access '{app}': sign in to do it."
                ),
            ),
            Self::Over => (
                &aadsts::SECOND_FACTOR_EXPIRED,
                format!(
                    "Presented multi-factor authentication has expired due to policies configured by your administrator, you must refresh it to access '{app}': sign in again."
                ),
            ),
        }
    }
}
