//! DW003: a message or record that cannot be processed comes back again and again.

use std::collections::{BTreeMap, BTreeSet};

use brigandine_model::{
    App, Change, EventSource, Finding, Fix, Literal, LogicalId, Practice, Provenance, RuleMeta, Severity, SourceKind,
};

use crate::{
    Context, Rule, Sink,
    case::{both, may_hold, not, when},
    rule::meta,
    setting::{Named, is_true, of_kinds, referred},
    wording::with_origin_of_event,
};

pub(crate) struct StuckBatches;

const META: RuleMeta = RuleMeta {
    severity: Severity::Medium,
    practice: Practice::Monitoring,
    frameworks: &["CWE-755", "SAS-08", "SAS-10"],
    ..meta(
        "DW003",
        "stuck-batches",
        "a message or record that cannot be processed comes back until it expires",
        include_str!("../../pages/DW003-stuck-batches.md"),
    )
};

impl Rule for StuckBatches {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        let mut asked = BTreeSet::new();
        for source in app.sources.iter().filter(|source| source.kind == SourceKind::Queue) {
            for queue in source.source.iter().flat_map(|fact| referred(&fact.value)) {
                if asked.insert(queue) {
                    check_queue(app, queue, source, sink);
                }
            }
        }
        let in_order = |source: &&EventSource| matches!(source.kind, SourceKind::Stream | SourceKind::TableStream);
        let streams: BTreeMap<&Provenance, &EventSource> =
            app.sources.iter().filter(in_order).map(|source| (&source.provenance, source)).collect();
        for mapping in of_kinds(app, &["AWS::Lambda::EventSourceMapping"]) {
            if let Some(source) = streams.get(&mapping.resource.provenance) {
                check_mapping(app, &mapping, source, sink);
            }
        }
    }
}

fn check_queue(app: &App, id: &LogicalId, source: &EventSource, sink: &mut Sink) {
    let Some(named) = Named::find(app, id).filter(|named| &*named.resource.kind == "AWS::SQS::Queue") else { return };
    let without = not(named.is_set(&["RedrivePolicy"]));
    let place = named.resource.provenance.clone();
    let what = format!("where messages of `{id}` go that cannot be processed");
    sink.tell(&without, (&what, (id, &place)), |sink| Finding {
        title: format!("`{}` gets a bad message of `{id}` again and again{}", source.function, when(&without)),
        message: format!(
            "a message that makes `{}` fail comes back after each try until it expires, days later: each try is paid for, and then \
             the message is gone",
            source.function
        ),
        label: "no `RedrivePolicy`".to_owned(),
        related: source.provenance.span.iter().map(|span| (span.clone(), "read here".to_owned())).collect(),
        resource: Some(id.clone()),
        fact: "no redrive".to_owned(),
        help: vec!["give the queue a `RedrivePolicy` with a second queue and `maxReceiveCount: 5`, and an alarm on that queue".to_owned()],
        fix: queue_fix(app, &named),
        ..sink.draft(&place)
    });
}

fn queue_fix(app: &App, named: &Named<'_>) -> Option<Fix> {
    let name = LogicalId::new(format!("{}Failures", named.id));
    if app.resources.contains_key(&name) {
        return None;
    }
    let ordered = may_hold(&named.text(&["FifoQueue"], false, &is_true));
    let mut properties = vec![("MessageRetentionPeriod".into(), Literal::Number(1_209_600))];
    if ordered {
        properties.push(("FifoQueue".into(), Literal::Flag(true)));
    }
    let queue = Literal::map([("Type", Literal::text("AWS::SQS::Queue")), ("Properties", Literal::Map(properties))]);
    let redrive = Literal::map([
        ("deadLetterTargetArn", Literal::attribute(name.as_str(), "Arn")),
        ("maxReceiveCount", Literal::Number(5)),
    ]);
    let declare = Change::Declare { path: vec!["Resources".into()], name: name.as_str().into(), value: queue };
    let set = named.set(&["RedrivePolicy"], redrive)?;
    Some(Fix::risky("put messages aside after five tries", vec![declare, set]))
}

/// Records of a stream are read in order: one that fails holds up all behind it.
fn check_mapping(app: &App, mapping: &Named<'_>, source: &EventSource, sink: &mut Sink) {
    let place = &mapping.resource.provenance;
    let endless = |text: &str| text == "-1";
    let tries = mapping.text(&["MaximumRetryAttempts"], true, &endless);
    let age = mapping.text(&["MaximumRecordAgeInSeconds"], true, &endless);
    let holds = both(tries, age);
    let what = format!("how often `{}` is given a record it fails on", source.function);
    sink.tell(&holds, (&what, (&source.function, place)), |sink| Finding {
        title: format!("one bad record stops `{}`{}", source.function, when(&holds)),
        message: format!(
            "the platform gives `{}` the same batch again until its records expire, a day later or more, and nothing behind them is \
             read meanwhile",
            source.function
        ),
        label: with_origin_of_event("tried again without end", place),
        resource: Some(source.function.clone()),
        fact: format!("endless retries of {}", mapping.id),
        help: vec![
            "set `MaximumRetryAttempts`, `BisectBatchOnFunctionError: true` and an `OnFailure` destination on the event".to_owned(),
        ],
        fix: mapping_fix(app, mapping, &source.function),
        ..sink.draft(place)
    });
}

/// Only where the transform also gives the function the right to send to the destination.
fn mapping_fix(app: &App, mapping: &Named<'_>, function: &LogicalId) -> Option<Fix> {
    let owner = Named::find(app, function).filter(|owner| owner.is_written_as("AWS::Serverless::Function"))?;
    let event = mapping.id.as_str().strip_prefix(function.as_str()).filter(|event| !event.is_empty())?;
    let name = LogicalId::new(format!("{}{event}Failures", owner.id));
    if mapping.resource.implied_by.as_ref() != Some(function) || app.resources.contains_key(&name) {
        return None;
    }
    let queue = Literal::map([("Type", Literal::text("AWS::SQS::Queue"))]);
    let target =
        Literal::map([("Type", Literal::text("SQS")), ("Destination", Literal::attribute(name.as_str(), "Arn"))]);
    let within = |key: &'static str| ["Events", event, "Properties", key];
    let declare = Change::Declare { path: vec!["Resources".into()], name: name.as_str().into(), value: queue };
    let changes = vec![
        declare,
        owner.set(&within("MaximumRetryAttempts"), Literal::Number(5))?,
        owner.set(&within("BisectBatchOnFunctionError"), Literal::Flag(true))?,
        owner.set(&within("DestinationConfig"), Literal::map([("OnFailure", target)]))?,
    ];
    Some(Fix::risky("put bad records aside after five tries", changes))
}
