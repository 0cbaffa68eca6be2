//! DW004: a message becomes visible again while the function still works on it.

use std::collections::BTreeSet;

use brigandine_model::{App, Finding, Fix, Function, Literal, LogicalId, Practice, RuleMeta, Severity, SourceKind};

use crate::{
    Context, Rule, Sink,
    rule::meta,
    setting::{Named, referred},
    wording::with_origin,
};

pub(crate) struct ShortVisibility;

const META: RuleMeta = RuleMeta {
    severity: Severity::Medium,
    practice: Practice::Frameworks,
    frameworks: &["CWE-667", "SAS-08"],
    ..meta(
        "DW004",
        "short-visibility",
        "a queue gives a message to a second run while the first still works on it",
        include_str!("../../pages/DW004-short-visibility.md"),
    )
};

/// Seconds that a message stays hidden where the queue does not say.
const DEFAULT: u64 = 30;
/// The provider's own advice: the function's timeout six times over.
const TIMES: u64 = 6;
const LONGEST: u64 = 43_200;

impl Rule for ShortVisibility {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        let mut asked = BTreeSet::new();
        for source in app.sources.iter().filter(|source| source.kind == SourceKind::Queue) {
            let Some(function) = app.function(&source.function) else { continue };
            for queue in source.source.iter().flat_map(|fact| referred(&fact.value)) {
                if asked.insert((queue, &function.id)) {
                    check_queue(app, queue, function, sink);
                }
            }
        }
    }
}

fn check_queue(app: &App, id: &LogicalId, function: &Function, sink: &mut Sink) {
    let Some(named) = Named::find(app, id).filter(|named| &*named.resource.kind == "AWS::SQS::Queue") else { return };
    let path = ["VisibilityTimeout"];
    let place = named.place(&path);
    let hidden = if named.at(&path).is_none() { Some(DEFAULT) } else { named.number(&path) };
    let what = format!("whether `{id}` hides a message as long as `{}` may run", function.id);
    let (Some(hidden), Some(runs)) = (hidden, function.timeout.value.known()) else {
        return sink.cannot_tell(&what, "one of the two times is not settled", (id, &place));
    };
    let runs = u64::from(*runs);
    if hidden < runs {
        let finding = finding((&named, hidden), (function, runs), sink);
        sink.finding(finding);
    }
}

fn finding((named, hidden): (&Named<'_>, u64), (function, runs): (&Function, u64), sink: &Sink) -> Finding {
    let path = ["VisibilityTimeout"];
    let place = named.place(&path);
    let wanted = (runs * TIMES).min(LONGEST).max(runs);
    let timeout = function.timeout.provenance.span.clone();
    Finding {
        title: format!("`{}` hides a message for {hidden} s, but `{}` may run for {runs} s", named.id, function.id),
        message: "while one run still works, another gets the same message: it is processed and paid for twice, and the platform may refuse the trigger".to_owned(),
        label: with_origin("shorter than the function may run", &place),
        related: timeout.map(|span| (span, format!("up to {runs} s"))).into_iter().collect(),
        resource: Some(named.id.clone()),
        fact: format!("visibility below the timeout of {}", function.id),
        help: vec![format!("set `VisibilityTimeout: {wanted}`, six times the function's timeout")],
        fix: i64::try_from(wanted)
            .ok()
            .and_then(|seconds| named.set(&path, Literal::Number(seconds)))
            .map(|change| Fix::safe("hide messages as long as they are worked on", vec![change])),
        ..sink.draft(&place)
    }
}
