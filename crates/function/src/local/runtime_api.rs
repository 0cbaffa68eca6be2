//! The Lambda Runtime API, version 2018-06-01, for one environment on a socket of its own.
//!
//! Code in a function can speak to it as well as its runtime client can, and so can other processes and web pages of this
//! machine: connections come from the loopback address, name the socket as their host, and no browser is among them.

mod stream;

use std::{convert::Infallible, sync::Arc, time::Duration};

use base64::Engine as _;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpListener,
    sync::oneshot::{Receiver, error::RecvError},
    task::JoinSet,
};

use crate::{
    ErrorKind, FunctionError, PAYLOAD_LIMIT,
    local::{
        attention,
        connection::Heard,
        environment::{Environment, Outcome},
        peer,
        slot::{Asked, Delivery, Untaken},
    },
};

/// Most connections of one process at a time.
const CONNECTIONS: usize = 16;
/// Longest wait for the whole body of an answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes over the limit that are still read, so that a client hears the refusal instead of a broken connection.
const PATIENCE_BYTES: usize = 64 * 1024 * 1024;
/// Longest error type that is passed on.
const ERROR_TYPE: usize = 200;

const PREFIX: &str = "/2018-06-01/runtime/";
const REQUEST_ID: HeaderName = HeaderName::from_static("lambda-runtime-aws-request-id");
const DEADLINE: HeaderName = HeaderName::from_static("lambda-runtime-deadline-ms");
const FUNCTION_ARN: HeaderName = HeaderName::from_static("lambda-runtime-invoked-function-arn");
const TRACE_ID: HeaderName = HeaderName::from_static("lambda-runtime-trace-id");
const CLIENT_CONTEXT: HeaderName = HeaderName::from_static("lambda-runtime-client-context");
const ERROR_TYPE_NAME: HeaderName = HeaderName::from_static("lambda-runtime-function-error-type");
const ERROR_BODY_NAME: HeaderName = HeaderName::from_static("lambda-runtime-function-error-body");
const RESPONSE_MODE: HeaderName = HeaderName::from_static("lambda-runtime-function-response-mode");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

type Said = Response<Full<Bytes>>;

/// Serves one environment until it is aborted; its connections end with it.
pub(crate) async fn serve(listener: TcpListener, environment: Arc<Environment>) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok((stream, from)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let own = || stream.local_addr().is_ok_and(|local| peer::is_own(from, local));
        if !from.ip().is_loopback() || connections.len() >= CONNECTIONS || !own() {
            continue;
        }
        // Without it answers wait for acknowledgements; where it cannot be set they are only slower.
        drop(stream.set_nodelay(true));
        let heard = Heard::new(stream, environment.clone());
        let environment = environment.clone();
        let service = service_fn(move |request| {
            let environment = environment.clone();
            async move { Ok::<_, Infallible>(answer(&environment, request).await) }
        });
        let connection = http1::Builder::new().header_read_timeout(None).serve_connection(TokioIo::new(heard), service);
        connections.spawn(async move { drop(connection.await) });
    }
}

