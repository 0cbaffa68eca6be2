//! Results of functions as answers to clients.
//!
//! A function is not trusted with the connection: header values that would end a header, statuses that are none and
//! bodies that are not what they claim to be become an error of the API, as on the platform.

use brigandine_model::{Answer, ApiStyle, Payload};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::{
    InvokeError, Reply,
    payload::{Form, body},
};

/// Media type of a stream that begins with the status and headers of the answer.
pub(super) const WITH_PRELUDE: &str = "application/vnd.awslambda.http-integration-response";
/// What stands between that beginning and the body.
pub(super) const PRELUDE_END: [u8; 8] = [0; 8];
/// Longest beginning.
pub(super) const PRELUDE_LIMIT: usize = 64 * 1024;
/// Headers of the connection, which is ours.
const OURS: [HeaderName; 7] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
];

/// What a function may put into its result.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Parts<'a> {
    #[serde(borrow)]
    status_code: Option<&'a RawValue>,
    #[serde(borrow)]
    headers: Option<&'a RawValue>,
    #[serde(borrow)]
    multi_value_headers: Option<&'a RawValue>,
    #[serde(borrow)]
    cookies: Option<&'a RawValue>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
    #[serde(borrow)]
    is_base64_encoded: Option<&'a RawValue>,
}

/// What the platform would not take.
struct Malformed;

pub(crate) fn answer(form: &Form<'_>, reply: &Reply) -> Answer {
    let mut invoked = reply.invoked();
    let made = if reply.error.is_some() { Ok(broken(form)) } else { result(form, reply) };
    let answer = made.unwrap_or_else(|Malformed| {
        invoked.error = Some("Gateway.MalformedResponse".into());
        broken(form)
    });
    Answer { invocation: Some(invoked), ..answer }
}

pub(crate) fn failure(form: &Form<'_>, error: &InvokeError) -> Answer {
    let (status, message) = match error {
        InvokeError::TooManyRequests { .. } => (StatusCode::TOO_MANY_REQUESTS, "Too Many Requests"),
        InvokeError::DeadlinePassed => (StatusCode::GATEWAY_TIMEOUT, "Endpoint request timed out"),
        InvokeError::PayloadTooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "Request Too Long"),
        InvokeError::NotHere { .. } => (StatusCode::NOT_IMPLEMENTED, "The function does not run here"),
        InvokeError::Refused { .. } => (StatusCode::FORBIDDEN, "Forbidden"),
        InvokeError::UnknownFunction(_) | InvokeError::Malformed(_) | InvokeError::Stopped(_) => return broken(form),
    };
    let mut answer = told(status, message);
    if let InvokeError::TooManyRequests { retry_after, .. } = error {
        answer.headers.insert(header::RETRY_AFTER, (*retry_after).into());
    }
    answer
}

/// What clients see of a function that failed: nothing of its error. The lighter style says 500 where the others say 502.
fn broken(form: &Form<'_>) -> Answer {
    match form.style {
        ApiStyle::Http => told(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
        ApiStyle::Rest => told(StatusCode::BAD_GATEWAY, "Internal server error"),
        ApiStyle::FunctionUrl | ApiStyle::WebSocket => told(StatusCode::BAD_GATEWAY, "Internal Server Error"),
    }
}

fn told(status: StatusCode, message: &str) -> Answer {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let body = serde_json::json!({"message": message}).to_string().into();
    Answer { status, headers, body, rest: None, invocation: None }
}

fn result(form: &Form<'_>, reply: &Reply) -> Result<Answer, Malformed> {
    if reply.streamed {
        return stream(form, reply);
    }
    match form.payload {
        Payload::V1 => {
            let parts: Parts<'_> = object(&reply.payload).ok_or(Malformed)?;
            written(form, &parts)
        }
        Payload::V2 => match object::<Parts<'_>>(&reply.payload).filter(|parts| given(parts.status_code).is_some()) {
            Some(parts) => written(form, &parts),
            None => inferred(&reply.payload),
        },
    }
}

/// A document that is an object.
fn object<'a, T: Deserialize<'a>>(payload: &'a [u8]) -> Option<T> {
    let start = payload.iter().find(|byte| !byte.is_ascii_whitespace())?;
    (*start == b'{').then(|| serde_json::from_slice(payload).ok())?
}

/// A result without a status is the body of a good answer: text as it is, anything else as JSON.
fn inferred(payload: &Bytes) -> Result<Answer, Malformed> {
    let raw: &RawValue = serde_json::from_slice(payload).map_err(|_| Malformed)?;
    let body = match serde_json::from_str::<String>(raw.get()) {
        Ok(text) => text.into(),
        Err(_) => payload.clone(),
    };
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(Answer { status: StatusCode::OK, headers, body, rest: None, invocation: None })
}

/// An answer in parts.
fn written(form: &Form<'_>, parts: &Parts<'_>) -> Result<Answer, Malformed> {
    let status = status(given(parts.status_code).ok_or(Malformed)?)?;
    let mut headers = headers(form, parts)?;
    let text = text(given(parts.body))?;
    let body = if flag(given(parts.is_base64_encoded))? && decodes(form, &headers) {
        body::decode(&text).ok_or(Malformed)?.into()
    } else {
        text.into()
    };
    if !headers.contains_key(header::CONTENT_TYPE) {
        headers.insert(header::CONTENT_TYPE, default_type(form));
    }
    Ok(Answer { status, headers, body, rest: None, invocation: None })
}

