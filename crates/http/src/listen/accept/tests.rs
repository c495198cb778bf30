//! HTTP/2 connections against a peer that is written by hand, on a clock that stands still while nobody waits.

use super::*;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, duplex},
    sync::Mutex,
    time::{Instant, sleep},
};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const ACK: u8 = 1;

/// Answers with 1000 bytes after a time in which it leaves the body of the request alone.
struct Slow {
    delay: Duration,
}

impl Answer for Slow {
    fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        _: Peer,
    ) -> Pin<Box<dyn Future<Output = Response<Full<Bytes>>> + Send>> {
        Box::pin(async move {
            sleep(self.delay).await;
            drop(request);
            Response::new(Full::new(Bytes::from(vec![b'x'; 1000])))
        })
    }
}

struct Client {
    reader: ReadHalf<DuplexStream>,
    writer: Arc<Mutex<WriteHalf<DuplexStream>>>,
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short payload").to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// `GET https://localhost/`, by HPACK's static table.
fn get(stream: u32, flags: u8) -> Vec<u8> {
    frame(HEADERS, flags, stream, b"\x82\x84\x87\x41\x09localhost")
}

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const WHOLE: u8 = END_STREAM | END_HEADERS;

impl Client {
    /// Opens a connection whose streams begin with this window for answers.
    async fn open(delay: u64, window: u32) -> Self {
        let (ours, theirs) = duplex(1 << 20);
        let (_stop, stop) = watch::channel(false);
        let answer = Arc::new(Slow { delay: Duration::from_secs(delay) });
        let connection = Connection { tls: None, answer, limits: Limits::default(), stop };
        let peer = Peer { addr: SocketAddr::from(([127, 0, 0, 1], 1)), tls: true };
        tokio::spawn(async move {
            // The sender of `stop` lives as long as the connection.
            let _stop = _stop;
            connection.http2(ours, peer).await;
        });
        let (reader, writer) = tokio::io::split(theirs);
        let client = Self { reader, writer: Arc::new(Mutex::new(writer)) };
        client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec()).await;
        let settings = [&[0, 4][..], &window.to_be_bytes()].concat();
        client.send(frame(SETTINGS, 0, 0, &settings)).await;
        client
    }

    async fn send(&self, bytes: Vec<u8>) {
        // The server may have closed already.
        let _ = self.writer.lock().await.write_all(&bytes).await;
    }

    /// Answers the server's pings until it closes; how many seconds that took.
    async fn closed(mut self) -> u64 {
        let begun = Instant::now();
        let mut header = [0; 9];
        while self.reader.read_exact(&mut header).await.is_ok() {
            let mut payload = vec![0; u32::from_be_bytes([0, header[0], header[1], header[2]]) as usize];
            if self.reader.read_exact(&mut payload).await.is_err() {
                break;
            }
            if (header[3], header[4]) == (PING, 0) {
                self.send(frame(PING, ACK, 0, &payload)).await;
            }
            assert!(begun.elapsed() < Duration::from_secs(1000), "never closed");
        }
        begun.elapsed().as_secs()
    }

    /// Sends a ping every few seconds, and what `more` gives for the number of the ping, until the server closes;
    /// how many seconds that took.
    async fn pinging(self, more: impl Fn(u64) -> Vec<u8>) -> u64 {
        let writer = self.writer.clone();
        let closed = tokio::spawn(self.closed());
        for number in 0.. {
            if closed.is_finished() {
                break;
            }
            let bytes = [frame(PING, 0, 0, &[7; 8]), more(number)].concat();
            let _ = writer.lock().await.write_all(&bytes).await;
            sleep(Duration::from_secs(3)).await;
        }
        closed.await.expect("the connection task ends")
    }
}

fn nothing(_: u64) -> Vec<u8> {
    Vec::new()
}

#[tokio::test(start_paused = true)]
async fn a_connection_with_pings_alone_has_the_time_of_a_head_row_145() {
    assert_eq!(Client::open(0, 65_535).await.pinging(nothing).await, 10);
    assert_eq!(Client::open(0, 65_535).await.closed().await, 10);
}

