//! `check --diff`, `check --fix` and the hardening for launch day as a user meets them.
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "support/program.rs"]
mod program;

use std::{
    fs,
    path::{Path, PathBuf},
};

use program::{Run, run_in};

fn check(folder: &Path, arguments: &[&str]) -> Run {
    run_in(folder, &[&["check", "--as-of", "2026-06-01"], arguments].concat())
}

fn folder(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("template.yaml");
    fs::write(&file, text).unwrap();
    (folder, file)
}

const OLD: &str = "\
Transform: AWS::Serverless-2016-10-31
Resources:
  # The runtime is out of support.
  Report:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.8   # since years
      Handler: app.handler
      CodeUri: src
      FunctionUrlConfig:
        AuthType: NONE
";

#[test]
fn a_difference_is_shown_and_nothing_is_written() {
    let (folder, file) = folder(OLD);
    let safe = check(folder.path(), &["--diff"]);
    assert_eq!((safe.out.as_str(), safe.code), ("", 1), "{}", safe.err);
    let all = check(folder.path(), &["--diff", "--unsafe-fixes", "--select", "DE002"]);
    assert_eq!(
        all.out,
        "--- a/template.yaml\n+++ b/template.yaml\n@@ -4,7 +4,7 @@\n   Report:\n     Type: AWS::Serverless::Function\n     Properties:\n\
         -      Runtime: python3.8   # since years\n+      Runtime: python3.14   # since years\n       Handler: app.handler\n       \
         CodeUri: src\n       FunctionUrlConfig:\n"
    );
    assert_eq!(all.code, 0);
    assert!(all.err.contains("would fix 1, would leave 0, dropped 0"), "{}", all.err);
    assert_eq!(fs::read_to_string(file).unwrap(), OLD);
}

#[test]
fn fixes_are_written_and_what_is_left_is_told() {
    let (folder, file) = folder(OLD);
    let first = check(folder.path(), &["--fix", "--unsafe-fixes", "--format", "concise"]);
    assert!(first.err.contains("fixed 2, left "), "{}", first.err);
    let wanted = OLD.replace("python3.8", "python3.14").replace("NONE", "AWS_IAM");
    assert_eq!(fs::read_to_string(&file).unwrap(), wanted);
    let second = check(folder.path(), &["--fix", "--unsafe-fixes", "--format", "concise"]);
    assert!(second.err.contains("fixed 0, left "), "{}", second.err);
    assert_eq!(fs::read_to_string(&file).unwrap(), wanted);
    assert_eq!(second.code, 0, "{}", second.out);
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_repository_is_left_as_it_is() {
    let (outside, far) = folder(OLD);
    let inside = tempfile::tempdir().unwrap();
    fs::create_dir(inside.path().join(".git")).unwrap();
    std::os::unix::fs::symlink(&far, inside.path().join("template.yaml")).unwrap();
    let run = check(inside.path(), &["template.yaml", "--fix", "--unsafe-fixes"]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("leads out of the repository"), "{}", run.err);
    assert_eq!(fs::read_to_string(outside.path().join("template.yaml")).unwrap(), OLD);
}

#[test]
fn a_secret_is_not_told_by_a_difference() {
    let text = OLD.replace(
        "      CodeUri: src\n",
        "      CodeUri: src\n      Environment:\n        Variables:\n          API_PASSWORD: correct-horse-7\n",
    );
    let (folder, _) = folder(&text);
    let run = check(folder.path(), &["--diff", "--unsafe-fixes"]);
    assert!(run.out.contains("python3.14"), "{}{}", run.out, run.err);
    assert!(!run.out.contains("correct-horse") && !run.err.contains("correct-horse"), "{}{}", run.out, run.err);
}

const DOORS: &str = "\
Transform: AWS::Serverless-2016-10-31
Conditions:
  Big: !Equals [!Ref AWS::Region, eu-west-1]
Resources:
  Orders:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.13
      Handler: app.handler
      CodeUri: src
      DeadLetterQueue: {Type: SQS, TargetArn: !GetAtt Failed.Arn}
      Events:
        Place: {Type: Api, Properties: {Path: /orders, Method: post}}
  Extra:
    Type: AWS::Serverless::Function
    Condition: Big
    Properties: {Runtime: python3.13, Handler: app.handler, CodeUri: src}
  Failed:
    Type: AWS::SQS::Queue
";

#[test]
fn launch_day_hardens_once() {
    let (folder, file) = folder(DOORS);
    let first = check(folder.path(), &["--profile", "launch-day", "--fix", "--format", "concise"]);
    let text = fs::read_to_string(&file).unwrap();
    for wanted in [
        "Globals:\n  Api:\n    MethodSettings:\n      - HttpMethod: '*'\n",
        "    AccessLogSetting:\n      DestinationArn: !GetAtt ServerlessRestApiAccessLogs.Arn\n",
        "      ReservedConcurrentExecutions: 20\n",
        "      LoggingConfig:\n        LogGroup: !Ref OrdersLogs\n",
        "  ExtraLogs:\n    Type: AWS::Logs::LogGroup\n    Condition: Big\n",
        "  LaunchFirewall:\n    Type: AWS::WAFv2::WebACL\n",
        "/restapis/${ServerlessRestApi}/stages/${ServerlessRestApi.Stage}\n",
        "  FailedDepth:\n    Type: AWS::CloudWatch::Alarm\n",
        "        - !Ref LaunchAlarms\n",
        "Parameters:\n  LaunchAlarmEmail:\n    Type: String\n",
        "      Subscription:\n        - Protocol: email\n          Endpoint: !Ref LaunchAlarmEmail\n",
    ] {
        assert!(text.contains(wanted), "{wanted}\n{text}\n{}", first.err);
    }
    assert!(first.err.contains(", dropped 0"), "{}", first.err);
    let second = check(folder.path(), &["--profile", "launch-day", "--diff"]);
    assert_eq!(second.out, "", "{}", second.err);
}

#[test]
fn what_other_templates_export_is_known_to_fixes() {
    let role = "\
Resources:
  Worker:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: sts:AssumeRole}]}
      Policies:
        - PolicyName: p
          PolicyDocument: {Statement: [{Effect: Allow, Action: '*', Resource: !ImportValue shared-target}]}
