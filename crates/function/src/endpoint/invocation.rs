//! One invocation: the event read and looked over, the function run or the event queued, the reply in the platform's form.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::{body::Body as _, body::Incoming};
use serde::de::IgnoredAny;
use tokio::{sync::OwnedSemaphorePermit, time::timeout};

use super::{
    ASYNCHRONOUS, SYNCHRONOUS, Shared, body::Said, fault::Fault, json, queue::Waiting, report::Report, wish::Manner,
};
use crate::{
    Call, Reply,
    catalogue::{Entry, LATEST},
};

/// Longest wait for a whole event.
const PATIENCE: Duration = Duration::from_mins(1);
/// Bytes over the limit that are still read, so that a client hears the refusal instead of a broken connection.
const PATIENCE_BYTES: usize = 64 * 1024 * 1024;
/// Most bytes of a client context as it is sent.
const CONTEXT: usize = 3_583;

const INVOCATION_TYPE: &str = "x-amz-invocation-type";
const LOG_TYPE: &str = "x-amz-log-type";
const CLIENT_CONTEXT: &str = "x-amz-client-context";
/// Headers whose meaning is not kept here: to pass them over would be to promise it.
const NOT_KEPT: [(&str, &str); 2] = [
    ("x-amz-tenant-id", "tenants are not kept apart here, so the call is not made"),
    ("x-amz-durable-execution-name", "durable executions are not kept here, so the call is not made"),
];

const EXECUTED_VERSION: HeaderName = HeaderName::from_static("x-amz-executed-version");
const FUNCTION_ERROR: HeaderName = HeaderName::from_static("x-amz-function-error");
const LOG_RESULT: HeaderName = HeaderName::from_static("x-amz-log-result");

/// Whether somebody waits for the result.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    RequestResponse,
    Event,
    DryRun,
}

impl Kind {
    fn of(headers: &HeaderMap, manner: Manner) -> Result<Self, Fault> {
        match (manner, text(headers, INVOCATION_TYPE)) {
            (Manner::Oldest, _) | (Manner::Usual, Some("Event")) => Ok(Self::Event),
            (_, None | Some("" | "RequestResponse")) => Ok(Self::RequestResponse),
            (_, Some("DryRun")) => Ok(Self::DryRun),
            (_, Some(other)) => Err(unfit(other, "invocationType", "[Event, DryRun, RequestResponse]")),
        }
    }
}

/// Runs or queues one invocation.
pub(super) async fn run(
    shared: &Shared,
    (entry, manner, id): (&Entry, Manner, &Arc<str>),
    request: Request<Incoming>,
    received: &mut u64,
) -> Result<Response<Said>, Fault> {
    let (head, body) = request.into_parts();
    let kind = Kind::of(&head.headers, manner)?;
    let wanted = wants_log(&head.headers)?;
    let context = client_context(&head.headers)?;
    if let Some((_, why)) = NOT_KEPT.iter().find(|(name, _)| head.headers.contains_key(*name)) {
        return Err(Fault::parameter(*why));
    }
    if !is_event(&head.headers) {
        return Err(Fault::media_type());
    }
    let limit = if kind == Kind::Event { ASYNCHRONOUS } else { SYNCHRONOUS };
    let (payload, memory) = read(shared, body, limit).await?;
    *received = payload.len() as u64;
    let payload = event(payload)?;
    let mut call = Call::new(entry.id.clone(), id.clone(), payload);
    call.client_context = context;
    match kind {
        Kind::DryRun => Ok(empty(StatusCode::NO_CONTENT)),
        Kind::Event => {
            let waiting = Waiting { call, retries: entry.retries, max_age: entry.max_age };
            if !shared.queue.accept(waiting) {
                return Err(Fault::busy());
            }
            match manner {
                Manner::Oldest => Ok(json(StatusCode::ACCEPTED, &serde_json::json!({"Status": 202}))),
                _ => Ok(empty(StatusCode::ACCEPTED)),
            }
        }
        Kind::RequestResponse => {
            call.streaming = manner == Manner::Streamed;
            let outcome = shared.invoke.invoke(call).await;
            drop(memory);
            let reply = outcome.map_err(|error| Fault::of(&error, entry.reserved.is_some()))?;
            let report = Report { id: id.clone(), memory_mib: entry.memory_mib, wanted };
            Ok(if manner == Manner::Streamed { streamed(reply, report) } else { whole(&reply, &report) })
        }
    }
}

