//! LP003: writing or deleting on every resource, where the action would take a name.

use std::collections::BTreeSet;

use brigandine_iam::{Access, Action, ActionPattern, actions};
use brigandine_model::{App, Fact, Finding, Judgement, Piece, Provenance, RuleMeta, Severity, Span, Statement, Value};

use super::wildcard_policy_template;
use crate::{
    Context, Rule, Sink,
    case::{any, ask_text, both, may_hold, texts, when},
    narrow,
    place::Places,
    right::allowing,
    role::{Holder, Marked, covers_kind, is_narrowed, is_needed_to_run, kind_fact, reaches_everything},
    rule::meta,
    wording::{list, with_origin},
};

pub(crate) struct WriteOnAnyResource;

const META: RuleMeta = RuleMeta {
    frameworks: &["CWE-732", "OWASP-Serverless-S5", "SAS-04"],
    ..meta(
        "LP003",
        "write-on-any-resource",
        "a role may change every resource of a kind, although the action takes names",
        include_str!("../../pages/LP003-write-on-any-resource.md"),
    )
};

impl Rule for WriteOnAnyResource {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        let places = std::cell::LazyCell::new(|| Places::of(app));
        for holder in Holder::all(app) {
            for (statement, _) in allowing(holder.role) {
                let look = Looked::at(&holder, statement);
                if let Some(why) = look.open.why() {
                    let what = format!("what {} may change", holder.names());
                    sink.cannot_tell(&what, &why, (&holder.resource(), &statement.provenance));
                }
                if !look.wide.is_empty() {
                    let finding = Finding {
                        fix: narrow::to_what_is_named(&holder, statement, &places),
                        ..finding(&holder, statement, &look.wide, sink)
                    };
                    sink.finding(finding);
                }
            }
        }
    }
}

/// An action as written, with the first action it covers that writes where it could be scoped.
struct Wide<'a> {
    written: &'a Fact<String>,
    text: String,
    example: Action,
    holds: Judgement,
}

/// The actions of which this rule speaks.
pub(crate) fn told(holder: &Holder<'_>) -> Marked {
    let mut marked = Marked::default();
    for (statement, _) in allowing(holder.role) {
        for one in Looked::at(holder, statement).wide {
            marked.mark(statement, one.written);
        }
    }
    marked
}

/// What was seen of one statement.
#[derive(Default)]
struct Looked<'a> {
    wide: Vec<Wide<'a>>,
    open: Open,
}

impl<'a> Looked<'a> {
    fn at(holder: &Holder<'_>, statement: &'a Statement) -> Self {
        let mut looked = Self::default();
        if is_narrowed(statement) || names_all(statement) || wildcard_policy_template::fills(statement) {
            return looked;
        }
        let decrypts = statement.actions.iter().any(|fact| means(fact, "kms", "Decrypt"));
        let scope = Scope { holder, statement, decrypts };
        for action in &statement.actions {
            match look(&scope, action) {
                Look::Fine => {}
                Look::Wide(found) if holder.escalations().holds(found.written) => {}
                Look::Wide(found) => looked.wide.push(found),
                Look::Unknown(why) => looked.open.whys.push(why),
                Look::Unheard(name) => looked.open.names.push(name),
            }
        }
        // Starting other functions is told by a rule of its own, unless more is said here anyway.
        if looked.wide.iter().all(|one| is_invocation(one.example) && !one.text.contains('*')) {
            looked.wide.clear();
        }
        looked
    }
}

/// Whether every resource is named without a wildcard and without a hole that could be one, as most are.
fn names_all(statement: &Statement) -> bool {
    let is_name = |fact: &Fact<String>| match &fact.value {
        Value::Known(text) => !text.contains(['*', '?']),
        Value::Symbolic(symbol) => symbol.pieces.iter().all(|piece| match piece {
            Piece::Text(text) => !text.contains(['*', '?']),
            Piece::Attribute { .. } => true,
            _ => false,
        }),
        Value::OneOf(_) | Value::Unknown(_) => false,
    };
    statement.except_resources.is_empty() && !statement.resources.is_empty() && statement.resources.iter().all(is_name)
}

