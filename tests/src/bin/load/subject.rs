//! What is measured: the ceiling, and `carnet up` over a store of its own.

use super::client::{Feed, Job, Transport, connect, exchange};
use carnet_client::clock;
use carnet_http::work::hash::{Hasher, Whose};
use carnet_tests::process::{Ports, Process};
use carnet_wire::{
    jose::ClientKey,
    secret::{Password, SecretBytes},
};
use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// The tenant.
pub const TENANT: &str = "b7a1c0de-0000-4000-8000-000000000001";
/// Everybody's.
pub const PASSWORD: &str = "Correct-horse-7";
const BY_SECRET: &str = "a0000000-0000-4000-8000-000000000001";
const BY_CERTIFICATE: &str = "a0000000-0000-4000-8000-000000000002";
/// The application that people use.
pub const PUBLIC: &str = "a0000000-0000-4000-8000-000000000003";
/// Users, so that no account's queue is the limit.
pub const USERS: usize = 16;

/// The ceiling, running.
pub struct Ceiling {
    child: Child,
    plain: SocketAddr,
    tls: SocketAddr,
}

impl Ceiling {
    /// Starts it.
    pub fn start(program: &Path) -> Self {
        let mut child = Command::new(program).stdout(Stdio::piped()).spawn().expect("the ceiling starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("it is piped"))
            .read_line(&mut line)
            .expect("it says its ports");
        let ports: Vec<SocketAddr> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        Self { child, plain: ports[0], tls: ports[1] }
    }

    /// Its one request.
    pub fn job(&self, transport: Transport) -> Job {
        let address = if transport == Transport::Plain { self.plain } else { self.tls };
        same(address, transport, vec![form("", "grant_type=client_credentials")])
    }
}

impl Drop for Ceiling {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One measurement.
pub struct Case {
    /// Its name in the table.
    pub what: &'static str,
    /// How its requests travel.
    pub transport: Transport,
    /// What is sent.
    pub source: Source,
    /// The ratio it has to reach; none: it is only told.
    pub target: Option<f64>,
}

/// Where a measurement's requests come from.
pub enum Source {
    /// They are always the same.
    Job(Job),
    /// Assertions that are signed before each round.
    Assertions,
    /// Refresh tokens, each redeemed once.
    Refresh,
    /// Codes that are written before each round.
    Codes,
    /// Device codes that are approved before each round.
    Devices,
}

/// `carnet up`, running.
pub struct Carnet {
    process: Process,
    _folder: TempDir,
    key: ClientKey,
    at_start: f64,
}

impl Carnet {
    /// Makes a tenant, starts once to seed it, and once more for the measurements.
    pub fn start(program: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).expect("a key");
        let certificate = rcgen::CertificateParams::new(vec!["bench".into()])
            .expect("a name")
            .self_signed(&pair)
            .expect("a certificate");
        fs::write(folder.path().join("cert.pem"), certificate.pem()).expect("a file");
        fs::write(folder.path().join("tenant.toml"), tenant_file()).expect("a file");
        let pem = SecretBytes::new(format!("{}{}", certificate.pem(), pair.serialize_pem()).into_bytes());
        let key = ClientKey::from_pem(&pem).expect("they belong together");
        let ports = Ports::free();
        Process::start(program, folder.path(), ports).stop();
        let process = Process::start(program, folder.path(), ports);
        let at_start = process.resident();
        Self { process, _folder: folder, key, at_start }
    }

    /// Application tokens by secret.
    pub fn job(&self, transport: Transport) -> Job {
        let address = self.address(transport);
        let body = format!("client_id={BY_SECRET}&client_secret=s3cret-value~bench&{APPLICATION}");
        same(address, transport, vec![form(&self.host(transport), &body)])
    }

    /// Where it answers without TLS.
    pub const fn plain(&self) -> SocketAddr {
        self.process.ports.plain
    }

    const fn address(&self, transport: Transport) -> SocketAddr {
        let Ports { plain, tls } = self.process.ports;
        if matches!(transport, Transport::Plain) { plain } else { tls }
    }

    /// What it is called there.
    pub fn host(&self, transport: Transport) -> String {
        format!("localhost:{}", self.address(transport).port())
    }

    /// Application tokens by one assertion, as some clients show it for minutes.
    fn by_certificate(&self) -> Job {
        same(self.plain(), Transport::Plain, vec![self.with_assertion()])
    }

    /// Application tokens by at least so many assertions, each shown once.
    pub fn by_assertions(&self, count: usize) -> Job {
        let feed = Feed::once((0..count).map(|_| self.with_assertion()).collect());
        Job { address: self.plain(), transport: Transport::Plain, feed: Arc::new(feed), status: 200 }
    }

    fn with_assertion(&self) -> Vec<u8> {
        let client = BY_CERTIFICATE.parse().expect("a GUID");
        let audience =
            format!("https://localhost:{}/{TENANT}/oauth2/v2.0/token", self.address(Transport::Tls).port());
        let assertion =
            self.key.assertion(client, &audience, clock::now(), &clock::OsEntropy).expect("the key signs");
        let body = format!(
            "client_id={BY_CERTIFICATE}&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion={}&{APPLICATION}",
            assertion.expose()
        );
        form(&self.host(Transport::Plain), &body)
    }

