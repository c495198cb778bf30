//! The listener's limits, over the wire (`docs/security.md`, section 2 and rows 116 to 126).

use crate::kit::{PASSWORD, Server, contoso};
use bytes::Bytes;
use carnet_http::{
    clock::{Clock, SystemClock},
    listen::{
        accept::{self, Answer, Peer},
        limits::Limits,
        tls::Tls,
    },
};
use carnet_server::certificate::ca::Authority;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use std::{net::SocketAddr, path::Path, pin::Pin, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::watch,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

pub async fn connect(server: &Server) -> TlsStream<TcpStream> {
    let ca = server.ready()["ca_file"].as_str().unwrap().to_owned();
    connect_to(server.address(), Path::new(&ca), &[]).await
}

pub async fn connect_to(
    address: impl tokio::net::ToSocketAddrs,
    ca: &Path,
    protocols: &[&[u8]],
) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
}

/// Sends raw bytes and reads to the end; the status, 0 when the connection was only closed.
async fn raw(server: &Server, bytes: &[u8]) -> (u16, String) {
    let mut stream = connect(server).await;
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let text = String::from_utf8_lossy(&answer).into_owned();
    (text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0), text)
}

fn get(path: &str, headers: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n").into_bytes()
}

fn post(headers: &str, body: &str) -> Vec<u8> {
    let head = "POST /contoso.example/oauth2/v2.0/token HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    format!("{head}{headers}\r\n{body}").into_bytes()
}

#[tokio::test]
async fn foreign_hosts_are_misdirected_and_ours_are_answered_rows_80_120_126() {
    let server = Server::start(&contoso(""));
    assert_eq!(raw(&server, &get("/healthz", "")).await.0, 200);
    let evil = b"GET /healthz HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    assert_eq!(raw(&server, evil).await.0, 421);
    let forwarded = get("/healthz", "X-Forwarded-Host: evil.example\r\nX-Forwarded-For: 1.2.3.4\r\n");
    assert_eq!(raw(&server, &forwarded).await.0, 200);
}

#[tokio::test]
async fn smuggled_and_broken_requests_are_refused_row_118() {
    let server = Server::start(&contoso(""));
    let both = post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n");
    let two = post("Content-Length: 3\r\nContent-Length: 4\r\n", "a=b");
    let folded = get("/healthz", "X-Long: a\r\n b\r\n");
    let nameless = get("/healthz", ": x\r\n");
    for bytes in [two, folded, nameless] {
        let (status, text) = raw(&server, &bytes).await;
        assert!(matches!(status, 0 | 400), "{text}");
    }
    // RFC 9112, 6.1 lets a server read the chunked body and close.
    let (status, text) = raw(&server, &both).await;
    assert!(matches!(status, 0 | 400), "{text}");
}

#[tokio::test]
async fn large_heads_bodies_and_encodings_are_refused_rows_10_119() {
    let server = Server::start(&contoso(""));
    let dots = get("/v1.0/me", &format!("Authorization: Bearer {}\r\n", ".".repeat(1_000_000)));
    assert!(matches!(raw(&server, &dots).await.0, 0 | 400 | 431));
    let many: String = (0..200).map(|number| format!("X-{number}: a\r\n")).collect();
    assert!(matches!(raw(&server, &get("/healthz", &many)).await.0, 0 | 400 | 431));
    let body = "a".repeat(70_000);
    let large = post(&format!("Content-Length: {}\r\n", body.len()), &body);
    assert_eq!(raw(&server, &large).await.0, 413);
    let zipped = post("Content-Length: 3\r\nContent-Encoding: gzip\r\n", "a=b");
    assert_eq!(raw(&server, &zipped).await.0, 415);
}

#[tokio::test]
async fn answers_name_no_server_and_carry_the_headers_of_their_kind_row_125() {
    let server = Server::start(&contoso(""));
    let (status, text) = raw(&server, &post("Content-Length: 0\r\n", "")).await;
    let lower = text.to_lowercase();
    assert_eq!(status, 400);
    assert!(
        lower.contains("cache-control: no-store") && lower.contains("x-content-type-options: nosniff"),
        "{text}"
    );
    assert!(!lower.contains("\nserver:") && !lower.contains(PASSWORD));
}

#[tokio::test]
async fn a_connection_that_says_nothing_leaves_others_alone_row_116() {
    let server = Server::start(&contoso(""));
    let mut silent = Vec::new();
    for _ in 0..50 {
        silent.push(TcpStream::connect(server.address()).await.unwrap());
        let mut half = connect(&server).await;
        half.write_all(b"GET /healthz HT").await.unwrap();
    }
    assert_eq!(raw(&server, &get("/healthz", "")).await.0, 200);
}

/// Answers everything with 1000 bytes.
struct Thousand;

impl Answer for Thousand {
    fn answer(
        self: Arc<Self>,
        _: Request<Incoming>,
        _: Peer,
    ) -> Pin<Box<dyn Future<Output = Response<Full<Bytes>>> + Send>> {
        Box::pin(async { Response::new(Full::new(Bytes::from_static(&[b'x'; 1000]))) })
    }
}

/// A frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    [&[0, 0, u8::try_from(payload.len()).unwrap(), kind, flags, 0, 0, 0, stream], payload].concat()
}

#[tokio::test]
async fn http2_connections_that_only_ping_or_take_no_answer_are_closed_row_145() {
    let folder = tempfile::tempdir().unwrap();
    let now = SystemClock::default().now();
    let authority = Authority::make(vec!["localhost".to_owned()], now).unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, &authority.kept().certificate).unwrap();
    let leaf = authority.leaf(&["localhost", "127.0.0.1"], now).unwrap();
    let tls = Tls::new(leaf.chain, leaf.key).unwrap();
    let bound = accept::bind(SocketAddr::from(([127, 0, 0, 1], 0)), Some(tls)).await.unwrap();
    let (address, (stop, stopped)) = (bound.addr, watch::channel(false));
    let short = Duration::from_millis(200);
    let limits = Limits { head: short, idle: short, write_stall: short, drain: short, ..Limits::default() };
    let serving = tokio::spawn(accept::serve(bound, Arc::new(Thousand), limits, stopped));
    let (no_window, request) =
        (frame(4, 0, 0, &[0, 4, 0, 0, 0, 0]), frame(1, 5, 1, b"\x82\x84\x87\x41\x09localhost"));
    for begin in [vec![], request.clone(), [no_window, request].concat()] {
        let mut stream = connect_to(address, &ca, &[b"h2"]).await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        stream.write_all(&[&preface[..], &frame(4, 0, 0, &[]), &begin].concat()).await.unwrap();
        // One ping after another, until the server ends it; how is the network's to say.
        let ping = frame(6, 0, 0, &[7; 8]);
        let mut answers = [0; 4096];
        while stream.write_all(&ping).await.is_ok()
            && stream.flush().await.is_ok()
            && matches!(stream.read(&mut answers).await, Ok(count) if count > 0)
        {}
    }
    stop.send(true).unwrap();
    serving.await.unwrap();
}
