//! Writes the effects of a decision together with its sign-in record, before the answer is sent. Records are numbered
//! and linked in `chain`; `denials` decides which failures are recorded.

use crate::{
    Store, StoreError,
    artifact::{CODE, SPEND_ARTIFACT},
    attempt::{self, Account, AttemptCounter},
    denials::Trace,
    device::SPEND_DEVICE,
    engine::{Batch, Expect, values},
    redeem::CachedRefreshToken,
};
use carnet_tenant::{
    change::{Change, Object},
    lockout::AttemptPurpose,
    sign_in::SignIn,
    token::Effect,
    user,
};
use carnet_wire::{digest, ids::TenantId, time::Timestamp};
use std::sync::Arc;

const RECORD: &str =
    "insert into sign_in(tenant_id, node, n, at, body, digest) values ($1, $2, $3, $4, $5, $6)";
pub(crate) const SPEND: &str = "insert into spent(tenant_id, digest, expires_at) values ($1, $2, $3)";
const ADVANCE: &str = "update family set rotated_at = case when generation = $2 then $3 else rotated_at end, \
    generation = $2 + 1 where id = $1 and revoked_at = 0 \
    and (generation = $2 or (generation = $2 + 1 and rotated_at >= cast($3 as bigint) - cast($4 as bigint)))";
/// Separate from [`ADVANCE`], because the expiry rarely changes and is indexed.
const KEEP_FAMILY: &str = "update family set expires_at = $2 where id = $1 and expires_at < $2";
const REVOKE: &str = "update family set revoked_at = $2 where id = $1 and revoked_at = 0";
const FAMILY: &str = "insert into family(id, tenant_id, user_id, app_id, generation, rotated_at, revoked_at, expires_at) \
    values ($1, $2, $3, $4, 0, $5, 0, $6) on conflict (id) do update set expires_at = excluded.expires_at";
const KEEP: &str = "insert into artifact(digest, kind, tenant_id, family, user_id, generation, created_at, expires_at, consumed_at, body) \
    values ($1, 'refresh', $2, $3, $4, $5, $6, $7, 0, $8)";
const SIGN_INS: &str = "select body from sign_in where tenant_id = $1 and at <= $2 order by at desc limit $3";

/// The effects and the record of one decision.
#[derive(Debug)]
pub struct Settle<'a> {
    /// The effects.
    pub effects: &'a [Effect],
    /// The sign-in record.
    pub record: &'a SignIn,
    /// The digest of the refresh token that was generated for [`Effect::KeepRefresh`].
    pub refresh: Option<[u8; 32]>,
}

impl Store {
    /// Writes effects and record in one batch. If the same failure repeats within a minute, only the first ones are
    /// recorded; the effects of the others are written, and the failures are counted.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if another request was faster to spend the same item; then nothing is written.
    pub async fn settle(&self, settle: Settle<'_>) -> Result<(), StoreError> {
        self.keep(settle, false).await
    }

    /// Writes effects and record while the caller signs the token, so that the commit need not hurry.
    ///
    /// # Errors
    /// As [`Store::settle`].
    pub async fn settle_beside(&self, settle: Settle<'_>) -> Result<(), StoreError> {
        self.keep(settle, true).await
    }

    async fn keep(&self, settle: Settle<'_>, can_wait: bool) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        let (tenant, now) = (settle.record.tenant, settle.record.at);
        for effect in settle.effects {
            self.push_effect(&mut batch, effect, &settle)?;
        }
        let spends = settle.effects.iter().any(|effect| matches!(effect, Effect::SpendAssertion { .. }));
        let trace = match settle.record.error {
            0 => Trace::Record,
            _ => self.inner.denials.trace(settle.record),
        };
        if trace == Trace::Record {
            batch.mergeable = batch.statements.is_empty();
            self.push_record(&mut batch, settle.record)?;
        }
        batch.can_wait = can_wait;
        let kept = match batch.statements.is_empty() {
            true => Ok(Vec::new()),
            false => self.inner.engine.write(batch).await,
        };
        if let (Ok(_), Trace::Count(denied)) = (&kept, trace) {
            self.count(denied);
        }
        if let (Ok(_), Some(digest)) = (&kept, settle.refresh) {
            self.cache_refresh_token((tenant, digest), settle.effects, now);
        }
        match kept {
            // The digest exists already, so the assertion was used before.
            Err(StoreError::Exists) if spends => Err(StoreError::Conflict),
            other => other.map(drop),
        }
    }

