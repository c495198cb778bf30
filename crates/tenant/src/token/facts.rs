//! What a rule is given: what is kept, and what the slow proofs told.

use super::{HeldCode, HeldDevice, UserAssertion, federated};
use crate::{application::Platform, directory::Directory, lockout::Attempt, user::User};
use carnet_wire::{
    ids::{AppId, KeyId, ObjectId},
    time::Timestamp,
};
use std::sync::Arc;

/// Everything a token rule may want to know, read in one go (`store::Store::facts_for`).
#[derive(Debug, Clone)]
pub struct Facts {
    /// The tenant's directory.
    pub directory: Arc<Directory>,
    /// The user that the grant speaks of: by name for passwords, by id for tokens.
    pub user: Option<Arc<User>>,
    /// The user name that was typed is another tenant's here.
    pub elsewhere: bool,
    /// The reserved password attempt.
    pub attempt: Attempt,
    /// The refresh token that was shown, if it is one of ours in this tenant.
    pub refresh: Option<HeldRefresh>,
    /// What a code or refresh token that is none of this tenant's is instead.
    pub instead: Instead,
    /// The authorization code that was shown, if it is one of ours in this tenant.
    pub code: Option<HeldCode>,
    /// The device code that was shown, if it is one of ours in this tenant.
    pub device: Option<HeldDevice>,
}

/// What a text is that was shown as a code or refresh token, and is none of this tenant's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Instead {
    /// Nothing of ours.
    #[default]
    Nothing,
    /// Another tenant's.
    OtherTenant,
    /// A refresh token that was shown as a code, or the other way round.
    OtherKind,
}

/// A refresh token as kept, with its family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldRefresh {
    /// What it was issued for.
    pub body: Arc<RefreshBody>,
    /// When it was issued.
    pub issued: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// The token's own generation.
    pub generation: i64,
    /// The family's newest generation.
    pub newest: i64,
    /// When the family last advanced.
    pub rotated: Timestamp,
    /// Until when the family is kept.
    pub kept_until: Timestamp,
    /// The family was revoked.
    pub revoked: bool,
}

/// What a refresh token stands for: a user and a client, not a resource.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RefreshBody {
    /// The family: all tokens that descend from one sign-in.
    pub family: uuid::Uuid,
    /// The client.
    pub app: AppId,
    /// The user.
    pub user: ObjectId,
    /// The client's platform when the family began.
    pub platform: Platform,
    /// When the user signed in; a token older than the user's `sessions_valid_from` is dead.
    pub signed_in: Timestamp,
    /// The scope that was asked for at first, for refreshes that name none.
    pub scope: String,
    /// Authentication methods, for `amr`: `pwd`, `mfa`.
    pub methods: Vec<String>,
    /// The browser's session, where the family began in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<uuid::Uuid>,
}

/// What the slow proofs told.
#[derive(Debug, Clone)]
pub struct Proof {
    /// About the client.
    pub client: ClientProof,
    /// About the user's password.
    pub password: PasswordProof,
    /// About the token of the user who is acted for.
    pub assertion: UserAssertion,
}

/// What was found of the user's password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordProof {
    /// The grant has none.
    None,
    /// Right.
    Right,
    /// Wrong, or no such user, or locked: the same hash was computed.
    Wrong,
    /// The hash queue was full; nothing was computed.
    Busy,
}

/// What was found of the client's credential. Made by `client_auth::prove`, which is pure.
#[derive(Debug, Clone)]
pub enum ClientProof {
    /// None was shown.
    None,
    /// A secret that matches a credential of the application; expired or not is the rule's to say.
    Secret(KeyId),
    /// A secret that matches none.
    WrongSecret,
    /// An assertion whose signature is right, by this certificate.
    Certificate {
        /// The credential.
        key: KeyId,
        /// The certificate's SHA-256 thumbprint.
        thumbprint: [u8; 32],
        /// What it says.
        claims: AssertionClaims,
    },
    /// A token of an outside issuer whose signature is right.
    Federated {
        /// The credential.
        key: KeyId,
        /// What it says.
        claims: AssertionClaims,
    },
    /// A token of an outside issuer that proves nothing.
    Foreign(federated::Foreign),
    /// An assertion that cannot be read.
    Malformed,
    /// An assertion that another application issued.
    OfOtherApp,
    /// An assertion by a certificate that the application does not have, or with a wrong signature.
    BadSignature {
        /// The thumbprint that the assertion names, upper-case hexadecimal, if any.
        thumbprint: Option<String>,
    },
}

/// The claims of a client assertion, with the lenient times of real clients (`security.md`, S2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssertionClaims {
    /// `iss`.
    pub issuer: String,
    /// `sub`.
    pub subject: Option<String>,
    /// `aud`, one string; `None` when it is missing or an array.
    pub audience: Option<String>,
    /// `exp` in seconds.
    pub expires: i64,
    /// `nbf` in seconds.
    pub not_before: Option<i64>,
    /// `iat` in seconds.
    pub issued: Option<i64>,
    /// Digest of (application, `jti`), or of the whole assertion when it has none.
    pub replay: [u8; 32],
}
