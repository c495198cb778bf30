//! Password hashing: Argon2id on a few named threads with a bounded queue, so that a flood of passwords
//! slows nobody else. The place in the queue belongs to the work, not to the request that may go away.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use carnet_os::process::{GiveWay, give_way};
use carnet_wire::{digest, secret::Password, source::Source};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError, mpsc},
    time::Duration,
};
use tokio::sync::oneshot;

/// KiB of memory, passes, lanes: OWASP's minimum profile.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);
/// Stored hashes that cost more than this are not computed.
const DEAREST: (u32, u32, u32) = (64 * 1024, 10, 4);
/// Jobs that may wait.
const QUEUE: usize = 64;
/// Jobs that may wait for one account.
const PER_ACCOUNT: usize = 8;
/// Jobs that may wait from one source.
const PER_SOURCE: usize = 16;
/// A thread gives its memory back after idling so long.
const IDLE: Duration = Duration::from_secs(10);

/// The queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy;

/// What checking a password told.
#[derive(Debug)]
pub struct Verdict {
    /// It is right.
    pub right: bool,
    /// A hash with today's parameters, when the stored one has older ones and the password is right.
    pub rehash: Option<String>,
}

enum Deed {
    Verify { stored: Option<String>, answer: oneshot::Sender<Verdict> },
    Hash { answer: oneshot::Sender<String> },
}

struct Job {
    password: Password,
    salt: [u8; 16],
    deed: Deed,
    place: Place,
}

#[derive(Default)]
struct Waiting {
    accounts: HashMap<[u8; 32], usize>,
    sources: HashMap<Source, usize>,
}

/// A place in the queue; given back when the work is done.
struct Place {
    waiting: Arc<Mutex<Waiting>>,
    account: [u8; 32],
    source: Source,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let less = |count: Option<&mut usize>| {
            count.is_none_or(|count| {
                *count -= 1;
                *count == 0
            })
        };
        if less(waiting.accounts.get_mut(&self.account)) {
            waiting.accounts.remove(&self.account);
        }
        if less(waiting.sources.get_mut(&self.source)) {
            waiting.sources.remove(&self.source);
        }
    }
}

/// The hash threads. They end when this is dropped.
#[derive(Clone)]
pub struct Hasher {
    queue: mpsc::SyncSender<Job>,
    waiting: Arc<Mutex<Waiting>>,
}

/// Whose password is checked, from where.
#[derive(Debug, Clone, Copy)]
pub struct Whose<'a> {
    /// The tenant and the canonical user name.
    pub account: (&'a [u8], &'a str),
    /// The peer.
    pub address: IpAddr,
}

impl Hasher {
    /// Starts so many threads.
    ///
    /// # Errors
    /// The system's, when no thread can be started.
    pub fn start(threads: usize) -> std::io::Result<Self> {
        let (queue, jobs) = mpsc::sync_channel::<Job>(QUEUE);
        let jobs = Arc::new(Mutex::new(jobs));
        for number in 0..threads.max(1) {
            let jobs = jobs.clone();
            std::thread::Builder::new().name(format!("carnet-hash-{number}")).spawn(move || work(&jobs))?;
        }
        Ok(Self { queue, waiting: Arc::default() })
    }

    /// Checks a password against a stored hash. Without one the same work is done, and the answer is no.
    ///
    /// # Errors
    /// [`Busy`]
    pub async fn verify(
        &self,
        password: &Password,
        stored: Option<String>,
        salt: [u8; 16],
        whose: Whose<'_>,
    ) -> Result<Verdict, Busy> {
        let (answer, wait) = oneshot::channel();
        self.submit(password, salt, Deed::Verify { stored, answer }, whose)?;
        wait.await.map_err(|_| Busy)
    }

    /// Hashes a new password.
    ///
    /// # Errors
    /// [`Busy`]
    pub async fn hash(&self, password: &Password, salt: [u8; 16], whose: Whose<'_>) -> Result<String, Busy> {
        let (answer, wait) = oneshot::channel();
        self.submit(password, salt, Deed::Hash { answer }, whose)?;
        wait.await.map_err(|_| Busy)
    }

