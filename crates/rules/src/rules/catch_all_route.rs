//! AP027: every method of every path leads to one function.

use brigandine_model::{App, Finding, Practice, Route, RouteMethod, RuleMeta, Severity};

use crate::{
    Context, Rule, Sink,
    door::{has_routes, names, routes_of},
    rule::{STRICT, meta},
    wording::{list, with_origin_of_event},
};

pub(crate) struct CatchAllRoute;

const META: RuleMeta = RuleMeta {
    severity: Severity::Low,
    practice: Practice::ApisAndEvents,
    profiles: STRICT,
    frameworks: &["CWE-1125", "SAS-11"],
    ..meta(
        "AP027",
        "catch-all-route",
        "every method of every path leads to one function",
        include_str!("../../pages/AP027-catch-all-route.md"),
    )
};

impl Rule for CatchAllRoute {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for api in app.apis.iter().filter(|api| has_routes(api)) {
            let wide: Vec<&Route> = routes_of(app, api).filter(|route| catches_all(route)).collect();
            let Some(first) = wide.first() else { continue };
            let names = names(&wide);
            sink.finding(Finding {
                title: format!("{} of `{}` takes every method of every path", list(&names), api.id),
                message: "what the code does not mean to serve reaches it all the same (`DELETE`, `TRACE`, forgotten paths), and no \
                          authorizer, model or throttle can be set for single routes"
                    .to_owned(),
                label: with_origin_of_event("everything leads here", &first.provenance),
                resource: Some(first.function.clone().unwrap_or_else(|| api.id.clone())),
                fact: crate::door::fact(&names),
                help: vec!["declare the methods and paths that the code serves, one event each".to_owned()],
                ..sink.draft(&first.provenance)
            });
        }
    }
}

fn catches_all(route: &Route) -> bool {
    route.function.is_some()
        && route.method == RouteMethod::Any
        && (&*route.path == "$default" || route.path.ends_with("+}"))
}
