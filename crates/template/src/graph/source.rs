//! What starts functions: routes, mappings, rules, schedules, notifications.

use brigandine_model::{
    ApiStyle, AuthorizerKind, Delivery, EventSource, Fact, LogicalId, Provenance, SourceKind, Value,
};

use super::{Declared, Graph};
use crate::{Node, resolve::referred};

impl<'n> Graph<'n> {
    pub(super) fn sources(&mut self) {
        self.route_sources();
        self.authorizer_sources();
        for declared in self.of(&["AWS::Lambda::EventSourceMapping"]) {
            self.mapping(&declared);
        }
        self.triggers();
        self.permitted();
    }

    /// A source, with the parts most sources leave open left open.
    pub(super) fn source(
        function: LogicalId,
        kind: SourceKind,
        delivery: Delivery,
        provenance: &Provenance,
    ) -> EventSource {
        EventSource {
            function,
            kind,
            delivery,
            source: None,
            failure_target: None,
            partial_batches: None,
            batch_size: None,
            provenance: provenance.clone(),
        }
    }

    fn route_sources(&mut self) {
        let mut found = Vec::new();
        for route in &self.app.routes {
            let Some(function) = route.function.clone() else { continue };
            let url = self.app.apis.iter().any(|api| api.id == route.api && api.style == ApiStyle::FunctionUrl);
            let kind = if url { SourceKind::Url } else { SourceKind::Api };
            let mut source = Self::source(function, kind, Delivery::Sync, &route.provenance);
            source.source = Some(Fact::known(format!("{} {}", route.method, route.path), route.provenance.clone()));
            found.push(source);
        }
        self.app.sources.extend(found);
    }

    fn authorizer_sources(&mut self) {
        let mut found = Vec::new();
        for authorizer in self.app.apis.iter().flat_map(|api| api.authorizers.values()) {
            if let AuthorizerKind::Function { function: Some(function), .. } = &authorizer.kind {
                let kind = SourceKind::Other("authorizer".into());
                found.push(Self::source(function.clone(), kind, Delivery::Sync, &authorizer.provenance));
            }
        }
        self.app.sources.extend(found);
    }

    fn mapping(&mut self, declared: &Declared<'n>) {
        let Some(properties) = declared.properties else { return };
        let Some(function) = self.target_function(properties.get("FunctionName"), declared) else { return };
        let from = self.text_at(properties, "EventSourceArn");
        let kind = from.as_ref().map_or(SourceKind::Broker, |fact| self.mapped_kind(fact));
        let target = self.part(properties, "DestinationConfig", &declared.id);
        let target = target.and_then(|node| self.part(node, "OnFailure", &declared.id));
        let mut source = Self::source(function, kind, Delivery::Poll, &declared.provenance);
        source.failure_target = target.and_then(|node| self.text_at(node, "Destination"));
        source.batch_size = self.number_at(properties, "BatchSize");
        let reported = self.strings_at(properties, "FunctionResponseTypes").into_iter().next();
        source.partial_batches = reported.map(|fact| Fact {
            value: fact.value.map(&|text| text == "ReportBatchItemFailures"),
            provenance: fact.provenance,
        });
        source.source = from;
        self.app.sources.push(source);
    }

    /// What is read from: by the resource referred to, else by the resource name's service.
    fn mapped_kind(&self, fact: &Fact<String>) -> SourceKind {
        let resource = referred(fact).and_then(|id| self.declared(&id).map(|declared| declared.kind));
        let text = match &fact.value {
            Value::Known(text) => text.clone(),
            Value::Symbolic(symbol) => symbol.to_string(),
            _ => String::new(),
        };
        match resource {
            Some("AWS::SQS::Queue") => SourceKind::Queue,
            Some("AWS::Kinesis::Stream" | "AWS::Kinesis::StreamConsumer") => SourceKind::Stream,
            Some("AWS::DynamoDB::Table" | "AWS::DynamoDB::GlobalTable") => SourceKind::TableStream,
            _ if text.contains(":sqs:") => SourceKind::Queue,
            _ if text.contains(":kinesis:") => SourceKind::Stream,
            _ if text.contains(":dynamodb:") => SourceKind::TableStream,
            Some(kind)
                if ["AWS::MSK::", "AWS::AmazonMQ::", "AWS::DocDB::"].iter().any(|known| kind.starts_with(known)) =>
            {
                SourceKind::Broker
            }
            _ if [":kafka:", ":mq:", ":rds:"].iter().any(|service| text.contains(service)) => SourceKind::Broker,
            _ => SourceKind::Other("event source".into()),
        }
    }

