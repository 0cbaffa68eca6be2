//! `brigandine inspect`: recorded requests through the firewall, offline, one line each.

use std::{
    io::{BufRead, Read, Write},
    net::{IpAddr, Ipv4Addr},
    path::Path,
    time::Instant,
};

use anyhow::Context;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use brigandine_inspect::{Action, Match, Request, Response, RuleSet, Scratch, Settings, Verdict, Wire};
use serde::{Deserialize, Serialize};

use crate::{
    arguments::Inspect,
    face::{self, Outcome},
    firewall::{self, Origin, Wanted},
};

/// Bytes of one line: a body of 6 MiB in base64, with room.
const LONGEST_LINE: u64 = 32 * 1024 * 1024;

/// A recorded request as it is written down.
#[derive(Default, Deserialize)]
pub(crate) struct Recorded {
    /// Named in the result.
    #[serde(default)]
    pub(crate) id: serde_json::Value,
    /// The raw request.
    pub(crate) request_base64: Option<String>,
    /// Or an invocation event.
    pub(crate) event: Option<serde_json::Value>,
    /// The raw answer to the request, if it is to be looked at too.
    pub(crate) response_base64: Option<String>,
    /// Who asked.
    pub(crate) client_ip: Option<IpAddr>,
}

#[derive(Serialize)]
struct Said<'a> {
    id: &'a serde_json::Value,
    action: &'static str,
    status: u16,
    score: i64,
    rules: Vec<Found<'a>>,
    micros: u64,
}

#[derive(Serialize)]
struct Found<'a> {
    id: u64,
    severity: Option<&'static str>,
    variable: &'a str,
    excerpt: String,
}

#[derive(Default)]
struct Tally {
    judged: u64,
    blocked: u64,
    over_budget: u64,
    micros: u64,
}

pub(crate) fn run(arguments: &Inspect) -> anyhow::Result<Outcome> {
    let wanted = Wanted {
        origin: Origin::parse(&arguments.rules, Path::new("")),
        paranoia: arguments.paranoia,
        exclude: arguments.exclude.clone(),
        detect: arguments.detect,
    };
    let rules = firewall::load(&wanted)?;
    let tally = if arguments.requests == Path::new("-") {
        replay(&mut std::io::stdin().lock(), "standard input", &rules)?
    } else {
        let shown = arguments.requests.display().to_string();
        let file = std::fs::File::open(&arguments.requests).with_context(|| format!("cannot read `{shown}`"))?;
        replay(&mut std::io::BufReader::new(file), &shown, &rules)?
    };
    face::say(&tally.sentence());
    Ok(Outcome::Clean)
}

fn replay(input: &mut impl BufRead, name: &str, rules: &RuleSet) -> anyhow::Result<Tally> {
    let mut out = std::io::BufWriter::new(face::out());
    let mut tally = Tally::default();
    let mut scratch = Scratch::default();
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        let read = input
            .by_ref()
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut line)
            .with_context(|| format!("cannot read {name}"))?;
        if read == 0 {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let at = |what: String| anyhow::anyhow!("{name}:{number}: {what}");
        if read as u64 == LONGEST_LINE {
            return Err(at("the line is longer than 32 MiB".to_owned()));
        }
        let recorded: Recorded = serde_json::from_slice(&line).map_err(|error| at(error.to_string()))?;
        let began = Instant::now();
        let verdict = judge(&recorded, rules, &mut scratch).map_err(|error| at(error.to_string()))?;
        let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        tally.count(&verdict, micros);
        serde_json::to_writer(&mut out, &said(&recorded.id, &verdict, micros))?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(tally)
}

/// Looks at one recorded request as `serve` would.
pub(crate) fn judge(recorded: &Recorded, rules: &RuleSet, scratch: &mut Scratch) -> anyhow::Result<Verdict> {
    let settings = Settings { body_by_content: true, ..Settings::default() };
    let client = recorded.client_ip.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let (raw, event) = match (&recorded.request_base64, &recorded.event) {
        (Some(raw), None) => (STANDARD.decode(raw.trim()).context("`request_base64` is not base64")?, None),
        (None, Some(event)) => (Vec::new(), Some(event)),
        _ => anyhow::bail!("a line holds either `request_base64` or `event`"),
    };
    if let Some(event) = event {
        return Ok(rules.inspect_event(serde_json::to_string(event)?.as_bytes(), &settings));
    }
    let wire = Wire::request(&raw);
    let headers = wire.header_pairs();
    let request = Request {
        client,
        protocol: &wire.third,
        headers: &headers,
        body: &wire.body,
        ..Request::new(&wire.first, &wire.second)
    };
    let mut inspection = rules.start(&settings, std::mem::take(scratch));
    inspection.request(&request);
    if let Some(answer) = &recorded.response_base64 {
        let answer = Wire::response(&STANDARD.decode(answer.trim()).context("`response_base64` is not base64")?);
        let headers = answer.header_pairs();
        let status = std::str::from_utf8(&answer.second).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
        inspection.response(&Response { status, protocol: &answer.first, headers: &headers, body: &answer.body });
    }
    let (verdict, used) = inspection.finish();
    *scratch = used;
    Ok(verdict)
}

fn said<'a>(id: &'a serde_json::Value, verdict: &'a Verdict, micros: u64) -> Said<'a> {
    let action = if verdict.action == Action::Block { "block" } else { "allow" };
    let rules = verdict.matches.iter().map(found).collect();
    Said { id, action, status: verdict.status, score: verdict.score, rules, micros }
}

fn found(found: &Match) -> Found<'_> {
    Found {
        id: found.rule,
        severity: found.severity.map(severity),
        variable: &found.variable,
        excerpt: String::from_utf8_lossy(&found.excerpt).into_owned(),
    }
}

/// The word for a syslog severity.
pub(crate) fn severity(level: u8) -> &'static str {
    match level {
        0 => "emergency",
        1 => "alert",
        2 => "critical",
        3 => "error",
        4 => "warning",
        5 => "notice",
        6 => "info",
        _ => "debug",
    }
}

impl Tally {
    fn count(&mut self, verdict: &Verdict, micros: u64) {
        self.judged += 1;
        self.blocked += u64::from(verdict.action == Action::Block);
        self.over_budget += u64::from(verdict.budget_exceeded);
        self.micros += micros;
    }

    fn sentence(&self) -> String {
        let mean = self.micros.checked_div(self.judged).unwrap_or(0);
        let over = match self.over_budget {
            0 => String::new(),
            count => format!(", {count} of them for what they would have cost"),
        };
        let plural = if self.judged == 1 { "" } else { "s" };
        format!("{} request{plural} judged, {} refused{over}; {mean} us each", self.judged, self.blocked)
    }
}