fn is_invocation(action: Action) -> bool {
    action.service == "lambda" && matches!(action.name, "InvokeFunction" | "InvokeAsync")
}

fn means(fact: &Fact<String>, service: &str, name: &str) -> bool {
    let may = |text: &&String| {
        let own = text.split(':').next().unwrap_or_default();
        own.eq_ignore_ascii_case(service) || own.contains(['*', '?'])
    };
    texts(&fact.value)
        .iter()
        .filter(may)
        .any(|text| text.parse::<ActionPattern>().is_ok_and(|pattern| pattern.matches(service, name)))
}

/// Whether something else than the name decides what the action reaches: a token that only the run which waits for it gives
/// out, or the collection's own list of who may use it.
fn is_decided_elsewhere(action: Action) -> bool {
    match action.service {
        "states" => matches!(action.name, "SendTaskFailure" | "SendTaskHeartbeat" | "SendTaskSuccess"),
        "lambda" => action.name.starts_with("SendDurableExecutionCallback"),
        "aoss" => matches!(action.name, "APIAccessAll" | "DashboardsAccessAll"),
        _ => false,
    }
}

/// What is looked at.
struct Scope<'s, 'a> {
    holder: &'s Holder<'s>,
    statement: &'a Statement,
    /// Whether it decrypts too: then all that keys do is told by the rule on keys.
    decrypts: bool,
}

impl Scope<'_, '_> {
    /// Whether other rules speak of the action, or the platform's own roles have it.
    fn is_excused(&self, action: Action) -> bool {
        let of_keys = self.decrypts
            && action.service == "kms"
            && ["Decrypt", "Encrypt", "GenerateData", "ReEncrypt"].iter().any(|start| action.name.starts_with(start));
        of_keys || action.service == "sts" || is_needed_to_run(action) || is_decided_elsewhere(action)
    }
}

/// What could not be told of one statement: one line, however many actions it has.
#[derive(Default)]
struct Open {
    whys: Vec<String>,
    names: Vec<String>,
}

impl Open {
    fn why(mut self) -> Option<String> {
        if !self.names.is_empty() {
            let verb = if self.names.len() == 1 { "is" } else { "are" };
            self.whys.push(format!("{} {verb} not in the action table of {}", list(&self.names), actions().date));
        }
        self.whys.sort();
        self.whys.dedup();
        (!self.whys.is_empty()).then(|| self.whys.join(", and "))
    }
}

enum Look<'a> {
    Fine,
    Wide(Wide<'a>),
    Unknown(String),
    Unheard(String),
}

fn look<'a>(scope: &Scope<'_, 'a>, action: &'a Fact<String>) -> Look<'a> {
    let statement = scope.statement;
    let mut best = Look::Fine;
    for text in texts(&action.value) {
        let Ok(pattern) = text.parse::<ActionPattern>() else { continue };
        let asked = ask_text(&action.value, &|one| one == text);
        let mut kinds = Kinds { statement, last: None };
        for example in pattern.writes_with_scope() {
            match both(asked.clone(), kinds.covers(example.service)) {
                Judgement::No => {}
                _ if scope.is_excused(example) || scope.holder.denials().take_away(example.service, example.name) => {}
                Judgement::CannotTell(why) => best = Look::Unknown(why.to_string()),
                holds => return Look::Wide(Wide { written: action, text, example, holds }),
            }
        }
        if is_unheard_of(&pattern, statement) {
            best = Look::Unheard(text);
        }
    }
    match &action.value {
        Value::Unknown(why) if may_hold(&reaches_everything(statement)) => Look::Unknown(why.to_string()),
        _ => best,
    }
}

