//! LP023: starting every function.

use std::cell::LazyCell;

use brigandine_model::{App, Finding, Judgement, RuleMeta, Severity};

use super::wildcard_policy_template;
use crate::{
    Context, Rule, Sink,
    case::{may_hold, when},
    narrow,
    place::Places,
    radius,
    right::{Right, Wanted, rights},
    role::{Holder, grants_beyond_running, kind_fact},
    rule::meta,
    wording::{count, with_origin},
};

pub(crate) struct InvokeAnyFunction;

const META: RuleMeta = RuleMeta {
    severity: Severity::Medium,
    frameworks: &["OWASP-Serverless-S5", "SAS-04", "SAS-09"],
    ..meta(
        "LP023",
        "invoke-any-function",
        "a role may call every function",
        include_str!("../../pages/LP023-invoke-any-function.md"),
    )
};

const INVOKE: Wanted = &[("lambda", &["InvokeFunction", "InvokeAsync"])];

impl Rule for InvokeAnyFunction {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        let places = LazyCell::new(|| Places::of(app));
        for holder in Holder::all(app) {
            let mut rights = rights(&holder, INVOKE);
            rights.dedup_by(|later, first| std::ptr::eq(later.statement, first.statement));
            for right in rights {
                let told = wildcard_policy_template::fills(right.statement)
                    || holder.wide_writes().holds_any_of(right.statement)
                    || holder.escalations().holds(right.written);
                let holds = right.on_every_resource();
                if !told && may_hold(&holds) {
                    let fix = narrow::to_what_is_named(&holder, right.statement, &places);
                    sink.finding(Finding { fix, ..finding(&holder, &right, &holds, sink) });
                }
            }
        }
    }
}

/// How many functions of this application may do something that the holder gets to this way.
fn others(holder: &Holder<'_>) -> usize {
    let functions = radius::functions(holder.app);
    let of_others = functions.iter().filter_map(|thing| holder.app.function(thing.id)).filter(|function| {
        let role = function.role.as_ref().and_then(|id| holder.app.role(id));
        role.is_some_and(|role| role.id != holder.role.id && grants_beyond_running(role))
    });
    of_others.count()
}

fn finding(holder: &Holder<'_>, right: &Right<'_>, holds: &Judgement, sink: &Sink) -> Finding {
    let provenance = kind_fact(right.statement, "lambda").map_or(&right.written.provenance, |fact| &fact.provenance);
    let here = match others(holder) {
        0 => String::new(),
        number => format!(", {} of this template with rights of their own among them", count(number, "function")),
    };
    Finding {
        severity: holder.severity(META.severity),
        title: format!("{} may call every function{}", holder.names(), when(holds)),
        message: format!(
            "whoever breaks in starts any function of the account with an event of theirs, past its routes and their \
             checks{here}; {}",
            holder.because()
        ),
        label: with_origin("every function of the account", provenance),
        resource: Some(holder.resource()),
        fact: "calls every function".to_owned(),
        help: vec!["name the functions that are called, with `!GetAtt Function.Arn`".to_owned()],
        ..sink.draft(provenance)
    }
}
