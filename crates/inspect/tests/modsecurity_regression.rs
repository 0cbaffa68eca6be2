//! Regression cases of `ModSecurity`: what directives, actions, operators, variables and phases do.
#![expect(clippy::disallowed_methods, reason = "a test fails by panicking, and reports what it counted")]

#[path = "support/json.rs"]
mod json;
#[path = "support/logs.rs"]
mod logs;
#[path = "support/suite.rs"]
mod suite;

use std::collections::BTreeMap;

use brigandine_inspect::{
    Action, Configuration, Note, Request, Response, RuleSet, Scratch, Settings, Sources, Verdict,
};
use json::Json;

/// Counts of one kind of expectation.
#[derive(Default)]
struct Count {
    passed: usize,
    failed: usize,
    excused: usize,
}

/// What a case came to.
struct Outcome {
    rules: Result<RuleSet, String>,
    verdict: Option<Verdict>,
    debug: String,
}

#[test]
fn cases_have_the_effects_that_are_expected() {
    let Some(folder) = suite::folder("modsecurity-regression") else {
        println!("modsecurity-regression: skipped, the suite is not there");
        return;
    };
    let mut sources = Sources::new();
    for path in suite::files(&folder.join("data"), "") {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        sources.insert(format!("test-cases/data/{name}"), std::fs::read(&path).unwrap());
    }
    let mut counts: BTreeMap<&str, Count> = BTreeMap::new();
    let mut skipped = 0;
    for path in suite::files(&folder.join("regression"), ".json") {
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let cases: Json =
            serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap_or_else(|error| panic!("{file}: {error}"));
        for case in cases.list() {
            if matches!(case.get("resource").text(), Some("lua" | "curl")) {
                skipped += 1;
                continue;
            }
            let outcome = run(&file, case, &sources);
            for (kind, wanted) in case.get("expected").members() {
                let wanted = wanted.text().unwrap_or("");
                let fault = judge(kind, wanted, &outcome, case);
                let count = counts.entry(group(kind)).or_default();
                let title = case.get("title").text().unwrap_or("");
                match fault {
                    None => count.passed += 1,
                    Some(_) if is_excused(&file, title, kind) => count.excused += 1,
                    Some(fault) => {
                        count.failed += 1;
                        println!("{file} | {title} | {kind} | {fault}");
                    }
                }
            }
        }
    }
    for (kind, count) in &counts {
        println!(
            "modsecurity-regression {kind}: {} passed, {} failed, {} excused",
            count.passed, count.failed, count.excused
        );
    }
    println!("modsecurity-regression: {skipped} cases skipped, they need a script or the network");
    assert!(counts.values().all(|count| count.failed == 0));
}

fn group(kind: &str) -> &'static str {
    match kind {
        "http_code" | "redirect_url" => "decisions",
        "parser_error" => "refusals",
        _ => "logs",
    }
}

fn is_excused(file: &str, title: &str, kind: &str) -> bool {
    include_str!("modsecurity_regression_excused.txt").lines().filter(|line| !line.starts_with('#')).any(|line| {
        let mut parts = line.split(" | ");
        (parts.next(), parts.next(), parts.next()) == (Some(file), Some(title), Some(kind))
    })
}

fn run(file: &str, case: &Json, sources: &Sources) -> Outcome {
    let rules: Vec<&str> = case.get("rules").list().iter().filter_map(Json::text).collect();
    let configuration = Configuration::default().with_text(file, rules.join("\n"));
    let rules = RuleSet::load(&configuration, sources).map_err(|error| error.to_string());
    let mut debug = String::new();
    let verdict = rules.as_ref().ok().map(|rules| inspect(rules, case, &mut debug));
    Outcome { rules, verdict, debug }
}

