//! Every mutation but those of policies: doors, secrets, encryption, logs, triggers, parts.

use brigandine_template::{Map, Node};
use serde_json::{Value, json};

use crate::{
    bench::Template,
    policies,
    site::{Mutation, Place, Site, append, declare, is_plain, literal, of_type, remove, set},
};

const FUNCTION: &str = "AWS::Serverless::Function";
/// What an open door means for what lies behind it is told by rules of their own.
const OPENED: &[&str] = &["AP004", "AP010", "AP011", "AP012", "AP020", "DW001", "LP024", "LP025", "MO004", "MO007"];

/// A trigger that nobody waits for loses what fails, where nothing catches it.
const TRIGGERED: &[&str] = &["DW002"];

pub(crate) fn all() -> Vec<Mutation> {
    let mut all = policies::all();
    all.extend(doors());
    all.extend(callers());
    all.extend(gates());
    all.extend(secrets());
    all.extend(stores());
    all.extend(buckets_and_keys());
    all.extend(triggers());
    all.extend(parts());
    all
}

fn mutation(
    name: &'static str,
    codes: &'static [&'static str],
    sites: impl Fn(&Template) -> Vec<Site> + 'static,
) -> Mutation {
    Mutation { name, codes, also: &[], sites: Box::new(sites) }
}

impl Mutation {
    fn opens(self, also: &'static [&'static str]) -> Self {
        Self { also, ..self }
    }
}

/// Sets a property of every resource of a type.
fn set_on(
    kind: &'static str,
    path: &'static [&'static str],
    value: Value,
) -> impl Fn(&Template) -> Vec<Site> + 'static {
    move |template| {
        let fitting = of_type(template, kind).into_iter().filter(|(_, node)| is_plain(node, path));
        fitting.map(|(id, _)| set(id, path, &value)).collect()
    }
}

/// Appends to a list of every resource of a type.
fn append_on(
    kind: &'static str,
    path: &'static [&'static str],
    value: Value,
) -> impl Fn(&Template) -> Vec<Site> + 'static {
    move |template| {
        let fitting = of_type(template, kind).into_iter().filter(|(_, node)| is_plain(node, path));
        fitting.map(|(id, _)| append(id, path, &value)).collect()
    }
}

/// Takes away a property that is set.
fn remove_on(kind: &'static str, path: &'static [&'static str]) -> impl Fn(&Template) -> Vec<Site> + 'static {
    move |template| {
        let fitting =
            of_type(template, kind).into_iter().filter(|(_, node)| node.at(path).is_some() && is_plain(node, path));
        fitting.map(|(id, _)| remove(id, path)).collect()
    }
}

fn resource(kind: &str, properties: &Value) -> impl Fn(&Template) -> Vec<Site> + 'static {
    let value = json!({ "Type": kind, "Properties": properties });
    move |_| declare("Resources", "MutationResource", &value)
}

/// A resource that names a function of the template.
fn about_function(
    kind: &'static str,
    properties: impl Fn(&str) -> Value + 'static,
) -> impl Fn(&Template) -> Vec<Site> + 'static {
    move |template| {
        let functions = [of_type(template, FUNCTION), of_type(template, "AWS::Lambda::Function")].concat();
        let with = |(id, _): (&str, &Node)| {
            declare("Resources", "MutationResource", &json!({ "Type": kind, "Properties": properties(id) }))
        };
        functions.into_iter().take(1).flat_map(with).collect()
    }
}

fn doors() -> Vec<Mutation> {
    let event = json!({ "Type": "HttpApi", "Properties": { "Path": "/mutation", "Method": "POST" } });
    let rest = json!({ "Type": "Api", "Properties": { "Path": "/mutation", "Method": "post" } });
    vec![
        mutation(
            "function-url-for-all",
            &["AP003"],
            set_on(FUNCTION, &["Properties", "FunctionUrlConfig"], json!({ "AuthType": "NONE" })),
        )
        .opens(OPENED),
        mutation(
            "url-resource-for-all",
            &["AP003"],
            about_function(
                "AWS::Lambda::Url",
                |id| json!({ "AuthType": "NONE", "TargetFunctionArn": { "Fn::GetAtt": [id, "Arn"] } }),
            ),
        )
        .opens(OPENED),
        mutation(
            "url-with-any-origin",
            &["AP005"],
            set_on(
                FUNCTION,
                &["Properties", "FunctionUrlConfig"],
                json!({ "AuthType": "AWS_IAM", "Cors": { "AllowOrigins": ["*"], "AllowCredentials": true } }),
            ),
        )
        .opens(OPENED),
        mutation("open-http-route", &["AP001"], move |template: &Template| {
            without_default(template, "HttpApi", &event)
        })
        .opens(OPENED),
        mutation("open-rest-route", &["AP001"], move |template: &Template| without_default(template, "Api", &rest))
            .opens(OPENED),
        mutation("reopened-route", &["AP002"], reopened).opens(OPENED),
    ]
}

