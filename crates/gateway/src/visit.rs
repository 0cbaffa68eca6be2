//! What travels along the path: one type for each thing known, so that no guard can be passed by forgetting it.
//!
//! `Arrival` (raw) becomes `Visit` (one meaning, a client), becomes `Call` (a route), becomes `model::Admitted`.

use std::{
    future::{Future, Ready, ready},
    net::IpAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use brigandine_model::{Answer, Guard, Identity, LogicalId, Refusal, Request};
use http::request::Parts;
use hyper::body::{Body, Incoming};
use jiff::Timestamp;
use tower::{Layer, Service, ServiceExt, layer::layer_fn, util::BoxCloneSyncService};

use crate::plan::{Matched, Plan};

/// A seam of the path: takes `In`, answers or stops.
pub(crate) type Seam<In> = BoxCloneSyncService<In, Answer, Stop>;

/// Why a request goes no further.
#[derive(Debug)]
pub(crate) enum Stop {
    /// It has its answer already (a preflight).
    Answered(Box<Answer>),
    /// A guard refuses it.
    Refused(Refusal),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// A refusal; the reason is for the caller's eyes.
pub(crate) fn refuse(guard: Guard, status: u16, code: &'static str, reason: impl Into<Arc<str>>) -> Refusal {
    Refusal { guard, status, code, reason: reason.into(), retry_after: None }
}

/// The connection a request came by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    /// The other end of the socket, IPv4-mapped addresses as IPv4.
    pub(crate) address: IpAddr,
    /// `http` or `https`.
    pub(crate) scheme: &'static str,
    /// Our own port.
    pub(crate) port: u16,
}

/// A request as it came.
pub(crate) struct Arrival {
    pub(crate) id: Arc<str>,
    pub(crate) received: Timestamp,
    pub(crate) peer: Peer,
    /// What the bytes of the head say that the parsed head hides: two lengths, bare line feeds.
    pub(crate) ambiguity: Option<&'static str>,
    pub(crate) head: Parts,
    pub(crate) body: Unread,
    pub(crate) plan: Arc<Plan>,
    pub(crate) trace: Arc<Trace>,
}

/// A body not yet read, or not to its end. Dropped by whoever refuses the request, it goes back to the trace, so that the
/// answer can be given while the rest of it still comes.
pub(crate) struct Unread {
    body: Option<Incoming>,
    trace: Arc<Trace>,
}

impl Unread {
    pub(crate) fn new(body: Incoming, trace: Arc<Trace>) -> Self {
        Self { body: (!body.is_end_stream()).then_some(body), trace }
    }

    /// What is left of it.
    pub(crate) fn rest(&mut self) -> Option<&mut Incoming> {
        self.body.as_mut()
    }

    /// Nothing of it is left.
    pub(crate) fn done(mut self) {
        self.body = None;
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        if let Some(body) = self.body.take() {
            self.trace.write(|facts| facts.leftover = Some(body));
        }
    }
}

/// A request with one meaning, its body not yet read.
pub(crate) struct Visit {
    pub(crate) request: Request,
    pub(crate) body: Unread,
    pub(crate) plan: Arc<Plan>,
    pub(crate) trace: Arc<Trace>,
}

/// A request on its route.
pub(crate) struct Call {
    pub(crate) visit: Visit,
    pub(crate) matched: Matched,
    pub(crate) identity: Identity,
}

impl Visit {
    /// Stops the request, or notes the refusal where the guard only observes.
    pub(crate) fn object(&self, refusal: Refusal) -> Result<(), Stop> {
        if self.plan.settings.observe.covers(refusal.guard, None) {
            self.trace.write(|facts| facts.observed.push(refusal));
            return Ok(());
        }
        Err(Stop::Refused(refusal))
    }
}

impl Call {
    /// Stops the request, or notes the refusal where the guard only observes on this route.
    pub(crate) fn object(&self, refusal: Refusal) -> Result<(), Stop> {
        if self.visit.plan.settings.observe.covers(refusal.guard, Some(&self.matched.entry.observed)) {
            self.visit.trace.write(|facts| facts.observed.push(refusal));
            return Ok(());
        }
        Err(Stop::Refused(refusal))
    }
}

/// What is known of a request, kept outside of it so that the record survives whoever drops the request.
#[derive(Debug)]
pub(crate) struct Trace(Mutex<Facts>);

/// Facts for the record.
#[derive(Debug)]
pub(crate) struct Facts {
    /// The other end of the connection.
    pub(crate) peer: IpAddr,
    pub(crate) client: IpAddr,
    pub(crate) path: Option<Arc<str>>,
    pub(crate) route: Option<Arc<str>>,
    pub(crate) function: Option<LogicalId>,
    pub(crate) caller: Option<Arc<str>>,
    pub(crate) received_bytes: u64,
    pub(crate) observed: Vec<Refusal>,
    /// Headers every answer to this request carries, once its API is known.
    pub(crate) answer_headers: Vec<(http::HeaderName, http::HeaderValue)>,
    /// Whether the answers of the function may not set cross-origin headers themselves.
    pub(crate) owns_cors: bool,
    /// What nobody read of the body.
    pub(crate) leftover: Option<Incoming>,
    /// Whether its connection is to leave after the answer.
    pub(crate) last: bool,
}

impl Trace {
    pub(crate) fn new(peer: IpAddr) -> Self {
        Self(Mutex::new(Facts {
            peer,
            client: peer,
            path: None,
            route: None,
            function: None,
            caller: None,
            received_bytes: 0,
            observed: Vec::new(),
            answer_headers: Vec::new(),
            owns_cors: false,
            leftover: None,
            last: false,
        }))
    }

    pub(crate) fn write<T>(&self, change: impl FnOnce(&mut Facts) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What every guard's input brings along.
pub(crate) trait Traced {
    /// The plan it is served under, and its trace.
    fn traced(&self) -> (Arc<Plan>, Arc<Trace>);
}

impl Traced for Arrival {
    fn traced(&self) -> (Arc<Plan>, Arc<Trace>) {
        (self.plan.clone(), self.trace.clone())
    }
}

impl Traced for Visit {
    fn traced(&self) -> (Arc<Plan>, Arc<Trace>) {
        (self.plan.clone(), self.trace.clone())
    }
}

/// A guard that decides at once.
pub(crate) trait Step: Send + Sync + 'static {
    /// What it takes.
    type In: Send + 'static;
    /// What it hands on.
    type Out: Send + 'static;
    /// Decides.
    fn pass(&self, input: Self::In) -> Result<Self::Out, Stop>;
}

/// A guard that has to wait for something: a body, keys, a function.
pub(crate) trait Wait: Send + Sync + 'static {
    /// What it takes.
    type In: Send + 'static;
    /// What it hands on.
    type Out: Send + 'static;
    /// Decides.
    fn pass(&self, input: Self::In) -> impl Future<Output = Result<Self::Out, Stop>> + Send;
}

/// A guard that looks at what comes back.
pub(crate) trait Back: Send + Sync + 'static {
    /// What it takes and hands on.
    type In: Send + 'static;
    /// What it has to know of the request once the answer is there.
    type Memory: Send + 'static;
    /// Remembers; nothing where it will not look.
    fn remember(&self, input: &Self::In) -> Option<Self::Memory>;
    /// Decides.
    fn pass(&self, memory: Self::Memory, answer: Answer) -> impl Future<Output = Result<Answer, Stop>> + Send;
}