#[tokio::test(start_paused = true)]
async fn pings_do_not_keep_a_connection_without_requests_row_145() {
    let client = Client::open(0, 65_535).await;
    client.send(get(1, WHOLE)).await;
    assert_eq!(client.pinging(nothing).await, 60);
}

#[tokio::test(start_paused = true)]
async fn a_connection_with_requests_stays_and_a_slow_answer_is_waited_for_row_145() {
    let client = Client::open(100, 65_535).await;
    client.send(get(1, WHOLE)).await;
    assert_eq!(client.pinging(nothing).await, 160);
    let client = Client::open(0, 65_535).await;
    // Six requests, one every 30 seconds.
    let requests = |number| match number {
        0..=50 if number % 10 == 0 => get(u32::try_from(number).expect("a small number") + 1, WHOLE),
        _ => Vec::new(),
    };
    assert_eq!(client.pinging(requests).await, 150 + 60);
}

#[tokio::test(start_paused = true)]
async fn a_head_that_never_ends_closes_the_connection_row_145() {
    let head = get(3, END_STREAM);
    for part in [&head[..], &head[..12]] {
        // Another request is being served all the time.
        let client = Client::open(500, 65_535).await;
        client.send(get(1, WHOLE)).await;
        client.send(part.to_vec()).await;
        assert_eq!(client.closed().await, 10);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_takes_closes_the_connection_row_145() {
    for window in [0, 100] {
        let client = Client::open(0, window).await;
        client.send(get(1, WHOLE)).await;
        assert_eq!(client.pinging(nothing).await, 20, "{window}");
    }
    // Other answers of the connection that are taken do not help it.
    let client = Client::open(0, 0).await;
    client.send(get(1, WHOLE)).await;
    let others = |number: u64| {
        let stream = u32::try_from(number).expect("a small number") * 2 + 3;
        [get(stream, WHOLE), frame(WINDOW_UPDATE, 0, stream, &2000_u32.to_be_bytes())].concat()
    };
    assert_eq!(client.pinging(others).await, 20);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_taken_slowly_or_given_up_is_no_stall_row_145() {
    // 100 bytes every 15 seconds: ten pieces.
    let client = Client::open(0, 0).await;
    client.send(get(1, WHOLE)).await;
    let slowly = |number: u64| match number {
        0..=45 if number.is_multiple_of(5) => frame(WINDOW_UPDATE, 0, 1, &100_u32.to_be_bytes()),
        _ => Vec::new(),
    };
    assert_eq!(client.pinging(slowly).await, 135 + 60);
    let client = Client::open(0, 0).await;
    client.send(get(1, WHOLE)).await;
    let given_up = |number| if number == 2 { frame(RST_STREAM, 0, 1, &[0, 0, 0, 8]) } else { Vec::new() };
    assert_eq!(client.pinging(given_up).await, 6 + 60);
}

#[tokio::test(start_paused = true)]
async fn a_frame_or_a_body_larger_than_was_allowed_closes_the_connection_row_144() {
    for (length, count) in [(FRAME + 1, 1), (FRAME, 5)] {
        let client = Client::open(500, 65_535).await;
        let unread = frame(HEADERS, END_HEADERS, 1, b"\x82\x84\x87\x41\x09localhost");
        client.send(unread).await;
        for _ in 0..count {
            client.send(frame(DATA, 0, 1, &vec![0; length as usize])).await;
        }
        assert_eq!(client.closed().await, 0);
    }
}

#[test]
fn connections_are_counted_by_network_row_156() {
    let counts = Arc::new(Counts::default());
    let of = |text: &str| Source::of(text.parse().expect("an address"));
    let one = Counted::take(&counts, of("2001:db8:1:2::1"), 2).expect("the first place");
    let _two = Counted::take(&counts, of("2001:db8:1:2::2"), 2).expect("the second place");
    assert!(Counted::take(&counts, of("2001:db8:1:2:3::3"), 2).is_none());
    assert!(Counted::take(&counts, of("2001:db8:1:3::1"), 2).is_some());
    drop(one);
    assert!(Counted::take(&counts, of("2001:db8:1:2:3::3"), 2).is_some());
}
