//! Tokens that this service issued, when they come back: as a bearer token, or as the token of a user who is
//! acted for. Checked in the order of `security.md`, S1 to S3; what they allow is decided elsewhere.

use crate::{context::Context, reply::Failure};
use carnet_tenant::directory::Directory;
use carnet_wire::{
    ids::TenantId,
    jose::{JoseError, Jws, times},
};
use serde_json::{Map, Value};
use std::sync::Arc;

/// A token of ours: its signature, issuer and times are right.
pub struct OwnToken {
    /// What it says.
    pub claims: Map<String, Value>,
    /// Its tenant's directory.
    pub directory: Arc<Directory>,
}

/// Why a text is no token of ours that counts now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotOurs {
    /// It has not the shape of a token.
    #[error("the access token cannot be read: {0}")]
    Unreadable(JoseError),
    /// A claim that every token of ours has is missing or of another kind.
    #[error("the token lacks a claim")]
    Claim,
    /// Its tenant is not here.
    #[error("the token's tenant is not known here")]
    Tenant,
    /// None of the tenant's keys has its key id.
    #[error("the token is signed with a key that is not ours")]
    Key,
    /// The signature is wrong.
    #[error("the token's signature is wrong")]
    Signature,
    /// It is over.
    #[error("Lifetime validation failed, the token is expired.")]
    Expired,
    /// Its time has not come.
    #[error("Lifetime validation failed, the token is not valid yet.")]
    Early,
    /// Its issuer is not the tenant under any of our names.
    #[error("the token's issuer is not this tenant's")]
    Issuer,
}

impl Context {
    /// Reads a token that should be ours, and be in its time.
    ///
    /// # Errors
    /// [`Failure`] when the store or a key fails; that it is not ours is the inner error.
    pub async fn own_token(&self, text: &str) -> Result<Result<OwnToken, NotOurs>, Failure> {
        let genuine = self.genuine(text).await?;
        Ok(genuine.and_then(|own| self.in_its_time(&own.claims, own.directory.tenant.id).map(|()| own)))
    }

    /// Reads a token that one of our keys signed, however old.
    ///
    /// # Errors
    /// [`Failure`] when the store or a key fails; that it is not ours is the inner error.
    pub async fn genuine(&self, text: &str) -> Result<Result<OwnToken, NotOurs>, Failure> {
        let jws = match Jws::parse(text) {
            Ok(jws) => jws,
            Err(error) => return Ok(Err(NotOurs::Unreadable(error))),
        };
        // Whose key to ask for; nothing of it counts before the signature is right.
        let tenant = jws.unverified_claims().get("tid").and_then(Value::as_str);
        let Some(tenant) = tenant.and_then(|text| text.parse().ok()) else { return Ok(Err(NotOurs::Claim)) };
        let Some(directory) = self.state.store.directory(tenant).await? else {
            return Ok(Err(NotOurs::Tenant));
        };
        let mut keys = self.state.keys.of(&self.state.store, tenant, self.now()).await?;
        let kid = jws.header().kid.as_deref().unwrap_or_default();
        // Another node may have made it since.
        if keys.public(kid).is_none()
            && let Some(newer) = self.state.keys.look_again(&self.state.store, tenant, self.now()).await?
        {
            keys = newer;
        }
        let Some(key) = keys.public(kid) else { return Ok(Err(NotOurs::Key)) };
        let Ok(claims) = jws.into_verified(key) else { return Ok(Err(NotOurs::Signature)) };
        Ok(Ok(OwnToken { claims, directory }))
    }

    fn in_its_time(&self, claims: &Map<String, Value>, tenant: TenantId) -> Result<(), NotOurs> {
        let id = tenant.to_string();
        let time = |name| times::strict(claims, name).map_err(|_| NotOurs::Claim);
        let now = self.now().seconds();
        if time("exp")? <= now {
            return Err(NotOurs::Expired);
        }
        if time("nbf")? > now || time("iat")? > now {
            return Err(NotOurs::Early);
        }
        let v2 = claims.get("ver").and_then(Value::as_str) == Some("2.0");
        let issuer = text(claims, "iss")?;
        let ours = self
            .state
            .names
            .origins()
            .iter()
            .any(|origin| issuer == if v2 { origin.issuer_v2(&id) } else { origin.issuer_v1(&id) });
        if ours { Ok(()) } else { Err(NotOurs::Issuer) }
    }
}

/// A claim that is a text.
///
/// # Errors
/// [`NotOurs::Claim`]
pub fn text<'a>(claims: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, NotOurs> {
    times::text(claims, name).ok().flatten().ok_or(NotOurs::Claim)
}
