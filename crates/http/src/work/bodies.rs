//! One budget of memory for all request bodies that are being received. Peers decide how slowly a body arrives, so
//! without it they would decide how much memory the server holds.

use carnet_wire::source::Source;
use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

/// Bytes for all bodies together.
pub(crate) const MOST: usize = 28 * 1024 * 1024;
/// Bytes for the bodies of one source, unless it is this machine: so one host cannot use all of it up.
const PER_SOURCE: usize = MOST / 4;
/// What a request costs that waits for its body, besides the body: its task, its handler and its head, in bytes.
const WAITING: usize = 16 * 1024;
/// Counters of sources. Two sources that fall on one counter share it.
const COUNTERS: usize = 1024;

/// There is no room for another body, or for more of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

/// The budget. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub struct Bodies(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    all: AtomicUsize,
    by_source: Box<[AtomicUsize]>,
    /// Which counter is whose: nobody can choose an address that falls on somebody else's.
    keys: RandomState,
}

impl Default for Counts {
    fn default() -> Self {
        let by_source = (0..COUNTERS).map(|_| AtomicUsize::new(0)).collect();
        Self { all: AtomicUsize::new(0), by_source, keys: RandomState::new() }
    }
}

impl Bodies {
    /// The share of a body from this address; nothing is taken yet.
    #[must_use]
    pub fn share(&self, address: IpAddr) -> Share<'_> {
        Share { counts: &self.0, address, source: None, bytes: 0, waits: false }
    }

    /// Bytes that are taken.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.0.all.load(Relaxed)
    }
}

/// What one body has taken. It is given back when this is dropped, also when the peer goes away.
#[derive(Debug)]
pub struct Share<'a> {
    counts: &'a Counts,
    address: IpAddr,
    /// The counter of its source, once something was taken of it.
    source: Option<&'a AtomicUsize>,
    bytes: usize,
    waits: bool,
}

impl Share<'_> {
    /// Takes the cost of a request that has to wait for its body; once.
    ///
    /// # Errors
    /// [`Full`]
    pub fn wait(&mut self) -> Result<(), Full> {
        if !self.waits {
            self.take(WAITING)?;
            self.waits = true;
        }
        Ok(())
    }

    /// Takes so many bytes.
    ///
    /// # Errors
    /// [`Full`]
    pub fn take(&mut self, bytes: usize) -> Result<(), Full> {
        if self.source.is_none() && !self.address.to_canonical().is_loopback() {
            let key = self.counts.keys.hash_one(Source::of(self.address));
            self.source = self.counts.by_source.get(usize::try_from(key).unwrap_or(0) % COUNTERS);
        }
        // Taken first and given back on a refusal, so that nobody passes between a look and the taking.
        self.bytes += bytes;
        let source = self.source.map_or(0, |source| source.fetch_add(bytes, Relaxed) + bytes);
        let all = self.counts.all.fetch_add(bytes, Relaxed) + bytes;
        if all <= MOST && source <= PER_SOURCE {
            return Ok(());
        }
        self.give_back(bytes);
        Err(Full)
    }

    fn give_back(&mut self, bytes: usize) {
        self.bytes -= bytes;
        self.counts.all.fetch_sub(bytes, Relaxed);
        if let Some(source) = self.source {
            source.fetch_sub(bytes, Relaxed);
        }
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.give_back(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here() -> IpAddr {
        [127, 0, 0, 1].into()
    }

    #[test]
    fn what_is_taken_is_bounded_and_given_back_row_144() {
        let bodies = Bodies::default();
        let mut one = bodies.share(here());
        assert_eq!(one.take(MOST), Ok(()));
        let mut other = bodies.share(here());
        assert_eq!((other.wait(), other.take(1)), (Err(Full), Err(Full)));
        assert_eq!(bodies.taken(), MOST);
        drop(one);
        assert_eq!((bodies.taken(), other.wait(), other.wait()), (0, Ok(()), Ok(())));
        assert_eq!(bodies.taken(), WAITING);
        drop(other);
        assert_eq!(bodies.taken(), 0);
    }

    #[test]
    fn one_network_has_a_quarter_of_it_rows_144_and_156() {
        let bodies = Bodies::default();
        let of = |text: &str| bodies.share(text.parse().unwrap());
        let mut one = of("2001:db8:1:2::1");
        assert_eq!(one.take(PER_SOURCE - 1), Ok(()));
        let mut neighbour = of("2001:db8:1:2:ffff::2");
        assert_eq!((neighbour.take(2), neighbour.take(1)), (Err(Full), Ok(())));
        assert_eq!(of("127.0.0.1").wait(), Ok(()));
        // Two of many networks may fall on one counter.
        let others = (0..16).filter(|number| of(&format!("192.0.2.{number}")).wait().is_ok()).count();
        assert!(others >= 14, "{others}");
        drop((one, neighbour));
        assert_eq!(of("2001:db8:1:2::3").wait(), Ok(()));
        assert_eq!(bodies.taken(), 0);
    }
}
