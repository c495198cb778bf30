//! Password attempts: one statement reserves an attempt and tells whether it may be evaluated. Numbers
//! are `tenant::lockout`'s; accounts and passwords are kept as keyed digests only.

use crate::{
    engine::{Batch, Expect, Row, Sql, Value, values},
    seal::Seal,
};
use carnet_tenant::lockout::Attempt;
use carnet_wire::{ids::TenantId, secret::Password, time::Timestamp};
use std::net::IpAddr;

// An address that signed the account in before counts for itself, all others together (''). An attempt
// with one of the last three passwords is neither counted nor stopped.
const RESERVE: &str = "insert into attempt(tenant_id, account, source, count, locked_until, stopped, repeated, d1, d2, d3, updated_at) \
    select $1, $2, case when exists (select 1 from known_source where tenant_id = $1 and account = $2 and source = $3) \
        then $3 else '' end, 1, 0, 0, 0, $4, $6, $6, $5 where cast($5 as bigint) > 0 \
    on conflict (tenant_id, account, source) do update set \
        repeated = case when excluded.d1 in (attempt.d1, attempt.d2, attempt.d3) then 1 else 0 end, \
        stopped = case when excluded.d1 in (attempt.d1, attempt.d2, attempt.d3) then 0 \
            when attempt.locked_until > excluded.updated_at then 1 else 0 end, \
        count = case when excluded.d1 in (attempt.d1, attempt.d2, attempt.d3) \
            or attempt.locked_until > excluded.updated_at then attempt.count else attempt.count + 1 end, \
        locked_until = case when excluded.d1 in (attempt.d1, attempt.d2, attempt.d3) \
            or attempt.locked_until > excluded.updated_at then attempt.locked_until \
            when attempt.count >= 99 then 253402300799999 \
            when attempt.count >= 14 then excluded.updated_at + 1800000 \
            when attempt.count >= 13 then excluded.updated_at + 960000 \
            when attempt.count >= 12 then excluded.updated_at + 480000 \
            when attempt.count >= 11 then excluded.updated_at + 240000 \
            when attempt.count >= 10 then excluded.updated_at + 120000 \
            when attempt.count >= 9 then excluded.updated_at + 60000 else 0 end, \
        d1 = case when excluded.d1 in (attempt.d1, attempt.d2, attempt.d3) \
            or attempt.locked_until > excluded.updated_at then attempt.d1 else excluded.d1 end, \
        d2 = case when excluded.d1 in (attempt.d1, attempt.d2, attempt.d3) \
            or attempt.locked_until > excluded.updated_at then attempt.d2 else attempt.d1 end, \
        d3 = case when excluded.d1 in (attempt.d1, attempt.d2, attempt.d3) \
            or attempt.locked_until > excluded.updated_at then attempt.d3 else attempt.d2 end, \
        updated_at = excluded.updated_at \
    returning count, locked_until, stopped, repeated";
const LOCKED: &str = "select locked_until from attempt where tenant_id = $1 and account = $2 and locked_until > $4 and source = \
    case when exists (select 1 from known_source where tenant_id = $1 and account = $2 and source = $3) then $3 else '' end";
const CLEAR: &str = "delete from attempt where tenant_id = $1 and account = $2 and source = \
    case when exists (select 1 from known_source where tenant_id = $1 and account = $2 and source = $3) then $3 else '' end";
const UNLOCK: &str = "delete from attempt where tenant_id = $1 and account = $2";
const KNOW: &str = "insert into known_source(tenant_id, account, source, seen_at) values ($1, $2, $3, $4) \
    on conflict (tenant_id, account, source) do nothing";

/// An account in the tables of attempts.
pub(crate) struct Account {
    tenant: TenantId,
    digest: [u8; 32],
}

impl Account {
    pub(crate) fn new(seal: &Seal, tenant: TenantId, name_key: &str) -> Self {
        Self { tenant, digest: seal.digest("account", &[tenant.uuid().as_bytes(), name_key.as_bytes()]) }
    }
}

/// Reserves an attempt.
pub(crate) fn reserve(
    batch: &mut Batch,
    seal: &Seal,
    account: &Account,
    (password, (address, now)): (&Password, (IpAddr, Timestamp)),
) {
    let shown = seal.digest("attempt", &[&account.digest, password.expose().as_bytes()]);
    let none: &[u8] = &[];
    let values = values![account.tenant, &account.digest[..], address.to_string(), &shown[..], now, none];
    batch.push(RESERVE, values, Expect::Rows(1));
}

/// Asks whether an account is locked for a source, without an attempt.
pub(crate) fn locked(account: &Account, (address, now): (IpAddr, Timestamp)) -> (Sql, Vec<Value>) {
    (LOCKED, values![account.tenant, &account.digest[..], address.to_string(), now])
}

/// What the reserving statement told.
pub(crate) fn told(row: &Row) -> Attempt {
    match (row.int(2), row.int(3)) {
        (1, _) => Attempt::Locked(Timestamp::from_millis(row.int(1))),
        (_, 1) => Attempt::Repeated,
        _ => Attempt::Reserved(row.int(0)),
    }
}

/// Forgets the attempts of a source that signed in, and knows it from now on.
pub(crate) fn clear(batch: &mut Batch, account: &Account, (address, now): (IpAddr, Timestamp)) {
    let source = address.to_string();
    batch.push(CLEAR, values![account.tenant, &account.digest[..], source.clone()], Expect::Any);
    batch.push(KNOW, values![account.tenant, &account.digest[..], source, now], Expect::Any);
}

/// Forgets the attempts of all sources.
pub(crate) fn unlock(batch: &mut Batch, account: &Account) {
    batch.push(UNLOCK, values![account.tenant, &account.digest[..]], Expect::Any);
}
