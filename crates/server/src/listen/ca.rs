//! The local certificate authority: made at first start, kept in the data folder, constrained to this
//! server's names, trusted by whoever is told to. Leaves are made at every start and live 90 days.

use super::tls::TlsError;
use carnet_wire::time::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SanType,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde::{Deserialize, Serialize};
use std::{
    fs,
    io::Write,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// The CA lives so long, in seconds.
const CA_LIFE: i64 = 5 * 365 * 24 * 3600;
/// A leaf lives so long, in seconds.
pub const LEAF_LIFE: i64 = 90 * 24 * 3600;
/// A CA with less than this left is replaced, in seconds.
const CA_RENEW: i64 = 100 * 24 * 3600;

/// What a CA was made for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Facts {
    hosts: Vec<String>,
    made: Timestamp,
}

impl Facts {
    /// The CA's constraints let a leaf have this name: it is one of the CA's, or below one.
    fn permits(&self, name: &str) -> bool {
        let below = |host: &str| name.strip_suffix(host).is_some_and(|rest| rest.ends_with('.'));
        self.hosts.iter().any(|host| host == name || (host.parse::<IpAddr>().is_err() && below(host)))
    }
}

/// Names that CAs of earlier releases do not cover. Such a CA stays in use without them, because every client would
/// have to trust a new one.
const LATER_NAMES: [&str; 1] = ["sts.windows.net"];

/// A CA that can make leaves.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    facts: Facts,
    /// The names of its usual leaf.
    hosts: Vec<String>,
    /// Its certificate, in PEM.
    pub file: PathBuf,
    /// It was made just now; whoever trusted an older one has to trust this one anew.
    pub made: bool,
}

/// A leaf with its key.
pub struct Leaf {
    /// The chain: the leaf alone.
    pub chain: Vec<CertificateDer<'static>>,
    /// Its key.
    pub key: PrivateKeyDer<'static>,
}

fn wrong(error: impl ToString) -> TlsError {
    TlsError(error.to_string())
}

impl Authority {
    /// The CA of a data folder; a new one when there is none, when it does not cover `hosts`, or when it
    /// is about to end.
    ///
    /// # Errors
    /// [`TlsError`]
    pub fn of_folder(folder: &Path, hosts: &[String], now: Timestamp) -> Result<Self, TlsError> {
        let (file, key_file, facts_file) =
            (folder.join("ca.pem"), folder.join("ca-key.pem"), folder.join("ca.json"));
        let kept: Option<Facts> =
            fs::read(&facts_file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let later = |host: &String| LATER_NAMES.contains(&host.as_str());
        let covers = |facts: &Facts| hosts.iter().all(|host| later(host) || facts.hosts.contains(host));
        let lasts = |facts: &Facts| facts.made.plus_seconds(CA_LIFE - CA_RENEW) > now;
        if let Some(facts) = kept.filter(|facts| covers(facts) && lasts(facts))
            && let (Ok(key), true) = (fs::read_to_string(&key_file), file.exists())
        {
            let key = KeyPair::from_pem(&key).map_err(wrong)?;
            let issuer = Issuer::new(params(&facts)?, key);
            let hosts = hosts.iter().filter(|host| facts.permits(host)).cloned().collect();
            return Ok(Self { issuer, facts, hosts, file, made: false });
        }
        let facts = Facts { hosts: hosts.to_vec(), made: now };
        let key = KeyPair::generate().map_err(wrong)?;
        let params = params(&facts)?;
        let certificate = params.self_signed(&key).map_err(wrong)?;
        write(&key_file, key.serialize_pem().as_bytes(), 0o600).map_err(wrong)?;
        write(&file, certificate.pem().as_bytes(), 0o644).map_err(wrong)?;
        write(&facts_file, &serde_json::to_vec(&facts).map_err(wrong)?, 0o644).map_err(wrong)?;
        Ok(Self { issuer: Issuer::new(params, key), facts, hosts: hosts.to_vec(), file, made: true })
    }

    /// A leaf for all the names.
    ///
    /// # Errors
    /// [`TlsError`]
    pub fn leaf(&self, now: Timestamp) -> Result<Leaf, TlsError> {
        self.leaf_of(names(&self.hosts)?, now)
    }

    /// A leaf for one further name. `None`: the usual leaf has it, or the CA's constraints do not allow it.
    ///
    /// # Errors
    /// [`TlsError`]
    pub fn leaf_for(&self, name: &str, now: Timestamp) -> Result<Option<Leaf>, TlsError> {
        if self.hosts.iter().any(|host| host == name) || !self.facts.permits(name) {
            return Ok(None);
        }
        self.leaf_of(vec![SanType::DnsName(name.try_into().map_err(wrong)?)], now).map(Some)
    }

    fn leaf_of(&self, names: Vec<SanType>, now: Timestamp) -> Result<Leaf, TlsError> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Carnet");
        params.subject_alt_names = names;
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

fn params(facts: &Facts) -> Result<CertificateParams, TlsError> {
    let mut params = CertificateParams::default();
    // Another subject than the leaf's: OpenSSL takes a leaf with its issuer's name for self-signed.
    params.distinguished_name.push(DnType::CommonName, format!("Carnet local CA {}", facts.made.seconds()));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = facts.made.plus_seconds(-3600).date_time();
    params.not_after = facts.made.plus_seconds(CA_LIFE).date_time();
    // Without IP subtrees any address would be permitted.
    let mut permitted_subtrees = vec![
        GeneralSubtree::IpAddress(CidrSubnet::V4(Ipv4Addr::LOCALHOST.octets(), [255; 4])),
        GeneralSubtree::IpAddress(CidrSubnet::V6(Ipv6Addr::LOCALHOST.octets(), [255; 16])),
    ];
    for host in &facts.hosts {
        permitted_subtrees.push(match host.parse::<IpAddr>() {
            Ok(IpAddr::V4(ip)) => GeneralSubtree::IpAddress(CidrSubnet::V4(ip.octets(), [255; 4])),
            Ok(IpAddr::V6(ip)) => GeneralSubtree::IpAddress(CidrSubnet::V6(ip.octets(), [255; 16])),
            Err(_) => GeneralSubtree::DnsName(host.clone()),
        });
    }
    params.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees: Vec::new() });
    Ok(params)
}

