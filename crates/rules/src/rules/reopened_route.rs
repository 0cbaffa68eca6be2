//! AP002: a route taken out of the protection that its API gives every route.

use brigandine_model::{
    App, Authentication, Change, Finding, Fix, Judgement, Literal, Practice, Route, RuleMeta, Span, Via,
};

use crate::{
    Context, Rule, Sink,
    case::{is, may_hold, when},
    door::{is_implied, is_open, is_preflight, is_written_serverless, leads_nowhere, name},
    rule::meta,
    wording::with_origin_of_event,
};

pub(crate) struct ReopenedRoute;

const META: RuleMeta = RuleMeta {
    practice: Practice::ApisAndEvents,
    frameworks: &["CWE-306", "OWASP-Serverless-S2", "SAS-02"],
    ..meta(
        "AP002",
        "reopened-route",
        "a route is taken out of its API's default authorizer",
        include_str!("../../pages/AP002-reopened-route.md"),
    )
};

impl Rule for ReopenedRoute {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for route in app.routes.iter().filter(|route| is_reopened(app, route)) {
            match is_open(app, route) {
                Judgement::No => {}
                Judgement::CannotTell(why) => {
                    let resource = route.function.as_ref().unwrap_or(&route.api);
                    let what = format!("who may call `{}`", name(route));
                    sink.cannot_tell(&what, &why, (resource, &route.provenance));
                }
                holds => {
                    let finding = finding(app, route, &holds, sink);
                    sink.finding(finding);
                }
            }
        }
    }
}

/// Whether the route asks nothing although its API has someone who vouches for every caller.
pub(super) fn is_reopened(app: &App, route: &Route) -> bool {
    let guarded = app.api(&route.api).is_some_and(|api| api.default_authorizer.is_some());
    // A route that is a resource of its own is not reached by the default: it is open because nobody said anything.
    guarded
        && route.authentication.provenance.via != Via::PlatformDefault
        && !is_preflight(route)
        && !leads_nowhere(route)
        && may_hold(&is(&route.authentication, &Authentication::Open))
}

fn finding(app: &App, route: &Route, holds: &Judgement, sink: &Sink) -> Finding {
    let default = app.api(&route.api).and_then(|api| api.default_authorizer.as_ref());
    let resource = route.function.as_ref().unwrap_or(&route.api);
    let guard = default.and_then(|fact| fact.value.known()).map_or_else(String::new, |name| format!(" `{name}`"));
    Finding {
        title: format!("`{}` is taken out of the default authorizer{guard}{}", name(route), when(holds)),
        message: format!(
            "every other route of `{}` asks who calls; this one was opened by hand, so anyone reaches `{resource}` through it",
            route.api
        ),
        label: with_origin_of_event("asks nothing of its caller", &route.provenance),
        related: related(app, route),
        resource: Some(resource.clone()),
        fact: format!("{} reopened", name(route)),
        help: vec![
            "meant to be open (a sign-in, a webhook that checks its own signature): suppress this with the reason"
                .to_owned(),
        ],
        fix: fix(app, route),
        ..sink.draft(&route.provenance)
    }
}

/// Where the route was opened, and what guards the others.
fn related(app: &App, route: &Route) -> Vec<(Span, String)> {
    let auth = &route.authentication.provenance;
    let opened = auth.span.clone().filter(|span| Some(span) != route.provenance.span.as_ref());
    let default = app.api(&route.api).and_then(|api| api.default_authorizer.as_ref()?.provenance.span.clone());
    let opened = opened.map(|span| (span, "opened here".to_owned()));
    let default = default.map(|span| (span, "guards every route that does not say otherwise".to_owned()));
    opened.into_iter().chain(default).collect()
}

/// Whoever calls without a token is refused afterwards, so the edit is never safe.
fn fix(app: &App, route: &Route) -> Option<Fix> {
    let span = route.authentication.provenance.span.as_ref()?;
    route.authentication.value.known()?;
    let api = app.api(&route.api).filter(|api| is_written_serverless(app, api) || is_implied(app, api))?;
    let default = api.default_authorizer.as_ref()?.value.known()?;
    let written = route.authentication.provenance.via == Via::Written && Some(span) != route.provenance.span.as_ref();
    let change = Change::Replace { span: span.clone(), value: Literal::text(default.clone()) };
    written.then(|| Fix::risky(format!("ask `{default}`, as on the other routes"), vec![change]))
}