/// Answers per service, asked once while the actions go by in the order of services.
struct Kinds<'a> {
    statement: &'a Statement,
    last: Option<(&'static str, Judgement)>,
}

impl Kinds<'_> {
    fn covers(&mut self, service: &'static str) -> Judgement {
        match &self.last {
            Some((known, answer)) if *known == service => answer.clone(),
            _ => {
                let answer = covers_kind(self.statement, service);
                self.last = Some((service, answer.clone()));
                answer
            }
        }
    }
}

/// Whether the table knows no action that is meant, so that nothing can be said of it.
fn is_unheard_of(pattern: &ActionPattern, statement: &Statement) -> bool {
    pattern.covered().next().is_none() && may_hold(&reaches_everything(statement))
}

fn finding(holder: &Holder<'_>, statement: &Statement, wide: &[Wide<'_>], sink: &Sink) -> Finding {
    let written: Vec<&str> = wide.iter().map(|one| one.text.as_str()).collect();
    let holds = any(wide.iter().map(|one| one.holds.clone()));
    let example = wide.first().map(|one| one.example);
    let service = example.map_or("", |action| action.service);
    let star = kind_fact(statement, service);
    let provenance = star.map_or(&statement.provenance, |fact| &fact.provenance);
    let is_named = |action: &Action| {
        let name = format!("{service}:{}", action.name);
        written.iter().any(|one| one.eq_ignore_ascii_case(&name))
    };
    let such_as = example.filter(|action| !is_named(action));
    let such_as = such_as.map_or_else(String::new, |action| format!(" (such as `{service}:{}`)", action.name));
    Finding {
        severity: severity(holder, wide),
        title: format!("{} may call {} on every resource{}", holder.names(), list(&written), when(&holds)),
        message: format!(
            "resources can be named for {}{such_as}, but none are, so {} reaches all of them; {}",
            list(&written),
            holder.weak_spot(),
            holder.because()
        ),
        label: with_origin("every one of them, not only its own", provenance),
        related: places(wide, provenance),
        resource: Some(holder.resource()),
        fact: format!("{} on every resource", written.join(" ")),
        help: help(statement),
        ..sink.draft(provenance)
    }
}

/// Only who may change who may do what, or anything at all in a service, takes everything with it.
fn severity(holder: &Holder<'_>, wide: &[Wide<'_>]) -> Severity {
    let takes_all = |one: &Wide<'_>| {
        let pattern = one.text.parse::<ActionPattern>();
        one.example.access == Access::Permissions || pattern.is_ok_and(|pattern| pattern.is_service_wide())
    };
    let moved = holder.severity(META.severity);
    if wide.iter().any(takes_all) { moved } else { moved.min(META.severity) }
}

/// Actions that only ever take `*` are no fault, but they must stand apart before the others can be given names.
fn help(statement: &Statement) -> Vec<String> {
    let mut help = vec!["name the resources, with `!GetAtt` or `!Sub` where this template declares them".to_owned()];
    let texts: Vec<String> = statement.actions.iter().flat_map(|fact| texts(&fact.value)).collect();
    let nameless: Vec<&String> = texts.iter().filter(|text| narrow::takes_no_name(text)).collect();
    if !nameless.is_empty() {
        let verb = if nameless.len() == 1 { "takes" } else { "take" };
        let rest = "no names, which is as it must be: leave that in a statement of its own with `*`";
        help.push(format!("{} {verb} {rest}", list(&nameless)));
    }
    help
}

/// One place on each line is proof enough.
fn places(wide: &[Wide<'_>], primary: &Provenance) -> Vec<(Span, String)> {
    let mut lines: BTreeSet<u32> = primary.span.iter().map(|span| span.line).collect();
    let spans = wide.iter().filter_map(|one| one.written.provenance.span.clone());
    spans
        .filter(|span| lines.insert(span.line))
        .take(3)
        .map(|span| (span, "changes what it touches".to_owned()))
        .collect()
}
