//! Short-lived items stored by digest: authorization codes, device codes, browser sessions. Bodies are sealed to
//! tenant, kind and digest. A single-use item is spent by one conditional statement.

use crate::{
    Once, Store, StoreError,
    engine::{Batch, Expect, Row, values},
    facts::Owner,
    redeem::CachedCode,
};
use carnet_tenant::{directory::Directory, token::CodeBody};
use carnet_wire::{
    digest,
    entropy::Entropy,
    ids::{ObjectId, TenantId},
    jose::{decode_base64url, encode_base64url},
    secret::AuthorizationCode,
    time::Timestamp,
};
use serde::{Serialize, de::DeserializeOwned};
use std::sync::Arc;
use uuid::Uuid;
use zeroize::Zeroizing;

/// The artifact kind of authorization codes.
pub const CODE: &str = "code";
/// The artifact kind of device codes.
pub const DEVICE: &str = "device";
/// The artifact kind of user codes, each of which names its device code.
pub const USER_CODE: &str = "user-code";
/// The artifact kind of a user's answer to a device code, stored under [`answer_digest`].
pub const DEVICE_ANSWER: &str = "device-answer";
/// The artifact kind of browser sessions.
pub const SESSION: &str = "session";

const PUT: &str = "insert into artifact(digest, kind, tenant_id, family, user_id, generation, created_at, expires_at, consumed_at, body) \
    values ($1, $2, $3, $4, $5, 0, $6, $7, 0, $8)";
const GET: &str = "select body, expires_at, consumed_at, generation from artifact where digest = $1 and kind = $2 and tenant_id = $3";
const GET_WITH_USER: &str = "select a.body, a.expires_at, a.consumed_at, a.generation, a.user_id, \
    cast(case when exists (select 1 from attempt t where t.tenant_id = $3 and t.locked_until > 0 \
    and t.locked_until > $4) then 1 else 0 end as bigint) from artifact a \
    where a.digest = $1 and a.kind = $2 and a.tenant_id = $3";
const REPLACE: &str = "update artifact set body = $5, expires_at = $6, generation = generation + 1 \
    where digest = $1 and kind = $2 and tenant_id = $3 and generation = $4 and consumed_at = 0";
const END: &str = "delete from artifact where digest = $1 and kind = $2";
/// Spends a single-use artifact. It changes no row if the artifact was spent or has expired.
pub(crate) const SPEND_ARTIFACT: &str = "update artifact set consumed_at = $3 \
    where digest = $1 and kind = $2 and consumed_at = 0 and expires_at > $3";

/// A stored artifact.
#[derive(Debug, Clone)]
pub struct Artifact<T> {
    /// The content.
    pub body: T,
    /// Expiry.
    pub expires: Timestamp,
    /// Whether it was spent.
    pub spent: bool,
    /// The number of times it was replaced.
    pub generation: i64,
}

/// The owner and lifetime of an artifact.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// The tenant.
    pub tenant: TenantId,
    /// The token family: everything that comes from one sign-in has the same.
    pub family: Uuid,
    /// The user; nil before a user has signed in.
    pub user: ObjectId,
    /// Creation time.
    pub created: Timestamp,
    /// Expiry.
    pub expires: Timestamp,
}

/// The digest under which an authorization code is stored.
#[must_use]
pub fn code_digest(code: &AuthorizationCode) -> [u8; 32] {
    text_digest(CODE, code.expose())
}

/// The digest under which the user's answer to a device code is stored.
#[must_use]
pub fn answer_digest(device: &[u8; 32]) -> [u8; 32] {
    digest::sha256(&[DEVICE_ANSWER.as_bytes(), device])
}

/// Number of base64url characters of the time: 48 bits of milliseconds.
const TIME: usize = 8;
/// Number of base64url characters of 256 random bits.
const RANDOM: usize = 43;

/// Generates the text of a code or refresh token in the form of Entra's: `1.`, the time, and 256 random bits.
#[must_use]
pub fn new_text(now: Timestamp, entropy: &dyn Entropy) -> String {
    let mut bytes = Zeroizing::new([0_u8; 38]);
    bytes[..6].copy_from_slice(&now.millis().to_be_bytes()[2..]);
    entropy.fill(&mut bytes[6..]);
    let (time, random) = bytes.split_at(6);
    format!("1.{}{}", encode_base64url(time), encode_base64url(random))
}

/// The digest under which the artifact with this text is stored. If the text contains its time, the digest begins
/// with that time, followed by 208 bits of SHA-256, so that new artifacts are adjacent in the index.
#[must_use]
pub fn text_digest(kind: &str, text: &str) -> [u8; 32] {
    let mut kept = digest::sha256(&[kind.as_bytes(), text.as_bytes()]);
    let time =
        text.strip_prefix("1.").filter(|rest| rest.len() == TIME + RANDOM).and_then(|rest| rest.get(..TIME));
    if let Some(time) = time.and_then(|time| decode_base64url(time).ok()) {
        kept[..time.len()].copy_from_slice(&time);
    }
    kept
}

