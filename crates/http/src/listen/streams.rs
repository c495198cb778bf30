//! The stream under an HTTP/2 connection, with the time limits of its peer: for the head of a request, for a
//! connection without a request, and for an answer that the peer does not take. Frames that only keep a connection
//! alive (`PING`, `SETTINGS`, `WINDOW_UPDATE`) are no request and do not prolong any of them.

use super::{
    frames::{Frame, Frames, Seen},
    limits::Limits,
    watch::{Alarm, Deadline, Serving, slow},
};
use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::Notify,
    time::Instant,
};

/// Streams that the peer reset before their answer began; more are not remembered.
const RESET: usize = 32;

/// An answer whose head was written and whose end was not.
#[derive(Debug)]
struct Answer {
    stream: u32,
    /// When something of it was written last.
    moved: Instant,
}

/// What is known of the connection's streams from the frames of both directions.
///
/// A peer that opens no flow-control window leaves a finished answer inside the HTTP/2 library, where nobody can see
/// it. So an answer has ended when a frame that ends its stream was written.
#[derive(Debug)]
struct Streams {
    theirs: Frames,
    ours: Frames,
    /// Since when the peer has been sending a header block.
    head_since: Option<Instant>,
    answers: Vec<Answer>,
    reset: VecDeque<u32>,
}

impl Streams {
    const fn new() -> Self {
        Self {
            theirs: Frames::of_client(),
            ours: Frames::of_server(),
            head_since: None,
            answers: Vec::new(),
            reset: VecDeque::new(),
        }
    }

    fn read(&mut self, bytes: &[u8], now: Instant) {
        let Self { theirs, head_since, answers, reset, .. } = self;
        theirs.follow(bytes, |seen| match seen {
            Seen::Begun(it) if it.kind == Frame::HEADERS => *head_since = head_since.or(Some(now)),
            Seen::Ended(it) if is_head(it) && it.ends_headers() => *head_since = None,
            Seen::Ended(it) if it.kind == Frame::RST_STREAM => {
                let before = answers.len();
                answers.retain(|answer| answer.stream != it.stream);
                // The head of its answer may be on its way into the stream.
                if answers.len() == before {
                    if reset.len() == RESET {
                        reset.pop_front();
                    }
                    reset.push_back(it.stream);
                }
            }
            _ => {}
        });
    }

    fn written(&mut self, bytes: &[u8], now: Instant) {
        let Self { ours, answers, reset, .. } = self;
        ours.follow(bytes, |seen| {
            let Seen::Begun(it) = seen else { return };
            match it.kind {
                Frame::RST_STREAM => answers.retain(|answer| answer.stream != it.stream),
                Frame::DATA | Frame::HEADERS if it.ends_stream() => {
                    answers.retain(|answer| answer.stream != it.stream);
                }
                Frame::DATA if it.length > 0 => {
                    if let Some(answer) = answers.iter_mut().find(|answer| answer.stream == it.stream) {
                        answer.moved = now;
                    }
                }
                Frame::HEADERS if !reset.contains(&it.stream) => {
                    answers.push(Answer { stream: it.stream, moved: now });
                }
                _ => {}
            }
        });
    }
}

const fn is_head(frame: Frame) -> bool {
    matches!(frame.kind, Frame::HEADERS | Frame::CONTINUATION)
}

/// How long the connection has been without a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Idle {
    /// There was none yet.
    Fresh(Instant),
    /// One is being served, or its answer being written.
    No,
    /// Since then.
    Since(Instant),
    /// For as long as it may: the connection is being closed.
    Over,
}

/// A stream under an HTTP/2 connection that ends when its peer is too slow.
pub(super) struct WatchedStreams<S> {
    stream: S,
    serving: Serving,
    streams: Streams,
    idle: Idle,
    /// How many requests there were when this was looked at last.
    begun: usize,
    /// Tells the connection that it has been idle for too long, so that it says goodbye (`GOAWAY`).
    close: Arc<Notify>,
    alarm: Alarm,
    limits: Times,
    write: Deadline,
}

#[derive(Debug, Clone, Copy)]
struct Times {
    head: Duration,
    idle: Duration,
    stall: Duration,
}

impl<S> WatchedStreams<S> {
    pub(super) fn new(stream: S, serving: Serving, close: Arc<Notify>, limits: &Limits) -> Self {
        let now = Instant::now();
        Self {
            stream,
            serving,
            streams: Streams::new(),
            idle: Idle::Fresh(now),
            begun: 0,
            close,
            alarm: Alarm::at(now + limits.head),
            limits: Times { head: limits.head, idle: limits.idle, stall: limits.write_stall },
            write: Deadline::new(limits.write_stall),
        }
    }

    /// Looks whether a request is being served or was since the last time.
    fn look(&mut self) {
        let begun = self.serving.begun();
        let busy = self.serving.is_busy() || !self.streams.answers.is_empty();
        if busy {
            self.idle = Idle::No;
        } else if begun != self.begun || self.idle == Idle::No {
            self.idle = Idle::Since(Instant::now());
        }
        self.begun = begun;
    }

    /// Makes the task wake at the first limit, and tells whether one has passed that ends the connection at once.
    fn over(&mut self, cx: &mut Context<'_>) -> bool {
        self.look();
        let Times { head, idle, stall } = self.limits;
        let wait = match self.idle {
            Idle::Fresh(since) => Some(since + head),
            Idle::Since(since) => Some(since + idle),
            Idle::No | Idle::Over => None,
        };
        let head = self.streams.head_since.map(|since| since + head);
        let answers = self.streams.answers.iter().map(|answer| answer.moved + stall).min();
        let must = head.into_iter().chain(answers).min();
        let Some(end) = must.into_iter().chain(wait).min() else { return false };
        if !self.alarm.passed(cx, end) {
            return false;
        }
        if matches!(self.idle, Idle::Since(_)) && must.is_none_or(|must| must > end) {
            self.idle = Idle::Over;
            self.close.notify_one();
            return must.is_some_and(|must| self.alarm.passed(cx, must));
        }
        true
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WatchedStreams<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buf.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, buf);
        let bytes = &buf.filled()[before..];
        if !bytes.is_empty() {
            this.streams.read(bytes, Instant::now());
        }
        // Bytes that arrive prolong nothing, so the limits count whether or not there were any.
        if this.over(cx) { Poll::Ready(Err(slow())) } else { read }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WatchedStreams<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let result = Pin::new(&mut this.stream).poll_write(cx, buf);
        if let Poll::Ready(Ok(count)) = result {
            this.streams.written(&buf[..count], Instant::now());
        }
        this.write.guard(cx, result)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let result = Pin::new(&mut this.stream).poll_flush(cx);
        // An answer may have begun or ended since the last read.
        if this.over(cx) { Poll::Ready(Err(slow())) } else { this.write.guard(cx, result) }
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
        let this = &mut *self;
        let result = Pin::new(&mut this.stream).poll_write_vectored(cx, bufs);
        if let Poll::Ready(Ok(mut rest)) = result {
            let now = Instant::now();
            for part in bufs {
                let taken = rest.min(part.len());
                this.streams.written(&part[..taken], now);
                rest -= taken;
            }
        }
        this.write.guard(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
