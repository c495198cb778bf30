//! What holds of every host: HEAD is GET without a body.

use bytes::Bytes;
use carnet_http::{
    clock::{Clock, SystemClock},
    listen::{
        accept::{self, Bound},
        limits::Limits,
        tls::Tls,
    },
    route::{Route, Surface},
};
use carnet_server::{certificate::ca::Authority, routes};
use carnet_tests::{Contoso, Reply, TENANT};
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use std::{net::SocketAddr, sync::Arc};
use tokio::{net::TcpStream, sync::watch};
use tokio_rustls::TlsConnector;

/// Asks a path of a host; with the administrator's token for Graph.
async fn ask(t: &Contoso, method: Method, (host, path): (&str, &str), token: &str) -> Reply {
    let request = Request::builder().method(method).uri(path).header("host", host);
    let request = request.header("accept", "text/html").header("authorization", format!("Bearer {token}"));
    t.send(request.body(Bytes::new()).unwrap()).await
}

fn host(row: &Route) -> &'static str {
    match row.surface {
        Surface::Login | Surface::Health => "localhost:8443",
        Surface::Graph => "graph.microsoft.com",
        Surface::PowerPlatform => "api.powerplatform.com",
        Surface::Bap => "api.bap.microsoft.com",
    }
}

#[tokio::test]
async fn head_is_answered_as_get_without_the_body() {
    let t = Contoso::start().await;
    let token = t.graph_token("admin").await;
    for place in [
        ("localhost:8443", "/healthz".to_owned()),
        ("localhost:8443", "/readyz".to_owned()),
        ("localhost:8443", format!("/{TENANT}/v2.0/.well-known/openid-configuration")),
        ("sts.windows.net", format!("/{TENANT}/.well-known/openid-configuration")),
        ("localhost:8443", format!("/{TENANT}/discovery/v2.0/keys")),
        ("localhost:8443", "/common/discovery/keys".to_owned()),
        ("graph.microsoft.com", "/v1.0/applications?$top=2".to_owned()),
        ("graph.microsoft.com", "/v1.0/me".to_owned()),
        ("graph.microsoft.com", "/v1.0/nowhere".to_owned()),
        ("evil.example", "/".to_owned()),
    ] {
        let place = (place.0, place.1.as_str());
        let get = ask(&t, Method::GET, place, &token).await;
        let head = ask(&t, Method::HEAD, place, &token).await;
        assert_eq!((head.status, head.text().as_str()), (get.status, ""), "{place:?}");
        assert_eq!(head.header("content-length"), get.body.len().to_string(), "{place:?}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{place:?}");
    }
}

#[tokio::test]
async fn every_path_that_takes_get_takes_head_and_no_other_does() {
    let t = Contoso::start().await;
    let rows = routes();
    for row in &rows {
        let path: Vec<&str> = row.path.split('/').collect();
        let path: Vec<String> = path
            .into_iter()
            .map(|part| match part.split_once("({") {
                Some((name, _)) => format!("{name}(appId='x')"),
                None if part.starts_with('{') => TENANT.to_owned(),
                None => part.to_owned(),
            })
            .collect();
        let path = path.join("/");
        let get = ask(&t, Method::GET, (host(row), &path), "x").await;
        let head = ask(&t, Method::HEAD, (host(row), &path), "x").await;
        assert_eq!((head.status, head.body.len()), (get.status, 0), "{row:?}");
        let reads = |other: &&Route| {
            (other.surface, other.path) == (row.surface, row.path)
                && other.method.is_none_or(|method| *method == Method::GET)
        };
        if !rows.iter().any(|other| reads(&other)) {
            assert_eq!(head.status, 405, "{row:?}");
        }
    }
}

/// A listener on a port of its own, with the certificate of its CA.
async fn bound() -> (Bound, CertificateDer<'static>) {
    let now = SystemClock::default().now();
    let authority = Authority::make(vec!["localhost".to_owned()], now).unwrap();
    let leaf = authority.leaf(&["localhost"], now).unwrap();
    let tls = Tls::new(leaf.chain, leaf.key).unwrap();
    let bound = accept::bind(SocketAddr::from(([127, 0, 0, 1], 0)), Some(tls)).await.unwrap();
    (bound, CertificateDer::from_pem_slice(authority.kept().certificate.as_bytes()).unwrap())
}

/// One connection of a client.
enum Wire {
    One(http1::SendRequest<Empty<Bytes>>),
    Two(http2::SendRequest<Empty<Bytes>>),
}

