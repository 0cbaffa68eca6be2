//! The platform's own API for calling functions, for its unmodified command line and development kits.
//!
//! Functions are invoked (with and without waiting, whole and as a stream), listed and described; every other operation is
//! refused by name. Signatures are not verified: whoever reaches the socket may call, so it belongs on a loopback address,
//! and what comes from a web page is refused, as at the Runtime API.

mod body;
mod describe;
mod fault;
mod invocation;
mod queue;
mod report;
mod wish;

use std::{
    convert::Infallible,
    future::Future,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use brigandine_model::{Event, Happening, LogicalId, RequestAnswered, Sink};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use hyper::{body::Body as _, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::Timestamp;
use tokio::{net::TcpListener, net::TcpStream, sync::Semaphore, task::JoinSet, time::Instant};

pub use self::queue::QueueSettings;
use self::{body::Said, fault::Fault, queue::Queue, wish::Wish};
use crate::{Error, Invoke, catalogue::Catalogue};

/// Most bytes of an event whose caller waits.
pub(crate) const SYNCHRONOUS: usize = 6 * 1024 * 1024;
/// Most bytes of an event nobody waits for.
pub(crate) const ASYNCHRONOUS: usize = 1024 * 1024;

/// Most connections at a time.
const CONNECTIONS: usize = 256;
/// Longest wait for a request's head.
const HEAD: Duration = Duration::from_secs(10);
/// Memory for events that are being read or run, in KiB.
const MEMORY: usize = 128 * 1024;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// How the endpoint serves.
#[derive(Clone, Debug)]
pub struct EndpointSettings {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// How patient it is with events nobody waits for.
    pub queue: QueueSettings,
}

/// The endpoint, bound and not yet serving.
pub struct Endpoint {
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// What every request needs.
struct Shared {
    address: SocketAddr,
    catalogue: Arc<Catalogue>,
    invoke: Arc<dyn Invoke>,
    sink: Arc<dyn Sink>,
    queue: Arc<Queue>,
    memory: Arc<Semaphore>,
}

impl Endpoint {
    /// Binds the address. Must be called within a tokio runtime.
    pub async fn bind(
        settings: EndpointSettings,
        catalogue: Arc<Catalogue>,
        invoke: Arc<dyn Invoke>,
        sink: Arc<dyn Sink>,
    ) -> Result<Self, Error> {
        let failed = |source| Error::Listen { address: settings.listen, source };
        let listener = TcpListener::bind(settings.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let queue = Queue::new(invoke.clone(), sink.clone(), settings.queue);
        let memory = Arc::new(Semaphore::new(MEMORY));
        let shared = Arc::new(Shared { address, catalogue, invoke, sink, queue, memory });
        Ok(Self { listener, address, shared })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `end`; events that still wait then are given up, on record.
    pub async fn serve(self, end: impl Future<Output = ()>) {
        let mut connections = JoinSet::new();
        let mut end = std::pin::pin!(end);
        loop {
            while connections.try_join_next().is_some() {}
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = &mut end => break,
            };
            let Ok((stream, from)) = accepted else {
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            };
            // Whoever comes when all places are taken is turned away: its kit tries again.
            if connections.len() < CONNECTIONS {
                connections.spawn(speak(stream, from.ip(), self.shared.clone()));
            }
        }
        self.shared.queue.close().await;
    }
}

async fn speak(stream: TcpStream, from: IpAddr, shared: Arc<Shared>) {
    // Without it answers wait for acknowledgements; where it cannot be set they are only slower.
    drop(stream.set_nodelay(true));
    let service = service_fn(move |request| {
        let shared = shared.clone();
        async move { Ok::<_, Infallible>(answer(&shared, from, request).await) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD);
    // A connection that breaks harms only its own caller.
    drop(builder.serve_connection(TokioIo::new(stream), service).await);
}

/// What is known of a request for its record.
struct Told {
    function: Option<LogicalId>,
    operation: &'static str,
    received: u64,
}

async fn answer(shared: &Shared, from: IpAddr, request: Request<Incoming>) -> Response<Said> {
    let began = Instant::now();
    let id: Arc<str> = request_id().into();
    let (method, path) = (request.method().as_str().into(), shown(request.uri().path()));
    let mut told = Told { function: None, operation: "unknown", received: 0 };
    let outcome = match admitted(shared, request.headers()) {
        Ok(()) => served(shared, &id, request, &mut told).await,
        Err(fault) => Err(fault),
    };
    let refusal = outcome.as_ref().err().map(Fault::refusal);
    let mut response = outcome.unwrap_or_else(|fault| fault.answer());
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    let answered = RequestAnswered {
        request: id,
        client: from.to_canonical(),
        method,
        path,
        route: Some(told.operation.into()),
        function: told.function,
        caller: None,
        status: response.status().as_u16(),
        received_bytes: told.received,
        sent_bytes: response.body().size_hint().lower(),
        duration_us: u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX),
        refusal,
        observed: Vec::new(),
    };
    shared.sink.emit(Event { at: Timestamp::now(), what: Happening::RequestAnswered(Box::new(answered)) });
    response
}

/// A page in a browser can send requests to loopback sockets, but not without saying so, nor under this host's name when
/// it got here by another (DNS rebinding).
fn admitted(shared: &Shared, headers: &HeaderMap) -> Result<(), Fault> {
    if headers.contains_key(header::ORIGIN) || headers.contains_key("sec-fetch-site") {
        return Err(Fault::stranger("pages in a browser may not invoke functions"));
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if shared.address.ip().to_canonical().is_loopback() && !is_loopback(host) {
        return Err(Fault::stranger("the host of the request is not this machine"));
    }
    Ok(())
}

fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    address.map_or_else(
        |_| name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost"),
        |address| address.to_canonical().is_loopback(),
    )
}

async fn served(
    shared: &Shared,
    id: &Arc<str>,
    request: Request<Incoming>,
    told: &mut Told,
) -> Result<Response<Said>, Fault> {
    let wish = Wish::of(request.method(), request.uri().path()).inspect_err(|_| told.operation = "not-served")?;
    told.operation = wish.name();
    let query = wish::Query::of(request.uri().query().unwrap_or_default());
    let qualifier = query.value("Qualifier");
    let named = |name: &str| shared.catalogue.find(name, qualifier.as_deref()).map_err(Fault::of_name);
    match &wish {
        Wish::List => describe::list(&shared.catalogue, &query),
        Wish::Describe(name) => Ok(describe::function(named(name)?)),
        Wish::Configuration(name) => Ok(json(StatusCode::OK, &named(name)?.configuration)),
        Wish::Invoke(name, manner) => {
            let entry = named(name)?;
            told.function = Some(entry.id.clone());
            invocation::run(shared, (entry, *manner, id), request, &mut told.received).await
        }
    }
}

/// An answer with a document.
fn json(status: StatusCode, document: &serde_json::Value) -> Response<Said> {
    let mut response = Response::new(Said::whole(document.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    response
}

/// A path for the record: cut and escaped.
fn shown(path: &str) -> Arc<str> {
    path.chars().take(256).flat_map(char::escape_debug).collect::<String>().into()
}

/// A new name for a request: a version 4 UUID.
fn request_id() -> String {
    let mut bytes = [0_u8; 16];
    // Without randomness an id need only be unlike the others.
    if getrandom::fill(&mut bytes).is_err() {
        bytes = Timestamp::now().as_nanosecond().to_be_bytes();
    }
    let bits = (u128::from_be_bytes(bytes) & !(0xf << 76) & !(0b11 << 62)) | (4 << 76) | (0b10 << 62);
    let hex = format!("{bits:032x}");
    let part = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0..8), part(8..12), part(12..16), part(16..20), part(20..32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_machine_are_known_and_others_are_not() {
        for host in ["localhost", "LOCALHOST:9000", "127.0.0.1:1", "127.9.9.9", "[::1]:80", "lambda.localhost:1"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["", "evil.example", "127.0.0.1.evil.example:80", "10.0.0.1", "localhost.evil.example", "[::2]:80"]
        {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn ids_are_random_uuids() {
        let id = request_id();
        assert_eq!((id.len(), id.as_bytes()[14]), (36, b'4'));
        assert_ne!(id, request_id());
    }
}