/// The layer of a guard that decides at once.
pub(crate) fn step<S: Step>(guard: S) -> impl Layer<Seam<S::Out>, Service = Seam<S::In>> {
    let guard = Arc::new(guard);
    layer_fn(move |next| Seam::new(Stepped { guard: guard.clone(), next }))
}

/// The layer of a guard that waits.
pub(crate) fn wait<W: Wait>(guard: W) -> impl Layer<Seam<W::Out>, Service = Seam<W::In>> {
    let guard = Arc::new(guard);
    layer_fn(move |next| Seam::new(Waited { guard: guard.clone(), next }))
}

/// The layer of a guard that looks at what comes back.
pub(crate) fn back<B: Back>(guard: B) -> impl Layer<Seam<B::In>, Service = Seam<B::In>> {
    let guard = Arc::new(guard);
    layer_fn(move |next| Seam::new(Watched { guard: guard.clone(), next }))
}

struct Stepped<S: Step> {
    guard: Arc<S>,
    next: Seam<S::Out>,
}

impl<S: Step> Clone for Stepped<S> {
    fn clone(&self) -> Self {
        Self { guard: self.guard.clone(), next: self.next.clone() }
    }
}

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Either a stop at once or whatever comes next: no box of its own.
pub(crate) enum Passage {
    Stopped(Ready<Result<Answer, Stop>>),
    On(Boxed<Result<Answer, Stop>>),
}

impl Future for Passage {
    type Output = Result<Answer, Stop>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Stopped(stop) => Pin::new(stop).poll(context),
            Self::On(next) => next.as_mut().poll(context),
        }
    }
}

impl<S: Step> Service<S::In> for Stepped<S> {
    type Response = Answer;
    type Error = Stop;
    type Future = Passage;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Stop>> {
        self.next.poll_ready(context)
    }

    fn call(&mut self, input: S::In) -> Passage {
        match self.guard.pass(input) {
            Ok(output) => Passage::On(self.next.call(output)),
            Err(stop) => Passage::Stopped(ready(Err(stop))),
        }
    }
}

struct Waited<W: Wait> {
    guard: Arc<W>,
    next: Seam<W::Out>,
}

impl<W: Wait> Clone for Waited<W> {
    fn clone(&self) -> Self {
        Self { guard: self.guard.clone(), next: self.next.clone() }
    }
}

impl<W: Wait> Service<W::In> for Waited<W> {
    type Response = Answer;
    type Error = Stop;
    type Future = Boxed<Result<Answer, Stop>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Stop>> {
        self.next.poll_ready(context)
    }

    fn call(&mut self, input: W::In) -> Self::Future {
        let guard = self.guard.clone();
        let next = self.next.clone();
        Box::pin(async move { next.oneshot(guard.pass(input).await?).await })
    }
}

struct Watched<B: Back> {
    guard: Arc<B>,
    next: Seam<B::In>,
}

impl<B: Back> Clone for Watched<B> {
    fn clone(&self) -> Self {
        Self { guard: self.guard.clone(), next: self.next.clone() }
    }
}

impl<B: Back> Service<B::In> for Watched<B> {
    type Response = Answer;
    type Error = Stop;
    type Future = Boxed<Result<Answer, Stop>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Stop>> {
        self.next.poll_ready(context)
    }

    fn call(&mut self, input: B::In) -> Self::Future {
        let memory = self.guard.remember(&input);
        let coming = self.next.call(input);
        let Some(memory) = memory else { return coming };
        let guard = self.guard.clone();
        Box::pin(async move { guard.pass(memory, coming.await?).await })
    }
}
