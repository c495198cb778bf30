//! A certificate authority of the server: constrained to names of this server, trusted by whoever is told to. Its
//! leaves are made at every start and live 90 days.

use carnet_http::listen::tls::{Leaf, TlsError};
use carnet_store::KeptAuthority;
use carnet_wire::{digest::sha256, secret::SecretBytes, time::Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SanType,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How long a CA is valid, in seconds.
const CA_LIFE: i64 = 5 * 365 * 24 * 3600;
/// How long a leaf is valid, in seconds.
pub const LEAF_LIFE: i64 = 90 * 24 * 3600;
/// A CA with less than this left makes no leaves any more, in seconds.
const CA_RENEW: i64 = 100 * 24 * 3600;

/// A CA that can make leaves.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    kept: KeptAuthority,
}

fn wrong(error: impl ToString) -> TlsError {
    TlsError(error.to_string())
}

impl Authority {
    /// A new CA for these host names and addresses, and for loopback addresses.
    ///
    /// # Errors
    /// [`TlsError`]
    pub fn make(hosts: Vec<String>, now: Timestamp) -> Result<Self, TlsError> {
        let key = KeyPair::generate().map_err(wrong)?;
        let params = params(&hosts, now)?;
        let certificate = params.self_signed(&key).map_err(wrong)?.pem();
        let pkcs8 = SecretBytes::new(key.serialize_der());
        let kept = KeptAuthority { hosts, made: now, certificate, key: pkcs8 };
        Ok(Self { issuer: Issuer::new(params, key), kept })
    }

    /// A CA that was kept.
    ///
    /// # Errors
    /// [`TlsError`]
    pub fn restore(kept: KeptAuthority) -> Result<Self, TlsError> {
        let key = KeyPair::try_from(kept.key.expose()).map_err(wrong)?;
        Ok(Self { issuer: Issuer::new(params(&kept.hosts, kept.made)?, key), kept })
    }

    /// SHA-256 of its certificate, as OpenSSL and browsers show it: `3F:0A:…`.
    #[must_use]
    pub fn fingerprint(&self) -> Option<String> {
        let certificate = CertificateDer::from_pem_slice(self.kept.certificate.as_bytes()).ok()?;
        Some(sha256(&[&certificate]).map(|byte| format!("{byte:02X}")).join(":"))
    }

    /// What is kept of it.
    #[must_use]
    pub const fn kept(&self) -> &KeptAuthority {
        &self.kept
    }

    /// Whether its constraints permit this name or address: one of its own, one below such a name, or loopback.
    #[must_use]
    pub fn permits(&self, name: &str) -> bool {
        let hosts = &self.kept.hosts;
        if let Ok(address) = name.parse::<IpAddr>() {
            let own = |host: &String| host.parse::<IpAddr>().is_ok_and(|own| own == address);
            return LOOPBACK.contains(&address) || hosts.iter().any(own);
        }
        let below = |host: &str| name.strip_suffix(host).is_some_and(|rest| rest.ends_with('.'));
        hosts.iter().any(|host| host == name || (host.parse::<IpAddr>().is_err() && below(host)))
    }

    /// Whether it is valid longer than the leaves that it makes now.
    #[must_use]
    pub fn lasts(&self, now: Timestamp) -> bool {
        self.kept.made.plus_seconds(CA_LIFE - CA_RENEW) > now
    }

    /// Whether it is not valid any more.
    #[must_use]
    pub fn expired(&self, now: Timestamp) -> bool {
        self.kept.made.plus_seconds(CA_LIFE) <= now
    }

    /// A leaf for these names and addresses.
    ///
    /// # Errors
    /// [`TlsError`]
    pub fn leaf(&self, names: &[&str], now: Timestamp) -> Result<Leaf, TlsError> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Carnet");
        params.subject_alt_names = names.iter().map(|name| san(name)).collect::<Result<_, _>>()?;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.not_before = now.plus_seconds(-3600).date_time();
        params.not_after = now.plus_seconds(LEAF_LIFE).date_time();
        let key = KeyPair::generate().map_err(wrong)?;
        let leaf = params.signed_by(&key, &self.issuer).map_err(wrong)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Ok(Leaf { chain: vec![leaf.der().clone()], key })
    }
}

