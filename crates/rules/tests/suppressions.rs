//! Suppressions as people write them, on templates as people write them.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use brigandine_rules::{Context, Outcome, Selection, judge};
use brigandine_template::{Input, Options, Sources, read};

fn judged(template: &str) -> Outcome {
    let (options, sources) = (Options::default(), Sources::default());
    let input = Input {
        file: "template.yaml".into(),
        name: "shop".into(),
        bytes: template.as_bytes(),
        options: &options,
        sources: &sources,
    };
    let context = Context { today: jiff::civil::date(2026, 11, 1) };
    let asked = ["LP001", "AP001", "AP011", "DE002", "ED001"].map(str::to_owned);
    judge(&read(&input).unwrap().app, &Selection::new("recommended", &asked, &[]).unwrap(), &context)
}

fn codes(outcome: &Outcome) -> (Vec<String>, Vec<String>) {
    let found = outcome.findings.iter().map(|finding| finding.code.to_string()).collect();
    let hidden = outcome.suppressed.iter().map(|one| one.finding.code.to_string()).collect();
    (found, hidden)
}

fn list(codes: &[&str]) -> Vec<String> {
    codes.iter().map(|code| (*code).to_owned()).collect()
}

#[test]
fn metadata_of_a_function_covers_the_role_it_implies() {
    let outcome = judged(
        "\
Transform: AWS::Serverless-2016-10-31
Resources:
  Orders:
    Type: AWS::Serverless::Function
    Metadata:
      Brigandine:
        Ignore:
          - {Code: LP001, Reason: 'the migration of one night', Owner: shop, Until: '2026-12-01'}
    Properties:
      Runtime: python3.14
      Handler: app.handler
      CodeUri: src/
      Policies:
        - Statement: {Effect: Allow, Action: '*', Resource: '*'}
",
    );
    assert_eq!(codes(&outcome), (list(&[]), list(&["LP001"])));
}

const OPEN_ROUTES: &str = "\
Transform: AWS::Serverless-2016-10-31
Resources:
  Orders:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.14
      Handler: app.handler
      CodeUri: src/
      Events:
        # brigandine: ignore AP001,AP011 reason=\"the catalogue is public\" owner=shop until=2027-12-31
        Read:
          Type: HttpApi
          Properties: {Path: /products, Method: get}
        Write:
          Type: HttpApi
          Properties: {Path: /products, Method: post}
";

#[test]
fn a_comment_covers_the_next_line_and_no_other() {
    let outcome = judged(OPEN_ROUTES);
    assert_eq!(codes(&outcome), (list(&["AP001"]), list(&["AP001", "AP011"])));
    assert!(outcome.findings.first().unwrap().title.contains("POST"));
}

#[test]
fn a_comment_above_everything_covers_the_file() {
    let outcome = judged(&format!(
        "# brigandine: ignore AP001 reason=\"a demonstration\" owner=shop until=2027-12-31\n{OPEN_ROUTES}"
    ));
    assert!(!codes(&outcome).0.contains(&"AP001".to_owned()), "{:?}", codes(&outcome));
}

const GLOBALS: &str = "\
Transform: AWS::Serverless-2016-10-31
Globals:
  Function:
    Runtime: python3.8
    Handler: app.handler
    CodeUri: src/
Resources:
  Orders:
    Type: AWS::Serverless::Function
    Metadata: {Brigandine: {Ignore: [{Code: DE002, Reason: 'goes away in spring', Owner: shop, Until: '2027-05-01'}]}}
";

#[test]
fn one_function_does_not_speak_for_the_others_of_a_line_in_globals() {
    assert_eq!(codes(&judged(GLOBALS)), (list(&[]), list(&["DE002"])));
    let two = judged(&format!("{GLOBALS}  Catalogue:\n    Type: AWS::Serverless::Function\n"));
    assert_eq!(codes(&two), (list(&["DE002", "ED001"]), list(&[])));
    let finding = two.findings.first().unwrap();
    assert_eq!(finding.resource.as_ref().unwrap().as_str(), "Orders");
    assert_eq!(finding.also.first().unwrap().as_str(), "Catalogue");
    assert_eq!(finding.span.as_ref().unwrap().line, 4);
    assert!(finding.label.ends_with("(from Globals)"), "{}", finding.label);
}

