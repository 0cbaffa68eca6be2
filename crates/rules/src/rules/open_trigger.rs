//! AP015: anyone may put something into the store whose contents start a function.

use std::collections::BTreeSet;

use brigandine_iam::ActionPattern;
use brigandine_model::{
    App, EventSource, Finding, Grant, Judgement, Practice, RuleMeta, Severity, Span, Store, StoreKind,
};

use crate::{
    Context, Rule, Sink,
    case::{ask_text, both, when},
    reach::better,
    rule::meta,
    trigger::{Stores, is_for_anyone},
    way,
    wording::{list, with_origin},
};

pub(crate) struct OpenTrigger;

const META: RuleMeta = RuleMeta {
    severity: Severity::Critical,
    practice: Practice::ApisAndEvents,
    frameworks: &["CWE-284", "OWASP-Serverless-S1", "SAS-01", "SQS.3", "SNS.4"],
    ..meta(
        "AP015",
        "open-trigger",
        "anyone may send to the queue, topic, bus or bucket that starts a function",
        include_str!("../../pages/AP015-open-trigger.md"),
    )
};

impl Rule for OpenTrigger {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        let stores = Stores::new(app);
        let started = stores.sources();
        let mut told: BTreeSet<Option<Span>> = BTreeSet::new();
        for grant in &app.grants {
            let Some(store) = stores.of(&grant.resource.value) else { continue };
            let Some(sends) = sends(store.kind) else { continue };
            let fits = |text: &str| {
                text.parse::<ActionPattern>().is_ok_and(|pattern| sends.iter().any(|act| pattern.matches(act.0, act.1)))
            };
            match both(is_for_anyone(grant), ask_text(&grant.action.value, &fits)) {
                Judgement::No => {}
                _ if stores.is_taken_back(grant) => {}
                Judgement::CannotTell(why) => {
                    let what = format!("who may send to `{}`", store.id);
                    sink.cannot_tell(&what, &why, (&store.id, &grant.provenance));
                }
                // One statement with many actions is one fault.
                holds if told.insert(grant.provenance.span.clone()) => {
                    let sources = started.get(&store.id).map(Vec::as_slice).unwrap_or_default();
                    let finding = finding((store, sources), grant, &holds, sink);
                    sink.finding(finding);
                }
                _ => {}
            }
        }
    }
}

/// What puts something in.
fn sends(kind: StoreKind) -> Option<&'static [(&'static str, &'static str)]> {
    Some(match kind {
        StoreKind::Queue => &[("sqs", "SendMessage")],
        StoreKind::Topic => &[("sns", "Publish")],
        StoreKind::Bus => &[("events", "PutEvents")],
        StoreKind::Bucket => &[("s3", "PutObject")],
        StoreKind::Stream => &[("kinesis", "PutRecord"), ("kinesis", "PutRecords")],
        StoreKind::Table => &[("dynamodb", "PutItem"), ("dynamodb", "UpdateItem")],
        StoreKind::Database => return None,
    })
}

fn finding(place: (&Store, &[&EventSource]), grant: &Grant, holds: &Judgement, sink: &Sink) -> Finding {
    let (store, sources) = place;
    let mut functions: Vec<_> = sources.iter().map(|source| &source.function).collect();
    functions.dedup();
    let (severity, follows) = if functions.is_empty() {
        let follows = "whatever reads it takes it for one's own".to_owned();
        (better(META.severity), follows)
    } else {
        (META.severity, format!("each message runs {} with contents of the sender's choice", list(&functions)))
    };
    let mut path =
        vec![way::step(&grant.provenance, format!("anyone with an account of the platform sends to `{}`", store.id))];
    path.extend(sources.iter().take(3).map(|source| runs(source)));
    Finding {
        severity,
        title: format!("anyone may send to `{}`{}", store.id, when(holds)),
        message: format!("the policy names everyone and no condition narrows it: {follows}"),
        label: with_origin("everyone", &grant.provenance),
        related: sources
            .iter()
            .take(3)
            .filter_map(|source| Some((source.provenance.span.clone()?, format!("starts `{}`", source.function))))
            .collect(),
        resource: Some(store.id.clone()),
        fact: "anyone may send".to_owned(),
        path: if functions.is_empty() { Vec::new() } else { path },
        help: vec![
            "name the account or the service under `Principal`, or add a condition on `aws:SourceArn` or `aws:PrincipalOrgID`"
                .to_owned(),
        ],
        ..sink.draft(&grant.provenance)
    }
}

fn runs(source: &EventSource) -> brigandine_model::Step {
    way::step(&source.provenance, format!("`{}` runs", source.function))
}
