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
    judge(&read(&input).unwrap().app, &Selection::default(), &context)
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
        # brigandine: ignore AP001,AP011 reason=\"the catalogue is public\"
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
    assert_eq!(codes(&outcome), (list(&["AP001", "DW001"]), list(&["AP001", "AP011"])));
    assert!(outcome.findings.first().unwrap().title.contains("POST"));
}

#[test]
fn a_comment_above_everything_covers_the_file() {
    let outcome = judged(&format!("# brigandine: ignore AP001 reason=\"a demonstration\"\n{OPEN_ROUTES}"));
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
    Metadata: {Brigandine: {Ignore: [{Code: DE002, Reason: 'goes away in spring'}]}}
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
