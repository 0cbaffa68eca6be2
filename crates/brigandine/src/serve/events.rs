//! The firewall before functions that no request calls: events of queues, streams, buckets and clocks are looked at where they come in,
//! by the rules that look at requests.
//!
//! A whole event that is refused never reaches its function. Of a batch, the refused items alone are taken out, put into quarantine
//! and the others go on. A message of a queue is then reported as failed where its trigger takes such reports, so that the queue's
//! own rules lead it to its dead letters. An item of a stream, or of an ordered queue, is never reported: its source would go back
//! to it, and all that comes behind would wait for it.

use std::{collections::BTreeSet, sync::Arc};

use brigandine_function::{
    Call, Invoke, InvokeError, Invoking, Reply,
    payload::batch::{self, Batch},
};
use brigandine_gateway::{Firewall, rule_matches};
use brigandine_inspect::{Action, Verdict};
use brigandine_model::{App, Event, EventJudged, Happening, Judged, LogicalId, RuleMatch, Sink, SourceKind};
use bytes::Bytes;
use jiff::Timestamp;

use super::quarantine::{Quarantine, Refused};

/// What looks at events at a moment, and whether it only observes; nothing where no one looks.
pub(crate) type Watch = Arc<dyn Fn() -> Option<(Firewall, bool)> + Send + Sync>;

/// Runs functions on events that were looked at.
#[derive(Clone)]
pub(crate) struct EventGate {
    /// Runs functions.
    pub(crate) behind: Arc<dyn Invoke>,
    /// Tells what looks at events.
    pub(crate) watch: Watch,
    /// The application, which says of triggers what they can do.
    pub(crate) app: Arc<App>,
    /// Takes what is refused.
    pub(crate) quarantine: Arc<Quarantine>,
    /// Takes events of ours.
    pub(crate) sink: Arc<dyn Sink>,
}

/// What is done with an event.
struct Decision {
    /// What the function gets; nothing where nothing is left.
    payload: Option<Bytes>,
    /// Items to be reported as failed.
    failures: Vec<String>,
    findings: Vec<Finding>,
}

/// What was found in an event, or in one item of it.
struct Finding {
    item: Option<String>,
    json: String,
    refused: bool,
    verdict: Verdict,
    matches: Vec<RuleMatch>,
}

impl Invoke for EventGate {
    fn invoke(&self, call: Call) -> Invoking<'_> {
        Box::pin(self.pass(call))
    }
}

impl EventGate {
    async fn pass(&self, mut call: Call) -> Result<Reply, InvokeError> {
        let Some((firewall, observes)) = (self.watch)() else { return self.behind.invoke(call).await };
        let look = Look { firewall, reports: self.takes_reports(&call.function) };
        let payload = call.payload.clone();
        let decided = tokio::task::spawn_blocking(move || look.decide(&payload)).await;
        // A fault of ours while looking is no reason to let something pass unlooked at.
        let Ok(decision) = decided else { return Err(InvokeError::Stopped("the event could not be looked at".into())) };
        if decision.findings.is_empty() {
            return self.behind.invoke(call).await;
        }
        if observes {
            self.tell(&call, &decision.findings, Judged::Observed);
            return self.behind.invoke(call).await;
        }
        self.keep(&call, &decision.findings).await?;
        self.tell(&call, &decision.findings, Judged::Refused);
        let whole = decision.findings.iter().any(|finding| finding.refused && finding.item.is_none());
        if whole {
            let reason = decision.findings.iter().find(|finding| finding.refused).map(reason).unwrap_or_default();
            return Err(InvokeError::Refused { function: call.function, reason: reason.into() });
        }
        let Some(payload) = decision.payload else {
            return Ok(Reply::of(batch::with_failures(
                &Bytes::from_static(br#"{"batchItemFailures":[]}"#),
                &decision.failures,
            )));
        };
        call.payload = payload;
        let mut reply = self.behind.invoke(call).await?;
        if reply.error.is_none() {
            reply.payload = batch::with_failures(&reply.payload, &decision.failures);
        }
        Ok(reply)
    }

    /// Whether the queues that call a function take reports of single failed messages.
    fn takes_reports(&self, function: &LogicalId) -> bool {
        let mut queues = self.app.sources_of(function).filter(|source| source.kind == SourceKind::Queue).peekable();
        let known = |fact: &Option<brigandine_model::Fact<bool>>| {
            fact.as_ref().is_some_and(|fact| fact.value.known() == Some(&true))
        };
        queues.peek().is_some() && queues.all(|source| known(&source.partial_batches))
    }

    /// Puts what is refused into quarantine. When that fails the call fails, so that its source delivers it again: nothing is lost.
    async fn keep(&self, call: &Call, findings: &[Finding]) -> Result<(), InvokeError> {
        let refused: Vec<(Option<String>, String, Vec<RuleMatch>)> = findings
            .iter()
            .filter(|finding| finding.refused)
            .map(|finding| (finding.item.clone(), finding.json.clone(), finding.matches.clone()))
            .collect();
        if refused.is_empty() {
            return Ok(());
        }
        let (quarantine, request, function) = (self.quarantine.clone(), call.request_id.clone(), call.function.clone());
        let keeping = tokio::task::spawn_blocking(move || {
            let refused: Vec<Refused<'_>> = refused
                .iter()
                .map(|(item, json, matches)| Refused {
                    request: &request,
                    function: &function,
                    item: item.as_deref(),
                    matches,
                    json,
                })
                .collect();
            quarantine.take(&refused, Timestamp::now())
        });
        let reason = match keeping.await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => format!("what was refused cannot be kept: {error}"),
            Err(_) => "what was refused cannot be kept".to_owned(),
        };
        Err(InvokeError::Stopped(reason.into()))
    }

