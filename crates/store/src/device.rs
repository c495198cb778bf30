//! Pending device codes. Anybody can request one, so their number is limited for each source and tenant. The
//! statement that stores a new code checks the limit, so that it holds over all nodes.

use crate::{
    Store, StoreError,
    artifact::{DEVICE, DEVICE_ANSWER, Place, USER_CODE, answer_digest},
    engine::{Batch, Expect, values},
    once::Once,
};
use carnet_tenant::token::{
    DeviceAnswer, DeviceBody,
    device_code::{PENDING_OF_SOURCE, PENDING_OF_TENANT},
};
use carnet_wire::{device::LIFETIME, digest, ids::TenantId, source::Source, time::Timestamp};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// Maximum number of sources and tenants that are remembered as full.
const REMEMBERED: usize = 4096;
/// Time for which they are remembered, in milliseconds.
const FOR: i64 = 1000;

// `+expires_at` keeps SQLite from using the index of all artifacts by expiry.
const GIVE: &str = "insert into artifact(digest, kind, tenant_id, family, user_id, generation, created_at, expires_at, consumed_at, body, source) \
    select $1, $2, $3, $4, $5, 0, $6, $7, 0, $8, $9 \
    where (select count(*) from (select 1 from artifact where tenant_id = $3 and source = $9 and source <> '' \
        and +expires_at > $10 limit $11) own) < $11 \
    and (select count(*) from (select 1 from artifact where tenant_id = $3 and source <> '' \
        and +expires_at > $10 limit $12) whole) < $12 returning 1";
const GIVE_USER_CODE: &str = "insert into artifact(digest, kind, tenant_id, family, user_id, generation, created_at, expires_at, consumed_at, body) \
    select $1, $2, $3, $4, $5, 0, $6, $7, 0, $8 where exists (select 1 from artifact where digest = $9)";
const PENDING: &str = "select count(*) from (select 1 from artifact where tenant_id = $1 and source <> '' \
    and +expires_at > $2 limit $3) whole";
/// Redeems a device code, which then is no longer pending. It changes no row if the code was redeemed or has expired.
pub(crate) const SPEND_DEVICE: &str = "update artifact set consumed_at = $2, source = '' \
    where digest = $1 and kind = 'device' and consumed_at = 0 and expires_at > $2";

/// Moves an unredeemed device code to another tenant. The body is sealed to its tenant, so it is sealed again.
const MOVE: &str = "update artifact set tenant_id = $3, body = $4 \
    where digest = $1 and kind = 'device' and tenant_id = $2 and consumed_at = 0";

/// A device code that a user answers.
#[derive(Debug, Clone, Copy)]
pub struct AnsweredDevice<'a> {
    /// The digest of the device code.
    pub digest: &'a [u8; 32],
    /// The device's request.
    pub body: &'a DeviceBody,
    /// The tenant under which the code is stored.
    pub kept_in: TenantId,
}

/// A device code and its user code to store.
#[derive(Debug)]
pub struct NewDevice<'a> {
    /// The digest of the device code.
    pub device: &'a [u8; 32],
    /// The digest of the user code.
    pub user_code: &'a [u8; 32],
    /// Owner and lifetime. The device code is stored for one lifetime longer, so that a late poll learns that it has
    /// expired.
    pub place: Place,
    /// The device's request.
    pub body: &'a DeviceBody,
}

/// The sources (and tenants, without a source) that were full a moment ago, with the time in milliseconds until which
/// they are refused without asking the store.
#[derive(Debug, Default)]
pub(crate) struct FullQuotas(Mutex<HashMap<(TenantId, Option<Source>), i64>>);

impl FullQuotas {
    fn is_full(&self, tenant: TenantId, source: Source, now: Timestamp) -> bool {
        let full = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let until = |key| full.get(&key).is_some_and(|until| now.millis() < *until);
        until((tenant, None)) || until((tenant, Some(source)))
    }