fn names(hosts: &[String]) -> Result<Vec<SanType>, TlsError> {
    let mut names =
        vec![SanType::IpAddress(Ipv4Addr::LOCALHOST.into()), SanType::IpAddress(Ipv6Addr::LOCALHOST.into())];
    for host in hosts {
        names.push(match host.parse::<IpAddr>() {
            Ok(ip) => SanType::IpAddress(ip),
            Err(_) => SanType::DnsName(host.as_str().try_into().map_err(wrong)?),
        });
    }
    Ok(names)
}

/// Writes a file beside its place and moves it there, so that nobody sees half of it.
///
/// # Errors
/// The file system's.
pub fn write(path: &Path, bytes: &[u8], mode: u32) -> std::io::Result<()> {
    let beside = path.with_extension(format!("new{}", std::process::id()));
    let _ = fs::remove_file(&beside);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::{
        RootCertStore,
        client::WebPkiServerVerifier,
        client::danger::ServerCertVerifier,
        pki_types::{ServerName, UnixTime, pem::PemObject},
    };
    use std::{sync::Arc, time::Duration};

    const NOW: i64 = 1_800_000_000;

    fn hosts(list: &[&str]) -> Vec<String> {
        list.iter().map(|host| (*host).to_owned()).collect()
    }

    fn verify(folder: &Path, leaf: &Leaf, name: &str) -> bool {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(folder.join("ca.pem")).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        let time = UnixTime::since_unix_epoch(Duration::from_secs(NOW as u64));
        let name = ServerName::try_from(name.to_owned()).unwrap();
        verifier.verify_server_cert(&leaf.chain[0], &[], &name, &[], time).is_ok()
    }

    #[test]
    fn leaves_verify_for_the_servers_names_and_no_other_row_135() {
        let folder = tempfile::tempdir().unwrap();
        let now = Timestamp::from_seconds(NOW);
        let ca = Authority::of_folder(folder.path(), &hosts(&["localhost"]), now).unwrap();
        let leaf = ca.leaf(now).unwrap();
        assert!(verify(folder.path(), &leaf, "localhost") && verify(folder.path(), &leaf, "127.0.0.1"));
        assert!(!verify(folder.path(), &leaf, "evil.example"));
        let mut forged = Authority::of_folder(folder.path(), &hosts(&["localhost"]), now).unwrap();
        forged.hosts = hosts(&["evil.example", "192.0.2.1"]);
        let leaf = forged.leaf(now).unwrap();
        assert!(!verify(folder.path(), &leaf, "evil.example") && !verify(folder.path(), &leaf, "192.0.2.1"));
    }

    #[test]
    fn a_name_below_one_of_the_cas_gets_a_leaf_and_no_other_does() {
        let folder = tempfile::tempdir().unwrap();
        let now = Timestamp::from_seconds(NOW);
        let list = hosts(&["localhost", "api.bap.microsoft.com", "127.0.0.1"]);
        let ca = Authority::of_folder(folder.path(), &list, now).unwrap();
        let name = "europe.api.bap.microsoft.com";
        let leaf = ca.leaf_for(name, now).unwrap().unwrap();
        assert!(verify(folder.path(), &leaf, name));
        for other in ["api.bap.microsoft.com", "asia.api.bap.microsoft.com", "localhost"] {
            assert!(!verify(folder.path(), &leaf, other), "{other}");
        }
        for other in ["api.bap.microsoft.com", "xapi.bap.microsoft.com", "evil.example", "1.127.0.0.1"] {
            assert!(ca.leaf_for(other, now).unwrap().is_none(), "{other}");
        }
    }

    #[test]
    fn a_ca_of_an_earlier_release_stays_without_the_names_that_came_later() {
        let folder = tempfile::tempdir().unwrap();
        let now = Timestamp::from_seconds(NOW);
        assert!(Authority::of_folder(folder.path(), &hosts(&["localhost"]), now).unwrap().made);
        let more = hosts(&["localhost", "sts.windows.net"]);
        let kept = Authority::of_folder(folder.path(), &more, now).unwrap();
        let leaf = kept.leaf(now).unwrap();
        assert!(!kept.made && verify(folder.path(), &leaf, "localhost"));
        assert!(!verify(folder.path(), &leaf, "sts.windows.net"));
        let new = tempfile::tempdir().unwrap();
        let made = Authority::of_folder(new.path(), &more, now).unwrap();
        assert!(verify(new.path(), &made.leaf(now).unwrap(), "sts.windows.net"));
    }

    #[test]
    fn the_ca_stays_until_a_name_or_its_time_wants_a_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let now = Timestamp::from_seconds(NOW);
        let made = |list: &[&str], at: Timestamp| {
            Authority::of_folder(folder.path(), &hosts(list), at).unwrap().made
        };
        assert!(made(&["localhost", "a.example"], now));
        assert!(!made(&["localhost"], now.plus_seconds(100)));
        assert!(made(&["localhost", "b.example"], now));
        assert!(made(&["localhost"], now.plus_seconds(CA_LIFE - 1000)));
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(folder.path().join("ca-key.pem")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
