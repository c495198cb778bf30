//! Users: people who sign in, and the rules for creating and changing them. A user is found by the
//! canonical form of their name (`fold`), never by a label.

use crate::credential::{Guarded, PasswordHash};
use carnet_wire::{ids::ObjectId, time::Timestamp};
use serde::{Deserialize, Serialize};

/// The canonical form of a user name: NFKC and simple case folding (`security.md`, S25). Two names that
/// fold to the same text are the same name.
#[must_use]
pub fn fold(name: &str) -> String {
    let normal = icu_normalizer::ComposingNormalizerBorrowed::new_nfkc();
    let folded = icu_casemap::CaseMapper::new().fold_string(&normal.normalize(name.trim())).into_owned();
    normal.normalize(&folded).into_owned()
}

/// A person's account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// `oid` of their tokens.
    pub id: ObjectId,
    /// The user principal name as it was given.
    pub name: String,
    /// The canonical form of the name; unique in the tenant.
    pub name_key: String,
    /// The name people see.
    pub display_name: String,
    /// Given name.
    pub given_name: Option<String>,
    /// Family name.
    pub surname: Option<String>,
    /// Mail address; a label only.
    pub mail: Option<String>,
    /// Left part of the mail address.
    pub mail_nickname: Option<String>,
    /// May sign in.
    pub enabled: bool,
    /// Belongs to another organisation.
    pub guest: bool,
    /// `None`: no password sign-in.
    pub password: Option<PasswordHash>,
    /// The password must be changed before the next token (50055).
    pub password_expired: bool,
    /// Shared key of a registered second factor, base32. A user who has one is always asked for it.
    pub totp: Option<Guarded>,
    /// Refresh tokens issued before this are dead.
    pub sessions_valid_from: Timestamp,
    /// When the password was last set.
    pub password_changed: Timestamp,
    /// Further Graph properties, kept as given and read by no rule (`jobTitle`, `city`, …).
    pub kept: std::collections::BTreeMap<String, serde_json::Value>,
    /// When the account was made.
    pub created: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(name in "\\PC{0,30}") {
            prop_assert_eq!(fold(&fold(&name)), fold(&name));
        }
    }

    #[test]
    fn letter_case_and_width_fold_and_look_alikes_do_not_row_87() {
        assert_eq!(fold("Admin@Contoso.Example"), fold("ａdmin@contoso.example"));
        for other in ["admın@contoso.example", "аdmin@contoso.example", "admin\u{200d}@contoso.example"] {
            assert_ne!(fold(other), fold("admin@contoso.example"), "{other}");
        }
    }
}
