//! MO005: an API that does not say why a call failed before it reached a function.

use brigandine_model::{App, Finding, Judgement, LogicalId, Practice, Property, Provenance, RuleMeta, Severity};

use crate::{
    Context, Rule, Sink,
    case::{any, may_hold, not, when},
    rule::{STRICT, meta},
    stage::{Stage, Style, items},
    wording::with_origin,
};

pub(crate) struct UnloggedExecution;

const META: RuleMeta = RuleMeta {
    severity: Severity::Low,
    practice: Practice::Monitoring,
    profiles: STRICT,
    frameworks: &["CWE-778", "APIGateway.1", "OWASP-Serverless-S10"],
    ..meta(
        "MO005",
        "unlogged-execution",
        "an API does not log why a call failed",
        include_str!("../../pages/MO005-unlogged-execution.md"),
    )
};

impl Rule for UnloggedExecution {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for stage in Stage::all(app) {
            match not(logs(&stage)) {
                Judgement::No => {}
                Judgement::CannotTell(why) => {
                    let what = format!("whether `{}` logs errors", stage.name());
                    sink.cannot_tell(&what, &why, (stage.name(), stage.provenance()));
                }
                holds => sink.finding(finding(stage.name(), stage.provenance(), &holds, sink)),
            }
        }
        for (id, resource) in app.resources.iter().filter(|(_, one)| &*one.kind == "AWS::AppSync::GraphQLApi") {
            let off = resource.properties.as_ref().map_or(Judgement::No, |own| {
                own.judge_text(&["LogConfig", "FieldLogLevel"], false, &|level| level == "NONE")
            });
            if may_hold(&off) {
                sink.finding(finding(id, &resource.provenance, &off, sink));
            }
        }
    }
}

/// Whether any of the stage's calls are logged. The lighter style has no such log.
fn logs(stage: &Stage<'_>) -> Judgement {
    let on = |settings: &Property, path: &[&str]| {
        settings.judge_text(path, false, &|level| matches!(level, "INFO" | "ERROR"))
    };
    match stage.style {
        Style::Http => Judgement::Yes,
        Style::WebSocket => {
            stage.settings.map_or(Judgement::No, |own| on(own, &["DefaultRouteSettings", "LoggingLevel"]))
        }
        Style::Rest => {
            let whole = stage.settings.map_or(Judgement::No, |own| on(own, &["LoggingLevel"]));
            let each = items(stage.settings, "MethodSettings").into_iter().map(|item| on(item, &["LoggingLevel"]));
            any(each.chain([whole]))
        }
    }
}

fn finding(id: &LogicalId, provenance: &Provenance, holds: &Judgement, sink: &Sink) -> Finding {
    Finding {
        title: format!("`{id}` does not log why a call failed{}", when(holds)),
        message: "a call that an authorizer, a validator or a broken integration refuses never reaches a function: only this log says \
                  why"
            .to_owned(),
        label: with_origin("no execution log", provenance),
        resource: Some(id.clone()),
        fact: "no execution log".to_owned(),
        help: vec![
            "set `MethodSettings: [{HttpMethod: '*', ResourcePath: '/*', LoggingLevel: ERROR}]`; for WebSocket APIs \
             `DefaultRouteSettings: {LoggingLevel: ERROR}`, for GraphQL `FieldLogLevel: ERROR`"
                .to_owned(),
        ],
        ..sink.draft(provenance)
    }
}
