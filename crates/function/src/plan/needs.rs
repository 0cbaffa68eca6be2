//! What functions need beyond this machine: one line each, when AWS calls lead nowhere.

use std::collections::{BTreeMap, BTreeSet};

use brigandine_model::{App, Effect, Fact, Function, LogicalId, Value};

use crate::{
    LocalSettings,
    plan::{
        Plans, first,
        notice::{Notice, NoticeKind},
        variables::AwsAccess,
    },
};

/// Services that every function's role mentions and no function has to reach.
const IGNORED: [&str; 6] = ["logs", "xray", "cloudwatch", "ec2", "sts", "*"];
/// Resources named per service; the rest is counted.
const NAMED: usize = 3;

type Wanted = BTreeMap<String, BTreeSet<String>>;

/// Adds the line of everything about interpreters and fences, and of what each function needs.
pub(crate) fn notices(app: &App, settings: &LocalSettings, plans: &mut Plans) {
    substituted(plans);
    if settings.secrets.is_some() {
        // The shield itself stands in for this one.
        plans
            .layers_left_out
            .retain(|(_, layer)| !layer.contains(":layer:AWS-Parameters-and-Secrets-Lambda-Extension"));
    }
    left_out(plans);
    if !plans.ready.is_empty() {
        plans.notices.push(Notice {
            kind: NoticeKind::Unfenced,
            function: None,
            text: "functions run unfenced: as your own user, with your files and network in reach".to_owned(),
        });
    }
    if settings.aws != AwsAccess::None {
        return;
    }
    let kept_here: &[&str] = if settings.secrets.is_some() { &["secretsmanager", "ssm"] } else { &[] };
    let served: Vec<_> = plans.ready.iter().map(|plan| plan.id.clone()).collect();
    for function in app.functions.iter().filter(|function| served.contains(&function.id)) {
        let mut wanted = wanted(app, function);
        wanted.retain(|service, _| !kept_here.contains(&service.as_str()));
        if !wanted.is_empty() {
            let text = format!("{} needs {}: no endpoint", function.id, sentence(&wanted));
            plans.notices.push(Notice { kind: NoticeKind::Needs, function: Some(function.id.clone()), text });
        }
    }
}

/// One loud line per declared version, with the functions it concerns.
fn substituted(plans: &mut Plans) {
    let mut lines: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for one in &plans.substituted {
        let key = (one.declared.to_string(), one.served_by.to_string());
        lines.entry(key).or_default().push(one.function.to_string());
    }
    for ((declared, served_by), functions) in lines {
        let text = format!("{declared} is not installed: {served_by} runs {} instead", functions.join(", "));
        plans.notices.push(Notice { kind: NoticeKind::Substituted, function: None, text });
    }
}

/// One line for all functions that miss the same: a layer that exists on the platform only, or a development kit.
fn left_out(plans: &mut Plans) {
    if !plans.built.is_empty() {
        let functions = std::mem::take(&mut plans.built).iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let text = format!("{functions} run as built in .aws-sam/build: run `sam build` again after a change");
        plans.notices.push(Notice { kind: NoticeKind::Build, function: None, text });
    }
    for (layer, functions) in by_what(std::mem::take(&mut plans.layers_left_out)) {
        let text = format!("{functions} run without the layer {layer}: it is not beside the template");
        plans.notices.push(Notice { kind: NoticeKind::Layer, function: None, text });
    }
    for (kit, functions) in by_what(std::mem::take(&mut plans.kits_missing)) {
        let text = format!("{functions}: the code imports {kit}");
        plans.notices.push(Notice { kind: NoticeKind::Build, function: None, text });
    }
}

fn by_what(pairs: Vec<(LogicalId, String)>) -> BTreeMap<String, String> {
    let mut lines: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (function, what) in pairs {
        lines.entry(what).or_default().push(function.to_string());
    }
    lines.into_iter().map(|(what, functions)| (what, functions.join(", "))).collect()
}

