//! What is inspected, how, and what comes of it.

use std::net::IpAddr;

use crate::Engine;

/// A request as it was received, byte for byte.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Who asks, after trusted proxies were looked through.
    pub client: IpAddr,
    /// The client's port, 0 if unknown.
    pub client_port: u16,
    /// The address that was asked.
    pub server: IpAddr,
    /// The port that was asked.
    pub server_port: u16,
    /// The method as sent.
    pub method: &'a [u8],
    /// The request target as sent, query and all.
    pub uri: &'a [u8],
    /// `HTTP/1.1` and the like.
    pub protocol: &'a [u8],
    /// Headers in their order, repeated ones kept apart.
    pub headers: &'a [(&'a [u8], &'a [u8])],
    /// The body, after the transfer coding was removed.
    pub body: &'a [u8],
    /// What the request is called in records.
    pub id: &'a [u8],
    /// When it came, in seconds since 1970 (UTC).
    pub time: u64,
}

impl<'a> Request<'a> {
    /// A request without headers, body and name, from this computer.
    pub fn new(method: &'a [u8], uri: &'a [u8]) -> Self {
        let here = IpAddr::from([127, 0, 0, 1]);
        Self {
            client: here,
            client_port: 0,
            server: here,
            server_port: 80,
            method,
            uri,
            protocol: b"HTTP/1.1",
            headers: &[],
            body: b"",
            id: b"",
            time: 0,
        }
    }
}

/// The answer to a request.
#[derive(Clone, Copy, Debug)]
pub struct Response<'a> {
    /// Its status.
    pub status: u16,
    /// `HTTP/1.1` and the like.
    pub protocol: &'a [u8],
    /// Headers in their order.
    pub headers: &'a [(&'a [u8], &'a [u8])],
    /// The body, or as much of it as is to be looked at.
    pub body: &'a [u8],
}

/// How to inspect.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Overrides what the rules say of `SecRuleEngine`.
    pub engine: Option<Engine>,
    /// Overrides `SecRequestBodyAccess`.
    pub request_body: Option<bool>,
    /// Overrides `SecResponseBodyAccess`.
    pub response_body: Option<bool>,
    /// Units of work for one request; about one per byte looked at. When they are used up the request is refused.
    pub budget: u64,
    /// Whether texts are sieved before operators are asked. Off only to prove that the sieve loses nothing.
    pub filter: bool,
    /// Whether JSON and XML are read wherever the content looks like them, whatever type is declared.
    pub body_by_content: bool,
    /// Whether the first refusal ends the inspection; off, a refused request still runs through its phase.
    pub stop_early: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            engine: None,
            request_body: None,
            response_body: None,
            budget: 200_000_000,
            filter: true,
            body_by_content: false,
            stop_early: true,
        }
    }
}

/// What to do with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Let it pass.
    Allow,
    /// Refuse it.
    Block,
}

/// What inspection found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What to do.
    pub action: Action,
    /// The status of the refusal; 200 when the request passes.
    pub status: u16,
    /// Where a refusal sends the client instead.
    pub redirect: Option<String>,
    /// The anomaly score of the request, where rules keep one.
    pub score: i64,
    /// Rules that matched and are to be reported, in order.
    pub matches: Vec<Match>,
    /// Work done, in units of [`Settings::budget`].
    pub work: u64,
    /// Whether the budget was used up, which refuses the request.
    pub budget_exceeded: bool,
}

impl Verdict {
    /// On what could not be looked at: it is refused.
    pub fn unlooked() -> Self {
        Self {
            action: Action::Block,
            status: 403,
            redirect: None,
            score: 0,
            matches: Vec::new(),
            work: 0,
            budget_exceeded: true,
        }
    }
}

/// A rule that matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// Its id; 0 if it has none.
    pub rule: u64,
    /// The file and line it stands at.
    pub place: crate::Place,
    /// The phase it ran in.
    pub phase: u8,
    /// 0 (emergency) to 7 (debug).
    pub severity: Option<u8>,
    /// Its message, filled in.
    pub message: String,
    /// Its data, filled in; holds parts of the request.
    pub data: String,
    /// Its tags, filled in.
    pub tags: Vec<String>,
    /// The variable that matched, `ARGS:name`.
    pub variable: String,
    /// The operator and its argument, `@rx ^a`.
    pub operator: String,
    /// Where in the value, after transformations, the match starts.
    pub offset: usize,
    /// At most 64 bytes around it; credentials are replaced.
    pub excerpt: Vec<u8>,
    /// Whether this match decided the request.
    pub disruptive: bool,
    /// Whether it belongs to the log, or only to the record.
    pub log: bool,
}
