//! What is in a request: the firewall's rules look at it byte for byte, as the function will see it.

use std::{cell::RefCell, net::IpAddr, sync::Arc};

use brigandine_inspect::{Action, Match, Request, Response, RuleSet, Scratch, Settings, Verdict};
use brigandine_model::{ContentJudged, Guard, Happening, Judged, Part, RuleMatch};

use crate::{
    guard::body::Ready,
    record::Recorder,
    settings::Firewall,
    visit::{Stop, Wait, refuse},
};

/// Requests in which the firewall found nothing.
pub(crate) struct HarmlessContent(pub(crate) Arc<Recorder>);

/// Bodies beyond this are looked at on a thread of their own, so that others' requests need not wait for them.
pub(super) const AT_ONCE: usize = 4 * 1024;
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
        let request = &ready.admitted.request;
        let told = Told { request, route: &ready.entry.label, observed: ready.observes(Guard::Inspection) };
        let told = told.event(Part::Request, refused, &verdict);
        if refused {
            firewall.keep(request, &told);
        }
        self.0.tell(Happening::ContentJudged(Box::new(told)));
        if refused {
            // Nothing of the rule: whoever tries to get round it would learn from it.
            ready.object(refuse(Guard::Inspection, 403, "content", "the request was refused"))?;
        }
        Ok(ready)
    }
}

async fn judge(firewall: &Firewall, ready: &Ready) -> Verdict {
    let (request, settings) = (&ready.admitted.request, firewall.inspection);
    if request.body.len() <= AT_ONCE {
        return inspect(&firewall.rules, request, &settings);
    }
    let (rules, own) = (firewall.rules.clone(), request.clone());
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
    seen(request, |seen| {
        let mut inspection = rules.start(settings, SCRATCH.take().unwrap_or_default());
        inspection.request(seen);
        let (verdict, scratch) = inspection.finish();
        SCRATCH.set(Some(scratch));
        verdict
    })
}

/// Looks at the answer to a request. The rules are asked of the request once more, since those for answers may speak of both;
/// nothing where they refuse the request itself, which was told then.
pub(super) fn inspect_answer(
    rules: &RuleSet,
    request: &brigandine_model::Request,
    answer: &Response<'_>,
    settings: &Settings,
) -> Option<Verdict> {
    seen(request, |seen| {
        let mut inspection = rules.start(settings, SCRATCH.take().unwrap_or_default());
        if inspection.request(seen) == Action::Allow {
            inspection.response(answer);
            let (mut verdict, scratch) = inspection.finish();
            SCRATCH.set(Some(scratch));
            verdict.matches.retain(|found| found.phase > 2);
            return Some(verdict);
        }
        None
    })
}

/// The request as the rules see it.
fn seen<T>(request: &brigandine_model::Request, look: impl FnOnce(&Request<'_>) -> T) -> T {
    let uri =
        if request.query.is_empty() { request.path.to_string() } else { format!("{}?{}", request.path, request.query) };
    let mut headers: Vec<(&[u8], &[u8])> =
        request.headers.iter().map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes())).collect();
    // The door has taken the framing away; the rules ask for the length of what the function gets.
    let length = request.body.len().to_string();
    if !request.body.is_empty() && !request.headers.contains_key(http::header::CONTENT_LENGTH) {
        headers.push((b"content-length", length.as_bytes()));
    }
    look(&Request {
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
    })
}

pub(super) fn protocol(version: http::Version) -> &'static [u8] {
    match version {
        http::Version::HTTP_10 => b"HTTP/1.0",
        http::Version::HTTP_2 => b"HTTP/2.0",
        _ => b"HTTP/1.1",
    }
}

/// What an event says of the request it is about.
pub(super) struct Told<'a> {
    pub(super) request: &'a brigandine_model::Request,
    pub(super) route: &'a Arc<str>,
    /// Whether what is refused passes all the same.
    pub(super) observed: bool,
}

impl Told<'_> {
    pub(super) fn event(&self, part: Part, refused: bool, verdict: &Verdict) -> ContentJudged {
        let judged = match (refused, self.observed) {
            (false, _) => Judged::Noted,
            (true, true) => Judged::Observed,
            (true, false) => Judged::Refused,
        };
        ContentJudged {
            request: self.request.id.clone(),
            client: self.request.client,
            route: self.route.clone(),
            part,
            judged,
            score: verdict.score,
            work: verdict.work,
            over_budget: verdict.budget_exceeded,
            matches: rule_matches(&verdict.matches),
        }
    }
}

/// What an event says of rules that matched: the first 20 that belong to the log, with nothing in them that a terminal would obey.
pub fn rule_matches(matches: &[Match]) -> Vec<RuleMatch> {
    matches.iter().filter(|found| found.log).take(TOLD).map(rule_match).collect()
}

fn rule_match(found: &Match) -> RuleMatch {
    RuleMatch {
        rule: found.rule,
        severity: found.severity,
        message: shown(found.message.as_bytes()),
        variable: found.variable.escape_debug().take(256).collect::<String>().into(),
        offset: found.offset,
        excerpt: shown(&found.excerpt),
    }
}

/// Bytes for the record: printable ones as they are, others escaped.
fn shown(bytes: &[u8]) -> Arc<str> {
    String::from_utf8_lossy(bytes).escape_debug().collect::<String>().into()
}

/// Requests that no rule minds, one for each kind of body.
const INNOCENT: [(&str, &str); 5] = [
    ("", ""),
    ("application/json", r#"{"name": "Ada O'Brien", "note": "two lamps; one shade", "tags": ["a-b", 7, null]}"#),
    ("application/x-www-form-urlencoded", "name=Ada+O%27Brien&note=two+lamps&page=2"),
    (
        "multipart/form-data; boundary=b",
        "--b\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nlamps\r\n--b--\r\n",
    ),
    ("application/xml", "<order><note kind=\"gift\">two lamps</note></order>"),
];

impl Firewall {
    /// Looks at innocent requests, so that what the rules prepare only when they are first asked is ready before the first
    /// customer comes. It takes milliseconds: not to be called where requests are served.
    pub fn warm(&self) {
        for (kind, body) in INNOCENT {
            let headers: [(&[u8], &[u8]); 4] = [
                (b"host", b"localhost"),
                (b"user-agent", b"curl/8.5.0"),
                (b"accept", b"*/*"),
                (b"content-type", kind.as_bytes()),
            ];
            let request = Request {
                headers: if body.is_empty() { headers.get(..3).unwrap_or_default() } else { &headers },
                body: body.as_bytes(),
                ..Request::new(if body.is_empty() { b"GET" } else { b"POST" }, b"/orders/17?page=2&sort=name")
            };
            self.rules.inspect(&request, &self.inspection);
        }
    }
}
