//! HTTP/1 as bytes: hyper sees one head at a time, and we see what its parser hides.
//!
//! hyper drops a Content-Length beside a Transfer-Encoding, accepts bare line feeds, merges equal lengths, and drops what
//! follows a `#` in the target. These are how one server's request is smuggled past another (RFC 9112, 11.2), so heads
//! are looked at here, before they are parsed. For that, the end of each body has to be known too: lengths and chunks
//! are followed, strictly.
//! HTTP/2 passes through untouched.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Instant,
};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::watch::Watch;

/// Heads beyond this are hyper's to refuse, whose own limit is lower.
const LONGEST_HEAD: usize = 64 * 1024;
const READ: usize = 8 * 1024;

/// A stream whose HTTP/1 framing is watched.
pub(crate) struct Framed<S> {
    stream: S,
    watch: Arc<Watch>,
    /// Bytes read and not yet handed on.
    buffer: BytesMut,
    /// How many of them may be handed on.
    released: usize,
    state: State,
}

enum State {
    /// Within a head; this many bytes of the buffer were searched for its end.
    Head(usize),
    /// Within a body with this many bytes to come.
    Sized(u64),
    /// Within a chunked body.
    Chunked(Chunks),
    /// No longer watched.
    Through,
}

impl<S> Framed<S> {
    pub(crate) fn new(stream: S, watch: Arc<Watch>) -> Self {
        Self { stream, watch, buffer: BytesMut::new(), released: 0, state: State::Head(0) }
    }

    /// Moves on as far as the buffer allows. Whether there is something to hand on then.
    fn advance(&mut self) -> io::Result<bool> {
        while self.released == 0 {
            match &mut self.state {
                State::Through => self.released = self.buffer.len(),
                State::Head(searched) => match head_end(&mut self.buffer, searched) {
                    Some(end) => {
                        let head = Head::read(self.buffer.get(..end).unwrap_or_default());
                        self.watch.head_ends(head.ambiguity);
                        self.state = head.body;
                        self.released = end;
                    }
                    None if self.buffer.len() > LONGEST_HEAD => self.state = State::Through,
                    None => {
                        if !self.buffer.is_empty() {
                            self.watch.head_begins(Instant::now());
                        }
                        return Ok(false);
                    }
                },
                State::Sized(0) => self.state = State::Head(0),
                State::Sized(left) => {
                    let here = self.buffer.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    *left -= here as u64;
                    self.released = here;
                }
                State::Chunked(chunks) => {
                    let here = chunks.follow(&self.buffer).map_err(|reason| {
                        self.watch.fail(("body", reason));
                        io::Error::new(io::ErrorKind::InvalidData, reason)
                    })?;
                    if chunks.over() {
                        self.state = State::Head(0);
                    }
                    self.released = here;
                }
            }
            if self.buffer.is_empty() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn hand_on(&mut self, out: &mut ReadBuf<'_>) {
        let length = self.released.min(out.remaining());
        if let Some(bytes) = self.buffer.get(..length) {
            out.put_slice(bytes);
        }
        self.buffer.advance(length);
        self.released -= length;
    }
}

/// Where the head in the buffer ends, if it does; empty lines before it are taken away.
fn head_end(buffer: &mut BytesMut, searched: &mut usize) -> Option<usize> {
    if *searched == 0 {
        let empty = buffer.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        buffer.advance(empty);
    }
    // The end may straddle what was searched before.
    let from = searched.saturating_sub(3);
    for (place, byte) in buffer.iter().enumerate().skip(from) {
        if *byte != b'\n' {
            continue;
        }
        match (buffer.get(place + 1), buffer.get(place + 2)) {
            (Some(b'\n'), _) => return Some(place + 2),
            (Some(b'\r'), Some(b'\n')) => return Some(place + 3),
            _ => {}
        }
    }
    *searched = buffer.len();
    None
}

/// What the bytes of a head say about framing.
struct Head {
    ambiguity: Option<&'static str>,
    body: State,
}

impl Head {
    fn read(bytes: &[u8]) -> Self {
        let mut lines = bytes.split(|byte| *byte == b'\n');
        let first = lines.next().unwrap_or_default();
        if first.starts_with(b"PRI * HTTP/2.0") {
            return Self { ambiguity: None, body: State::Through };
        }
        let mut lengths: Vec<&[u8]> = Vec::new();
        let mut codings: Vec<&[u8]> = Vec::new();
        for line in lines.clone() {
            let (name, value) = match line.iter().position(|byte| *byte == b':') {
                Some(colon) => (line.get(..colon).unwrap_or_default(), line.get(colon + 1..).unwrap_or_default()),
                None => continue,
            };
            if name.trim_ascii().eq_ignore_ascii_case(b"content-length") {
                lengths.push(value.trim_ascii());
            } else if name.trim_ascii().eq_ignore_ascii_case(b"transfer-encoding") {
                codings.push(value.trim_ascii());
            }
        }
        // The last piece is what stands behind the last line feed: nothing.
        let bare = bytes.split_inclusive(|byte| *byte == b'\n').any(|line| !line.ends_with(b"\r\n"));
        // The parser drops a fragment without a word; another reader may take it for part of the path.
        let fragment = first.contains(&b'#').then_some("target-fragment");
        let ambiguity = ambiguity(&lengths, &codings, bare).or(fragment);
        let body = match (ambiguity, lengths.first(), codings.first()) {
            (Some(_), ..) => State::Through,
            (None, Some(length), _) => decimal(length).map_or(State::Through, State::Sized),
            (None, None, Some(_)) => State::Chunked(Chunks::default()),
            (None, None, None) => State::Head(0),
        };
        Self { ambiguity, body }
    }
}

fn ambiguity(lengths: &[&[u8]], codings: &[&[u8]], bare: bool) -> Option<&'static str> {
    match (lengths, codings) {
        ([_, _, ..], _) => Some("framing-two-lengths"),
        ([_], [_, ..]) => Some("framing-length-and-coding"),
        (_, [_, _, ..]) => Some("framing-two-codings"),
        ([length], _) if decimal(length).is_none() => Some("framing-bad-length"),
        (_, [coding]) if !coding.eq_ignore_ascii_case(b"chunked") => Some("framing-unknown-coding"),
        _ if bare => Some("framing-bare-line-feed"),
        _ => None,
    }
}

fn decimal(text: &[u8]) -> Option<u64> {
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    digits.then(|| std::str::from_utf8(text).ok()?.parse().ok()).flatten()
}

/// Follows a chunked body (RFC 9112, 7.1), strictly: extensions are refused, lines end in CR LF.
#[derive(Debug, Default)]
struct Chunks {
    place: Place,
    size: u64,
    digits: u8,
    trailer: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Size,
    SizeEnd,
    Data,
    DataReturn,
    DataEnd,
    /// At the beginning of a line of the trailer section.
    Line,
    /// Within such a line.
    InLine,
    LineEnd,
    LastEnd,
    Over,
}

/// Bytes of trailers that are read.
const LONGEST_TRAILERS: usize = 8 * 1024;

impl Chunks {
    fn over(&self) -> bool {
        self.place == Place::Over
    }

