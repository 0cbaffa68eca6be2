//! Fixes that narrow a grant to what the functions are told of.

use std::collections::BTreeSet;

use brigandine_iam::{Action, ActionPattern, actions};
use brigandine_model::{App, Change, Fact, Fix, Judgement, Literal, LogicalId, Property, Statement, StoreKind, Via};

use crate::{
    case::texts,
    mention::Mentions,
    place::{Places, substituted},
    role::{Holder, first_where},
    wording::list,
};

/// More names than this in one statement are no help to whoever reads it.
const MOST_NAMES: usize = 8;

/// With more than this declared, and none of them told to the function, nobody can say which are meant.
const FEW: usize = 2;

/// A pattern that means more actions than this was not meant to be read.
const MOST_ACTIONS: usize = 200;

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

/// Narrows a statement that reaches every resource to those that the functions are told of, and everything a service has to
/// what functions do with it every day. Where the functions are told of nothing, the few that the template declares are
/// meant. Nothing where a needed action only ever takes `*`, or where no name is to be had: then only a person knows.
pub(crate) fn to_what_is_named(holder: &Holder<'_>, statement: &Statement, places: &Places<'_>) -> Option<Fix> {
    if statement.provenance.via != Via::Written || !statement.conditions.is_empty() {
        return None;
    }
    let [star] = statement.resources.as_slice() else { return None };
    let plan = Plan::of(statement)?;
    let mentions = Mentions::of(holder.app, holder.functions.iter().copied());
    let mut names = Vec::new();
    for service in plan.services() {
        names.extend(plan.names(holder, &mentions, service)?);
    }
    let shown: Vec<&LogicalId> = names.iter().map(|(id, _)| id).collect();
    let title = format!("grant it on {} only", list(&shown));
    let literals: Vec<Literal> = names.iter().flat_map(|(_, literals)| literals.iter().cloned()).collect();
    let (span, value) = places.instead(star, literals)?;
    let mut changes = vec![Change::Replace { span, value }];
    if let Some(wide) = plan.wide {
        let (span, value) = places.instead(wide, plan.actions.iter().map(Literal::text).collect())?;
        changes.push(Change::Replace { span, value });
    }
    Some(Fix::risky(title, changes))
}

/// What a statement is to allow once it is narrowed.
struct Plan<'a> {
    /// The actions, written out.
    actions: Vec<String>,
    /// The written action that stood for all of them.
    wide: Option<&'a Fact<String>>,
}

impl<'a> Plan<'a> {
    fn of(statement: &'a Statement) -> Option<Self> {
        let wide = first_where(&statement.actions, |fact| {
            let is_wide = |text: &String| text.parse::<ActionPattern>().is_ok_and(|pattern| pattern.is_service_wide());
            Judgement::settled(texts(&fact.value).iter().any(is_wide))
        });
        match wide {
            Some(wide) if statement.actions.len() == 1 => {
                let service = wide.value.known()?.split(':').next()?;
                Some(Self { actions: everyday(service)?, wide: Some(wide) })
            }
            Some(_) => None,
            None => Self::as_written(statement),
        }
    }

    /// Every action must take a name, or it would be lost.
    fn as_written(statement: &Statement) -> Option<Self> {
        let mut actions = Vec::new();
        for fact in &statement.actions {
            let pattern: ActionPattern = fact.value.known()?.parse().ok()?;
            let covered: Vec<Action> = pattern.covered().take(MOST_ACTIONS).collect();
            if covered.is_empty() || covered.iter().any(|action| !action.takes_resource) {
                return None;
            }
            actions.extend(covered.iter().map(|action| format!("{}:{}", action.service, action.name)));
        }
        Some(Self { actions, wide: None })
    }

    fn services(&self) -> BTreeSet<&str> {
        self.actions.iter().filter_map(|action| action.split(':').next()).collect()
    }

    /// The resources of the service that are meant, with how a policy names them.
    fn names(&self, holder: &Holder<'_>, mentions: &Mentions, service: &str) -> Option<Vec<(LogicalId, Vec<Literal>)>> {
        let is_own = |id: &LogicalId| holder.functions.iter().any(|function| function.id == *id);
        let declared: Vec<&LogicalId> = candidates(holder.app, service).into_iter().filter(|id| !is_own(id)).collect();
        let told: Vec<&LogicalId> = declared.iter().copied().filter(|id| mentions.refers_to(id)).collect();
        let (meant, most) = if told.is_empty() { (declared, FEW) } else { (told, MOST_NAMES) };
        let literals = |id: &LogicalId| (id.clone(), self.literals(holder.app, (service, id)));
        (!meant.is_empty() && meant.len() <= most).then(|| meant.into_iter().map(literals).collect())
    }

    fn literals(&self, app: &App, (service, id): (&str, &LogicalId)) -> Vec<Literal> {
        match service {
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
        let of_bucket = |action: &&String| action.starts_with("s3:") && !is_of_objects(action);
        let mut names = Vec::new();
        if self.actions.iter().any(|action| of_bucket(&action)) {
            names.push(Literal::attribute(id.as_str(), "Arn"));
        }
        if self.actions.iter().any(|action| is_of_objects(&action)) {
            names.push(substituted(format!("${{{id}.Arn}}/*")));
        }
        names
    }

    fn reads_indexes(&self, app: &App, id: &LogicalId) -> bool {
        let asks = self.actions.iter().any(|action| matches!(action.as_str(), "dynamodb:Query" | "dynamodb:Scan"));
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

/// The only store of a kind that the functions are told of; where they are told of none, the only one of the template.
pub(crate) fn only_store<'a>(holder: &Holder<'a>, kind: StoreKind) -> Option<&'a LogicalId> {
    let mentions = Mentions::of(holder.app, holder.functions.iter().copied());
    let declared: Vec<&LogicalId> =
        holder.app.stores.iter().filter(|store| store.kind == kind).map(|store| &store.id).collect();
    let told: Vec<&LogicalId> = declared.iter().copied().filter(|id| mentions.refers_to(id)).collect();
    match (told.as_slice(), declared.as_slice()) {
        ([only], _) | ([], [only]) => Some(only),
        _ => None,
    }
}

/// Whether an action only ever takes `*`, so that asking for a name would be wrong.
pub(crate) fn takes_no_name(text: &str) -> bool {
    text.split_once(':')
        .and_then(|(service, name)| actions().find(service, name))
        .is_some_and(|action| !action.takes_resource)
}
