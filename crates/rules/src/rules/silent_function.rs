//! MO003: functions whose role does not let them write a single line.

use brigandine_iam::{ActionPattern, ManagedClass, managed_policy};
use brigandine_model::{
    App, Change, Effect, Fact, Finding, Fix, Function, Literal, Practice, Role, RuleMeta, Severity, Statement, Value,
};

use crate::{
    Context, Rule, Sink,
    case::{HOLE, is, may_hold, texts},
    rule::meta,
    wording::list,
};

pub(crate) struct SilentFunction;

const META: RuleMeta = RuleMeta {
    severity: Severity::Medium,
    practice: Practice::Monitoring,
    frameworks: &["CWE-778", "OWASP-Serverless-S10", "SAS-05"],
    ..meta(
        "MO003",
        "silent-function",
        "the role of a function does not let it write its own log",
        include_str!("../../pages/MO003-silent-function.md"),
    )
};

/// Both are needed: the first line opens a stream.
const NEEDED: [&str; 2] = ["CreateLogStream", "PutLogEvents"];

/// Policies of the platform that are about logs but not about a function's own.
const NOT_ITS_OWN: &[&str] = &["CloudWatchLambdaInsightsExecutionRolePolicy", "CloudWatchLogsReadOnlyAccess"];

impl Rule for SilentFunction {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for role in &app.roles {
            let functions: Vec<&Function> =
                app.functions_with_role(&role.id).filter(|function| function.foreign_role.is_none()).collect();
            let Some(first) = functions.first() else { continue };
            match writes(role) {
                Writes::Yes => {}
                Writes::No(missing) => sink.finding(finding(app, (role, &functions), &missing, sink)),
                Writes::Unknown(why) => {
                    let what = format!("whether {} may write a log", names(&functions));
                    sink.cannot_tell(&what, &why, (&first.id, &role.provenance));
                }
            }
        }
    }
}

enum Writes {
    Yes,
    No(Vec<&'static str>),
    Unknown(String),
}

fn writes(role: &Role) -> Writes {
    let missing: Vec<&'static str> = NEEDED.into_iter().filter(|name| !is_granted(role, name)).collect();
    if missing.is_empty() {
        return Writes::Yes;
    }
    let mut open = unknown_action(role);
    for policy in &role.managed {
        match by_policy(policy) {
            Some(Ok(())) => return Writes::Yes,
            Some(Err(why)) => open = Some(why),
            None => {}
        }
    }
    open.map_or(Writes::No(missing), Writes::Unknown)
}

fn is_granted(role: &Role, name: &str) -> bool {
    let means = |fact: &Fact<String>| {
        texts(&fact.value)
            .iter()
            .any(|text| text.parse::<ActionPattern>().is_ok_and(|pattern| pattern.matches("logs", name)))
    };
    let grants = |statement: &Statement| {
        let allows = may_hold(&is(&statement.effect, &Effect::Allow));
        allows
            && match statement.except_actions.as_slice() {
                [] => statement.actions.iter().any(means),
                except => !except.iter().any(means),
            }
    };
    role.statements.iter().any(grants)
}

fn unknown_action(role: &Role) -> Option<String> {
    role.statements.iter().flat_map(|statement| &statement.actions).find_map(|action| match &action.value {
        Value::Unknown(why) => Some(why.to_string()),
        _ => None,
    })
}

/// Whether a policy kept elsewhere lets its holder write logs; nothing where it surely does not.
fn by_policy(policy: &Fact<String>) -> Option<Result<(), String>> {
    match &policy.value {
        Value::Unknown(why) => return Some(Err(why.to_string())),
        // A policy of this template is read with the role's own statements.
        Value::Symbolic(symbol) if symbol.resources().next().is_some() => return None,
        _ => {}
    }
    let mut open = None;
    let texts = texts(&policy.value);
    for text in &texts {
        let plain = text.replacen(HOLE, "aws", 1);
        match managed_policy(&plain) {
            Some(known) if NOT_ITS_OWN.contains(&known.name.as_str()) => {}
            Some(known) => {
                let all = matches!(known.class, ManagedClass::Admin | ManagedClass::PowerUser);
                let logs = known.services.iter().any(|service| service == "logs" || service == "*" && all);
                if logs || known.services.is_empty() {
                    return Some(only_where(texts.len() == 1));
                }
            }
            None if is_basic(&plain) => return Some(only_where(texts.len() == 1)),
            None => open = Some(Err(elsewhere(text))),
        }
    }
    open
}

/// A policy that depends on a condition is attached in some cases only.
fn only_where(always: bool) -> Result<(), String> {
    if always { Ok(()) } else { Err("which policy is attached depends on a condition".to_owned()) }
}

/// The platform's policies for running at all (`AWSLambdaBasic...ExecutionRole...`) begin with the right to write logs.
fn is_basic(reference: &str) -> bool {
    let name = reference.rsplit('/').next().unwrap_or(reference);
    reference.contains(":iam::aws:policy/") && name.starts_with("AWSLambdaBasic")
}

fn elsewhere(text: &str) -> String {
    match text.replace(HOLE, "?") {
        hole if hole == "?" => "one of its policies is only known once deployed".to_owned(),
        name => format!("what its policy `{name}` grants is not part of the template"),
    }
}

fn names(functions: &[&Function]) -> String {
    list(&functions.iter().map(|function| &function.id).collect::<Vec<_>>())
}

fn finding(app: &App, holders: (&Role, &[&Function]), missing: &[&str], sink: &Sink) -> Finding {
    let (role, functions) = holders;
    let actions: Vec<String> = missing.iter().map(|name| format!("logs:{name}")).collect();
    Finding {
        title: format!("{} cannot write a log", names(functions)),
        message: format!(
            "the role `{}` lacks {}: errors and attacks leave no trace, and the platform says nothing about the lost lines",
            role.id,
            list(&actions)
        ),
        label: "grants no writing of logs".to_owned(),
        resource: functions.first().map(|function| function.id.clone()),
        also: functions.iter().skip(1).map(|function| function.id.clone()).collect(),
        fact: "cannot write its log".to_owned(),
        help: vec!["attach `AWSLambdaBasicExecutionRole` to the role".to_owned()],
        fix: fix(app, role),
        ..sink.draft(&role.provenance)
    }
}

fn fix(app: &App, role: &Role) -> Option<Fix> {
    app.resources.get(&role.id)?.written_kind.as_ref()?;
    let arn = "arn:${AWS::Partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole";
    let value = Literal::map([("Fn::Sub", Literal::text(arn))]);
    let path = vec!["Properties".into(), "ManagedPolicyArns".into()];
    Some(Fix::risky("let the role write logs", vec![Change::Append { resource: role.id.clone(), path, value }]))
}
