//! What is in an answer: rules that look for what a function should not let out, such as stack traces and listings.

use std::sync::Arc;

use brigandine_inspect::{Action, Response, Verdict};
use brigandine_model::{Answer, AnswerUnseen, Guard, Happening, Part, Request};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};

use crate::{
    guard::{
        body::Ready,
        content::{AT_ONCE, Told, inspect_answer, protocol},
    },
    plan::{Entry, Plan},
    record::Recorder,
    settings::Firewall,
    visit::{Back, Stop, Trace, refuse},
};

/// Answers in which the firewall found nothing.
pub(crate) struct HarmlessAnswer(pub(crate) Arc<Recorder>);

/// The request that an answer belongs to.
pub(crate) struct Asked {
    request: Request,
    entry: Arc<Entry>,
    plan: Arc<Plan>,
    trace: Arc<Trace>,
}

impl Back for HarmlessAnswer {
    type In = Ready;
    type Memory = Asked;

    fn remember(&self, ready: &Ready) -> Option<Asked> {
        ready.entry.answers_inspected.then(|| Asked {
            request: ready.admitted.request.clone(),
            entry: ready.entry.clone(),
            plan: ready.plan.clone(),
            trace: ready.trace.clone(),
        })
    }

    async fn pass(&self, asked: Asked, answer: Answer) -> Result<Answer, Stop> {
        let Some(firewall) = &asked.plan.settings.firewall else { return Ok(answer) };
        let seen = seen_bytes(firewall, &answer);
        if let Some(reason) = unseen(&answer, seen) {
            let (request, route) = (asked.request.id.clone(), asked.entry.label.clone());
            let unseen = AnswerUnseen { request, route, reason, seen_bytes: seen as u64 };
            self.0.tell(Happening::AnswerUnseen(unseen));
        }
        let (answer, verdict) = judge(firewall, &asked.request, answer, seen).await;
        let Some(verdict) = verdict else { return Ok(answer) };
        let refused = verdict.action == Action::Block;
        if !refused && verdict.matches.iter().all(|found| !found.log) {
            return Ok(answer);
        }
        let observed = asked.plan.settings.observe.covers(Guard::Inspection, Some(&asked.entry.observed));
        let told = Told { request: &asked.request, route: &asked.entry.label, observed };
        self.0.tell(Happening::ContentJudged(Box::new(told.event(Part::Answer, refused, &verdict))));
        if !refused {
            return Ok(answer);
        }
        // Not the caller's fault, so no 403: it is the function that let something out.
        let refusal = refuse(Guard::Inspection, 502, "answer-content", "the answer was withheld");
        if observed {
            asked.trace.write(|facts| facts.observed.push(refusal));
            return Ok(answer);
        }
        Err(Stop::Refused(refusal))
    }
}

/// How much of an answer's body is looked at. What streams is never held back for it, and what is packed says nothing.
fn seen_bytes(firewall: &Firewall, answer: &Answer) -> usize {
    if streams(answer) || packed(answer) { 0 } else { answer.body.len().min(firewall.response_bytes) }
}

/// Why not all of the body is looked at.
fn unseen(answer: &Answer, seen: usize) -> Option<&'static str> {
    if streams(answer) {
        return Some("streamed");
    }
    if answer.body.len() <= seen {
        return None;
    }
    Some(if packed(answer) { "packed" } else { "longer-than-looked-at" })
}

/// Whether a body is meant to be read as it comes.
fn streams(answer: &Answer) -> bool {
    if answer.rest.is_some() {
        return true;
    }
    let kind = answer.headers.get(CONTENT_TYPE).map(http::HeaderValue::as_bytes).unwrap_or_default();
    let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default();
    kind.trim_ascii().eq_ignore_ascii_case(b"text/event-stream")
}

/// Whether a body is compressed.
fn packed(answer: &Answer) -> bool {
    let coding = answer.headers.get(CONTENT_ENCODING).map(http::HeaderValue::as_bytes);
    coding.is_some_and(|coding| !coding.trim_ascii().eq_ignore_ascii_case(b"identity"))
}

/// Looks at the answer, on a thread of its own where it is long.
async fn judge(firewall: &Firewall, request: &Request, answer: Answer, seen: usize) -> (Answer, Option<Verdict>) {
    let (rules, settings) = (firewall.rules.clone(), firewall.inspection);
    let body = answer.body.slice(..seen);
    let (status, headers, request) = (answer.status.as_u16(), answer.headers.clone(), request.clone());
    let long = request.body.len() + seen > AT_ONCE;
    let look = move || {
        let pairs: Vec<(&[u8], &[u8])> =
            headers.iter().map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes())).collect();
        let response = Response { status, protocol: protocol(request.version), headers: &pairs, body: &body };
        inspect_answer(&rules, &request, &response, &settings)
    };
    let verdict = if long {
        // A fault of ours while looking is no reason to let something pass unlooked at.
        tokio::task::spawn_blocking(look).await.unwrap_or_else(|_| Some(Verdict::unlooked()))
    } else {
        look()
    };
    (answer, verdict)
}
