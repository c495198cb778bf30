//! The stream under an HTTP/1.1 connection, with the time limits of its peer: for the head of a request, between
//! requests, and for a write that does not move. HTTP/2 has the same limits in `streams`.

use super::limits::Limits;
use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep, sleep_until},
};

/// Counts the requests of one connection that are being served. While there are any, the peer is not waited for.
#[derive(Debug, Clone, Default)]
pub(super) struct Serving(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    begun: AtomicUsize,
    ended: AtomicUsize,
}

/// A request that is being served until this is dropped.
#[derive(Debug)]
pub(super) struct Served(Serving);

impl Serving {
    /// Counts a request.
    pub(super) fn begin(&self) -> Served {
        self.0.begun.fetch_add(1, Relaxed);
        Served(self.clone())
    }

    /// Whether a request is being served.
    pub(super) fn is_busy(&self) -> bool {
        // The end is read first: a request that ends meanwhile counts as served.
        let ended = self.0.ended.load(Relaxed);
        self.0.begun.load(Relaxed) != ended
    }

    /// How many requests there were so far.
    pub(super) fn begun(&self) -> usize {
        self.0.begun.load(Relaxed)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.0.0.ended.fetch_add(1, Relaxed);
    }
}

/// What the peer is waited for, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaited {
    /// Nothing: its request is being served.
    Nothing,
    /// The rest of a head.
    Head(Instant),
    /// Another request.
    Request(Instant),
}

/// A stream that ends when it is too slow.
pub(super) struct Watched<S> {
    stream: S,
    serving: Serving,
    awaited: Awaited,
    alarm: Alarm,
    head: Duration,
    idle: Duration,
    write: Deadline,
}

/// A time limit that may be running.
pub(super) struct Deadline {
    limit: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Deadline {
    pub(super) const fn new(limit: Duration) -> Self {
        Self { limit, timer: None }
    }

    /// Starts it unless it runs, and tells whether it has passed.
    fn passed(&mut self, cx: &mut Context<'_>) -> bool {
        let limit = self.limit;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(limit)));
        timer.as_mut().poll(cx).is_ready()
    }

    fn stop(&mut self) {
        self.timer = None;
    }

    /// The result of a write: an error when writes have been pending for as long as the limit.
    pub(super) fn guard<T>(
        &mut self,
        cx: &mut Context<'_>,
        result: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match result {
            Poll::Pending if self.passed(cx) => Poll::Ready(Err(slow())),
            Poll::Pending => Poll::Pending,
            done @ Poll::Ready(_) => {
                self.stop();
                done
            }
        }
    }
}

/// A timer for a limit that changes often. It is not set again when the limit moves to a later time, because that
/// wakes a thread; it then rings too early and is set again.
pub(super) struct Alarm(Pin<Box<Sleep>>);

impl Alarm {
    pub(super) fn at(time: Instant) -> Self {
        Self(Box::pin(sleep_until(time)))
    }

    /// Makes the task wake at `end`, and tells whether that has passed.
    pub(super) fn passed(&mut self, cx: &mut Context<'_>, end: Instant) -> bool {
        if self.0.deadline() > end {
            self.0.as_mut().reset(end);
        }
        while self.0.as_mut().poll(cx).is_ready() {
            if Instant::now() >= end {
                return true;
            }
            self.0.as_mut().reset(end);
        }
        false
    }
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S, serving: Serving, limits: &Limits) -> Self {
        // The first head's time runs from the connection's beginning.
        let now = Instant::now();
        Self {
            stream,
            serving,
            awaited: Awaited::Head(now),
            alarm: Alarm::at(now + limits.head),
            head: limits.head,
            idle: limits.idle,
            write: Deadline::new(limits.write_stall),
        }
    }

    /// Until when the peer may send what it is waited for.
    fn end(&self) -> Option<Instant> {
        match self.awaited {
            Awaited::Nothing => None,
            Awaited::Head(since) => Some(since + self.head),
            Awaited::Request(since) => Some(since + self.idle),
        }
    }

    /// Makes the task wake when the peer's time has passed, and tells whether it has.
    fn over(&mut self, cx: &mut Context<'_>) -> bool {
        self.end().is_some_and(|end| self.alarm.passed(cx, end))
    }
}

pub(super) fn slow() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the peer is too slow")
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.serving.is_busy() {
            this.awaited = Awaited::Nothing;
        } else if this.awaited == Awaited::Nothing {
            this.awaited = Awaited::Request(Instant::now());
        }
        let before = buf.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, buf);
        match (&read, this.awaited) {
            (Poll::Pending, _) if this.over(cx) => return Poll::Ready(Err(slow())),
            (Poll::Ready(Ok(())), Awaited::Head(since)) if since.elapsed() >= this.head => {
                return Poll::Ready(Err(slow()));
            }
            (Poll::Ready(Ok(())), Awaited::Request(_)) if buf.filled().len() > before => {
                this.awaited = Awaited::Head(Instant::now());
            }
            _ => {}
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.write.guard(cx, result)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(cx);
        self.write.guard(cx, result)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.write.guard(cx, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.write.guard(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    /// A stream whose limits are the usual ones, and its peer.
    fn watched() -> (Watched<DuplexStream>, Serving, DuplexStream) {
        let (ours, peer) = duplex(64);
        let serving = Serving::default();
        (Watched::new(ours, serving.clone(), &Limits::default()), serving, peer)
    }

    /// Reads once; how it ended, and after how many seconds.
    async fn read(stream: &mut Watched<DuplexStream>) -> (Option<usize>, u64) {
        let begun = Instant::now();
        let read = stream.read(&mut [0; 64]).await;
        if let Err(error) = &read {
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        }
        (read.ok(), begun.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_says_nothing_has_the_time_of_a_head() {
        let (mut stream, _serving, _peer) = watched();
        assert_eq!(read(&mut stream).await, (None, 10));
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_trickles_in_does_not_get_more_time_with_each_byte() {
        let (mut stream, serving, mut peer) = watched();
        let served = serving.begin();
        let trickle = tokio::spawn(async move {
            for _ in 0..60 {
                let _ = peer.write_all(b"G").await;
                sleep(Duration::from_secs(3)).await;
            }
        });
        // While it is served nothing runs.
        for _ in 0..20 {
            assert_eq!(read(&mut stream).await.0, Some(1));
        }
        drop(served);
        let mut told = Vec::new();
        while let (Some(_), seconds) = read(&mut stream).await {
            told.push(seconds);
        }
        assert_eq!(told, [3, 3, 3, 3]);
        trickle.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn between_requests_there_is_a_minute_and_it_begins_anew_after_each() {
        let (mut stream, serving, mut peer) = watched();
        for _ in 0..3 {
            peer.write_all(b"GET").await.unwrap();
            assert_eq!(read(&mut stream).await, (Some(3), 0));
            let served = serving.begin();
            // It is polled while it is served, for longer than anybody may be idle.
            let read = tokio::time::timeout(Duration::from_secs(100), stream.read(&mut [0; 64])).await;
            assert!(read.is_err());
            drop(served);
            let idle = tokio::time::timeout(Duration::from_secs(59), stream.read(&mut [0; 64])).await;
            assert!(idle.is_err());
        }
        assert_eq!(read(&mut stream).await, (None, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_does_not_move_ends() {
        let (mut stream, _serving, _peer) = watched();
        let begun = Instant::now();
        let written = stream.write_all(&[0; 1024]).await;
        assert_eq!(written.map_err(|error| error.kind()), Err(io::ErrorKind::TimedOut));
        assert_eq!(begun.elapsed().as_secs(), 20);
    }
}
