//! MO002: log groups that keep every line for ever.

use brigandine_model::{
    App, Change, Finding, Fix, Judgement, Literal, LogicalId, Practice, Resource, RuleMeta, Severity,
};

use crate::{
    Context, Rule, Sink,
    case::{not, when},
    log_group::DAYS,
    rule::{STRICT, meta},
};

pub(crate) struct UnlimitedLogRetention;

const META: RuleMeta = RuleMeta {
    severity: Severity::Low,
    practice: Practice::Monitoring,
    profiles: STRICT,
    frameworks: &["CloudWatch.16", "SAS-05"],
    ..meta(
        "MO002",
        "unlimited-log-retention",
        "a log group keeps its lines for ever",
        include_str!("../../pages/MO002-unlimited-log-retention.md"),
    )
};

impl Rule for UnlimitedLogRetention {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for (id, resource) in app.resources.iter().filter(|(_, resource)| &*resource.kind == "AWS::Logs::LogGroup") {
            let set = resource.properties.as_ref().map_or(Judgement::No, |own| own.is_set(&["RetentionInDays"]));
            match not(set) {
                Judgement::No => {}
                Judgement::CannotTell(why) => {
                    sink.cannot_tell(&format!("how long `{id}` keeps its lines"), &why, (id, &resource.provenance));
                }
                holds => sink.finding(finding((id, resource), &holds, sink)),
            }
        }
    }
}

fn finding(group: (&LogicalId, &Resource), holds: &Judgement, sink: &Sink) -> Finding {
    let (id, resource) = group;
    let path = vec!["Properties".into(), "RetentionInDays".into()];
    let change = Change::Set { resource: id.clone(), path, value: Literal::Number(DAYS) };
    Finding {
        title: format!("`{id}` keeps its lines for ever{}", when(holds)),
        message: "what is kept for ever is paid for ever, and whatever personal data the lines hold stays with them"
            .to_owned(),
        label: "no `RetentionInDays`".to_owned(),
        resource: Some(id.clone()),
        fact: "no retention".to_owned(),
        help: vec![format!(
            "set `RetentionInDays` to what your rules ask for; {DAYS} days are enough to follow most attacks"
        )],
        fix: resource
            .written_kind
            .is_some()
            .then(|| Fix::risky(format!("keep lines for {DAYS} days; older ones are deleted"), vec![change])),
        ..sink.draft(&resource.provenance)
    }
}
