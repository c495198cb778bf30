//! The certificates that the server shows: the operator's own, or leaves of the store's certificate authorities.

mod authorities;
pub mod ca;
#[cfg(test)]
mod ca_fixture;
mod former;
mod leaves;

use crate::{
    notice::Notice,
    start::{Config, StartError},
};
use carnet_http::{
    clock::Clock,
    context::MICROSOFT_HOSTS,
    listen::tls::{Tls, TlsError},
};
use carnet_store::Store;
use carnet_wire::time::Timestamp;
use leaves::{LOOPBACK, Leaves};
use std::{path::PathBuf, sync::Arc};

/// The TLS side of the listener, and what clients have to trust.
pub(crate) struct Certificate {
    pub(crate) tls: Tls,
    /// What clients have to trust, absolute.
    pub(crate) ca_file: PathBuf,
    /// The store's first CA was made just now.
    pub(crate) new_ca: bool,
    pub(crate) notices: Vec<Notice>,
    /// `None`: the operator's own certificate is shown.
    leaves: Option<Arc<Leaves>>,
}

impl Certificate {
    /// Reads the operator's certificate, or makes leaves for a server with these names.
    ///
    /// # Errors
    /// [`StartError`]
    pub(crate) async fn of(
        config: &Config,
        store: &Store,
        names: &[String],
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, StartError> {
        if let Some((certificate, key)) = &config.tls {
            let ca_file = dunce::canonicalize(certificate)
                .map_err(|error| TlsError(format!("{}: {error}", certificate.display())))?;
            let tls = Tls::from_files(certificate, key)?;
            return Ok(Self { tls, ca_file, new_ca: false, notices: Vec::new(), leaves: None });
        }
        let (hosts, now) = (hosts(names), clock.now());
        let settled = authorities::settle(store, &config.data, &hosts, now).await?;
        let leaves = Leaves::new(settled.authorities, hosts)
            .ok_or_else(|| TlsError("the CAs do not permit the server's names".into()))?;
        let leaves = Arc::new(leaves);
        let (of_names, clock) = (leaves.clone(), clock.clone());
        let tls =
            Tls::by_name(leaves.usual(now)?, Box::new(move |name| of_names.of_name(name, clock.now())))?;
        let (ca_file, new_ca, notices) = (settled.file, settled.first, settled.notices);
        Ok(Self { tls, ca_file, new_ca, notices, leaves: Some(leaves) })
    }

    /// SHA-256 fingerprints of the server's own authorities, oldest first; empty where the operator brought the certificate.
    pub(crate) fn fingerprints(&self) -> Vec<String> {
        self.leaves.iter().flat_map(|leaves| leaves.authorities()).filter_map(|it| it.fingerprint()).collect()
    }

    /// What makes new leaves before these expire.
    pub(crate) fn renewal(&self) -> Option<Renewal> {
        self.leaves.clone().map(|leaves| Renewal { leaves, tls: self.tls.clone() })
    }
}

/// Makes new leaves while the server runs.
pub(crate) struct Renewal {
    leaves: Arc<Leaves>,
    tls: Tls,
}

impl Renewal {
    /// New connections get new leaves from now on.
    ///
    /// # Errors
    /// [`TlsError`]
    pub(crate) fn renew(&self, now: Timestamp) -> Result<(), TlsError> {
        let leaf = self.leaves.usual(now)?;
        self.tls.renew(leaf.chain, leaf.key)
    }
}

/// The names that certificates have to cover, of a server with these names: Microsoft's are among them, as long as
/// `carnet run` has no CA of its own. Loopback addresses are in every certificate.
fn hosts(names: &[String]) -> Vec<String> {
    let bare = |name: &String| match name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.to_owned(),
        None => name.clone(),
    };
    let mut hosts: Vec<String> = names.iter().map(bare).chain(MICROSOFT_HOSTS.map(str::to_owned)).collect();
    hosts.retain(|host| !host.is_empty() && !LOOPBACK.contains(&host.as_str()));
    hosts.sort();
    hosts.dedup();
    hosts
}
