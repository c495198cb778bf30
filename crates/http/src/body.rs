//! Reading request bodies: as a whole, of bounded size, in bounded time, within the memory that all bodies share.

use crate::{listen::limits::Limits, reply::Failure, route::Call, work::bodies::Full};
use bytes::Bytes;
use futures_util::FutureExt;
use http::{
    HeaderMap,
    header::{CONTENT_ENCODING, CONTENT_TYPE},
};
use http_body_util::BodyExt;
use hyper::body::Body as _;

/// A body of which so many bytes have arrived is given the room that its client announced.
const BELIEVED: usize = 64 * 1024;

impl From<Full> for Failure {
    fn from(_: Full) -> Self {
        Self::Busy
    }
}

impl Call {
    /// Reads the whole body, of at most `limit` bytes.
    ///
    /// # Errors
    /// [`Failure::TooLarge`]; [`Failure::Cut`] when the client stops half-way; [`Failure::Busy`] when too many bodies
    /// are under way; [`Failure::Unsupported`] for a compressed body or one in another character set than UTF-8.
    pub async fn read(&mut self, limit: usize) -> Result<Bytes, Failure> {
        let headers = &self.head.headers;
        if headers.contains_key(CONTENT_ENCODING) {
            return Err(Failure::Unsupported("the body without a content encoding"));
        }
        if !is_utf8(headers) {
            return Err(Failure::Unsupported("the body in UTF-8"));
        }
        // The length that the client announces; zero when it announces none.
        let announced = usize::try_from(self.body.size_hint().lower()).unwrap_or(usize::MAX);
        if announced > limit {
            return Err(Failure::TooLarge);
        }
        let mut share = self.bodies.share(self.address);
        let mut whole: Vec<u8> = Vec::new();
        let mut deadline = None;
        loop {
            let frame = match self.body.frame().now_or_never() {
                Some(frame) => frame,
                None => {
                    share.wait()?;
                    let deadline =
                        *deadline.get_or_insert_with(|| tokio::time::Instant::now() + Limits::default().body);
                    tokio::time::timeout_at(deadline, self.body.frame()).await.map_err(|_| Failure::Cut)?
                }
            };
            let Some(frame) = frame else { return Ok(whole.into()) };
            let Ok(data) = frame.map_err(|_| Failure::Cut)?.into_data() else { continue };
            if whole.len() + data.len() > limit {
                return Err(Failure::TooLarge);
            }
            // The usual case: the body is there in one piece and need not be copied.
            if whole.is_empty() && self.body.is_end_stream() {
                return Ok(data);
            }
            let room = whole.capacity();
            if whole.len() + data.len() > room {
                // Once something of weight has arrived, the rest is believed: a buffer that grows step by step leaves
                // blocks of every size behind.
                let believed = if room >= BELIEVED { announced } else { 0 };
                let wanted = (2 * room).max(whole.len() + data.len()).max(believed).min(limit);
                share.take(wanted - room)?;
                whole.reserve_exact(wanted - whole.len());
            }
            whole.extend_from_slice(&data);
        }
    }
}

