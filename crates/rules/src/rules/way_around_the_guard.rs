//! AP014: a guard in front of an API, and the API reachable beside it.

use std::collections::{BTreeMap, HashMap};

use brigandine_model::{
    Api, ApiStyle, App, Authentication, Change, Finding, Fix, Judgement, Literal, LogicalId, Practice, Property,
    Provenance, RuleMeta,
};

use crate::{
    Context, Rule, Sink,
    case::{any, both, is, may_hold, not, when},
    door::{is_implied, is_preflight, is_public, leads_nowhere, policy_restricts, routes_of},
    edge::{Origin, Shields, is_shielded_distribution, origins},
    reach::better,
    rule::meta,
    trigger::{named, of_kind},
    wording::with_origin,
};

pub(crate) struct WayAroundTheGuard;

const META: RuleMeta = RuleMeta {
    practice: Practice::ApisAndEvents,
    frameworks: &["CWE-288", "SAS-03"],
    ..meta(
        "AP014",
        "way-around-the-guard",
        "an API can be called beside the firewall or the certificate check in front of it",
        include_str!("../../pages/AP014-way-around-the-guard.md"),
    )
};

impl Rule for WayAroundTheGuard {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        let (origins, shields, certified) = (origins(app), Shields::new(app), certified(app));
        for api in app.apis.iter().filter(|api| api.style != ApiStyle::WebSocket) {
            match (origins.get(&api.id), certified.get(&api.id)) {
                (Some(origin), _) => check_origin((app, api), origin, &shields.covers(&api.id), sink),
                (None, Some((name, at))) => check_certificates((app, api), (name, at), sink),
                (None, None) => {}
            }
        }
    }
}

/// A content network with a firewall leads to the platform's own address of the API, which anyone may call as well.
fn check_origin(place: (&App, &Api), origin: &Origin<'_>, shielded: &Judgement, sink: &mut Sink) {
    let (app, api) = place;
    let (distribution, resource) = origin.distribution;
    let guarded = both(is_shielded_distribution(resource), not(shielded.clone()));
    let beside = both(guarded, open_at_its_own_address(app, api));
    // A secret header of the network may be checked behind it, in an authorizer or in the code.
    let marked = origin.settings.at(&["OriginCustomHeaders"]).is_some();
    match beside {
        Judgement::No => {}
        Judgement::CannotTell(why) => tell_open((api, &why), sink),
        _ if marked => tell_open((api, "it is the code that checks the header which the content network adds"), sink),
        holds => {
            let around = Around { guard: distribution.as_str(), at: &resource.provenance, what: "the firewall of" };
            let finding = finding(place, &around, &holds, sink);
            sink.finding(finding);
        }
    }
}

fn tell_open(open: (&Api, &str), sink: &mut Sink) {
    let (api, why) = open;
    let what = format!("whether `{}` answers beside its content network", api.id);
    sink.cannot_tell(&what, why, (&api.id, &api.provenance));
}

/// A name of one's own asks callers for a certificate, and the platform's name does not.
fn check_certificates(place: (&App, &Api), name: (&str, &Provenance), sink: &mut Sink) {
    let (app, api) = place;
    let (name, at) = name;
    let beside = open_at_its_own_address(app, api);
    if may_hold(&beside) {
        let around = Around { guard: name, at, what: "the certificate check of" };
        let finding = finding(place, &around, &beside, sink);
        sink.finding(finding);
    }
}

