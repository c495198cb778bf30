//! The token rules: facts and proof in, a decision out. Client authentication, scopes and consent are
//! phases of every grant; a grant's own file adds only its own part.

pub mod aio;
pub mod authorization_code;
pub mod claims;
pub mod client_auth;
mod client_credentials;
mod configured;
#[cfg(test)]
mod contoso;
#[cfg(test)]
mod contoso_api;
pub mod cross_origin;
pub mod denial;
pub mod device_code;
pub mod federated;
pub mod front_channel;
pub mod on_behalf_of;
pub(crate) mod password;
mod refresh_token;
pub(crate) mod scope;
pub mod subject;

pub use authorization_code::{CodeBody, HeldCode};
pub use client_auth::CredentialUsed;
pub use configured::Configured;
pub use denial::{Demand, Denial, FactorNo, ServiceNo};
use denial::{RefreshNo, TenantNo};
pub use device_code::{DeviceAnswer, DeviceBody, HeldDevice};
pub use on_behalf_of::UserAssertion;
pub use scope::Resource;

use crate::{
    application::Platform, directory::Directory, lockout::Attempt, restriction, sign_in::SignIn, user::User,
};
use carnet_wire::{
    authority::TenantName,
    entropy::Entropy,
    ids::{AppId, KeyId, ObjectId},
    restriction::Restrictions,
    time::Timestamp,
    token::{
        claims_request::AskedContexts,
        request::{Grant, TokenRequest, Version},
    },
};
use std::{net::IpAddr, sync::Arc};

/// The circumstances of a request.
pub struct Asking<'a> {
    /// Now.
    pub now: Timestamp,
    /// The tenant as the path names it.
    pub tenant: &'a TenantName,
    /// Base URLs of the token service under every name this server answers to.
    pub logins: &'a [String],
    /// Base URLs of Graph on this server, which are names of the Graph resource.
    pub graphs: &'a [String],
    /// From where.
    pub address: IpAddr,
    /// The `Origin` of a request that a script sent.
    pub origin: Option<&'a str>,
    /// What the network that the request comes from allows.
    pub restrictions: &'a Restrictions,
    /// Randomness for lifetimes and family ids.
    pub entropy: &'a dyn Entropy,
}

impl Asking<'_> {
    /// The audience of an assertion is this tenant at this server: its issuer or token endpoint of
    /// either edition, under the tenant's id, one of its domains, or the alias of the path.
    fn is_our_audience(&self, facts: &Facts, audience: &str) -> bool {
        let tenant = &facts.directory.tenant;
        let issuer = format!("https://sts.windows.net/{}/", tenant.id);
        if audience == issuer {
            return true;
        }
        let Some(path) = self.logins.iter().find_map(|base| audience.strip_prefix(base.as_str())) else {
            return false;
        };
        let Some((segment, rest)) = path.strip_prefix('/').and_then(|path| path.split_once('/')) else {
            return false;
        };
        let ours = match TenantName::parse(segment) {
            Ok(TenantName::Id(id)) => id == tenant.id,
            Ok(TenantName::Domain(domain)) => tenant.domains.contains(&domain),
            Ok(alias) => alias == *self.tenant,
            Err(_) => false,
        };
        ours && matches!(rest, "" | "v2.0" | "oauth2/token" | "oauth2/v2.0/token")
    }
}

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

    /// The same as a no for a reason that lies outside: what was proved stays proved, and nothing is redeemed.
    #[must_use]
    pub fn into_no(mut self, denial: Denial) -> Self {
        let proved = |it: &Effect| matches!(it, Effect::SpendAssertion { .. } | Effect::ClearAttempts);
        self.effects.retain(proved);
        Self { known: self.known, effects: self.effects, ..Self::no(denial) }
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

/// Seconds that an application's access token lives.
const APPLICATION_LIFETIME: i64 = 3600;
/// Seconds that a user's access token lives at least.
const USER_LIFETIME: i64 = 3600;
/// Seconds that are added to it at random.
const USER_JITTER: u32 = 1800;
/// Seconds that a user's access token lives at least where it is evaluated continuously. Entra gives 20 to 28
/// hours (`reference/token-endpoint.md`, 7); ours never lives longer than a day (`security.md`, section 2).
const CONTINUOUS_LIFETIME: i64 = 20 * 3600;
/// Seconds that are added to it at random.
const CONTINUOUS_JITTER: u32 = 4 * 3600;
/// Seconds that a refresh token may lie unused; a single-page application's lives so long at all.
const fn refresh_life(platform: Platform) -> i64 {
    match platform {
        Platform::Spa => 24 * 3600,
        Platform::Web | Platform::Public => 90 * 24 * 3600,
    }
}

/// Decides a request.
#[must_use]
pub fn decide(facts: &Facts, request: &TokenRequest, proof: &Proof, asking: &Asking<'_>) -> Decision {
    let mut run = Run {
        facts,
        request,
        proof,
        asking,
        known: Known::default(),
        contexts: request.claims.acrs.clone(),
        effects: Vec::new(),
        if_lost: None,
        lost_effects: Vec::new(),
    };
    let verdict = run.verdict().map(Box::new);
    let Run { effects, if_lost, lost_effects, known, .. } = run;
    Decision { verdict, effects, if_lost, lost_effects, known }
}

/// One decision under way: what it reads, and what it leaves.
struct Run<'a> {
    facts: &'a Facts,
    request: &'a TokenRequest,
    proof: &'a Proof,
    asking: &'a Asking<'a>,
    known: Known,
    /// Authentication contexts that the tokens are to carry: asked for here, or when the code was.
    contexts: AskedContexts,
    effects: Vec<Effect>,
    if_lost: Option<Denial>,
    lost_effects: Vec<Effect>,
}

