//! Templates put together at random from parts that rules look at.

use brigandine_template::{Map, Node, Origin, load::load};
use proptest::prelude::*;

/// Properties of a function; what stands in Globals may only be what Globals take.
const SHARED: &[&str] = &[
    "Runtime: python3.7",
    "Runtime: nodejs22.x",
    "Timeout: 900",
    "Tracing: Active",
    "Environment: {Variables: {TABLE: !Ref Orders}}",
    "Environment: {Variables: {API_KEY: q7Zt4mXw9KpB2sVfN8cR, DEBUG: 'true'}}",
    "Layers: ['arn:aws:lambda:eu-west-1:999999999999:layer:tracing:3']",
    "Layers: ['arn:aws:lambda:eu-west-1:888888888888:layer:other:1']",
    "ReservedConcurrentExecutions: 5",
    "VpcConfig: {SecurityGroupIds: [!Ref Network], SubnetIds: [subnet-1]}",
    "Tags: {Team: shop}",
];

const OWN: &[&str] = &[
    "FunctionUrlConfig: {AuthType: NONE}",
    "Policies: [{Statement: [{Effect: Allow, Action: '*', Resource: '*'}]}]",
    "Policies: [{Statement: [{Effect: Allow, Action: 'dynamodb:DeleteItem', Resource: !GetAtt Orders.Arn}]}]",
    "Policies: [{DynamoDBCrudPolicy: {TableName: !Ref Orders}}, AmazonS3FullAccess]",
    "Policies: [{Statement: [{Effect: !If [Wide, Allow, Deny], Action: ['s3:*'], Resource: !Sub 'arn:${AWS::Partition}:s3:::*'}]}]",
    "Events: {Post: {Type: HttpApi, Properties: {Path: /a, Method: post}}}",
    "Events: {Get: {Type: Api, Properties: {Path: '/a/{id}', Method: get, Auth: {ApiKeyRequired: true}}}}",
    "Events: {Work: {Type: SQS, Properties: {Queue: !GetAtt Work.Arn}}}",
    "Events: {Nightly: {Type: Schedule, Properties: {Schedule: rate(1 day)}}}",
    "Role: !GetAtt Shared.Arn",
];

const RESOURCES: &[&str] = &[
    "Bucket: {Type: AWS::S3::Bucket, Properties: {AccessControl: PublicRead}}",
    "Topic: {Type: AWS::SNS::Topic}",
    "Key: {Type: AWS::KMS::Key, Properties: {KeyPolicy: {Statement: [{Effect: Allow, Principal: '*', Action: 'kms:*', Resource: '*'}]}}}",
    "Logs: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: !Join ['/', ['', aws, lambda, !Ref One]]}}",
    "Everyone: {Type: AWS::Lambda::Permission, Properties: {Action: lambda:InvokeFunction, FunctionName: !Ref One, Principal: !Select [0, ['*', x]]}}",
    "Open: {Type: AWS::SQS::QueuePolicy, Properties: {Queues: [!Ref Work], PolicyDocument: {Statement: {Effect: Allow, Principal: '*', Action: 'sqs:*', Resource: !GetAtt Work.Arn}}}}",
];

const ALWAYS: &str = "
AWSTemplateFormatVersion: 2010-09-09
Transform: AWS::Serverless-2016-10-31
Parameters:
  Mode: {Type: String, Default: wide, AllowedValues: [wide, narrow]}
  DbPassword: {Type: String, Default: hunter2}
Conditions:
  Wide: !Equals [!Ref Mode, wide]
Resources:
  Orders: {Type: AWS::DynamoDB::Table, Properties: {KeySchema: []}}
  Work: {Type: AWS::SQS::Queue, Properties: {VisibilityTimeout: 3, SqsManagedSseEnabled: false}}
  Network: {Type: AWS::EC2::SecurityGroup, Properties: {SecurityGroupIngress: [{IpProtocol: -1, CidrIp: 0.0.0.0/0}]}}
  Shared: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {Statement: [{Effect: Allow, Principal: {AWS: '*'}, Action: sts:AssumeRole}]}}}
";

fn parsed(text: &str) -> Node {
    load(&"part.yaml".into(), text.as_bytes()).unwrap().root
}

/// A map of parts; of two that set the same key the first counts.
fn map(parts: &[&str]) -> Map {
    let mut map = Map::default();
    for part in parts {
        let node = parsed(part);
        for (key, value) in node.as_map().unwrap().iter() {
            if !map.contains_key(key) {
                map.insert(key, value.clone());
            }
        }
    }
    map
}

fn function(parts: &[&str]) -> Node {
    let mut properties = map(parts);
    let origin = Origin::default();
    properties.insert("Handler", Node::text("index.handler", &origin));
    properties.insert("InlineCode", Node::text("pass", &origin));
    let mut function = Map::default();
    function.insert("Type", Node::text("AWS::Serverless::Function", &origin));
    function.insert("Properties", Node::map(properties, &origin));
    Node::map(function, &origin)
}

/// Templates of one to three functions with or without Globals.
pub(crate) fn template() -> impl Strategy<Value = Node> {
    let some = |parts: &'static [&'static str], most| proptest::sample::subsequence(parts.to_vec(), 0..=most);
    let functions = proptest::collection::vec((some(SHARED, 3), some(OWN, 3)), 1..=3);
    (functions, some(SHARED, 4), some(RESOURCES, 3)).prop_map(|(functions, shared, others)| {
        let origin = Origin::default();
        let mut root = parsed(ALWAYS);
        if !shared.is_empty() {
            let mut globals = Map::default();
            globals.insert("Function", Node::map(map(&shared), &origin));
            root.as_map_mut().unwrap().insert("Globals", Node::map(globals, &origin));
        }
        let resources = root.as_map_mut().unwrap().get_mut("Resources").unwrap().as_map_mut().unwrap();
        for ((own, more), name) in functions.into_iter().zip(["One", "Two", "Three"]) {
            // No two functions may answer the same route.
            let parts: Vec<String> =
                own.iter().chain(&more).map(|part| part.replace("/a", &format!("/{name}"))).collect();
            let parts: Vec<&str> = parts.iter().map(String::as_str).chain(["Runtime: python3.13"]).collect();
            resources.insert(name, function(&parts));
        }
        for (key, value) in map(&others).iter() {
            resources.insert(key, value.clone());
        }
        root
    })
}
