//! LP014: a role that may replace the code of functions that may do more than its own.

use std::{
    cell::LazyCell,
    collections::{BTreeMap, BTreeSet},
};

use brigandine_iam::ActionPattern;
use brigandine_model::{
    App, Effect, Finding, Fix, Function, Judgement, LogicalId, Role, RuleMeta, Severity, Statement,
};

use crate::{
    Context, Rule, Sink,
    case::{both, is, may_hold, texts, when},
    escalation::TAKEOVER,
    place::Places,
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
        let places = LazyCell::new(|| Places::of(app));
        let known = LazyCell::new(|| Known::of(app));
        for holder in Holder::all(app) {
            for right in one_per_statement(rights(&holder, TAKEOVER)) {
                let everywhere = right.on_every_resource();
                if may_hold(&everywhere) {
                    let fix = places.take_away(&[right.written]);
                    let fix = fix.map(|changes| Fix::risky("take the right to replace functions away", changes));
                    sink.finding(Finding { fix, ..of_every_function(&holder, &right, &everywhere, sink) });
                    continue;
                }
                let meant = radius::meant(right.statement, &things);
                let stronger = stronger(&holder, &known, &meant);
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

/// Functions and what roles may do, by id.
struct Known<'a> {
    functions: BTreeMap<&'a LogicalId, &'a Function>,
    powers: BTreeMap<&'a LogicalId, Power>,
}

impl<'a> Known<'a> {
    fn of(app: &'a App) -> Self {
        let functions = app.functions.iter().map(|function| (&function.id, function)).collect();
        Self { functions, powers: app.roles.iter().map(|role| (&role.id, Power::of(role))).collect() }
    }
}

/// Those of the functions that run with a role which may do what the holder may not.
fn stronger<'a>(holder: &Holder<'a>, known: &Known<'a>, meant: &[&Thing<'a>]) -> Vec<&'a LogicalId> {
    let Some(own) = known.powers.get(&holder.role.id) else { return Vec::new() };
    let more = |function: &&Function| {
        let role = function.role.as_ref().filter(|role| **role != holder.role.id);
        role.and_then(|role| known.powers.get(role)).is_some_and(|other| other.exceeds(own))
    };
    meant
        .iter()
        .filter_map(|thing| known.functions.get(thing.id).copied())
        .filter(more)
        .map(|function| &function.id)
        .collect()
}

/// What a role may do, as far as its policies say it in words.
struct Power {
    actions: Vec<ActionPattern>,
    attached: Vec<String>,
    /// Whether any of it goes beyond starting, logging and tracing.
    beyond_running: bool,
}

impl Power {
    fn of(role: &Role) -> Self {
        let allows = |statement: &&Statement| may_hold(&is(&statement.effect, &Effect::Allow));
        let statements = role.statements.iter().filter(allows);
        let written: BTreeSet<String> =
            statements.flat_map(|statement| &statement.actions).flat_map(|fact| texts(&fact.value)).collect();
        Self {
            actions: written.iter().filter_map(|text| text.parse().ok()).collect(),
            attached: role.managed.iter().flat_map(|fact| texts(&fact.value)).collect(),
            beyond_running: grants_beyond_running(role),
        }
    }

    /// Whether it holds an action that the other does not mean, or an attached policy that the other has not.
    fn exceeds(&self, other: &Self) -> bool {
        let more = |action: &ActionPattern| !other.actions.iter().any(|known| known.contains(action));
        self.beyond_running && self.actions.iter().any(more)
            || self.attached.iter().any(|policy| !other.attached.contains(policy))
    }
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
