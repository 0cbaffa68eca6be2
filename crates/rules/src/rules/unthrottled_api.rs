//! AP011: a public API on which one caller can spend everything.

use std::collections::BTreeMap;

use brigandine_model::{
    Api, ApiStyle, App, Change, Finding, Fix, Judgement, Literal, LogicalId, Practice, Property, Route, RuleMeta,
    Severity,
};

use crate::{
    Context, Rule, Sink,
    case::{may_hold, when},
    door::{has_routes, is_implied, is_open, is_preflight, is_public, is_written_serverless, leads_nowhere, routes_of},
    price::{amount, flood_of, prices, table_date},
    reach::better,
    rule::meta,
    trigger::{named, of_kind},
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
        let stages = stages(app);
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
                    let stages = stages.get(&api.id).map(Vec::as_slice).unwrap_or_default();
                    let finding = Finding { fix: fix((app, api), stages), ..finding((app, api), &free, &holds, sink) };
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
            "{who} can take the whole account's request limit and run up the bill{}: {} without a throttle ({})",
            bill(app, free),
            count(free.len(), "route"),
            list(&names)
        ),
        label: with_origin("no rate or burst limit", &api.provenance),
        resource: Some(api.id.clone()),
        fact: "no throttle".to_owned(),
        help: vec![how(api)],
        ..sink.draft(&api.provenance)
    }
}

/// What a flood of the dearest function that anyone may call costs in an hour, where that can be told.
fn bill(app: &App, free: &[&Route]) -> String {
    let Some(prices) = prices() else { return String::new() };
    let open = free.iter().filter(|route| may_hold(&is_open(app, route)));
    let functions = open.filter_map(|route| app.function(route.function.as_ref()?));
    let dearest = functions.filter_map(|function| flood_of(function, &prices)).max_by(f64::total_cmp);
    let told = |dollars| {
        let runs = prices.account_concurrency;
        format!(" (about ${} an hour at {runs} simultaneous runs and the prices of {})", amount(dollars), table_date())
    };
    dearest.map_or_else(String::new, told)
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
fn fix(place: (&App, &Api), stages: &[Stage<'_>]) -> Option<Fix> {
    let (app, api) = place;
    let implied = is_implied(app, api);
    // Settings for every method that are there already would stand beside the new ones, and only one of them can hold.
    let taken = |stage: &Stage<'_>| if implied { stage.settings > 0 } else { stage.for_all };
    if api.style == ApiStyle::Rest && stages.iter().any(taken) {
        return None;
    }
    let changes: Vec<Change> = if implied {
        in_globals(api.style)
    } else if is_written_serverless(app, api) {
        on_resource(&api.id, api.style)
    } else {
        stages.iter().filter(|stage| stage.written).flat_map(|stage| on_resource(stage.id, api.style)).collect()
    };
    let title = format!("let {RATE} requests a second through, and {BURST} at once");
    (!changes.is_empty()).then(|| Fix::risky(title, changes))
}

fn limits() -> [(&'static str, Literal); 2] {
    [("ThrottlingRateLimit", Literal::Number(RATE)), ("ThrottlingBurstLimit", Literal::Number(BURST))]
}

fn for_every_method() -> Literal {
    let [rate, burst] = limits();
    Literal::map([("HttpMethod", Literal::text("*")), ("ResourcePath", Literal::text("/*")), rate, burst])
}

fn in_globals(style: ApiStyle) -> Vec<Change> {
    let path = |keys: &[&str]| keys.iter().map(|key| (*key).into()).collect();
    if style != ApiStyle::Http {
        let value = Literal::List(vec![for_every_method()]);
        return vec![Change::Declare { path: path(&["Globals", "Api"]), name: "MethodSettings".into(), value }];
    }
    let declare = |(name, value): (&str, Literal)| Change::Declare {
        path: path(&["Globals", "HttpApi", "DefaultRouteSettings"]),
        name: name.into(),
        value,
    };
    limits().map(declare).to_vec()
}

/// Settings of methods are a list to which others may have added; those of the lighter style are one map.
fn on_resource(resource: &LogicalId, style: ApiStyle) -> Vec<Change> {
    let path = |keys: &[&str]| ["Properties"].iter().chain(keys).map(|key| (*key).into()).collect();
    if style != ApiStyle::Http {
        let path = path(&["MethodSettings"]);
        return vec![Change::Append { resource: resource.clone(), path, value: for_every_method() }];
    }
    let set = |(name, value): (&str, Literal)| Change::Set {
        resource: resource.clone(),
        path: path(&["DefaultRouteSettings", name]),
        value,
    };
    limits().map(set).to_vec()
}

/// A stage, as far as an edit must know it.
struct Stage<'a> {
    id: &'a LogicalId,
    written: bool,
    /// How many settings of methods it has.
    settings: usize,
    /// Whether one of them is for every method of every path.
    for_all: bool,
}

/// The stages of each API.
fn stages(app: &App) -> BTreeMap<&LogicalId, Vec<Stage<'_>>> {
    let mut found: BTreeMap<&LogicalId, Vec<Stage<'_>>> = BTreeMap::new();
    for (id, stage) in of_kind(app, &["AWS::ApiGateway::Stage", "AWS::ApiGatewayV2::Stage"]) {
        let Some(own) = &stage.properties else { continue };
        let settings = own.at(&["MethodSettings"]).map(Property::items).unwrap_or_default();
        let is_all = |key: &str, words: &[&str], setting: &Property| {
            setting.at(&[key]).and_then(Property::known).is_none_or(|text| words.contains(&text))
        };
        let every = |setting: &&Property| {
            is_all("HttpMethod", &["*"], setting) && is_all("ResourcePath", &["*", "/", "/*"], setting)
        };
        let owner = own.at(&["RestApiId"]).or_else(|| own.at(&["ApiId"])).and_then(Property::text);
        for api in owner.map(named).unwrap_or_default() {
            let (written, for_all) = (stage.written_kind.is_some(), settings.iter().any(every));
            found.entry(api).or_default().push(Stage { id, written, settings: settings.len(), for_all });
        }
    }
    found
}
