//! The stream under a connection, with the two times that hyper does not keep: a head that trickles in,
//! and a write that does not move.

use super::limits::Limits;
use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

/// Says whether a request is being served, so that its head's time does not run.
#[derive(Debug, Clone, Default)]
pub(super) struct Serving(Arc<AtomicBool>);

impl Serving {
    pub(super) fn set(&self, serving: bool) {
        self.0.store(serving, Relaxed);
    }
}

/// A stream that ends when it is too slow.
pub(super) struct Watched<S> {
    stream: S,
    serving: Serving,
    head: Deadline,
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
        let mut head = Deadline::new(limits.head);
        // The first head's time runs from the connection's beginning.
        head.timer = Some(Box::pin(tokio::time::sleep_until(Instant::now() + limits.head)));
        Self { stream, serving, head, write: Deadline::new(limits.write_stall) }
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
            this.head.stop();
        } else if this.head.timer.is_some() && this.head.over(cx) {
            return Poll::Ready(Err(slow()));
        }
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        if !this.serving.0.load(Relaxed) && !buf.filled().is_empty() && this.head.over(cx) {
            return Poll::Ready(Err(slow()));
        }
        Poll::Ready(Ok(()))
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