    fn tell(&self, call: &Call, findings: &[Finding], refused: Judged) {
        for finding in findings {
            let shown = |item: &String| item.escape_debug().take(256).collect::<String>().into();
            let judged = EventJudged {
                request: call.request_id.clone(),
                function: call.function.clone(),
                item: finding.item.as_ref().map(shown),
                judged: if finding.refused { refused } else { Judged::Noted },
                quarantined: finding.refused && refused == Judged::Refused,
                score: finding.verdict.score,
                work: finding.verdict.work,
                over_budget: finding.verdict.budget_exceeded,
                matches: finding.matches.clone(),
            };
            self.sink.emit(Event { at: Timestamp::now(), what: Happening::EventJudged(Box::new(judged)) });
        }
    }
}

/// Why an event was refused, one clause for its sender's operator.
fn reason(finding: &Finding) -> String {
    match finding.matches.iter().find(|found| !found.variable.starts_with("TX")) {
        Some(found) => format!("rule {} in {}", found.rule, found.variable),
        None => "it could not be looked at to its end".to_owned(),
    }
}

/// One look at one event.
struct Look {
    firewall: Firewall,
    /// Whether its trigger takes reports of single failed messages.
    reports: bool,
}

impl Look {
    /// The whole event first, which most often is all; only where it is refused, its items one by one.
    fn decide(&self, payload: &Bytes) -> Decision {
        let whole = self.judge(None, payload);
        let pass = |findings| Decision { payload: Some(payload.clone()), failures: Vec::new(), findings };
        if !whole.refused {
            return pass(if whole.verdict.score == 0 { Vec::new() } else { vec![whole] });
        }
        let Some(batch) = Batch::read(payload) else {
            return Decision { payload: None, failures: Vec::new(), findings: vec![whole] };
        };
        let around = self.judge(None, &batch.around());
        if around.refused {
            return Decision { payload: None, failures: Vec::new(), findings: vec![whole] };
        }
        let (mut findings, mut places, mut failures) = (Vec::new(), BTreeSet::new(), Vec::new());
        for (place, item) in batch.items().into_iter().enumerate() {
            let finding = self.judge(Some(item.id.clone()), item.json.as_bytes());
            if finding.refused {
                places.insert(place);
                if self.reports && item.alone {
                    failures.push(item.id);
                }
            }
            if finding.refused || finding.verdict.score > 0 {
                findings.push(finding);
            }
        }
        // Items are strangers to each other: what none of them amounts to, all together do not either.
        let payload = if places.is_empty() { Some(payload.clone()) } else { batch.without(&places) };
        Decision { payload, failures, findings }
    }

    fn judge(&self, item: Option<String>, event: &[u8]) -> Finding {
        let verdict = self.firewall.rules.inspect_event(event, &self.firewall.inspection);
        Finding {
            item,
            refused: verdict.action == Action::Block,
            matches: rule_matches(&verdict.matches),
            json: if verdict.action == Action::Block {
                String::from_utf8_lossy(event).into_owned()
            } else {
                String::new()
            },
            verdict,
        }
    }
}

#[cfg(test)]
mod tests;
