//! What references to resources and parameters read as here, where none of them exist: names a person recognises, and
//! resource names (ARNs) of the right shape in an account of zeros.

use std::collections::BTreeMap;

use brigandine_model::{App, Fact, LogicalId, Piece, Symbol};

use crate::{
    LocalSettings,
    plan::{ACCOUNT, text},
};

/// The application's resources with the names they go by here.
pub(crate) struct Resources<'a> {
    app: &'a App,
    settings: &'a LocalSettings,
    names: BTreeMap<&'a LogicalId, String>,
}

/// One rendered piece of a value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Rendered {
    Text(String),
    /// A secret to be asked for; the reference's text.
    Secret(String),
    /// A parameter nobody gave a value; its name.
    Missing(String),
}

impl<'a> Resources<'a> {
    pub(crate) fn new(app: &'a App, settings: &'a LocalSettings) -> Self {
        let mut resources = Self { app, settings, names: BTreeMap::new() };
        let functions = app.functions.iter().map(|function| (&function.id, function.name.as_ref()));
        let stores = app.stores.iter().map(|store| (&store.id, store.name.as_ref()));
        let secrets = app.secrets.iter().map(|secret| (&secret.id, secret.name.as_ref()));
        let groups = app.log_groups.iter().map(|group| (&group.id, group.name.as_ref()));
        for (id, name) in functions.chain(stores).chain(secrets).chain(groups) {
            if let Some(name) = resources.settle(name) {
                resources.names.insert(id, name);
            }
        }
        resources
    }

    /// A written name: known, or with parameters that have values.
    fn settle(&self, name: Option<&Fact<String>>) -> Option<String> {
        if let Some(known) = text(name) {
            return Some(known);
        }
        let brigandine_model::Value::Symbolic(symbol) = &name?.value else { return None };
        let pieces = self.render(symbol);
        pieces.into_iter().map(|piece| if let Rendered::Text(text) = piece { Some(text) } else { None }).collect()
    }

    /// The name a resource goes by: its physical name where the template settles it, else its logical id.
    pub(crate) fn name<'b>(&'b self, id: &'b LogicalId) -> &'b str {
        self.names.get(id).map_or(id.as_str(), String::as_str)
    }

    /// The resource's type as the template's language names it.
    pub(crate) fn kind(&self, id: &LogicalId) -> &str {
        self.app.resources.get(id).map_or("", |resource| &resource.kind)
    }

    /// A function's resource name.
    pub(crate) fn function_arn(&self, id: &LogicalId) -> String {
        format!("arn:aws:lambda:{}:{ACCOUNT}:function:{}", self.settings.region, self.name(id))
    }

    /// The text of a value with holes, piece by piece.
    pub(crate) fn render(&self, symbol: &Symbol) -> Vec<Rendered> {
        symbol.pieces.iter().map(|piece| self.piece(piece)).collect()
    }

    fn piece(&self, piece: &Piece) -> Rendered {
        match piece {
            Piece::Text(text) => Rendered::Text(text.to_string()),
            Piece::Dynamic(reference) => Rendered::Secret(reference.to_string()),
            Piece::Parameter(name) => {
                self.parameter(name).map_or_else(|| Rendered::Missing(name.to_string()), Rendered::Text)
            }
            Piece::Attribute { resource, attribute: None } => Rendered::Text(self.reference(resource)),
            Piece::Attribute { resource, attribute: Some(name) } => Rendered::Text(self.attribute(resource, name)),
        }
    }

    fn parameter(&self, name: &str) -> Option<String> {
        let region = &self.settings.region;
        let stack = &self.app.name;
        match name {
            "AWS::Region" => Some(region.clone()),
            "AWS::AccountId" => Some(ACCOUNT.to_owned()),
            "AWS::Partition" => Some("aws".to_owned()),
            "AWS::URLSuffix" => Some("amazonaws.com".to_owned()),
            "AWS::StackName" => Some(stack.to_string()),
            "AWS::StackId" => Some(format!("arn:aws:cloudformation:{region}:{ACCOUNT}:stack/{stack}/local")),
            "AWS::NoValue" => Some(String::new()),
            _ => self.settings.parameters.get(name).cloned().or_else(|| {
                let declared = self.app.parameters.iter().find(|parameter| *parameter.name == *name)?;
                declared.default.as_ref().map(ToString::to_string)
            }),
        }
    }

