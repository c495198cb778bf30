//! The frames of one direction of an HTTP/2 connection, followed byte by byte (RFC 9113, section 4). Nothing is
//! decoded: the library in front of this does that, and ends a connection whose frames are malformed.

/// Bytes that a client sends before its first frame (RFC 9113, section 3.4).
const PREFACE: usize = 24;
/// Bytes of a frame's header.
const HEADER: usize = 9;

/// A frame, by its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    pub kind: u8,
    flags: u8,
    /// The stream; 0 is the connection itself.
    pub stream: u32,
    /// Bytes that follow the header.
    pub length: u32,
}

impl Frame {
    pub const DATA: u8 = 0;
    pub const HEADERS: u8 = 1;
    pub const RST_STREAM: u8 = 3;
    pub const CONTINUATION: u8 = 9;

    /// The sender sends nothing further on this stream. Meaningful for `DATA` and `HEADERS`.
    pub const fn ends_stream(self) -> bool {
        self.flags & 1 != 0
    }

    /// The header block ends with this frame. Meaningful for `HEADERS` and `CONTINUATION`.
    pub const fn ends_headers(self) -> bool {
        self.flags & 4 != 0
    }

    const fn read(bytes: [u8; HEADER]) -> Self {
        let [a, b, c, kind, flags, w, x, y, z] = bytes;
        Self {
            kind,
            flags,
            stream: u32::from_be_bytes([w, x, y, z]) & 0x7fff_ffff,
            length: u32::from_be_bytes([0, a, b, c]),
        }
    }
}

/// What a byte completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// The header of a frame is there.
    Begun(Frame),
    /// The frame is there as a whole.
    Ended(Frame),
}

/// One direction of a connection.
#[derive(Debug)]
pub(super) struct Frames {
    /// Bytes of the preface or of a frame's payload that are still to come.
    skip: usize,
    header: [u8; HEADER],
    filled: usize,
    frame: Option<Frame>,
}

impl Frames {
    /// What a client sends.
    pub(super) const fn of_client() -> Self {
        Self { skip: PREFACE, header: [0; HEADER], filled: 0, frame: None }
    }

    /// What a server sends.
    pub(super) const fn of_server() -> Self {
        Self { skip: 0, header: [0; HEADER], filled: 0, frame: None }
    }

    /// Follows the next bytes of this direction.
    pub(super) fn follow(&mut self, mut bytes: &[u8], mut seen: impl FnMut(Seen)) {
        loop {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = &bytes[skipped..];
            if self.skip > 0 {
                return;
            }
            if let Some(frame) = self.frame.take() {
                seen(Seen::Ended(frame));
            }
            let taken = (HEADER - self.filled).min(bytes.len());
            self.header[self.filled..self.filled + taken].copy_from_slice(&bytes[..taken]);
            self.filled += taken;
            bytes = &bytes[taken..];
            if self.filled < HEADER {
                return;
            }
            let frame = Frame::read(self.header);
            self.filled = 0;
            self.skip = frame.length as usize;
            self.frame = Some(frame);
            seen(Seen::Begun(frame));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes() -> Vec<u8> {
        let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        bytes.extend([0, 0, 0, 4, 0, 0, 0, 0, 0]);
        bytes.extend([0, 0, 3, 1, 4, 0x80, 0, 0, 1, 7, 7, 7]);
        bytes.extend([0, 0, 2, 0, 1, 0, 0, 0, 1, 8, 8]);
        bytes
    }

    fn followed(chunk: usize) -> Vec<Seen> {
        let (mut frames, mut all) = (Frames::of_client(), Vec::new());
        for part in bytes().chunks(chunk) {
            frames.follow(part, |seen| all.push(seen));
        }
        all
    }

    #[test]
    fn frames_are_found_however_the_bytes_are_cut() {
        let all = followed(usize::MAX);
        let begun: Vec<(u8, u32, u32)> = all
            .iter()
            .filter_map(|seen| match seen {
                Seen::Begun(it) => Some((it.kind, it.stream, it.length)),
                Seen::Ended(_) => None,
            })
            .collect();
        assert_eq!(begun, [(4, 0, 0), (Frame::HEADERS, 1, 3), (Frame::DATA, 1, 2)]);
        assert_eq!(all.len(), 6);
        let Seen::Ended(headers) = all[3] else { panic!("{all:?}") };
        assert!(headers.ends_headers() && !headers.ends_stream());
        for chunk in 1..40 {
            assert_eq!(followed(chunk), all, "{chunk}");
        }
    }

    #[test]
    fn a_frame_has_not_ended_before_its_last_byte() {
        let mut frames = Frames::of_client();
        let mut last = None;
        frames.follow(&bytes()[..bytes().len() - 1], |seen| last = Some(seen));
        assert!(matches!(last, Some(Seen::Begun(it)) if it.kind == Frame::DATA));
    }
}
