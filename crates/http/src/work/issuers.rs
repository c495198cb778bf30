//! Keys of outside issuers, for federated credentials: the only requests that this server ever makes, and only
//! to issuers that an administrator configured (`security.md`, S40). No redirects, no address of this machine
//! or its network, one flight for each issuer, at most one fetch a minute.

use carnet_wire::jose::{PublicKey, decode_base64url};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use serde_json::Value;
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::net::TcpStream;

/// Keys are good for so long after they were fetched.
const FRESH: Duration = Duration::from_secs(3600);
/// While an issuer cannot be reached its keys go on, but no longer than so long after they were fetched: an issuer
/// that took a key back is not outlived by it for longer.
const LONGEST: Duration = Duration::from_secs(2 * 3600);
/// An issuer is asked again after so long at the earliest, whether it answered or not.
const AGAIN: Duration = Duration::from_secs(60);
/// A fetch takes so long at most, all in all.
const PATIENCE: Duration = Duration::from_secs(5);
/// The largest document.
const LARGEST: usize = 256 * 1024;
/// Keys that are kept of one issuer.
const KEYS: usize = 100;
/// Issuers whose keys are kept.
const ISSUERS: usize = 1024;

/// Why an issuer's keys are not there.
#[derive(Debug, thiserror::Error)]
pub enum Away {
    /// The address is not one that may be asked.
    #[error("the issuer's address is not https, or is this machine's or its network's")]
    Forbidden,
    /// The document says something else.
    #[error("the issuer's metadata is not its own or has no keys")]
    Document,
    /// It cannot be reached, or not in time.
    #[error("the issuer cannot be asked: {0}")]
    Unreachable(String),
}

#[derive(Default)]
struct Held {
    keys: HashMap<String, Arc<PublicKey>>,
    /// When it was asked last.
    tried: Option<Instant>,
    /// When it answered last.
    fetched: Option<Instant>,
}

impl Held {
    /// What is known of a key without asking; `None`: the issuer is to be asked.
    fn known(&mut self, kid: &str, now: Instant) -> Option<Option<Arc<PublicKey>>> {
        let since = |at: Option<Instant>| at.map(|at| now.saturating_duration_since(at));
        if since(self.fetched).is_none_or(|age| age >= LONGEST) {
            self.keys.clear();
        }
        let key = self.keys.get(kid).cloned();
        let fresh = key.is_some() && since(self.fetched).is_some_and(|age| age < FRESH);
        let just_asked = since(self.tried).is_some_and(|age| age < AGAIN);
        (fresh || just_asked).then_some(key)
    }

    /// Takes in what the issuer answered when it was asked at `now`.
    fn take(
        &mut self,
        answer: Result<HashMap<String, Arc<PublicKey>>, Away>,
        now: Instant,
    ) -> Result<(), Away> {
        self.tried = Some(now);
        self.keys = answer?;
        self.fetched = Some(now);
        Ok(())
    }
}

/// The keys of the issuers that were asked.
#[derive(Default)]
pub struct Issuers {
    held: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Held>>>>,
    tls: tokio::sync::OnceCell<Arc<ClientConfig>>,
}

impl std::fmt::Debug for Issuers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Issuers")
    }
}

impl Issuers {
    /// The key with this id of an issuer; `trusted`: the operator lets it be http or on this machine.
    ///
    /// # Errors
    /// [`Away`], which is logged and not shown.
    pub async fn key(&self, issuer: &str, kid: &str, trusted: bool) -> Result<Option<Arc<PublicKey>>, Away> {
        let slot = {
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            if held.len() >= ISSUERS && !held.contains_key(issuer) {
                held.clear();
            }
            held.entry(issuer.to_owned()).or_default().clone()
        };
        let mut held = slot.lock().await;
        let now = Instant::now();
        if let Some(known) = held.known(kid, now) {
            return Ok(known);
        }
        // Whoever leaves half-way has asked too.
        held.tried = Some(now);
        let answer = tokio::time::timeout(PATIENCE, self.fetch(issuer, trusted)).await;
        let answer = answer.unwrap_or_else(|_| Err(Away::Unreachable("it took too long".into())));
        held.take(answer, now)?;
        Ok(held.keys.get(kid).cloned())
    }

