//! MO004: an API, or a content network, that keeps no record of who called.

use brigandine_model::{
    App, Change, Finding, Fix, Judgement, Literal, LogicalId, Practice, Property, Resource, RuleMeta, Severity, Value,
};

use crate::{
    Context, Rule, Sink,
    case::{may_hold, when},
    log_group,
    reach::better,
    rule::meta,
    stage::{Stage, Style, referred},
    wording::with_origin,
};

pub(crate) struct UnloggedDoor;

const META: RuleMeta = RuleMeta {
    severity: Severity::Medium,
    practice: Practice::Monitoring,
    frameworks: &["CWE-778", "APIGateway.9", "OWASP-Serverless-S10", "SAS-05"],
    ..meta(
        "MO004",
        "unlogged-door",
        "calls of an API are not recorded, or the record leaves out who called",
        include_str!("../../pages/MO004-unlogged-door.md"),
    )
};

/// What a line must say to be of use afterwards, and the words that say it.
const NEEDED: &[(&str, &[&str])] = &[
    ("the request's id", &["$context.requestId", "$context.extendedRequestId", "$context.awsEndpointRequestId"]),
    ("the caller's address", &["$context.identity.sourceIp"]),
    ("the status", &["$context.status", "$context.integration.status", "$context.integrationStatus"]),
];

impl Rule for UnloggedDoor {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for stage in Stage::all(app) {
            check_stage(app, &stage, sink);
        }
        for (id, resource) in &app.resources {
            match &*resource.kind {
                "AWS::AppSync::GraphQLApi" => {
                    check_other((id, resource), &["LogConfig", "CloudWatchLogsRoleArn"], GRAPH, sink);
                }
                "AWS::CloudFront::Distribution" if !is_delivered(app, id) => {
                    check_other((id, resource), &["DistributionConfig", "Logging", "Bucket"], NETWORK, sink);
                }
                _ => {}
            }
        }
    }
}

fn check_stage(app: &App, stage: &Stage<'_>, sink: &mut Sink) {
    let set = stage.settings.map_or(Judgement::No, |own| own.is_set(&[stage.log_key(), "DestinationArn"]));
    let missing = crate::case::not(set);
    if let Judgement::CannotTell(why) = &missing {
        return sink.cannot_tell(
            &format!("whether calls of `{}` are recorded", stage.name()),
            why,
            (stage.name(), stage.provenance()),
        );
    }
    if may_hold(&missing) {
        return sink.finding(unrecorded(app, stage, &missing, sink));
    }
    let format = stage.settings.and_then(|own| own.at(&[stage.log_key(), "Format"]));
    if let Some((format, text)) = format.and_then(|format| Some((format, written(format)?))) {
        let absent: Vec<&str> = NEEDED
            .iter()
            .filter(|(_, words)| !words.iter().any(|word| text.contains(word)))
            .map(|(name, _)| *name)
            .collect();
        if !absent.is_empty() {
            sink.finding(short(stage, format, &absent, sink));
        }
    }
}

fn written(format: &Property) -> Option<String> {
    match format.text()? {
        Value::Known(text) => Some(text.clone()),
        Value::Symbolic(symbol) => Some(symbol.to_string()),
        _ => None,
    }
}

fn unrecorded(app: &App, stage: &Stage<'_>, holds: &Judgement, sink: &Sink) -> Finding {
    Finding {
        severity: if stage.is_private(app) { better(META.severity) } else { META.severity },
        title: format!("calls of `{}` are not recorded{}", stage.name(), when(holds)),
        message: "after an attack nobody can say who called what, or whether anyone got in: refused and failed calls never reach a \
                  function's own log"
            .to_owned(),
        label: with_origin("no access log", stage.provenance()),
        resource: Some(stage.name().clone()),
        fact: "no access log".to_owned(),
        help: vec![format!(
            "set `{}` to a log group, with a format that has the request's id, the caller's address and the status",
            stage.log_key()
        )],
        fix: fix(app, stage),
        ..sink.draft(stage.provenance())
    }
}

