//! Fixes that narrow a grant to what the functions are told of.

use brigandine_iam::{Action, ActionPattern, actions};
use brigandine_model::{App, Change, Fact, Fix, Literal, LogicalId, Property, Statement, StoreKind, Via};

use crate::{
    case::texts,
    mention::Mentions,
    place::{Places, substituted},
    role::{Holder, first_where},
};

/// More names than this in one statement are no help to whoever reads it.
const MOST_NAMES: usize = 8;

/// What functions do with a service every day, for whoever wrote `service:*` and needs a beginning.
const EVERYDAY: &[(&str, &[&str])] = &[
    (
        "dynamodb",
        &[
            "BatchGetItem",
            "BatchWriteItem",
            "ConditionCheckItem",
            "DeleteItem",
            "GetItem",
            "PutItem",
            "Query",
            "Scan",
            "UpdateItem",
        ],
    ),
    ("events", &["PutEvents"]),
    ("kinesis", &["DescribeStreamSummary", "GetRecords", "GetShardIterator", "ListShards", "PutRecord", "PutRecords"]),
    ("lambda", &["InvokeFunction"]),
    ("s3", &["DeleteObject", "GetObject", "ListBucket", "PutObject"]),
    ("secretsmanager", &["DescribeSecret", "GetSecretValue"]),
    ("sns", &["Publish"]),
    (
        "sqs",
        &[
            "ChangeMessageVisibility",
            "DeleteMessage",
            "GetQueueAttributes",
            "GetQueueUrl",
            "ReceiveMessage",
            "SendMessage",
        ],
    ),
    ("states", &["DescribeExecution", "StartExecution"]),
];

/// What functions do with a service every day; nothing for services where that differs too much.
pub(crate) fn everyday(service: &str) -> Option<Vec<String>> {
    let (_, names) = EVERYDAY.iter().find(|(own, _)| *own == service)?;
    Some(names.iter().map(|name| format!("{service}:{name}")).collect())
}

/// Narrows a statement that reaches every resource of one service to those that the functions are told of, and everything a
/// service has to what functions do with it every day. Nothing where a needed action only ever takes `*`, or where the
/// functions are told of nothing: then only a person knows.
pub(crate) fn to_what_is_named(holder: &Holder<'_>, statement: &Statement, places: &Places<'_>) -> Option<Fix> {
    if statement.provenance.via != Via::Written || holder.functions.is_empty() || !statement.conditions.is_empty() {
        return None;
    }
    let [star] = statement.resources.as_slice() else { return None };
    let plan = Plan::of(statement)?;
    let names = plan.names(holder)?;
    let shown: Vec<String> = names.iter().map(|(id, _)| format!("`{id}`")).collect();
    let literals: Vec<Literal> = names.into_iter().flat_map(|(_, literals)| literals).collect();
    let (span, value) = places.instead(star, literals)?;
    let mut changes = vec![Change::Replace { span, value }];
    if let Some(wide) = plan.wide {
        let (span, value) = places.instead(wide, plan.actions.iter().map(Literal::text).collect())?;
        changes.push(Change::Replace { span, value });
    }
    Some(Fix::risky(format!("grant it on {} only", shown.join(" and ")), changes))
}

/// What a statement is to allow once it is narrowed.
struct Plan<'a> {
    service: &'static str,
    /// The actions, written out.
    actions: Vec<String>,
    /// The written action that stood for all of them.
    wide: Option<&'a Fact<String>>,
}

impl<'a> Plan<'a> {
    fn of(statement: &'a Statement) -> Option<Self> {
        let wide = first_where(&statement.actions, |fact| {
            let is_wide = |text: &String| text.parse::<ActionPattern>().is_ok_and(|pattern| pattern.is_service_wide());
            brigandine_model::Judgement::settled(texts(&fact.value).iter().any(is_wide))
        });
        match wide {
            Some(wide) if statement.actions.len() == 1 => Self::everyday(wide),
            Some(_) => None,
            None => Self::as_written(statement),
        }
    }

    fn everyday(wide: &'a Fact<String>) -> Option<Self> {
        let text = wide.value.known()?;
        let (service, names) = EVERYDAY.iter().find(|(own, _)| text.split(':').next() == Some(own))?;
        let actions = names.iter().map(|name| format!("{service}:{name}")).collect();
        Some(Self { service, actions, wide: Some(wide) })
    }

    /// Every action must take a name, or it would be lost.
    fn as_written(statement: &Statement) -> Option<Self> {
        let mut service = None;
        let mut written = Vec::new();
        for fact in &statement.actions {
            let pattern: ActionPattern = fact.value.known()?.parse().ok()?;
            let covered: Vec<Action> = pattern.covered().collect();
            let first = covered.first()?;
            if covered.iter().any(|action| !action.takes_resource || action.service != first.service) {
                return None;
            }
            if service.is_some_and(|own| own != first.service) {
                return None;
            }
            service = Some(first.service);
            written.extend(covered.iter().map(|action| format!("{}:{}", action.service, action.name)));
        }
        Some(Self { service: service?, actions: written, wide: None })
    }

