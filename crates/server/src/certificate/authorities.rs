//! The certificate authorities of the store: found, taken over from a data folder, or made. All nodes of a store have
//! the same ones, and `ca.pem` in the data folder is a copy of their certificates.

use super::ca::Authority;
use super::{former::Former, leaves};
use crate::{notice::Notice, start::StartError};
use carnet_http::listen::tls::TlsError;
use carnet_os::private::{self, Readers};
use carnet_store::{KeptAuthorities, KeptAuthority, Store, StoreError};
use carnet_wire::time::Timestamp;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

/// How often the list is read again when another node was faster.
const TRIES: usize = 8;
/// How many authorities a store keeps at most. Beyond it the oldest that this server does not need are forgotten: nodes
/// that still run with them have to be restarted before a client reads the new `ca.pem`.
const MOST: usize = 16;

/// The authorities of a server.
pub(super) struct Settled {
    /// Those that make leaves, oldest first.
    pub(super) authorities: Vec<Arc<Authority>>,
    /// The file with what clients have to trust, absolute.
    pub(super) file: PathBuf,
    /// The store's first authority was made just now.
    pub(super) first: bool,
    pub(super) notices: Vec<Notice>,
}

/// Settles which authorities make leaves for a server with these names.
///
/// # Errors
/// [`StartError`]
pub(super) async fn settle(
    store: &Store,
    folder: &Path,
    hosts: &[String],
    now: Timestamp,
) -> Result<Settled, StartError> {
    let former = Former::read(folder)?;
    for _ in 0..TRIES {
        let seen = store.certificate_authorities().await?;
        let plan = Plan::new(&seen, former.as_ref(), hosts, now)?;
        if plan.changes() {
            let list: Vec<KeptAuthority> = plan.list.iter().map(|it| it.kept().clone()).collect();
            match store.keep_certificate_authorities(&seen, &list).await {
                Ok(()) => {}
                Err(StoreError::Conflict | StoreError::Exists) => continue,
                Err(error) => return Err(error.into()),
            }
        }
        let file = copy(folder, &plan.list, now)?;
        let mut notices = Vec::new();
        let first = seen.list.is_empty() && !plan.adopted && plan.made.is_some();
        notices
            .extend(plan.made.filter(|_| !first).map(|names| Notice::CaAdded { names, file: file.clone() }));
        notices.extend(former.and_then(|former| retire(&former, &plan.list)));
        return Ok(Settled { authorities: lasting(&plan.list, now), file, first, notices });
    }
    Err(StoreError::Conflict.into())
}

/// What has to become of the store's list so that it permits all names of this server.
struct Plan {
    list: Vec<Arc<Authority>>,
    /// The data folder's authority was taken into the list.
    adopted: bool,
    /// A new authority permits these names.
    made: Option<Vec<String>>,
}

impl Plan {
    fn new(
        seen: &KeptAuthorities,
        former: Option<&Former>,
        hosts: &[String],
        now: Timestamp,
    ) -> Result<Self, TlsError> {
        let restored = seen.list.iter().cloned().map(|kept| Authority::restore(kept).map(Arc::new));
        let mut list: Vec<Arc<Authority>> = restored.collect::<Result<_, _>>()?;
        // Where there is a list, clients trust it, and it is the same for all nodes.
        let adopted = former.filter(|_| list.is_empty()).map(|former| former.authority.clone());
        let is_adopted = adopted.is_some();
        list.extend(adopted);
        let missing = leaves::missing(&lasting(&list, now), hosts);
        let made = (!missing.is_empty()).then_some(missing);
        if let Some(names) = &made {
            list.push(Arc::new(Authority::make(names.clone(), now)?));
            list.retain(|authority| !authority.expired(now));
            while list.len() > MOST && forget_one(&mut list, hosts, now) {}
        }
        Ok(Self { list, adopted: is_adopted, made })
    }

    const fn changes(&self) -> bool {
        self.adopted || self.made.is_some()
    }
}

/// Those that may still make leaves.
fn lasting(list: &[Arc<Authority>], now: Timestamp) -> Vec<Arc<Authority>> {
    list.iter().filter(|authority| authority.lasts(now)).cloned().collect()
}

/// Removes the oldest authority without which the others still permit all names.
fn forget_one(list: &mut Vec<Arc<Authority>>, hosts: &[String], now: Timestamp) -> bool {
    let spare = (0..list.len()).find(|at| {
        let mut others = list.clone();
        others.remove(*at);
        leaves::missing(&lasting(&others, now), hosts).is_empty()
    });
    spare.map(|at| list.remove(at)).is_some()
}