fn short(stage: &Stage<'_>, format: &Property, absent: &[&str], sink: &Sink) -> Finding {
    let plain = absent.join(" and ");
    Finding {
        severity: better(META.severity),
        title: format!("the record of calls of `{}` leaves out {plain}", stage.name()),
        message: "a line that does not say who called, what was answered and under which id cannot be followed into the function's \
                  own log"
            .to_owned(),
        label: with_origin(format!("without {plain}"), &format.provenance),
        resource: Some(stage.name().clone()),
        fact: "short access log".to_owned(),
        help: vec!["add `$context.requestId`, `$context.identity.sourceIp` and `$context.status` to the format".to_owned()],
        ..sink.draft(&format.provenance)
    }
}

/// A log group with a lifetime, and the stage writing into it. The older style writes logs only where the account has a role
/// for it, so that a first deployment may be refused.
fn fix(app: &App, stage: &Stage<'_>) -> Option<Fix> {
    let name = format!("{}AccessLogs", stage.name());
    let group = log_group::declare(app, &name, None)?;
    let path = if stage.style == Style::Rest { "$context.resourcePath" } else { "$context.routeKey" };
    let format = format!(
        "{{\"requestId\":\"$context.requestId\",\"ip\":\"$context.identity.sourceIp\",\"time\":\"$context.requestTime\",\"method\":\
         \"$context.httpMethod\",\"route\":\"{path}\",\"status\":\"$context.status\",\"caller\":\"$context.authorizer.principalId\"}}"
    );
    let value = Literal::map([("DestinationArn", Literal::attribute(&name, "Arn")), ("Format", Literal::text(format))]);
    let changes: Vec<Change> = vec![stage.set(app, stage.log_key(), value)?, group];
    let title = "record calls in a log group of their own";
    Some(if stage.style == Style::Http { Fix::safe(title, changes) } else { Fix::risky(title, changes) })
}

/// What is recorded by other settings than a stage's.
#[derive(Clone, Copy)]
struct Words {
    label: &'static str,
    help: &'static str,
}

const GRAPH: Words = Words {
    label: "no `LogConfig`",
    help: "set `LogConfig` with a role that may write logs and `FieldLogLevel: ERROR`",
};
const NETWORK: Words = Words {
    label: "no `Logging`",
    help: "set `Logging` with a bucket, or deliver the logs with an `AWS::Logs::DeliverySource`",
};

fn check_other(owner: (&LogicalId, &Resource), path: &[&str], words: Words, sink: &mut Sink) {
    let (id, resource) = owner;
    let set = resource.properties.as_ref().map_or(Judgement::No, |own| own.is_set(path));
    match crate::case::not(set) {
        Judgement::No => {}
        Judgement::CannotTell(why) => {
            sink.cannot_tell(&format!("whether calls of `{id}` are recorded"), &why, (id, &resource.provenance));
        }
        missing => {
            let finding = Finding {
                severity: if words.label == NETWORK.label { better(META.severity) } else { META.severity },
                title: format!("calls of `{id}` are not recorded{}", when(&missing)),
                message: "after an attack nobody can say who called what, or whether anyone got in".to_owned(),
                label: with_origin(words.label, &resource.provenance),
                resource: Some(id.clone()),
                fact: "no access log".to_owned(),
                help: vec![words.help.to_owned()],
                ..sink.draft(&resource.provenance)
            };
            sink.finding(finding);
        }
    }
}

/// Whether the logs of a distribution are delivered by the newer way, said beside it.
fn is_delivered(app: &App, distribution: &LogicalId) -> bool {
    let names = |property: &Property| referred(property) == Some(distribution);
    app.resources.values().any(|resource| {
        &*resource.kind == "AWS::Logs::DeliverySource"
            && resource.properties.as_ref().and_then(|own| own.at(&["ResourceArn"])).is_some_and(names)
    })
}
