//! LP007: a policy template that was given a wildcard where it asks for a name.

use brigandine_iam::ResourcePattern;
use brigandine_model::{
    App, Change, Effect, Fact, Finding, Fix, Judgement, Literal, RuleMeta, Statement, StoreKind, Via,
};

use crate::{
    Context, Rule, Sink,
    case::{any, ask_text, both, is, may_hold, texts, when},
    narrow::only_store,
    role::Holder,
    rule::meta,
};

pub(crate) struct WildcardPolicyTemplate;

const META: RuleMeta = RuleMeta {
    frameworks: &["CWE-732", "OWASP-Serverless-S5", "SAS-04"],
    ..meta(
        "LP007",
        "wildcard-policy-template",
        "a policy template is filled with a wildcard instead of a name",
        include_str!("../../pages/LP007-wildcard-policy-template.md"),
    )
};

/// Statements that templates write with a wildcard of their own, whatever they are given: the template, and an action of
/// the statement.
const BY_DESIGN: &[(&str, &str)] = &[
    ("AWSSecretsManagerRotationPolicy", "secretsmanager:GetSecretValue"),
    ("CloudFormationDescribeStacksPolicy", "cloudformation:DescribeStacks"),
    ("KinesisStreamReadPolicy", "kinesis:ListStreams"),
    ("PollyFullAccessPolicy", "polly:PutLexicon"),
    ("ServerlessRepoReadWriteAccessPolicy", "serverlessrepo:CreateApplication"),
];

/// Templates that are given a whole resource name, so that a bare `*` is of the person's making.
const TAKES_WHOLE_NAME: &[&str] = &["AWSSecretsManagerGetSecretValuePolicy", "AcmGetCertificatePolicy"];

impl Rule for WildcardPolicyTemplate {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for holder in Holder::all(app) {
            let mut told: Option<&Statement> = None;
            for statement in &holder.role.statements {
                // A template of several statements is one cause.
                if told.is_some_and(|told| told.provenance == statement.provenance) {
                    continue;
                }
                let Via::PolicyTemplate(template) = &statement.provenance.via else { continue };
                let holds = judge(statement);
                if may_hold(&holds) {
                    sink.finding(finding(&holder, (statement, template), &holds, sink));
                    told = Some(statement);
                }
            }
        }
    }
}

/// Whether the statement comes from a policy template and reaches everything of a kind because of what it was given.
pub(super) fn fills(statement: &Statement) -> bool {
    may_hold(&judge(statement))
}

fn judge(statement: &Statement) -> Judgement {
    let Via::PolicyTemplate(template) = &statement.provenance.via else { return Judgement::No };
    if is_by_design(statement, template) {
        return Judgement::No;
    }
    let services = services_of(statement);
    let filled = any(statement.resources.iter().map(|resource| reaches_all(resource, &services, template)));
    both(is(&statement.effect, &Effect::Allow), filled)
}

fn is_by_design(statement: &Statement, template: &str) -> bool {
    let has = |action: &str| statement.actions.iter().flat_map(|fact| texts(&fact.value)).any(|text| text == action);
    BY_DESIGN.iter().any(|(name, action)| *name == template && has(action))
}

fn reaches_all(resource: &Fact<String>, services: &[String], template: &str) -> Judgement {
    let whole = TAKES_WHOLE_NAME.contains(&template);
    let all = |text: &str| {
        let pattern = ResourcePattern::new(text);
        let bare = pattern == ResourcePattern::Everything;
        if bare { whole } else { services.iter().any(|service| pattern.covers_service(service)) }
    };
    // A parameter that whoever deploys fills is what templates are made for; it is judged by what it is filled with.
    let judged = ask_text(&resource.value, &all);
    if matches!(judged, Judgement::CannotTell(_)) { Judgement::No } else { judged }
}

fn finding(holder: &Holder<'_>, from: (&Statement, &str), holds: &Judgement, sink: &Sink) -> Finding {
    let (statement, template) = from;
    let filled = statement
        .resources
        .iter()
        .find(|fact| may_hold(&reaches_all(fact, &services_of(statement), template)))
        .map_or(&statement.provenance, |fact| &fact.provenance);
    let provenance = if filled.span.is_some() { filled } else { &statement.provenance };
    Finding {
        severity: holder.severity(META.severity),
        title: format!("{} gets `{template}` on everything of the kind{}", holder.names(), when(holds)),
        message: format!(
            "the template narrows its policy to the name that it is given, and a wildcard is every name in the account; {}",
            holder.because()
        ),
        label: "given `*` where it asks for a name".to_owned(),
        resource: Some(holder.resource()),
        fact: format!("{template} on everything"),
        help: vec!["give it the name of the resource, such as `!Ref Table`".to_owned()],
        fix: fix(holder, statement, template),
        ..sink.draft(provenance)
    }
}

fn services_of(statement: &Statement) -> Vec<String> {
    let texts = statement.actions.iter().flat_map(|fact| texts(&fact.value));
    texts.filter_map(|text| text.split_once(':').map(|(service, _)| service.to_owned())).collect()
}

/// The name of the one store that the function is told of, for templates that ask for nothing else.
fn fix(holder: &Holder<'_>, statement: &Statement, template: &str) -> Option<Fix> {
    let (kind, parameter, attribute) = match template {
        "DynamoDBCrudPolicy" | "DynamoDBReadPolicy" | "DynamoDBReconfigurePolicy" | "DynamoDBWritePolicy" => {
            (StoreKind::Table, "TableName", None)
        }
        "S3CrudPolicy" | "S3FullAccessPolicy" | "S3ReadPolicy" | "S3WritePolicy" => {
            (StoreKind::Bucket, "BucketName", None)
        }
        "SQSPollerPolicy" | "SQSSendMessagePolicy" => (StoreKind::Queue, "QueueName", Some("QueueName")),
        "SNSCrudPolicy" | "SNSPublishMessagePolicy" => (StoreKind::Topic, "TopicName", Some("TopicName")),
        _ => return None,
    };
    let store = only_store(holder, kind)?.as_str();
    let span = statement.provenance.span.clone()?;
    let name = attribute.map_or_else(|| Literal::reference(store), |attribute| Literal::attribute(store, attribute));
    let value = Literal::map([(parameter, name)]);
    Some(Fix::risky(format!("grant it on `{store}` only"), vec![Change::Replace { span, value }]))
}