impl Run<'_> {
    /// The phases, in Entra's order.
    fn verdict(&mut self) -> Result<Approval, Denial> {
        self.alias()?;
        restriction::allowed(self.asking.restrictions, &self.facts.directory.tenant)?;
        let client = client_auth::find(&self.facts.directory, self.asking.tenant, self.request.client_id)?;
        if *self.asking.tenant == TenantName::Consumers {
            return Err(self.of_a_work_account());
        }
        self.known.principal = client.principal.as_ref().map(|principal| principal.id);
        cross_origin::may_ask(self, &client)?;
        match &self.request.grant {
            Grant::ClientCredentials => client_credentials::verdict(self, client),
            Grant::Password { .. } => password::verdict(self, client),
            Grant::RefreshToken { .. } => refresh_token::verdict(self, client),
            Grant::OnBehalfOf { .. } => on_behalf_of::verdict(self, client),
            Grant::AuthorizationCode { .. } => authorization_code::verdict(self, client),
            Grant::DeviceCode { .. } => device_code::verdict(self, client),
        }
    }

    /// The user whose grant this is.
    ///
    /// # Errors
    /// [`Denial::UserDeleted`]
    fn holder(&self, id: ObjectId) -> Result<Arc<User>, Denial> {
        self.facts.user.clone().filter(|user| user.id == id).ok_or(Denial::UserDeleted(id))
    }

    /// What was issued to a work account was not issued in the tenant of personal ones.
    fn of_a_work_account(&self) -> Denial {
        match &self.request.grant {
            Grant::AuthorizationCode { .. } => Denial::Code(authorization_code::CodeNo::OtherTenant),
            Grant::DeviceCode { .. } => Denial::Device(device_code::DeviceNo::Unknown),
            _ => Denial::Refresh(RefreshNo::OtherTenant),
        }
    }

    /// What `common` and `organizations` may be asked for.
    fn alias(&self) -> Result<(), Denial> {
        match (&self.request.grant, self.asking.tenant) {
            (Grant::Password { .. }, TenantName::Common | TenantName::Consumers) => {
                Err(Denial::GrantNotOverCommon)
            }
            (_, TenantName::Consumers) if self.request.version == Version::V1 => {
                Err(Denial::Tenant(TenantNo::PersonalToken))
            }
            (Grant::ClientCredentials, name) if name.is_alias() => Err(Denial::NoTenantNamed),
            _ => Ok(()),
        }
    }

    /// Client authentication, with what it spends.
    fn authenticate(
        &mut self,
        client: &client_auth::Client,
        wants: client_auth::Wants,
    ) -> Result<CredentialUsed, Denial> {
        let (used, effects) =
            client_auth::verdict(self.facts, self.asking, client, (&self.proof.client, wants))?;
        client.clone().enabled()?;
        self.known.credential = used.key();
        if !effects.is_empty() {
            self.if_lost = Some(Denial::AssertionReplayed);
        }
        self.effects.extend(effects);
        Ok(used)
    }
}

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
        body: RefreshBody,
        /// Its generation: 0 begins a family.
        generation: i64,
        /// When it ends.
        expires: Timestamp,
    },
}
