//! DW002: events that are dropped without a trace when the function keeps failing.

use brigandine_model::{
    App, Delivery, EventSource, Finding, Fix, Function, Literal, Practice, RuleMeta, Severity, SourceKind, Value,
};

use crate::{Context, Rule, Sink, reach::better, rule::meta, setting::Named, wording::with_origin_of_event};

pub(crate) struct LostAsyncEvents;

const META: RuleMeta = RuleMeta {
    severity: Severity::Medium,
    practice: Practice::Monitoring,
    frameworks: &["CWE-755", "SAS-10"],
    ..meta(
        "DW002",
        "lost-async-events",
        "events of an asynchronous trigger are lost when the function fails",
        include_str!("../../pages/DW002-lost-async-events.md"),
    )
};

impl Rule for LostAsyncEvents {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for function in app.functions.iter().filter(|function| function.failure_targets.is_empty()) {
            let sources: Vec<&EventSource> =
                app.sources_of(&function.id).filter(|source| is_surely_async(source)).collect();
            let lost: Vec<&EventSource> =
                sources.iter().copied().filter(|source| source.failure_target.is_none()).collect();
            if let Some(first) = lost.first() {
                let finding = finding((function, first), &lost, sink);
                sink.finding(Finding { fix: fix(app, function), ..finding });
            }
        }
        for function in &app.functions {
            note_unknown_targets(app, function, sink);
        }
    }
}

/// Triggers whose events exist nowhere else once the platform has dropped them. Who merely may call a function by a
/// permission (an authorizer's service, a content network) may well wait for the answer.
fn is_surely_async(source: &EventSource) -> bool {
    let keeps_nothing = match &source.kind {
        SourceKind::Topic | SourceKind::Bucket | SourceKind::Bus | SourceKind::Schedule | SourceKind::Logs => true,
        SourceKind::Other(name) => matches!(&**name, "mail" | "codecommit"),
        _ => false,
    };
    source.delivery == Delivery::Async && keeps_nothing
}

/// A target that is written but cannot be settled may be nothing at all.
fn note_unknown_targets(app: &App, function: &Function, sink: &mut Sink) {
    let unknown = function.failure_targets.iter().find_map(|target| match &target.value {
        Value::Unknown(why) => Some((why, &target.provenance)),
        _ => None,
    });
    if let (Some((why, provenance)), true) = (unknown, app.sources_of(&function.id).any(is_surely_async)) {
        sink.cannot_tell(&format!("where failed events of `{}` go", function.id), why, (&function.id, provenance));
    }
}

fn finding(lost: (&Function, &EventSource), all: &[&EventSource], sink: &Sink) -> Finding {
    let (function, first) = lost;
    let only_clock = all.iter().all(|source| source.kind == SourceKind::Schedule);
    let rest = all.iter().skip(1).filter_map(|source| source.provenance.span.clone());
    let provenance = if first.provenance.span.is_some() { &first.provenance } else { &function.provenance };
    Finding {
        severity: if only_clock { better(META.severity) } else { META.severity },
        title: format!("`{}` loses {} when it fails", function.id, plural(&first.kind)),
        message: format!(
            "the platform tries {} again twice and then drops it without a trace: `{}` has neither a dead-letter target nor an \
             on-failure destination",
            singular(&first.kind),
            function.id
        ),
        label: with_origin_of_event("dropped after the third failure", provenance),
        related: rest.map(|span| (span, "so are these".to_owned())).collect(),
        resource: Some(function.id.clone()),
        fact: "no failure target".to_owned(),
        help: vec![
            "give the function an `EventInvokeConfig` with an `OnFailure` destination; with `Type: SQS` SAM makes the queue \
             for you"
                .to_owned(),
        ],
        ..sink.draft(provenance)
    }
}

/// Where the transform makes the queue and gives the function the right to send to it. What was lost is kept from then on,
/// and billed: a person should know.
fn fix(app: &App, function: &Function) -> Option<Fix> {
    let named = Named::find(app, &function.id).filter(|named| named.is_written_as("AWS::Serverless::Function"))?;
    let path = ["EventInvokeConfig", "DestinationConfig", "OnFailure", "Type"];
    let change = named.set(&path, Literal::text("SQS"))?;
    Some(Fix::risky("keep failed events in a queue", vec![change]))
}

fn plural(kind: &SourceKind) -> &'static str {
    match kind {
        SourceKind::Topic => "messages of its topic",
        SourceKind::Bucket => "changes in its bucket",
        SourceKind::Bus => "events of its bus",
        SourceKind::Schedule => "scheduled runs",
        SourceKind::Logs => "log lines",
        _ => "events",
    }
}

fn singular(kind: &SourceKind) -> &'static str {
    match kind {
        SourceKind::Topic => "a failed message",
        SourceKind::Schedule => "a failed run",
        _ => "a failed event",
    }
}
