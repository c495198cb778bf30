//! HTTP clients of the attacker and of the other callers: HTTP/1.1 without TLS, and HTTP/2 over TLS.

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Body, Frame, SizeHint},
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use std::{
    convert::Infallible,
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    path::Path,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpSocket, TcpStream},
};
use tokio_rustls::TlsConnector;

/// The connection is closed, or could not be opened.
#[derive(Debug, Clone, Copy)]
pub struct Gone;

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: Bytes,
}

/// Runs a future on this thread.
pub fn on_one_thread<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime starts").block_on(work)
}

/// Opens a TCP connection from an address of this machine; with a small receive buffer if the client reads nothing.
async fn connect(server: SocketAddr, from: Option<IpAddr>, buffer: Option<u32>) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    if let Some(from) = from {
        socket.bind(SocketAddr::new(from, 0))?;
    }
    if let Some(buffer) = buffer {
        socket.set_recv_buffer_size(buffer)?;
    }
    let stream = socket.connect(server).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A connection with HTTP/1.1.
pub struct Client {
    sender: http1::SendRequest<Full<Bytes>>,
    host: String,
}

impl Client {
    /// Opens one.
    pub async fn open(server: SocketAddr, from: Option<IpAddr>) -> Result<Self, Gone> {
        let stream = connect(server, from, None).await.map_err(|_| Gone)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|_| Gone)?;
        tokio::spawn(connection);
        Ok(Self { sender, host: format!("localhost:{}", server.port()) })
    }

    /// Sends a request and reads its answer.
    pub async fn send(&mut self, request: http::request::Builder, body: Bytes) -> Result<Answer, Gone> {
        let request = request.header(header::HOST, &self.host).body(Full::new(body)).expect("a request");
        self.sender.ready().await.map_err(|_| Gone)?;
        let answer = self.sender.send_request(request).await.map_err(|_| Gone)?;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.map_err(|_| Gone)?.to_bytes();
        Ok(Answer { status, body })
    }

    /// Reads a path, with a bearer token if there is one.
    pub async fn get(&mut self, path: &str, token: Option<&str>) -> Result<Answer, Gone> {
        let request = authorized(Request::get(path), token);
        self.send(request, Bytes::new()).await
    }

    /// Posts a form.
    pub async fn form(&mut self, path: &str, body: &str) -> Result<Answer, Gone> {
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request, Bytes::copy_from_slice(body.as_bytes())).await
    }

    /// Posts JSON with a bearer token.
    pub async fn json(&mut self, path: &str, token: &str, body: &serde_json::Value) -> Result<Answer, Gone> {
        let request = authorized(Request::post(path), Some(token));
        let request = request.header(header::CONTENT_TYPE, "application/json");
        self.send(request, body.to_string().into()).await
    }
}

fn authorized(request: http::request::Builder, token: Option<&str>) -> http::request::Builder {
    match token {
        Some(token) => request.header(header::AUTHORIZATION, format!("Bearer {token}")),
        None => request,
    }
}

/// What an HTTP/2 client does.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// Sends a ping this often.
    pub ping: Option<Duration>,
    /// Bytes that the server may send of each answer before the client allows more.
    pub window: u32,
    /// Stops reading from the socket once it has said so.
    pub deaf: bool,
}

impl Manner {
    /// A client that reads.
    pub const READS: Self = Self { ping: None, window: 1024 * 1024, deaf: false };
}

/// A connection with HTTP/2 over TLS.
#[derive(Clone)]
pub struct Streams {
    sender: http2::SendRequest<Unfinished>,
    silence: Arc<AtomicBool>,
    server: SocketAddr,
}

impl Streams {
    /// Opens one.
    pub async fn open(server: SocketAddr, tls: &TlsConnector, manner: Manner) -> Result<Self, Gone> {
        let buffer = manner.deaf.then_some(4096);
        let stream = connect(server, None, buffer).await.map_err(|_| Gone)?;
        let name = ServerName::try_from("localhost").expect("a name");
        let stream = tls.connect(name, stream).await.map_err(|_| Gone)?;
        let silence = Arc::new(AtomicBool::new(false));
        let stream = Deaf { stream, silence: silence.clone() };
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder.timer(TokioTimer::new()).initial_stream_window_size(manner.window);
        if let Some(interval) = manner.ping {
            builder.keep_alive_interval(interval).keep_alive_while_idle(true);
        }
        let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(|_| Gone)?;
        tokio::spawn(connection);
        Ok(Self { sender, silence, server })
    }

    /// Reads nothing more from the socket.
    pub fn fall_silent(&self) {
        self.silence.store(true, Ordering::Relaxed);
    }

    /// Sends a request; the status of the answer, whose body is kept and not read until `hold` is over.
    pub async fn send(
        &mut self,
        request: http::request::Builder,
        path: &str,
        body: Unfinished,
        hold: Duration,
    ) -> Result<u16, Gone> {
        let uri = format!("https://localhost:{}{path}", self.server.port());
        let request = request.uri(uri).body(body).expect("a request");
        self.sender.ready().await.map_err(|_| Gone)?;
        let answer = self.sender.send_request(request).await.map_err(|_| Gone)?;
        let status = answer.status().as_u16();
        tokio::time::sleep(hold).await;
        Ok(status)
    }
}

/// The client's side of TLS that trusts the server's CA and speaks HTTP/2.
pub fn tls(ca: &Path) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca).expect("the server's CA")).expect("a certificate");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.expect("versions").with_root_certificates(roots);
    let mut config = config.with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsConnector::from(Arc::new(config))
}

/// A body that sends some bytes and, unless it is empty, never ends.
#[derive(Debug)]
pub struct Unfinished {
    first: Option<Bytes>,
    ends: bool,
}

impl Unfinished {
    /// Begins with these bytes.
    pub const fn after(first: Bytes) -> Self {
        Self { first: Some(first), ends: false }
    }

    /// No body.
    pub const fn none() -> Self {
        Self { first: None, ends: true }
    }
}

impl Body for Unfinished {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match (self.first.take(), self.ends) {
            (Some(bytes), _) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            (None, true) => Poll::Ready(None),
            (None, false) => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ends
    }

    fn size_hint(&self) -> SizeHint {
        if self.ends { SizeHint::with_exact(0) } else { SizeHint::default() }
    }
}

/// A stream that can stop reading.
struct Deaf<S> {
    stream: S,
    silence: Arc<AtomicBool>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Deaf<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.silence.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Deaf<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