/// A stream of bytes: with a beginning that says status and headers, or only a body.
fn stream(form: &Form<'_>, reply: &Reply) -> Result<Answer, Malformed> {
    let content_type = reply.content_type.as_deref().unwrap_or("application/octet-stream");
    if !body::matches(WITH_PRELUDE, content_type) {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(content_type).map_err(|_| Malformed)?);
        return Ok(Answer {
            status: StatusCode::OK,
            headers,
            body: reply.payload.clone(),
            rest: None,
            invocation: None,
        });
    }
    let beginning = reply.payload.get(..PRELUDE_LIMIT).unwrap_or(&reply.payload);
    let end = beginning.windows(PRELUDE_END.len()).position(|bytes| bytes == PRELUDE_END).ok_or(Malformed)?;
    let parts: Parts<'_> = object(reply.payload.get(..end).unwrap_or_default()).ok_or(Malformed)?;
    let status = given(parts.status_code).map_or(Ok(StatusCode::OK), status)?;
    let mut headers = headers(form, &parts)?;
    if !headers.contains_key(header::CONTENT_TYPE) {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    }
    Ok(Answer { status, headers, body: reply.payload.slice(end + PRELUDE_END.len()..), rest: None, invocation: None })
}

/// A value that is there and not null.
fn given(value: Option<&RawValue>) -> Option<&RawValue> {
    value.filter(|value| value.get() != "null")
}

/// A status from 200 to 599, as a number or as its digits: what comes before is not an end, what comes after is nothing.
fn status(value: &RawValue) -> Result<StatusCode, Malformed> {
    let digits = value.get().trim_matches('"');
    let number = digits.parse().ok().or_else(|| whole(digits)).ok_or(Malformed)?;
    StatusCode::from_u16(number).ok().filter(|_| (200..=599).contains(&number)).ok_or(Malformed)
}

/// `200.0`, which some languages write for 200.
fn whole(digits: &str) -> Option<u16> {
    let (number, zeros) = digits.split_once('.')?;
    zeros.bytes().all(|byte| byte == b'0').then(|| number.parse().ok())?
}

fn text(value: Option<&RawValue>) -> Result<String, Malformed> {
    value.map_or(Ok(String::new()), |value| serde_json::from_str(value.get()).map_err(|_| Malformed))
}

fn flag(value: Option<&RawValue>) -> Result<bool, Malformed> {
    match value.map(RawValue::get) {
        None | Some("false" | "\"false\"" | "\"\"") => Ok(false),
        Some("true" | "\"true\"") => Ok(true),
        Some(_) => Err(Malformed),
    }
}

fn headers(form: &Form<'_>, parts: &Parts<'_>) -> Result<HeaderMap, Malformed> {
    let mut headers = HeaderMap::new();
    for (name, value) in map(given(parts.headers))? {
        insert(&mut headers, &name, &value, Adding::Replaces)?;
    }
    if form.payload == Payload::V1 {
        for (name, values) in map(given(parts.multi_value_headers))? {
            let Value::Array(values) = values else { return Err(Malformed) };
            headers.remove(name.as_str());
            for value in values {
                insert(&mut headers, &name, &value, Adding::Appends)?;
            }
        }
        return Ok(headers);
    }
    let cookies: Vec<Value> = given(parts.cookies)
        .map_or(Ok(Vec::new()), |cookies| serde_json::from_str(cookies.get()).map_err(|_| Malformed))?;
    for cookie in cookies {
        insert(&mut headers, "set-cookie", &cookie, Adding::Appends)?;
    }
    Ok(headers)
}

fn map(value: Option<&RawValue>) -> Result<serde_json::Map<String, Value>, Malformed> {
    value.map_or(Ok(serde_json::Map::new()), |value| serde_json::from_str(value.get()).map_err(|_| Malformed))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Adding {
    Replaces,
    Appends,
}

fn insert(headers: &mut HeaderMap, name: &str, value: &Value, adding: Adding) -> Result<(), Malformed> {
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Malformed)?;
    if OURS.contains(&name) {
        return Ok(());
    }
    let text = match value {
        Value::Null => return Ok(()),
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        Value::Array(_) | Value::Object(_) => return Err(Malformed),
    };
    // Refuses line ends and other control characters.
    let value = HeaderValue::from_bytes(text.trim_matches([' ', '\t']).as_bytes()).map_err(|_| Malformed)?;
    match adding {
        Adding::Replaces => drop(headers.insert(name, value)),
        Adding::Appends => drop(headers.append(name, value)),
    }
    Ok(())
}

/// REST APIs decode only for media types they name as binary, in what the client accepts or the function declares.
fn decodes(form: &Form<'_>, headers: &HeaderMap) -> bool {
    if form.style != ApiStyle::Rest {
        return true;
    }
    let declared = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let accepted = form.accept.and_then(|accept| accept.split(',').next());
    let wanted =
        |media: Option<&str>| media.is_some_and(|media| form.binary.iter().any(|one| body::matches(one, media)));
    form.binary.iter().any(|one| one == "*/*") || wanted(accepted) || wanted(declared)
}

fn default_type(form: &Form<'_>) -> HeaderValue {
    HeaderValue::from_static(match (form.style, form.payload) {
        (ApiStyle::Http, Payload::V2) => "text/plain; charset=utf-8",
        _ => "application/json",
    })
}
