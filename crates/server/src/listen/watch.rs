//! The stream under a connection, with the times that a peer is given: for a head that trickles in, between requests,
//! and for a write that does not move.

use super::limits::Limits;
use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep, sleep_until},
};

/// Says whether a request is being served, so that no time runs for the peer.
#[derive(Debug, Clone, Default)]
pub(super) struct Serving(Arc<AtomicBool>);

impl Serving {
    pub(super) fn set(&self, serving: bool) {
        self.0.store(serving, Relaxed);
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
    /// Rings too early rather than being set anew for every request: to set a timer wakes a thread.
    alarm: Pin<Box<Sleep>>,
    head: Duration,
    idle: Duration,
    write: Deadline,
}

/// A time that may be running.
struct Deadline {
    limit: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Deadline {
    fn new(limit: Duration) -> Self {
        Self { limit, timer: None }
    }

    /// Starts it unless it runs, and tells whether it is over.
    fn over(&mut self, cx: &mut Context<'_>) -> bool {
        let limit = self.limit;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(limit)));
        timer.as_mut().poll(cx).is_ready()
    }

    fn stop(&mut self) {
        self.timer = None;
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
            alarm: Box::pin(sleep_until(now + limits.head)),
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

    /// Sees to it that the task wakes when the peer's time is over, and tells whether it is.
    fn over(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(end) = self.end() else { return false };
        if self.alarm.deadline() > end {
            self.alarm.as_mut().reset(end);
        }
        while self.alarm.as_mut().poll(cx).is_ready() {
            if Instant::now() >= end {
                return true;
            }
            self.alarm.as_mut().reset(end);
        }
        false
    }
}

fn slow() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the peer is too slow")
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.serving.0.load(Relaxed) {
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

impl<S: AsyncWrite + Unpin> Watched<S> {
    fn moved<T>(&mut self, cx: &mut Context<'_>, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match result {
            Poll::Pending if self.write.over(cx) => Poll::Ready(Err(slow())),
            Poll::Pending => Poll::Pending,
            done @ Poll::Ready(_) => {
                self.write.stop();
                done
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.moved(cx, result)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(cx);
        self.moved(cx, result)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.moved(cx, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.moved(cx, result)
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
        serving.set(true);
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
        serving.set(false);
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
            serving.set(true);
            // It is polled while it is served, for longer than anybody may be idle.
            let served = tokio::time::timeout(Duration::from_secs(100), stream.read(&mut [0; 64])).await;
            assert!(served.is_err());
            serving.set(false);
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
