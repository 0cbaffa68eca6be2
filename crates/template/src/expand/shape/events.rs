//! The properties of each kind of event.

use super::{Property, Shape, any, opt, required, strict};

macro_rules! pulled {
    ($($own:expr),* $(,)?) => {
        &[
            opt("BatchSize", Shape::Int),
            any("StartingPositionTimestamp"),
            opt("Enabled", Shape::Flag),
            opt("MaximumBatchingWindowInSeconds", Shape::Int),
            opt("MaximumRetryAttempts", Shape::Int),
            opt("BisectBatchOnFunctionError", Shape::Flag),
            opt("MaximumRecordAgeInSeconds", Shape::Int),
            opt("DestinationConfig", Shape::Map),
            opt("ParallelizationFactor", Shape::Int),
            opt("Topics", Shape::List),
            opt("Queues", Shape::List),
            opt("SourceAccessConfigurations", Shape::List),
            opt("SecretsManagerKmsKeyId", Shape::Text),
            opt("TumblingWindowInSeconds", Shape::Int),
            opt("FunctionResponseTypes", Shape::List),
            opt("KafkaBootstrapServers", Shape::List),
            opt("FilterCriteria", Shape::Map),
            any("KmsKeyArn"),
            opt("ConsumerGroupId", Shape::Text),
            opt("ScalingConfig", Shape::Map),
            opt("ProvisionedPollerConfig", Shape::Map),
            opt("SchemaRegistryConfig", Shape::Map),
            opt("MetricsConfig", Shape::Map),
            opt("LoggingConfig", Shape::Map),
            $($own),*
        ]
    };
}

const STREAM: &[Property] = pulled![required(any("StartingPosition")), required(any("Stream"))];
const QUEUE: &[Property] = pulled![required(any("Queue")), any("StartingPosition")];
const BROKER: &[Property] =
    pulled![required(any("Broker")), strict("DynamicPolicyName", Shape::Flag), any("StartingPosition")];
const KAFKA: &[Property] = pulled![any("StartingPosition")];
const CLUSTER: &[Property] = pulled![
    required(any("Cluster")),
    required(any("DatabaseName")),
    any("CollectionName"),
    any("FullDocument"),
    any("StartingPosition"),
];

const SCHEDULE: &[Property] = &[
    required(opt("Schedule", Shape::Text)),
    opt("RuleName", Shape::Text),
    opt("Input", Shape::Text),
    opt("Enabled", Shape::Flag),
    opt("State", Shape::Text),
    opt("Name", Shape::Text),
    opt("Description", Shape::Text),
    opt("DeadLetterConfig", Shape::Map),
    opt("RetryPolicy", Shape::Map),
];

const MACHINE_SCHEDULE: &[Property] = &[
    required(opt("Schedule", Shape::Text)),
    opt("Input", Shape::Text),
    opt("Enabled", Shape::Flag),
    opt("State", Shape::Text),
    opt("Name", Shape::Text),
    opt("Description", Shape::Text),
    opt("DeadLetterConfig", Shape::Map),
    opt("RetryPolicy", Shape::Map),
    strict("Target", Shape::Map),
    strict("RoleArn", Shape::Text),
];

const SCHEDULE_V2: &[Property] = &[
    opt("PermissionsBoundary", Shape::Text),
    required(opt("ScheduleExpression", Shape::Text)),
    opt("FlexibleTimeWindow", Shape::Map),
    opt("Name", Shape::Text),
    opt("State", Shape::Text),
    opt("Description", Shape::Text),
    opt("StartDate", Shape::Text),
    opt("EndDate", Shape::Text),
    opt("ScheduleExpressionTimezone", Shape::Text),
    opt("GroupName", Shape::Text),
    opt("KmsKeyArn", Shape::Text),
    opt("Input", Shape::Text),
    opt("RoleArn", Shape::Text),
    opt("DeadLetterConfig", Shape::Map),
    opt("RetryPolicy", Shape::Map),
    strict("OmitName", Shape::Flag),
];

const RULE: &[Property] = &[
    opt("EventBusName", Shape::Text),
    opt("RuleName", Shape::Text),
    opt("Pattern", Shape::Map),
    opt("DeadLetterConfig", Shape::Map),
    opt("RetryPolicy", Shape::Map),
    opt("Input", Shape::Text),
    opt("InputPath", Shape::Text),
    opt("Target", Shape::Map),
    opt("Enabled", Shape::Flag),
    opt("State", Shape::Text),
    opt("InputTransformer", Shape::Map),
];

