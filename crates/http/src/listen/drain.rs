//! What is left of a request's body when its answer is ready. A client that is still sending when the answer comes may
//! never see it: HTTP/2 resets the stream, and HTTP/1.1 closes the connection under the client's writes. So a small rest
//! is read and thrown away before the answer leaves. A large or a slow one is not waited for.

use crate::{
    context::Body,
    work::bodies::{Bodies, Share},
};
use bytes::Bytes;
use futures_util::FutureExt;
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use std::{
    net::IpAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::{Instant, timeout_at};

/// The most bytes that are read of a rest. The largest form has as many.
const MOST: u64 = 64 * 1024;
/// How long a rest is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

type Slot = Arc<Mutex<Option<Body>>>;

/// A body that a handler may read; what the handler leaves of it goes into the slot.
struct Lent {
    body: Option<Body>,
    slot: Slot,
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = Pin::new(body).poll_frame(cx);
        // What has ended or broken off leaves no rest, and may not be read again.
        if matches!(frame, Poll::Ready(None | Some(Err(_)))) {
            self.body = None;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let rest = self.body.take().filter(|body| !body.is_end_stream());
        *self.slot.lock().unwrap_or_else(PoisonError::into_inner) = rest;
    }
}

/// The rest of a body, once the handler has dropped what it was lent.
pub(crate) struct Rest(Option<Slot>);

/// Lends a body to a handler. A request without a body costs nothing.
pub(crate) fn lend(body: Body) -> (Body, Rest) {
    if body.is_end_stream() {
        return (body, Rest(None));
    }
    let slot = Slot::default();
    let lent = Lent { body: Some(body), slot: slot.clone() };
    (lent.boxed(), Rest(Some(slot)))
}

impl Rest {
    /// Reads a small rest to its end. It gives up when the rest is larger or comes later than it is worth, and when too
    /// many requests wait for bodies already.
    pub(crate) async fn drain(self, bodies: &Bodies, address: IpAddr) {
        let Some(slot) = self.0 else { return };
        let rest = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        // The length that the client announces.
        let Some(body) = rest.filter(|body| body.size_hint().lower() <= MOST) else { return };
        discard(body, bodies.share(address)).await;
    }
}

async fn discard(mut body: Body, mut share: Share<'_>) {
    let mut read = 0;
    let mut deadline = None;
    loop {
        let frame = match body.frame().now_or_never() {
            Some(frame) => frame,
            None => {
                if share.wait().is_err() {
                    return;
                }
                let deadline = *deadline.get_or_insert_with(|| Instant::now() + PATIENCE);
                let Ok(frame) = timeout_at(deadline, body.frame()).await else { return };
                frame
            }
        };
        let Some(Ok(frame)) = frame else { return };
        read += frame.data_ref().map_or(0, |data| data.len() as u64);
        if read > MOST {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::StreamBody;
    use std::convert::Infallible;
    use tokio::sync::mpsc::{Sender, channel};

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    /// A body whose pieces come when they are sent.
    fn pieces() -> (Sender<Bytes>, Body) {
        let (sender, receiver) = channel(128);
        let frames = futures_util::stream::unfold(receiver, |mut receiver| async {
            let piece: Bytes = receiver.recv().await?;
            Some((Ok::<_, Infallible>(Frame::data(piece)), receiver))
        });
        (sender, StreamBody::new(frames).map_err(|never| match never {}).boxed())
    }

    #[tokio::test]
    async fn a_small_rest_is_read_to_its_end_row_144() {
        let bodies = Bodies::default();
        let (sender, body) = pieces();
        let (lent, rest) = lend(body);
        drop(lent);
        let mut draining = Box::pin(rest.drain(&bodies, HERE));
        assert!(draining.as_mut().now_or_never().is_none());
        assert_eq!(bodies.taken(), 16 * 1024);
        sender.send(Bytes::from_static(b"{}")).await.unwrap();
        drop(sender);
        draining.await;
        assert_eq!(bodies.taken(), 0);
    }

    #[tokio::test]
    async fn what_a_handler_has_read_is_not_waited_for() {
        let bodies = Bodies::default();
        let (sender, body) = pieces();
        let (mut lent, rest) = lend(body);
        sender.send(Bytes::from_static(b"a=b")).await.unwrap();
        drop(sender);
        while lent.frame().await.is_some() {}
        drop(lent);
        assert_eq!(rest.drain(&bodies, HERE).now_or_never(), Some(()));
        let none = http_body_util::Empty::new().map_err(|never: Infallible| match never {}).boxed();
        let (lent, rest) = lend(none);
        drop(lent);
        assert_eq!(rest.drain(&bodies, HERE).now_or_never(), Some(()));
    }

    #[tokio::test]
    async fn a_large_rest_is_given_up_row_144() {
        let bodies = Bodies::default();
        let (sender, body) = pieces();
        let (lent, rest) = lend(body);
        drop(lent);
        for _ in 0..5 {
            sender.send(Bytes::from(vec![0; 16 * 1024])).await.unwrap();
        }
        // The sender is still there.
        assert_eq!(rest.drain(&bodies, HERE).now_or_never(), Some(()));
        assert!(sender.is_closed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_rest_is_given_up_and_without_room_none_is_waited_for_row_144() {
        let bodies = Bodies::default();
        let (_sender, body) = pieces();
        let (lent, rest) = lend(body);
        drop(lent);
        let begun = Instant::now();
        rest.drain(&bodies, HERE).await;
        assert_eq!((begun.elapsed(), bodies.taken()), (PATIENCE, 0));
        let mut full = bodies.share(HERE);
        full.take(crate::work::bodies::MOST).unwrap();
        let (_sender, body) = pieces();
        let (lent, rest) = lend(body);
        drop(lent);
        assert_eq!(rest.drain(&bodies, HERE).now_or_never(), Some(()));
    }
}
