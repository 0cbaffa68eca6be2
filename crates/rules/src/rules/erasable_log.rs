//! MO012: functions that may wipe out their own traces.

use brigandine_iam::{Action, ActionPattern, Pattern, ResourcePattern, actions};
use brigandine_model::{
    App, Change, Effect, Fact, Finding, Fix, Function, Judgement, LogicalId, Practice, RuleMeta, Statement, Value,
};

use super::any_action_any_resource;
use crate::{
    Context, Rule, Sink,
    case::{HOLE, any, ask_text, both, filled, is, may_hold, texts, when},
    log_group::{self, Lines},
    role::{Holder, is_narrowed},
    rule::meta,
    wording::{list, with_origin},
};

pub(crate) struct ErasableLog;

const META: RuleMeta = RuleMeta {
    practice: Practice::Monitoring,
    frameworks: &["CWE-778", "OWASP-Serverless-S10", "SAS-05"],
    ..meta(
        "MO012",
        "erasable-log",
        "a function may delete its own log, or switch a trail off",
        include_str!("../../pages/MO012-erasable-log.md"),
    )
};

/// Actions after which lines are gone, or no longer written.
const LOGS: &[&str] = &["DeleteLogGroup", "DeleteLogStream", "PutRetentionPolicy"];
const TRAILS: &[&str] = &["DeleteTrail", "StopLogging", "UpdateTrail", "PutEventSelectors"];

impl Rule for ErasableLog {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for holder in Holder::all(app) {
            let functions: Vec<&Function> = app.functions_with_role(&holder.role.id).collect();
            if functions.is_empty() {
                continue;
            }
            for statement in &holder.role.statements {
                check_statement(app, (&holder, &functions), statement, sink);
            }
        }
    }
}

/// Actions of one statement that wipe out traces: as written, and one of those it means.
struct Wipes<'a> {
    written: Vec<&'a Fact<String>>,
    examples: Vec<Action>,
    holds: Judgement,
}

