//! The seam: one call of one function.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use brigandine_model::{Invoked, LogicalId};
use bytes::Bytes;
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

/// Most bytes of a payload in either direction: 6 MiB and the 100 bytes of slack the platform grants.
pub const PAYLOAD_LIMIT: usize = 6 * 1024 * 1024 + 100;

/// A reply that is being waited for.
pub type Invoking<'a> = Pin<Box<dyn Future<Output = Result<Reply, InvokeError>> + Send + 'a>>;

/// Something that runs functions.
///
/// Dropping the future does not stop the function: it runs to its end or its timeout, and the record of it is kept.
pub trait Invoke: Send + Sync {
    /// Runs a function once.
    fn invoke(&self, call: Call) -> Invoking<'_>;
}

/// One call of one function.
#[derive(Clone, Debug)]
pub struct Call {
    /// The function.
    pub function: LogicalId,
    /// Names the call in logs, events and the function's context; letters, digits and hyphens, at most 64.
    pub request_id: Arc<str>,
    /// The event, JSON, at most [`PAYLOAD_LIMIT`] bytes.
    pub payload: Bytes,
    /// When the caller stops waiting; the function's own timeout holds besides.
    pub deadline: Option<Instant>,
    /// The client context, JSON text on one line.
    pub client_context: Option<Arc<str>>,
    /// Whether the caller can take the result as it comes: see [`Reply::stream`].
    pub streaming: bool,
}

impl Call {
    /// A call without a deadline of its own.
    pub fn new(function: LogicalId, request_id: impl Into<Arc<str>>, payload: impl Into<Bytes>) -> Self {
        Self {
            function,
            request_id: request_id.into(),
            payload: payload.into(),
            deadline: None,
            client_context: None,
            streaming: false,
        }
    }

    /// The same call with a client that stops waiting at `deadline`.
    pub fn until(self, deadline: Instant) -> Self {
        Self { deadline: Some(deadline), ..self }
    }

    /// The same call from a caller who can take the result as it comes.
    pub fn streaming(self) -> Self {
        Self { streaming: true, ..self }
    }
}

/// What a function gave back.
#[derive(Debug, Default)]
pub struct Reply {
    /// The result, or the error document when [`Reply::error`] is set.
    pub payload: Bytes,
    /// The error, when it failed.
    pub error: Option<FunctionError>,
    /// Media type of the payload as the function's runtime declared it.
    pub content_type: Option<Arc<str>>,
    /// Whether the function sent its result as a stream of bytes rather than as one JSON document.
    pub streamed: bool,
    /// The end of what it wrote to its output during the call, at most 4 KiB.
    pub log_tail: Bytes,
    /// What of the result is still to come; the payload is empty then, and what is said of the run stands at its end.
    pub stream: Option<Stream>,
    /// Time in the function.
    pub duration: Duration,
    /// Time of initialisation, when an environment was started for the call.
    pub init: Option<Duration>,
    /// Peak resident memory of the process in KiB, where it could be read.
    pub peak_memory_kib: Option<u64>,
    /// Whether an environment was started for the call.
    pub cold: bool,
    /// Number of the environment, from 1; 0 where there is none.
    pub environment: u64,
}

impl Reply {
    /// A successful reply with this JSON text, for tests and hosts without more to say.
    pub fn of(payload: impl Into<Bytes>) -> Self {
        Self { payload: payload.into(), ..Self::default() }
    }

    /// Milliseconds that are paid for: initialisation, where it was this call's, and the run, together rounded up.
    pub fn billed_ms(&self) -> u64 {
        let whole = self.duration + self.init.unwrap_or_default();
        u64::try_from(whole.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
    }

    /// What it cost, for the record.
    pub fn invoked(&self) -> Invoked {
        Invoked {
            duration_us: u64::try_from(self.duration.as_micros()).unwrap_or(u64::MAX),
            cold: self.cold,
            error: self.error.as_ref().map(|error| error.error_type.clone()),
        }
    }
}

/// A result that comes in pieces while the function runs.
#[derive(Debug)]
pub struct Stream {
    pieces: mpsc::Receiver<Bytes>,
    end: oneshot::Receiver<Box<Reply>>,
}

impl Stream {
    pub(crate) fn new(pieces: mpsc::Receiver<Bytes>, end: oneshot::Receiver<Box<Reply>>) -> Self {
        Self { pieces, end }
    }

    /// The next piece, never empty; nothing after the last one, or when the function broke off.
    pub async fn piece(&mut self) -> Option<Bytes> {
        self.pieces.recv().await
    }

    /// The next piece, without waiting for it.
    pub fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        self.pieces.poll_recv(context)
    }

    /// How the run ended, once the last piece is there: error, duration, log. Nothing when the host has ended its work.
    pub fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<Option<Box<Reply>>> {
        Pin::new(&mut self.end).poll(context).map(Result::ok)
    }

    /// The same, waited for.
    pub async fn end(self) -> Option<Box<Reply>> {
        self.end.await.ok()
    }
}

/// An error of the function itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionError {
    /// Whether the function's own code reported it.
    pub kind: ErrorKind,
    /// Its type: `Sandbox.Timedout`, `Runtime.ExitError`, the handler's own.
    pub error_type: Arc<str>,
    /// Its message; may hold what the function knows, so it is for logs and not for clients.
    pub message: String,
}

/// Who noticed a function's error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The function returned it on purpose.
    Handled,
    /// It escaped the handler, or the process ended.
    Unhandled,
}

impl ErrorKind {
    /// The word the platform puts in a header.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Handled => "Handled",
            Self::Unhandled => "Unhandled",
        }
    }
}

/// Why a call did not reach a function, or why its end was not waited for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvokeError {
    /// No such function here; the caller named the wrong one.
    #[error("there is no function `{0}`")]
    UnknownFunction(LogicalId),
    /// The function is known but cannot run here; the operator can act on the reason.
    #[error("`{function}` does not run here: {reason}")]
    NotHere {
        /// The function.
        function: LogicalId,
        /// Why, one clause.
        reason: Arc<str>,
    },
    /// A guard refused the event before the function saw it; trying again would end the same way.
    #[error("the event was refused before it reached `{function}`: {reason}")]
    Refused {
        /// The function.
        function: LogicalId,
        /// Why, one clause.
        reason: Arc<str>,
    },
    /// All environments are busy and the queue is full or slow; the caller can try again.
    #[error("`{function}` is at its limit of {limit} simultaneous runs")]
    TooManyRequests {
        /// The function.
        function: LogicalId,
        /// The limit.
        limit: usize,
        /// Seconds after which it is worth trying again.
        retry_after: u32,
    },
    /// The payload is larger than the platform takes; the caller can send less.
    #[error("the event has {size} bytes, and a function takes at most {PAYLOAD_LIMIT}")]
    PayloadTooLarge {
        /// Bytes sent.
        size: usize,
    },
    /// The call itself is malformed; the caller's fault.
    #[error("{0}")]
    Malformed(&'static str),
    /// The caller's deadline passed; the function still runs to its end.
    #[error("the function did not answer before the caller's deadline")]
    DeadlinePassed,
    /// The shield is ending its work, or the host failed.
    #[error("functions are not run any more: {0}")]
    Stopped(Arc<str>),
}
