//! AP021: a function writes to what starts it.

use std::collections::BTreeSet;

use brigandine_model::{
    App, EventSource, Fact, Finding, Function, LogicalId, Practice, Property, Role, RuleMeta, SourceKind, Statement,
    Store, StoreKind,
};

use crate::{
    Context, Rule, Sink,
    power::{Act, Power, powers},
    reach::better,
    rule::meta,
    trigger::{Stores, named, of_kind},
    way,
    wording::with_origin_of_event,
};

pub(crate) struct SelfTrigger;

const META: RuleMeta = RuleMeta {
    practice: Practice::ApisAndEvents,
    frameworks: &["CWE-674", "SAS-08"],
    ..meta(
        "AP021",
        "self-trigger",
        "a function may write to the store that starts it",
        include_str!("../../pages/AP021-self-trigger.md"),
    )
};

impl Rule for SelfTrigger {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        let (stores, filtered) = (Stores::new(app), Filtered::new(app));
        for source in &app.sources {
            let Some(store) = source.source.as_ref().and_then(|fact| stores.of(&fact.value)) else { continue };
            let Some(function) = app.function(&source.function) else { continue };
            let Some(role) = function.role.as_ref().and_then(|role| app.role(role)) else { continue };
            let Some(acts) = starts_again(source, store) else { continue };
            if filtered.holds(store, &function.id) {
                continue;
            }
            if let Some(power) = powers(role, acts).into_iter().find(|power| names(&stores, power, store)) {
                let finding = finding((function, role, may_go_round(app, function)), (source, store), &power, sink);
                sink.finding(finding);
            }
        }
    }
}

/// What, done to the store, starts the function again.
fn starts_again(source: &EventSource, store: &Store) -> Option<&'static [Act]> {
    Some(match (&source.kind, store.kind) {
        (SourceKind::Bucket, StoreKind::Bucket) => &[("s3", "PutObject")],
        (SourceKind::Topic, StoreKind::Topic) => &[("sns", "Publish")],
        (SourceKind::Queue, StoreKind::Queue) => &[("sqs", "SendMessage")],
        (SourceKind::Stream, StoreKind::Stream) => &[("kinesis", "PutRecord"), ("kinesis", "PutRecords")],
        (SourceKind::TableStream, StoreKind::Table) => {
            &[("dynamodb", "PutItem"), ("dynamodb", "UpdateItem"), ("dynamodb", "BatchWriteItem")]
        }
        _ => return None,
    })
}

/// Whether the statement means this very store. A grant on everything is another rule's matter, and no sign that anyone meant
/// to write here.
fn names(stores: &Stores<'_>, power: &Power<'_>, store: &Store) -> bool {
    let means = |fact: &Fact<String>| {
        let whole = crate::case::texts(&fact.value).iter().all(|text| !has_a_prefix(text));
        whole && stores.of(&trimmed(fact)).is_some_and(|own| own.id == store.id)
    };
    power.statement.is_some_and(|statement: &Statement| statement.resources.iter().any(means))
}

/// `bucket/thumbnails/*` is a part of the bucket only.
fn has_a_prefix(text: &str) -> bool {
    let after_bucket = text.split_once(":::").and_then(|(_, rest)| rest.split_once('/'));
    after_bucket.is_some_and(|(_, key)| key != "*")
}

/// The name without what follows it: objects of a bucket are granted as `bucket/*`.
fn trimmed(fact: &Fact<String>) -> brigandine_model::Value<String> {
    match &fact.value {
        brigandine_model::Value::Known(text) => {
            brigandine_model::Value::Known(text.strip_suffix("/*").unwrap_or(text).to_owned())
        }
        other => other.clone(),
    }
}

/// Where only some of what is written starts a function: what it writes itself may well be left out.
struct Filtered<'a> {
    /// Bucket and function.
    by_name: BTreeSet<(&'a LogicalId, &'a LogicalId)>,
    /// The same behind mappings and subscriptions that look at what they hand on.
    by_content: BTreeSet<(&'a LogicalId, &'a LogicalId)>,
}

