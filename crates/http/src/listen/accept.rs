//! The accept loop: permits, handshake, HTTP, graceful stop. ALPN chooses HTTP/1.1 or HTTP/2.

use super::{
    limits::{FRAME, Limits, SEND_BUFFER, STREAMS, WINDOW},
    streams::WatchedStreams,
    tls::Tls,
    watch::{Serving, Watched},
};
use bytes::Bytes;
use carnet_wire::source::Source;
use http::{Request, Response};
use http_body_util::Full;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::{
    collections::HashMap,
    convert::Infallible,
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{Notify, OwnedSemaphorePermit, Semaphore, watch},
    time::timeout,
};

/// The other end of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// Its address.
    pub addr: SocketAddr,
    /// It came over TLS.
    pub tls: bool,
}

/// What answers requests.
pub trait Answer: Send + Sync + 'static {
    /// Answers one.
    fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        peer: Peer,
    ) -> Pin<Box<dyn Future<Output = Response<Full<Bytes>>> + Send>>;
}

/// Why a listener does not listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Another program has the port.
    #[error("{0} is in use by another program: stop it, or choose another address with --listen")]
    InUse(SocketAddr),
    /// Plain HTTP beyond this machine.
    #[error("plain HTTP is for loopback addresses only, and {0} is none")]
    NotLoopback(SocketAddr),
    /// Another reason.
    #[error("cannot listen on {0}: {1}")]
    Other(SocketAddr, String),
}

/// A bound listener that does not accept yet.
pub struct Bound {
    listener: TcpListener,
    tls: Option<Tls>,
    /// The address, with the real port when 0 was asked for.
    pub addr: SocketAddr,
}

/// Binds an address; without TLS only on loopback.
///
/// # Errors
/// [`ListenError`]
pub async fn bind(addr: SocketAddr, tls: Option<Tls>) -> Result<Bound, ListenError> {
    if tls.is_none() && !addr.ip().is_loopback() {
        return Err(ListenError::NotLoopback(addr));
    }
    let wrong = |error: io::Error| match error.kind() {
        io::ErrorKind::AddrInUse => ListenError::InUse(addr),
        _ => ListenError::Other(addr, error.to_string()),
    };
    let listener = TcpListener::bind(addr).await.map_err(wrong)?;
    let addr = listener.local_addr().map_err(wrong)?;
    Ok(Bound { listener, tls, addr })
}

/// Connections by source.
#[derive(Debug, Default)]
struct Counts(Mutex<HashMap<Source, usize>>);

struct Counted(Arc<Counts>, Source);

impl Counted {
    fn take(counts: &Arc<Counts>, source: Source, most: usize) -> Option<Self> {
        let mut map = counts.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = map.entry(source).or_insert(0);
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Self(counts.clone(), source))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut map = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = map.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                map.remove(&self.1);
            }
        }
    }
}

/// Accepts until `stop` says so, then lets what is under way finish within the drain time.
pub async fn serve<A: Answer>(bound: Bound, answer: Arc<A>, limits: Limits, mut stop: watch::Receiver<bool>) {
    let permits = Arc::new(Semaphore::new(limits.connections));
    let counts = Arc::new(Counts::default());
    loop {
        let accepted = tokio::select! {
            accepted = bound.listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let (stream, addr) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors: wait for some to close instead of spinning.
                tracing::warn!(cause = %error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let ip = addr.ip().to_canonical();
        let most = if ip.is_loopback() { limits.connections } else { limits.per_source };
        let (Ok(permit), Some(counted)) =
            (permits.clone().try_acquire_owned(), Counted::take(&counts, Source::of(ip), most))
        else {
            continue;
        };
        let connection =
            Connection { tls: bound.tls.clone(), answer: answer.clone(), limits, stop: stop.clone() };
        tokio::spawn(connection.run(stream, addr, (permit, counted)));
    }
    drop(bound.listener);
    let all = u32::try_from(limits.connections).unwrap_or(u32::MAX);
    let _ = timeout(limits.drain, permits.acquire_many(all)).await;
}

struct Connection<A> {
    tls: Option<Tls>,
    answer: Arc<A>,
    limits: Limits,
    stop: watch::Receiver<bool>,
}

impl<A: Answer> Connection<A> {
    async fn run(self, stream: TcpStream, addr: SocketAddr, _held: (OwnedSemaphorePermit, Counted)) {
        let _ = stream.set_nodelay(true);
        let peer = Peer { addr, tls: self.tls.is_some() };
        match &self.tls {
            None => self.http1(stream, peer).await,
            Some(tls) => {
                let handshake = tls.acceptor().accept(stream);
                let Ok(Ok(stream)) = timeout(self.limits.handshake, handshake).await else { return };
                match stream.get_ref().1.alpn_protocol() {
                    Some(b"h2") => self.http2(stream, peer).await,
                    _ => self.http1(stream, peer).await,
                }
            }
        }
    }

    async fn http1<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(mut self, stream: S, peer: Peer) {
        let serving = Serving::default();
        let watched = Watched::new(stream, serving.clone(), &self.limits);
        let answer = self.answer.clone();
        let service = service_fn(move |request| {
            let (answer, served) = (answer.clone(), serving.begin());
            async move {
                let response = answer.answer(request, peer).await;
                drop(served);
                Ok::<_, Infallible>(response)
            }
        });
        let connection = hyper::server::conn::http1::Builder::new()
            // The stream keeps the times, with one timer for each connection.
            .header_read_timeout(None)
            .max_buf_size(self.limits.head_bytes.max(8192))
            .max_headers(self.limits.headers)
            .serve_connection(TokioIo::new(watched), service);
        let mut connection = std::pin::pin!(connection);
        tokio::select! {
            _ = connection.as_mut() => return,
            _ = self.stop.wait_for(|stop| *stop) => connection.as_mut().graceful_shutdown(),
        }
        let _ = timeout(self.limits.drain, connection).await;
    }

    async fn http2<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(mut self, stream: S, peer: Peer) {
        let (serving, idle) = (Serving::default(), Arc::new(Notify::new()));
        let watched = WatchedStreams::new(stream, serving.clone(), idle.clone(), &self.limits);
        let answer = self.answer.clone();
        let service = service_fn(move |request| {
            let (answer, served) = (answer.clone(), serving.begin());
            async move {
                let response = answer.answer(request, peer).await;
                drop(served);
                Ok::<_, Infallible>(response)
            }
        });
        let head = u32::try_from(self.limits.head_bytes).unwrap_or(16 * 1024);
        let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .max_header_list_size(head)
            .max_pending_accept_reset_streams(20)
            .max_local_error_reset_streams(200)
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .max_frame_size(FRAME)
            .max_send_buf_size(SEND_BUFFER)
            // Finds peers that are gone. Answers to these pings are no request, so they prolong nothing.
            .keep_alive_interval(self.limits.idle)
            .keep_alive_timeout(self.limits.write_stall)
            .serve_connection(TokioIo::new(watched), service);
        let mut connection = std::pin::pin!(connection);
        tokio::select! {
            _ = connection.as_mut() => return,
            _ = self.stop.wait_for(|stop| *stop) => {}
            () = idle.notified() => {}
        }
        connection.as_mut().graceful_shutdown();
        let _ = timeout(self.limits.drain, connection).await;
    }
}

#[cfg(test)]
mod tests;
