//! What is in a request: the firewall's rules look at it byte for byte, as the function will see it.

use std::{cell::RefCell, net::IpAddr, sync::Arc};

use brigandine_inspect::{Action, Match, Request, RuleSet, Scratch, Settings, Verdict};
use brigandine_model::{ContentJudged, Guard, Happening, Judged, Refusal, RuleMatch};

use crate::{
    guard::body::Ready,
    record::Recorder,
    settings::Firewall,
    visit::{Stop, Wait, refuse},
};

/// Requests in which the firewall found nothing.
pub(crate) struct HarmlessContent(pub(crate) Arc<Recorder>);

/// Bodies beyond this are looked at on a thread of their own, so that others' requests need not wait for them.
const AT_ONCE: usize = 4 * 1024;
/// Matches told in one event: the first ones decide.
const TOLD: usize = 20;

impl Wait for HarmlessContent {
    type In = Ready;
    type Out = Ready;

    async fn pass(&self, ready: Ready) -> Result<Ready, Stop> {
        let Some(firewall) = ready.plan.settings.firewall.as_ref().filter(|_| ready.entry.inspected) else {
            return Ok(ready);
        };
        let verdict = judge(firewall, &ready).await;
        let refused = verdict.action == Action::Block;
        if !refused && verdict.score == 0 {
            return Ok(ready);
        }
        let observed = refused && ready.observes(Guard::Inspection);
        self.0.tell(Happening::ContentJudged(Box::new(told(&ready, &verdict, observed))));
        if refused && !observed {
            firewall.keep(&ready.admitted.request);
        }
        if refused {
            // Nothing of the rule: whoever tries to get round it would learn from it.
            let code = if verdict.budget_exceeded { "content-budget" } else { "content" };
            let refusal: Refusal = refuse(Guard::Inspection, 403, code, "the request was refused");
            ready.object(refusal)?;
        }
        Ok(ready)
    }
}

async fn judge(firewall: &Firewall, ready: &Ready) -> Verdict {
    let rules = firewall.rules.load_full();
    let (request, settings) = (&ready.admitted.request, firewall.inspection);
    if request.body.len() <= AT_ONCE {
        return inspect(&rules, request, &settings);
    }
    let own = request.clone();
    match tokio::task::spawn_blocking(move || inspect(&rules, &own, &settings)).await {
        Ok(verdict) => verdict,
        // A fault of ours while looking is no reason to let something pass unlooked at.
        Err(_) => Verdict::unlooked(),
    }
}

thread_local! {
    /// Memory that served the last inspection on this thread.
    static SCRATCH: RefCell<Option<Scratch>> = const { RefCell::new(None) };
}

fn inspect(rules: &RuleSet, request: &brigandine_model::Request, settings: &Settings) -> Verdict {
    let uri =
        if request.query.is_empty() { request.path.to_string() } else { format!("{}?{}", request.path, request.query) };
    let mut headers: Vec<(&[u8], &[u8])> =
        request.headers.iter().map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes())).collect();
    // The door has taken the framing away; the rules ask for the length of what the function gets.
    let length = request.body.len().to_string();
    if !request.body.is_empty() && !request.headers.contains_key(http::header::CONTENT_LENGTH) {
        headers.push((b"content-length", length.as_bytes()));
    }
    let seen = Request {
        client: request.client,
        client_port: 0,
        server: IpAddr::from([127, 0, 0, 1]),
        server_port: if request.scheme == "https" { 443 } else { 80 },
        method: request.method.as_str().as_bytes(),
        uri: uri.as_bytes(),
        protocol: protocol(request.version),
        headers: &headers,
        body: &request.body,
        id: request.id.as_bytes(),
        time: u64::try_from(request.received.as_second()).unwrap_or_default(),
    };
    let scratch = SCRATCH.take().unwrap_or_default();
    let mut inspection = rules.start(settings, scratch);
    inspection.request(&seen);
    let (verdict, scratch) = inspection.finish();
    SCRATCH.set(Some(scratch));
    verdict
}

fn protocol(version: http::Version) -> &'static [u8] {
    match version {
        http::Version::HTTP_10 => b"HTTP/1.0",
        http::Version::HTTP_2 => b"HTTP/2.0",
        _ => b"HTTP/1.1",
    }
}

fn told(ready: &Ready, verdict: &Verdict, observed: bool) -> ContentJudged {
    let judged = match (verdict.action, observed) {
        (Action::Allow, _) => Judged::Noted,
        (Action::Block, true) => Judged::Observed,
        (Action::Block, false) => Judged::Refused,
    };
    let request = &ready.admitted.request;
    ContentJudged {
        request: request.id.clone(),
        client: request.client,
        route: ready.entry.label.clone(),
        judged,
        score: verdict.score,
        work: verdict.work,
        over_budget: verdict.budget_exceeded,
        matches: verdict.matches.iter().filter(|found| found.log).take(TOLD).map(rule_match).collect(),
    }
}

fn rule_match(found: &Match) -> RuleMatch {
    RuleMatch {
        rule: found.rule,
        severity: found.severity,
        message: found.message.as_str().into(),
        variable: found.variable.escape_debug().take(256).collect::<String>().into(),
        offset: found.offset,
        excerpt: shown(&found.excerpt),
    }
}

/// Bytes for the record: printable ones as they are, others escaped.
fn shown(bytes: &[u8]) -> Arc<str> {
    String::from_utf8_lossy(bytes).escape_debug().collect::<String>().into()
}
