//! LP003: writing or deleting on every resource, where the action would take a name.

use std::collections::BTreeSet;

use brigandine_iam::{Action, ActionPattern, ResourcePattern, actions};
use brigandine_model::{App, Effect, Fact, Finding, Judgement, Provenance, RuleMeta, Span, Statement, Value};

use super::any_action_any_resource;
use crate::{
    Context, Rule, Sink,
    case::{HOLE, any, ask_text, both, is, may_hold, texts, when},
    role::{Holder, is_narrowed, reaches_everything},
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

/// What the platform's own execution roles grant on every resource, because functions cannot start or log without it.
const NEEDED_TO_RUN: &[(&str, &[&str])] = &[
    ("logs", &["CreateLogGroup", "CreateLogStream", "PutLogEvents"]),
    (
        "ec2",
        &[
            "AssignPrivateIpAddresses",
            "CreateNetworkInterface",
            "DeleteNetworkInterface",
            "DetachNetworkInterface",
            "UnassignPrivateIpAddresses",
        ],
    ),
];

impl Rule for WriteOnAnyResource {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for holder in Holder::all(app) {
            for statement in &holder.role.statements {
                check_statement(&holder, statement, sink);
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

fn check_statement(holder: &Holder<'_>, statement: &Statement, sink: &mut Sink) {
    let allows = is(&statement.effect, &Effect::Allow);
    if !may_hold(&allows) || is_narrowed(statement) || may_hold(&any_action_any_resource::judge(statement)) {
        return;
    }
    if !statement.except_actions.is_empty() {
        return check_exceptions(holder, statement, sink);
    }
    let mut wide = Vec::new();
    let mut open = Open::default();
    for action in &statement.actions {
        match look(holder, statement, action) {
            Look::Fine => {}
            Look::Wide(found) => wide.push(found),
            Look::Unknown(why) => open.whys.push(why),
            Look::Unheard(name) => open.names.push(name),
        }
    }
    if let Some(why) = open.why() {
        let what = format!("what {} may change", holder.names());
        sink.cannot_tell(&what, &why, (&holder.resource(), &statement.provenance));
    }
    if !wide.is_empty() {
        let finding = finding(holder, statement, &wide, sink);
        sink.finding(finding);
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

fn look<'a>(holder: &Holder<'_>, statement: &Statement, action: &'a Fact<String>) -> Look<'a> {
    let mut best = Look::Fine;
    for text in texts(&action.value) {
        let Ok(pattern) = text.parse::<ActionPattern>() else { continue };
        let asked = ask_text(&action.value, &|one| one == text);
        let mut kinds = Kinds { statement, last: None };
        for example in pattern.writes_with_scope() {
            match both(asked.clone(), kinds.covers(example.service)) {
                Judgement::No => {}
                _ if is_excused(example) || is_denied(holder, example) => {}
                Judgement::CannotTell(why) => best = Look::Unknown(why.to_string()),
                holds => return Look::Wide(Wide { written: action, text, example, holds }),
            }
        }
        if is_unheard_of(&pattern, statement) {
            best = Look::Unheard(text);
        }
    }
    match &action.value {
        Value::Unknown(why) if may_hold(&reaches(statement)) => Look::Unknown(why.to_string()),
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

/// Whether the statement reaches every resource of every service, or every one that it does not name.
fn reaches(statement: &Statement) -> Judgement {
    if statement.except_resources.is_empty() { reaches_everything(statement) } else { Judgement::Yes }
}

/// Which ones are left out, for the end of a title.
fn but(statement: &Statement) -> String {
    let left_out: Vec<String> = statement.except_resources.iter().flat_map(|fact| texts(&fact.value)).collect();
    if left_out.is_empty() { String::new() } else { format!(" but {}", list(&left_out).replace(HOLE, "?")) }
}

/// Whether one of the statement's resources is every resource of the service, or every one of a kind.
fn covers_kind(statement: &Statement, service: &str) -> Judgement {
    if !statement.except_resources.is_empty() {
        return Judgement::Yes;
    }
    let covers = |text: &str| ResourcePattern::new(text).covers_service(service);
    any(statement.resources.iter().map(|resource| ask_text(&resource.value, &covers)))
}

fn is_excused(action: Action) -> bool {
    NEEDED_TO_RUN.iter().any(|(service, names)| action.service == *service && names.contains(&action.name))
}

/// Whether another statement of the role takes the action away again, everywhere and always.
fn is_denied(holder: &Holder<'_>, action: Action) -> bool {
    let denies = |statement: &Statement| {
        is(&statement.effect, &Effect::Deny) == Judgement::Yes
            && statement.conditions.is_empty()
            && reaches_everything(statement) == Judgement::Yes
            && match statement.except_actions.as_slice() {
                [] => means(&statement.actions, action),
                except => !means(except, action),
            }
    };
    holder.role.statements.iter().any(denies)
}

fn means(facts: &[Fact<String>], action: Action) -> bool {
    let fits = |pattern: ActionPattern| pattern.matches(action.service, action.name);
    facts.iter().flat_map(|fact| texts(&fact.value)).any(|text| text.parse().is_ok_and(fits))
}

/// Whether the table knows no action that is meant, so that nothing can be said of it.
fn is_unheard_of(pattern: &ActionPattern, statement: &Statement) -> bool {
    pattern.covered().next().is_none() && may_hold(&reaches(statement))
}

/// `NotAction` on every resource: everything but a few.
fn check_exceptions(holder: &Holder<'_>, statement: &Statement, sink: &mut Sink) {
    let reaches = reaches(statement);
    if !may_hold(&reaches) {
        return;
    }
    let except: Vec<String> = statement.except_actions.iter().flat_map(|fact| texts(&fact.value)).collect();
    let provenance = &statement.provenance;
    let finding = Finding {
        severity: holder.severity(META.severity),
        title: format!(
            "{} may do everything but {} on every resource{}",
            holder.names(),
            list(&except),
            when(&reaches)
        ),
        message: format!(
            "what is not listed is allowed, and that grows with every new service of the platform; {}",
            holder.because()
        ),
        label: with_origin("allows all that it does not name", provenance),
        resource: Some(holder.resource()),
        fact: format!("everything but {} on every resource", except.join(" ")),
        help: vec!["list the actions that are needed under `Action` instead".to_owned()],
        ..sink.draft(provenance)
    };
    sink.finding(finding);
}

fn finding(holder: &Holder<'_>, statement: &Statement, wide: &[Wide<'_>], sink: &Sink) -> Finding {
    let written: Vec<&str> = wide.iter().map(|one| one.text.as_str()).collect();
    let holds = any(wide.iter().map(|one| one.holds.clone()));
    let example = wide.first().map(|one| one.example);
    let service = example.map_or("", |action| action.service);
    let star = statement
        .resources
        .iter()
        .find(|fact| may_hold(&ask_text(&fact.value, &|text| ResourcePattern::new(text).covers_service(service))));
    let provenance = star.map_or(&statement.provenance, |fact| &fact.provenance);
    let such_as = example.filter(|action| !written.contains(&format!("{service}:{}", action.name).as_str()));
    let such_as = such_as.map_or_else(String::new, |action| format!(" (such as `{service}:{}`)", action.name));
    Finding {
        severity: holder.severity(META.severity),
        title: format!(
            "{} may call {} on every resource{}{}",
            holder.names(),
            list(&written),
            but(statement),
            when(&holds)
        ),
        message: format!(
            "resources can be named for {}{such_as}, but none are, so a hole in the code reaches all of them; {}",
            list(&written),
            holder.because()
        ),
        label: with_origin("every one of them, not only its own", provenance),
        related: places(wide, provenance),
        resource: Some(holder.resource()),
        fact: format!("{} on every resource", written.join(" ")),
        help: vec!["name the resources, with `!GetAtt` or `!Sub` where this template declares them".to_owned()],
        ..sink.draft(provenance)
    }
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