    /// Follows the bytes as far as the body goes; says how many belong to it.
    fn follow(&mut self, bytes: &[u8]) -> Result<usize, &'static str> {
        let mut place = 0;
        while let (Some(&byte), false) = (bytes.get(place), self.over()) {
            if self.place == Place::Data {
                let left = bytes.len() - place;
                let here = left.min(usize::try_from(self.size).unwrap_or(usize::MAX));
                place += here;
                self.size -= here as u64;
                if self.size == 0 {
                    self.place = Place::DataReturn;
                }
                continue;
            }
            self.step(byte)?;
            place += 1;
        }
        Ok(place)
    }

    fn step(&mut self, byte: u8) -> Result<(), &'static str> {
        const BROKEN: &str = "the chunks of the request body are malformed";
        self.place = match (self.place, byte) {
            (Place::Size, b'\r') if self.digits > 0 => Place::SizeEnd,
            (Place::Size, _) => {
                let digit = char::from(byte).to_digit(16).filter(|_| self.digits < 15).ok_or(BROKEN)?;
                self.size = self.size * 16 + u64::from(digit);
                self.digits += 1;
                Place::Size
            }
            (Place::SizeEnd, b'\n') => {
                self.digits = 0;
                if self.size == 0 { Place::Line } else { Place::Data }
            }
            (Place::DataReturn, b'\r') => Place::DataEnd,
            (Place::DataEnd, b'\n') => Place::Size,
            (Place::Line, b'\r') => Place::LastEnd,
            (Place::InLine, b'\r') => Place::LineEnd,
            (Place::Line | Place::InLine, b'\n') => return Err(BROKEN),
            (Place::Line | Place::InLine, _) => {
                self.trailer += 1;
                if self.trailer > LONGEST_TRAILERS {
                    return Err("the trailers of the request body are too large");
                }
                Place::InLine
            }
            (Place::LineEnd, b'\n') => Place::Line,
            (Place::LastEnd, b'\n') => Place::Over,
            _ => return Err(BROKEN),
        };
        Ok(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Framed<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if this.released > 0 || this.advance()? {
                this.hand_on(out);
                return Poll::Ready(Ok(()));
            }
            if matches!(this.state, State::Through) {
                return Pin::new(&mut this.stream).poll_read(context, out);
            }
            let mut space = [0; READ];
            let mut read = ReadBuf::new(&mut space);
            ready!(Pin::new(&mut this.stream).poll_read(context, &mut read))?;
            if read.filled().is_empty() {
                // The end: hyper judges what an unfinished head or body means.
                this.state = State::Through;
                if this.buffer.is_empty() {
                    return Poll::Ready(Ok(()));
                }
                continue;
            }
            this.buffer.extend_from_slice(read.filled());
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Framed<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.note(&outcome);
        outcome
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_write_vectored(context, slices);
        this.note(&outcome);
        outcome
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_flush(context);
        match outcome {
            Poll::Ready(_) => this.watch.flushed(),
            Poll::Pending => this.watch.write_blocked(Instant::now()),
        }
        outcome
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

impl<S> Framed<S> {
    fn note(&self, outcome: &Poll<io::Result<usize>>) {
        match outcome {
            Poll::Ready(Ok(bytes)) => self.watch.wrote(*bytes, Instant::now()),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.watch.write_blocked(Instant::now()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::VecDeque, net::IpAddr};

    use proptest::prelude::*;
    use tokio::io::AsyncReadExt;

    use super::*;
    use crate::settings::Timers;

    /// A stream that brings these pieces.
    struct Pieces(VecDeque<Vec<u8>>);

    impl AsyncRead for Pieces {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            let this = self.get_mut();
            if let Some(piece) = this.0.pop_front() {
                let (now, later) = piece.split_at(piece.len().min(out.remaining()));
                out.put_slice(now);
                if !later.is_empty() {
                    this.0.push_front(later.to_vec());
                }
            }
            Poll::Ready(Ok(()))
        }
    }

    /// Reads all of it in small reads; what came out, and what was said of the latest head.
    fn through(bytes: &[u8], cut: usize, read: usize) -> (io::Result<Vec<u8>>, Option<&'static str>) {
        let pieces = Pieces(bytes.chunks(cut.max(1)).map(<[u8]>::to_vec).collect());
        let watch = Watch::new(IpAddr::from([127, 0, 0, 1]), Arc::new(Timers::default()), Instant::now());
        let mut framed = Framed::new(pieces, watch.clone());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let outcome = runtime.block_on(async {
            let mut whole = Vec::new();
            let mut space = vec![0; read.max(1)];
            loop {
                match framed.read(&mut space).await {
                    Ok(0) => return Ok(whole),
                    Ok(length) => whole.extend_from_slice(&space[..length]),
                    Err(error) => return Err(error),
                }
            }
        });
        (outcome, watch.ambiguity())
    }

    fn request() -> impl Strategy<Value = Vec<u8>> {
        let text = proptest::collection::vec(any::<u8>(), 0..40);
        prop_oneof![
            Just(b"GET /a HTTP/1.1\r\nhost: a\r\n\r\n".to_vec()),
            text.clone().prop_map(|body| {
                let head = format!("POST /b HTTP/1.1\r\nContent-Length: {}\r\n\r\n", body.len());
                [head.into_bytes(), body].concat()
            }),
            (proptest::collection::vec(text, 0..4), any::<bool>()).prop_map(|(chunks, trailer)| {
                let mut whole = b"POST /c HTTP/1.1\r\ntransfer-encoding: Chunked\r\n\r\n".to_vec();
                for chunk in chunks.iter().filter(|chunk| !chunk.is_empty()) {
                    whole.extend(format!("{:X}\r\n", chunk.len()).bytes());
                    whole.extend(chunk);
                    whole.extend(b"\r\n");
                }
                whole.extend(if trailer { b"0\r\nx: y\r\n\r\n".as_slice() } else { b"0\r\n\r\n" });
                whole
            }),
        ]
    }

    proptest! {
        #[test]
        fn requests_pass_unchanged_however_they_are_cut(
            requests in proptest::collection::vec(request(), 1..6),
            cut in 1_usize..60,
            read in 1_usize..60,
        ) {
            let bytes = requests.concat();
            let (outcome, ambiguity) = through(&bytes, cut, read);
            prop_assert_eq!(outcome.unwrap(), bytes);
            prop_assert_eq!(ambiguity, None);
        }

        #[test]
        fn a_smuggled_head_is_seen_behind_any_requests_however_they_are_cut(
            requests in proptest::collection::vec(request(), 0..5),
            cut in 1_usize..60,
            read in 1_usize..60,
        ) {
            let smuggling = b"POST /d HTTP/1.1\r\ntransfer-encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n";
            let (outcome, ambiguity) = through(&[requests.concat().as_slice(), smuggling].concat(), cut, read);
            prop_assert!(outcome.is_ok());
            prop_assert_eq!(ambiguity, Some("framing-length-and-coding"));
        }

        #[test]
        fn any_bytes_are_followed_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), cut in 1_usize..60) {
            if let (Ok(whole), _) = through(&bytes, cut, 50) {
                prop_assert!(whole.len() <= bytes.len());
            }
        }
    }
}
