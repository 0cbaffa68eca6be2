//! The rules on roles together: one cause gives one finding, and fixes write what the function is told of.

#![expect(clippy::unwrap_used, clippy::string_slice, reason = "a test may panic")]

use brigandine_model::{App, Finding};
use brigandine_rules::{Context, Selection, judge};
use brigandine_template::{Input, Options, Sources, fix::edits, read};

const TODAY: jiff::civil::Date = jiff::civil::date(2026, 11, 1);

fn app(text: &str) -> App {
    let (options, sources) = (Options::default(), Sources::default());
    let (file, name) = ("template.yaml".into(), "roles".into());
    read(&Input { file, name, bytes: text.as_bytes(), options: &options, sources: &sources }).unwrap().app
}

/// What the rules on roles say, but for that no role has a boundary.
fn findings(text: &str) -> Vec<Finding> {
    let selection = Selection::new("strict", &["LP".into()], &["LP029".into()]).unwrap();
    judge(&app(text), &selection, &Context { today: TODAY }).findings
}

/// A function with this statement, which is told of a table and a bucket.
fn with_statement(statement: &str) -> String {
    format!(
        "AWSTemplateFormatVersion: '2010-09-09'
Transform: AWS::Serverless-2016-10-31
Resources:
  Table:
    Type: AWS::Serverless::SimpleTable
  Photos:
    Type: AWS::S3::Bucket
  Orders:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: nodejs24.x
      Handler: app.handler
      CodeUri: src/
      Environment: {{Variables: {{TABLE: !Ref Table, PHOTOS: !Ref Photos}}}}
      Policies:
        - Statement:
            - Effect: Allow
{statement}"
    )
}

fn granting(action: &str, resource: &str) -> String {
    with_statement(&format!("              Action: {action}\n              Resource: {resource}\n"))
}

fn codes(text: &str) -> Vec<String> {
    let mut codes: Vec<String> = findings(text).iter().map(|finding| finding.code.to_string()).collect();
    codes.sort();
    codes
}

#[test]
fn one_cause_gives_one_finding() {
    for (action, resource, wanted) in [
        ("'*'", "'*'", &["LP001"][..]),
        ("dynamodb:*", "'*'", &["LP003"]),
        ("dynamodb:*", "!GetAtt Table.Arn", &["LP002"]),
        ("iam:*", "'*'", &["LP015"]),
        ("[iam:PassRole, lambda:CreateFunction]", "'*'", &["LP003", "LP013"]),
        ("iam:PassRole", "'*'", &["LP003"]),
        ("lambda:*", "'*'", &["LP014"]),
        ("lambda:InvokeFunction", "'*'", &["LP023"]),
        ("[lambda:InvokeFunction, sqs:SendMessage]", "'*'", &["LP003"]),
        ("[kms:Decrypt, kms:Encrypt, kms:GenerateDataKey]", "'*'", &["LP019"]),
        ("kms:*", "'*'", &["LP003"]),
        ("secretsmanager:*", "'*'", &["LP003"]),
        ("secretsmanager:Get*", "'*'", &["LP020"]),
        ("sts:*", "'*'", &["LP016"]),
        ("bedrock:InvokeModel", "'*'", &["LP021"]),
        ("[logs:CreateLogGroup, logs:PutLogEvents, ec2:CreateNetworkInterface]", "'*'", &[]),
        ("[states:SendTaskSuccess, xray:PutTraceSegments]", "'*'", &[]),
        ("dynamodb:Query", "!GetAtt Table.Arn", &[]),
    ] {
        assert_eq!(codes(&granting(action, resource)), wanted, "{action} on {resource}");
    }
}

#[test]
fn what_leaves_everything_out_allows_nothing() {
    let inverted = |lines: &str| codes(&with_statement(lines));
    assert_eq!(inverted("              NotAction: '*'\n              Resource: '*'\n"), [""; 0]);
    assert_eq!(inverted("              Action: 's3:*'\n              NotResource: '*'\n"), [""; 0]);
    assert_eq!(inverted("              NotAction: 'iam:*'\n              Resource: '*'\n"), ["LP017"]);
}