#[test]
fn without_owner_or_last_day_it_hides_and_is_told() {
    let outcome = judged(&OPEN_ROUTES.replace(" owner=shop until=2027-12-31", ""));
    assert_eq!(codes(&outcome), (list(&["AP001", "ED001", "ED001"]), list(&["AP001", "AP011"])));
    let told = outcome.findings.iter().find(|finding| &*finding.code == "ED001").unwrap();
    assert_eq!(told.title, "this suppression of `AP001` names no owner and no last day");
    let outcome = judged(&OPEN_ROUTES.replace(" owner=shop", ""));
    let told = outcome.findings.iter().find(|finding| &*finding.code == "ED001").unwrap();
    assert_eq!(told.title, "this suppression of `AP001` names no owner");
}

const OLD: &str = "\
Resources:
  # above
  Orders: # beside
    Type: AWS::Lambda::Function
    # within
    Metadata: {}
    Properties:
      Runtime: python3.8
      Handler: app.handler
      Role: arn:aws:iam::123456789012:role/x
      Code: {ZipFile: 'x'}
      # behind
  Catalogue:
    Type: AWS::Lambda::Function
    Properties: {Runtime: python3.8, Handler: app.handler, Role: 'arn:aws:iam::123456789012:role/x', Code: {ZipFile: x}}
# outside
";

fn hidden(template: &str) -> Vec<String> {
    let outcome = judged(template);
    assert!(!codes(&outcome).0.contains(&"ED001".to_owned()), "peers' forms are never stale: {:#?}", outcome.findings);
    outcome.suppressed.iter().map(|one| one.finding.resource.as_ref().unwrap().to_string()).collect()
}

#[test]
fn comments_for_other_checkers_cover_the_resource_they_stand_in() {
    for place in ["above", "beside", "within", "behind"] {
        for words in [
            "checkov:skip=CKV_AWS_363:moves in spring",
            "checkov:skip=CKV_AWS_363",
            "checkov:skip=ckv_aws_363: moves in spring",
        ] {
            assert_eq!(hidden(&OLD.replace(place, words)), ["Orders"], "{place}: {words}");
        }
    }
    assert_eq!(hidden(&OLD.replace("outside", "checkov:skip=CKV_AWS_363")), Vec::<String>::new());
    for words in ["checkov:skip=CKV_AWS_116:other", "checkov:skip=CKV_X_1", "trivy:ignore:*", "checkov:skip="] {
        assert_eq!(hidden(&OLD.replace("within", words)), Vec::<String>::new(), "{words}");
    }
    let outcome = judged(&OLD.replace("within", "checkov:skip=CKV_AWS_363:moves in spring"));
    assert_eq!(outcome.suppressed.first().unwrap().by.reason.as_deref(), Some("moves in spring"));
}

const OPEN_ROLE: &str = "\
Resources:
  Worker:
    Type: AWS::IAM::Role
    # here
    Properties:
      AssumeRolePolicyDocument: {Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: sts:AssumeRole}]}
      Policies:
        - PolicyName: all
          PolicyDocument: {Statement: [{Effect: Allow, Action: '*', Resource: '*'}]}
";

