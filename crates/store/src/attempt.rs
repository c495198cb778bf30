//! Attempts at a password or a code: one batch reserves an attempt and says whether it may be evaluated. Limits are
//! those of `carnet_tenant` and the tenant's policy. Account names and guesses are stored only as keyed digests.

use crate::{
    engine::{Batch, Expect, Row, Sql, Value, values},
    seal::Seal,
};
use carnet_tenant::{
    lockout::{Attempt, AttemptPurpose, SEEN_AGAIN, SOURCE_WINDOW},
    tenant::Policy,
};
use carnet_wire::{ids::TenantId, secret::Password, source::Source, time::Timestamp};
use std::net::IpAddr;

/// Condition: the account signed in from this source before. Parameters 1 to 5 are those of [`Arrival::values`]:
/// tenant, account, source, address and the earliest time that counts. Earlier releases stored whole IPv6 addresses.
macro_rules! known {
    () => {
        "exists (select 1 from known_source k where k.tenant_id = $1 and k.account = $2 \
            and k.source in ($3, $4) and k.seen_at > $5)"
    };
}
/// The counter of an attempt: a known source has its own, all other sources share one ('').
macro_rules! counter {
    () => {
        "coalesce((select k.source from known_source k where k.tenant_id = $1 and k.account = $2 \
            and k.source in ($3, $4) and k.seen_at > $5 order by case when k.source = $3 then 0 else 1 end limit 1), '')"
    };
}

/// Counts the attempt against its source, unless the source is known to the account or the account's own counter
/// would not count it. A source over the limit is stopped until the window ends.
const COUNT_SOURCE: &str = concat!(
    "insert into source_failure(tenant_id, source, began_at, count, stopped) \
    select $1, $3, cast($7 as bigint), 1, 0 where not ",
    known!(),
    " and not exists (select 1 from attempt a where a.tenant_id = $1 and a.account = $2 and a.source = '' \
        and ($6 in (a.d1, a.d2, a.d3) or a.locked_until > $7)) \
    on conflict (tenant_id, source) do update set \
        began_at = case when source_failure.began_at > $8 then source_failure.began_at else excluded.began_at end, \
        count = case when source_failure.began_at <= $8 then 1 \
            when source_failure.count >= $9 then source_failure.count else source_failure.count + 1 end, \
        stopped = case when source_failure.began_at > $8 and source_failure.count >= $9 then 1 else 0 end"
);
/// Undoes [`COUNT_SOURCE`] after a correct password, once for each source that becomes known.
const TAKE_BACK: &str = concat!(
    "update source_failure set count = count - 1 where tenant_id = $1 and source = $3 and count > 0 and not ",
    known!()
);
/// Reserves an attempt. One with any of the last three passwords is neither counted nor stopped. Without a row, the
/// source is limited.
const RESERVE: &str = concat!(
    "insert into attempt(tenant_id, account, source, count, locked_until, stopped, repeated, d1, d2, d3, updated_at) \
    select $1, $2, ",
    counter!(),
    ", 1, 0, 0, 0, $6, $9, $9, cast($7 as bigint) where ",
    known!(),
    " or exists (select 1 from attempt a where a.tenant_id = $1 and a.account = $2 and a.source = '' \
        and $6 in (a.d1, a.d2, a.d3)) \
    or not exists (select 1 from source_failure f where f.tenant_id = $1 and f.source = $10 \
        and f.stopped = 1 and f.began_at > $8) \
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
    returning count, locked_until, stopped, repeated"
);
const LOCKED: &str = concat!(
    "select locked_until from attempt where tenant_id = $1 and account = $2 and locked_until > $6 and source = ",
    counter!()
);
const CLEAR: &str =
    concat!("delete from attempt where tenant_id = $1 and account = $2 and source = ", counter!());
const UNLOCK: &str = "delete from attempt where tenant_id = $1 and account = $2";
const KNOW: &str = "insert into known_source(tenant_id, account, source, seen_at) values ($1, $2, $3, $4) \
    on conflict (tenant_id, account, source) do update set seen_at = excluded.seen_at \
    where known_source.seen_at < $5";
/// Moves the rows of a counter that an earlier release stored under another digest.
const MOVE_ATTEMPTS: &str = "update attempt set account = $2 where tenant_id = $1 and account = $3 and not exists \
    (select 1 from attempt a where a.tenant_id = $1 and a.account = $2 and a.source = attempt.source)";
const MOVE_SOURCES: &str = "update known_source set account = $2 where tenant_id = $1 and account = $3 and not exists \
    (select 1 from known_source k where k.tenant_id = $1 and k.account = $2 and k.source = known_source.source)";

/// A counter of attempts.
#[derive(Debug, Clone, Copy)]
pub struct AttemptCounter<'a> {
    /// The tenant.
    pub tenant: TenantId,
    /// The kind of attempts.
    pub purpose: AttemptPurpose,
    /// The subject of the attempts. For passwords and second factors, it is a user name in canonical form.
    pub key: &'a str,
}

/// The row key of a counter of attempts.
pub(crate) struct Account {
    tenant: TenantId,
    purpose: AttemptPurpose,
    digest: [u8; 32],
    /// The digest that an earlier release used for this counter.
    earlier: Option<[u8; 32]>,
}

