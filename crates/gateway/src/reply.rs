//! The body of an answer, handed out in small pieces so that a slow reader is noticed.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use crate::{budget::Held, watch::Busy};

/// Bytes handed out at once. Answers up to this length are bounded by the number of requests alone.
pub(crate) const PIECE: usize = 16 * 1024;

/// An answer's body. While it exists, its request counts as under way.
pub(crate) struct Reply {
    rest: Bytes,
    _busy: Busy,
    /// The memory of a long body, until its reader has it.
    _held: Option<Held>,
}

impl Reply {
    pub(crate) fn new(body: Bytes, mut busy: Busy, held: Option<Held>) -> Self {
        busy.answering(body.len(), Instant::now());
        Self { rest: body, _busy: busy, _held: held }
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.rest.len().min(PIECE);
        let piece = self.rest.split_to(length);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}
