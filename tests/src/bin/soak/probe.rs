//! Other callers: from another address, one asks for application tokens and one for the keys, at a steady pace.

use crate::{
    client::{self, Client},
    tenant,
};
use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::time::timeout;

/// Where they come from: not where the attack comes from.
const FROM: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 2));
/// Requests of each of them during an attack, however long it is: what they leave in the store is part of its growth.
const REQUESTS: u32 = 1500;
/// The longest that they wait for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long one of them waited.
#[derive(Debug, Clone)]
pub struct Waits {
    /// What was asked for.
    pub what: &'static str,
    /// For each answer.
    pub times: Vec<Duration>,
    /// Requests without the right answer.
    pub failed: usize,
}

impl Waits {
    /// The time that 99 of a hundred stayed under.
    pub fn p99(&self) -> Duration {
        let mut times = self.times.clone();
        times.sort_unstable();
        times.get(times.len() * 99 / 100).copied().unwrap_or_default()
    }
}

/// What the callers share with whoever reads their figures.
type Shared = Arc<Mutex<Waits>>;

/// The callers, on a thread of their own, until this value is dropped.
pub struct Probes {
    each: Vec<Shared>,
    over: Arc<AtomicBool>,
}

impl Drop for Probes {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

impl Probes {
    /// They start, at a pace that depends on the time of the attack.
    pub fn start(server: SocketAddr, attack: Duration) -> Self {
        let waits = |what| Arc::new(Mutex::new(Waits { what, times: Vec::new(), failed: 0 }));
        let (token, keys) = (waits("token"), waits("keys"));
        let each = vec![token.clone(), keys.clone()];
        let over = Arc::new(AtomicBool::new(false));
        let caller = |waits| Caller { server, pause: attack / REQUESTS, waits, over: over.clone() };
        let (token, keys) = (caller(token), caller(keys));
        std::thread::spawn(move || {
            let path = format!("/{}/discovery/v2.0/keys", tenant::TENANT);
            client::on_one_thread(async {
                tokio::join!(
                    token.ask(async |client| client.form(tenant::TOKEN, tenant::SECRET_GRANT).await),
                    keys.ask(async |client| client.get(&path, None).await)
                );
            });
        });
        Self { each, over }
    }

    /// The figures since the last time.
    pub fn take(&self) -> Vec<Waits> {
        let take = |waits: &Shared| {
            let mut waits = waits.lock().unwrap_or_else(PoisonError::into_inner);
            let what = waits.what;
            std::mem::replace(&mut *waits, Waits { what, times: Vec::new(), failed: 0 })
        };
        self.each.iter().map(take).collect()
    }
}

/// One of the callers.
struct Caller {
    server: SocketAddr,
    pause: Duration,
    waits: Shared,
    over: Arc<AtomicBool>,
}

impl Caller {
    /// Asks over and over, with another connection when one fails.
    async fn ask(&self, send: impl AsyncFn(&mut Client) -> Result<client::Answer, client::Gone>) {
        let mut open = None;
        while !self.over.load(Ordering::Relaxed) {
            if open.is_none() {
                open = Client::open(self.server, Some(FROM)).await.ok();
            }
            let begun = Instant::now();
            let answer = match open.as_mut() {
                Some(client) => timeout(PATIENCE, send(client)).await.unwrap_or(Err(client::Gone)),
                None => Err(client::Gone),
            };
            let took = begun.elapsed();
            if answer.is_err() {
                open = None;
            }
            let good = answer.is_ok_and(|answer| answer.status == 200);
            self.count(good.then_some(took));
            tokio::time::sleep(self.pause).await;
        }
    }

    /// Counts an answer with its time, or a request that got none.
    fn count(&self, answered: Option<Duration>) {
        let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        match answered {
            Some(took) => waits.times.push(took),
            None => waits.failed += 1,
        }
    }
}
