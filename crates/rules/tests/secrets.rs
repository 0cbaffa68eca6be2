//! What rules on secrets may never do, and where they must look.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use brigandine_model::Finding;
use brigandine_rules::{Context, Outcome, Selection, judge};
use brigandine_template::{Input, Options, Sources, read};

fn judged(template: &str, asked: &[&str]) -> Outcome {
    let (options, sources) = (Options::default(), Sources::default());
    let input = Input {
        file: "template.yaml".into(),
        name: "shop".into(),
        bytes: template.as_bytes(),
        options: &options,
        sources: &sources,
    };
    let app = read(&input).unwrap_or_else(|failure| panic!("{failure}: {template}")).app;
    let asked: Vec<String> = asked.iter().map(|code| (*code).to_owned()).collect();
    let context = Context { today: jiff::civil::date(2026, 11, 1) };
    judge(&app, &Selection::new("strict", &asked, &[]).unwrap(), &context)
}

fn said(findings: &[Finding]) -> Vec<(String, u32)> {
    findings.iter().map(|one| (one.code.to_string(), one.span.as_ref().map_or(0, |span| span.line))).collect()
}

/// Put together here, so that no scanner of repositories takes this file for a leak.
fn token() -> String {
    ["ghp", "_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ", "0mLq17"].concat()
}

fn everywhere(secret: &str) -> String {
    format!(
        "\
Transform: AWS::Serverless-2016-10-31
Parameters:
  BuildToken: {{Type: String, Default: {secret}}}
  Hidden: {{Type: String, NoEcho: true, Default: {secret}}}
Globals:
  Function:
    Runtime: python3.14
    Handler: app.handler
    CodeUri: src/
    Environment:
      Variables:
        SHARED_SECRET: {secret}
Resources:
  One:
    Type: AWS::Serverless::Function
    Properties:
      Environment:
        Variables:
          API_TOKEN: {secret}
          JOINED_TOKEN: !Sub 'https://user:{secret}@${{AWS::Region}}.example.com'
  Two:
    Type: AWS::Serverless::Function
    Properties:
      InlineCode: |
        password = \"{secret}\"
  Key:
    Type: AWS::ApiGateway::ApiKey
    Properties: {{Value: {secret}}}
  Stored:
    Type: AWS::SSM::Parameter
    Properties: {{Name: /shop/password, Type: String, Value: {secret}}}
  Db:
    Type: AWS::RDS::DBInstance
    Properties: {{MasterUserPassword: {secret}}}
  Whole:
    Type: AWS::SecretsManager::Secret
    Properties: {{SecretString: '{{\"password\": \"{secret}\"}}'}}
Outputs:
  Password: {{Value: {secret}}}
  Handed: {{Value: !Ref Hidden}}
"
    )
}

#[test]
fn no_word_of_a_finding_holds_the_secret() {
    for secret in [token().as_str(), "correct-horse-9-battery"] {
        let outcome = judged(&everywhere(secret), &["SE"]);
        assert!(outcome.findings.len() > 7, "{:?}", said(&outcome.findings));
        for finding in &outcome.findings {
            assert!(!format!("{finding:?}").contains(secret), "{} echoes: {finding:#?}", finding.code);
            let about_value = finding.span.is_some() && finding.code.as_ref() != "SE010";
            let hidden = finding.span.iter().all(|span| finding.secrets.contains(span));
            assert!(hidden || !about_value || finding.title.contains("is shown"), "{} is not masked", finding.code);
        }
        assert!(!format!("{:?}", outcome.unjudged).contains(secret));
    }
}

#[test]
fn both_notations_give_the_same() {
    let yaml = "\
Resources:
  Db:
    Type: AWS::RDS::DBInstance
    Properties:
      MasterUserPassword: correct-horse-battery
  Role:
    Type: AWS::IAM::Role
    Properties:
      Policies:
        - PolicyName: a
          PolicyDocument: {Statement: {Effect: Allow, Action: 'logs:*', Resource: '*'}}
  Orders:
    Type: AWS::Lambda::Function
    Properties:
      Role: !GetAtt Role.Arn
      Code: {S3Bucket: code, S3Key: orders.zip}
      Environment:
        Variables:
          DB_PASSWORD: !Sub '{{resolve:secretsmanager:${Name}:SecretString:password}}'
Parameters:
  Name: {Type: String}
";
    let json = r#"{"Resources": {
        "Db": {"Type": "AWS::RDS::DBInstance", "Properties": {"MasterUserPassword": "correct-horse-battery"}},
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"Policies": [{"PolicyName": "a", "PolicyDocument":
            {"Statement": {"Effect": "Allow", "Action": ["logs:*"], "Resource": ["*"]}}}]}},
        "Orders": {"Type": "AWS::Lambda::Function", "Properties": {
            "Role": {"Fn::GetAtt": ["Role", "Arn"]}, "Code": {"S3Bucket": "code", "S3Key": "orders.zip"},
            "Environment": {"Variables": {"DB_PASSWORD":
                {"Fn::Join": ["", ["{{resolve:secretsmanager:", {"Ref": "Name"}, ":SecretString:password}}"]]}}}}}},
        "Parameters": {"Name": {"Type": "String"}}}"#;
    let facts = |template: &str| -> Vec<(String, String)> {
        let mut facts: Vec<_> = judged(template, &["SE", "MO"])
            .findings
            .iter()
            .map(|one| (one.code.to_string(), one.title.clone()))
            .collect();
        facts.sort();
        facts
    };
    let found = facts(yaml);
    for code in ["SE004", "SE011", "MO012"] {
        assert!(found.iter().any(|(own, _)| own == code), "{code}: {found:?}");
    }
    assert_eq!(found, facts(json));
}

