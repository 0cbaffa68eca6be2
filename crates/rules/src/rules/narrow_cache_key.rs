//! AP009: an authorizer's answer is remembered for more than it was given for.

use brigandine_model::{Api, ApiStyle, App, Authorizer, AuthorizerKind, Finding, Practice, Route, RuleMeta, Severity};

use super::lenient_token_check::{is_used, place_of};
use crate::{
    Context, Rule, Sink,
    door::{changes, has_routes, routes_of},
    rule::{STRICT, meta},
    wording::{count, list, with_origin},
};

pub(crate) struct NarrowCacheKey;

const META: RuleMeta = RuleMeta {
    practice: Practice::ApisAndEvents,
    profiles: STRICT,
    frameworks: &["CWE-639", "OWASP-Serverless-S2", "OWASP-Serverless-S5"],
    ..meta(
        "AP009",
        "narrow-cache-key",
        "an authorizer's answer is remembered for other callers or other routes",
        include_str!("../../pages/AP009-narrow-cache-key.md"),
    )
};

/// What everybody can send, so that it tells nobody from anybody.
const SAYS_NOTHING: &[&str] = &["accept", "content-type", "host", "origin", "referer", "user-agent"];

impl Rule for NarrowCacheKey {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for api in app.apis.iter().filter(|api| has_routes(api)) {
            for authorizer in api.authorizers.values().filter(|one| is_used(app, api, one)) {
                check_authorizer((app, api), authorizer, sink);
            }
        }
    }
}

fn check_authorizer(place: (&App, &Api), authorizer: &Authorizer, sink: &mut Sink) {
    let (app, api) = place;
    let AuthorizerKind::Function { sources, cache_seconds, .. } = &authorizer.kind else { return };
    let Some(seconds) = cache_seconds.settled().into_iter().copied().find(|seconds| *seconds > 0) else { return };
    if sources.is_empty() || (api.style == ApiStyle::Http && !remembers(app, api, authorizer)) {
        return;
    }
    let guarded: Vec<&Route> = routes_of(app, api).filter(|route| is_guarded(route, authorizer)).collect();
    let mixed = guarded.iter().any(|route| changes(route)) && guarded.iter().any(|route| !changes(route));
    if !sources.iter().any(|source| tells_callers_apart(source)) {
        sink.finding(Finding {
            title: format!("`{}` of `{}` remembers its answer without knowing for whom", authorizer.name, api.id),
            message: format!(
                "the answer to one caller is given to everyone for {seconds} seconds: {} is the same for all of them",
                list(sources)
            ),
            label: with_origin("what it asks for names no caller", place_of(app, authorizer)),
            resource: Some(api.id.clone()),
            fact: format!("{} remembers without a caller", authorizer.name),
            help: vec!["put the header that carries the token among the identity sources".to_owned()],
            ..sink.draft(place_of(app, authorizer))
        });
    } else if mixed && !sources.iter().any(|source| tells_routes_apart(source)) {
        sink.finding(Finding {
            severity: Severity::Medium,
            title: format!("`{}` of `{}` remembers its answer across routes", authorizer.name, api.id),
            message: format!(
                "what it says of a reading call holds for {seconds} seconds on {} that it guards, writing ones included, unless \
                 its answer is the same for all of them",
                count(guarded.len(), "route")
            ),
            label: with_origin("the route is no part of the cache key", place_of(app, authorizer)),
            resource: Some(api.id.clone()),
            fact: format!("{} remembers across routes", authorizer.name),
            help: vec![
                "let it see the whole request and put the route among the identity sources (`$context.routeKey`, or path and \
                 method), or remember nothing (0 seconds)"
                    .to_owned(),
            ],
            ..sink.draft(place_of(app, authorizer))
        });
    }
}

fn is_guarded(route: &Route, authorizer: &Authorizer) -> bool {
    route
        .authentication
        .value
        .settled()
        .iter()
        .any(|own| matches!(own, brigandine_model::Authentication::Authorizer { name, .. } if *name == authorizer.name))
}

/// The lighter style remembers only where somebody said how long.
fn remembers(app: &App, api: &Api, authorizer: &Authorizer) -> bool {
    let set = |id: &str, path: &[&str]| {
        let id = brigandine_model::LogicalId::new(id);
        app.resources.get(&id).and_then(|own| own.properties.as_ref()).is_some_and(|own| own.at(path).is_some())
    };
    let described = [
        "Body",
        "components",
        "securitySchemes",
        &authorizer.name,
        "x-amazon-apigateway-authorizer",
        "authorizerResultTtlInSeconds",
    ];
    set(api.id.as_str(), &described) || set(&authorizer.name, &["AuthorizerResultTtlInSeconds"])
}

fn tells_callers_apart(source: &str) -> bool {
    let lower = source.to_ascii_lowercase();
    let name = lower.rsplit('.').next().unwrap_or_default();
    let of_context = lower.starts_with("$context.") || lower.starts_with("context.");
    let of_stage = lower.starts_with("$stagevariables.") || lower.starts_with("stagevariables.");
    let caller = lower.contains("identity.");
    !(of_stage || (of_context && !caller) || SAYS_NOTHING.contains(&name))
}

fn tells_routes_apart(source: &str) -> bool {
    let lower = source.to_ascii_lowercase();
    ["routekey", "httpmethod", ".path", "resourcepath", "resourceid"].iter().any(|part| lower.contains(part))
}
