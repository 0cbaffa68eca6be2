//! What the engine does with findings: suppressions, order, days, and what cannot be told.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use brigandine_model::{
    App, Case, Effect, Fact, Finding, Function, LogicalId, Package, Parameter, Provenance, Role, Scope, Severity, Span,
    Statement, Suppression, Value, Variable,
};
use brigandine_rules::{Context, Outcome, Selection, judge};
use jiff::civil::{Date, date};

const TODAY: Date = date(2026, 11, 1);

fn at(line: u32) -> Provenance {
    let start = line as usize * 100;
    Provenance::written(Span { file: "template.yaml".into(), start, end: start + 10, line, column: 5 })
}

fn text(value: &str, line: u32) -> Fact<String> {
    Fact::known(value.to_owned(), at(line))
}

fn function(name: &str, line: u32) -> Function {
    Function {
        id: LogicalId::new(name),
        name: None,
        provenance: at(line),
        runtime: None,
        handler: None,
        package: Package::Missing,
        layers: Vec::new(),
        memory: Fact::known(128, Provenance::platform_default(None)),
        timeout: Fact::known(3, Provenance::platform_default(None)),
        scratch: Fact::known(512, Provenance::platform_default(None)),
        reserved_concurrency: None,
        environment: Vec::new(),
        role: None,
        foreign_role: None,
        failure_targets: Vec::new(),
        snapshot: None,
        architectures: Vec::new(),
        private_network: false,
    }
}

fn allow(action: Fact<String>, resource: Fact<String>, line: u32) -> Statement {
    Statement {
        id: None,
        effect: Fact::known(Effect::Allow, at(line)),
        actions: vec![action],
        except_actions: Vec::new(),
        resources: vec![resource],
        except_resources: Vec::new(),
        principals: Vec::new(),
        except_principals: false,
        conditions: Vec::new(),
        provenance: at(line),
    }
}

fn with_role(statements: Vec<Statement>) -> App {
    let mut orders = function("Orders", 3);
    orders.role = Some(LogicalId::new("OrdersRole"));
    let role = Role {
        id: LogicalId::new("OrdersRole"),
        statements,
        managed: vec![text("AWSLambdaBasicExecutionRole", 9)],
        trust: Vec::new(),
        boundary: None,
        provenance: at(8),
    };
    App { functions: vec![orders], roles: vec![role], ..App::default() }
}

fn with_secret() -> App {
    let mut orders = function("Orders", 3);
    orders.environment.push(Variable { name: "API_KEY".into(), value: text("9f2c4e71b0a8d6f3", 7) });
    App { functions: vec![orders], ..App::default() }
}

fn with_runtime(name: &str) -> App {
    let mut orders = function("Orders", 3);
    orders.runtime = Some(text(name, 5));
    App { functions: vec![orders], ..App::default() }
}

fn outcome(app: &App) -> Outcome {
    judge(app, &Selection::default(), &Context { today: TODAY })
}

fn codes(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| &*finding.code).collect()
}

fn suppression(code: &str, scope: Scope) -> Suppression {
    let span = at(6).span.unwrap();
    Suppression {
        code: code.into(),
        reason: Some("known".into()),
        owner: Some("shop".into()),
        until: Some(jiff::civil::date(2099, 12, 31)),
        scope,
        span,
        peer: None,
    }
}

#[test]
fn a_suppression_with_a_reason_hides_by_line_resource_and_file() {
    for scope in [Scope::Line(7), Scope::Resource(LogicalId::new("Orders")), Scope::File] {
        let mut app = with_secret();
        app.suppressions.push(suppression("SE002", scope.clone()));
        let outcome = outcome(&app);
        assert!(outcome.findings.is_empty(), "{scope:?}: {:#?}", outcome.findings);
        assert_eq!(&*outcome.suppressed[0].finding.code, "SE002");
    }
}

#[test]
fn without_a_reason_or_past_its_day_it_hides_nothing_and_is_told() {
    let mut silent = suppression("SE002", Scope::File);
    silent.reason = Some("  ".into());
    let mut over = suppression("SE002", Scope::File);
    over.until = Some(date(2026, 10, 31));
    for bad in [silent, over] {
        let mut app = with_secret();
        app.suppressions.push(bad);
        assert_eq!(codes(&outcome(&app).findings), ["SE002", "ED001"]);
    }
}

#[test]
fn the_last_day_still_counts() {
    let mut app = with_secret();
    app.suppressions.push(Suppression { until: Some(TODAY), ..suppression("SE002", Scope::File) });
    assert!(outcome(&app).findings.is_empty());
}

#[test]
fn a_suppression_that_matches_nothing_is_told_unless_its_rule_was_not_asked() {
    let mut app = with_secret();
    app.suppressions.push(suppression("SE002", Scope::Line(99)));
    assert_eq!(codes(&outcome(&app).findings), ["SE002", "ED001"]);
    let selection = Selection::new("recommended", &["AP001".into(), "ED001".into()], &[]).unwrap();
    assert!(judge(&app, &selection, &Context { today: TODAY }).findings.is_empty());
}

#[test]
fn a_suppression_of_no_rule_names_the_nearest() {
    let mut app = with_secret();
    app.suppressions.push(suppression("SE02", Scope::File));
    let outcome = outcome(&app);
    assert_eq!(codes(&outcome.findings), ["SE002", "ED001"]);
    assert!(outcome.findings[1].message.contains("did you mean `SE002`"), "{}", outcome.findings[1].message);
}