    /// User tokens by password.
    pub fn password_job(&self) -> Job {
        let one = |number: usize| {
            let body = format!(
                "client_id={PUBLIC}&username=user{number}%40contoso.example&password={PASSWORD}&grant_type=password&scope=https%3A%2F%2Fapi.powerplatform.com%2F.default"
            );
            form(&self.host(Transport::Plain), &body)
        };
        same(self.plain(), Transport::Plain, (0..USERS).map(one).collect())
    }

    /// What is compared with the ceiling.
    pub fn cases(&self) -> Vec<Case> {
        let case = |what, transport, source, target| Case { what, transport, source, target };
        let secret = |what, transport| case(what, transport, Source::Job(self.job(transport)), Some(0.90));
        let person = |what, source, target| case(what, Transport::Plain, source, target);
        vec![
            secret("client credentials, secret", Transport::Plain),
            secret("client credentials, secret, TLS", Transport::Tls),
            secret("client credentials, secret, TLS each", Transport::TlsEach),
            person("client credentials, certificate", Source::Job(self.by_certificate()), Some(0.85)),
            person("client credentials, new assertion each", Source::Assertions, Some(0.85)),
            person("refresh", Source::Refresh, Some(0.80)),
            person("code redemption, two signatures", Source::Codes, Some(0.42)),
            person("device code redemption, two signatures", Source::Devices, None),
        ]
    }

    /// Processor time of the server so far.
    pub fn cpu(&self) -> Duration {
        self.process.cpu()
    }

    /// MiB resident at start, and now.
    pub fn memory(&self) -> (f64, f64) {
        (self.at_start, self.process.resident())
    }

    /// From the start of the process to its first token, over the existing store; the best of five.
    pub async fn restart_to_first_token(mut self) -> Duration {
        let mut best = Duration::MAX;
        for _ in 0..5 {
            self.process.stop();
            let begun = Instant::now();
            self.process.start_again();
            while tokio::net::TcpStream::connect(self.plain()).await.is_err() {
                tokio::task::yield_now().await;
            }
            let first = self.job(Transport::Plain).feed.next(0).expect("it sends for ever");
            exchange(&mut connect(self.plain()).await, &first).await.expect(200);
            best = best.min(begun.elapsed());
        }
        self.process.stop();
        best
    }
}

const APPLICATION: &str =
    "grant_type=client_credentials&scope=https%3A%2F%2Fapi.powerplatform.com%2F.default";

fn tenant_file() -> String {
    let mut text = format!("version = 1\n[tenant]\nid = \"{TENANT}\"\ndomain = \"contoso.example\"\n");
    for number in 0..USERS {
        text += &format!("[[user]]\nname = \"user{number}@contoso.example\"\npassword = \"{PASSWORD}\"\n");
    }
    let permissions = "permissions = [{ api = \"8578e004-a5c6-46e7-913e-12f58912df43\", delegated = [\"AppManagement.ApplicationPackages.Read\"] }]\nadmin_consent = true\n";
    for (name, id, more) in [
        ("secret", BY_SECRET, "secrets = [{ name = \"ci\", value = \"s3cret-value~bench\" }]"),
        ("cert", BY_CERTIFICATE, "certificates = [\"cert.pem\"]"),
        ("public", PUBLIC, "public_client = true\nredirect_uris = { public = [\"http://localhost\"] }"),
    ] {
        text += &format!("[[application]]\nname = \"{name}\"\nclient_id = \"{id}\"\n{permissions}{more}\n");
    }
    text
}

/// Whole requests, over and over, each answered with a success.
fn same(address: SocketAddr, transport: Transport, requests: Vec<Vec<u8>>) -> Job {
    Job { address, transport, feed: Arc::new(Feed::Same(requests)), status: 200 }
}

/// A request of the token endpoint.
pub fn form(host: &str, body: &str) -> Vec<u8> {
    let host = if host.is_empty() { "localhost" } else { host };
    format!(
        "POST /{TENANT}/oauth2/v2.0/token HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Hashes a second of the hash threads alone.
pub async fn bare_hashes(time: Duration) -> f64 {
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let hasher = Hasher::start(threads).expect("threads start");
    let begun = Instant::now();
    let mut count = 0_usize;
    while begun.elapsed() < time {
        let password = Password::new(PASSWORD.into());
        let names: Vec<String> = (0..8).map(|number| number.to_string()).collect();
        let each = names.iter().map(|name| {
            hasher.hash(
                &password,
                [7; 16],
                Whose { account: (b"bench", name), address: [127, 0, 0, 1].into() },
            )
        });
        for made in futures_util::future::join_all(each).await {
            made.expect("the queue has room");
            count += 1;
        }
    }
    count as f64 / begun.elapsed().as_secs_f64()
}