fn inspect(rules: &RuleSet, case: &Json, debug: &mut String) -> Verdict {
    let (request, response) = (case.get("request"), case.get("response"));
    let text = |value: &Json, fallback: &str| value.text().unwrap_or(fallback).to_owned();
    let method = text(request.get("method"), "GET");
    let uri = text(request.get("uri"), "/");
    let protocol = format!("HTTP/{}", text(request.get("http_version"), "1.1"));
    let request_headers = headers(request);
    let response_headers = headers(response);
    let (request_body, response_body) = (body(request), body(response));
    let number = |value: &Json| value.text().and_then(|text| text.parse().ok()).unwrap_or(0_u16);
    let address = |side: &str| case.get(side).get("ip").text().and_then(|ip| ip.parse().ok());
    let here = std::net::IpAddr::from([127, 0, 0, 1]);
    let request_headers = pairs(&request_headers);
    let response_headers = pairs(&response_headers);
    let request = Request {
        client: address("client").unwrap_or(here),
        client_port: number(case.get("client").get("port")),
        server: address("server").unwrap_or(here),
        server_port: number(case.get("server").get("port")),
        protocol: protocol.as_bytes(),
        headers: &request_headers,
        body: &request_body,
        id: b"1",
        time: 1_700_000_000,
        ..Request::new(method.as_bytes(), uri.as_bytes())
    };
    let response_protocol = text(response.get("protocol"), "HTTP/1.1");
    let response = Response {
        status: 200,
        protocol: response_protocol.as_bytes(),
        headers: &response_headers,
        body: &response_body,
    };
    let mut observer = |note: &Note<'_>| logs::debug(debug, note);
    let mut inspection = rules.start(&Settings::default(), Scratch::default());
    inspection.observe(&mut observer);
    inspection.request(&request);
    inspection.response(&response);
    let (verdict, _) = inspection.finish();
    // Nobody watching must not change what comes of it.
    let mut unwatched = rules.start(&Settings::default(), Scratch::default());
    unwatched.request(&request);
    unwatched.response(&response);
    let (unwatched, _) = unwatched.finish();
    assert_eq!((&verdict.matches, verdict.status), (&unwatched.matches, unwatched.status), "{case:?}");
    verdict
}

fn headers(message: &Json) -> Vec<(String, String)> {
    let headers = message.get("headers").members().iter();
    headers.map(|(name, value)| (name.clone(), value.text().unwrap_or("").to_owned())).collect()
}

fn pairs(headers: &[(String, String)]) -> Vec<(&[u8], &[u8])> {
    headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect()
}

fn body(message: &Json) -> Vec<u8> {
    message
        .get("body")
        .list()
        .iter()
        .filter_map(Json::text)
        .flat_map(|line| [line.as_bytes(), b"\n"].concat())
        .collect()
}

/// What speaks against an expectation.
fn judge(kind: &str, wanted: &str, outcome: &Outcome, case: &Json) -> Option<String> {
    if kind == "parser_error" {
        let refused = outcome.rules.is_err();
        return (refused == wanted.is_empty()).then(|| "the rules should be refused".to_owned());
    }
    let verdict = match (&outcome.verdict, &outcome.rules) {
        (Some(verdict), _) => verdict,
        (None, Err(error)) => return (!wanted.is_empty()).then(|| error.clone()),
        (None, Ok(_)) => return Some("nothing ran".to_owned()),
    };
    let is = match kind {
        "http_code" => {
            let status = if verdict.action == Action::Block { verdict.status } else { 200 };
            return (status.to_string() != wanted).then(|| format!("{status} instead of {wanted}"));
        }
        "redirect_url" => {
            let is = verdict.redirect.clone().unwrap_or_default();
            return (is != wanted).then(|| format!("{is} instead of {wanted}"));
        }
        "error_log" => logs::error(verdict),
        "audit_log" => logs::audit(verdict),
        _ => outcome.debug.clone(),
    };
    if let Some(gone) = wanted.strip_prefix("Skipped rule id '").and_then(|rest| rest.split('\'').next()) {
        // Its effect: the rule did not run.
        let ran = outcome.debug.contains(&format!("Rule: {gone}."));
        return ran.then(|| format!("rule {gone} ran"));
    }
    let pattern = regex::RegexBuilder::new(wanted).unicode(true).build();
    let found = pattern.map_or_else(|_| is.contains(wanted), |pattern| pattern.is_match(&is));
    (!found).then(|| {
        format!(
            "`{wanted}` not found; rules {:?}; log:\n{}",
            case.get("rules"),
            is.chars().take(1_500).collect::<String>()
        )
    })
}