#[test]
fn a_denial_takes_a_right_away_everywhere_only() {
    let allowed = "              Action: 's3:DeleteObject'\n              Resource: '*'\n";
    let deny = |action: &str, resource: &str| {
        with_statement(&format!(
            "{allowed}            - {{Effect: Deny, Action: '{action}', Resource: '{resource}'}}\n"
        ))
    };
    assert_eq!(codes(&deny("s3:Delete*", "*")), [""; 0]);
    assert_eq!(codes(&deny("s3:Delete*", "arn:aws:s3:::a/*")), ["LP003"]);
    assert_eq!(codes(&deny("s3:Put*", "*")), ["LP003"]);
}

/// LP004 is a restraint: what takes no name is told beside what takes one, and is never a finding.
#[test]
fn an_action_that_takes_no_name_is_no_fault() {
    assert_eq!(codes(&granting("[dynamodb:ListTables, s3:ListAllMyBuckets]", "'*'")), [""; 0]);
    let mixed = findings(&granting("[dynamodb:PutItem, dynamodb:ListTables]", "'*'"));
    let only = mixed.first().unwrap();
    assert!(only.title.contains("`dynamodb:PutItem`") && !only.title.contains("ListTables"), "{}", only.title);
    assert!(only.help.iter().any(|line| line.contains("`dynamodb:ListTables` takes no names")), "{:?}", only.help);
    assert!(only.fix.is_none(), "the listing would be lost: {:?}", only.fix);
}

/// The text after the fix of its only finding.
fn fixed(text: &str) -> String {
    let found = findings(text);
    let [only] = found.as_slice() else { return format!("{found:#?}") };
    let mut after = text.to_owned();
    let mut edits = edits("template.yaml", text.as_bytes(), &only.fix.as_ref().unwrap().changes).unwrap();
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.span.start));
    for edit in edits {
        after.replace_range(edit.span.start..edit.span.end, &edit.replacement);
    }
    assert_eq!(codes(&after), [""; 0], "{after}");
    after[text.find("- Effect").unwrap()..].to_owned()
}

#[test]
fn a_fix_writes_what_the_function_is_told_of() {
    let after = fixed(&granting("dynamodb:PutItem", "'*'"));
    assert_eq!(
        after,
        "- Effect: Allow\n              Action: dynamodb:PutItem\n              Resource: !GetAtt Table.Arn\n"
    );
    let after = fixed(&granting("[s3:GetObject, s3:PutObject]", "['*']"));
    assert!(after.ends_with("Resource: [!Sub '${Photos.Arn}/*']\n"), "{after}");
    let after = fixed(&granting("[s3:PutObject, dynamodb:PutItem]", "'*'"));
    assert!(after.contains("Table.Arn") && after.contains("${Photos.Arn}/*"), "{after}");
    let after = fixed(&granting("dynamodb:*", "'*'"));
    assert!(after.contains("- dynamodb:GetItem") && after.contains("!GetAtt Table.Arn"), "{after}");
}

#[test]
fn what_only_a_person_knows_has_no_fix() {
    // Nothing here is a queue; a policy that is one text has no place for a list; half of the statement takes no name.
    for (action, resource) in [("sqs:SendMessage", "'*'"), ("[s3:PutObject, sqs:SendMessage]", "'*'")] {
        let found = findings(&granting(action, resource));
        assert!(found.iter().all(|finding| finding.fix.is_none()), "{found:#?}");
    }
}

#[test]
fn a_policy_that_two_roles_share_is_one_cause() {
    let role = "Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: sts:AssumeRole}]
      ManagedPolicyArns: [!Ref Shared]
";
    let found = findings(&format!(
        "Resources:
  First:
    {role}  Second:
    {role}  Shared:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument:
        Statement: [{{Effect: Allow, Action: 's3:DeleteObject', Resource: '*'}}]
"
    ));
    let [only] = found.as_slice() else { panic!("{found:#?}") };
    let also: Vec<&str> = only.also.iter().map(brigandine_model::LogicalId::as_str).collect();
    assert_eq!((only.resource.as_ref().unwrap().as_str(), also.as_slice()), ("First", &["Second"][..]));
}

#[test]
fn the_same_fault_twice_in_one_text_is_told_once() {
    let statement = r#"{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}"#;
    let found = findings(&format!(
        "Resources:
  First:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: '{{\"Statement\":[{statement},{statement}]}}'
"
    ));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found.iter().all(|finding| finding.also.is_empty()), "{found:#?}");
}