    /// The function a property names; told when it cannot be found.
    pub(super) fn target_function(&mut self, node: Option<&Node>, declared: &Declared<'n>) -> Option<LogicalId> {
        let node = node?;
        let fact = self.resolve.text(node);
        let function = self.function_behind(&fact);
        if function.is_none() {
            let reason = match &fact.value {
                Value::Unknown(why) => format!("the function it starts is not known: {why}"),
                _ => "the function it starts is not part of the template".to_owned(),
            };
            self.unjudged(&reason, Some(&declared.id), node);
        }
        function
    }

    /// Callers that a permission lets in and nothing else in the template explains.
    fn permitted(&mut self) {
        for declared in self.of(&["AWS::Lambda::Permission"]) {
            let Some(properties) = declared.properties else { continue };
            let function = self.text_at(properties, "FunctionName").and_then(|fact| self.function_behind(&fact));
            let principal = self.text_at(properties, "Principal").and_then(|fact| match fact.value {
                Value::Known(text) => Some(text),
                Value::Symbolic(symbol) => Some(symbol.to_string()),
                _ => None,
            });
            let (Some(function), Some(principal)) = (function, principal) else { continue };
            let Some((kind, delivery)) = caller(&principal) else { continue };
            let explains = |source: &EventSource| {
                source.kind == kind || (kind == SourceKind::Bus && source.kind == SourceKind::Schedule)
            };
            if self.app.sources.iter().any(|source| source.function == function && explains(source)) {
                continue;
            }
            if delivery == Delivery::Unknown {
                let reason = format!("it is not known whether `{principal}` waits for the function's answer");
                self.unjudged(&reason, Some(&declared.id), properties);
            }
            let mut source = Self::source(function, kind, delivery, &declared.provenance);
            source.source = self.text_at(properties, "SourceArn");
            self.app.sources.push(source);
        }
    }
}

/// What a service calls functions for, and how. Clocks and buses share one service. Where the platform's documentation
/// does not say how a service calls, nothing is assumed: rules take what stands here for sure.
fn caller(principal: &str) -> Option<(SourceKind, Delivery)> {
    let service = principal.split('.').next().unwrap_or(principal);
    let other = |name: &str| SourceKind::Other(name.into());
    Some(match service {
        "s3" => (SourceKind::Bucket, Delivery::Async),
        "sns" => (SourceKind::Topic, Delivery::Async),
        "events" => (SourceKind::Bus, Delivery::Async),
        "scheduler" => (SourceKind::Schedule, Delivery::Async),
        "logs" => (SourceKind::Logs, Delivery::Async),
        "cognito-idp" | "cognito-sync" => (SourceKind::Identity, Delivery::Sync),
        "apigateway" => (SourceKind::Api, Delivery::Sync),
        "states" => (SourceKind::Workflow, Delivery::Sync),
        "elasticloadbalancing" => (other("load balancer"), Delivery::Sync),
        "iot" => (other("iot"), Delivery::Async),
        "ses" => (other("mail"), Delivery::Async),
        "config" => (other("config"), Delivery::Async),
        "codecommit" | "cloudformation" | "codepipeline" | "iotevents" => (other(service), Delivery::Async),
        "secretsmanager" => (other("secret rotation"), Delivery::Unknown),
        "batchoperations" => (other("batch of objects"), Delivery::Sync),
        "edgelambda" => (other("content network"), Delivery::Sync),
        "appsync" => (other("graphql"), Delivery::Sync),
        "bedrock" => (other("agent"), Delivery::Sync),
        "lex" | "lexv2" | "alexa-appkit" | "connect" | "firehose" => (other(service), Delivery::Sync),
        _ if principal.contains(".amazon") || principal.ends_with(".${AWS::URLSuffix}") => {
            (other(service), Delivery::Unknown)
        }
        _ => return None,
    })
}