";
    let (folder, _) = folder(role);
    let exporter =
        "Resources: {Jobs: {Type: AWS::SQS::Queue}}\nOutputs: {T: {Value: '*', Export: {Name: shared-target}}}\n";
    fs::write(folder.path().join("other.yaml"), exporter).unwrap();
    let left = |paths: &[&str]| {
        let run = check(folder.path(), &[paths, &["--diff", "--select", "LP001"]].concat());
        run.err.lines().last().unwrap_or_default().to_owned()
    };
    assert_eq!(left(&["template.yaml"]), "would fix 0, would leave 0, dropped 0");
    assert_eq!(left(&["template.yaml", "other.yaml"]), "would fix 0, would leave 1, dropped 0");
}

#[test]
fn closing_a_door_is_not_held_up_by_what_remains_behind_it() {
    let text = "\
Transform: AWS::Serverless-2016-10-31
Resources:
  Waiting: {Type: AWS::SQS::Queue}
  Shop:
    Type: AWS::Serverless::HttpApi
    Properties:
      Auth:
        Authorizers:
          Customers:
            IdentitySource: $request.header.Authorization
            JwtConfiguration: {issuer: 'https://login.example.com/', audience: [shop]}
  Orders:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.14
      Handler: app.handler
      CodeUri: src
      Policies:
        - Statement:
            - Effect: Allow
              Action: [sqs:SendMessage, sqs:PurgeQueue]
              Resource: !GetAtt Waiting.Arn
      Events:
        Place: {Type: HttpApi, Properties: {ApiId: !Ref Shop, Method: POST, Path: /orders}}
";
    let (folder, file) = folder(text);
    let run = check(folder.path(), &["--fix", "--unsafe-fixes", "--select", "AP001,AP004,LP024"]);
    assert!(run.err.contains("fixed 2, left 0, dropped 0"), "{}", run.err);
    let fixed = fs::read_to_string(file).unwrap();
    assert!(fixed.contains("DefaultAuthorizer: Customers") && !fixed.contains("PurgeQueue"), "{fixed}");
}