#[test]
fn no_word_of_a_finding_holds_the_secret() {
    let mut app = with_secret();
    app.parameters.push(Parameter {
        name: "DbPassword".into(),
        kind: "String".into(),
        default: Some("hunter2".into()),
        hidden: false,
        provenance: at(1),
        default_span: at(2).span,
        hidden_span: None,
    });
    let outcome = outcome(&app);
    assert_eq!(codes(&outcome.findings), ["SE003", "SE002"]);
    let all = format!("{outcome:?}");
    assert!(!all.contains("9f2c4e71b0a8d6f3") && !all.contains("hunter2"));
}

#[test]
fn a_case_is_named() {
    let cases: [Arc<str>; 2] = ["Mode=wide", "Mode=narrow"].map(Arc::from);
    let value = Value::OneOf(vec![
        Case { when: cases[0].clone(), value: Value::Known("*".to_owned()) },
        Case { when: cases[1].clone(), value: Value::Known("dynamodb:GetItem".to_owned()) },
    ]);
    let app = with_role(vec![allow(Fact { value, provenance: at(11) }, text("*", 12), 10)]);
    let outcome = outcome(&app);
    assert_eq!(codes(&outcome.findings), ["LP001"]);
    assert!(outcome.findings[0].title.ends_with("when Mode=wide"), "{}", outcome.findings[0].title);
}

#[test]
fn what_cannot_be_told_is_neither_a_finding_nor_a_pass() {
    let action = Fact::unknown("`Actions` has no default", at(11));
    let outcome = outcome(&with_role(vec![allow(action, text("*", 12), 10)]));
    assert!(outcome.findings.is_empty());
    let said: Vec<_> = outcome.unjudged.iter().map(|one| (one.code.as_deref().unwrap(), &*one.reason)).collect();
    assert!(
        said.contains(&("LP001", "what `Orders` may do could not be judged because `Actions` has no default")),
        "{said:?}"
    );
    assert!(said.iter().any(|(code, _)| *code == "LP003"), "{said:?}");
}

#[test]
fn an_action_that_only_takes_a_star_is_never_a_finding() {
    for action in [
        "cloudwatch:PutMetricData",
        "ec2:Describe*",
        "logs:PutLogEvents",
        "xray:PutTraceSegments",
        "s3:ListAllMyBuckets",
    ] {
        let outcome = outcome(&with_role(vec![allow(text(action, 11), text("*", 12), 10)]));
        assert!(outcome.findings.is_empty(), "{action}: {:?}", outcome.findings);
        assert!(outcome.unjudged.is_empty(), "{action}: {:?}", outcome.unjudged);
    }
}

#[test]
fn an_action_nobody_has_heard_of_is_not_judged() {
    let outcome = outcome(&with_role(vec![allow(text("quantum:Entangle", 11), text("*", 12), 10)]));
    assert!(outcome.findings.is_empty());
    assert!(outcome.unjudged[0].reason.contains("`quantum:Entangle` is not in the action table"));
}

#[test]
fn what_a_denial_takes_away_is_not_found() {
    let denial =
        Statement { effect: Fact::known(Effect::Deny, at(20)), ..allow(text("dynamodb:*", 21), text("*", 22), 20) };
    let grant = allow(text("dynamodb:PutItem", 11), text("*", 12), 10);
    assert!(outcome(&with_role(vec![grant, denial])).findings.is_empty());
}

#[test]
fn a_role_no_route_leads_to_is_one_step_less_bad() {
    let outcome = outcome(&with_role(vec![allow(text("*", 11), text("*", 12), 10)]));
    assert_eq!(outcome.findings[0].severity, Severity::High);
}

#[test]
fn the_end_of_a_runtime_is_told_ninety_days_ahead() {
    let end = date(2027, 4, 30);
    let app = with_runtime("nodejs22.x");
    let on = |today: Date| judge(&app, &Selection::default(), &Context { today }).findings;
    assert!(on(end - jiff::Span::new().days(91)).is_empty());
    assert_eq!(on(end - jiff::Span::new().days(90))[0].severity, Severity::Medium);
    assert_eq!(on(end)[0].severity, Severity::Medium);
    assert_eq!(on(end + jiff::Span::new().days(1))[0].severity, Severity::High);
}

#[test]
fn a_runtime_newer_than_the_table_is_not_judged() {
    let outcome = outcome(&with_runtime("python9.9"));
    assert!(outcome.findings.is_empty());
    assert_eq!(outcome.unjudged.len(), 1);
}

#[test]
fn the_worst_stands_first_and_twice_is_the_same() {
    let mut app = with_role(vec![allow(text("*", 11), text("*", 12), 10)]);
    app.functions[0].environment.push(Variable { name: "API_KEY".into(), value: text("9f2c4e71b0a8d6f3", 7) });
    app.functions[0].runtime = Some(text("nodejs22.x", 5));
    let today = date(2027, 4, 1);
    let run = || judge(&app, &Selection::default(), &Context { today }).findings;
    assert_eq!(codes(&run()), ["SE002", "LP001", "DE002"]);
    assert_eq!(run(), run());
}