    async fn fetch(&self, issuer: &str, trusted: bool) -> Result<HashMap<String, Arc<PublicKey>>, Away> {
        let at = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let document = self.get(&at, trusted).await?;
        if document["issuer"].as_str() != Some(issuer) {
            return Err(Away::Document);
        }
        let keys = document["jwks_uri"].as_str().ok_or(Away::Document)?;
        // What the operator trusts is the issuer's own origin, not wherever it points.
        let trusted = trusted && origin(keys).is_some() && origin(keys) == origin(issuer);
        let keys = self.get(keys, trusted).await?;
        let all = keys["keys"].as_array().ok_or(Away::Document)?;
        Ok(all.iter().take(KEYS).filter_map(read).collect())
    }

    async fn get(&self, url: &str, trusted: bool) -> Result<Value, Away> {
        let wrong = |error: &dyn std::fmt::Display| Away::Unreachable(error.to_string());
        let uri: http::Uri = url.parse().map_err(|_| Away::Forbidden)?;
        let secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") if trusted => false,
            _ => return Err(Away::Forbidden),
        };
        let host = uri.host().ok_or(Away::Forbidden)?.to_owned();
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let address = resolve(&host, port, trusted).await?;
        let stream = TcpStream::connect(address).await.map_err(|error| wrong(&error))?;
        let request = http::Request::get(uri.path_and_query().map_or("/", |it| it.as_str()))
            .header(http::header::HOST, uri.authority().map_or("", |it| it.as_str()))
            .header(http::header::ACCEPT, "application/json")
            .body(Empty::<bytes::Bytes>::new())
            .map_err(|error| wrong(&error))?;
        let body = if secure {
            let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())
                .map_err(|error| wrong(&error))?;
            let connector = tokio_rustls::TlsConnector::from(self.tls().await?);
            let stream = connector.connect(name, stream).await.map_err(|error| wrong(&error))?;
            ask(stream, request).await?
        } else {
            ask(stream, request).await?
        };
        serde_json::from_slice(&body).map_err(|_| Away::Document)
    }

    /// The roots of this machine, read when an issuer is asked for the first time.
    async fn tls(&self) -> Result<Arc<ClientConfig>, Away> {
        let make = || async {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
            let builder = builder.map_err(|error| Away::Unreachable(error.to_string()))?;
            Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
        };
        self.tls.get_or_try_init(make).await.cloned()
    }
}

/// One request on a fresh connection; anything but 200 is no answer, a redirect least of all.
async fn ask<S>(stream: S, request: http::Request<Empty<bytes::Bytes>>) -> Result<bytes::Bytes, Away>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let wrong = |error: &dyn std::fmt::Display| Away::Unreachable(error.to_string());
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| wrong(&error))?;
    let driver = tokio::spawn(connection);
    let response = sender.send_request(request).await.map_err(|error| wrong(&error))?;
    if response.status() != http::StatusCode::OK {
        return Err(Away::Unreachable(format!("it answered {}", response.status())));
    }
    let body = Limited::new(response.into_body(), LARGEST).collect().await;
    driver.abort();
    Ok(body.map_err(|error| Away::Unreachable(error.to_string()))?.to_bytes())
}

/// The address to connect to: the very one that was judged.
async fn resolve(host: &str, port: u16, trusted: bool) -> Result<SocketAddr, Away> {
    let host = host.trim_matches(['[', ']']);
    let found = tokio::net::lookup_host((host, port)).await;
    let mut found = found.map_err(|error| Away::Unreachable(error.to_string()))?;
    found.find(|address| trusted || public(address.ip())).ok_or(Away::Forbidden)
}