#[test]
fn users_and_groups_hold_policies_as_roles_do() {
    let text = "\
Resources:
  People: {Type: AWS::IAM::Group}
  Robot:
    Type: AWS::IAM::User
    Properties:
      Policies: [{PolicyName: p, PolicyDocument: {Statement: {Effect: Allow, Action: '*', Resource: '*'}}}]
  Beside:
    Type: AWS::IAM::Policy
    Properties:
      PolicyName: p
      PolicyDocument: {Statement: {Effect: Allow, Action: '*', Resource: '*'}}
      Groups: [!Ref People]
";
    let found = findings(text);
    let titles: Vec<&str> = found.iter().map(|finding| finding.title.as_str()).collect();
    assert_eq!(
        titles,
        [
            "`Robot` may do anything to everything in the account",
            "`People` may do anything to everything in the account"
        ]
    );
    assert!(found.iter().all(|finding| finding.message.contains("no function here runs with it")), "{found:?}");
}

#[test]
fn a_denial_of_all_that_has_a_name_leaves_what_has_none() {
    let text = |denied: &str| {
        format!(
            "{}            - {{Effect: Deny, Action: sns:Publish, Resource: {denied}}}\n",
            granting("sns:Publish", "'*'")
        )
    };
    assert_eq!(codes(&text("'arn:aws:sns:*:*'")), [""; 0], "telephone numbers are left, and must be");
    assert_eq!(codes(&text("'arn:aws:sns:*:*:orders'")), ["LP003"]);
}

#[test]
fn what_only_runs_cannot_be_named() {
    let jobs = "[!Ref Table, 'arn:aws:batch:eu-west-1:111122223333:job/*']";
    assert_eq!(codes(&granting("batch:SubmitJob", jobs)), [""; 0]);
    assert_eq!(codes(&granting("batch:SubmitJob", "'arn:aws:batch:eu-west-1:111122223333:*'")), ["LP003"]);
}

#[test]
fn who_may_do_everything_is_told_once() {
    let open = granting("'*'", "'*'") + "      FunctionUrlConfig: {AuthType: NONE}\n";
    let selection = Selection::new("strict", &["LP001".into(), "LP025".into(), "AP004".into()], &[]).unwrap();
    let found = judge(&app(&open), &selection, &Context { today: TODAY }).findings;
    assert_eq!(found.iter().map(|finding| &*finding.code).collect::<Vec<_>>(), ["LP001"]);
}

#[test]
fn destruction_is_told_by_one_rule_as_the_door_stands() {
    let told = |door: &str| {
        let text = granting("dynamodb:DeleteTable", "!GetAtt Table.Arn")
            + &format!("      FunctionUrlConfig: {{AuthType: {door}}}\n");
        let selection = Selection::new("strict", &["LP024".into(), "AP004".into()], &[]).unwrap();
        let found = judge(&app(&text), &selection, &Context { today: TODAY }).findings;
        found
            .iter()
            .map(|one| (one.code.to_string(), one.fact.clone(), one.span.as_ref().unwrap().line))
            .collect::<Vec<_>>()
    };
    let fact = "may destroy by dynamodb:DeleteTable".to_owned();
    assert_eq!(told("NONE"), [("AP004".to_owned(), fact.clone(), 18)]);
    assert_eq!(told("AWS_IAM"), [("LP024".to_owned(), fact, 18)]);
}

#[test]
fn a_policy_that_opens_an_api_for_a_time_is_no_finding_and_no_pass() {
    let text = "\
Transform: AWS::Serverless-2016-10-31
Resources:
  Shop:
    Type: AWS::Serverless::Api
    Properties:
      StageName: live
      Auth:
        ResourcePolicy:
          CustomStatements:
            - Effect: Allow
              Principal: '*'
              Action: execute-api:Invoke
              Resource: execute-api:/*
              Condition: {DateLessThan: {'aws:CurrentTime': '2022-09-30T23:59:59Z'}}
  Orders:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: nodejs24.x
      Handler: app.handler
      CodeUri: src/
      Events:
        Place: {Type: Api, Properties: {Path: /orders, Method: POST, RestApiId: !Ref Shop}}
";
    let selection = Selection::new("strict", &["AP001".into()], &[]).unwrap();
    let outcome = judge(&app(text), &selection, &Context { today: TODAY });
    assert_eq!(outcome.findings, []);
    assert!(outcome.unjudged.iter().any(|one| one.reason.contains("for a time only")), "{:?}", outcome.unjudged);
}
