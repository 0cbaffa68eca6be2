//! The Core Rule Set's tests: their stages, and what their sender puts on the wire.

use std::fmt::Write as _;
use std::path::Path;

use base64::Engine as _;
use serde_json::Value;

use super::{suite, yaml};

/// One stage of a test.
pub(crate) struct Stage {
    pub(crate) rule: String,
    pub(crate) test: String,
    pub(crate) number: usize,
    pub(crate) input: Value,
    pub(crate) output: Value,
}

impl Stage {
    /// What it is reported as.
    pub(crate) fn name(&self) -> String {
        let number = if self.number > 0 { format!("/{}", self.number) } else { String::new() };
        format!("{}-{}{number}", self.rule, self.test)
    }
}

/// Every stage below the suite's folder, in order.
pub(crate) fn all(folder: &Path) -> Vec<Stage> {
    let mut stages = Vec::new();
    for path in suite::files(&folder.join("tests/regression/tests"), ".yaml") {
        let file = yaml::load(&std::fs::read_to_string(&path).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for test in list(&file["tests"]) {
            stages.extend(list(&test["stages"]).iter().enumerate().map(|(number, stage)| Stage {
                rule: text(&file["rule_id"]).to_owned(),
                test: text(&test["test_id"]).to_owned(),
                number,
                input: stage["input"].clone(),
                output: stage["output"].clone(),
            }));
        }
    }
    stages
}

/// The items of a sequence, none of anything else.
pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The bytes that the sender of the tests puts on the wire.
pub(crate) fn raw(input: &Value) -> Vec<u8> {
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

/// A scalar, empty for anything else.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}

/// What the rules that matched lack, or should not have.
pub(crate) fn misses(output: &Value, matched: &[u64]) -> Vec<String> {
    let has = |id: &&Value| text(id).parse().is_ok_and(|id| matched.contains(&id));
    let log = &output["log"];
    let missing = list(&log["expect_ids"]).iter().filter(|id| !has(id)).map(|id| format!("{} did not match", text(id)));
    let unwanted = list(&log["no_expect_ids"]).iter().filter(has).map(|id| format!("{} matched", text(id)));
    missing.chain(unwanted).collect()
}

/// What the backend of the tests answers: 200, or at `/reflect` what the body asks for.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// The answer to a request.
pub(crate) fn reflect(target: &[u8], body: &[u8]) -> Reply {
    let mut reply = Reply { status: 200, headers: Vec::new(), body: Vec::new() };
    let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
    if path != b"/reflect" {
        return reply;
    }
    let Ok(asked) = serde_json::from_slice::<Value>(body) else { return reply };
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
