//! Batches: events that bring several items of a queue, a stream or a topic to a function at once.
//!
//! An item can be taken out without the others noticing: the rest stays byte for byte as it came. Facts: the developer guide
//! of Lambda ("Using Lambda with Amazon SQS", "... Kinesis", "... DynamoDB", "... Amazon MSK", "... Amazon MQ": event
//! shapes, "Reporting batch item failures").

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// An event that is a batch.
#[derive(Debug)]
pub struct Batch<'a> {
    /// Everything at the top of the event but the lists of items.
    around: BTreeMap<String, &'a RawValue>,
    name: &'static str,
    lists: Lists<'a>,
}

/// Where the items are.
#[derive(Debug)]
enum Lists<'a> {
    One(Vec<&'a RawValue>),
    /// By topic and partition, or by queue.
    Many(BTreeMap<String, Vec<&'a RawValue>>),
}

/// One item of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item<'a> {
    /// As its source names it; its place in the batch where it has no name.
    pub id: String,
    /// Its text, JSON.
    pub json: &'a str,
    /// Whether it alone is delivered again when it is reported as failed. Streams and ordered queues would go back to it, and
    /// everything behind it would wait.
    pub alone: bool,
}

/// The members of an item that tell its source and name.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Named<'a> {
    #[serde(borrow, alias = "EventSource")]
    event_source: Option<&'a RawValue>,
    #[serde(borrow, rename = "eventSourceARN")]
    event_source_arn: Option<&'a RawValue>,
    #[serde(borrow)]
    message_id: Option<&'a RawValue>,
    #[serde(borrow, rename = "messageID")]
    broker_message_id: Option<&'a RawValue>,
    #[serde(borrow)]
    kinesis: Option<&'a RawValue>,
    #[serde(borrow)]
    dynamodb: Option<&'a RawValue>,
    #[serde(borrow, rename = "Sns")]
    sns: Option<&'a RawValue>,
    #[serde(borrow)]
    offset: Option<&'a RawValue>,
}

impl<'a> Batch<'a> {
    /// Reads an event; nothing where it is no batch whose items can be taken out.
    pub fn read(event: &'a [u8]) -> Option<Self> {
        let mut around: BTreeMap<String, &RawValue> = serde_json::from_slice(event).ok()?;
        for name in ["Records", "messages", "events"] {
            // Firehose has a list `records` as well, but wants a result for each of them.
            if let Some(items) = around.get(name).and_then(|raw| serde_json::from_str(raw.get()).ok()) {
                around.remove(name);
                return Some(Self { around, name, lists: Lists::One(items) });
            }
        }
        for name in ["records", "rmqMessagesByQueue"] {
            if let Some(lists) = around.get(name).and_then(|raw| serde_json::from_str(raw.get()).ok()) {
                around.remove(name);
                return Some(Self { around, name, lists: Lists::Many(lists) });
            }
        }
        None
    }

    /// All items, in order.
    pub fn items(&self) -> Vec<Item<'a>> {
        match &self.lists {
            Lists::One(items) => items.iter().enumerate().map(|(place, raw)| item("", place, raw)).collect(),
            Lists::Many(lists) => lists
                .iter()
                .flat_map(|(list, items)| items.iter().enumerate().map(move |(place, raw)| item(list, place, raw)))
                .collect(),
        }
    }

    /// What stands around the items, as an event of its own.
    pub fn around(&self) -> Bytes {
        json(&self.around)
    }

    /// The event without the items at these places; nothing where none is left.
    pub fn without(&self, places: &BTreeSet<usize>) -> Option<Bytes> {
        let mut place = 0;
        let mut keep = |_: &&RawValue| {
            place += 1;
            !places.contains(&(place - 1))
        };
        let list = match &self.lists {
            Lists::One(items) => {
                let kept: Vec<&RawValue> = items.iter().copied().filter(&mut keep).collect();
                (!kept.is_empty()).then(|| raw(&kept))
            }
            Lists::Many(lists) => {
                let kept = lists.iter().map(|(name, items)| (name, items.iter().copied().filter(&mut keep).collect()));
                let kept: BTreeMap<&String, Vec<&RawValue>> =
                    kept.filter(|(_, items): &(_, Vec<_>)| !items.is_empty()).collect();
                (!kept.is_empty()).then(|| raw(&kept))
            }
        };
        let list = list??;
        let mut whole = self.around.clone();
        whole.insert(self.name.to_owned(), &list);
        Some(json(&whole))
    }
}

fn item<'a>(list: &str, place: usize, raw: &'a RawValue) -> Item<'a> {
    let named: Named<'_> = serde_json::from_str(raw.get()).unwrap_or_default();
    let text = |raw: Option<&RawValue>| raw.and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
    let inner = |raw: Option<&RawValue>, key: &str| -> Option<String> {
        let members: BTreeMap<String, &RawValue> = serde_json::from_str(raw?.get()).ok()?;
        text(members.get(key).copied())
    };
    let numbered = || named.offset.map(|offset| format!("{list}:{}", offset.get()));
    let id = text(named.message_id)
        .or_else(|| text(named.broker_message_id))
        .or_else(|| inner(named.kinesis, "sequenceNumber"))
        .or_else(|| inner(named.dynamodb, "SequenceNumber"))
        .or_else(|| inner(named.sns, "MessageId"))
        .or_else(numbered)
        .unwrap_or_else(|| if list.is_empty() { place.to_string() } else { format!("{list}:{place}") });
    let queue = text(named.event_source).as_deref() == Some("aws:sqs");
    let ordered = text(named.event_source_arn).is_some_and(|arn| arn.strip_suffix(".fifo").is_some());
    Item { id, json: raw.get(), alone: queue && !ordered }
}