impl<'a> Filtered<'a> {
    fn new(app: &'a App) -> Self {
        let text =
            |own: &'a Property, key: &str| own.at(&[key]).and_then(Property::text).map(named).unwrap_or_default();
        let mut filtered = Self { by_name: BTreeSet::new(), by_content: BTreeSet::new() };
        for (id, bucket) in of_kind(app, &["AWS::S3::Bucket"]) {
            let path = ["NotificationConfiguration", "LambdaConfigurations"];
            let notified = bucket.properties.as_ref().and_then(|own| own.at(&path));
            for one in notified.map(Property::items).unwrap_or_default() {
                let event = one.at(&["Event"]).and_then(Property::known);
                let removed = event.is_some_and(|event| !event.contains("ObjectCreated"));
                if removed || one.at(&["Filter"]).is_some() {
                    filtered.by_name.extend(text(one, "Function").into_iter().map(|function| (id, function)));
                }
            }
        }
        for (_, resource) in of_kind(app, &["AWS::Lambda::EventSourceMapping", "AWS::SNS::Subscription"]) {
            let Some(own) = &resource.properties else { continue };
            if own.at(&["FilterCriteria"]).is_some() || own.at(&["FilterPolicy"]).is_some() {
                let functions: Vec<_> = text(own, "FunctionName").into_iter().chain(text(own, "Endpoint")).collect();
                for store in text(own, "EventSourceArn").into_iter().chain(text(own, "TopicArn")) {
                    filtered.by_content.extend(functions.iter().map(|function| (store, *function)));
                }
            }
        }
        filtered
    }

    fn holds(&self, store: &Store, function: &LogicalId) -> bool {
        self.by_content.contains(&(&store.id, function)) || self.by_name.contains(&(&store.id, function))
    }
}

/// Whether somebody told the platform not to break circles of this function.
fn may_go_round(app: &App, function: &Function) -> bool {
    let own = app.resources.get(&function.id).and_then(|resource| resource.properties.as_ref());
    own.and_then(|own| own.at(&["RecursiveLoop"])).and_then(Property::known) == Some("Allow")
}

fn finding(holder: (&Function, &Role, bool), from: (&EventSource, &Store), power: &Power<'_>, sink: &Sink) -> Finding {
    let (function, role, goes_round) = holder;
    let (source, store) = from;
    // The platform breaks such circles itself for these, after some sixteen rounds.
    let broken = !goes_round && matches!(store.kind, StoreKind::Queue | StoreKind::Topic | StoreKind::Bucket);
    let follows = if broken {
        "the platform stops such a circle after some rounds and drops the event, and each round is paid for"
    } else {
        "each run starts the next one, without end, until the account's limit or the budget is reached"
    };
    Finding {
        severity: if broken { better(META.severity) } else { META.severity },
        title: format!("`{}` is started by `{}` and may write to it", function.id, store.id),
        message: format!("where `{}` writes what starts it again, {follows}", function.id),
        label: with_origin_of_event("starts the function", &source.provenance),
        related: power
            .written
            .provenance
            .span
            .clone()
            .map(|span| (span, format!("allows `{}` on it", power.name())))
            .into_iter()
            .collect(),
        resource: Some(function.id.clone()),
        fact: format!("writes to its source {}", store.id),
        path: vec![
            way::step(&source.provenance, format!("`{}` starts `{}`", store.id, function.id)),
            way::step(&role.provenance, format!("`{}` may `{}` there", function.id, power.name())),
        ],
        help: vec![
            "write to another store, or let a filter on prefix, attribute or content leave out what the function writes; \
             take the action from the role where it only reads"
                .to_owned(),
        ],
        ..sink.draft(&source.provenance)
    }
}