/// Who else may start functions.
fn callers() -> Vec<Mutation> {
    vec![
        mutation(
            "invoke-for-anyone",
            &["AP017"],
            about_function(
                "AWS::Lambda::Permission",
                |id| json!({ "Action": "lambda:InvokeFunction", "FunctionName": { "Ref": id }, "Principal": "*" }),
            ),
        )
        .opens(OPENED),
        mutation(
            "bucket-without-name",
            &["AP016"],
            about_function(
                "AWS::Lambda::Permission",
                |id| json!({ "Action": "lambda:InvokeFunction", "FunctionName": { "Ref": id }, "Principal": "s3.amazonaws.com" }),
            ),
        )
        .opens(TRIGGERED),
        mutation(
            "topic-without-name",
            &["AP016"],
            about_function(
                "AWS::Lambda::Permission",
                |id| json!({ "Action": "lambda:InvokeFunction", "FunctionName": { "Ref": id }, "Principal": "sns.amazonaws.com" }),
            ),
        )
        .opens(TRIGGERED),
        mutation(
            "whole-account-may-invoke",
            &["LP022"],
            about_function(
                "AWS::Lambda::Permission",
                |id| json!({ "Action": "lambda:InvokeFunction", "FunctionName": { "Ref": id }, "Principal": "999999999999" }),
            ),
        ),
    ]
}

/// APIs, sign-in and deployment, each declared with a fault of its own.
fn gates() -> Vec<Mutation> {
    vec![
        mutation(
            "old-tls",
            &["EN005"],
            resource(
                "AWS::ApiGateway::DomainName",
                &json!({
                    "DomainName": "api.example.org", "SecurityPolicy": "TLS_1_0", "EndpointConfiguration": { "Types": ["REGIONAL"] }
                }),
            ),
        ),
        mutation(
            "key-api",
            &["AP023"],
            resource(
                "AWS::AppSync::GraphQLApi",
                &json!({
                    "Name": "graph", "AuthenticationType": "API_KEY"
                }),
            ),
        )
        .opens(OPENED),
        mutation(
            "short-passwords",
            &["AP024"],
            resource(
                "AWS::Cognito::UserPool",
                &json!({
                    "AdminCreateUserConfig": { "AllowAdminCreateUserOnly": true },
                    "MfaConfiguration": "ON",
                    "Policies": { "PasswordPolicy": { "MinimumLength": 6 } }
                }),
            ),
        ),
        mutation(
            "guests",
            &["AP024"],
            resource("AWS::Cognito::IdentityPool", &json!({ "AllowUnauthenticatedIdentities": true })),
        ),
        mutation(
            "deploy-role-for-any-repository",
            &["DP002"],
            resource(
                "AWS::IAM::Role",
                &json!({
                    "AssumeRolePolicyDocument": { "Version": "2012-10-17", "Statement": [{
                        "Effect": "Allow",
                        "Principal": { "Federated": "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com" },
                        "Action": "sts:AssumeRoleWithWebIdentity",
                        "Condition": { "StringEquals": { "token.actions.githubusercontent.com:aud": "sts.amazonaws.com" } }
                    }] }
                }),
            ),
        ),
    ]
}

/// One more event, where no default of an API closes it.
fn without_default(template: &Template, api: &str, event: &Value) -> Vec<Site> {
    if template.document.root.at(&["Globals", api, "Auth"]).is_some() {
        return Vec::new();
    }
    let path = ["Properties", "Events", "MutationEvent"];
    let functions =
        of_type(template, FUNCTION).into_iter().filter(|(_, node)| is_plain(node, &["Properties", "Events"]));
    functions.map(|(id, _)| set(id, &path, event)).collect()
}