/// Services and resources a function refers to, by its role and its variables.
fn wanted(app: &App, function: &Function) -> Wanted {
    let mut wanted = Wanted::new();
    let statements = function.role.as_ref().and_then(|role| app.role(role)).map(|role| &role.statements);
    for statement in statements.into_iter().flatten() {
        if statement.effect.value.known() != Some(&Effect::Allow) {
            continue;
        }
        let services = statement.actions.iter().filter_map(|action| first(&action.value)?.split_once(':'));
        for service in services.map(|(service, _)| service.to_ascii_lowercase()).collect::<BTreeSet<_>>() {
            let names = statement.resources.iter().filter_map(|resource| name(app, resource));
            wanted.entry(service).or_default().extend(names);
        }
    }
    for variable in &function.environment {
        let Value::Symbolic(symbol) = &variable.value.value else { continue };
        for id in symbol.resources() {
            if let Some(service) = service_of(app, id) {
                wanted.entry(service.to_owned()).or_default().insert(id.to_string());
            }
        }
    }
    wanted.retain(|service, _| !IGNORED.contains(&service.as_str()));
    wanted
}

/// The name of a resource in a statement: its logical id, else the last part of its written name.
fn name(app: &App, resource: &Fact<String>) -> Option<String> {
    match &resource.value {
        Value::Symbolic(symbol) => {
            let of_this_template = symbol.resources().find(|id| app.resources.contains_key(id));
            of_this_template.map(ToString::to_string)
        }
        other => {
            let text = first(other)?.trim_end_matches("/*").trim_end_matches('*').trim_end_matches("/index/");
            let last = text.rsplit([':', '/']).next().unwrap_or_default();
            (!last.is_empty()).then(|| last.to_owned())
        }
    }
}

/// The service behind the types of resources that functions call over the network.
fn service_of(app: &App, id: &LogicalId) -> Option<&'static str> {
    Some(match &*app.resources.get(id)?.kind {
        "AWS::DynamoDB::Table" | "AWS::DynamoDB::GlobalTable" | "AWS::Serverless::SimpleTable" => "dynamodb",
        "AWS::S3::Bucket" => "s3",
        "AWS::SQS::Queue" => "sqs",
        "AWS::SNS::Topic" => "sns",
        "AWS::Events::EventBus" => "events",
        "AWS::Kinesis::Stream" => "kinesis",
        "AWS::SecretsManager::Secret" => "secretsmanager",
        "AWS::SSM::Parameter" => "ssm",
        "AWS::KMS::Key" => "kms",
        "AWS::StepFunctions::StateMachine" | "AWS::Serverless::StateMachine" => "states",
        "AWS::Serverless::Function" | "AWS::Lambda::Function" => "lambda",
        "AWS::RDS::DBInstance" | "AWS::RDS::DBCluster" => "rds",
        "AWS::Cognito::UserPool" => "cognito-idp",
        _ => return None,
    })
}

/// `DynamoDB Orders, Carts and S3 Photos`.
fn sentence(wanted: &Wanted) -> String {
    let one = |(service, names): (&String, &BTreeSet<String>)| {
        let mut text = title(service).to_owned();
        for (index, name) in names.iter().take(NAMED).enumerate() {
            text.push_str(if index == 0 { " " } else { ", " });
            text.push_str(name);
        }
        match names.len().saturating_sub(NAMED) {
            0 => text,
            more => format!("{text} and {more} more"),
        }
    };
    wanted.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// A service's name for people.
fn title(service: &str) -> &str {
    match service {
        "dynamodb" => "DynamoDB",
        "s3" => "S3",
        "sqs" => "SQS",
        "sns" => "SNS",
        "events" => "EventBridge",
        "kinesis" => "Kinesis",
        "secretsmanager" => "Secrets Manager",
        "ssm" => "SSM parameters",
        "kms" => "KMS",
        "states" => "Step Functions",
        "lambda" => "Lambda",
        "ses" => "SES",
        "rds" => "RDS",
        "rekognition" => "Rekognition",
        "cognito-idp" => "Cognito",
        other => other,
    }
}