fn check_statement(app: &App, holder: (&Holder<'_>, &[&Function]), statement: &Statement, sink: &mut Sink) {
    let allows = is(&statement.effect, &Effect::Allow);
    let everything = may_hold(&any_action_any_resource::judge(statement));
    if !may_hold(&allows) || everything || is_narrowed(statement) || !statement.except_actions.is_empty() {
        return;
    }
    let mut wipes = Wipes { written: Vec::new(), examples: Vec::new(), holds: Judgement::No };
    for (service, names) in [("logs", LOGS), ("cloudtrail", TRAILS)] {
        let reached = both(allows.clone(), reaches(app, holder.1, statement, service));
        if !may_hold(&reached) {
            continue;
        }
        for action in &statement.actions {
            let meant: Vec<Action> = names
                .iter()
                .filter_map(|name| actions().find(service, name))
                .filter(|one| means(action, *one) && !is_denied(holder.0, *one))
                .collect();
            // Only to change how long lines are kept is no way to be rid of today's.
            if meant.iter().any(|one| one.name != "PutRetentionPolicy") {
                wipes.written.push(action);
                wipes.examples.extend(meant);
                wipes.holds = any([wipes.holds.clone(), reached.clone()]);
            }
        }
    }
    if !wipes.written.is_empty() {
        let finding = finding(holder.0, (statement, &wipes), sink);
        sink.finding(finding);
    }
}

fn means(action: &Fact<String>, one: Action) -> bool {
    texts(&action.value)
        .iter()
        .any(|text| text.parse::<ActionPattern>().is_ok_and(|pattern| pattern.matches(one.service, one.name)))
}

/// Whether a statement of the role takes the action away again, everywhere and always.
fn is_denied(holder: &Holder<'_>, one: Action) -> bool {
    holder.role.statements.iter().any(|statement| {
        is(&statement.effect, &Effect::Deny) == Judgement::Yes
            && statement.conditions.is_empty()
            && crate::role::reaches_everything(statement) == Judgement::Yes
            && statement.actions.iter().any(|action| means(action, one))
    })
}

/// Whether the statement reaches the log of one of the functions, or a trail.
fn reaches(app: &App, functions: &[&Function], statement: &Statement, service: &str) -> Judgement {
    if !statement.except_resources.is_empty() {
        return Judgement::CannotTell("the statement says only what is not meant".into());
    }
    let groups: Vec<(&Function, Option<&LogicalId>)> = functions
        .iter()
        .map(|function| match log_group::of(app, function) {
            Lines::Own(group) => (*function, Some(&group.id)),
            Lines::Elsewhere | Lines::Unsaid => (*function, None),
        })
        .collect();
    let own_group = |fact: &Fact<String>| match &fact.value {
        Value::Symbolic(symbol) => groups.iter().any(|(_, group)| symbol.resources().any(|id| Some(id) == *group)),
        _ => false,
    };
    any(statement.resources.iter().map(|resource| {
        if service == "logs" && own_group(resource) {
            return Judgement::Yes;
        }
        ask_text(&resource.value, &|text| {
            ResourcePattern::new(text).covers_service(service)
                || service == "logs" && groups.iter().any(|(function, _)| is_log_of(function, text))
                || service == "cloudtrail" && text.contains(":trail/")
        })
    }))
}

/// Whether the pattern means the log group that the platform makes for the function.
fn is_log_of(function: &Function, pattern: &str) -> bool {
    let name = function.name.as_ref().map(|name| match &name.value {
        Value::Known(text) => text.clone(),
        Value::Symbolic(symbol) => filled(symbol),
        _ => HOLE.to_string(),
    });
    let group = format!("log-group:/aws/lambda/{}", name.unwrap_or_else(|| HOLE.to_string()));
    let Some(rest) = pattern.splitn(6, ':').nth(5).filter(|_| pattern.contains(":logs:")) else { return false };
    let own = Pattern::new(rest);
    own.matches(&group) || own.matches(&format!("{group}:*")) || own.matches(&format!("{group}:log-stream:a"))
}

fn finding(holder: &Holder<'_>, found: (&Statement, &Wipes<'_>), sink: &Sink) -> Finding {
    let (statement, wipes) = found;
    let mut examples: Vec<String> = wipes.examples.iter().map(|one| format!("{}:{}", one.service, one.name)).collect();
    examples.dedup();
    let trail = wipes.examples.iter().all(|one| one.service == "cloudtrail");
    let what = if trail { "switch the account's trail off" } else { "delete its own log" };
    let first = wipes.written.first().copied();
    let provenance = first.map_or(&statement.provenance, |action| &action.provenance);
    Finding {
        severity: holder.severity(META.severity),
        title: format!("{} may {what}{}", holder.names(), when(&wipes.holds)),
        message: format!("whoever takes the function over removes the traces last of all; {}", holder.because()),
        label: with_origin(format!("includes {}", list(&examples)), provenance),
        resource: Some(holder.resource()),
        fact: format!("may {what}"),
        help: vec![
            "a function needs `logs:CreateLogStream` and `logs:PutLogEvents`, nothing else, to write its log"
                .to_owned(),
        ],
        fix: fix(holder, statement, wipes),
        ..sink.draft(provenance)
    }
}

/// Takes the actions out. Where the role can write its log without this statement, a pattern can go as a whole; otherwise
/// only actions that do nothing but wipe out.
fn fix(holder: &Holder<'_>, statement: &Statement, wipes: &Wipes<'_>) -> Option<Fix> {
    let written = |fact: &&&Fact<String>| fact.value.known().is_some() && fact.provenance.parameters.is_empty();
    let logs_anyway = holder
        .role
        .managed
        .iter()
        .any(|policy| texts(&policy.value).iter().any(|text| text.ends_with("/AWSLambdaBasicExecutionRole")));
    let literal = |fact: &Fact<String>| {
        fact.value
            .known()
            .and_then(|text| text.parse::<ActionPattern>().ok())
            .is_some_and(|pattern| pattern.is_literal())
    };
    let removable = wipes.written.iter().all(|action| literal(action) || logs_anyway);
    if !removable || wipes.written.iter().filter(written).count() < wipes.written.len() {
        return None;
    }
    let title = "take away what wipes out traces";
    if wipes.written.len() == statement.actions.len() {
        let only = holder.role.statements.len() == 1;
        let span = statement.provenance.span.clone().filter(|_| !only)?;
        return Some(Fix::risky(title, vec![Change::RemoveAt { span }]));
    }
    let spans: Option<Vec<Change>> =
        wipes.written.iter().map(|action| Some(Change::RemoveAt { span: action.provenance.span.clone()? })).collect();
    Some(Fix::risky(title, spans?))
}