/// APIs with a name of their own that asks for certificates, with that name.
fn certified(app: &App) -> BTreeMap<&LogicalId, (String, &Provenance)> {
    let text = |own: &'_ Property, key: &str| own.at(&[key]).and_then(Property::text).cloned();
    let mut names = BTreeMap::new();
    let mut by_text = HashMap::new();
    for (id, resource) in of_kind(app, &["AWS::ApiGateway::DomainName", "AWS::ApiGatewayV2::DomainName"]) {
        let Some(own) = resource.properties.as_ref().filter(|own| own.at(&["MutualTlsAuthentication"]).is_some())
        else {
            continue;
        };
        let written = own.at(&["DomainName"]).and_then(Property::known);
        names.insert(id, (written.unwrap_or(id.as_str()).to_owned(), &resource.provenance));
        by_text.extend(text(own, "DomainName").map(|name| (name, id)));
    }
    let mut found = BTreeMap::new();
    for (_, mapping) in of_kind(app, &["AWS::ApiGateway::BasePathMapping", "AWS::ApiGatewayV2::ApiMapping"]) {
        let Some(own) = &mapping.properties else { continue };
        let api = own.at(&["RestApiId"]).or_else(|| own.at(&["ApiId"])).and_then(Property::text);
        let domain = own.at(&["DomainName"]).and_then(Property::text);
        let by_reference = domain.and_then(|value| named(value).into_iter().find_map(|id| names.get(id)));
        let by_name = || domain.and_then(|value| names.get(by_text.get(value)?));
        if let Some(name) = by_reference.or_else(by_name) {
            found.extend(api.map(named).unwrap_or_default().into_iter().map(|api| (api, name.clone())));
        }
    }
    found
}

/// Whether the platform's address answers callers who bring no signature of the platform.
fn open_at_its_own_address(app: &App, api: &Api) -> Judgement {
    let closed = api.platform_host_closed.as_ref().map_or(Judgement::No, |fact| is(fact, &true));
    let unsigned = any(routes_of(app, api)
        .filter(|route| !is_preflight(route) && !leads_nowhere(route))
        .map(|route| not(is(&route.authentication, &Authentication::Signature))));
    [not(closed), not(policy_restricts(api)), unsigned].into_iter().fold(is_public(api), both)
}

struct Around<'a> {
    guard: &'a str,
    at: &'a Provenance,
    what: &'static str,
}

fn finding(place: (&App, &Api), around: &Around<'_>, holds: &Judgement, sink: &Sink) -> Finding {
    let (app, api) = place;
    let route = routes_of(app, api).find(|route| super::unauthenticated_route::is_open_route(app, route));
    let severity = if route.is_some() { META.severity } else { better(META.severity) };
    let resource = super::credentials_for_any_origin::owner(app, api);
    Finding {
        severity,
        title: format!("`{resource}` can be called beside {} `{}`{}", around.what, around.guard, when(holds)),
        message: format!(
            "the platform's own address of the API still answers, so whoever knows it passes {} `{}` by",
            around.what, around.guard
        ),
        label: with_origin("answers at the platform's own address too", &api.provenance),
        related: around
            .at
            .span
            .clone()
            .map(|span| (span, "the guard that is passed by".to_owned()))
            .into_iter()
            .collect(),
        resource: Some(resource),
        fact: format!("beside {}", around.guard),
        help: vec![how(api, around).to_owned()],
        fix: fix(app, api, around),
        ..sink.draft(&api.provenance)
    }
}

fn how(api: &Api, around: &Around<'_>) -> &'static str {
    match api.style {
        _ if around.what.contains("certificate") => "set `DisableExecuteApiEndpoint: true`: the name of your own stays",
        ApiStyle::FunctionUrl => {
            "set `AuthType: AWS_IAM` and give the content network an origin access control, so that only it can call"
        }
        ApiStyle::Rest => "put the firewall before the stage itself (`AWS::WAFv2::WebACLAssociation`)",
        _ => {
            "give the API a name of its own for the content network to lead to, and set `DisableExecuteApiEndpoint: true`; or \
             let an authorizer ask for a secret header that the network adds"
        }
    }
}

/// Only where a name of one's own stays: otherwise the content network could not get through either.
fn fix(app: &App, api: &Api, around: &Around<'_>) -> Option<Fix> {
    if is_implied(app, api) || !around.what.contains("certificate") {
        return None;
    }
    let path = ["Properties", "DisableExecuteApiEndpoint"].map(Into::into).to_vec();
    let change = Change::Set { resource: api.id.clone(), path, value: Literal::Flag(true) };
    Some(Fix::risky("close the platform's own address", vec![change]))
}
