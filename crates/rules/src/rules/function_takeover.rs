//! LP014: a role that may replace the code of functions that may do more than its own.

use brigandine_iam::ActionPattern;
use brigandine_model::{App, Effect, Finding, Function, Judgement, LogicalId, Role, RuleMeta, Severity, Statement};

use crate::{
    Context, Rule, Sink,
    case::{both, is, may_hold, texts, when},
    escalation::TAKEOVER,
    radius::{self, Thing, functions},
    reach::better,
    right::{Right, rights},
    role::{Holder, grants_beyond_running},
    rule::meta,
    wording::{list, with_origin},
};

pub(crate) struct FunctionTakeover;

const META: RuleMeta = RuleMeta {
    severity: Severity::Critical,
    frameworks: &["CWE-269", "OWASP-Serverless-S5", "SAS-04"],
    ..meta(
        "LP014",
        "function-takeover",
        "a role may replace what other functions run",
        include_str!("../../pages/LP014-function-takeover.md"),
    )
};

impl Rule for FunctionTakeover {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        let things = functions(app);
        for holder in Holder::all(app) {
            for right in one_per_statement(rights(&holder, TAKEOVER)) {
                let everywhere = right.on_every_resource();
                if may_hold(&everywhere) {
                    sink.finding(of_every_function(&holder, &right, &everywhere, sink));
                    continue;
                }
                let stronger = stronger(&holder, &right, &things);
                if !stronger.is_empty() {
                    sink.finding(of_some(&holder, &right, &stronger, sink));
                }
            }
        }
    }
}

fn one_per_statement(mut rights: Vec<Right<'_>>) -> Vec<Right<'_>> {
    rights.dedup_by(|later, first| std::ptr::eq(later.statement, first.statement));
    rights
}

/// The named functions of this application that run with a role which may do what the holder may not.
fn stronger<'a>(holder: &Holder<'a>, right: &Right<'_>, things: &[Thing<'a>]) -> Vec<&'a LogicalId> {
    let app = holder.app;
    let meant = |thing: &&Thing<'a>| right.statement.resources.iter().any(|fact| radius::aim(fact, thing).is_some());
    let more = |function: &&Function| {
        let own = holder.functions.iter().any(|own| own.id == function.id);
        let role = function.role.as_ref().and_then(|id| app.role(id));
        !own && role.is_some_and(|role| role.id != holder.role.id && may_more(role, holder.role))
    };
    things
        .iter()
        .filter(meant)
        .filter_map(|thing| app.function(thing.id))
        .filter(more)
        .map(|function| &function.id)
        .collect()
}

/// Whether one role may do something that the other may not: an action the other's statements do not mean, or an attached
/// policy the other has not.
fn may_more(one: &Role, other: &Role) -> bool {
    let attached = |role: &Role| role.managed.iter().flat_map(|fact| texts(&fact.value)).collect::<Vec<_>>();
    let others = attached(other);
    let allowed = |role: &Role| -> Vec<ActionPattern> {
        let allows = |statement: &&Statement| may_hold(&is(&statement.effect, &Effect::Allow));
        let statements = role.statements.iter().filter(allows);
        statements
            .flat_map(|statement| &statement.actions)
            .flat_map(|fact| texts(&fact.value))
            .filter_map(|text| text.parse().ok())
            .collect()
    };
    let own = allowed(other);
    let more = |action: &ActionPattern| !own.iter().any(|known| known.contains(action));
    grants_beyond_running(one) && allowed(one).iter().any(more)
        || attached(one).iter().any(|policy| !others.contains(policy))
}

fn of_every_function(holder: &Holder<'_>, right: &Right<'_>, holds: &Judgement, sink: &Sink) -> Finding {
    let provenance = &right.written.provenance;
    Finding {
        severity: holder.severity(META.severity),
        title: format!("{} may replace what any function of the account runs{}", holder.names(), when(holds)),
        message: format!(
            "with `{}` on every function, whoever breaks in runs their own code with every function's role in turn; {}",
            right.text,
            holder.because()
        ),
        label: with_origin("changes every function", provenance),
        resource: Some(holder.resource()),
        fact: format!("{} on every function", right.text),
        help: vec!["leave updates to the deployment, or name the one function".to_owned()],
        ..sink.draft(provenance)
    }
}

fn of_some(holder: &Holder<'_>, right: &Right<'_>, stronger: &[&LogicalId], sink: &Sink) -> Finding {
    let provenance = &right.written.provenance;
    let holds = both(right.holds.clone(), Judgement::Yes);
    Finding {
        severity: holder.severity(better(META.severity)),
        title: format!("{} may replace what {} runs{}", holder.names(), list(stronger), when(&holds)),
        message: format!(
            "{} may do what {} may not, and whoever may replace its code may do that too; {}",
            list(stronger),
            holder.names(),
            holder.because()
        ),
        label: with_origin("changes a function with more rights", provenance),
        resource: Some(holder.resource()),
        fact: format!("{} on {}", right.text, stronger.iter().map(|id| id.as_str()).collect::<Vec<_>>().join(" ")),
        help: vec!["leave updates to the deployment".to_owned()],
        ..sink.draft(provenance)
    }
}
