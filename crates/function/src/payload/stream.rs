//! Answers that reach the client while the function still writes them.
//!
//! The status is told once: what goes wrong before the first byte of the body is an answer of its own, what goes wrong later
//! breaks the body off, so that nobody takes half of it for the whole.

use std::task::{Context, Poll, ready};

use brigandine_model::{Answer, BrokenOff, Flow, Pieces};
use bytes::{Bytes, BytesMut};

use super::{Form, answer, body};
use crate::{Reply, Stream};

pub(super) async fn begun(form: &Form<'_>, mut reply: Reply) -> Answer {
    let Some(mut stream) = reply.stream.take() else { return answer::answer(form, &reply) };
    let content_type = reply.content_type.as_deref().unwrap_or_default();
    let has_prelude = body::matches(answer::WITH_PRELUDE, content_type);
    let mut gathered = BytesMut::new();
    while let Some(piece) = stream.piece().await {
        // Only the last bytes can be new to the search.
        let from = gathered.len().saturating_sub(answer::PRELUDE_END.len() - 1);
        gathered.extend_from_slice(&piece);
        let ends = || gathered.get(from..).is_some_and(has_end);
        if !has_prelude || ends() || gathered.len() > answer::PRELUDE_LIMIT {
            reply.payload = gathered.freeze();
            let mut begun = answer::answer(form, &reply);
            // A beginning that is none is answered by itself.
            let malformed = begun.invocation.as_ref().is_some_and(|invoked| invoked.error.is_some());
            begun.rest = (!malformed).then(|| Flow::new(Rest { stream, over: false }));
            return begun;
        }
    }
    let whole = stream.end().await;
    reply.error = match whole {
        Some(end) => end.error,
        None => return answer::failure(form, &crate::InvokeError::Stopped("the environment is gone".into())),
    };
    reply.payload = gathered.freeze();
    answer::answer(form, &reply)
}

fn has_end(bytes: &[u8]) -> bool {
    bytes.windows(answer::PRELUDE_END.len()).any(|window| window == answer::PRELUDE_END)
}

/// What of a stream is still to come.
struct Rest {
    stream: Stream,
    over: bool,
}

impl Pieces for Rest {
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, BrokenOff>>> {
        if self.over {
            return Poll::Ready(None);
        }
        if let Some(piece) = ready!(self.stream.poll_piece(context)) {
            return Poll::Ready(Some(Ok(piece)));
        }
        let end = ready!(self.stream.poll_end(context));
        self.over = true;
        let orderly = end.is_some_and(|reply| reply.error.is_none());
        Poll::Ready((!orderly).then_some(Err(BrokenOff)))
    }
}
