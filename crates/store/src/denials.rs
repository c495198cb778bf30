//! Records of failed requests. Anybody can send failing requests, so they must not fill the store: of the failures in
//! one minute with the same tenant, code, application and source, the first ten are stored as records and the others
//! are counted. Each node counts in memory and writes its counts at most once a second.

use crate::{
    Store, StoreError, Weak,
    engine::{Batch, Expect, values},
};
use carnet_tenant::sign_in::SignIn;
use carnet_wire::{
    ids::{AppId, TenantId},
    source::Source,
    time::Timestamp,
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Number of failures of one kind and minute that are stored as records.
const RECORDED: u8 = 10;
/// Maximum number of kinds of a tenant in one minute. Further failures are counted by tenant and code only.
const KINDS: usize = 2048;
/// Maximum number of counts that wait to be written. Above it, new kinds are counted by tenant and code only; above
/// twice as many (the store has been unavailable for long), they are not counted.
const WAITING: usize = 8192;
/// Maximum number of rows in one write.
const ROWS: usize = 128;
/// Time between two writes.
const EVERY: Duration = Duration::from_secs(1);

const ADD: &str = "insert into denial_count(minute, tenant_id, code, app_id, source, count) values ($1, $2, $3, $4, $5, $6) \
    on conflict (minute, tenant_id, code, app_id, source) do update set count = denial_count.count + excluded.count";
const COUNTS: &str = "select minute, code, app_id, source, count from denial_count \
    where minute >= $2 and minute <= $3 and tenant_id = $1 order by minute desc, count desc limit $4";

/// The properties by which failures are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Kind {
    code: u32,
    /// The application. `None` if the request named none of the tenant's.
    app: Option<AppId>,
    /// The source. `None` if sources are not distinguished.
    source: Option<Source>,
}

/// The key of a counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    minute: i64,
    tenant: TenantId,
    kind: Kind,
}

/// How a failure is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trace {
    /// It is stored as a record.
    Record,
    /// It is counted.
    Count(Denied),
}

/// A failure to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Denied(Key);

/// A number of failures that were not stored as records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DenialCount {
    /// The minute in which they happened, in minutes since 1970.
    pub minute: i64,
    /// The AADSTS number.
    pub code: u32,
    /// The application. `None` if the requests named none of the tenant's.
    pub app: Option<AppId>,
    /// The source (see [`Source`]). Empty if there were too many sources.
    pub source: String,
    /// The number of failures.
    pub count: i64,
}

/// The failures that one node saw.
#[derive(Debug, Default)]
pub(crate) struct Denials(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The newest minute that was seen, to which `seen` belongs.
    minute: i64,
    seen: HashMap<TenantId, HashMap<Kind, u8>>,
    waiting: BTreeMap<Key, i64>,
    /// Whether a task is running that will write the counts.
    scheduled: bool,
}

impl Denials {
    /// Decides how a failure of an application is recorded, and counts it towards the first ten.
    pub(crate) fn trace(&self, record: &SignIn) -> Trace {
        let (key, recorded) = self.state().look(record, record.app);
        if recorded { Trace::Record } else { Trace::Count(Denied(key)) }
    }

    /// The counter of a failure that names no application of its tenant.
    fn without_application(&self, record: &SignIn) -> Denied {
        Denied(self.state().look(record, None).0)
    }

    /// Counts a failure. Returns true if a task has to be started that writes the counts.
    fn add(&self, Denied(mut key): Denied) -> bool {
        let mut state = self.state();
        if state.waiting.len() >= WAITING && !state.waiting.contains_key(&key) {
            (key.kind.app, key.kind.source) = (None, None);
        }
        if state.waiting.len() < 2 * WAITING || state.waiting.contains_key(&key) {
            *state.waiting.entry(key).or_default() += 1;
        }
        !std::mem::replace(&mut state.scheduled, true)
    }

    /// Takes some of the waiting counts, ordered by key so that nodes do not deadlock.
    fn take(&self) -> Vec<(Key, i64)> {
        let mut state = self.state();
        let taken = std::iter::from_fn(|| state.waiting.pop_first()).take(ROWS);
        taken.collect()
    }

