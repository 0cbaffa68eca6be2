//! Events: one struct for each thing that can happen to a connection, a request or an invocation.
//!
//! An event is emitted once; the log line, the metric and the audit record derive from it. Events carry no secrets and no
//! bodies.

use std::{net::IpAddr, sync::Arc};

use jiff::Timestamp;
use serde::Serialize;

use crate::{Alert, LogicalId, Refusal};

/// Something that happened.
#[derive(Clone, Debug, Serialize)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub what: Happening,
}

/// What happened.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Happening {
    /// The shield took up its work.
    ShieldStarted(ShieldStarted),
    /// The shield ended its work.
    ShieldStopped(ShieldStopped),
    /// A connection was turned away before it said anything.
    ConnectionRefused(ConnectionRefused),
    /// A connection ended by a fault: handshake, protocol, timeout.
    ConnectionFailed(ConnectionFailed),
    /// A request was answered, by a function or by a guard.
    RequestAnswered(Box<RequestAnswered>),
    /// The firewall found something in a request, or in the answer to it.
    ContentJudged(Box<ContentJudged>),
    /// The firewall left an answer unlooked at, or part of it.
    AnswerUnseen(AnswerUnseen),
    /// The firewall found something in an event on its way to a function.
    EventJudged(Box<EventJudged>),
    /// Refused requests were not kept whole, though they should have been.
    RequestsNotKept(RequestsNotKept),
    /// A function ran.
    InvocationFinished(InvocationFinished),
    /// An event that nobody waits for was given up.
    InvocationDropped(InvocationDropped),
    /// A function asked for a secret.
    SecretAsked(SecretAsked),
    /// A function wanted to reach another machine.
    EgressJudged(EgressJudged),
    /// A place for a function to run came up.
    EnvironmentStarted(EnvironmentStarted),
    /// A place for a function to run is gone.
    EnvironmentStopped(EnvironmentStopped),
    /// A function wrote a line.
    FunctionLogged(FunctionLogged),
    /// Another interpreter than the declared one serves a function.
    RuntimeSubstituted(RuntimeSubstituted),
    /// Something declared cannot be enforced, and what is done instead.
    NotEnforced(NotEnforced),
    /// Code, keys or settings were taken up anew.
    Reloaded(Reloaded),
    /// Something changed and cannot be used as it is now.
    ReloadFailed(ReloadFailed),
    /// People should know something: it began, changed, or is over.
    Alerted(Box<Alert>),
    /// An address does little but attack.
    AddressSuspected(AddressSuspected),
}

/// The shield took up its work.
#[derive(Clone, Debug, Serialize)]
pub struct ShieldStarted {
    /// The application.
    pub app: Arc<str>,
    /// Address it listens on.
    pub address: Arc<str>,
    /// Version of the program.
    pub version: &'static str,
}

/// The shield ended its work.
#[derive(Clone, Debug, Serialize)]
pub struct ShieldStopped {
    /// Requests answered since it started.
    pub requests: u64,
    /// Of these, refused by a guard.
    pub refused: u64,
    /// Of these, that would have been refused by a guard that only observes.
    pub observed: u64,
}

/// A connection was turned away before it said anything.
#[derive(Clone, Debug, Serialize)]
pub struct ConnectionRefused {
    /// The other end.
    pub peer: IpAddr,
    /// Why: `total-limit`, `address-limit`, `denied`.
    pub reason: &'static str,
    /// How many alike this event stands for, when many come at once.
    pub count: u64,
}

/// A connection ended by a fault.
#[derive(Clone, Debug, Serialize)]
pub struct ConnectionFailed {
    /// The other end.
    pub peer: IpAddr,
    /// Where: `tls`, `head`, `body`, `idle`, `protocol`.
    pub stage: &'static str,
    /// What, one clause.
    pub reason: Arc<str>,
    /// How many alike this event stands for, when many come at once.
    pub count: u64,
}

/// A request was answered.
#[derive(Clone, Debug, Serialize)]
pub struct RequestAnswered {
    /// The request's id.
    pub request: Arc<str>,
    /// The client.
    pub client: IpAddr,
    /// The method.
    pub method: Arc<str>,
    /// Canonical path, or the raw path cut to 256 bytes and escaped where it was not canonical.
    pub path: Arc<str>,
    /// The route's pattern with its method, when one matched.
    pub route: Option<Arc<str>>,
    /// The function, when one was asked.
    pub function: Option<LogicalId>,
    /// Who called: a token's subject or a key's id.
    pub caller: Option<Arc<str>>,
    /// Status of the answer.
    pub status: u16,
    /// Bytes of the request body.
    pub received_bytes: u64,
    /// Bytes of the answer's body.
    pub sent_bytes: u64,
    /// From complete head to complete answer, microseconds.
    pub duration_us: u64,
    /// Why it was refused.
    pub refusal: Option<Refusal>,
    /// What guards that only observe would have said.
    pub observed: Vec<Refusal>,
}

