//! MO009: a workflow that keeps no record of what it did.

use brigandine_model::{
    App, Change, Finding, Fix, Judgement, Literal, LogicalId, Practice, Resource, RuleMeta, Severity,
};

use crate::{
    Context, Rule, Sink,
    case::{may_hold, when},
    log_group,
    reach::better,
    rule::meta,
};

pub(crate) struct UnloggedWorkflow;

const META: RuleMeta = RuleMeta {
    severity: Severity::Medium,
    practice: Practice::Monitoring,
    frameworks: &["CWE-778", "StepFunctions.1", "OWASP-Serverless-S10"],
    ..meta(
        "MO009",
        "unlogged-workflow",
        "a workflow keeps no record of what it did",
        include_str!("../../pages/MO009-unlogged-workflow.md"),
    )
};

impl Rule for UnloggedWorkflow {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for (id, resource) in app.resources.iter().filter(|(_, one)| &*one.kind == "AWS::StepFunctions::StateMachine") {
            let Some(properties) = &resource.properties else { continue };
            let off =
                properties.judge_text(&["LoggingConfiguration", "Level"], true, &|level| matches!(level, "OFF" | ""));
            match off {
                Judgement::No => {}
                Judgement::CannotTell(why) => {
                    sink.cannot_tell(&format!("whether `{id}` is logged"), &why, (id, &resource.provenance));
                }
                holds => {
                    let quick = properties.judge_text(&["StateMachineType"], false, &|kind| kind == "EXPRESS");
                    sink.finding(finding(app, (id, resource), (&holds, may_hold(&quick)), sink));
                }
            }
        }
    }
}

fn finding(app: &App, workflow: (&LogicalId, &Resource), found: (&Judgement, bool), sink: &Sink) -> Finding {
    let ((id, resource), (holds, quick)) = (workflow, found);
    let message = if quick {
        "runs of an express workflow have no history at all: what it did, for whom and why it failed is gone when it ends"
    } else {
        "the history of a run is gone after ninety days, cannot be searched, and nothing can raise an alarm on it"
    };
    Finding {
        severity: if quick { META.severity } else { better(META.severity) },
        title: format!("the workflow `{id}` keeps no log{}", when(holds)),
        message: message.to_owned(),
        label: "no logging".to_owned(),
        resource: Some(id.clone()),
        fact: "no log".to_owned(),
        help: vec![format!(
            "set `{}` with `Level: ERROR` (express: `ALL`), a log group, and `IncludeExecutionData: false` where the data is personal",
            key(resource)
        )],
        fix: fix(app, id, resource, quick),
        ..sink.draft(&resource.provenance)
    }
}

fn is_expanded(resource: &Resource) -> bool {
    resource.written_kind.as_deref() == Some("AWS::Serverless::StateMachine")
}

fn key(resource: &Resource) -> &'static str {
    if is_expanded(resource) { "Logging" } else { "LoggingConfiguration" }
}

/// The workflow's role must be allowed to deliver logs, which only a person can see to where the role is written elsewhere.
fn fix(app: &App, id: &LogicalId, resource: &Resource, quick: bool) -> Option<Fix> {
    resource.written_kind.as_ref()?;
    let name = format!("{id}Logs");
    let group = log_group::declare(app, &name, None)?;
    let arn = Literal::map([("LogGroupArn", Literal::attribute(&name, "Arn"))]);
    let value = Literal::map([
        ("Level", Literal::text(if quick { "ALL" } else { "ERROR" })),
        ("IncludeExecutionData", Literal::Flag(false)),
        ("Destinations", Literal::List(vec![Literal::map([("CloudWatchLogsLogGroup", arn)])])),
    ]);
    let set = Change::Set { resource: id.clone(), path: vec!["Properties".into(), key(resource).into()], value };
    Some(Fix::risky("log what the workflow does; its role must be allowed to deliver logs", vec![set, group]))
}
