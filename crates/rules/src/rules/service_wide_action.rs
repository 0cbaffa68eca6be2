//! LP002: everything a service offers, although on resources that are named.

use std::cell::LazyCell;

use brigandine_iam::{Access, Action, ActionPattern};
use brigandine_model::{App, Change, Fact, Finding, Fix, Judgement, Literal, RuleMeta, Statement, Value, Via};

use super::{public_destruction, wildcard_policy_template};
use crate::{
    Context, Rule, Sink,
    case::{HOLE, ask_text, both, may_hold, texts, when},
    narrow,
    place::Places,
    radius::{self, Thing},
    reach::better,
    right::allowing,
    role::{Holder, is_narrowed, reaches_everything},
    rule::meta,
    wording::{list, with_origin},
};

pub(crate) struct ServiceWideAction;

const META: RuleMeta = RuleMeta {
    frameworks: &["CWE-250", "IAM.21", "OWASP-Serverless-S5", "SAS-04"],
    ..meta(
        "LP002",
        "service-wide-action",
        "a role allows everything that a service offers",
        include_str!("../../pages/LP002-service-wide-action.md"),
    )
};

/// Services whose actions are all what a client does anyway: calling, connecting, signing in.
const ONLY_FOR_CLIENTS: &[&str] =
    &["aoss", "cassandra", "execute-api", "kafka-cluster", "rds-data", "rds-db", "sts", "xray"];

impl Rule for ServiceWideAction {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        let places = LazyCell::new(|| Places::of(app));
        for holder in Holder::all(app) {
            for (statement, allows) in allowing(holder.role) {
                for written in &statement.actions {
                    let Some(mut wide) = Wide::of(&holder, statement, written) else { continue };
                    wide.holds = both(allows.clone(), wide.holds);
                    let fix = fix(&wide, &places);
                    sink.finding(Finding { fix, ..finding(&holder, &wide, sink) });
                }
            }
        }
    }
}

/// Whether this rule speaks of the action as the statement writes it.
pub(super) fn speaks_of(holder: &Holder<'_>, statement: &Statement, written: &Fact<String>) -> bool {
    Wide::of(holder, statement, written).is_some()
}

struct Wide<'a> {
    statement: &'a Statement,
    written: &'a Fact<String>,
    text: String,
    changing: Vec<Action>,
    holds: Judgement,
}

impl<'a> Wide<'a> {
    /// Nothing where it is no such action, or where another rule speaks of it.
    fn of(holder: &Holder<'_>, statement: &'a Statement, written: &'a Fact<String>) -> Option<Self> {
        let text = texts(&written.value).into_iter().find(|text| is_wide(text))?;
        let pattern: ActionPattern = text.parse().ok()?;
        let changing: Vec<Action> = pattern.covered().filter(|action| action.access.changes()).collect();
        let told = holder.wide_writes().holds(written)
            || holder.escalations().holds(written)
            || wildcard_policy_template::fills(statement)
            || is_narrowed(statement) && may_hold(&reaches_everything(statement));
        let holds = ask_text(&written.value, &|one| one == text);
        (!told && !changing.is_empty()).then_some(Self { statement, written, text, changing, holds })
    }

    /// The worst of what is allowed, for an example.
    fn worst(&self) -> Option<&Action> {
        let destroys = |action: &&Action| public_destruction::destroyer(action.service) == Some(action.name);
        let deletes = |action: &&Action| action.name.starts_with("Delete") && action.access == Access::Write;
        let first = || self.changing.iter().filter(deletes).min_by_key(|action| action.name.len());
        self.changing.iter().find(destroys).or_else(first)
    }
}

fn is_wide(text: &str) -> bool {
    text.parse::<ActionPattern>().is_ok_and(|pattern| pattern.is_service_wide() && !pattern.covers_every_action())
        && text
            .split(':')
            .next()
            .is_some_and(|service| !ONLY_FOR_CLIENTS.contains(&service.to_ascii_lowercase().as_str()))
}

/// What the statement is about, for people; stores of other services that it names as well are not.
fn targets(wide: &Wide<'_>, others: &[Thing<'_>]) -> String {
    let service = wide.text.split(':').next().unwrap_or_default();
    let is_other = |name: &String| others.iter().any(|thing| thing.id.as_str() == name && thing.service != service);
    let mut names: Vec<String> = wide.statement.resources.iter().flat_map(|fact| target(&fact.value)).collect();
    if !names.iter().all(is_other) {
        names.retain(|name| !is_other(name));
    }
    names.sort();
    names.dedup();
    list(&names)
}

fn target(value: &Value<String>) -> Vec<String> {
    match value {
        Value::Symbolic(symbol) => match symbol.resources().next() {
            Some(id) => vec![id.to_string()],
            None => vec![symbol.to_string()],
        },
        other => texts(other).into_iter().map(|text| text.replace(HOLE, "?")).collect(),
    }
}

fn finding(holder: &Holder<'_>, wide: &Wide<'_>, sink: &Sink) -> Finding {
    let everywhere = may_hold(&reaches_everything(wide.statement));
    let base = if everywhere { META.severity } else { better(META.severity) };
    let targets = targets(wide, &radius::stores(holder.app));
    let such_as =
        wide.worst().map_or_else(String::new, |action| format!(", `{}:{}` among them", action.service, action.name));
    let provenance = &wide.written.provenance;
    Finding {
        severity: holder.severity(base),
        title: format!("{} may do anything to {} (`{}`){}", holder.names(), targets, wide.text, when(&wide.holds)),
        message: format!(
            "`{}` means {} actions that change something{such_as}, far more than anyone needs at once; {}",
            wide.text,
            wide.changing.len(),
            holder.because()
        ),
        label: with_origin("everything the service offers", provenance),
        resource: Some(holder.resource()),
        fact: format!("{} on {}", wide.text, targets),
        help: vec!["name the actions that the code calls".to_owned()],
        ..sink.draft(provenance)
    }
}

/// What functions do every day instead of everything; only where a person wrote it, and no other is named beside it.
fn fix(wide: &Wide<'_>, places: &Places<'_>) -> Option<Fix> {
    let written = wide.written.provenance.via == Via::Written && wide.written.value.known().is_some();
    let service = wide.text.split(':').next().filter(|_| written)?;
    let actions = narrow::everyday(service)?;
    let (span, value) = places.instead(wide.written, actions.into_iter().map(Literal::text).collect())?;
    let title = format!("allow what functions do with `{service}` every day, and look at what else the code calls");
    Some(Fix::risky(title, vec![Change::Replace { span, value }]))
}
