//! DE002: a runtime that gets no security fixes any more, or soon will not.

use std::collections::BTreeMap;

use brigandine_model::{App, Change, Fact, Finding, Fix, Judgement, Literal, LogicalId, Practice, RuleMeta, Span};
use jiff::{ToSpan, civil::Date};

use crate::{
    Context, Rule, Runtime, Sink,
    calendar::table_date,
    case::when,
    reach::better,
    rule::meta,
    runtimes,
    wording::{list, with_origin},
};

pub(crate) struct UnsupportedRuntime;

const META: RuleMeta = RuleMeta {
    practice: Practice::Dependencies,
    frameworks: &["CWE-1104", "Lambda.2", "OWASP-Serverless-S9", "SAS-06"],
    ..meta(
        "DE002",
        "unsupported-runtime",
        "a function's runtime gets no security fixes, or soon will not",
        include_str!("../../pages/DE002-unsupported-runtime.md"),
    )
};

/// How many days ahead the end of a runtime is told.
const NOTICE_DAYS: i32 = 90;

impl Rule for UnsupportedRuntime {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, context: &Context, sink: &mut Sink) {
        for (fact, functions) in by_place(app) {
            let Some(first) = functions.first() else { continue };
            if let brigandine_model::Value::Unknown(why) = &fact.value {
                sink.cannot_tell(&format!("the runtime of {}", list(&functions)), why, (first, &fact.provenance));
            }
            for name in fact.value.settled() {
                let Some(runtime) = runtimes().iter().find(|runtime| runtime.name == name) else {
                    let why = format!("`{name}` is not in the runtime table of {}", table_date());
                    sink.cannot_tell(&format!("the runtime of {}", list(&functions)), &why, (first, &fact.provenance));
                    continue;
                };
                if let Some(finding) = finding((fact, runtime), &functions, context.today, sink) {
                    sink.finding(finding);
                }
            }
        }
    }
}

/// Runtimes by the text that sets them: one line in Globals is one cause, however many functions it serves.
fn by_place(app: &App) -> Vec<(&Fact<String>, Vec<LogicalId>)> {
    let mut groups: Vec<(&Fact<String>, Vec<LogicalId>)> = Vec::new();
    let mut places: BTreeMap<&Span, usize> = BTreeMap::new();
    for (function, fact) in app.functions.iter().filter_map(|function| Some((function, function.runtime.as_ref()?))) {
        let place = fact.provenance.span.as_ref();
        let known = place.and_then(|span| places.get(span)).and_then(|index| groups.get_mut(*index));
        if let Some((_, ids)) = known.filter(|(known, _)| *known == fact) {
            ids.push(function.id.clone());
            continue;
        }
        places.extend(place.map(|span| (span, groups.len())));
        groups.push((fact, vec![function.id.clone()]));
    }
    groups
}

fn finding(found: (&Fact<String>, &Runtime), functions: &[LogicalId], today: Date, sink: &Sink) -> Option<Finding> {
    let (fact, runtime) = found;
    let end = runtime.supported_until;
    let over = today > end;
    if !over && today.saturating_add(NOTICE_DAYS.days()) < end {
        return None;
    }
    let holds: Judgement = fact.value.judge(&|name| name == runtime.name, &|_| Some(false));
    let says = if over { "is out of support since" } else { "gets no security fixes after" };
    Some(Finding {
        severity: if over { META.severity } else { better(META.severity) },
        title: format!("{} runs on `{}`{}", list(functions), runtime.name, when(&holds)),
        message: format!("`{}` {says} {end}{}", runtime.name, blocked(runtime, today)),
        label: with_origin(if over { "no security fixes any more" } else { "support ends soon" }, &fact.provenance),
        resource: functions.first().cloned(),
        also: functions.iter().skip(1).cloned().collect(),
        fact: runtime.name.to_owned(),
        help: vec![help(runtime)],
        fix: fact.provenance.span.as_ref().and_then(|span| fix(runtime, span)),
        ..sink.draft(&fact.provenance)
    })
}

fn blocked(runtime: &Runtime, today: Date) -> String {
    match runtime.update_blocked {
        Some(day) if day <= today => format!(", and functions on it cannot be changed since {day}"),
        Some(day) => format!(", and functions on it cannot be changed from {day} on"),
        None => String::new(),
    }
}

fn help(runtime: &Runtime) -> String {
    runtime.successor.map_or_else(
        || "move to the newest runtime of the language and run the tests".to_owned(),
        |successor| format!("move to `{successor}` and run the tests: dependencies may need newer releases too"),
    )
}

/// Another version of the same language; a change of family needs another build, which no edit can make.
fn fix(runtime: &Runtime, span: &Span) -> Option<Fix> {
    let successor = runtime.successor?;
    let language = |name: &str| name.chars().take_while(char::is_ascii_alphabetic).collect::<String>();
    if language(runtime.name) != language(successor) {
        return None;
    }
    let change = Change::Replace { span: span.clone(), value: Literal::text(successor) };
    Some(Fix::risky(format!("move to `{successor}`"), vec![change]))
}
