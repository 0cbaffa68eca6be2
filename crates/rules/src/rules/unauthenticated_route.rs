//! AP001: a route that asks nothing at all of its caller.

use brigandine_model::{ApiStyle, App, Finding, Judgement, Practice, Route, RuleMeta};

use crate::{
    Context, Rule, Sink,
    case::when,
    door::{is_open, is_preflight, leads_nowhere},
    rule::meta,
    wording::with_origin_of_event,
};

pub(crate) struct UnauthenticatedRoute;

const META: RuleMeta = RuleMeta {
    practice: Practice::ApisAndEvents,
    frameworks: &["CWE-306", "APIGateway.8", "OWASP-Serverless-S2", "SAS-02"],
    ..meta(
        "AP001",
        "unauthenticated-route",
        "anyone on the internet may call a route",
        include_str!("../../pages/AP001-unauthenticated-route.md"),
    )
};

impl Rule for UnauthenticatedRoute {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for route in app.routes.iter().filter(|route| is_asked(app, route)) {
            match is_open(app, route) {
                Judgement::No => {}
                Judgement::CannotTell(why) => {
                    let what = format!("who may call {}", name(route));
                    let resource = route.function.as_ref().unwrap_or(&route.api);
                    sink.cannot_tell(&what, &why, (resource, &route.provenance));
                }
                holds => sink.finding(finding(route, &holds, sink)),
            }
        }
    }
}

/// Function addresses and held connections have rules of their own.
fn is_asked(app: &App, route: &Route) -> bool {
    let style = app.api(&route.api).map(|api| api.style);
    !matches!(style, Some(ApiStyle::FunctionUrl | ApiStyle::WebSocket)) && !is_preflight(route) && !leads_nowhere(route)
}

fn name(route: &Route) -> String {
    if route.path.as_ref() == "$default" {
        "`$default`".to_owned()
    } else {
        format!("`{} {}`", route.method, route.path)
    }
}

fn finding(route: &Route, holds: &Judgement, sink: &Sink) -> Finding {
    let behind = match (&route.function, &route.target) {
        (Some(function), _) => format!("runs `{function}`"),
        (None, Some(target)) if &**target == "nothing" => {
            format!("reaches a method of `{}` that has nothing behind it yet", route.api)
        }
        (None, Some(target)) => format!("reaches a {target} behind `{}`", route.api),
        (None, None) => format!("reaches what is behind `{}`", route.api),
    };
    // A person who wrote the openness down should be led there, not to the route.
    let explicit = route.authentication.provenance.span.as_ref().filter(|_| {
        matches!(route.authentication.provenance.via, brigandine_model::Via::Written)
            && route.authentication.provenance.span != route.provenance.span
    });
    Finding {
        title: format!("anyone may call {}{}", name(route), when(holds)),
        message: format!(
            "the route asks for no token, no signature and no key, so whoever finds the address {behind} as often as they like"
        ),
        label: with_origin_of_event("asks nothing of its caller", &route.provenance),
        related: explicit.map(|span| (span.clone(), "left open here".to_owned())).into_iter().collect(),
        resource: Some(route.function.clone().unwrap_or_else(|| route.api.clone())),
        fact: format!("{} {}", route.method, route.path),
        help: vec![
            "give the API an authorizer and make it the default (`Auth: DefaultAuthorizer`)".to_owned(),
            "a route that is meant to be open: suppress this with the reason, so that the next reader knows".to_owned(),
        ],
        ..sink.draft(&route.provenance)
    }
}
