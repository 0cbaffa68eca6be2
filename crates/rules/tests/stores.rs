//! Values that parameters and conditions decide: a fault in one case is told with the case, and what nobody can tell is told
//! as such.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fmt::Write as _;

use brigandine_rules::{Context, Outcome, Selection, judge};
use brigandine_template::{Input, Options, Sources, read};

fn judged(text: &str, code: &str) -> Outcome {
    let (options, sources) = (Options::default(), Sources::default());
    let input = Input {
        file: "template.yaml".into(),
        name: "stores".into(),
        bytes: text.as_bytes(),
        options: &options,
        sources: &sources,
    };
    let app = read(&input).unwrap().app;
    let selection = Selection::new("strict", &[code.to_owned()], &[]).unwrap();
    judge(&app, &selection, &Context { today: jiff::civil::date(2026, 11, 1) })
}

fn titles(outcome: &Outcome) -> Vec<&str> {
    outcome.findings.iter().map(|finding| finding.title.as_str()).collect()
}

fn open(outcome: &Outcome, code: &str) -> usize {
    outcome.unjudged.iter().filter(|one| one.code.as_deref() == Some(code)).count()
}

const QUEUE: &str = "\
Parameters:
  Encrypt: {Type: String}
  Mode: {Type: String, AllowedValues: [open, shut], Default: shut}
Conditions:
  IsOpen: !Equals [!Ref Mode, open]
Resources:
  Jobs:
    Type: AWS::SQS::Queue
    Properties:
";

#[test]
fn what_only_deployment_knows_is_no_pass_and_no_finding() {
    let outcome = judged(&format!("{QUEUE}      SqsManagedSseEnabled: !Ref Encrypt\n"), "EN001");
    assert_eq!((titles(&outcome).len(), open(&outcome, "EN001")), (0, 1));
}

#[test]
fn a_case_that_opens_is_told_with_its_case() {
    let text = format!("{QUEUE}      SqsManagedSseEnabled: !If [IsOpen, false, !Ref AWS::NoValue]\n");
    let outcome = judged(&text, "EN001");
    assert_eq!(titles(&outcome), ["the encryption of `Jobs` is switched off when Mode=open"]);
    assert!(outcome.findings.iter().all(|finding| finding.fix.is_none()), "a case is a decision, not a slip");
}

#[test]
fn a_default_that_is_switched_off_is_told_where_it_was_not_by_a_peer_and_the_reverse() {
    let off = judged(&format!("{QUEUE}      SqsManagedSseEnabled: 'false'\n"), "EN001");
    assert_eq!(off.findings.len(), 1);
    let keyed = format!("{QUEUE}      SqsManagedSseEnabled: false\n      KmsMasterKeyId: alias/own\n");
    assert!(judged(&keyed, "EN001").findings.is_empty(), "a key of one's own takes the place of the platform's");
    let plain = "Resources:\n  Jobs: {Type: AWS::SQS::Queue}\n  T: {Type: AWS::DynamoDB::Table}\n  B: {Type: AWS::S3::Bucket}\n";
    assert!(judged(plain, "EN002").findings.is_empty(), "the platform encrypts these unasked");
}

#[test]
fn a_database_made_from_a_snapshot_cannot_be_told() {
    let text = "Resources:\n  Shop:\n    Type: AWS::RDS::DBInstance\n    Properties: {DBSnapshotIdentifier: shop-1}\n";
    let outcome = judged(text, "EN002");
    assert_eq!((outcome.findings.len(), open(&outcome, "EN002")), (0, 1));
}

#[test]
fn a_bucket_that_a_parameter_may_open_is_told_with_the_case() {
    let text = "\
Parameters:
  Access: {Type: String, AllowedValues: [Private, PublicRead], Default: Private}
Resources:
  Photos:
    Type: AWS::S3::Bucket
    Properties: {AccessControl: !Ref Access}
";
    let outcome = judged(text, "EN011");
    assert_eq!(titles(&outcome), ["anyone may read what `Photos` holds when Access=PublicRead"]);
}

#[test]
fn the_price_of_an_hour_follows_memory_time_and_processor() {
    let door = "\
Transform: AWS::Serverless-2016-10-31
Resources:
  Hook:
    Type: AWS::Serverless::Function
    Properties: {Runtime: nodejs24.x, Handler: a.b, CodeUri: s/, FunctionUrlConfig: {AuthType: NONE}, ";
    let title = |rest: &str| titles(&judged(&format!("{door}{rest}}}\n"), "DW001")).join("");
    assert!(title("MemorySize: 1024, Timeout: 10").contains("about $60 an hour"), "{}", title("MemorySize: 1024"));
    assert!(title("MemorySize: 1024, Timeout: 10, Architectures: [arm64]").contains("about $48 an hour"));
    assert_eq!(title("ReservedConcurrentExecutions: 5"), "");
}

#[test]
fn a_policy_that_names_who_is_not_meant_means_everyone_else() {
    let text = "\
Resources:
  Photos: {Type: AWS::S3::Bucket}
  Rest:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: !Ref Photos
      PolicyDocument: {Statement: {Effect: Allow, NotPrincipal: {AWS: '111122223333'}, NotAction: 's3:List*'}}
  Text:
    Type: AWS::S3::BucketPolicy
    Properties: {Bucket: !Ref Photos, PolicyDocument: '{}'}
";
    let outcome = judged(text, "EN011");
    assert_eq!(titles(&outcome), ["anyone may read and change what `Photos` holds"]);
    assert_eq!(open(&outcome, "EN011"), 1, "a policy in one text is not read here");
}

#[test]
fn an_engine_that_only_deployment_knows_decides_what_can_be_told() {
    let cluster = |engine: &str| {
        format!(
            "Parameters: {{Engine: {{Type: String}}}}\nResources:\n  Shop: {{Type: AWS::RDS::DBCluster, Properties: {{Engine: {engine}, \
             StorageEncrypted: no}}}}\n"
        )
    };
    let known = judged(&cluster("postgres"), "EN001");
    assert_eq!(known.findings.len(), 1);
    let own = judged(&cluster("!Ref Engine"), "EN001");
    assert_eq!((own.findings.len(), open(&own, "EN001")), (0, 1));
}

#[test]
fn many_stores_and_policies_are_judged_in_little_time() {
    const MANY: usize = 2400;
    let mut text = String::from("Resources:\n");
    for index in 0..MANY {
        write!(
            text,
            "  B{index}: {{Type: AWS::S3::Bucket}}\n  P{index}: {{Type: AWS::S3::BucketPolicy, Properties: {{Bucket: !Ref \
             B{index}, PolicyDocument: {{Statement: [{{Effect: Allow, Principal: '*', Action: 's3:GetObject'}}]}}}}}}\n"
        )
        .unwrap();
    }
    assert_eq!(judged(&text, "EN011").findings.len(), MANY);
    assert_eq!(judged(&text, "EN004").findings.len(), MANY);
}
