//! From hyper's request to the path, and from the path's outcome to hyper's answer.

use std::{
    cell::RefCell,
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use brigandine_model::{Answer, Guard, Refusal};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Response, StatusCode, Version,
    header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, RETRY_AFTER, TRANSFER_ENCODING, WWW_AUTHENTICATE},
};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::timeout;
use tower::ServiceExt;

use crate::{
    address::client_key,
    budget::Held,
    guard::identity::challenge,
    plan::Plan,
    record::{Draft, Recorder, shown},
    reply::{PIECE, Reply},
    visit::{Arrival, Peer, Seam, Stop, Trace, Unread, refuse},
    watch::Busy,
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What every connection shares.
pub(crate) struct Entrance {
    pub(crate) plan: ArcSwap<Plan>,
    pub(crate) path: Seam<Arrival>,
    pub(crate) recorder: Arc<Recorder>,
}

/// What a connection says of a request it brings.
pub(crate) struct Accepted {
    pub(crate) peer: Peer,
    /// What the bytes of its head hide.
    pub(crate) ambiguity: Option<&'static str>,
    /// Held while it is under way.
    pub(crate) busy: Busy,
}

impl Entrance {
    /// Answers one request of a connection.
    pub(crate) async fn answer(
        self: Arc<Self>,
        accepted: Accepted,
        request: http::Request<Incoming>,
    ) -> Result<Response<Reply>, Infallible> {
        let Accepted { peer, ambiguity, busy } = accepted;
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
        let first = version <= Version::HTTP_11;
        let waits_to_send = head.headers.contains_key(EXPECT);
        let arrival = Arrival {
            id: id.clone(),
            received: self.recorder.clock.wall(),
            peer,
            ambiguity,
            head,
            body: Unread::new(body, trace.clone()),
            plan: self.plan.load_full(),
            trace: trace.clone(),
        };
        let outcome = self.path.clone().oneshot(arrival).await;
        let mut answer = match outcome {
            Ok(answer) => answer,
            Err(Stop::Answered(answer)) => *answer,
            Err(Stop::Refused(refusal)) => {
                let answer = refusal_answer(&refusal, &id);
                draft.refusal = Some(refusal);
                answer
            }
        };
        let room = match room_for(&answer, &self.plan.load(), &trace) {
            Ok(room) => room,
            Err(refusal) => {
                answer = refusal_answer(&refusal, &id);
                draft.refusal = Some(refusal);
                None
            }
        };
        finish(&mut answer, &trace, &id);
        let (leftover, last) = trace.write(|facts| (facts.leftover.take(), facts.last));
        if last {
            busy.last();
        }
        // What nobody reads would be taken for the next request, and what is ambiguous for whatever the sender likes.
        if first && (last || leftover.is_some() || ambiguity.is_some()) {
            answer.headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(body) = leftover.filter(|_| first && !waits_to_send && ambiguity.is_none()) {
            tokio::spawn(let_pass(body, self.plan.load().settings.timers.grace));
        }
        draft.status = answer.status.as_u16();
        let reply = if let Some(rest) = answer.rest {
            Reply::flowing(answer.body, rest, busy, draft)
        } else {
            draft.sent_bytes = answer.body.len() as u64;
            drop(draft);
            Reply::new(answer.body, busy, room)
        };
        let mut response = Response::new(reply);
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers;
        Ok(response)
    }
}

/// Memory for a long answer until its reader has it: readers who take their time may not hold all there is.
fn room_for(answer: &Answer, plan: &Plan, trace: &Trace) -> Result<Option<Held>, Refusal> {
    if answer.body.len() <= PIECE {
        return Ok(None);
    }
    let mut held = plan.answers.nothing(client_key(trace.write(|facts| facts.client)));
    if held.grow_to(answer.body.len()) {
        return Ok(Some(held));
    }
    let reason = "too many answers wait for their readers";
    Err(Refusal { retry_after: Some(1), ..refuse(Guard::Size, 503, "answer-budget", reason) })
}

/// Bytes of an unwanted body that are let pass: those who send without listening would otherwise meet a closed
/// connection before they read why.
const LET_PASS: usize = 16 * 1024 * 1024;

/// Lets a body pass that nobody wants, for a while.
async fn let_pass(mut body: Incoming, patience: Duration) {
    let passing = async {
        let mut passed = 0;
        while let Some(Ok(frame)) = body.frame().await {
            passed += frame.data_ref().map_or(0, Bytes::len);
            if passed > LET_PASS {
                break;
            }
        }
    };
    // Whoever is not done by then is cut off.
    timeout(patience, passing).await.unwrap_or_default();
}

/// The answer of a guard.
fn refusal_answer(refusal: &Refusal, id: &str) -> Answer {
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
    Answer { status, headers, body: Bytes::from(body.to_string()), rest: None, invocation: None }
}

/// Headers of the connection are ours to set, not the function's.
fn finish(answer: &mut Answer, trace: &Trace, id: &str) {
    for name in ["connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade"] {
        answer.headers.remove(name);
    }
    answer.headers.remove(CONTENT_LENGTH);
    answer.headers.remove(TRANSFER_ENCODING);
    trace.write(|facts| {
        if facts.owns_cors {
            let theirs: Vec<HeaderName> =
                answer.headers.keys().filter(|name| name.as_str().starts_with("access-control-")).cloned().collect();
            for name in theirs {
                answer.headers.remove(name);
            }
        }
        for (name, value) in facts.answer_headers.drain(..) {
            answer.headers.append(name, value);
        }
    });
    if let Ok(id) = HeaderValue::from_str(id) {
        answer.headers.insert(REQUEST_ID, id);
    }
    if matches!(answer.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        answer.body = Bytes::new();
        answer.rest = None;
    }
}

/// A new name for a request: a version 4 UUID, 36 characters.
pub fn request_id() -> String {
    let bits = (random() & !(0xf << 76) & !(0b11 << 62)) | (4 << 76) | (0b10 << 62);
    let hex = format!("{bits:032x}");
    let part = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0..8), part(8..12), part(12..16), part(16..20), part(20..32))
}

/// Names drawn at once: the system is asked for chance once for this many.
const DRAWN: usize = 64;

/// Stands in for chance where the system has none.
static COUNT: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static CHANCE: RefCell<Vec<[u8; 16]>> = const { RefCell::new(Vec::new()) };
}

fn random() -> u128 {
    let drawn = CHANCE.with_borrow_mut(|left| {
        if left.is_empty() {
            let mut fresh = [0_u8; 16 * DRAWN];
            getrandom::fill(&mut fresh).ok()?;
            let (bits, _) = fresh.as_chunks::<16>();
            left.extend_from_slice(bits);
        }
        left.pop()
    });
    // Without randomness an id need only be unlike the others.
    drawn.map_or_else(|| u128::from(COUNT.fetch_add(1, Ordering::Relaxed)), u128::from_be_bytes)
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