/// The firewall found something in a request, or in the answer to it.
#[derive(Clone, Debug, Serialize)]
pub struct ContentJudged {
    /// The request's id.
    pub request: Arc<str>,
    /// The client.
    pub client: IpAddr,
    /// The route's pattern with its method.
    pub route: Arc<str>,
    /// In which of the two it was found.
    pub part: Part,
    /// What came of it.
    pub judged: Judged,
    /// The anomaly score.
    pub score: i64,
    /// Work done, in units of about one byte looked at.
    pub work: u64,
    /// Whether it was refused because looking at it would have cost too much.
    pub over_budget: bool,
    /// The rules that matched, in order; at most 20.
    pub matches: Vec<RuleMatch>,
}

/// What the firewall looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The request.
    Request,
    /// The answer to it.
    Answer,
}

/// The firewall left an answer unlooked at, or part of it.
#[derive(Clone, Debug, Serialize)]
pub struct AnswerUnseen {
    /// The request's id.
    pub request: Arc<str>,
    /// The route's pattern with its method.
    pub route: Arc<str>,
    /// Why: `streamed`, `longer-than-looked-at`.
    pub reason: &'static str,
    /// Bytes of the body that were looked at.
    pub seen_bytes: u64,
}

/// The firewall found something in an event on its way to a function.
#[derive(Clone, Debug, Serialize)]
pub struct EventJudged {
    /// The id of the invocation it was for.
    pub request: Arc<str>,
    /// The function.
    pub function: LogicalId,
    /// The item of a batch that this is about, as its source names it, cut to 256 characters and escaped; nothing where it is
    /// about the whole event.
    pub item: Option<Arc<str>>,
    /// What came of it.
    pub judged: Judged,
    /// Whether it was put into quarantine.
    pub quarantined: bool,
    /// The anomaly score.
    pub score: i64,
    /// Work done, in units of about one byte looked at.
    pub work: u64,
    /// Whether it was refused because looking at it would have cost too much.
    pub over_budget: bool,
    /// The rules that matched, in order; at most 20.
    pub matches: Vec<RuleMatch>,
}

/// Refused requests were not kept whole, though they should have been.
#[derive(Clone, Debug, Serialize)]
pub struct RequestsNotKept {
    /// How many, since it was last told.
    pub count: u64,
    /// Why: `too-many-at-once`, `larger-than-the-store`, or what the system said.
    pub reason: Arc<str>,
}

/// What came of a request in which the firewall found something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Judged {
    /// It was refused.
    Refused,
    /// It would have been refused, but the guard only observes.
    Observed,
    /// It passed: what was found was not enough.
    Noted,
}

/// A rule of the firewall that matched.
#[derive(Clone, Debug, Serialize)]
pub struct RuleMatch {
    /// Its id.
    pub rule: u64,
    /// 0 (emergency) to 7 (debug).
    pub severity: Option<u8>,
    /// What it says.
    pub message: Arc<str>,
    /// Where it matched: `ARGS:name`.
    pub variable: Arc<str>,
    /// Where in the value, after transformations, in bytes.
    pub offset: usize,
    /// At most 64 bytes round the match, escaped; credentials are replaced.
    pub excerpt: Arc<str>,
}

/// A function ran.
#[derive(Clone, Debug, Serialize)]
pub struct InvocationFinished {
    /// The request it ran for; an id of its own where there was none.
    pub request: Arc<str>,
    /// The function.
    pub function: LogicalId,
    /// Number of the environment, from 1.
    pub environment: u64,
    /// Whether the environment was started for it.
    pub cold: bool,
    /// Time in the function, microseconds.
    pub duration_us: u64,
    /// Time of initialisation, microseconds, when the environment was started for it.
    pub init_us: Option<u64>,
    /// Milliseconds that are paid for: the run and, where an environment was started for it, the initialisation.
    pub billed_ms: u64,
    /// The function's memory in MiB.
    pub memory_mib: u32,
    /// Peak resident memory of the process in KiB, where it could be read.
    pub peak_memory_kib: Option<u64>,
    /// Type of the error, when it failed: `Sandbox.Timedout`, `Runtime.ExitError`, the handler's own.
    pub error: Option<Arc<str>>,
}