/// The reply as one document.
fn whole(reply: &Reply, report: &Report) -> Response<Said> {
    let mut response = Response::new(Said::whole(reply.payload.clone()));
    let headers = response.headers_mut();
    let streamed = reply.content_type.as_deref().filter(|_| reply.streamed && reply.error.is_none());
    let content_type = streamed.and_then(|kind| HeaderValue::from_str(kind).ok());
    headers.insert(header::CONTENT_TYPE, content_type.unwrap_or(super::JSON));
    headers.insert(EXECUTED_VERSION, HeaderValue::from_static(LATEST));
    if let Some(error) = &reply.error {
        headers.insert(FUNCTION_ERROR, HeaderValue::from_static(error.kind.as_str()));
    }
    if let Some(Ok(log)) = report.tail(reply).map(|tail| HeaderValue::from_str(&BASE64_STANDARD.encode(tail))) {
        headers.insert(LOG_RESULT, log);
    }
    response
}

/// The reply as events.
fn streamed(reply: Reply, report: Report) -> Response<Said> {
    let content_type = reply.content_type.as_deref().and_then(|kind| HeaderValue::from_str(kind).ok());
    let mut response = Response::new(Said::events(reply, report));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/vnd.amazon.eventstream"));
    headers.insert(EXECUTED_VERSION, HeaderValue::from_static(LATEST));
    let inner = HeaderName::from_static("x-amz-response-stream-content-type");
    headers.insert(inner, content_type.unwrap_or(HeaderValue::from_static("application/octet-stream")));
    response
}

fn empty(status: StatusCode) -> Response<Said> {
    let mut response = Response::new(Said::default());
    *response.status_mut() = status;
    response.headers_mut().insert(EXECUTED_VERSION, HeaderValue::from_static(LATEST));
    response
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("?"))
}

fn unfit(value: &str, member: &str, set: &str) -> Fault {
    let value: String = value.escape_debug().take(64).collect();
    Fault::parameter(format!(
        "Value '{value}' at '{member}' failed to satisfy constraint: Member must satisfy enum value set: {set}"
    ))
}

fn wants_log(headers: &HeaderMap) -> Result<bool, Fault> {
    match text(headers, LOG_TYPE) {
        None | Some("" | "None") => Ok(false),
        Some("Tail") => Ok(true),
        Some(other) => Err(unfit(other, "logType", "[Tail, None]")),
    }
}

/// The client context: base64 of a JSON object, handed on as text on one line.
fn client_context(headers: &HeaderMap) -> Result<Option<Arc<str>>, Fault> {
    let Some(encoded) = headers.get(CLIENT_CONTEXT) else { return Ok(None) };
    let unfit = || Fault::content("Client context must be a valid Base64-encoded JSON object.");
    if encoded.len() > CONTEXT {
        return Err(unfit());
    }
    let bytes = BASE64_STANDARD.decode(encoded.as_bytes()).map_err(|_| unfit())?;
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&bytes).map_err(|_| unfit())?;
    let written = String::from_utf8(bytes).map_err(|_| unfit())?;
    // What fits into a header goes as it came.
    let line =
        if written.chars().any(char::is_control) { serde_json::Value::Object(object).to_string() } else { written };
    Ok(Some(line.into()))
}

/// Kits send events as JSON, as bytes, or without saying; `curl` says that they come from a form. Other media types were
/// meant for another door.
fn is_event(headers: &HeaderMap) -> bool {
    let Some(kind) = text(headers, header::CONTENT_TYPE.as_str()) else { return true };
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let known = ["", "application/octet-stream", "binary/octet-stream", "application/x-www-form-urlencoded"];
    known.contains(&kind.as_str())
        || kind == "application/json"
        || kind.ends_with("+json")
        || kind.ends_with("-json")
        || kind.contains("x-amz-json")
}