    fn submit(&self, password: &Password, salt: [u8; 16], deed: Deed, whose: Whose<'_>) -> Result<(), Busy> {
        let account = digest::sha256(&[whose.account.0, whose.account.1.as_bytes()]);
        let source = Source::of(whose.address);
        let place = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let by_account = waiting.accounts.get(&account).copied().unwrap_or(0);
            let by_source = waiting.sources.get(&source).copied().unwrap_or(0);
            if by_account >= PER_ACCOUNT || by_source >= PER_SOURCE {
                return Err(Busy);
            }
            *waiting.accounts.entry(account).or_insert(0) += 1;
            *waiting.sources.entry(source).or_insert(0) += 1;
            Place { waiting: self.waiting.clone(), account, source }
        };
        let job = Job { password: password.clone(), salt, deed, place };
        self.queue.try_send(job).map_err(|_| Busy)
    }
}

fn work(jobs: &Mutex<mpsc::Receiver<Job>>) {
    // Passwords may wait; tokens may not. Where the system refuses, the threads run as they are.
    give_way(GiveWay::ToAll);
    let mut memory: Vec<Block> = Vec::new();
    loop {
        let job = {
            let queue = jobs.lock().unwrap_or_else(PoisonError::into_inner);
            match queue.recv_timeout(IDLE) {
                Ok(job) => job,
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    memory = Vec::new();
                    match queue.recv() {
                        Ok(job) => job,
                        Err(_) => return,
                    }
                }
            }
        };
        let Job { password, salt, deed, place } = job;
        // The place is free before the answer is there: whoever has it may come again at once.
        match deed {
            Deed::Hash { answer } => {
                let made = compute(&password, (COST, &salt), &mut memory).map(|hash| phc(COST, &salt, &hash));
                drop(place);
                if let Some(made) = made {
                    let _ = answer.send(made);
                }
            }
            Deed::Verify { stored, answer } => {
                let verdict = check(&password, stored.as_deref(), &salt, &mut memory);
                drop(place);
                let _ = answer.send(verdict);
            }
        }
    }
}

fn check(password: &Password, stored: Option<&str>, salt: &[u8; 16], memory: &mut Vec<Block>) -> Verdict {
    let Some((cost, old_salt, wanted)) = stored.and_then(parse) else {
        // No such user, no password, or a hash that nobody should compute: the usual work, and no.
        std::hint::black_box(compute(password, (COST, salt), memory));
        return Verdict { right: false, rehash: None };
    };
    let right = compute(password, (cost, &old_salt), memory).is_some_and(|hash| digest::same(&hash, &wanted));
    let rehash = match right && cost != COST {
        true => compute(password, (COST, salt), memory).map(|hash| phc(COST, salt, &hash)),
        false => None,
    };
    Verdict { right, rehash }
}

type Cost = (u32, u32, u32);

fn compute(password: &Password, (cost, salt): (Cost, &[u8]), memory: &mut Vec<Block>) -> Option<[u8; 32]> {
    let params = Params::new(cost.0, cost.1, cost.2, Some(32)).ok()?;
    if memory.len() < params.block_count() {
        memory.resize(params.block_count(), Block::default());
    }
    let mut out = [0; 32];
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon
        .hash_password_into_with_memory(password.expose().as_bytes(), salt, &mut out, &mut memory[..])
        .ok()?;
    Some(out)
}

fn phc(cost: Cost, salt: &[u8], hash: &[u8]) -> String {
    let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash));
    format!("$argon2id$v=19$m={},t={},p={}${salt}${hash}", cost.0, cost.1, cost.2)
}