#[test]
fn every_form_of_other_checkers_is_read() {
    assert_eq!(hidden(OPEN_ROLE), Vec::<String>::new());
    for words in ["trivy:ignore:AVD-AWS-0057", "trivy:ignore:aws-0057", "tfsec:ignore:AWS-0057:exp:2099-01-01"] {
        assert_eq!(hidden(&OPEN_ROLE.replace("here", words)), ["Worker"], "{words}");
    }
    for words in ["trivy:ignore:AVD-AWS-0057:exp:2020-01-01", "trivy:ignore:AVD-AWS-0057:exp:whenever"] {
        assert_eq!(hidden(&OPEN_ROLE.replace("here", words)), Vec::<String>::new(), "{words}");
    }
    for metadata in [
        "cfn_nag: {rules_to_suppress: [{id: W89, reason: x}, {id: F3, reason: the night of the move}]}",
        "checkov: {skip: [{id: CKV_AWS_62, comment: the night of the move}]}",
        "cdk_nag: {rules_to_suppress: [{id: AwsSolutions-IAM5, reason: the night of the move}]}",
    ] {
        let metadata = ["Metadata: {", metadata, "}"].concat();
        let outcome = judged(&OPEN_ROLE.replace("# here", &metadata));
        let by = &outcome.suppressed.first().unwrap().by;
        assert_eq!(by.reason.as_deref(), Some("the night of the move"), "{metadata}");
        assert!(by.peer.is_some());
    }
    for odd in
        ["{cfn_nag: 1}", "{cfn_nag: {rules_to_suppress: [{reason: x}, 3, {id: [F3]}]}}", "{checkov: {skip: CKV}}"]
    {
        assert_eq!(hidden(&OPEN_ROLE.replace("# here", &["Metadata: ", odd].concat())), Vec::<String>::new(), "{odd}");
    }
    let lint = "Metadata: {cfn-lint: {config: {ignore_checks: [E3002, W2531]}}}";
    assert_eq!(hidden(&OLD.replace("Metadata: {}", lint)), ["Orders"]);
    assert_eq!(hidden(&[lint, "\n", OLD].concat()), ["Orders", "Catalogue"], "for the whole template");
}

#[test]
fn the_number_of_suppressions_is_bounded() {
    let many = "trivy:ignore:AVD-AWS-0057 ".repeat(5_000);
    let outcome = judged(&OPEN_ROLE.replace("here", &many));
    assert!(
        outcome.unjudged.iter().any(|one| one.reason.contains("more than 2000 suppressions")),
        "{:?}",
        outcome.unjudged
    );
}

#[test]
fn very_many_comments_cost_no_more_than_their_reading() {
    let own = "# brigandine: ignore AP001 reason=x owner=y until=2099-01-01\n";
    let peers = "    # checkov:skip=CKV_AWS_363:x\n";
    let text = [&own.repeat(30_000), OLD, &"  # brigandine: x\n".repeat(30_000), &peers.repeat(30_000)].concat();
    let outcome = judged(&text);
    assert!(outcome.unjudged.iter().any(|one| one.reason.contains("more than 2000 suppressions")));
}

#[test]
fn one_function_does_not_speak_for_the_open_routes_of_others() {
    let routes = |metadata: &str| {
        format!(
            "\
Transform: AWS::Serverless-2016-10-31
Globals:
  Function: {{Runtime: python3.14, Handler: app.handler, CodeUri: src/}}
Resources:
  Shop: {{Type: AWS::Serverless::HttpApi, Properties: {{DefaultRouteSettings: {{ThrottlingRateLimit: 5}}}}}}
  Read:
    Type: AWS::Serverless::Function{metadata}
    Properties: {{Events: {{E: {{Type: HttpApi, Properties: {{ApiId: !Ref Shop, Path: /a, Method: get}}}}}}}}
  Write:
    Type: AWS::Serverless::Function
    Properties: {{Events: {{E: {{Type: HttpApi, Properties: {{ApiId: !Ref Shop, Path: /a, Method: post}}}}}}}}
"
        )
    };
    let both = judged(&routes(""));
    assert_eq!(codes(&both), (list(&["AP001"]), list(&[])));
    let finding = both.findings.first().unwrap();
    assert_eq!((finding.fact.as_str(), finding.also.len(), finding.related.len()), ("GET /a, POST /a", 1, 1));
    assert!(finding.fix.is_some());
    let excused = "\n    Metadata: {Brigandine: {Ignore: [{Code: AP001, Reason: 'for everyone', Owner: shop, Until: 2027-12-31}]}}";
    let one = judged(&routes(excused));
    assert_eq!(codes(&one), (list(&["AP001"]), list(&["AP001"])));
    assert_eq!(one.findings.first().unwrap().fact, "POST /a");
    // Making an authorizer the default would close what is open on purpose.
    assert!(one.findings.first().unwrap().fix.is_none());
}
