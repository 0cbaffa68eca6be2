//! Faults of what a role may do: one statement too much in the policies of a function, or of a role.

use serde_json::{Value, json};

use crate::{
    bench::Template,
    site::{Mutation, Site, append, is_plain, of_type, set},
};

/// What a wide grant means for the way there and for what lies behind it is told by rules of their own.
const REACH: &[&str] = &["AP004", "AP020", "LP024", "LP025"];
/// That the same words are writing on every resource as well.
const WRITES: &[&str] = &["LP003", "AP004", "AP020", "LP024", "LP025"];
/// That functions share it matters only once a role allows something.
const SHARED: &[&str] = &["LP009", "AP004", "AP020", "LP024", "LP025"];

/// Name, rules, actions: each allowed on everything.
const GRANTS: &[(&str, &[&str], &[&str])] = &[
    ("any-action", &["LP001"], &["*"]),
    ("whole-service", &["LP002", "LP003"], &["s3:*"]),
    ("delete-anywhere", &["LP003"], &["dynamodb:DeleteItem"]),
    ("write-any-object", &["LP003"], &["s3:PutObject"]),
    ("send-to-any-queue", &["LP003"], &["sqs:SendMessage"]),
    ("change-any-code", &["LP014"], &["lambda:UpdateFunctionCode"]),
    ("write-identities", &["LP015"], &["iam:PutRolePolicy"]),
    ("make-access-keys", &["LP015"], &["iam:CreateAccessKey"]),
    ("take-any-role", &["LP016"], &["sts:AssumeRole"]),
    ("decrypt-anything", &["LP019"], &["kms:Decrypt"]),
    ("read-any-secret", &["LP020"], &["secretsmanager:GetSecretValue"]),
    ("read-any-parameter", &["LP020"], &["ssm:GetParameter"]),
    ("any-model", &["LP021"], &["bedrock:InvokeModel"]),
    ("start-any-function", &["LP023"], &["lambda:InvokeFunction"]),
];

pub(crate) fn all() -> Vec<Mutation> {
    let grants = GRANTS.iter().map(|(name, codes, actions)| {
        in_functions(name, codes, &json!({ "Statement": [{ "Effect": "Allow", "Action": actions, "Resource": "*" }] }))
    });
    let mut all: Vec<Mutation> = grants.collect();
    for (name, action) in [("delete-logs", "logs:DeleteLogGroup"), ("stop-trail", "cloudtrail:StopLogging")] {
        let policy = json!({ "Statement": [{ "Effect": "Allow", "Action": action, "Resource": "*" }] });
        all.push(Mutation { also: WRITES, ..in_functions(name, &["MO012"], &policy) });
    }
    let created = "arn:aws:lambda:eu-west-1:111122223333:function:orders-worker";
    all.push(in_functions(
        "pass-any-role",
        &["LP013"],
        &json!({ "Statement": [
            { "Effect": "Allow", "Action": "iam:PassRole", "Resource": "*" },
            { "Effect": "Allow", "Action": "lambda:CreateFunction", "Resource": created }
        ] }),
    ));
    all.push(in_functions(
        "all-but-identities",
        &["LP017"],
        &json!({ "Statement": [{ "Effect": "Allow", "NotAction": "iam:*", "Resource": "*" }] }),
    ));
    all.push(in_functions("administrator", &["LP005"], &json!("arn:aws:iam::aws:policy/AdministratorAccess")));
    all.push(in_functions("full-access", &["LP005"], &json!("AmazonDynamoDBFullAccess")));
    all.push(in_functions("template-for-all", &["LP007"], &json!({ "DynamoDBCrudPolicy": { "TableName": "*" } })));
    all.push(Mutation { name: "any-action-of-a-role", codes: &["LP001"], also: SHARED, sites: Box::new(of_roles) });
    all.push(Mutation { name: "role-for-anyone", codes: &["LP018"], also: &[], sites: Box::new(trusts) });
    all
}

fn in_functions(name: &'static str, codes: &'static [&'static str], policy: &Value) -> Mutation {
    let policy = policy.clone();
    let sites = move |template: &Template| {
        let root = &template.document.root;
        let own_role = root.at(&["Globals", "Function", "Role"]).is_none();
        let functions = of_type(template, "AWS::Serverless::Function").into_iter();
        functions
            .filter(|(_, node)| {
                own_role && node.at(&["Properties", "Role"]).is_none() && is_plain(node, &["Properties", "Policies"])
            })
            .map(|(id, _)| append(id, &["Properties", "Policies"], &policy))
            .collect()
    };
    Mutation { name, codes, also: REACH, sites: Box::new(sites) }
}

/// Roles that a function has.
fn of_roles(template: &Template) -> Vec<Site> {
    let root = &template.document.root;
    let functions =
        [of_type(template, "AWS::Serverless::Function"), of_type(template, "AWS::Lambda::Function")].concat();
    let globals = root.at(&["Globals", "Function", "Role"]);
    let used: Vec<&str> = functions
        .iter()
        .filter_map(|(_, node)| node.at(&["Properties", "Role"]))
        .chain(globals)
        .filter_map(|role| {
            let (_, argument) = role.as_intrinsic()?;
            argument.as_list().and_then(|items| items.first()).unwrap_or(argument).as_text()
        })
        .collect();
    let document = json!({ "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": "*" }] });
    let policy = json!({ "PolicyName": "wide", "PolicyDocument": document });
    of_type(template, "AWS::IAM::Role")
        .into_iter()
        .filter(|(id, node)| used.contains(id) && is_plain(node, &["Properties", "Policies"]))
        .map(|(id, _)| append(id, &["Properties", "Policies"], &policy))
        .collect()
}

fn trusts(template: &Template) -> Vec<Site> {
    let document = json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Principal": { "AWS": "*" }, "Action": "sts:AssumeRole" }]
    });
    of_type(template, "AWS::IAM::Role")
        .into_iter()
        .filter(|(_, node)| is_plain(node, &["Properties", "AssumeRolePolicyDocument"]))
        .map(|(id, _)| set(id, &["Properties", "AssumeRolePolicyDocument"], &document))
        .collect()
}
