//! The way of an attacker: told where there is one, left empty where there is none.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use brigandine_model::Finding;
use brigandine_rules::{Context, Selection, judge};
use brigandine_template::{Input, Options, Sources, read};

const TODAY: jiff::civil::Date = jiff::civil::date(2026, 11, 1);

const FUNCTION: &str = "Type: AWS::Serverless::Function
    Properties:
      Runtime: nodejs24.x
      Handler: app.handler
      CodeUri: src/
";

fn findings(resources: &str) -> Vec<Finding> {
    let text = format!(
        "AWSTemplateFormatVersion: '2010-09-09'\nTransform: AWS::Serverless-2016-10-31\nResources:\n{}",
        resources.replace("FUNCTION\n", FUNCTION)
    );
    let (options, sources) = (Options::default(), Sources::default());
    let input = Input {
        file: "template.yaml".into(),
        name: "paths".into(),
        bytes: text.as_bytes(),
        options: &options,
        sources: &sources,
    };
    let app = read(&input).unwrap().app;
    judge(&app, &Selection::new("strict", &[], &[]).unwrap(), &Context { today: TODAY }).findings
}

fn words(findings: &[Finding], code: &str) -> Vec<String> {
    let Some(finding) = findings.iter().find(|finding| &*finding.code == code) else {
        panic!("{code} in {findings:#?}")
    };
    finding.path.iter().map(|step| step.words.clone()).collect()
}

const OPEN: &str = "      Events:
        Get: {Type: HttpApi, Properties: {Path: /orders, Method: GET}}
";

const ROLE: &str = "      Policies:
        - DynamoDBCrudPolicy: {TableName: !Ref Table}
        - Statement: [{Effect: Allow, Action: 's3:DeleteObject', Resource: '*'}]
";

const TABLE: &str = "  Table:
    Type: AWS::Serverless::SimpleTable
";

#[test]
fn a_right_is_reached_from_the_internet_by_route_function_and_role() {
    let found = findings(&format!("{TABLE}  Orders:\n    FUNCTION\n{OPEN}{ROLE}"));
    assert_eq!(
        words(&found, "LP003"),
        [
            "from the internet, `GET /orders` asks nothing",
            "the request runs `Orders`",
            "`Orders` runs with the role made for it",
            "`Orders` may call `s3:DeleteObject` on every resource",
        ]
    );
    let steps = &found.iter().find(|finding| &*finding.code == "LP003").unwrap().path;
    assert!(steps.iter().all(|step| step.span.is_some()), "{steps:#?}");
    assert_eq!(steps.last().unwrap().span, found.iter().find(|one| &*one.code == "LP003").unwrap().span);
}

#[test]
fn an_open_route_leads_on_to_the_stores_behind_it() {
    let found = findings(&format!("{TABLE}  Orders:\n    FUNCTION\n{OPEN}{ROLE}"));
    assert_eq!(
        words(&found, "AP001"),
        [
            "from the internet, `GET /orders` asks nothing",
            "the request runs `Orders`",
            "`Orders` runs with the role made for it",
            "it may use `Table`",
        ]
    );
}

#[test]
fn open_routes_of_one_api_share_one_way() {
    let events = "      Events:
        Get: {Type: HttpApi, Properties: {Path: /a, Method: GET}}
        Put: {Type: HttpApi, Properties: {Path: /b, Method: PUT}}
";
    let found = findings(&format!("  Orders:\n    FUNCTION\n{events}"));
    let firsts: Vec<String> = found
        .iter()
        .filter(|finding| &*finding.code == "AP001")
        .map(|finding| finding.path.first().unwrap().words.clone())
        .collect();
    assert_eq!(firsts, ["from the internet, `GET /a` asks nothing"]);
}

#[test]
fn a_role_that_is_written_is_named() {
    let role = "      Role: !GetAtt Shared.Arn
  Shared:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: sts:AssumeRole}]
      Policies:
        - PolicyName: all
          PolicyDocument: {Statement: [{Effect: Allow, Action: '*', Resource: '*'}]}
";
    let found = findings(&format!("  Orders:\n    FUNCTION\n{OPEN}{role}"));
    assert!(words(&found, "LP001").contains(&"`Orders` runs with the role `Shared`".to_owned()));
}

#[test]
fn a_secret_in_the_environment_ends_the_way() {
    let environment = "      Environment: {Variables: {API_KEY: 9f2c4e71b0a8d6f3}}\n";
    let found = findings(&format!("  Orders:\n    FUNCTION\n{OPEN}{environment}"));
    let way = words(&found, "SE002");
    assert_eq!(way.len(), 3, "{way:?}");
    assert!(!way.iter().any(|words| words.contains("9f2c4e71b0a8d6f3")), "a secret is never told: {way:?}");
}

#[test]
fn without_an_open_door_there_is_no_way() {
    let closed = "      FunctionUrlConfig: {AuthType: AWS_IAM}\n";
    let clock = "      Events:\n        Nightly: {Type: Schedule, Properties: {Schedule: rate(1 day)}}\n";
    for doors in [closed, clock] {
        let found = findings(&format!("{TABLE}  Orders:\n    FUNCTION\n{doors}{ROLE}"));
        assert!(words(&found, "LP003").is_empty(), "{doors}");
    }
}

#[test]
fn low_findings_and_lost_events_have_no_way() {
    let both = "      Events:
        Get: {Type: HttpApi, Properties: {Path: /orders, Method: GET}}
        Topic: {Type: SNS, Properties: {Topic: !Ref News}}
  News:
    Type: AWS::SNS::Topic
";
    let found = findings(&format!("  Orders:\n    FUNCTION\n{both}"));
    assert!(words(&found, "DW002").is_empty());
    assert!(words(&found, "LP029").is_empty());
}

#[test]
fn a_functions_own_address_is_a_door() {
    let address = "      FunctionUrlConfig: {AuthType: NONE}\n";
    let found = findings(&format!("{TABLE}  Orders:\n    FUNCTION\n{address}{ROLE}"));
    assert_eq!(words(&found, "LP003").first().unwrap(), "from the internet, the function's own address asks nothing");
}