/// The body is in UTF-8 as far as its headers say: RFC 9110, 8.3.1, lets the value be quoted and in any letter case.
fn is_utf8(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_TYPE).iter().all(|value| {
        let Ok(text) = value.to_str() else { return false };
        text.split(';').skip(1).all(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let value = value.trim().trim_matches('"');
            !name.trim().eq_ignore_ascii_case("charset")
                || value.eq_ignore_ascii_case("utf-8")
                || value.eq_ignore_ascii_case("utf8")
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::bodies::{self, Bodies};
    use http_body_util::{Full as Whole, StreamBody};
    use hyper::body::Frame;
    use std::convert::Infallible;
    use tokio::sync::mpsc;

    fn call(bodies: &Bodies, body: crate::context::Body, media: &str) -> Call {
        let mut head = http::Request::new(()).into_parts().0;
        head.headers.insert(CONTENT_TYPE, media.parse().unwrap());
        let address = [192, 0, 2, 1].into();
        Call { head, body, variables: Vec::new(), tenant: None, bodies: bodies.clone(), address }
    }

    fn whole(bytes: &'static [u8]) -> crate::context::Body {
        Whole::new(Bytes::from_static(bytes)).map_err(|never: Infallible| match never {}).boxed()
    }

    /// A body whose pieces come when they are sent.
    fn pieces() -> (mpsc::Sender<Bytes>, crate::context::Body) {
        let (sender, receiver) = mpsc::channel(8);
        let frames = futures_util::stream::unfold(receiver, |mut receiver: mpsc::Receiver<Bytes>| async {
            let piece = receiver.recv().await?;
            Some((Ok::<_, Infallible>(Frame::data(piece)), receiver))
        });
        (sender, StreamBody::new(frames).map_err(|never| match never {}).boxed())
    }

    #[test]
    fn utf_8_is_the_only_character_set_row_159() {
        let told = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(CONTENT_TYPE, http::HeaderValue::from_static(value));
            }
            is_utf8(&headers)
        };
        for good in [
            &[][..],
            &["application/json"],
            &["application/json;charset=utf-8"],
            &["application/json; Charset=\"UTF-8\""],
            &["application/x-www-form-urlencoded; charset=utf8; x=y"],
            &["application/json;odata.metadata=minimal"],
        ] {
            assert!(told(good), "{good:?}");
        }
        for bad in [
            &["application/json; charset=utf-16"][..],
            &["application/json; charset=\"UTF-16LE\""],
            &["application/json; x=y;CHARSET = iso-8859-1"],
            &["application/json; charset="],
            &["application/json; charset=utf-8; charset=utf-7"],
            &["application/json", "application/json; charset=utf-16"],
        ] {
            assert!(!told(bad), "{bad:?}");
        }
    }

    #[tokio::test]
    async fn a_body_that_is_there_costs_nothing_of_the_budget_and_has_a_largest_size_row_144() {
        let bodies = Bodies::default();
        let mut full = bodies.share([127, 0, 0, 1].into());
        full.take(bodies::MOST).unwrap();
        let read = call(&bodies, whole(b"a=b"), "").read(3).await.unwrap();
        assert_eq!(&read[..], b"a=b");
        let large = call(&bodies, whole(b"a=bc"), "").read(3).await;
        assert!(matches!(large, Err(Failure::TooLarge)));
    }

    #[tokio::test]
    async fn a_body_that_is_waited_for_takes_of_the_budget_until_it_is_there_row_144() {
        let bodies = Bodies::default();
        let (sender, body) = pieces();
        let mut waiting = call(&bodies, body, "");
        let mut read = Box::pin(waiting.read(100));
        assert!(read.as_mut().now_or_never().is_none());
        assert_eq!(bodies.taken(), 16 * 1024);
        sender.send(Bytes::from_static(b"a=")).await.unwrap();
        assert!(read.as_mut().now_or_never().is_none());
        assert_eq!(bodies.taken(), 16 * 1024 + 2);
        sender.send(Bytes::from_static(b"bcd")).await.unwrap();
        drop(sender);
        assert_eq!(&read.await.unwrap()[..], b"a=bcd");
        assert_eq!(bodies.taken(), 0);
    }

    #[tokio::test]
    async fn a_client_that_goes_away_gives_back_what_it_took_row_144() {
        let bodies = Bodies::default();
        let (sender, body) = pieces();
        sender.send(Bytes::from_static(b"a=")).await.unwrap();
        let mut waiting = call(&bodies, body, "");
        let mut read = Box::pin(waiting.read(100));
        assert!(read.as_mut().now_or_never().is_none());
        assert!(bodies.taken() > 0);
        drop(read);
        assert_eq!(bodies.taken(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn without_room_nobody_waits_and_nobody_waits_for_ever_rows_116_and_144() {
        let bodies = Bodies::default();
        let mut full = bodies.share([127, 0, 0, 1].into());
        full.take(bodies::MOST).unwrap();
        let (_sender, body) = pieces();
        assert!(matches!(call(&bodies, body, "").read(100).await, Err(Failure::Busy)));
        drop(full);
        let (_sender, body) = pieces();
        let begun = tokio::time::Instant::now();
        assert!(matches!(call(&bodies, body, "").read(100).await, Err(Failure::Cut)));
        assert_eq!((begun.elapsed().as_secs(), bodies.taken()), (20, 0));
    }
}