fn read(key: &Value) -> Option<(String, Arc<PublicKey>)> {
    let usable = key["kty"] == "RSA" && key.get("use").is_none_or(|it| it == "sig");
    let number = |name: &str| decode_base64url(key[name].as_str()?).ok();
    let public = PublicKey::from_parts(&number("n")?, &number("e")?).ok()?;
    usable.then(|| Some((key["kid"].as_str()?.to_owned(), Arc::new(public))))?
}

fn origin(url: &str) -> Option<(String, String)> {
    let uri: http::Uri = url.parse().ok()?;
    Some((uri.scheme_str()?.to_owned(), uri.authority()?.as_str().to_ascii_lowercase()))
}

/// The address is on the internet, and no detour to somewhere else.
fn public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(it) => public_v4(it),
        IpAddr::V6(it) => public_v6(it),
    }
}

fn public_v4(it: Ipv4Addr) -> bool {
    let [a, b, c, _] = it.octets();
    let special = it.is_unspecified()
        || it.is_loopback()
        || it.is_private()
        || it.is_link_local()
        || it.is_broadcast()
        || it.is_documentation()
        || it.is_multicast();
    !(special
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (b == 18 || b == 19)))
}

fn public_v6(it: Ipv6Addr) -> bool {
    // 2000::/3 is what is given out; Teredo, documentation and 6to4 within it lead elsewhere.
    let [a, b, ..] = it.segments();
    a & 0xe000 == 0x2000 && !(a == 0x2001 && (b == 0 || b == 0xdb8)) && a != 0x2002
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_this_machine_and_its_network_are_not_asked_row_118() {
        for text in [
            "127.0.0.1",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "ff02::1",
        ] {
            assert!(!public(text.parse().unwrap()), "{text}");
        }
        for text in ["20.190.128.1", "2603:1006:2000::1"] {
            assert!(public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn keys_of_an_issuer_that_is_away_end_and_it_is_asked_at_most_once_a_minute() {
        let (mut held, start) = (Held::default(), Instant::now());
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
        let made = rcgen::CertificateParams::default().self_signed(&pair).unwrap();
        let key = Arc::new(carnet_wire::jose::Certificate::from_der(made.der()).unwrap().key);
        let keys = || HashMap::from([("k".to_owned(), key.clone())]);
        let away = || Err(Away::Unreachable("away".into()));
        // Whether the key is there, without asking; `None`: the issuer is asked.
        let told = |held: &mut Held, kid, at| held.known(kid, at).map(|key| key.is_some());

        assert_eq!(told(&mut held, "k", at(0)), None);
        held.take(Ok(keys()), at(0)).unwrap();
        assert_eq!(told(&mut held, "k", at(3599)), Some(true));
        assert_eq!((told(&mut held, "x", at(59)), told(&mut held, "x", at(60))), (Some(false), None));
        // It is away: asked every minute, and in between what is held counts, but its time does not go on.
        assert_eq!(told(&mut held, "k", at(3600)), None);
        assert!(held.take(away(), at(3600)).is_err());
        assert_eq!((told(&mut held, "k", at(3659)), told(&mut held, "k", at(3660))), (Some(true), None));
        assert!(held.take(away(), at(7190)).is_err());
        assert_eq!(
            (told(&mut held, "k", at(7199)), told(&mut held, "k", at(7200))),
            (Some(true), Some(false))
        );
        assert!(held.take(away(), at(7300)).is_err());
        assert_eq!(told(&mut held, "k", at(7301)), Some(false));
        // It is back without the key.
        held.take(Ok(HashMap::new()), at(7400)).unwrap();
        assert_eq!(told(&mut held, "k", at(7401)), Some(false));
    }

    #[tokio::test]
    async fn what_is_not_https_or_not_public_is_not_even_asked() {
        let issuers = Issuers::default();
        for issuer in [
            "http://issuer.example",
            "https://127.0.0.1:1",
            "https://localhost",
            "file:///etc/passwd",
            "nonsense",
        ] {
            let told = issuers.key(issuer, "k", false).await;
            assert!(matches!(told, Err(Away::Forbidden)), "{issuer}: {told:?}");
        }
    }
}
