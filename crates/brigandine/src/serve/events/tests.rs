//! Events of each kind of source, before a function that tells what it was given.

use std::sync::Mutex;

use brigandine_inspect::{Configuration, RuleSet, Sources};
use brigandine_model::{Delivery, EventSource, Fact, Provenance};
use serde_json::{Value, json};

use super::*;

const ATTACK: &str = "../../etc/passwd";

#[derive(Default)]
struct Stage {
    given: Mutex<Vec<Value>>,
    told: Mutex<Vec<EventJudged>>,
}

struct Function(Arc<Stage>, &'static str);

impl Invoke for Function {
    fn invoke(&self, call: Call) -> Invoking<'_> {
        self.0.given.lock().unwrap().push(serde_json::from_slice(&call.payload).unwrap());
        Box::pin(async { Ok(Reply::of(self.1)) })
    }
}

impl Sink for Stage {
    fn emit(&self, event: Event) {
        if let Happening::EventJudged(judged) = event.what {
            self.told.lock().unwrap().push(*judged);
        }
    }
}

struct Bench {
    stage: Arc<Stage>,
    gate: EventGate,
    place: tempfile::TempDir,
}

fn bench(reports: bool, observes: bool, answer: &'static str) -> Bench {
    let text = "SecRuleEngine On\nSecRequestBodyAccess On\nSecRule ARGS \"@contains ../\" \"id:7,phase:2,deny,msg:'climbs'\"\n";
    let rules = RuleSet::load(&Configuration::default().with_text("test", text), &Sources::new()).unwrap();
    let firewall = Firewall::new(rules);
    let source = EventSource {
        function: LogicalId::new("F"),
        kind: SourceKind::Queue,
        delivery: Delivery::Poll,
        source: None,
        failure_target: None,
        partial_batches: Some(Fact::known(reports, Provenance::default())),
        batch_size: None,
        provenance: Provenance::default(),
    };
    let stage = Arc::new(Stage::default());
    let place = tempfile::tempdir().unwrap();
    let gate = EventGate {
        behind: Arc::new(Function(stage.clone(), answer)),
        watch: Arc::new(move || Some((firewall.clone(), observes))),
        app: Arc::new(App { sources: vec![source], ..App::default() }),
        quarantine: Arc::new(Quarantine::of(place.path())),
        sink: stage.clone(),
    };
    Bench { stage, gate, place }
}

impl Bench {
    async fn run(&self, event: &Value) -> Result<Value, InvokeError> {
        let reply = self.gate.invoke(Call::new(LogicalId::new("F"), "r", event.to_string())).await?;
        Ok(serde_json::from_slice(&reply.payload).unwrap())
    }

    fn given(&self) -> Vec<Value> {
        self.stage.given.lock().unwrap().clone()
    }

    fn told(&self) -> Vec<(Option<String>, Judged, bool)> {
        let told = self.stage.told.lock().unwrap();
        told.iter().map(|one| (one.item.as_deref().map(str::to_owned), one.judged, one.quarantined)).collect()
    }

    fn quarantined(&self) -> Vec<Value> {
        let mut lines = Vec::new();
        super::super::store::find(&self.place.path().join("quarantine"), |line| {
            lines.push(serde_json::from_slice(line).unwrap());
            None::<()>
        })
        .unwrap();
        lines
    }
}

fn message(id: &str, body: &str, queue: &str) -> Value {
    let arn = format!("arn:aws:sqs:eu-west-1:123456789012:{queue}");
    json!({"messageId": id, "body": body, "eventSource": "aws:sqs", "eventSourceARN": arn})
}

fn kinesis(number: &str, text: &str) -> Value {
    use base64::Engine as _;
    let data = base64::engine::general_purpose::STANDARD.encode(text);
    json!({"eventSource": "aws:kinesis", "kinesis": {"sequenceNumber": number, "data": data}})
}

fn change(number: &str, text: &str) -> Value {
    json!({"eventSource": "aws:dynamodb", "dynamodb": {"SequenceNumber": number, "NewImage": {"note": {"S": text}}}})
}

fn records(records: &[Value]) -> Value {
    json!({"Records": records})
}