/// Events that leave the default authorizer of their API out.
fn reopened(template: &Template) -> Vec<Site> {
    let with_default = |kind: &str| -> Vec<String> {
        let apis = of_type(template, kind).into_iter();
        let closed = apis.filter(|(_, node)| {
            node.at(&["Properties", "Auth", "DefaultAuthorizer"]).and_then(Node::as_text).is_some()
        });
        closed.map(|(id, _)| id.to_owned()).collect()
    };
    let apis = [with_default("AWS::Serverless::HttpApi"), with_default("AWS::Serverless::Api")].concat();
    let mut sites = Vec::new();
    for (id, node) in of_type(template, FUNCTION) {
        for (name, event) in node.at(&["Properties", "Events"]).and_then(Node::as_map).into_iter().flat_map(Map::iter) {
            let api = ["ApiId", "RestApiId"].into_iter().find_map(|key| event.at(&["Properties", key])?.as_reference());
            let own = event.at(&["Properties", "Auth"]).is_some();
            if api.is_some_and(|api| apis.iter().any(|known| known == api)) && !own {
                sites.push(set(
                    id,
                    &["Properties", "Events", name, "Properties", "Auth", "Authorizer"],
                    &json!("NONE"),
                ));
            }
        }
    }
    sites
}

/// A value that is no secret of anyone, but looks like one.
fn invented(start: &str) -> String {
    format!("{start}{}", "q7Zt4mXw9KpB2sVfN8cR5dLy")
}

fn secrets() -> Vec<Mutation> {
    let variable = |name: &'static str, value: String| {
        move |template: &Template| {
            let path = ["Properties", "Environment", "Variables"];
            let functions = of_type(template, FUNCTION).into_iter().filter(|(_, node)| is_plain(node, &path));
            functions.map(|(id, _)| set(id, &[path[0], path[1], path[2], name], &json!(value))).collect()
        }
    };
    vec![
        mutation("password-variable", &["SE002"], variable("MUTATION_DB_PASSWORD", "Tr0ub4dor-and-3".to_owned())),
        mutation("key-variable", &["SE002"], variable("MUTATION_API_KEY", invented(""))),
        mutation(
            "address-with-password",
            &["SE002"],
            variable("MUTATION_DATABASE_URL", "postgres://app:hunter2x@db.internal/app".to_owned()),
        ),
        mutation("provider-key", &["SE001"], variable("MUTATION_PAYMENTS", invented(&["sk", "_live_"].concat()))),
        mutation(
            "copied-secret",
            &["SE004"],
            variable("MUTATION_SECRET", "{{resolve:secretsmanager:orders:SecretString:password}}".to_owned()),
        ),
        mutation("unverified-tls", &["EN009"], variable("NODE_TLS_REJECT_UNAUTHORIZED", "0".to_owned())),
        mutation("debug-switch", &["DP009"], variable("FLASK_DEBUG", "1".to_owned())),
        mutation("parameter-with-default", &["SE003"], |_: &Template| {
            declare(
                "Parameters",
                "MutationDbPassword",
                &json!({ "Type": "String", "NoEcho": true, "Default": "hunter2-and-more" }),
            )
        }),
        mutation(
            "parameter-in-store",
            &["SE009"],
            resource(
                "AWS::SSM::Parameter",
                &json!({
                    "Type": "String", "Name": "/orders/db-password", "Value": "hunter2-and-more"
                }),
            ),
        ),
        mutation("secret-in-output", &["SE011"], |_: &Template| {
            declare("Outputs", "MutationDbPassword", &json!({ "Value": "Tr0ub4dor-and-3" }))
        }),
        mutation(
            "stored-in-clear",
            &["SE011"],
            resource(
                "AWS::SecretsManager::Secret",
                &json!({
                    "SecretString": "{\"password\": \"Tr0ub4dor-and-3\"}"
                }),
            ),
        ),
        mutation(
            "chosen-api-key",
            &["SE013"],
            resource("AWS::ApiGateway::ApiKey", &json!({ "Enabled": true, "Value": invented("") })),
        ),
    ]
}

fn stores() -> Vec<Mutation> {
    vec![
        mutation(
            "queue-unencrypted",
            &["EN001"],
            set_on("AWS::SQS::Queue", &["Properties", "SqsManagedSseEnabled"], json!(false)),
        ),
        mutation("topic-unencrypted", &["EN002"], resource("AWS::SNS::Topic", &json!({ "DisplayName": "orders" }))),
        mutation("stream-unencrypted", &["EN002"], resource("AWS::Kinesis::Stream", &json!({ "ShardCount": 1 }))),
        mutation(
            "files-unencrypted",
            &["EN001", "EN002"],
            resource("AWS::EFS::FileSystem", &json!({ "Encrypted": false })),
        ),
        mutation(
            "database-unencrypted",
            &["EN001", "EN002"],
            resource(
                "AWS::RDS::DBInstance",
                &json!({
                    "DBInstanceClass": "db.t4g.micro", "Engine": "postgres", "AllocatedStorage": "20", "StorageEncrypted": false,
                    "ManageMasterUserPassword": true, "MasterUsername": "app"
                }),
            ),
        ),
    ]
}

