//! The token rules: facts and proof in, a decision out. Client authentication, scopes and consent are
//! phases of every grant; a grant's own file adds only its own part.

use crate::{directory::Directory, lockout::Attempt, user::User};
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
    /// The user that the grant speaks of: by name for passwords, by id for refresh tokens.
    pub user: Option<Arc<User>>,
    /// The reserved password attempt.
    pub attempt: Attempt,
    /// The refresh token that was shown, if it is one of ours in this tenant.
    pub refresh: Option<HeldRefresh>,
}

/// A refresh token as kept, with its family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldRefresh {
    /// What it was issued for.
    pub body: RefreshBody,
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
    /// The client had no credential when the family began.
    pub public: bool,
    /// When the user signed in; a token older than the user's `sessions_valid_from` is dead.
    pub signed_in: Timestamp,
    /// The scope that was asked for at first, for refreshes that name none.
    pub scope: String,
    /// Authentication methods, for `amr`: `pwd`, `mfa`.
    pub methods: Vec<String>,
}

/// What the slow proofs told.
#[derive(Debug, Clone)]
pub struct Proof {
    /// About the client.
    pub client: ClientProof,
    /// About the user's password.
    pub password: PasswordProof,
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
        /// What it says.
        claims: AssertionClaims,
    },
    /// An assertion that cannot be read.
    Malformed,
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

/// What leaves traces besides the answer. The store writes these in one batch with the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// The account's failed attempts from this source are forgotten and the source is known from now on.
    ClearAttempts,
    /// The stored password hash had old parameters; this is the new one.
    Rehash {
        /// The user.
        user: ObjectId,
        /// PHC text.
        hash: crate::credential::PasswordHash,
    },
    /// This assertion may not be used again before then. Lost when it was there already.
    SpendAssertion {
        /// See [`AssertionClaims::replay`].
        digest: [u8; 32],
        /// When it ends by itself.
        expires: Timestamp,
    },
    /// The family goes on from `from` to the next generation. Another exchange of the same token
    /// within `grace_ms` of the first finds it advanced and passes; lost when the family is further on
    /// or revoked.
    AdvanceFamily {
        /// The family.
        family: uuid::Uuid,
        /// The generation of the token that was shown.
        from: i64,
        /// How long after an advance the same token still passes, in milliseconds.
        grace_ms: i64,
    },
    /// Every refresh token of the family is dead.
    RevokeFamily {
        /// The family.
        family: uuid::Uuid,
    },
    /// A new refresh token is to be kept. Its text is minted at issue; the family is made when new.
    KeepRefresh {
        /// What it stands for.
        body: RefreshBody,
        /// Its generation: 0 begins a family.
        generation: i64,
        /// When it ends.
        expires: Timestamp,
    },
}