impl Store {
    /// Stores an artifact.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn put_artifact<T: Serialize>(
        &self,
        kind: &'static str,
        digest: &[u8; 32],
        place: Place,
        body: &T,
    ) -> Result<(), StoreError> {
        self.put_artifact_once(kind, digest, place, body, None).await
    }

    /// Stores an artifact and, if `once` is given, spends that single-use item in the same batch.
    ///
    /// # Errors
    /// [`StoreError::Spent`] if the item was used before; then nothing is stored.
    pub async fn put_artifact_once<T: Serialize>(
        &self,
        kind: &'static str,
        digest: &[u8; 32],
        place: Place,
        body: &T,
        once: Option<Once>,
    ) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        self.push_artifact(&mut batch, kind, digest, place, body)?;
        if let Some(once) = &once {
            once.push(&mut batch);
        }
        match self.inner.engine.write(batch).await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.distinguish_spent(error, once.as_ref()).await),
        }
    }

    /// Adds the statement that stores an artifact.
    pub(crate) fn push_artifact<T: Serialize>(
        &self,
        batch: &mut Batch,
        kind: &'static str,
        digest: &[u8; 32],
        place: Place,
        body: &T,
    ) -> Result<(), StoreError> {
        let json = serde_json::to_vec(body).map_err(|error| StoreError::Damaged(error.to_string()))?;
        let sealed = self.inner.seal.seal(&[kind, &place.tenant.to_string(), &digest::hex(digest)], &json)?;
        let Place { tenant, family, user, created, expires } = place;
        let values = values![&digest[..], kind, tenant, family, user, created, expires, sealed];
        batch.push(PUT, values, Expect::Rows(1));
        Ok(())
    }

    /// Stores an authorization code and, if `once` is given, spends that single-use item in the same batch. The code
    /// is also cached, because it is usually redeemed on this node within seconds.
    ///
    /// # Errors
    /// [`StoreError::Spent`] if the item was used before; then nothing is stored.
    pub async fn put_code(
        &self,
        digest: &[u8; 32],
        place: Place,
        body: CodeBody,
        once: Option<Once>,
    ) -> Result<(), StoreError> {
        let key = (place.tenant, *digest);
        self.put_artifact_once(CODE, digest, place, &body, once).await?;
        self.inner.codes.put(key, Arc::new(CachedCode { body, expires: place.expires }));
        Ok(())
    }

    /// Reads an artifact by kind and digest, also if it was spent or has expired.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn artifact<T: DeserializeOwned>(
        &self,
        tenant: TenantId,
        kind: &'static str,
        digest: &[u8; 32],
    ) -> Result<Option<Artifact<T>>, StoreError> {
        let rows = self.inner.engine.read(GET, values![&digest[..], kind, tenant]).await?;
        rows.first().map(|row| self.opened(tenant, kind, digest, row)).transpose()
    }

    /// Reads an artifact with its user, and whether any account of the tenant is locked.
    ///
    /// # Errors
    /// [`StoreError`]
    pub(crate) async fn artifact_and_user<T: DeserializeOwned>(
        &self,
        directory: &Directory,
        kind: &'static str,
        digest: &[u8; 32],
        now: Timestamp,
    ) -> Result<(Option<Artifact<T>>, Owner), StoreError> {
        let tenant = directory.tenant.id;
        let rows = self.inner.engine.read(GET_WITH_USER, values![&digest[..], kind, tenant, now]).await?;
        let Some(row) = rows.first() else { return Ok((None, Owner::default())) };
        let user = match row.text(4).parse() {
            Ok(id) => self.cached_user(directory, id).await?,
            Err(_) => None,
        };
        let owner = Owner { user, some_locked: row.int(5) != 0 };
        Ok((Some(self.opened(tenant, kind, digest, row)?), owner))
    }

    fn opened<T: DeserializeOwned>(
        &self,
        tenant: TenantId,
        kind: &str,
        digest: &[u8; 32],
        row: &Row,
    ) -> Result<Artifact<T>, StoreError> {
        let place = [kind, &tenant.to_string(), &digest::hex(digest)];
        let json = self.inner.seal.open(&place, row.bytes(0).unwrap_or_default())?;
        let body = serde_json::from_slice(&json).map_err(|error| StoreError::Damaged(error.to_string()))?;
        let expires = Timestamp::from_millis(row.int(1));
        Ok(Artifact { body, expires, spent: row.int(2) != 0, generation: row.int(3) })
    }

    /// Reads an artifact and its tenant, if the tenant is not known beforehand.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn artifact_anywhere<T: DeserializeOwned>(
        &self,
        kind: &'static str,
        digest: &[u8; 32],
    ) -> Result<Option<(TenantId, Artifact<T>)>, StoreError> {
        const TENANT: &str = "select tenant_id from artifact where digest = $1 and kind = $2";
        let rows = self.inner.engine.read(TENANT, values![&digest[..], kind]).await?;
        let Some(tenant) = rows.first().and_then(|row| row.text(0).parse().ok()) else { return Ok(None) };
        Ok(self.artifact(tenant, kind, digest).await?.map(|it| (tenant, it)))
    }

    /// Replaces the body and expiry of an artifact that was read with this generation.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if it was replaced, spent or deleted since.
    pub async fn replace_artifact<T: Serialize>(
        &self,
        kind: &'static str,
        digest: &[u8; 32],
        (tenant, generation): (TenantId, i64),
        (expires, body): (Timestamp, &T),
    ) -> Result<(), StoreError> {
        let json = serde_json::to_vec(body).map_err(|error| StoreError::Damaged(error.to_string()))?;
        let sealed = self.inner.seal.seal(&[kind, &tenant.to_string(), &digest::hex(digest)], &json)?;
        let mut batch = Batch::default();
        let values = values![&digest[..], kind, tenant, generation, sealed, expires];
        batch.push(REPLACE, values, Expect::Rows(1));
        self.inner.engine.write(batch).await.map(drop)
    }

    /// Deletes an artifact, if it exists.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn end_artifact(&self, kind: &'static str, digest: &[u8; 32]) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        batch.push(END, values![&digest[..], kind], Expect::Any);
        self.inner.engine.write(batch).await.map(drop)
    }
}
