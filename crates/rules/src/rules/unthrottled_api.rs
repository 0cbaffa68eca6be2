//! AP011: a public API on which one caller can spend everything.

use brigandine_model::{
    Api, ApiStyle, App, Change, Finding, Fix, Judgement, Literal, LogicalId, Practice, Route, RuleMeta, Severity,
};

use crate::{
    Context, Rule, Sink,
    case::{may_hold, when},
    door::{has_routes, is_implied, is_open, is_preflight, is_public, is_written_serverless, leads_nowhere, routes_of},
    reach::better,
    rule::meta,
    trigger::{of_kind, refers},
    wording::{count, list, with_origin},
};

pub(crate) struct UnthrottledApi;

const META: RuleMeta = RuleMeta {
    severity: Severity::Medium,
    practice: Practice::ApisAndEvents,
    frameworks: &["CWE-770", "SAS-08"],
    ..meta(
        "AP011",
        "unthrottled-api",
        "a public API has no throttle of its own",
        include_str!("../../pages/AP011-unthrottled-api.md"),
    )
};

impl Rule for UnthrottledApi {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for api in app.apis.iter().filter(|api| has_routes(api)) {
            let free: Vec<&Route> = routes_of(app, api).filter(|route| is_unlimited(api, route)).collect();
            if free.is_empty() {
                continue;
            }
            match is_public(api) {
                Judgement::No => {}
                Judgement::CannotTell(why) => {
                    sink.cannot_tell(
                        &format!("whether `{}` is public", api.id),
                        &why,
                        (&api.id, &api.private.provenance),
                    );
                }
                holds => {
                    let finding = finding((app, api), &free, &holds, sink);
                    sink.finding(finding);
                }
            }
        }
    }
}

fn is_unlimited(api: &Api, route: &Route) -> bool {
    route.throttle_in(api).is_none() && !is_preflight(route) && !leads_nowhere(route)
}

fn finding(api: (&App, &Api), free: &[&Route], holds: &Judgement, sink: &Sink) -> Finding {
    let (app, api) = api;
    let open = free.iter().any(|route| may_hold(&is_open(app, route)));
    let names: Vec<String> = free.iter().map(|route| format!("{} {}", route.method, route.path)).collect();
    let who = if open { "anyone" } else { "one customer's stolen token" };
    Finding {
        severity: if open { META.severity } else { better(META.severity) },
        title: format!("nothing limits how fast `{}` may be called{}", api.id, when(holds)),
        message: format!(
            "{who} can take the whole account's request limit and run up the bill: {} without a throttle ({})",
            count(free.len(), "route"),
            list(&names)
        ),
        label: with_origin("no rate or burst limit", &api.provenance),
        resource: Some(api.id.clone()),
        fact: "no throttle".to_owned(),
        help: vec![how(api)],
        fix: fix(app, api),
        ..sink.draft(&api.provenance)
    }
}

fn how(api: &Api) -> String {
    match api.style {
        ApiStyle::Http => {
            "set `DefaultRouteSettings: {ThrottlingRateLimit: 50, ThrottlingBurstLimit: 100}` on the API or its stage".to_owned()
        }
        _ => "set `MethodSettings: [{HttpMethod: '*', ResourcePath: '/*', ThrottlingRateLimit: 50, ThrottlingBurstLimit: 100}]` on the API or its stage"
            .to_owned(),
    }
}

/// Requests per second, steadily and at once, that the edit writes: enough for most, and to be looked at by a person.
const RATE: i64 = 50;
const BURST: i64 = 100;

/// Callers beyond the limit are refused afterwards, so the edit is never safe.
fn fix(app: &App, api: &Api) -> Option<Fix> {
    let limits = [("ThrottlingRateLimit", Literal::Number(RATE)), ("ThrottlingBurstLimit", Literal::Number(BURST))];
    let (key, value) = match api.style {
        ApiStyle::Http => ("DefaultRouteSettings", Literal::map(limits)),
        _ => {
            let [rate, burst] = limits;
            let every = [("HttpMethod", Literal::text("*")), ("ResourcePath", Literal::text("/*")), rate, burst];
            ("MethodSettings", Literal::map(every))
        }
    };
    let title = format!("let {RATE} requests a second through, and {BURST} at once");
    if is_implied(app, api) {
        let globals = if api.style == ApiStyle::Http { "HttpApi" } else { "Api" };
        let path = ["Globals", globals].map(Into::into).to_vec();
        let value = if api.style == ApiStyle::Http { value } else { Literal::List(vec![value]) };
        return Some(Fix::risky(title, vec![Change::Declare { path, name: key.into(), value }]));
    }
    let holders = if is_written_serverless(app, api) { vec![api.id.clone()] } else { stages(app, api) };
    let changes: Vec<Change> =
        holders.into_iter().flat_map(|resource| limit(resource, key, &value, api.style)).collect();
    (!changes.is_empty()).then(|| Fix::risky(title, changes))
}

/// Settings of methods are a list to which others may have added; those of the lighter style are one map.
fn limit(resource: LogicalId, key: &str, value: &Literal, style: ApiStyle) -> Vec<Change> {
    let path = |last: &[&str]| ["Properties", key].iter().chain(last).map(|key| (*key).into()).collect();
    if style != ApiStyle::Http {
        return vec![Change::Append { resource, path: path(&[]), value: value.clone() }];
    }
    let Literal::Map(entries) = value else { return Vec::new() };
    let set = |(name, value): &(std::sync::Arc<str>, Literal)| Change::Set {
        resource: resource.clone(),
        path: path(&[name]),
        value: value.clone(),
    };
    entries.iter().map(set).collect()
}

fn stages(app: &App, api: &Api) -> Vec<LogicalId> {
    let belongs = |properties: &brigandine_model::Property| {
        let owner = properties.at(&["RestApiId"]).or_else(|| properties.at(&["ApiId"]));
        owner.and_then(brigandine_model::Property::text).is_some_and(|value| refers(value, &api.id))
    };
    of_kind(app, &["AWS::ApiGateway::Stage", "AWS::ApiGatewayV2::Stage"])
        .filter(|(_, stage)| stage.written_kind.is_some() && stage.properties.as_ref().is_some_and(belongs))
        .map(|(id, _)| id.clone())
        .collect()
}