/// What is sent must be JSON; where nothing is sent the function gets an empty object.
fn event(payload: Bytes) -> Result<Bytes, Fault> {
    if payload.is_empty() {
        return Ok(Bytes::from_static(b"{}"));
    }
    let unfit = |why: String| Fault::content(format!("Could not parse request body into json: {why}"));
    std::str::from_utf8(&payload).map_err(|fault| unfit(format!("Invalid UTF-8 at byte {}", fault.valid_up_to())))?;
    serde_json::from_slice::<IgnoredAny>(&payload).map_err(|fault| unfit(fault.to_string()))?;
    Ok(payload)
}

/// The whole body, within limits of size, time and memory.
async fn read(shared: &Shared, body: Incoming, limit: usize) -> Result<(Bytes, OwnedSemaphorePermit), Fault> {
    let announced = usize::try_from(body.size_hint().upper().unwrap_or(limit as u64)).unwrap_or(limit).min(limit);
    let kibibytes = u32::try_from(announced.div_ceil(1024).max(1)).unwrap_or(u32::MAX);
    let held = shared.memory.clone().try_acquire_many_owned(kibibytes).map_err(|_| Fault::busy())?;
    let bytes = timeout(PATIENCE, collect(body, limit)).await.unwrap_or(Err(Fault::slow()))?;
    Ok((bytes, held))
}

async fn collect(mut body: Incoming, limit: usize) -> Result<Bytes, Fault> {
    let mut first = Bytes::new();
    let mut more = BytesMut::new();
    let mut total = 0_usize;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Fault::content("the request body ended before its end"))?;
        let Ok(data) = frame.into_data() else { continue };
        total = total.saturating_add(data.len());
        if total > PATIENCE_BYTES {
            break;
        }
        if total > limit {
            (first, more) = (Bytes::new(), BytesMut::new());
        } else if first.is_empty() && more.is_empty() {
            first = data;
        } else {
            if more.is_empty() {
                more.extend_from_slice(&std::mem::take(&mut first));
            }
            more.extend_from_slice(&data);
        }
    }
    if total > limit {
        return Err(Fault::too_large(limit));
    }
    Ok(if more.is_empty() { first } else { more.freeze() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn an_event_is_json_or_nothing() {
        assert_eq!(event(Bytes::new()).unwrap(), "{}");
        for good in ["null", "[1]", " {\"a\":1e9} ", "\"text\""] {
            assert_eq!(event(good.into()).unwrap(), good);
        }
        for bad in [&b"{"[..], b"{\"a\" 1}", b"'x'", b"\"\xff\"", b"1 2", b"\0"] {
            let fault = event(Bytes::copy_from_slice(bad)).unwrap_err();
            assert_eq!(fault.refusal().code, "InvalidRequestContentException");
        }
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert!(event(deep.into()).is_ok(), "depth costs nothing to read");
    }

    #[test]
    fn a_client_context_is_an_object_on_one_line() {
        let sent = |text: &str| client_context(&headers(CLIENT_CONTEXT, &BASE64_STANDARD.encode(text)));
        assert_eq!(sent(r#"{"custom": {"ü": 1}}"#).unwrap().as_deref(), Some(r#"{"custom": {"ü": 1}}"#));
        assert_eq!(sent("{\n\"a\":\r\n1}").unwrap().as_deref(), Some(r#"{"a":1}"#));
        assert!(sent("[]").is_err() && sent("{").is_err());
        assert!(client_context(&headers(CLIENT_CONTEXT, "{}")).is_err(), "it is not encoded");
        assert!(sent(&format!("{{\"a\":\"{}\"}}", "x".repeat(4_000))).is_err(), "it is too long");
    }

    #[test]
    fn media_types_of_kits_are_taken_and_others_are_not() {
        for kind in ["application/json; charset=utf-8", "application/octet-stream", "application/cloudevents+json"] {
            assert!(is_event(&headers("content-type", kind)), "{kind}");
        }
        for kind in ["text/plain", "multipart/form-data; boundary=x", "application/xml"] {
            assert!(!is_event(&headers("content-type", kind)), "{kind}");
        }
        assert!(is_event(&HeaderMap::new()));
    }
}
