//! AP001: routes that ask nothing at all of their callers.

use std::collections::{BTreeMap, BTreeSet};

use brigandine_model::{
    Api, ApiStyle, App, Change, Finding, Fix, Judgement, Literal, LogicalId, Practice, Provenance, Route, RuleMeta,
    Scope, Suppression,
};
use jiff::civil::Date;

use super::reopened_route;
use crate::{
    Context, Rule, Sink,
    case::{any, may_hold, when},
    door::{is_implied, is_open, is_preflight, is_written_serverless, leads_nowhere, name, names},
    rule::meta,
    suppression::{has_reason, is_over},
    trigger::of_kind,
    wording::{list, with_origin_of_event},
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

    fn check(&self, app: &App, context: &Context, sink: &mut Sink) {
        let ground = Ground::new(app, context.today);
        let mut groups = Groups::default();
        for route in app.routes.iter().filter(|route| is_asked(app, route)) {
            match is_open(app, route) {
                Judgement::No => {}
                Judgement::CannotTell(why) => {
                    let what = format!("who may call `{}`", name(route));
                    let resource = route.function.as_ref().unwrap_or(&route.api);
                    sink.cannot_tell(&what, &why, (resource, &route.provenance));
                }
                holds => groups.add(route, holds, ground.excuses.cover(app, route)),
            }
        }
        for group in &groups.all {
            let finding = finding((app, &ground), group, sink);
            sink.finding(finding);
        }
    }
}

/// Open routes of one API: one missing line opens them all. A route that people already chose to live with stands alone, so
/// that their word hides no other.
struct Group<'a> {
    api: &'a LogicalId,
    first: &'a Route,
    routes: Vec<&'a Route>,
    holds: Vec<Judgement>,
}

#[derive(Default)]
struct Groups<'a> {
    all: Vec<Group<'a>>,
    by_api: BTreeMap<&'a LogicalId, usize>,
}

impl<'a> Groups<'a> {
    fn add(&mut self, route: &'a Route, holds: Judgement, alone: bool) {
        let known = self.by_api.get(&route.api).copied().filter(|_| !alone);
        if let Some(group) = known.and_then(|place| self.all.get_mut(place)) {
            group.routes.push(route);
            group.holds.push(holds);
            return;
        }
        if !alone {
            self.by_api.insert(&route.api, self.all.len());
        }
        self.all.push(Group { api: &route.api, first: route, routes: vec![route], holds: vec![holds] });
    }
}

/// What is looked up for every route.
struct Ground<'a> {
    /// The resources that are routes themselves, by where they stand.
    declared: BTreeMap<&'a Provenance, &'a LogicalId>,
    /// Where people said, now or once, that a route is open on purpose.
    excuses: Excuses<'a>,
    /// The APIs of which people say so today.
    open_on_purpose: BTreeSet<&'a LogicalId>,
}

impl<'a> Ground<'a> {
    fn new(app: &'a App, today: Date) -> Self {
        let kinds = &["AWS::ApiGateway::Method", "AWS::ApiGatewayV2::Route"];
        let holding = Excuses::new(app, |one| has_reason(one) && !is_over(one, today));
        let meant = app.routes.iter().filter(|route| holding.cover(app, route));
        Self {
            declared: of_kind(app, kinds).map(|(id, resource)| (&resource.provenance, id)).collect(),
            excuses: Excuses::new(app, |_| true),
            open_on_purpose: meant.map(|route| &route.api).collect(),
        }
    }
}

/// What suppressions of this rule speak of.
#[derive(Default)]
struct Excuses<'a> {
    lines: BTreeSet<u32>,
    resources: BTreeSet<&'a LogicalId>,
}

impl<'a> Excuses<'a> {
    fn new(app: &'a App, counts: impl Fn(&Suppression) -> bool) -> Self {
        let mut excuses = Self::default();
        let ours = app.suppressions.iter().filter(|one| one.code.eq_ignore_ascii_case(META.code));
        for suppression in ours.filter(|one| counts(one)) {
            match &suppression.scope {
                Scope::Line(line) => excuses.lines.extend([*line]),
                Scope::Resource(id) => excuses.resources.extend([id]),
                Scope::File => {}
            }
        }
        excuses
    }

    fn cover(&self, app: &App, route: &Route) -> bool {
        let line = route.provenance.span.as_ref().is_some_and(|span| self.lines.contains(&span.line));
        let implied = || app.resources.get(&route.api).and_then(|resource| resource.implied_by.as_ref());
        let named = || [route.function.as_ref(), Some(&route.api), implied()].into_iter().flatten();
        line || (!self.resources.is_empty() && named().any(|id| self.resources.contains(id)))
    }
}

/// Function addresses and held connections have rules of their own, and so has what was opened against a default.
fn is_asked(app: &App, route: &Route) -> bool {
    let style = app.api(&route.api).map(|api| api.style);
    !matches!(style, Some(ApiStyle::FunctionUrl | ApiStyle::WebSocket))
        && !is_preflight(route)
        && !leads_nowhere(route)
        && !reopened_route::is_reopened(app, route)
}

fn behind(route: &Route) -> String {
    match (&route.function, &route.target) {
        (Some(function), _) => format!("runs `{function}`"),
        (None, Some(target)) if &**target == "nothing" => {
            format!("reaches a method of `{}` that has nothing behind it yet", route.api)
        }
        (None, Some(target)) if &**target == "http" => format!("reaches the web address behind `{}`", route.api),
        (None, Some(target)) => format!("reaches a {target} behind `{}`", route.api),
        (None, None) => format!("reaches what is behind `{}`", route.api),
    }
}