    fn give_back(&self, counts: Vec<(Key, i64)>) {
        let mut state = self.state();
        for (key, count) in counts {
            *state.waiting.entry(key).or_default() += count;
        }
    }

    /// Whether no counts are waiting. If so, the next count starts a task again.
    fn is_done(&self) -> bool {
        let mut state = self.state();
        state.scheduled = !state.waiting.is_empty();
        !state.scheduled
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The counter of a failure, and whether it is one of the first ten.
    fn look(&mut self, record: &SignIn, app: Option<AppId>) -> (Key, bool) {
        let minute = minute(record.at);
        // A request that arrived in an earlier minute counts in the current one, so that slow requests do not get new
        // records.
        if minute > self.minute {
            self.seen.clear();
            self.minute = minute;
        }
        let seen = self.seen.entry(record.tenant).or_default();
        let mut kind = Kind { code: record.error, app, source: Some(Source::of(record.address)) };
        let recorded = if seen.len() < KINDS || seen.contains_key(&kind) {
            let count = seen.entry(kind).or_default();
            let first = *count < RECORDED;
            *count = count.saturating_add(1);
            first
        } else {
            (kind.app, kind.source) = (None, None);
            false
        };
        (Key { minute, tenant: record.tenant, kind }, recorded)
    }
}

const fn minute(at: Timestamp) -> i64 {
    at.millis().div_euclid(60_000)
}

impl Store {
    /// Counts a failure that names no application of its tenant. It is not stored as a record.
    pub fn count_denial(&self, record: &SignIn) {
        self.count(self.inner.denials.without_application(record));
    }

    pub(crate) fn count(&self, denied: Denied) {
        if self.inner.denials.add(denied) {
            tokio::spawn(write_later(Weak(Arc::downgrade(&self.inner))));
        }
    }

    /// Writes all counts that wait in memory.
    ///
    /// # Errors
    /// [`StoreError`]; counts that were not written keep waiting.
    pub async fn flush_denials(&self) -> Result<(), StoreError> {
        while self.write_denials().await? == ROWS {}
        Ok(())
    }

    /// Writes some of the waiting counts and returns how many.
    async fn write_denials(&self) -> Result<usize, StoreError> {
        let counts = self.inner.denials.take();
        if counts.is_empty() {
            return Ok(0);
        }
        let mut batch = Batch::default();
        for (Key { minute, tenant, kind }, count) in &counts {
            let app = kind.app.map(|it| it.to_string()).unwrap_or_default();
            let source = kind.source.map(|it| it.to_string()).unwrap_or_default();
            let values = values![*minute, *tenant, i64::from(kind.code), app, source, *count];
            batch.push(ADD, values, Expect::Any);
        }
        let written = counts.len();
        match self.inner.engine.write(batch).await {
            Ok(_) => Ok(written),
            // They may have been written. Counting too few is better than counting twice.
            Err(StoreError::Unknown) => Err(StoreError::Unknown),
            Err(error) => {
                self.inner.denials.give_back(counts);
                Err(error)
            }
        }
    }

    /// A tenant's counts between two times, newest first.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn denial_counts(
        &self,
        tenant: TenantId,
        (from, until): (Timestamp, Timestamp),
        limit: i64,
    ) -> Result<Vec<DenialCount>, StoreError> {
        let values = values![tenant, minute(from), minute(until), limit];
        let rows = self.inner.engine.read(COUNTS, values).await?;
        let one = |row: &crate::engine::Row| DenialCount {
            minute: row.int(0),
            code: u32::try_from(row.int(1)).unwrap_or_default(),
            app: row.text(2).parse().ok(),
            source: row.text(3).to_owned(),
            count: row.int(4),
        };
        Ok(rows.iter().map(one).collect())
    }
}

