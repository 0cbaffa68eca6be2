//! AP029: a link that changes something.

use brigandine_iam::{Access, ActionPattern, actions};
use brigandine_model::{App, Effect, Finding, Function, Practice, Role, Route, RouteMethod, RuleMeta, Severity};

use crate::{
    Context, Rule, Sink,
    case::{is, may_hold, texts},
    door::{has_routes, name},
    rule::{STRICT, meta},
    wording::{list, with_origin_of_event},
};

pub(crate) struct WritingGet;

const META: RuleMeta = RuleMeta {
    severity: Severity::Low,
    practice: Practice::ApisAndEvents,
    profiles: STRICT,
    frameworks: &["CWE-352"],
    ..meta(
        "AP029",
        "writing-get",
        "a reading method leads to a function that may only write",
        include_str!("../../pages/AP029-writing-get.md"),
    )
};

/// What every function does to live, and what says nothing of what it is for.
const TO_LIVE: &[&str] = &["logs", "xray", "cloudwatch", "ec2"];

impl Rule for WritingGet {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for function in &app.functions {
            let routes: Vec<&Route> =
                app.routes_of(&function.id).filter(|route| app.api(&route.api).is_some_and(has_routes)).collect();
            let Some(first) = routes.first().filter(|_| routes.iter().all(|route| is_get(route))) else { continue };
            let Some(role) = function.role.as_ref().and_then(|role| app.role(role)) else { continue };
            if let Some(writes) = only_writes(role) {
                let finding = finding((function, first), &writes, sink);
                sink.finding(finding);
            }
        }
    }
}

fn is_get(route: &Route) -> bool {
    matches!(&route.method, RouteMethod::One(name) if name.eq_ignore_ascii_case("GET"))
}

/// The writing actions of a role that may do nothing else; nothing where it may read, or where that cannot be told.
fn only_writes(role: &Role) -> Option<Vec<String>> {
    if role.managed.iter().any(|policy| !is_for_living(&texts(&policy.value))) {
        return None;
    }
    let mut writes = Vec::new();
    for statement in role.statements.iter().filter(|one| may_hold(&is(&one.effect, &Effect::Allow))) {
        if !statement.except_actions.is_empty() {
            return None;
        }
        for text in statement.actions.iter().flat_map(|fact| texts(&fact.value)) {
            let (service, name) = text.split_once(':')?;
            if TO_LIVE.iter().any(|own| own.eq_ignore_ascii_case(service)) {
                continue;
            }
            let literal = text.parse::<ActionPattern>().is_ok_and(|pattern| pattern.is_literal());
            let action = actions().find(&service.to_ascii_lowercase(), name).filter(|_| literal)?;
            // Whoever may connect to a database may read from it as well.
            let connects = action.name.to_ascii_lowercase().contains("connect");
            if !action.access.changes() || action.access == Access::Tagging || connects {
                return None;
            }
            writes.push(text);
        }
    }
    writes.dedup();
    (!writes.is_empty()).then_some(writes)
}

fn is_for_living(names: &[String]) -> bool {
    const LIVING: &[&str] = &[
        "AWSLambdaBasicExecutionRole",
        "AWSLambdaVPCAccessExecutionRole",
        "AWSXRayDaemonWriteAccess",
        "AWSXrayWriteOnlyAccess",
    ];
    names.iter().all(|name| LIVING.iter().any(|own| name.ends_with(own)))
}

fn finding(way: (&Function, &Route), writes: &[String], sink: &Sink) -> Finding {
    let (function, route) = way;
    Finding {
        title: format!("`{}` leads to `{}`, which may only write", name(route), function.id),
        message: format!(
            "browsers, scanners and previews follow links on their own, and any page can make a visitor's browser do so: each time \
             it may call {}",
            list(writes)
        ),
        label: with_origin_of_event("a link that changes something", &route.provenance),
        resource: Some(function.id.clone()),
        fact: format!("{} only writes", name(route)),
        help: vec!["use `POST`, `PUT` or `DELETE` for what changes something".to_owned()],
        ..sink.draft(&route.provenance)
    }
}