async fn answer(environment: &Arc<Environment>, request: Request<Incoming>) -> Said {
    if !is_runtime_client(request.headers(), &environment.address) {
        return refused(StatusCode::FORBIDDEN, "Forbidden", "only the runtime of this environment may ask");
    }
    let path = request.uri().path();
    let Some(rest) = path.strip_prefix(PREFIX) else {
        return if path == "/2018-06-01/ping" { said(StatusCode::OK, "pong".into()) } else { not_found() };
    };
    match (request.method(), rest) {
        (&Method::GET, "invocation/next") => next(environment).await,
        (&Method::POST, "init/error") => init_error(environment, request).await,
        (&Method::POST, rest) => match rest.strip_prefix("invocation/").and_then(|rest| rest.split_once('/')) {
            Some((id, "response")) => response(environment, id.to_owned(), request).await,
            Some((id, "error")) => error(environment, id.to_owned(), request).await,
            _ => not_found(),
        },
        (_, "invocation/next" | "init/error") => {
            refused(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", "Method not allowed")
        }
        _ => not_found(),
    }
}

/// A page in a browser can send requests to loopback sockets, but not without saying so, nor under this host's name when
/// it got here by another (DNS rebinding).
fn is_runtime_client(headers: &HeaderMap, address: &str) -> bool {
    let host = headers.get(header::HOST).is_none_or(|host| host.as_bytes() == address.as_bytes());
    host && !headers.contains_key(header::ORIGIN) && !headers.contains_key("sec-fetch-mode")
}

async fn next(environment: &Arc<Environment>) -> Said {
    let delivery = match environment.ask() {
        Asked::Given(delivery) => delivery,
        Asked::OutOfTurn => return out_of_turn(),
        // The sender is gone when the environment has ended; its process hears that soon enough.
        Asked::Wait(mut work) => match wait(environment, &mut work).await {
            Ok(delivery) => delivery,
            Err(_) => return refused(StatusCode::GONE, "Gone", "the environment has ended"),
        },
    };
    hand_over(environment, delivery)
}

async fn wait(environment: &Environment, work: &mut Receiver<Delivery>) -> Result<Delivery, RecvError> {
    match attention::for_call(&environment.shared.calls, &environment.usual, work).await {
        Some(found) => found,
        None => work.await,
    }
}

fn hand_over(environment: &Environment, delivery: Delivery) -> Said {
    let Delivery { order, deadline_ms } = delivery;
    let order = *order;
    let mut response = Response::new(Full::new(order.payload));
    let headers = response.headers_mut();
    headers.reserve(8);
    headers.insert(header::CONTENT_TYPE, JSON);
    headers.insert(REQUEST_ID, order.id_header);
    headers.insert(DEADLINE, deadline_ms.into());
    if let Ok(arn) = HeaderValue::from_str(&environment.plan.arn) {
        headers.insert(FUNCTION_ARN, arn);
    }
    if let Ok(trace) = HeaderValue::try_from(trace(environment.number, &order.id)) {
        headers.insert(TRACE_ID, trace);
    }
    if let Some(context) = order.client_context {
        headers.insert(CLIENT_CONTEXT, context);
    }
    response
}

/// A trace id of the platform's shape, from the second and the request's id.
fn trace(environment: u64, id: &str) -> String {
    let seconds = jiff::Timestamp::now().as_second();
    let mut digits = id.bytes().filter(u8::is_ascii_hexdigit).map(|digit| char::from(digit.to_ascii_lowercase()));
    let mut root: String = digits.by_ref().take(24).collect();
    while root.len() < 24 {
        root.push('0');
    }
    format!("Root=1-{seconds:08x}-{root};Parent={environment:016x};Sampled=0")
}

async fn response(environment: &Arc<Environment>, id: String, request: Request<Incoming>) -> Said {
    if let Err(untaken) = environment.expects(&id) {
        return not_taken(untaken);
    }
    let content_type = text(request.headers(), &header::CONTENT_TYPE);
    let streamed = text(request.headers(), &RESPONSE_MODE).is_some_and(|mode| mode.eq_ignore_ascii_case("streaming"));
    if streamed && let Some(pieces) = environment.begin_stream(&id, content_type.clone()) {
        return stream::pass_on(environment, &id, (request.into_body(), pieces)).await;
    }
    let outcome = match collect(request.into_body()).await {
        Ok(Sent { payload, trailers }) => Outcome {
            error: trailers.as_ref().and_then(broken_off),
            payload: trailers.as_ref().and_then(error_document).unwrap_or(payload),
            content_type,
            streamed,
        },
        Err(Unsent::TooLarge) => {
            let text = format!("Response payload size exceeded maximum allowed payload size ({PAYLOAD_LIMIT} bytes).");
            let outcome = too_large(&text);
            return environment.finish(&id, outcome).map_or_else(not_taken, |()| {
                let text = format!("Exceeded maximum allowed payload size ({PAYLOAD_LIMIT} bytes).");
                refused(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", &text)
            });
        }
        Err(Unsent::Broken) => return refused(StatusCode::BAD_REQUEST, "InvalidRequest", "the body is not complete"),
    };
    match environment.finish(&id, outcome) {
        Ok(()) => taken_in_turn().await,
        Err(untaken) => not_taken(untaken),
    }
}

async fn error(environment: &Arc<Environment>, id: String, request: Request<Incoming>) -> Said {
    if let Err(untaken) = environment.expects(&id) {
        return not_taken(untaken);
    }
    let error_type = text(request.headers(), &ERROR_TYPE_NAME);
    let document = match collect(request.into_body()).await {
        Ok(sent) => sent.payload,
        Err(Unsent::TooLarge) => Bytes::new(),
        Err(Unsent::Broken) => return refused(StatusCode::BAD_REQUEST, "InvalidRequest", "the body is not complete"),
    };
    let outcome = reported(&error_type.unwrap_or_else(|| "".into()), document);
    environment.finish(&id, outcome).map_or_else(not_taken, |()| taken())
}

async fn init_error(environment: &Arc<Environment>, request: Request<Incoming>) -> Said {
    let error_type = text(request.headers(), &ERROR_TYPE_NAME).unwrap_or_else(|| "".into());
    let document = collect(request.into_body()).await.map(|sent| sent.payload).unwrap_or_default();
    if environment.refuse(error_type, document) { taken() } else { out_of_turn() }
}

/// An error document with what can be read from it. The type in the document speaks before the header's.
pub(crate) fn reported(error_type: &str, document: Bytes) -> Outcome {
    #[derive(serde::Deserialize, Default)]
    #[serde(rename_all = "camelCase", default)]
    struct Document {
        error_type: Option<String>,
        error_message: Option<String>,
    }
    let read: Document = serde_json::from_slice(&document).unwrap_or_default();
    let named = read.error_type.filter(|name| !name.is_empty());
    let error_type = named.or_else(|| (!error_type.is_empty()).then(|| error_type.to_owned()));
    let error_type = error_type.unwrap_or_else(|| "Runtime.Unknown".to_owned());
    let message = read.error_message.unwrap_or_default();
    let payload = if document.is_empty() {
        serde_json::json!({"errorType": error_type, "errorMessage": message}).to_string().into()
    } else {
        document
    };
    let error = FunctionError { kind: ErrorKind::Unhandled, error_type: cut(&error_type), message };
    Outcome { payload, error: Some(error), content_type: None, streamed: false }
}

fn too_large(text: &str) -> Outcome {
    let error_type = "Function.ResponseSizeTooLarge";
    let document = serde_json::json!({"errorType": error_type, "errorMessage": text});
    reported(error_type, document.to_string().into())
}

/// A stream that was broken off says so in its trailers.
fn broken_off(trailers: &HeaderMap) -> Option<FunctionError> {
    let error_type = text(trailers, &ERROR_TYPE_NAME)?;
    let document = error_document(trailers).unwrap_or_default();
    reported(&error_type, document).error
}

fn error_document(trailers: &HeaderMap) -> Option<Bytes> {
    let encoded = trailers.get(ERROR_BODY_NAME)?;
    base64::engine::general_purpose::STANDARD.decode(encoded.as_bytes()).ok().map(Bytes::from)
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<Arc<str>> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(cut)
}

fn cut(text: &str) -> Arc<str> {
    text.chars().take(ERROR_TYPE).collect::<String>().into()
}

struct Sent {
    payload: Bytes,
    trailers: Option<HeaderMap>,
}

enum Unsent {
    TooLarge,
    Broken,
}

/// The whole body, within limits of size and time. One frame, the usual case, is handed on without a copy.
async fn collect(body: Incoming) -> Result<Sent, Unsent> {
    tokio::time::timeout(PATIENCE, read(body)).await.unwrap_or(Err(Unsent::Broken))
}

async fn read(mut body: Incoming) -> Result<Sent, Unsent> {
    let mut first = Bytes::new();
    let mut more = BytesMut::new();
    let mut trailers = None;
    let mut total = 0_usize;
    while let Some(frame) = body.frame().await {
        match frame.map_err(|_| Unsent::Broken)?.into_data() {
            Ok(data) => {
                total = total.saturating_add(data.len());
                if total > PATIENCE_BYTES {
                    return Err(Unsent::TooLarge);
                }
                if total > PAYLOAD_LIMIT {
                    more = BytesMut::new();
                } else if first.is_empty() {
                    first = data;
                } else {
                    if more.is_empty() {
                        more.extend_from_slice(&first);
                    }
                    more.extend_from_slice(&data);
                }
            }
            Err(frame) => trailers = frame.into_trailers().ok().or(trailers),
        }
    }
    if total > PAYLOAD_LIMIT {
        return Err(Unsent::TooLarge);
    }
    Ok(Sent { payload: if more.is_empty() { first } else { more.freeze() }, trailers })
}

/// Lets whoever waits for the answer go first: a caller should not wait while a process is thanked.
async fn taken_in_turn() -> Said {
    tokio::task::yield_now().await;
    taken()
}

fn taken() -> Said {
    said(StatusCode::ACCEPTED, Bytes::from_static(b"{\"status\":\"OK\"}\n"))
}

fn not_taken(untaken: Untaken) -> Said {
    match untaken {
        Untaken::WrongId => refused(StatusCode::BAD_REQUEST, "InvalidRequestID", "Invalid request ID"),
        Untaken::OutOfTurn => out_of_turn(),
    }
}

fn out_of_turn() -> Said {
    refused(StatusCode::FORBIDDEN, "InvalidStateTransition", "State transition is not allowed")
}

fn not_found() -> Said {
    refused(StatusCode::NOT_FOUND, "NotFound", "there is nothing at this path")
}

fn refused(status: StatusCode, error_type: &str, message: &str) -> Said {
    let document = serde_json::json!({"errorMessage": message, "errorType": error_type});
    said(status, document.to_string().into())
}

fn said(status: StatusCode, body: Bytes) -> Said {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    response
}
