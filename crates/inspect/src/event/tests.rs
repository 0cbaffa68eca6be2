use std::io::Write as _;

use base64::Engine as _;
use serde_json::Value;

use super::leaves::{DEEPEST, MOST_BYTES};
use super::*;
use crate::{Action, Configuration, Engine, Sources};

fn rules() -> RuleSet {
    let text = "SecRuleEngine On\nSecRequestBodyAccess On\nSecRule ARGS \"@contains ../\" \"id:1,phase:2,deny\"\n";
    RuleSet::load(&Configuration::default().with_text("test", text), &Sources::new()).unwrap()
}

fn blocked(event: &Value) -> bool {
    rules().inspect_event(event.to_string().as_bytes(), &Settings::default()).action == Action::Block
}

fn base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[test]
fn every_wrapping_is_taken_off() {
    let attack = "../../etc/passwd";
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(serde_json::json!({"logEvents": [{"message": attack}]}).to_string().as_bytes()).unwrap();
    let wrapped = serde_json::json!({"Message": serde_json::json!({"file": attack}).to_string()}).to_string();
    for event in [
        serde_json::json!({"Records": [{"s3": {"object": {"key": "..%2F..%2Fetc%2Fpasswd"}}}]}),
        serde_json::json!({"Records": [{"s3": {"object": {"key": "..%252F..%252Fetc"}}}]}),
        serde_json::json!({"Records": [{"body": wrapped}]}),
        serde_json::json!({"Records": [{"kinesis": {"data": base64(attack.as_bytes())}}]}),
        serde_json::json!({"awslogs": {"data": base64(&packed.finish().unwrap())}}),
        serde_json::json!({"detail": {"deep": [[attack]]}}),
        serde_json::json!({"headers": [{"path": attack.as_bytes()}]}),
        serde_json::json!({"headers": [{"path": attack.bytes().map(u8::cast_signed).collect::<Vec<_>>()}]}),
        serde_json::json!({"data": base64(&[b"\x00\x08\x96\x01\x12\x20", attack.as_bytes(), b"\xff\x00"].concat())}),
        serde_json::json!({"data": base64(&zlib(attack.as_bytes()))}),
        serde_json::json!({"data": base64(&[gzip(b"harmless"), gzip(attack.as_bytes())].concat())}),
        serde_json::json!({"data": base64(attack.as_bytes()).replace("L2V0", "L2V0\r\n")}),
    ] {
        assert!(blocked(&event), "{event}");
    }
    assert!(!blocked(&serde_json::json!({"Records": [{"body": "{\"note\": \"fine\"}", "n": 1}]})));
}

#[test]
fn an_event_that_grows_without_end_is_refused() {
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    bomb.write_all(&vec![b'a'; 2 * MOST_BYTES]).unwrap();
    let event = serde_json::json!({"awslogs": {"data": base64(&bomb.finish().unwrap())}});
    let verdict = rules().inspect_event(event.to_string().as_bytes(), &Settings::default());
    assert!(verdict.budget_exceeded && verdict.action == Action::Block);
}

