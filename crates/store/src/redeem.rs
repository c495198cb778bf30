//! Reads refresh tokens, codes and device codes for redemption, each with its user. The caches save reads of facts
//! that do not change. Whether a code was spent or a family revoked is always decided by the database.

use crate::{
    Store, StoreError,
    artifact::{CODE, DEVICE, DEVICE_ANSWER, answer_digest, code_digest, text_digest},
    engine::{Row, values},
    facts::{Owner, refresh_digest},
};
use carnet_tenant::{
    directory::Directory,
    token::{CodeBody, DeviceAnswer, DeviceBody, HeldCode, HeldDevice, HeldRefresh, RefreshBody},
    user::User,
};
use carnet_wire::{
    digest,
    ids::{ObjectId, TenantId},
    secret::{AuthorizationCode, DeviceCode, RefreshToken},
    time::Timestamp,
};
use std::sync::Arc;

const REFRESH: &str = "select f.generation, f.rotated_at, f.revoked_at, f.expires_at, \
    cast(case when exists (select 1 from attempt t where t.tenant_id = $2 and t.locked_until > 0 and t.locked_until > $3) \
    then 1 else 0 end as bigint), a.body, a.created_at, a.expires_at, a.generation \
    from artifact a join family f on f.id = a.family \
    where a.digest = $1 and a.kind = 'refresh' and a.tenant_id = $2";
/// The state of a family, for a refresh token that is cached.
const FAMILY: &str = "select f.generation, f.rotated_at, f.revoked_at, f.expires_at, \
    cast(case when exists (select 1 from attempt t where t.tenant_id = $2 and t.locked_until > 0 and t.locked_until > $3) \
    then 1 else 0 end as bigint) from family f where f.id = $1";
const SOME_LOCKED: &str =
    "select 1 from attempt where tenant_id = $1 and locked_until > 0 and locked_until > $2 limit 1";

/// A code that was not redeemed on this node.
#[derive(Debug, Clone)]
pub(crate) struct CachedCode {
    pub(crate) body: CodeBody,
    pub(crate) expires: Timestamp,
}

/// The facts of a refresh token that never change.
#[derive(Debug)]
pub(crate) struct CachedRefreshToken {
    pub(crate) body: Arc<RefreshBody>,
    pub(crate) issued: Timestamp,
    pub(crate) expires: Timestamp,
    pub(crate) generation: i64,
}

impl Store {
    pub(crate) async fn device(
        &self,
        directory: &Directory,
        code: &DeviceCode,
        now: Timestamp,
    ) -> Result<(Option<HeldDevice>, Owner), StoreError> {
        let digest = text_digest(DEVICE, code.expose());
        let Some(kept) = self.artifact::<DeviceBody>(directory.tenant.id, DEVICE, &digest).await? else {
            return Ok((None, Owner::default()));
        };
        let (answer, owner) =
            self.artifact_and_user(directory, DEVICE_ANSWER, &answer_digest(&digest), now).await?;
        let answer = answer.map(|it| it.body);
        let user = owner.user.filter(|_| matches!(answer, Some(DeviceAnswer::Approved { .. })));
        Ok((Some(HeldDevice { body: kept.body, digest, spent: kept.spent, answer }), Owner { user, ..owner }))
    }

    pub(crate) async fn code(
        &self,
        directory: &Directory,
        code: &AuthorizationCode,
        now: Timestamp,
    ) -> Result<(Option<HeldCode>, Owner), StoreError> {
        let (tenant, digest) = (directory.tenant.id, code_digest(code));
        // If another node redeemed it, the statement that spends it fails.
        if let Some(kept) = self.inner.codes.take(&(tenant, digest)) {
            let CachedCode { body, expires } = Arc::unwrap_or_clone(kept);
            let user = self.cached_user(directory, body.user).await?;
            let some_locked = !self.inner.engine.read(SOME_LOCKED, values![tenant, now]).await?.is_empty();
            return Ok((Some(HeldCode { body, digest, expires, spent: false }), Owner { user, some_locked }));
        }
        let (kept, owner) = self.artifact_and_user::<CodeBody>(directory, CODE, &digest, now).await?;
        let held = kept.map(|it| HeldCode { body: it.body, digest, expires: it.expires, spent: it.spent });
        Ok((held, owner))
    }

    pub(crate) async fn refresh(
        &self,
        directory: &Directory,
        token: &RefreshToken,
        now: Timestamp,
    ) -> Result<(Option<HeldRefresh>, Owner), StoreError> {
        let (tenant, digest) = (directory.tenant.id, refresh_digest(token));
        let cached = self.inner.refresh.get(&(tenant, digest));
        let rows = match &cached {
            Some(kept) => self.inner.engine.read(FAMILY, values![kept.body.family, tenant, now]).await?,
            None => self.inner.engine.read(REFRESH, values![&digest[..], tenant, now]).await?,
        };
        let Some(row) = rows.first() else { return Ok((None, Owner::default())) };
        let kept = match cached {
            Some(kept) => kept,
            None => self.parse_refresh_token((tenant, digest), row)?,
        };
        let held = HeldRefresh {
            body: kept.body.clone(),
            issued: kept.issued,
            expires: kept.expires,
            generation: kept.generation,
            newest: row.int(0),
            rotated: Timestamp::from_millis(row.int(1)),
            revoked: row.int(2) != 0,
            kept_until: Timestamp::from_millis(row.int(3)),
        };
        let user = self.cached_user(directory, held.body.user).await?;
        Ok((Some(held), Owner { user, some_locked: row.int(4) != 0 }))
    }

    /// Parses a refresh token's row and caches it.
    fn parse_refresh_token(
        &self,
        key: (TenantId, [u8; 32]),
        row: &Row,
    ) -> Result<Arc<CachedRefreshToken>, StoreError> {
        let body = row.bytes(5).unwrap_or_default();
        let json = self.inner.seal.open(&["artifact", &digest::hex(&key.1)], body)?;
        let kept = Arc::new(CachedRefreshToken {
            body: serde_json::from_slice(&json).map_err(|error| StoreError::Damaged(error.to_string()))?,
            issued: Timestamp::from_millis(row.int(6)),
            expires: Timestamp::from_millis(row.int(7)),
            generation: row.int(8),
        });
        self.inner.refresh.put(key, kept.clone());
        Ok(kept)
    }

    /// Reads a user by id. If only this process uses the store, the user is cached until the tenant's directory
    /// changes. With other nodes, the row may be newer than the directory in memory, so it is always read.
    pub(crate) async fn cached_user(
        &self,
        directory: &Directory,
        id: ObjectId,
    ) -> Result<Option<Arc<User>>, StoreError> {
        if self.inner.engine.shared() {
            return self.user(directory.tenant.id, id).await;
        }
        let state = (directory.tenant.id, id, directory.version);
        if let Some(user) = self.inner.users.get(&state) {
            return Ok(Some(user));
        }
        let user = self.user(directory.tenant.id, id).await?;
        if let Some(user) = &user {
            self.inner.users.put(state, user.clone());
        }
        Ok(user)
    }
}
