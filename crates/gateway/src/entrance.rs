//! From hyper's request to the path, and from the path's outcome to hyper's answer.

use std::{
    convert::Infallible,
    sync::Arc,
    time::Instant,
};

use arc_swap::ArcSwap;
use brigandine_model::{Answer, Refusal};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Response, StatusCode, Version,
    header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, TRANSFER_ENCODING, WWW_AUTHENTICATE},
};
use hyper::body::{Body, Incoming};
use tower::ServiceExt;

use crate::{
    guard::identity::challenge,
    plan::Plan,
    record::{Draft, Recorder, shown},
    reply::Reply,
    visit::{Arrival, Peer, Seam, Stop, Trace},
    watch::Watch,
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What every connection shares.
pub(crate) struct Entrance {
    pub(crate) plan: ArcSwap<Plan>,
    pub(crate) path: Seam<Arrival>,
    pub(crate) recorder: Arc<Recorder>,
}

impl Entrance {
    /// Answers one request of a connection.
    pub(crate) async fn answer(
        self: Arc<Self>,
        watch: Arc<Watch>,
        peer: Peer,
        request: http::Request<Incoming>,
    ) -> Result<Response<Reply>, Infallible> {
        let busy = watch.clone().begin();
        let (head, body) = request.into_parts();
        let trace = Arc::new(Trace::new(peer.address));
        let id: Arc<str> = request_id().into();
        let version = head.version;
        let mut draft = Draft {
            recorder: self.recorder.clone(),
            id: id.clone(),
            began: Instant::now(),
            method: head.method.clone(),
            raw_path: shown(head.uri.path()),
            trace: trace.clone(),
            status: 499,
            sent_bytes: 0,
            refusal: None,
        };
        let unread = !body.is_end_stream();
        let arrival = Arrival {
            id: id.clone(),
            received: self.recorder.clock.wall(),
            peer,
            ambiguity: watch.ambiguity(),
            head,
            body,
            plan: self.plan.load_full(),
            trace: trace.clone(),
        };
        let outcome = self.path.clone().oneshot(arrival).await;
        let mut answer = match outcome {
            Ok(answer) => answer,
            Err(Stop::Answered(answer)) => *answer,
            Err(Stop::Refused(refusal)) => {
                let answer = refusal_answer(&refusal, &id, unread && version <= Version::HTTP_11);
                draft.refusal = Some(refusal);
                answer
            }
        };
        finish(&mut answer, &trace, &id);
        draft.status = answer.status.as_u16();
        draft.sent_bytes = answer.body.len() as u64;
        drop(draft);
        let mut response = Response::new(Reply::new(answer.body, busy));
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers;
        Ok(response)
    }
}

/// The answer of a guard. A body that nobody read would be taken for the next request, so such a connection closes.
fn refusal_answer(refusal: &Refusal, id: &str, close: bool) -> Answer {
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = serde_json::json!({"message": *refusal.reason, "code": refusal.code, "requestId": id});
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(seconds) = refusal.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Some(challenge) = challenge(refusal) {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    if close || refusal.guard == brigandine_model::Guard::Canonical && refusal.code.starts_with("framing") {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Answer { status, headers, body: Bytes::from(body.to_string()), invocation: None }
}

/// Headers of the connection are ours to set, not the function's.
fn finish(answer: &mut Answer, trace: &Trace, id: &str) {
    let ours = answer.headers.remove(CONNECTION).filter(|_| answer.invocation.is_none() && answer.status.as_u16() >= 400);
    for name in ["keep-alive", "proxy-connection", "te", "trailer", "upgrade"] {
        answer.headers.remove(name);
    }
    answer.headers.remove(CONTENT_LENGTH);
    answer.headers.remove(TRANSFER_ENCODING);
    trace.write(|facts| {
        if facts.owns_cors {
            let theirs: Vec<HeaderName> = answer
                .headers
                .keys()
                .filter(|name| name.as_str().starts_with("access-control-"))
                .cloned()
                .collect();
            for name in theirs {
                answer.headers.remove(name);
            }
        }
        for (name, value) in facts.answer_headers.drain(..) {
            answer.headers.append(name, value);
        }
    });
    if let Some(close) = ours {
        answer.headers.insert(CONNECTION, close);
    }
    if let Ok(id) = HeaderValue::from_str(id) {
        answer.headers.insert(REQUEST_ID, id);
    }
    if matches!(answer.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        answer.body = Bytes::new();
    }
}

/// A version 4 UUID.
fn request_id() -> String {
    let mut bits = [0_u8; 16];
    if getrandom::fill(&mut bits).is_err() {
        // Without randomness an id need only be unlike the others.
        use std::sync::atomic::{AtomicU64, Ordering};
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = u128::from(COUNT.fetch_add(1, Ordering::Relaxed));
        bits = count.to_be_bytes();
    }
    let bits = (u128::from_be_bytes(bits) & !(0xf << 76) & !(0b11 << 62)) | (4 << 76) | (0b10 << 62);
    let hex = format!("{bits:032x}");
    let part = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0..8), part(8..12), part(12..16), part(16..20), part(20..32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_are_random_uuids() {
        let id = request_id();
        assert_eq!(id.len(), 36);
        assert_eq!(id.as_bytes()[14], b'4');
        assert!(b"89ab".contains(&id.as_bytes()[19]));
        assert_ne!(id, request_id());
    }
}