#[test]
fn what_a_parameter_brings_along_is_told_where_the_parameter_stands() {
    let outcome = judged(
        "\
Parameters:
  BrokerPassword: {Type: String, NoEcho: true, Default: correct-horse-battery}
Resources:
  Broker:
    Type: AWS::SecretsManager::Secret
    Properties: {SecretString: !Sub '{\"password\": \"${BrokerPassword}\"}'}
",
        &["SE001", "SE002", "SE003", "SE011"],
    );
    assert_eq!(said(&outcome.findings), [("SE003".to_owned(), 2)]);
}

#[test]
fn items_of_a_list_are_told_apart() {
    let users = |first: &str| {
        format!(
            "\
Parameters:
  First: {{Type: String, NoEcho: true}}
Resources:
  Broker:
    Type: AWS::AmazonMQ::Broker
    Properties:
      Users:
        - {{Username: a, Password: {first}}}
        - {{Username: b, Password: staple-battery-horse}}
"
        )
    };
    let both = judged(&users("correct-horse-battery"), &["SE011"]).findings;
    let one = judged(&users("!Ref First"), &["SE011"]).findings;
    assert_eq!((both.len(), one.len()), (2, 1));
    assert_ne!(both[0].fact, both[1].fact);
    assert_eq!(both[1].fact, one[0].fact);
}

#[test]
fn a_condition_is_named_where_it_decides() {
    let outcome = judged(
        "\
Parameters:
  Mode: {Type: String, Default: quiet, AllowedValues: [quiet, loud]}
Conditions:
  Loud: !Equals [!Ref Mode, loud]
Resources:
  Api: {Type: AWS::ApiGateway::RestApi, Properties: {Name: shop}}
  Stage:
    Type: AWS::ApiGateway::Stage
    Properties:
      RestApiId: !Ref Api
      StageName: prod
      DeploymentId: first
      AccessLogSetting: !If [Loud, !Ref AWS::NoValue, {DestinationArn: arn}]
      MethodSettings: [{HttpMethod: '*', ResourcePath: '/*', DataTraceEnabled: !If [Loud, true, false]}]
",
        &["MO004", "MO006"],
    );
    assert_eq!(outcome.findings.len(), 2, "{:?}", said(&outcome.findings));
    assert!(outcome.findings.iter().all(|finding| finding.title.contains("when ")), "{:#?}", outcome.findings);
}

#[test]
fn a_broker_that_signs_in_with_a_secret_uses_it() {
    let template = |mapping: &str| {
        format!(
            "\
Transform: AWS::Serverless-2016-10-31
Resources:
  Broker: {{Type: AWS::SecretsManager::Secret}}
  Orders:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.14
      Handler: app.handler
      CodeUri: src/
      Policies:
        - AWSSecretsManagerGetSecretValuePolicy: {{SecretArn: !Ref Broker}}
{mapping}"
        )
    };
    let mapping = "  Pull:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      FunctionName: !Ref Orders
      EventSourceArn: arn:aws:mq:eu-west-1:111122223333:broker:a
      Queues: [orders]
      SourceAccessConfigurations: [{Type: BASIC_AUTH, URI: !Ref Broker}]
";
    assert_eq!(judged(&template(""), &["SE006"]).findings.len(), 1);
    assert!(judged(&template(mapping), &["SE006"]).findings.is_empty());
}

#[test]
fn a_secret_of_which_nothing_is_known_is_no_finding_and_no_pass() {
    let outcome = judged(
        "\
Resources:
  Db: {Type: AWS::SecretsManager::Secret}
  Orders:
    Type: AWS::Lambda::Function
    Properties:
      Role: !ImportValue role
      Code: {S3Bucket: code, S3Key: orders.zip}
      Environment: {Variables: {DB_SECRET: !Ref Db}}
",
        &["SE007"],
    );
    assert!(outcome.findings.is_empty());
    assert_eq!(outcome.unjudged.iter().filter(|one| one.code.is_some()).count(), 1);
}

#[test]
fn odd_templates_are_got_through() {
    for properties in [
        "{MethodSettings: 7, AccessLogSetting: [a], StageName: {a: b}}",
        "{MethodSettings: [[[]]], RestApiId: [a], TracingEnabled: {a: b}}",
        "{Value: [a, b], Name: {a: b}, Type: [x], SecretString: {password: {}}}",
        "{LogConfig: text, LoggingConfiguration: [], EventSelectors: {DataResources: 1}, AlarmActions: {Ref: X}}",
        "{AccessLogSetting: {DestinationArn: !Ref Nowhere, Format: 7}, UserData: {Fn::Base64: {Fn::Base64: 1}}}",
    ] {
        for kind in [
            "AWS::ApiGateway::Stage",
            "AWS::ApiGatewayV2::Stage",
            "AWS::ApiGateway::Deployment",
            "AWS::SSM::Parameter",
            "AWS::SecretsManager::Secret",
            "AWS::CloudTrail::Trail",
            "AWS::CloudWatch::Alarm",
            "AWS::StepFunctions::StateMachine",
            "AWS::AppSync::GraphQLApi",
            "AWS::ApiGateway::ApiKey",
            "AWS::Logs::LogGroup",
            "AWS::EC2::Instance",
        ] {
            let template = format!("Resources:\n  Thing:\n    Type: {kind}\n    Properties: {properties}\n");
            drop(judged(&template, &["SE", "MO"]));
        }
    }
}
