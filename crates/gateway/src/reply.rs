//! The body of an answer, handed out in small pieces so that a slow reader is noticed.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use brigandine_model::{BrokenOff, Flow};
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use crate::{budget::Held, record::Draft, watch::Busy};

/// Bytes handed out at once. Answers up to this length are bounded by the number of requests alone.
pub(crate) const PIECE: usize = 16 * 1024;

/// An answer's body. While it exists, its request counts as under way.
pub(crate) struct Reply {
    ready: Bytes,
    /// What still comes, and the record that waits for its end.
    coming: Option<(Flow, Draft)>,
    _busy: Busy,
    /// The memory of a long body, until its reader has it.
    _held: Option<Held>,
}

impl Reply {
    /// A body that is whole.
    pub(crate) fn new(body: Bytes, mut busy: Busy, held: Option<Held>) -> Self {
        busy.answering(body.len(), Instant::now());
        Self { ready: body, coming: None, _busy: busy, _held: held }
    }

    /// A body that begins so and still comes. How long it takes is the function's affair; a reader who blocks it is noticed
    /// by the stream.
    pub(crate) fn flowing(body: Bytes, flow: Flow, busy: Busy, draft: Draft) -> Self {
        Self { ready: body, coming: Some((flow, draft)), _busy: busy, _held: None }
    }

    fn hand_out(&mut self) -> Frame<Bytes> {
        let length = self.ready.len().min(PIECE);
        let piece = self.ready.split_to(length);
        if let Some((_, draft)) = &mut self.coming {
            draft.sent_bytes += length as u64;
        }
        Frame::data(piece)
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        let this = &mut *self;
        if !this.ready.is_empty() {
            return Poll::Ready(Some(Ok(this.hand_out())));
        }
        let Some((flow, _)) = &mut this.coming else { return Poll::Ready(None) };
        match std::task::ready!(flow.poll_piece(context)) {
            Some(Ok(piece)) => {
                this.ready = piece;
                Poll::Ready(Some(Ok(this.hand_out())))
            }
            Some(Err(broken)) => {
                this.coming = None;
                Poll::Ready(Some(Err(broken)))
            }
            None => {
                this.coming = None;
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ready.is_empty() && self.coming.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let ready = self.ready.len() as u64;
        if self.coming.is_none() {
            return SizeHint::with_exact(ready);
        }
        let mut hint = SizeHint::new();
        hint.set_lower(ready);
        hint
    }
}