/// Reads a stored hash; `None` for another algorithm, or one that costs more than is computed.
fn parse(text: &str) -> Option<(Cost, Vec<u8>, Vec<u8>)> {
    let mut parts = text.strip_prefix("$argon2id$v=19$")?.split('$');
    let mut numbers = parts.next()?.split(',').zip(["m=", "t=", "p="]);
    let mut number = || {
        let (text, name) = numbers.next()?;
        text.strip_prefix(name)?.parse::<u32>().ok()
    };
    let cost = (number()?, number()?, number()?);
    let salt = STANDARD_NO_PAD.decode(parts.next()?).ok()?;
    let hash = STANDARD_NO_PAD.decode(parts.next()?).ok()?;
    let affordable = cost.0 <= DEAREST.0 && cost.1 <= DEAREST.1 && cost.2 <= DEAREST.2;
    (affordable && hash.len() == 32 && salt.len() <= 64 && parts.next().is_none())
        .then_some((cost, salt, hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whose(name: &str) -> Whose<'_> {
        Whose { account: (b"t", name), address: [127, 0, 0, 1].into() }
    }

    fn password(text: &str) -> Password {
        Password::new(text.to_owned())
    }

    #[tokio::test]
    async fn a_password_verifies_against_its_own_hash_only() {
        let hasher = Hasher::start(1).unwrap();
        let stored = hasher.hash(&password("right"), [7; 16], whose("a")).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        let check = |text: &'static str, stored: Option<String>| {
            let hasher = hasher.clone();
            async move { hasher.verify(&password(text), stored, [1; 16], whose("a")).await.unwrap() }
        };
        let yes = check("right", Some(stored.clone())).await;
        assert!(yes.right && yes.rehash.is_none());
        assert!(!check("Right", Some(stored.clone())).await.right);
        assert!(!check("right", None).await.right);
    }

    #[tokio::test]
    async fn every_byte_of_a_long_password_counts_row_92() {
        let hasher = Hasher::start(1).unwrap();
        let long = "x".repeat(73);
        let stored = hasher.hash(&password(&long), [7; 16], whose("a")).await.unwrap();
        let shorter = hasher.verify(&password(&long[..72]), Some(stored), [1; 16], whose("a")).await.unwrap();
        assert!(!shorter.right);
    }

    #[tokio::test]
    async fn an_older_hash_is_made_anew_at_the_next_success() {
        let hasher = Hasher::start(1).unwrap();
        let mut memory = Vec::new();
        let cheap = (8192, 1, 1);
        let old = phc(cheap, &[3; 16], &compute(&password("right"), (cheap, &[3; 16]), &mut memory).unwrap());
        let yes = hasher.verify(&password("right"), Some(old.clone()), [1; 16], whose("a")).await.unwrap();
        assert!(yes.right && yes.rehash.is_some_and(|new| new.contains("m=19456,t=2,p=1")));
        assert!(
            hasher.verify(&password("wrong"), Some(old), [1; 16], whose("a")).await.unwrap().rehash.is_none()
        );
    }

    #[test]
    fn hostile_stored_hashes_are_not_computed_row_89() {
        for text in [
            "$argon2id$v=19$m=4294967295,t=2,p=1$AAAA$AAAA",
            "$argon2id$v=19$m=19456,t=1000000,p=1$AAAA$AAAA",
            "$2b$12$x",
            "",
            "$argon2id$v=19$m=1$$",
        ] {
            assert!(parse(text).is_none(), "{text}");
        }
    }

    #[tokio::test]
    async fn one_account_waits_in_eight_places_at_most() {
        let hasher = Hasher::start(1).unwrap();
        let guess = password("x");
        let tries = (0..20).map(|_| hasher.verify(&guess, None, [1; 16], whose("a")));
        let told = futures_util::future::join_all(tries).await;
        assert!(told.iter().filter(|it| it.is_ok()).count() >= PER_ACCOUNT);
        assert!(told.iter().any(|it| it.is_err()));
    }

    #[tokio::test]
    async fn one_network_waits_in_sixteen_places_at_most_however_many_addresses_it_has_row_156() {
        let hasher = Hasher::start(1).unwrap();
        let guess = password("x");
        let names: Vec<String> = (0..40).map(|number| format!("user {number}")).collect();
        let tries = names.iter().zip(0_u128..).map(|(name, number)| {
            let address = (0x2001_0db8_0001_0002_u128 << 64 | number).to_be_bytes();
            hasher.verify(&guess, None, [1; 16], Whose { account: (b"t", name), address: address.into() })
        });
        let neighbour = Whose { account: (b"t", "n"), address: "2001:db8:1:3::1".parse().unwrap() };
        let (told, neighbour) = tokio::join!(
            futures_util::future::join_all(tries),
            hasher.verify(&guess, None, [1; 16], neighbour)
        );
        // Some may have been done before the others came.
        let done = told.iter().filter(|it| it.is_ok()).count();
        assert!((PER_SOURCE..40).contains(&done), "{done}");
        assert!(neighbour.is_ok());
    }
}