/// Writes the copy of the certificates; those in use come first, because some programs read the first one alone.
fn copy(folder: &Path, list: &[Arc<Authority>], now: Timestamp) -> Result<PathBuf, TlsError> {
    let path = folder.join("ca.pem");
    let wrong = |error: std::io::Error| TlsError(format!("{}: {error}", path.display()));
    let mut certificates: Vec<&Arc<Authority>> = list.iter().collect();
    certificates.sort_by_key(|authority| !authority.lasts(now));
    let text: String = certificates.iter().map(|authority| authority.kept().certificate.as_str()).collect();
    if fs::read_to_string(&path).ok().as_ref() != Some(&text) {
        private::replace(&path, text.as_bytes(), Readers::Everybody).map_err(wrong)?;
    }
    dunce::canonicalize(&path).map_err(wrong)
}

/// The store has the data folder's authority, so its key need not lie in a file any more. Another one than the
/// store's stays where it is, because it may be all that is left of it.
fn retire(former: &Former, list: &[Arc<Authority>]) -> Option<Notice> {
    if former.is_among(list) {
        former.remove();
        return None;
    }
    Some(Notice::CaUnused { key_file: former.key_file().to_path_buf() })
}

#[cfg(test)]
mod tests {
    use super::super::ca_fixture::{NOW, hosts};
    use super::*;
    use carnet_store::{Options, Store};
    use carnet_wire::{catalogue::Catalogue, entropy::SeededEntropy, secret::SecretBytes};

    const YEARS_FIVE: i64 = 5 * 365 * 24 * 3600;

    async fn store(folder: &Path) -> Store {
        let options = Options {
            data: folder.to_path_buf(),
            database: None,
            seal: SecretBytes::new(vec![7; 32]),
            catalogue: Arc::new(Catalogue::builtin()),
            entropy: Arc::new(SeededEntropy::new(1)),
        };
        Store::open(options).await.unwrap()
    }

    #[tokio::test]
    async fn an_authority_stays_until_a_name_or_its_time_wants_another_and_the_copy_holds_all() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path()).await;
        let settled = async |list: &[&str], now: Timestamp| {
            settle(&store, folder.path(), &hosts(list), now).await.unwrap()
        };
        let copies = || fs::read_to_string(folder.path().join("ca.pem")).unwrap();
        let made = settled(&["a.example", "localhost"], NOW).await;
        assert!(made.first && made.notices.is_empty());
        let first = copies();
        let kept = settled(&["localhost", "x.a.example"], NOW.plus_seconds(100)).await;
        assert!(!kept.first && kept.notices.is_empty() && copies() == first);
        let added = settled(&["b.example", "localhost"], NOW).await;
        let told = Notice::CaAdded { names: hosts(&["b.example"]), file: added.file.clone() };
        assert_eq!((added.first, added.notices), (false, vec![told]));
        assert!(copies().starts_with(&first) && copies().len() > first.len());
        assert_eq!(added.authorities.len(), 2);
        // A server without that name has all of them, too.
        assert!(settled(&["localhost"], NOW).await.notices.is_empty());
        let late = settled(&["localhost"], NOW.plus_seconds(YEARS_FIVE - 1000)).await;
        assert_eq!((late.authorities.len(), late.notices.len()), (1, 1));
        assert!(copies().contains(&first));
        let later = settled(&["c.example", "localhost"], NOW.plus_seconds(YEARS_FIVE)).await;
        assert_eq!((later.authorities.len(), later.notices.len()), (2, 1));
        assert!(!copies().contains(&first));
    }

    #[tokio::test]
    async fn authorities_that_no_name_needs_are_forgotten_beyond_a_number() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path()).await;
        for number in 0..MOST + 4 {
            let name = format!("host{number}.example");
            settle(&store, folder.path(), &hosts(&["localhost", &name]), NOW).await.unwrap();
        }
        let list = store.certificate_authorities().await.unwrap().list;
        assert_eq!(list.len(), MOST);
        // The first one permits `localhost`, which every start needs.
        assert_eq!(list[0].hosts, hosts(&["localhost", "host0.example"]));
        assert_eq!(list[1].hosts, hosts(&["host5.example"]));
    }
}
