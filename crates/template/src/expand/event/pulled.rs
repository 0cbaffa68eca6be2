//! Sources the platform polls on a function's behalf: streams, queues, brokers and clusters.

use crate::expand::Expansion;
use crate::expand::fault::{Fault, Outcome};
use crate::expand::policies;
use crate::expand::resource::Made;
use crate::expand::tree;
use crate::node::Node;

use super::{Event, Target, pulled_policy};

/// Properties that go to the mapping under the same name.
const TAKEN: &[&str] = &[
    "StartingPosition",
    "StartingPositionTimestamp",
    "BatchSize",
    "Enabled",
    "MaximumBatchingWindowInSeconds",
    "MaximumRetryAttempts",
    "BisectBatchOnFunctionError",
    "MaximumRecordAgeInSeconds",
    "ParallelizationFactor",
    "Topics",
    "Queues",
    "SourceAccessConfigurations",
    "TumblingWindowInSeconds",
    "FunctionResponseTypes",
    "FilterCriteria",
    "KmsKeyArn",
    "ScalingConfig",
    "ProvisionedPollerConfig",
    "MetricsConfig",
    "LoggingConfig",
];

pub(super) fn expand(cx: &Expansion<'_>, target: &Target, role: &mut Made, event: &Event) -> Outcome<Vec<Made>> {
    mapping(cx, target, role, event).map(|mapping| vec![mapping])
}

/// Where the source stands, by the kind of event.
fn source(event: &Event) -> Option<&Node> {
    match event.kind.as_str() {
        "SQS" => event.get("Queue"),
        "MQ" => event.get("Broker"),
        "DocumentDB" => event.get("Cluster"),
        _ => event.get("Stream"),
    }
}

/// The mapping of one source. What the function's role needs to read it is added to `role`.
pub(super) fn mapping(cx: &Expansion<'_>, target: &Target, role: &mut Made, event: &Event) -> Outcome<Made> {
    let maker = event.maker();
    let mut mapping =
        event.made("AWS::Lambda::EventSourceMapping", &target.passed_on()).with("FunctionName", target.name.clone());
    mapping.set_given("EventSourceArn", source(event));
    mapping.take(&event.written, TAKEN);
    check_filter(event)?;
    let given = |name: &str| event.get(name).filter(|value| tree::truthy(value)).cloned();
    if let Some(servers) = given("KafkaBootstrapServers") {
        let endpoints = maker.map([("KafkaBootstrapServers", servers)]);
        mapping.set("SelfManagedEventSource", maker.map([("Endpoints", endpoints)]));
    }
    set_kafka(cx, &mut mapping, event)?;
    let destination = destination(&mut mapping, event)?;
    if event.kind == "DocumentDB" {
        let mut config: Vec<_> =
            event.get("DatabaseName").map(|name| ("DatabaseName", name.clone())).into_iter().collect();
        config.extend(["CollectionName", "FullDocument"].into_iter().filter_map(|name| Some((name, given(name)?))));
        mapping.set("DocumentDBEventSourceConfig", maker.map(config));
    }
    grant(cx, role, event)?;
    if let Some(policy) = destination {
        policies::embed(role, policy);
    }
    Ok(mapping)
}

fn check_filter(event: &Event) -> Outcome<()> {
    let Some(filter) = event.get("FilterCriteria").filter(|it| tree::truthy(it) && !tree::is_intrinsic(it)) else {
        return Ok(());
    };
    let names: Vec<_> = filter.as_map().map(|map| map.keys().collect()).unwrap_or_default();
    if names == ["Filters"] {
        return Ok(());
    }
    Err(Fault::event(&event.name, "FilterCriteria field has a wrong format").at(&filter.origin))
}

/// Settings that the two kinds of Kafka sources keep in a map of their own.
fn set_kafka(cx: &Expansion<'_>, mapping: &mut Made, event: &Event) -> Outcome<()> {
    let given =
        |name: &'static str| event.get(name).filter(|value| tree::truthy(value)).map(|value| (name, value.clone()));
    let name = match event.kind.as_str() {
        "MSK" => "AmazonManagedKafkaEventSourceConfig",
        "SelfManagedKafka" => "SelfManagedKafkaEventSourceConfig",
        kind => {
            return if given("ConsumerGroupId").is_none() {
                Ok(())
            } else {
                let message = format!("Property ConsumerGroupId not defined for resource of type {kind}.");
                Err(Fault::event(event.id(), message).at(&event.written.origin))
            };
        }
    };
    let mut registry = given("SchemaRegistryConfig");
    let uri = registry.as_mut().and_then(|(_, config)| config.as_map_mut()?.get_mut("SchemaRegistryURI")?.as_map_mut());
    // The transform reads parameters inside the address to find the registry, and leaves them read.
    for (_, argument) in uri.into_iter().flat_map(crate::node::Map::iter_mut).filter(|(_, it)| it.as_list().is_some()) {
        cx.parameters.resolve(argument)?;
    }
    let config: Vec<_> = given("ConsumerGroupId").into_iter().chain(registry).collect();
    if !config.is_empty() {
        mapping.set(name, event.maker().map(config));
    }
    Ok(())
}

/// Sets where records that failed go, and returns the policy that lets the role send them there.
fn destination(mapping: &mut Made, event: &Event) -> Outcome<Option<Node>> {
    let Some(config) = event.get("DestinationConfig").filter(|config| tree::truthy(config)) else { return Ok(None) };
    let absent = event.maker().no_value();
    let failure = config.get("OnFailure");
    let Some(failure) = failure.filter(|failure| failure.as_map().is_some()) else {
        let message = "Property 'DestinationConfig.OnFailure' should be a map.";
        return Err(Fault::event(event.id(), message).at(&config.origin));
    };
    let mut config = config.clone();
    let kind = tree::filled_in(failure, "Type").cloned();
    let mut policy = None;
    if let Some(kind) = kind {
        let known = tree::text_of(&kind).filter(|kind| ["SQS", "SNS", "S3", "Kafka"].contains(kind));
        let Some(known) = known else {
            let message = "The only valid values for 'Type' are 'SQS', 'SNS', 'S3', and 'Kafka'";
            return Err(Fault::event(event.id(), message).at(&kind.origin));
        };
        let arn = failure.get("Destination").unwrap_or(&absent);
        policy = policies::delivery(&event.maker(), known, arn, event.id());
        if let Some(failure) = config.as_map_mut().and_then(|map| map.get_mut("OnFailure")?.as_map_mut()) {
            failure.remove("Type");
        }
    }
    mapping.set("DestinationConfig", config);
    Ok(policy)
}

fn grant(cx: &Expansion<'_>, role: &mut Made, event: &Event) -> Outcome<()> {
    let managed = match event.kind.as_str() {
        "Kinesis" => Some("service-role/AWSLambdaKinesisExecutionRole"),
        "DynamoDB" => Some("service-role/AWSLambdaDynamoDBExecutionRole"),
        "SQS" => Some("service-role/AWSLambdaSQSQueueExecutionRole"),
        "MSK" => Some("service-role/AWSLambdaMSKExecutionRole"),
        _ => None,
    };
    if let Some(name) = managed {
        policies::attach(role, event.maker().text(cx.managed_policy_arn(name)));
    }
    if let Some(policy) = pulled_policy::policy(cx, event)? {
        policies::embed(role, policy);
    }
    Ok(())
}