    /// Caches a new refresh token, because it is usually redeemed on this node.
    fn cache_refresh_token(&self, key: (TenantId, [u8; 32]), effects: &[Effect], issued: Timestamp) {
        for effect in effects {
            if let Effect::KeepRefresh { body, generation, expires } = effect {
                let (body, generation, expires) = (body.clone(), *generation, *expires);
                self.inner
                    .refresh
                    .put(key, Arc::new(CachedRefreshToken { body, issued, expires, generation }));
            }
        }
    }

    fn push_effect(&self, batch: &mut Batch, effect: &Effect, settle: &Settle<'_>) -> Result<(), StoreError> {
        let (tenant, now) = (settle.record.tenant, settle.record.at);
        match effect {
            Effect::ClearAttempts => {
                let key = user::fold(&settle.record.user_name);
                let counter = AttemptCounter { tenant, purpose: AttemptPurpose::Password, key: &key };
                let arrival = self.arrival(&counter, (settle.record.address, now));
                attempt::clear(batch, &Account::new(&self.inner.seal, &counter), &arrival);
            }
            Effect::SpendAssertion { digest, expires } => {
                batch.push(SPEND, values![tenant, &digest[..], *expires], Expect::Rows(1));
            }
            Effect::SpendCode { digest } => {
                batch.push(SPEND_ARTIFACT, values![&digest[..], CODE, now], Expect::Rows(1));
            }
            Effect::SpendDevice { digest } => {
                batch.push(SPEND_DEVICE, values![&digest[..], now], Expect::Rows(1));
            }
            Effect::AdvanceFamily { family, from, grace_ms, keep_until } => {
                batch.push(ADVANCE, values![*family, *from, now, *grace_ms], Expect::Rows(1));
                if let Some(until) = keep_until {
                    batch.push(KEEP_FAMILY, values![*family, *until], Expect::Any);
                }
            }
            Effect::RevokeFamily { family } => batch.push(REVOKE, values![*family, now], Expect::Any),
            Effect::KeepRefresh { body, generation, expires } => {
                let Some(refresh) = settle.refresh else { return Ok(()) };
                let json =
                    serde_json::to_vec(body).map_err(|error| StoreError::Damaged(error.to_string()))?;
                let sealed = self.inner.seal.seal(&["artifact", &digest::hex(&refresh)], &json)?;
                if !settle.effects.iter().any(|effect| matches!(effect, Effect::AdvanceFamily { .. })) {
                    let family = values![body.family, tenant, body.user, body.app, now, *expires];
                    batch.push(FAMILY, family, Expect::Any);
                }
                let row =
                    values![&refresh[..], tenant, body.family, body.user, *generation, now, *expires, sealed];
                batch.push(KEEP, row, Expect::Rows(1));
            }
        }
        Ok(())
    }

    fn push_record(&self, batch: &mut Batch, record: &SignIn) -> Result<(), StoreError> {
        let body = serde_json::to_string(record).map_err(|error| StoreError::Damaged(error.to_string()))?;
        let ticket = self.inner.chains.link(record.tenant, record.at, &body);
        let (number, digest) = (ticket.number(), &ticket.digest()[..]);
        let values = values![record.tenant, self.inner.node.clone(), number, record.at, body, digest];
        batch.push(RECORD, values, Expect::Rows(1));
        batch.ticket = Some(ticket);
        Ok(())
    }

    /// The newest sign-in records of a tenant up to a time.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn sign_ins(
        &self,
        tenant: TenantId,
        until: Timestamp,
        limit: i64,
    ) -> Result<Vec<SignIn>, StoreError> {
        let rows = self.inner.engine.read(SIGN_INS, values![tenant, until, limit]).await?;
        let read =
            |text: &str| serde_json::from_str(text).map_err(|error| StoreError::Damaged(error.to_string()));
        rows.iter().map(|row| read(row.text(0))).collect()
    }

    /// Replaces a password hash by one with newer parameters, unless the user has changed since.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn rehash(
        &self,
        seen: &carnet_tenant::directory::Directory,
        user: &user::User,
        hash: carnet_tenant::credential::PasswordHash,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut changed = user.clone();
        changed.password = Some(hash);
        let changes = vec![Change::Put(Object::User(Arc::new(changed)))];
        self.apply(seen, (changes, Vec::new()), now, None).await.map(drop)
    }
}
