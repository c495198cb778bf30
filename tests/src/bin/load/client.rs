//! The smallest HTTP/1.1 client that measures: prepared bytes out, an answer with its length in.

use super::people;
use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

/// How requests travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Without TLS.
    Plain,
    /// TLS 1.3, one connection for all.
    Tls,
    /// TLS 1.3, one connection for each.
    TlsEach,
}

/// What is sent where, by all workers.
#[derive(Debug, Clone)]
pub struct Job {
    /// The server.
    pub address: SocketAddr,
    /// How.
    pub transport: Transport,
    /// What.
    pub feed: Arc<Feed>,
    /// The status of every answer.
    pub status: u16,
}

/// What a worker sends next.
#[derive(Debug)]
pub enum Feed {
    /// Whole requests, one for each worker, over and over.
    Same(Vec<Vec<u8>>),
    /// Whole requests in this order, each once, until none is left.
    Once(Mutex<std::vec::IntoIter<Vec<u8>>>),
    /// Each worker redeems the refresh token of its last answer.
    Chains {
        /// The server's name.
        host: String,
        /// The newest token of each worker.
        newest: Vec<Mutex<String>>,
    },
}

impl Feed {
    /// Requests that are sent once.
    pub fn once(stock: Vec<Vec<u8>>) -> Self {
        Self::Once(Mutex::new(stock.into_iter()))
    }

    /// The next request of a worker; `None`: there is nothing left to send.
    pub fn next(&self, worker: usize) -> Option<Vec<u8>> {
        match self {
            Self::Same(requests) => Some(requests[worker % requests.len()].clone()),
            Self::Once(stock) => stock.lock().expect("nobody fails inside").next(),
            Self::Chains { host, newest } => {
                let token = newest[worker % newest.len()].lock().expect("nobody fails inside");
                Some(people::refresh(host, &token))
            }
        }
    }

    /// A worker has its answer.
    pub fn answered(&self, worker: usize, answer: &Answer) {
        if let Self::Chains { newest, .. } = self {
            *newest[worker % newest.len()].lock().expect("nobody fails inside") =
                answer.member("refresh_token");
        }
    }
}

/// How long requests took.
#[derive(Debug, Default)]
pub struct Times {
    /// Each of them.
    pub all: Vec<Duration>,
    /// How many of them were answered after the end.
    pub late: usize,
}

impl Times {
    /// Takes in what was answered just now.
    pub fn push(&mut self, took: Duration, end: Instant) {
        self.all.push(took);
        self.late += usize::from(Instant::now() > end);
    }

    /// Takes in another worker's.
    pub fn extend(&mut self, other: Self) {
        self.all.extend(other.all);
        self.late += other.late;
    }
}

/// Sends requests until the end, or until there is none left; how long each took.
pub async fn work(job: Arc<Job>, number: usize, end: Instant) -> Times {
    let mut times = Times::default();
    match job.transport {
        Transport::Plain => drive(&mut connect(job.address).await, (&job, number), end, &mut times).await,
        Transport::Tls => drive(&mut secure(job.address).await, (&job, number), end, &mut times).await,
        Transport::TlsEach => {
            while Instant::now() < end {
                let begun = Instant::now();
                let mut once = Times::default();
                drive(&mut secure(job.address).await, (&job, number), begun, &mut once).await;
                times.push(begun.elapsed(), end);
            }
        }
    }
    times
}

/// Keeps one connection busy until the end, but for one request at least.
async fn drive<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    (job, number): (&Job, usize),
    end: Instant,
    times: &mut Times,
) {
    while let Some(request) = job.feed.next(number) {
        let (answer, took) = timed(stream, &request).await;
        answer.expect(job.status);
        job.feed.answered(number, &answer);
        times.push(took, end);
        if Instant::now() >= end {
            return;
        }
    }
}

/// Opens a connection.
pub async fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).await.expect("the server listens");
    stream.set_nodelay(true).expect("a fresh socket");
    stream
}

async fn secure(address: SocketAddr) -> tokio_rustls::client::TlsStream<TcpStream> {
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(config()).connect(name, connect(address).await).await.expect("a handshake")
}

/// An answer as it came.
#[derive(Debug)]
pub struct Answer {
    whole: Vec<u8>,
    body: usize,
}

impl Answer {
    /// Status line and headers.
    pub fn head(&self) -> &str {
        std::str::from_utf8(&self.whole[..self.body]).expect("heads are ASCII")
    }

    /// The body.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.whole[self.body..]).expect("bodies are UTF-8")
    }

    /// The values of a header.
    pub fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        self.head().lines().filter_map(move |line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// A member of a JSON body that holds plain text: looked for and not parsed, so that the generator costs
    /// the machine little.
    pub fn member(&self, name: &str) -> String {
        let (text, wanted) = (self.text(), format!("\"{name}\":\""));
        let from = text.find(&wanted).unwrap_or_else(|| panic!("no {name} in {text}")) + wanted.len();
        text[from..].split('"').next().unwrap_or_default().to_owned()
    }

    /// The answer has this status.
    pub fn expect(&self, status: u16) {
        let wanted = format!("HTTP/1.1 {status}");
        assert!(self.whole.starts_with(wanted.as_bytes()), "{}{}", self.head(), self.text());
    }
}

/// One request and its answer.
pub async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, request: &[u8]) -> Answer {
    stream.write_all(request).await.expect("the server reads");
    stream.flush().await.expect("the server reads");
    let mut whole = Vec::with_capacity(4096);
    loop {
        let read = stream.read_buf(&mut whole).await.expect("the server answers");
        assert!(read > 0, "closed after {:?}", String::from_utf8_lossy(&whole));
        if let Some(body) = complete(&whole) {
            return Answer { whole, body };
        }
    }
}

/// The same, and how long it took.
pub async fn timed<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, request: &[u8]) -> (Answer, Duration) {
    let begun = Instant::now();
    let answer = exchange(stream, request).await;
    (answer, begun.elapsed())
}

/// Where the body begins, once all of the answer is there.
fn complete(buffer: &[u8]) -> Option<usize> {
    let head = buffer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&buffer[..head]).ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    })?;
    (buffer.len() >= head + length).then_some(head)
}

/// Both servers make their certificates themselves; here only the handshake's cost counts.
fn config() -> Arc<ClientConfig> {
    static CONFIG: std::sync::LazyLock<Arc<ClientConfig>> = std::sync::LazyLock::new(|| {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&rustls::version::TLS13]);
        let builder = builder.expect("TLS 1.3 is there").dangerous();
        let mut config =
            builder.with_custom_certificate_verifier(Arc::new(Any(provider))).with_no_client_auth();
        config.resumption = rustls::client::Resumption::disabled();
        Arc::new(config)
    });
    CONFIG.clone()
}

#[derive(Debug)]
struct Any(Arc<rustls::crypto::CryptoProvider>);

impl ServerCertVerifier for Any {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
