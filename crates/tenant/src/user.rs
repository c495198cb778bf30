//! Users: people who sign in, and the rules for creating and changing them. A user is found by the
//! canonical form of their name (`fold`), never by a label.

use crate::credential::{Guarded, PasswordHash};
use carnet_wire::{ids::ObjectId, time::Timestamp};
use serde::{Deserialize, Serialize};

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