#[test]
fn what_is_no_json_is_looked_at_as_it_is() {
    let verdict = rules().inspect_event(b"../secret", &Settings::default());
    assert_eq!(verdict.action, Action::Block);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

#[test]
fn names_of_members_without_a_text_are_looked_at() {
    let text =
        "SecRuleEngine On\nSecRequestBodyAccess On\nSecRule ARGS_NAMES \"@contains $ne\" \"id:1,phase:2,deny\"\n";
    let rules = RuleSet::load(&Configuration::default().with_text("test", text), &Sources::new()).unwrap();
    for event in
        ["{\"a\":{\"$ne\":null}}", "{\"a\":{\"$ne\":0}}", "{\"a\":{\"$ne\":[1]}}", "{\"a\":\"{\\\"$ne\\\":false}\"}"]
    {
        assert_eq!(rules.inspect_event(event.as_bytes(), &Settings::default()).action, Action::Block, "{event}");
    }
}

#[test]
fn of_names_that_stand_twice_each_is_looked_at() {
    for event in ["{\"a\":\"../\",\"a\":\"x\"}", "{\"a\":\"x\",\"a\":\"../\"}"] {
        assert_eq!(rules().inspect_event(event.as_bytes(), &Settings::default()).action, Action::Block, "{event}");
    }
}

#[test]
fn what_is_wrapped_too_deep_is_refused() {
    let mut text = "fine words".to_owned();
    for _ in 1..DEEPEST {
        text = serde_json::json!({ "in": text }).to_string();
    }
    assert!(!blocked(&serde_json::json!({ "body": text })));
    for _ in 0..2 {
        text = serde_json::json!({ "in": text }).to_string();
    }
    assert!(blocked(&serde_json::json!({ "body": text })));
    let deep = "[".repeat(1_000) + &"]".repeat(1_000);
    assert_eq!(rules().inspect_event(deep.as_bytes(), &Settings::default()).action, Action::Block);
}

#[test]
fn a_large_batch_is_looked_at_to_its_end() {
    let record = |text: &str| serde_json::json!({"kinesis": {"data": base64(text.as_bytes()), "partitionKey": "k"}, "eventSource": "aws:kinesis"});
    let mut records: Vec<Value> = (0..2_000).map(|number| record(&format!("reading {number}"))).collect();
    assert!(!blocked(&serde_json::json!({ "Records": records })));
    records.push(record("../../etc/passwd"));
    let verdict =
        rules().inspect_event(serde_json::json!({ "Records": records }).to_string().as_bytes(), &Settings::default());
    assert_eq!(verdict.action, Action::Block);
    assert_eq!(verdict.matches[0].variable, "ARGS:json.Records.array_2000.kinesis.data");
}

#[test]
fn what_only_watches_refuses_no_event() {
    let settings = Settings { engine: Some(Engine::DetectionOnly), ..Settings::default() };
    let deep = "[".repeat(1_000) + &"]".repeat(1_000);
    let verdict = rules().inspect_event(deep.as_bytes(), &settings);
    assert_eq!((verdict.action, verdict.budget_exceeded), (Action::Allow, true));
}

#[test]
fn a_long_name_before_many_numbers_is_no_way_to_fill_memory() {
    let numbers = vec!["7"; 200_000].join(",");
    let event = serde_json::json!({ "k".repeat(1_000_000): format!("[{numbers}]") });
    let verdict = rules().inspect_event(event.to_string().as_bytes(), &Settings::default());
    assert!(verdict.budget_exceeded && verdict.action == Action::Block);
}

#[test]
fn what_another_record_said_before_is_still_refused() {
    let record = |text: &str| serde_json::json!({"body": text});
    assert!(blocked(&serde_json::json!({"Records": [record("fine"), record("fine"), record("../../secret")]})));
    // The same place is the same name; a name that only looks like an index is another one.
    let names = serde_json::json!([{"array_x": "fine"}, {"array_": "fine"}, {"array_1": "../"}]);
    assert!(blocked(&serde_json::json!({"Records": names})));
}

#[test]
fn no_place_and_text_pass_for_another() {
    // Both read alike one after the other, and only the second is an attack.
    let rules = "SecRuleEngine On\nSecRequestBodyAccess On\nSecRule ARGS \"@beginsWith ../\" \"id:1,phase:2,deny\"\n";
    let rules = RuleSet::load(&Configuration::default().with_text("test", rules), &Sources::new()).unwrap();
    for (one, other) in [("b../c", "a.b"), ("b.../c", "a.b."), ("\u{ff}../", "a\u{ff}")] {
        let event = serde_json::json!([{"a": one}, {other: "../c"}]);
        let verdict = rules.inspect_event(event.to_string().as_bytes(), &Settings::default());
        assert_eq!(verdict.action, Action::Block, "{event}");
    }
}