fn finding(place: (&App, &Ground<'_>), group: &Group<'_>, sink: &Sink) -> Finding {
    let (app, ground) = place;
    let route = group.first;
    let names = names(&group.routes);
    let mut functions: Vec<LogicalId> = Vec::new();
    for function in group.routes.iter().filter_map(|route| route.function.as_ref()) {
        if !functions.contains(function) {
            functions.push(function.clone());
        }
    }
    let does = match functions.as_slice() {
        [] | [_] => behind(route),
        several => format!("runs {}", list(several)),
    };
    let asks = if names.len() == 1 { "the route asks" } else { "these routes ask" };
    let mut functions = functions.into_iter();
    Finding {
        title: format!("anyone may call {}{}", list(&names), when(&any(group.holds.iter().cloned()))),
        message: format!(
            "{asks} for no token, no signature and no key, so whoever finds the address {does} as often as they like"
        ),
        label: with_origin_of_event("asks nothing of its caller", &route.provenance),
        related: related(group),
        resource: Some(functions.next().unwrap_or_else(|| route.api.clone())),
        also: functions.collect(),
        fact: crate::door::fact(&names),
        help: vec![
            "give the API an authorizer and make it the default (`Auth: DefaultAuthorizer`)".to_owned(),
            "a route that is meant to be open: suppress this with the reason, so that the next reader knows".to_owned(),
        ],
        fix: app.api(group.api).and_then(|api| fix((app, ground), api, group)),
        ..sink.draft(&route.provenance)
    }
}

/// The other routes, and where a person wrote the openness down: the reader should be led there as well.
fn related(group: &Group<'_>) -> Vec<(brigandine_model::Span, String)> {
    const SHOWN: usize = 20;
    let others = group.routes.iter().skip(1).filter_map(|route| route.provenance.span.clone());
    let others = others.take(SHOWN).map(|span| (span, "so does this".to_owned()));
    let explicit = group.routes.iter().take(SHOWN).filter_map(|route| {
        let written = matches!(route.authentication.provenance.via, brigandine_model::Via::Written);
        let elsewhere = route.authentication.provenance.span != route.provenance.span;
        route.authentication.provenance.span.clone().filter(|_| written && elsewhere)
    });
    let mut related: Vec<_> = others.chain(explicit.map(|span| (span, "left open here".to_owned()))).collect();
    related.dedup_by(|one, other| one.0 == other.0);
    related
}

/// A declared authorizer becomes the default, or signed requests do where none is declared. Callers who bring nothing are
/// refused afterwards, so the edit is never safe; where one route of the API is open on purpose it would close that as well.
fn fix(place: (&App, &Ground<'_>), api: &Api, group: &Group<'_>) -> Option<Fix> {
    let (app, ground) = place;
    if ground.open_on_purpose.contains(&api.id)
        || group.holds.iter().any(|holds| *holds != Judgement::Yes)
        || api.default_authorizer.is_some()
    {
        return None;
    }
    let declared = group.routes.iter().any(|route| ground.declared.contains_key(&route.provenance));
    if !declared && (is_written_serverless(app, api) || is_implied(app, api)) {
        return Some(default_authorizer(app, api));
    }
    let sign = |route: &&Route| {
        let resource = ground.declared.get(&route.provenance).copied()?.clone();
        let path = ["Properties", "AuthorizationType"].map(Into::into).to_vec();
        Some(Change::Set { resource, path, value: Literal::text("AWS_IAM") })
    };
    let changes: Option<Vec<Change>> = group.routes.iter().map(sign).collect();
    changes.map(|changes| Fix::risky("ask for signed requests", changes))
}

fn default_authorizer(app: &App, api: &Api) -> Fix {
    let implied = is_implied(app, api);
    let globals = if api.style == ApiStyle::Http { "HttpApi" } else { "Api" };
    let set = |key: &str, value: Literal| {
        if implied {
            let path = ["Globals", globals, "Auth"].map(Into::into).to_vec();
            Change::Declare { path, name: key.into(), value }
        } else {
            let path = ["Properties", "Auth", key].map(Into::into).to_vec();
            Change::Set { resource: api.id.clone(), path, value }
        }
    };
    let declared = api.authorizers.keys().next();
    let name = declared.map_or("AWS_IAM", |name| &**name);
    let mut changes = vec![set("DefaultAuthorizer", Literal::text(name))];
    if declared.is_none() && api.style == ApiStyle::Http {
        changes.push(set("EnableIamAuthorizer", Literal::Flag(true)));
    }
    if api.style == ApiStyle::Rest && api.cors.is_some() {
        // A browser's preflight question carries no proof.
        changes.push(set("AddDefaultAuthorizerToCorsPreflight", Literal::Flag(false)));
    }
    let title = match declared {
        Some(name) => format!("ask `{name}` on every route that does not say otherwise"),
        None => "ask for signed requests on every route that does not say otherwise".to_owned(),
    };
    Fix::risky(title, changes)
}

/// Whether any case of it holds: for rules that build on open routes.
pub(super) fn is_open_route(app: &App, route: &Route) -> bool {
    !is_preflight(route) && !leads_nowhere(route) && may_hold(&is_open(app, route))
}
