//! DW005: a function may run longer than anyone waits for it.

use brigandine_model::{ApiStyle, App, Finding, Fix, Function, Literal, Practice, RuleMeta, Severity};

use crate::{
    Context, Rule, Sink,
    rule::{STRICT, meta},
    setting::Named,
    wording::with_origin,
};

pub(crate) struct SlowAnswer;

const META: RuleMeta = RuleMeta {
    severity: Severity::Low,
    practice: Practice::Frameworks,
    profiles: STRICT,
    frameworks: &["CWE-400", "SAS-08"],
    ..meta(
        "DW005",
        "slow-answer",
        "a function behind an API may run longer than the API waits",
        include_str!("../../pages/DW005-slow-answer.md"),
    )
};

/// Seconds that an API waits for a function unless it was asked for more.
const LONGEST: u32 = 30;

impl Rule for SlowAnswer {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for function in &app.functions {
            let Some(seconds) = function.timeout.value.settled().into_iter().max() else { continue };
            if *seconds > LONGEST && only_behind_apis(app, function) {
                let finding = finding(app, (function, *seconds), sink);
                sink.finding(finding);
            }
        }
    }
}

/// A function that something else starts as well may need its time there. Routes that wait longer say so themselves.
fn only_behind_apis(app: &App, function: &Function) -> bool {
    let mut routes = app.routes_of(&function.id).peekable();
    let waits_little = |route: &brigandine_model::Route| {
        let style = app.api(&route.api).map(|api| api.style);
        let asked =
            route.timeout_ms.as_ref().and_then(|fact| fact.value.known()).is_some_and(|wait| *wait > LONGEST * 1000);
        matches!(style, Some(ApiStyle::Rest | ApiStyle::Http)) && !asked
    };
    let is_api = |kind: &brigandine_model::SourceKind| *kind == brigandine_model::SourceKind::Api;
    routes.peek().is_some()
        && routes.all(waits_little)
        && app.sources_of(&function.id).all(|source| is_api(&source.kind))
}

fn finding(app: &App, (function, seconds): (&Function, u32), sink: &Sink) -> Finding {
    let place = &function.timeout.provenance;
    Finding {
        title: format!("`{}` may run for {seconds} s, but its API gives up after {LONGEST} s", function.id),
        message: "a caller who makes it slow pays nothing and is gone, while the run goes on and is billed to its end"
            .to_owned(),
        label: with_origin("longer than anyone waits", place),
        resource: Some(function.id.clone()),
        fact: "timeout beyond the api".to_owned(),
        help: vec!["set `Timeout` a little above the slowest answer you know; move long work to a queue".to_owned()],
        fix: Named::find(app, &function.id)
            .and_then(|named| named.set(&["Timeout"], Literal::Number(i64::from(LONGEST))))
            .map(|change| Fix::risky("stop when nobody waits any more", vec![change])),
        ..sink.draft(place)
    }
}