/// The reply of a function to a batch with these items reported as failed besides. A reply that is no report, nor empty,
/// fails the whole batch on the platform; it stays as it is.
pub fn with_failures(reply: &Bytes, ids: &[String]) -> Bytes {
    #[derive(Serialize, Deserialize, Default)]
    #[serde(rename_all = "camelCase", default)]
    struct Report {
        batch_item_failures: Option<Vec<serde_json::Value>>,
    }
    let text = reply.trim_ascii();
    let report = if matches!(text, b"" | b"null" | b"\"\"") {
        Some(Report::default())
    } else {
        serde_json::from_slice(text).ok()
    };
    let Some(report) = report.filter(|_| !ids.is_empty()) else { return reply.clone() };
    let mut failures = report.batch_item_failures.unwrap_or_default();
    for id in ids {
        let failure = serde_json::json!({"itemIdentifier": id});
        if !failures.contains(&failure) {
            failures.push(failure);
        }
    }
    json(&Report { batch_item_failures: Some(failures) })
}

fn json<T: Serialize>(value: &T) -> Bytes {
    // Maps with text keys into memory: there is nothing in them that could fail.
    serde_json::to_vec(value).unwrap_or_default().into()
}

fn raw<T: Serialize>(value: &T) -> Option<Box<RawValue>> {
    RawValue::from_string(serde_json::to_string(value).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUEUE: &[u8] = br#"{"Records":[{"messageId":"a","body":"1.0000000000000000001","eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:eu-west-1:1:q"},
        {"messageId":"b","body":"x","eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:eu-west-1:1:q.fifo"}]}"#;

    #[test]
    fn items_are_named_as_their_source_names_them() {
        let batch = Batch::read(QUEUE).unwrap();
        let told: Vec<_> = batch.items().into_iter().map(|item| (item.id, item.alone)).collect();
        assert_eq!(told, [("a".to_owned(), true), ("b".to_owned(), false)]);
        let ids = |event: &str| -> Vec<String> {
            Batch::read(event.as_bytes()).unwrap().items().into_iter().map(|item| item.id).collect()
        };
        assert_eq!(ids(r#"{"Records":[{"eventSource":"aws:kinesis","kinesis":{"sequenceNumber":"49"}}]}"#), ["49"]);
        assert_eq!(ids(r#"{"Records":[{"eventSource":"aws:dynamodb","dynamodb":{"SequenceNumber":"7"}}]}"#), ["7"]);
        assert_eq!(ids(r#"{"Records":[{"EventSource":"aws:sns","Sns":{"MessageId":"m"}}]}"#), ["m"]);
        assert_eq!(ids(r#"{"Records":[{"eventSource":"aws:s3"},{"messageId":5},7]}"#), ["0", "1", "2"]);
        assert_eq!(ids(r#"{"records":{"t-0":[{"offset":3},{}]}}"#), ["t-0:3", "t-0:1"]);
        assert_eq!(ids(r#"{"messages":[{"messageID":"ID:1"}]}"#), ["ID:1"]);
    }

    #[test]
    fn what_stays_stays_as_it_was_written() {
        let batch = Batch::read(QUEUE).unwrap();
        let rest = batch.without(&BTreeSet::from([1])).unwrap();
        let text = String::from_utf8(rest.to_vec()).unwrap();
        assert!(text.contains(r#""body":"1.0000000000000000001""#) && !text.contains("fifo"), "{text}");
        assert_eq!(batch.without(&BTreeSet::from([0, 1])), None);
        let many =
            Batch::read(br#"{"eventSource":"aws:kafka","records":{"t-0":[{"offset":1}],"t-1":[{"offset":2.50}]}}"#)
                .unwrap();
        let rest = many.without(&BTreeSet::from([0])).unwrap();
        assert_eq!(&rest[..], br#"{"eventSource":"aws:kafka","records":{"t-1":[{"offset":2.50}]}}"#);
        assert_eq!(&many.around()[..], br#"{"eventSource":"aws:kafka"}"#);
    }

    #[test]
    fn what_is_no_batch_is_none() {
        for event in ["", "[]", "{}", "7", r#"{"Records":{}}"#, r#"{"records":[{}]}"#, r#"{"detail":{}}"#] {
            assert!(Batch::read(event.as_bytes()).is_none(), "{event}");
        }
    }

    #[test]
    fn failures_are_added_to_those_of_the_function() {
        let with = |reply: &'static str| {
            let reply = with_failures(&Bytes::from_static(reply.as_bytes()), &["x".to_owned()]);
            String::from_utf8(reply.to_vec()).unwrap()
        };
        let only = r#"{"batchItemFailures":[{"itemIdentifier":"x"}]}"#;
        for empty in ["", "null", "\"\"", "{}", r#"{"batchItemFailures":null}"#, r#"{"batchItemFailures":[]}"#, only] {
            assert_eq!(with(empty), only, "{empty}");
        }
        let both = r#"{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"x"}]}"#;
        assert_eq!(with(r#"{"batchItemFailures":[{"itemIdentifier":"a"}]}"#), both);
        assert_eq!(with("not json"), "not json");
        assert_eq!(with_failures(&Bytes::from_static(b"7"), &[]), "7");
    }
}