/// Buckets, keys, logs and addresses.
fn buckets_and_keys() -> Vec<Mutation> {
    vec![
        mutation("bucket-for-all", &["EN011"], move |template: &Template| {
            of_type(template, "AWS::S3::Bucket")
                .into_iter()
                .map(|(id, _)| {
                    let mut site = set(id, &["Properties", "AccessControl"], &json!("PublicRead"));
                    site.changes
                        .extend(set(id, &["Properties", "PublicAccessBlockConfiguration"], &unblocked()).changes);
                    site
                })
                .collect()
        }),
        mutation("bucket-policy-for-all", &["EN011"], bucket_policy),
        mutation(
            "key-never-rotates",
            &["EN007"],
            resource(
                "AWS::KMS::Key",
                &json!({ "EnableKeyRotation": false, "KeyPolicy": {
            "Version": "2012-10-17",
            "Statement": [{ "Effect": "Allow", "Principal": { "AWS": { "Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root" } },
                "Action": "kms:*", "Resource": "*" }]
        } }),
            ),
        ),
        mutation(
            "key-for-everyone",
            &["EN007"],
            resource(
                "AWS::KMS::Key",
                &json!({ "EnableKeyRotation": true, "KeyPolicy": {
            "Version": "2012-10-17",
            "Statement": [{ "Effect": "Allow", "Principal": { "AWS": "*" }, "Action": "kms:*", "Resource": "*" }]
        } }),
            ),
        ),
        mutation(
            "logs-kept-for-ever",
            &["MO002"],
            remove_on("AWS::Logs::LogGroup", &["Properties", "RetentionInDays"]),
        ),
        mutation(
            "workflow-without-log",
            &["MO009"],
            remove_on("AWS::Serverless::StateMachine", &["Properties", "Logging"]),
        ),
        mutation(
            "table-without-backup",
            &["DW007"],
            remove_on("AWS::DynamoDB::Table", &["Properties", "PointInTimeRecoverySpecification"]),
        ),
        mutation(
            "clear-text-address",
            &["EN006"],
            set_on(
                "AWS::Events::ApiDestination",
                &["Properties", "InvocationEndpoint"],
                json!("http://partner.example.org/hook"),
            ),
        ),
        mutation(
            "clear-text-subscription",
            &["EN006"],
            resource(
                "AWS::SNS::Subscription",
                &json!({
                    "Protocol": "http", "Endpoint": "http://partner.example.org/hook", "TopicArn": "arn:aws:sns:eu-west-1:111122223333:orders"
                }),
            ),
        ),
    ]
}

fn triggers() -> Vec<Mutation> {
    vec![
        mutation("queue-for-anyone", &["AP015"], |template: &Template| {
            triggering_queues(template).into_iter().take(1).flat_map(|id| {
                declare("Resources", "MutationPolicy", &json!({ "Type": "AWS::SQS::QueuePolicy", "Properties": {
                    "Queues": [{ "Ref": id }],
                    "PolicyDocument": { "Statement": [{ "Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage",
                        "Resource": { "Fn::GetAtt": [id, "Arn"] } }] }
                } }))
            }).collect()
        })
        .opens(OPENED),
        mutation("seen-too-soon", &["DW004"], |template: &Template| {
            let seconds = json!(1);
            triggering_queues(template).iter().map(|id| set(id, &["Properties", "VisibilityTimeout"], &seconds)).collect()
        }),
        mutation("events-get-lost", &["DW002"], |template: &Template| {
            let event = json!({ "Type": "Schedule", "Properties": { "Schedule": "rate(1 day)" } });
            let functions = of_type(template, FUNCTION).into_iter().filter(|(_, node)| {
                let caught = ["DeadLetterQueue", "EventInvokeConfig"];
                is_plain(node, &["Properties", "Events"])
                    && caught.iter().all(|key| {
                        node.at(&["Properties", key]).or(template.document.root.at(&["Globals", "Function", key])).is_none()
                    })
            });
            functions
                .map(|(id, _)| Site {
                    // What catches the event would be written on the function.
                    place: Place::Resource(id.to_owned()),
                    ..set(id, &["Properties", "Events", "MutationEvent"], &event)
                })
                .collect()
        }),
    ]
}