#[tokio::test]
async fn a_refused_message_is_reported_so_that_its_queue_leads_it_away() {
    let bench = bench(true, false, r#"{"batchItemFailures":[{"itemIdentifier":"c"}]}"#);
    let event = records(&[message("a", "fine", "q"), message("b", ATTACK, "q"), message("c", "fine", "q")]);
    let reply = bench.run(&event).await.unwrap();
    assert_eq!(reply, json!({"batchItemFailures": [{"itemIdentifier": "c"}, {"itemIdentifier": "b"}]}));
    assert_eq!(bench.given(), [records(&[message("a", "fine", "q"), message("c", "fine", "q")])]);
    assert_eq!(bench.told(), [(Some("b".to_owned()), Judged::Refused, true)]);
    let kept = bench.quarantined();
    assert_eq!((kept.len(), &kept[0]["event"], &kept[0]["item"]), (1, &message("b", ATTACK, "q"), &json!("b")));
    assert_eq!(kept[0]["matches"][0]["rule"], 7);
    // It is delivered again until the queue has had enough; it is not kept again.
    let reply = bench.run(&records(&[message("b", ATTACK, "q")])).await.unwrap();
    assert_eq!(reply, json!({"batchItemFailures": [{"itemIdentifier": "b"}]}));
    assert_eq!((bench.given().len(), bench.quarantined().len()), (1, 1));
}

#[tokio::test]
async fn without_reports_a_refused_message_is_taken_out_and_the_others_go_on() {
    let bench = bench(false, false, "null");
    let event = records(&[message("a", ATTACK, "q"), message("b", "fine", "q")]);
    assert_eq!(bench.run(&event).await.unwrap(), Value::Null);
    assert_eq!(bench.given(), [records(&[message("b", "fine", "q")])]);
    assert_eq!(bench.quarantined().len(), 1);
}

#[tokio::test]
async fn an_ordered_queue_never_waits_for_a_refused_message() {
    let bench = bench(true, false, "{}");
    let event = records(&[message("a", ATTACK, "q.fifo"), message("b", "fine", "q.fifo")]);
    assert_eq!(bench.run(&event).await.unwrap(), json!({}));
    assert_eq!(bench.quarantined().len(), 1);
}

#[tokio::test]
async fn a_refused_record_never_holds_up_its_stream() {
    for (bad, good) in [(kinesis("49", ATTACK), kinesis("50", "fine")), (change("7", ATTACK), change("8", "fine"))] {
        let one = bench(true, false, r#"{"batchItemFailures":[]}"#);
        let reply = one.run(&records(&[bad.clone(), good.clone()])).await.unwrap();
        // Reported, the shard would go back to the record for ever.
        assert_eq!(reply, json!({"batchItemFailures": []}));
        assert_eq!(one.given(), [records(std::slice::from_ref(&good))]);
        assert_eq!(one.quarantined()[0]["event"], bad);
        // Where nothing is left, the function is not asked, and the shard goes on all the same.
        assert_eq!(one.run(&records(&[bad])).await.unwrap(), json!({"batchItemFailures": []}));
        assert_eq!(one.given().len(), 1);
        // What the function itself reports stays.
        let failing = bench(true, false, r#"{"batchItemFailures":[{"itemIdentifier":"50"}]}"#);
        let reply = failing.run(&records(&[kinesis("49", ATTACK), good])).await.unwrap();
        assert_eq!(reply, json!({"batchItemFailures": [{"itemIdentifier": "50"}]}));
    }
}

#[tokio::test]
async fn a_single_event_that_is_refused_never_reaches_its_function() {
    let bench = bench(false, false, "null");
    let refused = bench.run(&json!({"detail": {"file": ATTACK}})).await;
    let Err(InvokeError::Refused { reason, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(&*reason, "rule 7 in ARGS:json.detail.file");
    assert_eq!((bench.given().len(), bench.quarantined().len()), (0, 1));
    assert_eq!(bench.told(), [(None, Judged::Refused, true)]);
    // What stands around the records is of none of them.
    let around = json!({"Records": [message("a", "fine", "q")], "note": ATTACK});
    assert!(bench.run(&around).await.is_err());
}

#[tokio::test]
async fn who_only_observes_lets_all_pass_and_says_so() {
    let bench = bench(true, true, "null");
    let event = records(&[message("a", ATTACK, "q"), message("b", "fine", "q")]);
    assert_eq!(bench.run(&event).await.unwrap(), Value::Null);
    assert_eq!(bench.given(), [event]);
    assert_eq!(bench.told(), [(Some("a".to_owned()), Judged::Observed, false)]);
    assert!(!bench.place.path().join("quarantine").exists());
}

#[tokio::test]
async fn what_cannot_be_kept_is_delivered_again_rather_than_lost() {
    let bench = bench(true, false, "null");
    std::fs::write(bench.place.path().join("quarantine"), "in the way").unwrap();
    let outcome = bench.run(&records(&[kinesis("49", ATTACK), kinesis("50", "fine")])).await;
    assert!(matches!(outcome, Err(InvokeError::Stopped(_))), "{outcome:?}");
    assert!(bench.given().is_empty() && bench.told().is_empty());
}
