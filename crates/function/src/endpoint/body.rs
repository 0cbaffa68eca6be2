//! Bodies of answers: whole, or as a stream of events in the platform's binary encoding.
//!
//! The encoding (`application/vnd.amazon.eventstream`): length of the message and of its headers, a checksum of both, the
//! headers, the payload, a checksum of everything before it; numbers in network order, checksums CRC-32.

use std::{
    collections::VecDeque,
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll, ready},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::{BufMut as _, Bytes, BytesMut};
use hyper::body::{Body, Frame, SizeHint};

use super::report::Report;
use crate::{Reply, Stream};

/// Most bytes of a result in one event.
const PIECE: usize = 64 * 1024;

/// The body of an answer.
#[derive(Default)]
pub(crate) struct Said {
    ready: VecDeque<Bytes>,
    coming: Option<(Stream, Report)>,
}

impl Said {
    /// A body that is whole.
    pub(crate) fn whole(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let ready = if bytes.is_empty() { VecDeque::new() } else { VecDeque::from([bytes]) };
        Self { ready, coming: None }
    }

    /// A reply as events, the last of which says how the run ended.
    pub(crate) fn events(mut reply: Reply, report: Report) -> Self {
        if let Some(stream) = reply.stream.take() {
            return Self { ready: VecDeque::new(), coming: Some((stream, report)) };
        }
        let mut ready = VecDeque::new();
        if reply.error.is_none() {
            let mut rest = reply.payload.clone();
            while !rest.is_empty() {
                ready.push_back(chunk(&rest.split_to(rest.len().min(PIECE))));
            }
        }
        ready.push_back(complete(Some(&reply), &report));
        Self { ready, coming: None }
    }
}

impl Body for Said {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = &mut *self;
        if let Some(bytes) = this.ready.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        let Some((stream, report)) = &mut this.coming else { return Poll::Ready(None) };
        if let Some(piece) = ready!(stream.poll_piece(context)) {
            return Poll::Ready(Some(Ok(Frame::data(chunk(&piece)))));
        }
        let end = ready!(stream.poll_end(context));
        let last = complete(end.as_deref(), report);
        this.coming = None;
        Poll::Ready(Some(Ok(Frame::data(last))))
    }

    fn is_end_stream(&self) -> bool {
        self.ready.is_empty() && self.coming.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        if self.coming.is_some() {
            return SizeHint::default();
        }
        SizeHint::with_exact(self.ready.iter().map(|bytes| bytes.len() as u64).sum())
    }
}

fn chunk(piece: &[u8]) -> Bytes {
    message("PayloadChunk", "application/octet-stream", piece)
}

/// The last event: the error where there is one, and the log where it was asked for.
fn complete(reply: Option<&Reply>, report: &Report) -> Bytes {
    let mut document = serde_json::Map::new();
    match reply {
        None => {
            document.insert("ErrorCode".to_owned(), "Unhandled".into());
            document.insert("ErrorDetails".to_owned(), "functions are not run any more".into());
        }
        Some(reply) => {
            if let Some(error) = &reply.error {
                document.insert("ErrorCode".to_owned(), error.kind.as_str().into());
                let details = if reply.payload.is_empty() {
                    serde_json::json!({"errorType": *error.error_type, "errorMessage": error.message}).to_string()
                } else {
                    String::from_utf8_lossy(&reply.payload).into_owned()
                };
                document.insert("ErrorDetails".to_owned(), details.into());
            }
            if let Some(tail) = report.tail(reply) {
                document.insert("LogResult".to_owned(), BASE64_STANDARD.encode(tail).into());
            }
        }
    }
    let text = serde_json::Value::Object(document).to_string();
    message("InvokeComplete", "application/json", text.as_bytes())
}

/// One message of the encoding.
fn message(event: &str, content_type: &str, payload: &[u8]) -> Bytes {
    let mut headers = BytesMut::with_capacity(96);
    for (name, value) in [(":message-type", "event"), (":event-type", event), (":content-type", content_type)] {
        // Names and values are ours and far below the limits of their lengths.
        headers.put_u8(u8::try_from(name.len()).unwrap_or(u8::MAX));
        headers.put_slice(name.as_bytes());
        // 7: text.
        headers.put_u8(7);
        headers.put_u16(u16::try_from(value.len()).unwrap_or(u16::MAX));
        headers.put_slice(value.as_bytes());
    }
    let length = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
    let mut whole = BytesMut::with_capacity(16 + headers.len() + payload.len());
    whole.put_u32(length(16 + headers.len() + payload.len()));
    whole.put_u32(length(headers.len()));
    let prelude = crc32fast::hash(&whole);
    whole.put_u32(prelude);
    whole.put_slice(&headers);
    whole.put_slice(payload);
    let all = crc32fast::hash(&whole);
    whole.put_u32(all);
    whole.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_the_lengths_and_checksums_of_the_encoding() {
        let bytes = message("PayloadChunk", "application/octet-stream", b"abc");
        let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        assert_eq!(number(0) as usize, bytes.len());
        let headers = number(4) as usize;
        assert_eq!(number(8), crc32fast::hash(&bytes[..8]));
        assert_eq!(&bytes[12 + headers..bytes.len() - 4], b"abc");
        assert_eq!(number(bytes.len() - 4), crc32fast::hash(&bytes[..bytes.len() - 4]));
        assert_eq!(&bytes[12..26], b"\x0d:message-type");
    }
}
