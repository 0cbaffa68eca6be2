//! The regression tests of the Core Rule Set, in process, from raw bytes.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and reports what it counted"
)]

#[path = "support/crs.rs"]
mod crs;
#[path = "support/suite.rs"]
mod suite;
#[path = "support/wire.rs"]
mod wire;
#[path = "support/yaml.rs"]
mod yaml;

use std::fmt::Write as _;

use base64::Engine as _;
use brigandine_inspect::{Request, Response, RuleSet, Scratch, Settings, Verdict};
use serde_json::Value;
use wire::Wire;

/// One stage with the name it is reported by.
struct Stage {
    name: String,
    raw: Vec<u8>,
    output: Value,
}

fn stages(folder: &std::path::Path) -> Vec<Stage> {
    let mut stages = Vec::new();
    for path in suite::files(&folder.join("tests/regression/tests"), ".yaml") {
        let file = yaml::load(&std::fs::read_to_string(&path).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let rule = text(&file["rule_id"]);
        for test in list(&file["tests"]) {
            for (number, stage) in list(&test["stages"]).iter().enumerate() {
                let name = format!(
                    "{rule}-{}{}",
                    text(&test["test_id"]),
                    if number > 0 { format!("/{number}") } else { String::new() }
                );
                stages.push(Stage { name, raw: raw(&stage["input"]), output: stage["output"].clone() });
            }
        }
    }
    stages
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}

/// The bytes that the sender of the tests puts on the wire.
fn raw(input: &Value) -> Vec<u8> {
    if let Some(encoded) = input["encoded_request"].as_str() {
        let encoded: String = encoded.split_whitespace().collect();
        return base64::engine::general_purpose::STANDARD.decode(encoded).unwrap();
    }
    let or = |name: &str, fallback: &str| input[name].as_str().unwrap_or(fallback).to_owned();
    let mut headers: Vec<(String, String)> = input["headers"]
        .as_object()
        .map(|headers| headers.iter().map(|(name, value)| (name.clone(), text(value).to_owned())).collect())
        .unwrap_or_default();
    let mut data = input["data"].as_str().map(str::to_owned);
    let has =
        |headers: &[(String, String)], wanted: &str| headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(wanted));
    if let Some(body) = &mut data {
        let multipart = headers.iter().any(|(name, value)| {
            name.eq_ignore_ascii_case("content-type") && value.to_ascii_lowercase().starts_with("multipart/form-data")
        });
        if multipart {
            *body = body.replace("\r\n", "\n").replace('\n', "\r\n");
            if !body.ends_with("\r\n") {
                body.push_str("\r\n");
            }
        }
    }
    if input["autocomplete_headers"].as_str() != Some("false") {
        if let Some(body) = &data {
            if !has(&headers, "content-type") {
                headers.push(("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
            }
            if !has(&headers, "content-length") && !has(&headers, "transfer-encoding") {
                headers.push(("Content-Length".to_owned(), body.len().to_string()));
            }
        }
        if !has(&headers, "connection") {
            headers.push(("Connection".to_owned(), "close".to_owned()));
        }
    }
    let version = or("version", "HTTP/1.1");
    let mut raw = format!("{} {}", or("method", "GET"), or("uri", "/"));
    if !version.is_empty() {
        write!(raw, " {version}").unwrap();
    }
    raw.push_str("\r\n");
    for (name, value) in headers {
        write!(raw, "{name}: {value}\r\n").unwrap();
    }
    raw.push_str("\r\n");
    raw.push_str(&data.unwrap_or_default());
    raw.into_bytes()
}

/// What the backend of the tests answers: 200, or at `/reflect` what the body asks for.
struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

fn reflect(wire: &Wire) -> Reply {
    let mut reply = Reply { status: 200, headers: Vec::new(), body: Vec::new() };
    let path = wire.uri.split(|byte| *byte == b'?').next().unwrap_or_default();
    if path != b"/reflect" {
        return reply;
    }
    let Ok(asked) = serde_json::from_slice::<Value>(&wire.body) else { return reply };
    reply.status = asked["status"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or(200);
    if let Some(headers) = asked["headers"].as_object() {
        reply.headers = headers.iter().map(|(name, value)| (name.clone(), text(value).to_owned())).collect();
    }
    reply.body = text(&asked["body"]).as_bytes().to_vec();
    if let Some(encoded) = asked["encodedBody"].as_str() {
        reply.body = base64::engine::general_purpose::STANDARD.decode(encoded).unwrap();
    }
    reply
}

fn inspect(rules: &RuleSet, wire: &Wire, settings: &Settings, scratch: Scratch) -> (Verdict, Scratch) {
    let headers: Vec<(&[u8], &[u8])> =
        wire.headers.iter().map(|(name, value)| (name.as_slice(), value.as_slice())).collect();
    let request = Request {
        protocol: &wire.protocol,
        headers: &headers,
        body: &wire.body,
        id: b"1",
        ..Request::new(&wire.method, &wire.uri)
    };
    let reply = reflect(wire);
    let headers: Vec<(&[u8], &[u8])> =
        reply.headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
    let response = Response { status: reply.status, protocol: b"HTTP/1.1", headers: &headers, body: &reply.body };
    let mut inspection = rules.start(settings, scratch);
    inspection.request(&request);
    inspection.response(&response);
    inspection.finish()
}

/// Everything that speaks against a stage.
fn judge(output: &Value, wire: &Wire, verdict: &Verdict) -> Vec<String> {
    let mut faults = Vec::new();
    let status = if wire.refused { 400 } else { 200 };
    if let Some(wanted) = output["status"].as_str()
        && wanted != status.to_string()
    {
        faults.push(format!("status {status} instead of {wanted}"));
    }
    if output["status"].as_str() == Some("400") && wire.refused {
        // The test says that the server refuses before any rule runs.
        return faults;
    }
    let matched: Vec<String> = verdict.matches.iter().map(|found| found.rule.to_string()).collect();
    let log = &output["log"];
    for id in list(&log["expect_ids"]) {
        if !matched.iter().any(|found| found == text(id)) {
            faults.push(format!("{} did not match", text(id)));
        }
    }
    for id in list(&log["no_expect_ids"]) {
        if matched.iter().any(|found| found == text(id)) {
            faults.push(format!("{} matched", text(id)));
        }
    }
    let lines: String = verdict.matches.iter().fold(String::new(), |mut lines, found| {
        let line = format!("[id \"{}\"] [msg \"{}\"] [data \"{}\"]", found.rule, found.message, found.data);
        lines.push_str(&line.replace('\r', "\\r").replace('\n', "\\n"));
        lines.push('\n');
        lines
    });
    if let Some(pattern) = log["match_regex"].as_str()
        && !regex::Regex::new(pattern).unwrap().is_match(&lines)
    {
        faults.push(format!("nothing fits `{pattern}` in {lines}"));
    }
    if let Some(pattern) = log["no_match_regex"].as_str()
        && regex::Regex::new(pattern).unwrap().is_match(&lines)
    {
        faults.push(format!("something fits `{pattern}`"));
    }
    faults
}

#[test]
fn stages_are_answered_as_the_rules_authors_say() {
    let Some(folder) = suite::folder("crs4") else {
        println!("crs4: skipped, the suite is not there");
        return;
    };
    let rules = RuleSet::load(&crs::version_4("DetectionOnly", crs::TEST_SETUP), &crs::sources(&folder)).unwrap();
    let excused: Vec<&str> = include_str!("crs4_excused.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let (mut passed, mut failed, mut pardoned) = (0, 0, 0);
    let mut differing = Vec::new();
    let (mut sieved, mut plain) = (Scratch::default(), Scratch::default());
    let (on, off) = (Settings::default(), Settings { filter: false, ..Settings::default() });
    for stage in stages(&folder) {
        let wire = Wire::parse(&stage.raw);
        let verdict;
        (verdict, sieved) = inspect(&rules, &wire, &on, sieved);
        let unsieved;
        (unsieved, plain) = inspect(&rules, &wire, &off, plain);
        if verdict.matches != unsieved.matches {
            differing.push(stage.name.clone());
        }
        assert!(!verdict.budget_exceeded, "{} used up its budget", stage.name);
        let faults = judge(&stage.output, &wire, &verdict);
        if faults.is_empty() {
            passed += 1;
        } else if excused.contains(&stage.name.as_str()) {
            pardoned += 1;
        } else {
            failed += 1;
            println!("{}: {}", stage.name, faults.join("; "));
        }
    }
    println!("crs4: {passed} passed, {failed} failed, {pardoned} excused");
    assert!(differing.is_empty(), "the sieve changes what matches: {differing:?}");
    assert_eq!(failed, 0);
}
