//! Templates that are as large as templates get: every rule comes to an end, and every fix is written or refused.
//!
//! Nothing here asserts on time. A rule that compares everything with everything shows by making this test the slowest.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use brigandine_rules::{Context, Selection, judge};
use brigandine_template::{Input, Options, Sources, fix::Written, read};

const HEAD: &str = "Transform: AWS::Serverless-2016-10-31\nResources:\n";

/// Reads, asks every rule, and writes every fix that the bound leaves time for.
fn findings(text: &str) -> usize {
    let (options, sources) = (Options::default(), Sources::default());
    let input =
        Input { file: "t.yaml".into(), name: "t".into(), bytes: text.as_bytes(), options: &options, sources: &sources };
    let reading = read(&input).map_err(|failure| failure.to_string()).unwrap();
    let strict = Selection::new("strict", &[], &[]).unwrap();
    let found = judge(&reading.app, &strict, &Context { today: jiff::civil::date(2026, 11, 1) }).findings;
    let fixes: Vec<_> = found.iter().filter_map(|finding| finding.fix.as_ref()).map(|fix| &*fix.changes).collect();
    let written = Written::of("t.yaml".into(), reading.document).unwrap().edits_of_each(&fixes, 1024 * 1024);
    assert_eq!(written.len(), fixes.len());
    found.len()
}

fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(line).collect()
}

const FUNCTION: &str = "Type: AWS::Serverless::Function, Properties: {Runtime: python3.13, Handler: a.b, CodeUri: .";

#[test]
fn many_functions_with_every_right_and_a_route_each() {
    let policy = "Policies: [{Statement: [{Effect: Allow, Action: '*', Resource: '*'}]}]";
    let functions = lines(150, |number| {
        format!(
            "  F{number}: {{{FUNCTION}, {policy}, Events: {{A: {{Type: Api, Properties: {{Path: /p{number}, Method: any}}}}}}}}}}\n"
        )
    });
    assert!(findings(&(HEAD.to_owned() + &functions)) >= 150);
}

#[test]
fn many_statements_of_one_role() {
    let statements = lines(1_500, |_| {
        "{Effect: Allow, Action: ['s3:*', 'iam:*', 'lambda:UpdateFunctionCode'], Resource: '*'}, ".to_owned()
    });
    assert!(findings(&format!("{HEAD}  F: {{{FUNCTION}, Policies: [{{Statement: [{statements}]}}]}}}}\n")) > 0);
}

#[test]
fn many_secrets_and_many_places_for_one() {
    let variables = lines(1_500, |number| format!("API_KEY_{number}: q7Zt4mXw9KpB2sVfN8cR{number}, "));
    assert!(findings(&format!("{HEAD}  F: {{{FUNCTION}, Environment: {{Variables: {{{variables}}}}}}}}}\n")) > 0);
    let items = lines(1_500, |number| format!("hunter2{number}, "));
    assert!(findings(&format!("Resources:\n  X: {{Type: Custom::X, Properties: {{Password: [{items}]}}}}\n")) > 0);
}

#[test]
fn many_stores_and_functions_that_reach_them_all() {
    let stores = lines(300, |number| format!("  T{number}: {{Type: AWS::DynamoDB::Table}}\n"));
    let functions = lines(100, |number| {
        format!(
            "  F{number}: {{{FUNCTION}, Policies: [{{DynamoDBCrudPolicy: {{TableName: !Ref T{number}}}}}, {{Statement: [{{Effect: Allow, Action: 'dynamodb:*', Resource: '*'}}]}}]}}}}\n"
        )
    });
    assert!(findings(&format!("{HEAD}{stores}{functions}")) > 0);
}

#[test]
fn many_conditions_on_one_parameter() {
    let conditions = lines(1_000, |number| format!("  C{number}: !Equals [!Ref P, '{number}']\n"));
    let topics = lines(1_000, |number| format!("  T{number}: {{Type: AWS::SNS::Topic, Condition: C{number}}}\n"));
    assert!(
        findings(&format!("Parameters: {{P: {{Type: String}}}}\nConditions:\n{conditions}Resources:\n{topics}")) > 0
    );
}

#[test]
fn many_routes_of_one_function() {
    let events = lines(1_000, |number| {
        format!("E{number}: {{Type: HttpApi, Properties: {{Path: '/a/{{b{number}}}', Method: post}}}}, ")
    });
    assert!(findings(&format!("{HEAD}  F: {{{FUNCTION}, Events: {{{events}}}}}}}\n")) > 0);
}
