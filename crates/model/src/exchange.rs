//! A request as everyone after the door sees it, and the answer to it.
//!
//! There is one canonical object: what was matched is what is logged and what is forwarded. The advisories of
//! identity-aware proxies are one bug over and over: the path that was authorised was not the path that was forwarded.

use std::{
    fmt,
    net::IpAddr,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Version};
use jiff::Timestamp;

use crate::{Api, Route};

/// A canonical request.
#[derive(Clone, Debug)]
pub struct Request {
    /// Names the request in answers, events and logs; a version 4 UUID.
    pub id: Arc<str>,
    /// When its head was complete.
    pub received: Timestamp,
    /// The client, behind trusted proxies where there are any; IPv4-mapped addresses are IPv4 here.
    pub client: IpAddr,
    /// The method.
    pub method: Method,
    /// `http` or `https`, as the client spoke it.
    pub scheme: &'static str,
    /// Host without port, lower case.
    pub host: Arc<str>,
    /// Path below the stage, canonical percent-encoding, as it was matched.
    pub path: Arc<str>,
    /// Query string as received, without the question mark.
    pub query: Arc<str>,
    /// Headers without hop-by-hop ones; several values per name are kept in order.
    pub headers: HeaderMap,
    /// The body, whole.
    pub body: Bytes,
    /// Protocol version.
    pub version: Version,
}

/// A request that may pass, with all that was found out on the way.
#[derive(Clone, Debug)]
pub struct Admitted {
    /// The request.
    pub request: Request,
    /// Its API.
    pub api: Arc<Api>,
    /// Its route.
    pub route: Arc<Route>,
    /// The stage it came by; `$default` where there is none.
    pub stage: Arc<str>,
    /// Values of the path pattern's parameters, percent-decoded, in pattern order.
    pub path_parameters: Vec<(Arc<str>, String)>,
    /// Who calls.
    pub identity: Identity,
}

/// Who calls.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Identity {
    /// Claims of the verified token.
    pub token: Option<TokenIdentity>,
    /// Id of the API key, never the key.
    pub key_id: Option<Arc<str>>,
}

/// A verified token.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenIdentity {
    /// The authorizer that verified it.
    pub authorizer: Arc<str>,
    /// Its subject, when it names one.
    pub subject: Option<Arc<str>>,
    /// All claims, as JSON text of one object.
    pub claims: Arc<str>,
    /// The scopes it holds.
    pub scopes: Vec<String>,
}

/// The answer to a request.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// Headers; several values per name are kept in order.
    pub headers: HeaderMap,
    /// The body, whole unless [`Answer::rest`] is there.
    pub body: Bytes,
    /// What of the body is still to come after [`Answer::body`].
    pub rest: Option<Flow>,
    /// What happened to the function meanwhile, for the record.
    pub invocation: Option<Invoked>,
}

impl Answer {
    /// The same answer with another source for what is still to come, where anything is.
    pub fn map_rest(mut self, change: impl FnOnce(Flow) -> Flow) -> Self {
        self.rest = self.rest.map(change);
        self
    }
}

/// The part of a body that is handed out as it comes.
pub struct Flow(Box<dyn Pieces>);

/// Where the pieces of a body come from.
pub trait Pieces: Send {
    /// The next piece, never empty; nothing at the end, and nothing more after an error.
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, BrokenOff>>>;
}

/// A body that ended before its end: who reads it must not take it for whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokenOff;

impl Flow {
    /// A flow from this source.
    pub fn new(source: impl Pieces + 'static) -> Self {
        Self(Box::new(source))
    }

    /// The next piece; see [`Pieces::poll_piece`].
    pub fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, BrokenOff>>> {
        self.0.poll_piece(context)
    }
}

impl fmt::Debug for Flow {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Flow")
    }
}

impl fmt::Display for BrokenOff {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the body was broken off")
    }
}

impl std::error::Error for BrokenOff {}

/// What an answer cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Invoked {
    /// Time in the function, microseconds.
    pub duration_us: u64,
    /// Whether an environment had to be started for it.
    pub cold: bool,
    /// The function's error type, when it failed.
    pub error: Option<Arc<str>>,
}
