//! What a rule says: yes or no, whom and what for, and what it leaves to be kept.

use super::{Configured, CredentialUsed, Denial, RefreshBody, Resource, client_auth};
use crate::{sign_in::SignIn, user::User};
use carnet_wire::{
    ids::{AppId, KeyId, ObjectId},
    time::Timestamp,
    token::request::Version,
};
use std::sync::Arc;

/// Who is spoken of, as far as it became known; for the record.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// The client's service principal.
    pub principal: Option<ObjectId>,
    /// The user.
    pub user: Option<ObjectId>,
    /// The resource's application.
    pub resource: Option<AppId>,
    /// The client's credential.
    pub credential: Option<KeyId>,
}

/// What becomes of a request: verdict and traces travel together.
#[derive(Debug, Clone)]
pub struct Decision {
    /// Yes or no.
    pub verdict: Result<Box<Approval>, Denial>,
    /// What is to be kept besides the record.
    pub effects: Vec<Effect>,
    /// The answer if another request was faster with what this one spends.
    pub if_lost: Option<Denial>,
    /// What is to be kept then.
    pub lost_effects: Vec<Effect>,
    /// For the record.
    pub known: Known,
}

impl Decision {
    /// A no that leaves nothing but its record.
    #[must_use]
    pub fn no(denial: Denial) -> Self {
        Self {
            verdict: Err(denial),
            effects: Vec::new(),
            if_lost: None,
            lost_effects: Vec::new(),
            known: Known::default(),
        }
    }

    /// The client or the user proved who they are, whatever was said to it.
    #[must_use]
    pub const fn of_somebody(&self) -> bool {
        self.verdict.is_ok() || self.known.credential.is_some()
    }

    /// The same as a no for a reason that lies outside: what was proved stays proved, and nothing is redeemed.
    #[must_use]
    pub fn into_no(mut self, denial: Denial) -> Self {
        let proved = |it: &Effect| matches!(it, Effect::SpendAssertion { .. } | Effect::ClearAttempts);
        self.effects.retain(proved);
        Self { known: self.known, effects: self.effects, ..Self::no(denial) }
    }

    /// Something that just came could change it: a denial, or an API that the tenant does not hold yet.
    #[must_use]
    pub fn rests_on_absence(&self) -> bool {
        match &self.verdict {
            Ok(approval) => approval.resource.appears,
            Err(denial) => denial.rests_on_absence(),
        }
    }

    /// The number for the record.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.verdict.as_ref().map_or_else(|denial| denial.entry().0.number, |_| 0)
    }

    /// Fills a record in.
    pub fn complete(&self, record: &mut SignIn) {
        record.error = self.number();
        record.principal = self.known.principal;
        record.user = self.known.user;
        record.resource = self.known.resource;
        record.credential = self.known.credential;
    }
}

/// Whom a token is about.
#[derive(Debug, Clone)]
pub enum Subject {
    /// A user, and how they signed in (`amr`).
    User {
        /// The user.
        user: Arc<User>,
        /// `pwd`, `mfa`.
        methods: Vec<String>,
    },
    /// The client itself: its service principal.
    Application(ObjectId),
}

/// A yes, with everything that goes into tokens and answer.
#[derive(Debug, Clone)]
pub struct Approval {
    /// The client.
    pub client: client_auth::Client,
    /// How it proved itself.
    pub credential: CredentialUsed,
    /// The resource, and how it was named.
    pub resource: Resource,
    /// Whom the token is about.
    pub subject: Subject,
    /// `scp`: delegated permissions.
    pub scopes: Vec<String>,
    /// `roles`.
    pub roles: Vec<String>,
    /// `wids` for Graph: directory role templates.
    pub directory_roles: Vec<ObjectId>,
    /// `xms_cc` has `cp1`: the client answers claims challenges, and the API makes them.
    pub continuous: bool,
    /// Seconds from now to `exp`.
    pub lifetime: i64,
    /// The answer's `scope`, for users.
    pub scope_text: Option<String>,
    /// The answer carries an ID token.
    pub openid: bool,
    /// The ID token names the person.
    pub profile: bool,
    /// The ID token has the mail address.
    pub email: bool,
    /// The answer carries a refresh token; its effect is [`Effect::KeepRefresh`].
    pub refresh: bool,
    /// The ID token repeats it.
    pub nonce: Option<String>,
    /// When the user signed in.
    pub signed_in: Option<Timestamp>,
    /// The ID token says when, configured or not: the client asked by `max_age`.
    pub auth_time: bool,
    /// The browser's session, where there is one.
    pub session: Option<uuid::Uuid>,
    /// `roles` of the ID token: the user's at the client.
    pub id_roles: Vec<String>,
    /// What the access token carries as the API's registration has it.
    pub access: Configured,
    /// What the ID token carries as the client's registration has it.
    pub id: Configured,
    /// The answer says whose account it is about.
    pub client_info: bool,
    /// The edition that was asked.
    pub version: Version,
}

/// What leaves traces besides the answer. The store writes these in one batch with the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// The account's failed attempts from this source are forgotten and the source is known from now on.
    ClearAttempts,
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
        /// Until when the family is kept from now on, if that changes.
        keep_until: Option<Timestamp>,
    },
    /// Every refresh token of the family is dead.
    RevokeFamily {
        /// The family.
        family: uuid::Uuid,
    },
    /// This authorization code is redeemed. Lost when it was redeemed already.
    SpendCode {
        /// Its digest.
        digest: [u8; 32],
    },
    /// This device code is redeemed. Lost when it was redeemed already.
    SpendDevice {
        /// Its digest.
        digest: [u8; 32],
    },
    /// A new refresh token is to be kept. Its text is minted at issue; the family is made when new.
    KeepRefresh {
        /// What it stands for.
        body: Arc<RefreshBody>,
        /// Its generation: 0 begins a family.
        generation: i64,
        /// When it ends.
        expires: Timestamp,
    },
}
