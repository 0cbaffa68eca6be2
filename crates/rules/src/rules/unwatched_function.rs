//! MO007: functions that may fail without anyone being told.

use std::collections::BTreeSet;

use brigandine_model::{
    App, Delivery, Fact, Finding, Function, LogicalId, Practice, RuleMeta, Severity, SourceKind, Value,
};

use crate::{
    Context, Rule, Sink,
    rule::{STRICT, meta},
    wording::{count, list},
};

pub(crate) struct UnwatchedFunction;

const META: RuleMeta = RuleMeta {
    severity: Severity::Low,
    practice: Practice::Monitoring,
    profiles: STRICT,
    frameworks: &["CWE-778", "OWASP-Serverless-S10", "SAS-05"],
    ..meta(
        "MO007",
        "unwatched-function",
        "no alarm watches a function that callers or events reach",
        include_str!("../../pages/MO007-unwatched-function.md"),
    )
};

impl Rule for UnwatchedFunction {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        let watched = Watched::of(app);
        let alone: Vec<&Function> = app
            .functions
            .iter()
            .filter(|function| is_started(app, function) && !watched.covers(app, function))
            .collect();
        if let Some(first) = alone.first() {
            sink.finding(finding(first, &alone, sink));
        }
    }
}

/// Deployment sees the errors of what it calls itself.
fn is_started(app: &App, function: &Function) -> bool {
    let by_deployment = |kind: &SourceKind| matches!(kind, SourceKind::Other(name) if &**name == "custom resource");
    app.sources_of(&function.id).any(|source| !by_deployment(&source.kind))
}

/// What alarms look at.
struct Watched<'a> {
    resources: BTreeSet<&'a LogicalId>,
    words: BTreeSet<&'a str>,
    /// An alarm on all functions of the account at once.
    all: bool,
}

impl<'a> Watched<'a> {
    fn of(app: &'a App) -> Self {
        let mut watched = Self { resources: BTreeSet::new(), words: BTreeSet::new(), all: false };
        for resource in app.resources.values().filter(|resource| &*resource.kind == "AWS::CloudWatch::Alarm") {
            let Some(properties) = &resource.properties else { continue };
            let about = |namespace: &str| properties.at(&["Namespace"]).and_then(|own| own.known()) == Some(namespace);
            watched.all |= about("AWS/Lambda") && properties.at(&["Dimensions"]).is_none();
            let mut texts = Vec::new();
            properties.texts(&mut texts);
            for (path, text) in texts {
                let target = path.iter().any(|key| matches!(*key, "Dimensions" | "Metrics"));
                match text.text().filter(|_| target) {
                    Some(Value::Known(word)) => watched.words.extend([word.as_str()]),
                    Some(Value::Symbolic(symbol)) => watched.resources.extend(symbol.resources()),
                    _ => {}
                }
            }
        }
        watched
    }

    /// The function itself, the API in front of it, the queue it reads from, or the one its failures go to.
    fn covers(&self, app: &App, function: &Function) -> bool {
        let named = |fact: &Fact<String>| match &fact.value {
            Value::Known(text) => self.words.contains(text.as_str()),
            Value::Symbolic(symbol) => symbol.resources().any(|id| self.resources.contains(id)),
            _ => false,
        };
        let by_source = app.sources_of(&function.id).any(|source| {
            let queue = source.delivery == Delivery::Poll;
            source.failure_target.iter().chain(source.source.iter().filter(|_| queue)).any(named)
        });
        self.all
            || self.resources.contains(&function.id)
            || function.name.as_ref().is_some_and(named)
            || function.failure_targets.iter().any(named)
            || app.routes_of(&function.id).any(|route| self.resources.contains(&route.api))
            || by_source
    }
}

fn finding(first: &Function, alone: &[&Function], sink: &Sink) -> Finding {
    let ids: Vec<LogicalId> = alone.iter().map(|function| function.id.clone()).collect();
    let rest = alone.iter().skip(1).take(9).filter_map(|function| function.provenance.span.clone());
    Finding {
        title: format!("no alarm watches {}", list(&ids)),
        message: format!(
            "{} may fail, be throttled or be flooded without anyone being told: customers or the bill will say it first",
            count(ids.len(), "function")
        ),
        label: "no alarm names it, its API or its queue".to_owned(),
        related: rest.map(|span| (span, "nor this".to_owned())).collect(),
        resource: ids.first().cloned(),
        also: ids.iter().skip(1).cloned().collect(),
        fact: "no alarm".to_owned(),
        help: vec![
            "add an `AWS::CloudWatch::Alarm` on `Errors` and `Throttles` of each function, or on `5XXError` of their API, with a topic \
             that somebody reads"
                .to_owned(),
        ],
        ..sink.draft(&first.provenance)
    }
}
