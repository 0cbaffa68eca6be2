//! LP005: a policy of the platform that grants a whole service, or all of them.

use brigandine_iam::{ManagedClass, ManagedPolicy, managed_policy};
use brigandine_model::{App, Change, Fact, Finding, Fix, Judgement, Literal, RuleMeta, StoreKind, Symbol, Value, Via};

use crate::{
    Context, Rule, Sink,
    case::{HOLE, texts},
    narrow::only_store,
    reach::worse,
    role::Holder,
    rule::meta,
    wording::{list, with_origin},
};

pub(crate) struct BroadManagedPolicy;

const META: RuleMeta = RuleMeta {
    frameworks: &["CWE-250", "OWASP-Serverless-S5", "SAS-04"],
    ..meta(
        "LP005",
        "broad-managed-policy",
        "a managed policy grants a whole service, or the whole account",
        include_str!("../../pages/LP005-broad-managed-policy.md"),
    )
};

impl Rule for BroadManagedPolicy {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for holder in Holder::all(app) {
            for attached in &holder.role.managed {
                match judge(attached) {
                    Outcome::Fine => {}
                    Outcome::Broad(policy, holds) => sink.finding(finding(&holder, attached, (&policy, &holds), sink)),
                    Outcome::Unknown(why) => {
                        let what = format!("a policy of {}", holder.names());
                        sink.cannot_tell(&what, &why, (&holder.resource(), &attached.provenance));
                    }
                }
            }
        }
    }
}

enum Outcome {
    Fine,
    Broad(ManagedPolicy, Judgement),
    Unknown(String),
}

fn judge(attached: &Fact<String>) -> Outcome {
    for text in texts(&attached.value) {
        let Some(policy) = managed_policy(&plain(&text)) else { continue };
        if is_broad(policy.class) {
            let holds = attached.value.judge(&|one| *one == text, &|symbol| Some(crate::case::filled(symbol) == text));
            return Outcome::Broad(policy, holds);
        }
    }
    kept_elsewhere(&attached.value).map_or(Outcome::Fine, Outcome::Unknown)
}

/// The partition is a hole in most templates; it does not matter which it is.
fn plain(text: &str) -> String {
    text.replacen(HOLE, "aws", 1)
}

fn is_broad(class: ManagedClass) -> bool {
    matches!(class, ManagedClass::Admin | ManagedClass::PowerUser | ManagedClass::FullAccess)
}

/// Why nothing can be said of a policy whose text is not in the template.
fn kept_elsewhere(value: &Value<String>) -> Option<String> {
    match value {
        Value::Unknown(why) => Some(why.to_string()),
        Value::Symbolic(symbol) if is_own_resource(symbol) => None,
        _ => texts(value).into_iter().find(|text| managed_policy(&plain(text)).is_none() && !is_platforms(text)).map(
            |text| match text.replace(HOLE, "?") {
                hole if hole == "?" => "its name is only known once deployed".to_owned(),
                name => format!("`{name}` is kept outside of the template"),
            },
        ),
    }
}

/// Policies of the platform that are not listed as broad are not broad.
fn is_platforms(text: &str) -> bool {
    text.contains(":iam::aws:policy/") || !text.contains(':') && !text.contains(HOLE)
}

fn is_own_resource(symbol: &Symbol) -> bool {
    symbol.resources().next().is_some()
}

fn finding(holder: &Holder<'_>, attached: &Fact<String>, found: (&ManagedPolicy, &Judgement), sink: &Sink) -> Finding {
    let (policy, holds) = found;
    let base = if policy.class == ManagedClass::Admin { worse(META.severity) } else { META.severity };
    let grants = match policy.services.as_slice() {
        [] => "a whole service".to_owned(),
        [all] if all == "*" => "the whole account".to_owned(),
        services => format!("everything in {}", list(services)),
    };
    let bearer = if holder.functions.is_empty() { "workload" } else { "function" };
    Finding {
        severity: holder.severity(base),
        title: format!("{} holds `{}`{}", holder.names(), policy.name, crate::case::when(holds)),
        message: format!("the policy grants {grants}, far more than one {bearer} needs; {}", holder.because()),
        label: with_origin(format!("grants {grants}"), &attached.provenance),
        resource: Some(holder.resource()),
        fact: policy.name.clone(),
        help: vec![help(policy)],
        fix: fix(holder, attached, policy),
        ..sink.draft(&attached.provenance)
    }
}

fn help(policy: &ManagedPolicy) -> String {
    let template = match policy.services.first().map(String::as_str) {
        Some("dynamodb") => "`DynamoDBReadPolicy` or `DynamoDBCrudPolicy` with the table's name",
        Some("s3") => "`S3ReadPolicy` or `S3CrudPolicy` with the bucket's name",
        Some("sqs") => "`SQSSendMessagePolicy` or `SQSPollerPolicy` with the queue's name",
        Some("sns") => "`SNSPublishMessagePolicy` with the topic's name",
        Some("lambda") => "`LambdaInvokePolicy` with the function's name",
        Some("ssm") => "`SSMParameterReadPolicy` with the parameter's name",
        Some("secretsmanager") => "`AWSSecretsManagerGetSecretValuePolicy` with the secret's name",
        _ => return "write a statement with the actions the code calls and the resources it calls them on".to_owned(),
    };
    format!("a policy template grants one resource only: {template}")
}

/// What takes the policy's place: a policy template for the one store that the function is told of, or the policy that the
/// platform keeps for exactly what functions do. Nothing where only a person knows what is needed.
fn fix(holder: &Holder<'_>, attached: &Fact<String>, policy: &ManagedPolicy) -> Option<Fix> {
    let written = attached.provenance.via == Via::Written && attached.value.known().is_some();
    let span = attached.provenance.span.clone().filter(|_| written && !holder.functions.is_empty())?;
    let [service] = policy.services.as_slice() else { return None };
    let narrower = match service.as_str() {
        "logs" => Some("service-role/AWSLambdaBasicExecutionRole"),
        "xray" => Some("AWSXRayDaemonWriteAccess"),
        _ => None,
    };
    if let (Some(narrower), Some(text)) = (narrower, attached.value.known()) {
        let start = text.split_once(":policy/").map_or(String::new(), |(start, _)| format!("{start}:policy/"));
        let own = narrower.rsplit('/').next().unwrap_or(narrower);
        let value = if start.is_empty() { own.to_owned() } else { format!("{start}{narrower}") };
        let title = format!("attach `{own}` instead");
        return Some(Fix::risky(title, vec![Change::Replace { span, value: Literal::text(value) }]));
    }
    // Only the list of a function's own policies takes policy templates.
    (holder.role.provenance.via == Via::Implicit).then_some(())?;
    let (kind, template, parameter, attribute) = match service.as_str() {
        "dynamodb" => (StoreKind::Table, "DynamoDBCrudPolicy", "TableName", None),
        "s3" => (StoreKind::Bucket, "S3CrudPolicy", "BucketName", None),
        "sqs" => (StoreKind::Queue, "SQSSendMessagePolicy", "QueueName", Some("QueueName")),
        "sns" => (StoreKind::Topic, "SNSPublishMessagePolicy", "TopicName", Some("TopicName")),
        _ => return None,
    };
    let store = only_store(holder, kind)?.as_str();
    let name = attribute.map_or_else(|| Literal::reference(store), |attribute| Literal::attribute(store, attribute));
    let value = Literal::map([(template, Literal::map([(parameter, name)]))]);
    Some(Fix::risky(format!("grant `{template}` on `{store}` instead"), vec![Change::Replace { span, value }]))
}