impl Account {
    pub(crate) fn new(seal: &Seal, counter: &AttemptCounter<'_>) -> Self {
        let AttemptCounter { tenant, purpose, key } = *counter;
        let digest = |label: &str, key: &str| seal.digest(label, &[tenant.uuid().as_bytes(), key.as_bytes()]);
        // The first release stored all counters under "account", with a phrase instead of a user name where there was
        // none. A user name contains no whitespace, so a key with whitespace is not looked up there.
        let (label, earlier) = match purpose {
            AttemptPurpose::Password if key.contains(char::is_whitespace) => ("attempts: no user name", None),
            AttemptPurpose::Password => ("account", None),
            AttemptPurpose::SecondFactor => {
                let earlier = digest("account", &format!("second factor of {key}"));
                ("attempts: second factor", Some(earlier))
            }
            AttemptPurpose::UserCodeFromSource => ("attempts: user codes from a source", None),
            AttemptPurpose::UserCodeAtTenant => ("attempts: user codes at a tenant", None),
        };
        Self { tenant, purpose, digest: digest(label, key), earlier }
    }
}

/// The source and time of an attempt, with the policy for it.
pub(crate) struct Arrival {
    source: String,
    /// The address itself, which earlier releases stored instead of the source.
    address: String,
    now: Timestamp,
    /// Sources that were last seen before this time are no longer known.
    known_since: Timestamp,
    /// Maximum number of failed passwords from one source in a window.
    source_failures: i64,
}

impl Arrival {
    pub(crate) fn new(policy: &Policy, address: IpAddr, now: Timestamp) -> Self {
        let days = i64::from(policy.known_source_days.get());
        Self {
            source: Source::of(address).to_string(),
            address: address.to_string(),
            now,
            known_since: now.plus_seconds(-days * 24 * 3600),
            source_failures: policy.source_failures.get().into(),
        }
    }

    /// The first five parameters of the statements that look up known sources.
    fn values(&self, account: &Account) -> Vec<Value> {
        let (source, address) = (self.source.clone(), self.address.clone());
        values![account.tenant, &account.digest[..], source, address, self.known_since]
    }
}

/// Adds the statements that reserve an attempt. Returns the number of the statement whose row [`outcome`] parses.
/// Without a row, the source is limited.
pub(crate) fn reserve(
    batch: &mut Batch,
    seal: &Seal,
    account: &Account,
    guess: &Password,
    arrival: &Arrival,
) -> usize {
    let digest = seal.digest("attempt", &[&account.digest, guess.expose().as_bytes()]);
    let none: &[u8] = &[];
    if let Some(earlier) = &account.earlier {
        for sql in [MOVE_ATTEMPTS, MOVE_SOURCES] {
            batch.push(sql, values![account.tenant, &account.digest[..], &earlier[..]], Expect::Any);
        }
    }
    let window = arrival.now.plus_seconds(-SOURCE_WINDOW);
    let mut values = arrival.values(account);
    values.extend(values![&digest[..], arrival.now, window]);
    // Only passwords are limited by source. The empty string matches no source.
    let mut limited = String::new();
    if account.purpose == AttemptPurpose::Password {
        limited.clone_from(&arrival.source);
        let mut values = values.clone();
        values.push(arrival.source_failures.into());
        batch.push(COUNT_SOURCE, values, Expect::Any);
    }
    values.extend(values![none, limited]);
    batch.push(RESERVE, values, Expect::Any);
    batch.statements.len() - 1
}

/// The query that tells whether an account is locked for a source. No attempt is reserved.
pub(crate) fn locked(account: &Account, arrival: &Arrival) -> (Sql, Vec<Value>) {
    let mut values = arrival.values(account);
    values.push(arrival.now.into());
    (LOCKED, values)
}

/// Parses the row of the reserving statement.
pub(crate) fn outcome(row: &Row) -> Attempt {
    match (row.int(2), row.int(3)) {
        (1, _) => Attempt::Locked(Timestamp::from_millis(row.int(1))),
        (_, 1) => Attempt::Repeated,
        _ => Attempt::Reserved(row.int(0)),
    }
}

/// Clears the attempts of a source that signed in, and stores it as known.
pub(crate) fn clear(batch: &mut Batch, account: &Account, arrival: &Arrival) {
    if account.purpose == AttemptPurpose::Password {
        batch.push(TAKE_BACK, arrival.values(account), Expect::Any);
    }
    batch.push(CLEAR, arrival.values(account), Expect::Any);
    if matches!(account.purpose, AttemptPurpose::Password | AttemptPurpose::SecondFactor) {
        let (source, seen) = (arrival.source.clone(), arrival.now.plus_seconds(-SEEN_AGAIN));
        let values = values![account.tenant, &account.digest[..], source, arrival.now, seen];
        batch.push(KNOW, values, Expect::Any);
    }
}

/// Clears the attempts of all sources.
pub(crate) fn unlock(batch: &mut Batch, account: &Account) {
    for digest in [Some(&account.digest), account.earlier.as_ref()].into_iter().flatten() {
        batch.push(UNLOCK, values![account.tenant, &digest[..]], Expect::Any);
    }
}