const MACHINE_RULE: &[Property] = &[
    opt("EventBusName", Shape::Text),
    opt("RuleName", Shape::Text),
    opt("Pattern", Shape::Map),
    opt("Input", Shape::Text),
    opt("InputPath", Shape::Text),
    opt("DeadLetterConfig", Shape::Map),
    opt("RetryPolicy", Shape::Map),
    opt("State", Shape::Text),
    strict("Target", Shape::Map),
    opt("InputTransformer", Shape::Map),
];

const BUCKET: &[Property] = &[
    required(opt("Bucket", Shape::Text)),
    required(strict("Events", Shape::TextOrTexts)),
    opt("Filter", Shape::MapOfTexts),
];

const TOPIC: &[Property] = &[
    required(opt("Topic", Shape::Text)),
    opt("Region", Shape::Text),
    any("FilterPolicy"),
    any("FilterPolicyScope"),
    opt("SqsSubscription", Shape::FlagOrMap),
    opt("RedrivePolicy", Shape::Map),
];

const API: &[Property] = &[
    required(opt("Path", Shape::Text)),
    required(opt("Method", Shape::Text)),
    required(opt("RestApiId", Shape::Text)),
    opt("Stage", Shape::Text),
    opt("Auth", Shape::Map),
    opt("RequestModel", Shape::Map),
    opt("RequestParameters", Shape::List),
    opt("TimeoutInMillis", Shape::Int),
    opt("ResponseTransferMode", Shape::Text),
];

const MACHINE_API: &[Property] = &[
    required(opt("Path", Shape::Text)),
    required(opt("Method", Shape::Text)),
    required(opt("RestApiId", Shape::Text)),
    opt("Stage", Shape::Text),
    opt("Auth", Shape::Map),
    strict("UnescapeMappingTemplate", Shape::Flag),
];

const HTTP_API: &[Property] = &[
    opt("Path", Shape::Text),
    opt("Method", Shape::Text),
    opt("ApiId", Shape::Text),
    opt("Stage", Shape::Text),
    opt("Auth", Shape::Map),
    opt("TimeoutInMillis", Shape::Int),
    opt("RouteSettings", Shape::Map),
    opt("PayloadFormatVersion", Shape::Text),
];

const LOGS: &[Property] = &[required(opt("LogGroupName", Shape::Text)), required(opt("FilterPattern", Shape::Text))];
const SKILL: &[Property] = &[opt("SkillId", Shape::Text)];
const IOT: &[Property] = &[required(opt("Sql", Shape::Text)), opt("AwsIotSqlVersion", Shape::Text)];
const COGNITO: &[Property] = &[required(opt("UserPool", Shape::Text)), required(strict("Trigger", Shape::TextOrTexts))];

/// The properties of a function's event of this type, when there is such a type.
pub(in crate::expand) fn event_properties(kind: &str) -> Option<&'static [Property]> {
    Some(match kind {
        "Kinesis" | "DynamoDB" | "MSK" => STREAM,
        "SQS" => QUEUE,
        "MQ" => BROKER,
        "SelfManagedKafka" => KAFKA,
        "DocumentDB" => CLUSTER,
        "Schedule" => SCHEDULE,
        "ScheduleV2" => SCHEDULE_V2,
        "CloudWatchEvent" | "EventBridgeRule" => RULE,
        "S3" => BUCKET,
        "SNS" => TOPIC,
        "Api" => API,
        "HttpApi" => HTTP_API,
        "CloudWatchLogs" => LOGS,
        "AlexaSkill" => SKILL,
        "IoTRule" => IOT,
        "Cognito" => COGNITO,
        _ => return None,
    })
}

/// The properties of a state machine's event of this type, when there is such a type.
pub(in crate::expand) fn machine_event_properties(kind: &str) -> Option<&'static [Property]> {
    Some(match kind {
        "Schedule" => MACHINE_SCHEDULE,
        "ScheduleV2" => SCHEDULE_V2,
        "CloudWatchEvent" | "EventBridgeRule" => MACHINE_RULE,
        "Api" => MACHINE_API,
        _ => return None,
    })
}