/// Writes the waiting counts, one batch a second, until none are left or the store is closed.
async fn write_later(store: Weak) {
    loop {
        tokio::time::sleep(EVERY).await;
        let Some(store) = store.upgrade() else { return };
        if store.is_closed() || store.inner.denials.is_done() {
            return;
        }
        if let Err(error) = store.write_denials().await {
            crate::log::away("could not write the counts of failed requests; they stay in memory", &error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use carnet_wire::ids::{CorrelationId, TraceId};
    use std::net::{IpAddr, Ipv6Addr};
    use uuid::Uuid;

    fn record(code: u32, network: u64, seconds: i64) -> SignIn {
        SignIn {
            at: Timestamp::from_seconds(seconds),
            tenant: TenantId::new(Uuid::from_u128(1)),
            trace: TraceId::new(Uuid::from_u128(1)),
            correlation: CorrelationId::new(Uuid::from_u128(1)),
            address: IpAddr::V6(Ipv6Addr::from_bits(u128::from(network) << 64 | u128::from(code))),
            user_agent: String::new(),
            grant: "password".into(),
            app: Some(AppId::new(Uuid::from_u128(7))),
            principal: None,
            user: None,
            user_name: String::new(),
            resource: None,
            credential: None,
            error: code,
        }
    }

    fn recorded(denials: &Denials, record: &SignIn, times: usize) -> usize {
        (0..times).filter(|_| denials.trace(record) == Trace::Record).count()
    }

    #[test]
    fn the_first_ten_of_each_kind_and_minute_are_recorded_row_148() {
        let denials = Denials::default();
        assert_eq!(recorded(&denials, &record(1, 1, 0), 300), 10);
        // Another code, another network, another application, another minute.
        assert_eq!(recorded(&denials, &record(2, 1, 0), 300), 10);
        assert_eq!(recorded(&denials, &record(1, 2, 0), 300), 10);
        let other = SignIn { app: Some(AppId::new(Uuid::from_u128(8))), ..record(1, 1, 0) };
        assert_eq!(recorded(&denials, &other, 300), 10);
        assert_eq!(recorded(&denials, &record(1, 1, 59), 300), 0);
        assert_eq!(recorded(&denials, &record(1, 1, 60), 300), 10);
        // A slow request of an earlier minute is counted in the current one.
        assert_eq!(recorded(&denials, &record(1, 1, 59), 300), 0);
        assert_eq!(recorded(&denials, &record(1, 1, 60), 300), 0);
    }

    #[test]
    fn however_many_networks_fail_the_records_and_counts_are_bounded_row_148() {
        let denials = Denials::default();
        let mut kept = 0;
        for network in 0..100_000 {
            match denials.trace(&record(1, network, 0)) {
                Trace::Record => kept += 1,
                Trace::Count(denied) => _ = denials.add(denied),
            }
        }
        assert_eq!(kept, KINDS);
        let waiting = denials.take();
        assert_eq!((waiting.len(), waiting[0].1), (1, 100_000 - KINDS as i64));
        // Another tenant's failures are recorded separately.
        let other = SignIn { tenant: TenantId::new(Uuid::from_u128(2)), ..record(1, 1, 0) };
        assert_eq!(recorded(&denials, &other, 20), 10);
    }

    #[test]
    fn a_store_that_is_away_for_long_makes_memory_no_larger_row_148() {
        let denials = Denials::default();
        for minute in 0..200 {
            for network in 0..1000 {
                let _ = denials.add(denials.without_application(&record(1, network, minute * 60)));
            }
        }
        let state = denials.state();
        assert!(state.waiting.len() < WAITING + 200, "{}", state.waiting.len());
        assert_eq!(state.waiting.values().sum::<i64>(), 200_000);
        drop(state);
        let far = |number| record(number, 1, 1_000_000 + 60 * i64::from(number));
        for number in 0..20_000 {
            let _ = denials.add(denials.without_application(&far(number)));
        }
        assert_eq!(denials.state().waiting.len(), 2 * WAITING);
    }

    #[test]
    fn one_task_writes_and_what_was_not_written_waits_on() {
        let denials = Denials::default();
        let one = || denials.without_application(&record(1, 1, 0));
        assert_eq!([(); 3].map(|()| denials.add(one())), [true, false, false]);
        assert!(!denials.is_done());
        let taken = denials.take();
        assert_eq!(taken.iter().map(|it| it.1).collect::<Vec<_>>(), [3]);
        assert!(!denials.add(one()));
        denials.give_back(taken);
        assert_eq!(denials.take().iter().map(|it| it.1).collect::<Vec<_>>(), [4]);
        assert!(denials.is_done());
        assert!(denials.add(one()), "the next one starts a task again");
    }
}