    /// The resources of the service that the functions are told of, with how a policy names them.
    fn names(&self, holder: &Holder<'_>) -> Option<Vec<(LogicalId, Vec<Literal>)>> {
        let mentions = Mentions::of(holder.app, holder.functions.iter().copied());
        let own: Vec<&LogicalId> = holder.functions.iter().map(|function| &function.id).collect();
        let mut found = Vec::new();
        for id in candidates(holder.app, self.service) {
            if mentions.refers_to(id) && !own.contains(&id) {
                found.push((id.clone(), self.literals(holder.app, id)));
            }
        }
        (!found.is_empty() && found.len() <= MOST_NAMES).then_some(found)
    }

    fn literals(&self, app: &App, id: &LogicalId) -> Vec<Literal> {
        match self.service {
            "s3" => self.bucket(id),
            "dynamodb" if self.reads_indexes(app, id) => {
                vec![Literal::attribute(id.as_str(), "Arn"), substituted(format!("${{{id}.Arn}}/index/*"))]
            }
            "ssm" => vec![parameter(app, id)],
            "sns" | "secretsmanager" | "states" => vec![Literal::reference(id.as_str())],
            _ => vec![Literal::attribute(id.as_str(), "Arn")],
        }
    }

    /// A bucket and the objects in it are two names.
    fn bucket(&self, id: &LogicalId) -> Vec<Literal> {
        let is_of_objects = |action: &&String| action.contains("Object") || action.contains("MultipartUploadParts");
        let mut names = Vec::new();
        if !self.actions.iter().all(|action| is_of_objects(&action)) {
            names.push(Literal::attribute(id.as_str(), "Arn"));
        }
        if self.actions.iter().any(|action| is_of_objects(&action)) {
            names.push(substituted(format!("${{{id}.Arn}}/*")));
        }
        names
    }

    fn reads_indexes(&self, app: &App, id: &LogicalId) -> bool {
        let asks = self.actions.iter().any(|action| action.ends_with(":Query") || action.ends_with(":Scan"));
        let properties = app.resources.get(id).and_then(|resource| resource.properties.as_ref());
        let has = |key: &str| properties.and_then(|properties: &Property| properties.at(&[key])).is_some();
        asks && (has("GlobalSecondaryIndexes") || has("LocalSecondaryIndexes"))
    }
}

/// A stored parameter by its resource name: a name that begins with a slash needs no other before it.
fn parameter(app: &App, id: &LogicalId) -> Literal {
    let name = app.secrets.iter().find(|secret| secret.id == *id).and_then(|secret| secret.name.as_ref());
    let begins = name.is_some_and(|name| texts(&name.value).iter().all(|text| text.starts_with('/')));
    let slash = if begins { "" } else { "/" };
    substituted(format!("arn:${{AWS::Partition}}:ssm:${{AWS::Region}}:${{AWS::AccountId}}:parameter{slash}${{{id}}}"))
}

/// The resources of the template that are of a service.
fn candidates<'a>(app: &'a App, service: &str) -> Vec<&'a LogicalId> {
    let kinds: &[&str] = match service {
        "secretsmanager" => &["AWS::SecretsManager::Secret"],
        "ssm" => &["AWS::SSM::Parameter"],
        "kms" => &["AWS::KMS::Key"],
        "states" => &["AWS::StepFunctions::StateMachine"],
        "lambda" => &["AWS::Lambda::Function"],
        "dynamodb" => &["AWS::DynamoDB::Table"],
        "s3" => &["AWS::S3::Bucket"],
        "sqs" => &["AWS::SQS::Queue"],
        "sns" => &["AWS::SNS::Topic"],
        "events" => &["AWS::Events::EventBus"],
        "kinesis" => &["AWS::Kinesis::Stream"],
        _ => &[],
    };
    app.resources.iter().filter(|(_, resource)| kinds.contains(&&*resource.kind)).map(|(id, _)| id).collect()
}

/// The only store of a kind that the functions are told of.
pub(crate) fn only_store<'a>(holder: &Holder<'a>, kind: StoreKind) -> Option<&'a LogicalId> {
    let mentions = Mentions::of(holder.app, holder.functions.iter().copied());
    let mut named = holder.app.stores.iter().filter(|store| store.kind == kind && mentions.refers_to(&store.id));
    let first = named.next()?;
    named.next().is_none().then_some(&first.id)
}

/// Whether an action only ever takes `*`, so that asking for a name would be wrong.
pub(crate) fn takes_no_name(text: &str) -> bool {
    text.split_once(':')
        .and_then(|(service, name)| actions().find(service, name))
        .is_some_and(|action| !action.takes_resource)
}