impl Wire {
    async fn open(address: SocketAddr, ca: &CertificateDer<'static>, protocol: &str) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(ca.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let mut config = config.unwrap().with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(protocol.as_bytes()));
        let stream = TokioIo::new(stream);
        if protocol == "h2" {
            let (sender, connection) = http2::handshake(TokioExecutor::new(), stream).await.unwrap();
            tokio::spawn(connection);
            Self::Two(sender)
        } else {
            let (sender, connection) = http1::handshake(stream).await.unwrap();
            tokio::spawn(connection);
            Self::One(sender)
        }
    }

    async fn ask(&mut self, method: &Method, (host, path): (&str, &str), token: &str) -> Reply {
        let uri =
            if matches!(self, Self::One(_)) { path.to_owned() } else { format!("https://{host}{path}") };
        let mut request = Request::builder().method(method).uri(uri).header("accept", "text/html");
        if matches!(self, Self::One(_)) {
            request = request.header("host", host);
        }
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(Empty::new()).unwrap();
        let response = match self {
            Self::One(sender) => sender.send_request(request).await,
            Self::Two(sender) => sender.send_request(request).await,
        };
        let (head, body) = response.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Reply { status: head.status.as_u16(), headers: head.headers, body }
    }
}

/// Headers as lines, those that differ from answer to answer by name alone.
fn lines(headers: &HeaderMap) -> Vec<String> {
    let own = [
        "date",
        "request-id",
        "client-request-id",
        "x-ms-request-id",
        "set-cookie",
        "content-security-policy",
    ];
    let line = |(name, value): (&http::HeaderName, &http::HeaderValue)| match own.contains(&name.as_str()) {
        true => name.to_string(),
        false => format!("{name}: {value:?}"),
    };
    let mut lines: Vec<String> = headers.iter().map(line).collect();
    lines.sort_unstable();
    lines
}

#[tokio::test]
async fn on_the_wire_head_has_the_headers_of_get_and_the_connection_goes_on() {
    let t = Contoso::start().await;
    let token = t.graph_token("admin").await;
    let (bound, ca) = bound().await;
    let (address, (stop, stopped)) = (bound.addr, watch::channel(false));
    let serving = tokio::spawn(accept::serve(bound, Arc::new(t.server()), Limits::default(), stopped));
    let metadata = format!("/{TENANT}/v2.0/.well-known/openid-configuration");
    let keys = format!("/{TENANT}/discovery/v2.0/keys");
    for protocol in ["http/1.1", "h2"] {
        let mut wire = Wire::open(address, &ca, protocol).await;
        for (host, path, token, status) in [
            ("localhost:8443", metadata.as_str(), "", 200),
            ("localhost:8443", &keys, "", 200),
            ("localhost:8443", "/healthz", "", 200),
            ("localhost:8443", "/", "", 200),
            ("localhost:8443", "/devicelogin", "", 200),
            ("localhost:8443", "/nowhere", "", 404),
            ("graph.microsoft.com", "/v1.0/me", &token, 200),
            ("graph.microsoft.com", "/v1.0/applications?$top=2", &token, 200),
            ("graph.microsoft.com", "/v1.0/me", "", 401),
        ] {
            let place = (host, path);
            // Two in a row: what one leaves on the connection is the next one's trouble.
            let heads =
                [wire.ask(&Method::HEAD, place, token).await, wire.ask(&Method::HEAD, place, token).await];
            let get = wire.ask(&Method::GET, place, token).await;
            assert_eq!((get.status, get.body.is_empty()), (status, false), "{protocol} {path}");
            assert_eq!(get.header("content-length"), get.body.len().to_string(), "{protocol} {path}");
            for head in heads {
                assert_eq!((head.status, head.body.len()), (status, 0), "{protocol} {path}");
                assert_eq!(lines(&head.headers), lines(&get.headers), "{protocol} {path}");
            }
        }
        // A path that takes no GET takes no HEAD either, and that ends nothing.
        let refused = wire.ask(&Method::HEAD, ("localhost:8443", &format!("/{TENANT}/login")), "").await;
        assert_eq!((refused.status, refused.body.len()), (405, 0), "{protocol}");
        assert_eq!(
            wire.ask(&Method::GET, ("localhost:8443", "/healthz"), "").await.status,
            200,
            "{protocol}"
        );
    }
    stop.send(true).unwrap();
    serving.await.unwrap();
}