/// The addresses that every CA permits.
const LOOPBACK: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

fn san(name: &str) -> Result<SanType, TlsError> {
    match name.parse::<IpAddr>() {
        Ok(address) => Ok(SanType::IpAddress(address)),
        Err(_) => Ok(SanType::DnsName(name.try_into().map_err(wrong)?)),
    }
}

fn params(hosts: &[String], made: Timestamp) -> Result<CertificateParams, TlsError> {
    let mut params = CertificateParams::default();
    // Another subject than the leaf's: OpenSSL takes a leaf with its issuer's name for self-signed.
    params.distinguished_name.push(DnType::CommonName, format!("Carnet local CA {}", made.seconds()));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = made.plus_seconds(-3600).date_time();
    params.not_after = made.plus_seconds(CA_LIFE).date_time();
    // Without IP subtrees any address would be permitted.
    let mut permitted_subtrees = LOOPBACK.map(subtree).to_vec();
    for host in hosts {
        permitted_subtrees.push(match host.parse::<IpAddr>() {
            Ok(address) => subtree(address),
            Err(_) => GeneralSubtree::DnsName(host.clone()),
        });
    }
    params.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees: Vec::new() });
    Ok(params)
}

/// One address alone.
fn subtree(address: IpAddr) -> GeneralSubtree {
    GeneralSubtree::IpAddress(match address {
        IpAddr::V4(ip) => CidrSubnet::V4(ip.octets(), [255; 4]),
        IpAddr::V6(ip) => CidrSubnet::V6(ip.octets(), [255; 16]),
    })
}

#[cfg(test)]
mod tests {
    use super::{
        super::ca_fixture::{NOW, hosts, verify},
        *,
    };

    #[test]
    fn leaves_verify_for_the_servers_names_and_no_other_row_135() {
        let ca = Authority::make(hosts(&["localhost", "192.0.2.1"]), NOW).unwrap();
        let trusted = &ca.kept().certificate;
        let names = ["localhost", "a.localhost", "127.0.0.1", "::1", "192.0.2.1"];
        let leaf = ca.leaf(&names, NOW).unwrap();
        for name in names {
            assert!(ca.permits(name) && verify(trusted, &leaf, name), "{name}");
        }
        assert!(!verify(trusted, &leaf, "evil.example"));
        for name in ["evil.example", "xlocalhost", "192.0.2.2", "2001:db8::1"] {
            let forged = ca.leaf(&[name], NOW).unwrap();
            assert!(!ca.permits(name), "{name}");
            assert!(!verify(trusted, &forged, name), "{name}");
        }
    }

    #[test]
    fn a_ca_that_was_kept_makes_leaves_that_its_certificate_verifies() {
        let made = Authority::make(hosts(&["localhost"]), NOW).unwrap();
        let other = Authority::make(hosts(&["localhost"]), NOW).unwrap();
        let kept = Authority::restore(made.kept().clone()).unwrap();
        let leaf = kept.leaf(&["localhost"], NOW).unwrap();
        assert!(verify(&made.kept().certificate, &leaf, "localhost"));
        assert!(!verify(&other.kept().certificate, &leaf, "localhost"));
    }

    #[test]
    fn a_ca_makes_leaves_until_its_last_hundred_days() {
        let ca = Authority::make(hosts(&["localhost"]), NOW).unwrap();
        let at = |left: i64| NOW.plus_seconds(CA_LIFE - left);
        assert!(ca.lasts(NOW) && ca.lasts(at(CA_RENEW + 1)) && !ca.lasts(at(CA_RENEW)));
        assert!(!ca.expired(at(1)) && ca.expired(at(0)));
    }
}
