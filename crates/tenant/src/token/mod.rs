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
mod decision;
pub mod denial;
pub mod device_code;
mod facts;
pub mod federated;
pub mod front_channel;
pub mod on_behalf_of;
pub(crate) mod password;
mod refresh_token;
pub mod scope;
pub mod subject;

pub use authorization_code::{CodeBody, HeldCode};
pub use client_auth::CredentialUsed;
pub use configured::Configured;
pub use decision::{Approval, Decision, Effect, Known, Subject};
pub use denial::{Demand, Denial, FactorNo, ServiceNo};
use denial::{RefreshNo, TenantNo};
pub use device_code::{DeviceAnswer, DeviceBody, HeldDevice};
pub use facts::{
    AssertionClaims, ClientProof, Facts, HeldRefresh, Instead, PasswordProof, Proof, RefreshBody,
};
pub use on_behalf_of::UserAssertion;
pub use scope::Resource;

use crate::{application::Platform, restriction, user::User};
use carnet_wire::{
    authority::TenantName,
    cloud::{REGIONAL_LOGINS, is_regional},
    entropy::Entropy,
    ids::ObjectId,
    restriction::Restrictions,
    scope::ScopeRequest,
    time::Timestamp,
    token::{
        claims_request::AskedContexts,
        request::{Grant, Target, TokenRequest, Version},
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
        let own = |base: &String| audience.strip_prefix(base.as_str())?.strip_prefix('/');
        let path = self.logins.iter().find_map(own).or_else(|| {
            let (host, path) = audience.strip_prefix("https://")?.split_once('/')?;
            is_regional(host, REGIONAL_LOGINS).then_some(path)
        });
        let Some((segment, rest)) = path.and_then(|path| path.split_once('/')) else {
            return false;
        };
        let ours = match TenantName::parse(segment) {
            Ok(TenantName::Id(id)) => id == tenant.id,
            Ok(TenantName::Domain(domain)) => tenant.domains.contains(&domain),
            Ok(alias) => alias == *self.tenant,
            Err(_) => false,
        };
        // go-autorest names the v1.0 endpoint with its query.
        let rest = rest.strip_suffix("?api-version=1.0").unwrap_or(rest);
        ours && matches!(rest, "" | "v2.0" | "oauth2/token" | "oauth2/v2.0/token")
    }
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
        cross_origin::may_ask(self)?;
        match &self.request.grant {
            Grant::ClientCredentials => client_credentials::verdict(self, client),
            Grant::Password { .. } => password::verdict(self, client),
            Grant::RefreshToken { .. } => refresh_token::verdict(self, client),
            Grant::OnBehalfOf { .. } => on_behalf_of::verdict(self, client),
            Grant::AuthorizationCode { .. } => authorization_code::verdict(self, client),
            Grant::DeviceCode { .. } => device_code::verdict(self, client),
        }
    }

    /// What was asked for at first, beside the `resource` parameter of this request, which has to agree with it.
    fn with_resource_parameter(&self, target: Target) -> Target {
        match (target, &self.request.resource_parameter) {
            (Target::Scope(request), Some(parameter)) => {
                Target::Scope(ScopeRequest { resource_parameter: Some(parameter.clone()), ..request })
            }
            (target, _) => target,
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
            // Old ADAL clients ask the v1.0 endpoint so, and are answered.
            (Grant::Password { .. }, TenantName::Common) if self.request.version == Version::V1 => Ok(()),
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
