//! DP004: a route for developers that strangers may call.

use brigandine_model::{App, Finding, Judgement, Practice, Route, RuleMeta, Severity};

use crate::{
    Context, Rule, Sink,
    case::when,
    door::{has_routes, is_open, is_preflight, leads_nowhere},
    rule::meta,
    wording::with_origin_of_event,
};

pub(crate) struct DebugRoute;

const META: RuleMeta = RuleMeta {
    severity: Severity::Medium,
    practice: Practice::Deployment,
    frameworks: &["CWE-489", "SAS-11"],
    ..meta(
        "DP004",
        "debug-route",
        "a route for developers or administrators is open to everyone",
        include_str!("../../pages/DP004-debug-route.md"),
    )
};

/// Path segments of consoles, diagnoses and administration.
const SEGMENTS: [&str; 20] = [
    "debug",
    "_debug",
    "__debug__",
    "admin",
    "_admin",
    "administrator",
    "console",
    "actuator",
    "phpinfo",
    "graphiql",
    "playground",
    "heapdump",
    "pprof",
    "internal",
    "_internal",
    "backdoor",
    "swagger-ui",
    "phpmyadmin",
    "trace",
    "env",
];

impl Rule for DebugRoute {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for route in &app.routes {
            let Some(api) = app.api(&route.api).filter(|api| has_routes(api)) else { continue };
            let Some(segment) = segment(route) else { continue };
            if is_preflight(route) || leads_nowhere(route) {
                continue;
            }
            let open = is_open(app, route);
            let place = &route.provenance;
            let what = format!("whether {} {} is open", route.method, route.path);
            sink.tell(&open, (&what, (route.function.as_ref().unwrap_or(&api.id), place)), |sink| {
                finding(route, segment, &open, sink)
            });
        }
    }
}

fn segment(route: &Route) -> Option<&str> {
    route.path.split('/').find(|segment| SEGMENTS.iter().any(|known| segment.eq_ignore_ascii_case(known)))
}

fn finding(route: &Route, segment: &str, open: &Judgement, sink: &Sink) -> Finding {
    Finding {
        title: format!("anyone may call `{} {}`{}", route.method, route.path, when(open)),
        message: format!(
            "`{segment}` is one of the first words that scanners try, and what stands behind it is not made for strangers"
        ),
        label: with_origin_of_event("open to everyone", &route.provenance),
        resource: Some(route.function.clone().unwrap_or_else(|| route.api.clone())),
        fact: format!("{} {} open", route.method, route.path),
        help: vec![
            "take the route out of what is deployed for customers, or put an authorizer or `AWS_IAM` before it"
                .to_owned(),
        ],
        ..sink.draft(&route.provenance)
    }
}