    fn remember(&self, key: (TenantId, Option<Source>), now: Timestamp) {
        let mut full = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if full.len() >= REMEMBERED {
            full.clear();
        }
        full.insert(key, now.millis() + FOR);
    }
}

impl Store {
    /// Stores a user's answer to a device code. If the answer belongs to another tenant, because the code was
    /// requested before the tenant was known, the code moves to that tenant.
    ///
    /// # Errors
    /// [`StoreError::Exists`] if the code was answered before; [`StoreError::Spent`] if the page was used before. In
    /// both cases nothing is stored. [`StoreError`] otherwise.
    pub async fn put_device_answer(
        &self,
        device: AnsweredDevice<'_>,
        place: Place,
        answer: &DeviceAnswer,
        once: Option<Once>,
    ) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        self.push_artifact(&mut batch, DEVICE_ANSWER, &answer_digest(device.digest), place, answer)?;
        if place.tenant != device.kept_in {
            let json =
                serde_json::to_vec(device.body).map_err(|error| StoreError::Damaged(error.to_string()))?;
            let at = [DEVICE, &place.tenant.to_string(), &digest::hex(device.digest)];
            let sealed = self.inner.seal.seal(&at, &json)?;
            let values = values![&device.digest[..], device.kept_in, place.tenant, sealed];
            batch.push(MOVE, values, Expect::Rows(1));
        }
        if let Some(once) = &once {
            once.push(&mut batch);
        }
        match self.inner.engine.write(batch).await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.distinguish_spent(error, once.as_ref()).await),
        }
    }

    /// Stores a device code and its user code. Returns false if the source or the tenant has too many pending device
    /// codes.
    ///
    /// # Errors
    /// [`StoreError::Exists`] if the user code is taken: generate another one. [`StoreError`] otherwise.
    pub async fn put_device_code(&self, new: NewDevice<'_>) -> Result<bool, StoreError> {
        let Place { tenant, family, user, created, expires } = new.place;
        let source = Source::of(new.body.address);
        if self.inner.devices.is_full(tenant, source, created) {
            return Ok(false);
        }
        let json = |error: serde_json::Error| StoreError::Damaged(error.to_string());
        let seal = |kind: &str, key: &[u8; 32], body: &[u8]| {
            self.inner.seal.seal(&[kind, &tenant.to_string(), &digest::hex(key)], body)
        };
        let device = seal(DEVICE, new.device, &serde_json::to_vec(new.body).map_err(json)?)?;
        let named = serde_json::to_vec(&digest::hex(new.device)).map_err(json)?;
        let user_code = seal(USER_CODE, new.user_code, &named)?;
        let mut batch = Batch::default();
        // A device code is stored for one lifetime after its expiry, but is pending only until it expires.
        let kept_until = expires.plus_seconds(LIFETIME);
        let waiting_after = created.plus_seconds(LIFETIME);
        let values = values![
            &new.device[..],
            DEVICE,
            tenant,
            family,
            user,
            created,
            kept_until,
            device,
            source.to_string(),
            waiting_after,
            PENDING_OF_SOURCE,
            PENDING_OF_TENANT
        ];
        batch.push(GIVE, values, Expect::Any);
        let key = &new.user_code[..];
        let values =
            values![key, USER_CODE, tenant, family, user, created, expires, user_code, &new.device[..]];
        batch.push(GIVE_USER_CODE, values, Expect::Any);
        let answers = self.inner.engine.write(batch).await?;
        if answers.first().is_some_and(|rows| !rows.is_empty()) {
            return Ok(true);
        }
        let values = values![tenant, waiting_after, PENDING_OF_TENANT];
        let rows = self.inner.engine.read(PENDING, values).await?;
        let whole = rows.first().is_some_and(|row| row.int(0) >= PENDING_OF_TENANT);
        self.inner.devices.remember((tenant, (!whole).then_some(source)), created);
        Ok(false)
    }
}
