//! The smallest HTTP/1.1 client that measures: prepared bytes out, an answer with its length in.

use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use std::{
    net::SocketAddr,
    sync::Arc,
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

/// What is sent where, in turn by each worker.
#[derive(Debug, Clone)]
pub struct Job {
    /// The server.
    pub address: SocketAddr,
    /// How.
    pub transport: Transport,
    /// Whole requests.
    pub requests: Vec<Vec<u8>>,
}

/// Sends requests until the end; how long each took.
pub async fn work(job: Arc<Job>, number: usize, end: Instant) -> Vec<Duration> {
    let request = &job.requests[number % job.requests.len()];
    let mut times = Vec::new();
    match job.transport {
        Transport::Plain => {
            let mut stream = connect(job.address).await;
            while Instant::now() < end {
                times.push(ask(&mut stream, request).await);
            }
        }
        Transport::Tls => {
            let mut stream = secure(job.address).await;
            while Instant::now() < end {
                times.push(ask(&mut stream, request).await);
            }
        }
        Transport::TlsEach => {
            while Instant::now() < end {
                let begun = Instant::now();
                ask(&mut secure(job.address).await, request).await;
                times.push(begun.elapsed());
            }
        }
    }
    times
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

/// One request and its answer, which has to be a success.
pub async fn ask<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, request: &[u8]) -> Duration {
    let begun = Instant::now();
    stream.write_all(request).await.expect("the server reads");
    stream.flush().await.expect("the server reads");
    let mut buffer = Vec::with_capacity(4096);
    loop {
        let read = stream.read_buf(&mut buffer).await.expect("the server answers");
        assert!(read > 0, "closed after {:?}", String::from_utf8_lossy(&buffer));
        if let Some(end) = whole(&buffer) {
            assert!(buffer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&buffer[..end]));
            return begun.elapsed();
        }
    }
}

/// Where the answer ends, once all of it is there.
fn whole(buffer: &[u8]) -> Option<usize> {
    let head = buffer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&buffer[..head]).ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    })?;
    (buffer.len() >= head + length).then_some(head + length)
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