    /// What `Ref` gives.
    pub(crate) fn reference(&self, id: &LogicalId) -> String {
        let (region, name) = (&self.settings.region, self.name(id));
        match self.kind(id) {
            "AWS::SQS::Queue" => format!("https://sqs.{region}.amazonaws.com/{ACCOUNT}/{name}"),
            "AWS::SNS::Topic"
            | "AWS::SecretsManager::Secret"
            | "AWS::StepFunctions::StateMachine"
            | "AWS::Serverless::StateMachine" => self.arn(id),
            _ => name.to_owned(),
        }
    }

    fn attribute(&self, id: &LogicalId, attribute: &str) -> String {
        let (region, name) = (&self.settings.region, self.name(id));
        match attribute {
            "Arn" | "TopicArn" | "FunctionArn" => self.arn(id),
            "StreamArn" => format!("{}/stream/2026-01-01T00:00:00.000", self.arn(id)),
            "QueueName" | "TopicName" | "Name" | "TableName" => name.to_owned(),
            "QueueUrl" => format!("https://sqs.{region}.amazonaws.com/{ACCOUNT}/{name}"),
            "DomainName" => format!("{}.s3.amazonaws.com", name.to_ascii_lowercase()),
            "RegionalDomainName" => format!("{}.s3.{region}.amazonaws.com", name.to_ascii_lowercase()),
            "UserPoolId" | "ProviderName" | "ProviderURL" => format!("{region}_{name}"),
            "RootResourceId" => "root".to_owned(),
            other => format!("{name}.{other}"),
        }
    }

    /// A resource name of the shape its type has on the platform.
    pub(crate) fn arn(&self, id: &LogicalId) -> String {
        let (region, name, kind) = (&self.settings.region, self.name(id), self.kind(id));
        let here = |service: &str, rest: &str| format!("arn:aws:{service}:{region}:{ACCOUNT}:{rest}");
        match kind {
            "AWS::Serverless::Function" | "AWS::Lambda::Function" => self.function_arn(id),
            "AWS::DynamoDB::Table" | "AWS::DynamoDB::GlobalTable" | "AWS::Serverless::SimpleTable" => {
                here("dynamodb", &format!("table/{name}"))
            }
            "AWS::S3::Bucket" => format!("arn:aws:s3:::{name}"),
            "AWS::SQS::Queue" => here("sqs", name),
            "AWS::SNS::Topic" => here("sns", name),
            "AWS::Events::EventBus" => here("events", &format!("event-bus/{name}")),
            "AWS::Kinesis::Stream" => here("kinesis", &format!("stream/{name}")),
            "AWS::SecretsManager::Secret" => here("secretsmanager", &format!("secret:{name}-AbCdEf")),
            "AWS::SSM::Parameter" => here("ssm", &format!("parameter/{}", name.trim_start_matches('/'))),
            "AWS::KMS::Key" => here("kms", &format!("key/{name}")),
            "AWS::Logs::LogGroup" => here("logs", &format!("log-group:{name}:*")),
            "AWS::StepFunctions::StateMachine" | "AWS::Serverless::StateMachine" => {
                here("states", &format!("stateMachine:{name}"))
            }
            "AWS::Cognito::UserPool" => here("cognito-idp", &format!("userpool/{region}_{name}")),
            "AWS::IAM::Role" => format!("arn:aws:iam::{ACCOUNT}:role/{name}"),
            other => {
                let service = other.split("::").nth(1).unwrap_or("resource").to_ascii_lowercase();
                here(&service, name)
            }
        }
    }
}