/// A bucket that blocks nothing, and a policy that lets everyone read.
fn bucket_policy(template: &Template) -> Vec<Site> {
    let everyone = |id: &str| {
        json!({ "Type": "AWS::S3::BucketPolicy", "Properties": {
            "Bucket": { "Ref": id },
            "PolicyDocument": { "Statement": [{
                "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
                "Resource": { "Fn::Sub": format!("${{{id}.Arn}}/*") }
            }] }
        } })
    };
    let opened = |(id, _): (&str, &Node)| {
        let mut site = set(id, &["Properties", "PublicAccessBlockConfiguration"], &unblocked());
        let policy = declare("Resources", "MutationPolicy", &everyone(id));
        site.changes.extend(policy.into_iter().flat_map(|policy| policy.changes));
        site
    };
    of_type(template, "AWS::S3::Bucket").into_iter().take(1).map(opened).collect()
}

fn unblocked() -> Value {
    json!({ "BlockPublicAcls": false, "BlockPublicPolicy": false, "IgnorePublicAcls": false, "RestrictPublicBuckets": false })
}

/// Queues that a function of the template polls.
fn triggering_queues(template: &Template) -> Vec<String> {
    let queues = of_type(template, "AWS::SQS::Queue");
    let name = |node: &Node| -> Option<String> {
        let (_, argument) = node.as_intrinsic()?;
        argument.as_list().and_then(|items| items.first()).unwrap_or(argument).as_text().map(str::to_owned)
    };
    let mut used = Vec::new();
    for (_, node) in of_type(template, FUNCTION) {
        for (_, event) in node.at(&["Properties", "Events"]).and_then(Node::as_map).into_iter().flat_map(Map::iter) {
            used.extend(event.at(&["Properties", "Queue"]).and_then(name));
        }
    }
    queues.into_iter().map(|(id, _)| id.to_owned()).filter(|id| used.contains(id)).collect()
}

fn parts() -> Vec<Mutation> {
    let image = |node: &Node| node.at(&["Properties", "PackageType"]).and_then(Node::as_text) == Some("Image");
    vec![
        mutation("old-runtime", &["DE002"], move |template: &Template| {
            let functions = of_type(template, FUNCTION).into_iter().filter(|(_, node)| !image(node));
            functions.map(|(id, _)| set(id, &["Properties", "Runtime"], &json!("python3.7"))).collect()
        }),
        mutation(
            "stranger's-layer",
            &["DE004"],
            append_on(
                FUNCTION,
                &["Properties", "Layers"],
                json!("arn:aws:lambda:eu-west-1:999999999999:layer:tracing:3"),
            ),
        ),
        mutation("whole-world-network", &["DP006"], |template: &Template| {
            let wide = json!({ "IpProtocol": "-1", "CidrIp": "0.0.0.0/0" });
            let text = &template.text;
            of_type(template, "AWS::EC2::SecurityGroup")
                .into_iter()
                .filter(|(_, node)| {
                    text.contains("SecurityGroupIds") && is_plain(node, &["Properties", "SecurityGroupIngress"])
                })
                .filter(|(id, _)| of_functions(template).iter().any(|known| known == id))
                .map(|(id, _)| append(id, &["Properties", "SecurityGroupIngress"], &wide))
                .collect()
        }),
        mutation("strangers-image", &["DE005"], |_: &Template| {
            let value = json!({ "Type": "AWS::Lambda::Function", "Properties": {
                "PackageType": "Image", "Role": "arn:aws:iam::111122223333:role/orders",
                "Code": { "ImageUri": "111122223333.dkr.ecr.eu-west-1.amazonaws.com/orders:latest" }
            } });
            let change = brigandine_model::Change::Declare {
                path: vec!["Resources".into()],
                name: "MutationResource".into(),
                value: literal(&value),
            };
            vec![Site { what: "MutationResource".to_owned(), changes: vec![change], place: Place::Text }]
        }),
    ]
}

/// Security groups that functions are in.
fn of_functions(template: &Template) -> Vec<String> {
    let groups = of_type(template, FUNCTION).into_iter().filter_map(|(_, node)| {
        node.at(&["Properties", "VpcConfig", "SecurityGroupIds"])?.as_list().map(<[Node]>::to_vec)
    });
    let name = |node: Node| {
        let (_, argument) = node.as_intrinsic()?;
        argument.as_list().and_then(|items| items.first()).unwrap_or(argument).as_text().map(str::to_owned)
    };
    groups.flatten().filter_map(name).collect()
}
