//! Which certificate authority makes the certificate of a name.

use super::ca::Authority;
use carnet_http::{
    context::microsoft_surface,
    listen::tls::{Leaf, TlsError},
};
use carnet_wire::time::Timestamp;
use std::{net::IpAddr, sync::Arc};

/// The addresses that every certificate for addresses holds.
pub(super) const LOOPBACK: [&str; 2] = ["127.0.0.1", "::1"];

/// The authorities of a server and the names that it answers to.
pub(crate) struct Leaves {
    /// Oldest first; each of the names is permitted by at least one.
    authorities: Vec<Arc<Authority>>,
    hosts: Vec<String>,
}

impl Leaves {
    /// The authorities that may make leaves now, for a server with these names. `None`: a name is permitted by none
    /// of them; [`missing`] says which.
    pub(crate) fn new(authorities: Vec<Arc<Authority>>, hosts: Vec<String>) -> Option<Self> {
        missing(&authorities, &hosts).is_empty().then_some(Self { authorities, hosts })
    }

    /// The authorities that may make leaves, oldest first.
    pub(crate) fn authorities(&self) -> &[Arc<Authority>] {
        &self.authorities
    }

    /// The authority of the usual leaf: clients that connect to an address name no host, so it permits all addresses.
    fn usual_authority(&self) -> Option<&Arc<Authority>> {
        of_addresses(&self.authorities, &self.hosts)
    }

    /// The authority for a name: the usual one if it can, else the oldest that can.
    fn authority(&self, name: &str) -> Option<&Arc<Authority>> {
        let usual = self.usual_authority().into_iter();
        usual.chain(&self.authorities).find(|authority| authority.permits(name))
    }

    /// The leaf for all clients that ask for no name with a leaf of its own.
    ///
    /// # Errors
    /// [`TlsError`]
    pub(crate) fn usual(&self, now: Timestamp) -> Result<Leaf, TlsError> {
        let authority =
            self.usual_authority().ok_or_else(|| TlsError("no CA permits the server's addresses".into()))?;
        let hosts = self.hosts.iter().map(String::as_str).filter(|host| authority.permits(host));
        let names: Vec<&str> = LOOPBACK.into_iter().chain(hosts).collect();
        authority.leaf(&names, now)
    }

    /// A leaf for a name of the server's that the usual leaf does not hold: a regional name of Microsoft's, or one
    /// that another authority permits. `None`: the usual leaf holds it, or the server does not answer to it.
    pub(crate) fn of_name(&self, name: &str, now: Timestamp) -> Option<Leaf> {
        let own = self.hosts.iter().any(|host| host == name);
        let usual = self.usual_authority();
        if (!own && microsoft_surface(name).is_none()) || (own && usual.is_some_and(|it| it.permits(name))) {
            return None;
        }
        let leaf = self.authority(name)?.leaf(&[name], now);
        leaf.inspect_err(|error| tracing::warn!(cause = %error, "a certificate for a name was not made")).ok()
    }
}

/// The oldest authority that permits all addresses among the names.
fn of_addresses<'a>(authorities: &'a [Arc<Authority>], hosts: &[String]) -> Option<&'a Arc<Authority>> {
    let addresses = hosts.iter().filter(|host| host.parse::<IpAddr>().is_ok());
    authorities.iter().find(|authority| addresses.clone().all(|address| authority.permits(address)))
}

/// The names that a further authority has to permit, because those that there are do not.
pub(crate) fn missing(authorities: &[Arc<Authority>], hosts: &[String]) -> Vec<String> {
    let together = of_addresses(authorities, hosts).is_some();
    let permitted = |host: &String| match host.parse::<IpAddr>() {
        Ok(_) => together,
        Err(_) => authorities.iter().any(|authority| authority.permits(host)),
    };
    hosts.iter().filter(|host| !permitted(host)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::super::ca_fixture::{NOW, hosts, verify};
    use super::*;

    fn authority(list: &[&str]) -> Arc<Authority> {
        Arc::new(Authority::make(hosts(list), NOW).unwrap())
    }

    fn certificates(list: &[&Arc<Authority>]) -> String {
        list.iter().map(|it| it.kept().certificate.as_str()).collect()
    }

    #[test]
    fn a_regional_name_of_microsofts_gets_a_leaf_of_its_own_and_unanswered_names_none() {
        let list = ["localhost", "api.bap.microsoft.com", "api.powerplatform.com"];
        let ca = authority(&list);
        let trusted = certificates(&[&ca]);
        let leaves = Leaves::new(vec![ca], hosts(&list)).unwrap();
        let name = "europe.api.bap.microsoft.com";
        let leaf = leaves.of_name(name, NOW).unwrap();
        assert!(verify(&trusted, &leaf, name));
        for other in ["api.bap.microsoft.com", "asia.api.bap.microsoft.com", "localhost"] {
            assert!(!verify(&trusted, &leaf, other), "{other}");
        }
        for other in [
            "localhost",
            "api.bap.microsoft.com",
            "a.b.api.bap.microsoft.com",
            "xapi.bap.microsoft.com",
            // The CA permits it; the server does not answer to it.
            "a0.00.environment.api.powerplatform.com",
            "a0.00.tenant.api.powerplatform.com",
            // The server answers to it; the CA does not permit it.
            "westus2.login.microsoft.com",
            "evil.example",
        ] {
            assert!(leaves.of_name(other, NOW).is_none(), "{other}");
        }
    }

    #[test]
    fn a_name_is_served_by_the_oldest_authority_that_permits_it() {
        let (old, new) = (authority(&["localhost"]), authority(&["b.example"]));
        let (by_old, by_new) = (certificates(&[&old]), certificates(&[&new]));
        let leaves = Leaves::new(vec![old, new], hosts(&["b.example", "localhost"])).unwrap();
        let usual = leaves.usual(NOW).unwrap();
        for name in ["localhost", "127.0.0.1", "::1"] {
            assert!(verify(&by_old, &usual, name), "{name}");
        }
        assert!(!verify(&by_old, &usual, "b.example"));
        assert!(verify(&by_new, &leaves.of_name("b.example", NOW).unwrap(), "b.example"));
        assert!(leaves.of_name("localhost", NOW).is_none());
    }

    #[test]
    fn clients_that_name_no_host_get_all_addresses() {
        let list = ["192.0.2.1", "2001:db8::1", "localhost"];
        let old = authority(&["localhost", "192.0.2.1"]);
        assert_eq!(missing(&[], &hosts(&list)), hosts(&list));
        // One leaf has them all, so one authority has to permit them all.
        let wanted = missing(std::slice::from_ref(&old), &hosts(&list));
        assert_eq!(wanted, hosts(&["192.0.2.1", "2001:db8::1"]));
        let new = Arc::new(Authority::make(wanted, NOW).unwrap());
        let (by_old, all) = (certificates(&[&old]), certificates(&[&old, &new]));
        let leaves = Leaves::new(vec![old, new], hosts(&list)).unwrap();
        let usual = leaves.usual(NOW).unwrap();
        for name in ["192.0.2.1", "2001:db8::1", "127.0.0.1"] {
            assert!(verify(&all, &usual, name), "{name}");
        }
        assert!(verify(&by_old, &leaves.of_name("localhost", NOW).unwrap(), "localhost"));
        assert!(Leaves::new(vec![authority(&["localhost"])], hosts(&list)).is_none());
    }
}
