//! What is redeemed: refresh tokens, codes and device codes as kept, each with its user. What is remembered of them
//! saves a reading; whether a code was spent or a family revoked is read or tried every time.

use crate::{
    Store, StoreError,
    artifact::{CODE, DEVICE, DEVICE_ANSWER, answer_digest, code_digest, text_digest},
    engine::{Row, values},
    facts::{Whose, refresh_digest},
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
/// The same of a token that is held in memory.
const FAMILY: &str = "select f.generation, f.rotated_at, f.revoked_at, f.expires_at, \
    cast(case when exists (select 1 from attempt t where t.tenant_id = $2 and t.locked_until > 0 and t.locked_until > $3) \
    then 1 else 0 end as bigint) from family f where f.id = $1";
const SOME_LOCKED: &str =
    "select 1 from attempt where tenant_id = $1 and locked_until > 0 and locked_until > $2 limit 1";

/// A code that nobody has shown yet, as far as this node knows.
#[derive(Debug, Clone)]
pub(crate) struct KeptCode {
    pub(crate) body: CodeBody,
    pub(crate) expires: Timestamp,
}

/// What of a refresh token never changes.
#[derive(Debug)]
pub(crate) struct KeptRefresh {
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
    ) -> Result<(Option<HeldDevice>, Whose), StoreError> {
        let digest = text_digest(DEVICE, code.expose());
        let Some(kept) = self.artifact::<DeviceBody>(directory.tenant.id, DEVICE, &digest).await? else {
            return Ok((None, (None, false)));
        };
        let at = (DEVICE_ANSWER, &answer_digest(&digest));
        let (answer, (user, some_locked)) = self.artifact_and_user(directory, at, now).await?;
        let answer = answer.map(|it| it.body);
        let user = user.filter(|_| matches!(answer, Some(DeviceAnswer::Approved { .. })));
        Ok((Some(HeldDevice { body: kept.body, digest, spent: kept.spent, answer }), (user, some_locked)))
    }

    pub(crate) async fn code(
        &self,
        directory: &Directory,
        code: &AuthorizationCode,
        now: Timestamp,
    ) -> Result<(Option<HeldCode>, Whose), StoreError> {
        let (tenant, digest) = (directory.tenant.id, code_digest(code));
        // Where another node redeemed it, the statement that spends it tells.
        if let Some(kept) = self.inner.codes.take(&(tenant, digest)) {
            let KeptCode { body, expires } = Arc::unwrap_or_clone(kept);
            let user = self.user_lately(directory, body.user).await?;
            let some_locked = !self.inner.engine.read(SOME_LOCKED, values![tenant, now]).await?.is_empty();
            return Ok((Some(HeldCode { body, digest, expires, spent: false }), (user, some_locked)));
        }
        let (kept, whose) = self.artifact_and_user::<CodeBody>(directory, (CODE, &digest), now).await?;
        let held = kept.map(|it| HeldCode { body: it.body, digest, expires: it.expires, spent: it.spent });
        Ok((held, whose))
    }

    pub(crate) async fn refresh(
        &self,
        directory: &Directory,
        token: &RefreshToken,
        now: Timestamp,
    ) -> Result<(Option<HeldRefresh>, Whose), StoreError> {
        let (tenant, digest) = (directory.tenant.id, refresh_digest(token));
        let lately = self.inner.refresh.get(&(tenant, digest));
        let rows = match &lately {
            Some(kept) => self.inner.engine.read(FAMILY, values![kept.body.family, tenant, now]).await?,
            None => self.inner.engine.read(REFRESH, values![&digest[..], tenant, now]).await?,
        };
        let Some(row) = rows.first() else { return Ok((None, (None, false))) };
        let kept = match lately {
            Some(kept) => kept,
            None => self.opened_refresh((tenant, digest), row)?,
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
        let user = self.user_lately(directory, held.body.user).await?;
        Ok((Some(held), (user, row.int(4) != 0)))
    }

    /// A refresh token that was read; held from now on.
    fn opened_refresh(&self, key: (TenantId, [u8; 32]), row: &Row) -> Result<Arc<KeptRefresh>, StoreError> {
        let body = row.bytes(5).unwrap_or_default();
        let json = self.inner.seal.open(&["artifact", &digest::hex(&key.1)], body)?;
        let kept = Arc::new(KeptRefresh {
            body: serde_json::from_slice(&json).map_err(|error| StoreError::Damaged(error.to_string()))?,
            issued: Timestamp::from_millis(row.int(6)),
            expires: Timestamp::from_millis(row.int(7)),
            generation: row.int(8),
        });
        self.inner.refresh.put(key, kept.clone());
        Ok(kept)
    }

    /// The user with this id, if there is one: where one process has the store, read again only when anything in the
    /// tenant's directory has changed. Another node's change is in the row before it is in our directory.
    pub(crate) async fn user_lately(
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