/// An event that nobody waits for was given up: every attempt failed, or there was no time for another.
#[derive(Clone, Debug, Serialize)]
pub struct InvocationDropped {
    /// The request it was accepted with.
    pub request: Arc<str>,
    /// The function.
    pub function: LogicalId,
    /// How often it was run.
    pub attempts: u32,
    /// Why there is no further attempt: `retries-exhausted`, `too-old`, `shutdown`, `does-not-run`.
    pub reason: &'static str,
    /// Type of the last error of the function, where it was run.
    pub error: Option<Arc<str>>,
}

/// A function asked for a secret. Never its value.
#[derive(Clone, Debug, Serialize)]
pub struct SecretAsked {
    /// The function, or nothing when the one who asked could not show whose it is.
    pub function: Option<LogicalId>,
    /// What it asked for, cut to 256 characters.
    pub secret: Arc<str>,
    /// What it was told.
    pub outcome: SecretOutcome,
}

/// What a function was told that asked for a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretOutcome {
    /// Its value.
    Given,
    /// That it may not read it.
    Denied,
    /// That there is none.
    Unknown,
    /// That the token is missing or wrong.
    WrongToken,
}

/// A function wanted to reach another machine.
#[derive(Clone, Debug, Serialize)]
pub struct EgressJudged {
    /// The function.
    pub function: LogicalId,
    /// The host it named, cut to 253 characters and escaped; empty when it named none.
    pub host: Arc<str>,
    /// The port.
    pub port: u16,
    /// What came of it.
    pub judged: Passage,
    /// Why: `granted`, `not-granted`, `private-address`, `name-mismatch`, `no-name`, `limit`, `unresolved`.
    pub reason: &'static str,
    /// How many alike this event stands for, when many come at once.
    pub count: u64,
}

/// What came of a wish to reach another machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Passage {
    /// It went through.
    Passed,
    /// It went through, though it is not granted: the guard only observes.
    Observed,
    /// It was refused.
    Refused,
}

/// A place for a function to run came up.
#[derive(Clone, Debug, Serialize)]
pub struct EnvironmentStarted {
    /// The function.
    pub function: LogicalId,
    /// Number of the environment, from 1.
    pub environment: u64,
    /// The interpreter or program that runs.
    pub program: Arc<str>,
    /// Process id.
    pub pid: u32,
}

/// A place for a function to run is gone.
#[derive(Clone, Debug, Serialize)]
pub struct EnvironmentStopped {
    /// The function.
    pub function: LogicalId,
    /// Number of the environment.
    pub environment: u64,
    /// Why: `idle`, `timeout`, `exit-status-1`, `signal-9`, `reload`, `shutdown`.
    pub reason: Arc<str>,
}

/// A function wrote a line.
#[derive(Clone, Debug, Serialize)]
pub struct FunctionLogged {
    /// The function.
    pub function: LogicalId,
    /// Number of the environment.
    pub environment: u64,
    /// The request it was busy with.
    pub request: Option<Arc<str>>,
    /// The line, cut to 8 KiB.
    pub line: Arc<str>,
}

/// Another interpreter than the declared one serves a function.
#[derive(Clone, Debug, Serialize)]
pub struct RuntimeSubstituted {
    /// The function.
    pub function: LogicalId,
    /// What the template declares.
    pub declared: Arc<str>,
    /// What serves.
    pub served_by: Arc<str>,
}

/// Something declared cannot be enforced.
#[derive(Clone, Debug, Serialize)]
pub struct NotEnforced {
    /// What: a route, a function, a setting.
    pub subject: Arc<str>,
    /// Why, and what is done instead.
    pub reason: Arc<str>,
}

/// Code, keys or settings were taken up anew.
#[derive(Clone, Debug, Serialize)]
pub struct Reloaded {
    /// What.
    pub subject: Arc<str>,
}

/// Something changed and cannot be used as it is now: what was in use before stays.
#[derive(Clone, Debug, Serialize)]
pub struct ReloadFailed {
    /// What.
    pub subject: Arc<str>,
    /// Why, with file and line where there are any.
    pub reason: Arc<str>,
}

/// An address does little but attack.
#[derive(Clone, Debug, Serialize)]
pub struct AddressSuspected {
    /// The address; of IPv6 the first of its /64.
    pub address: IpAddr,
    /// One clause: what shows it.
    pub reason: Arc<str>,
}

/// Where events go. Never blocks and never fails towards the caller: an event that cannot be kept is counted by the sink.
pub trait Sink: Send + Sync {
    /// Takes one event.
    fn emit(&self, event: Event);
}
