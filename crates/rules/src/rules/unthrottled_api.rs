//! AP011: a public API on which one caller can spend everything.

use brigandine_model::{Api, App, Finding, Judgement, Practice, Route, RuleMeta, Severity};

use crate::{
    Context, Rule, Sink,
    case::{is, may_hold, when},
    door::{has_routes, is_open, is_preflight, is_public, leads_nowhere, routes_of},
    reach::better,
    rule::meta,
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
        for api in app.apis.iter().filter(|api| has_routes(api) && api.throttle.is_none()) {
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
    let by_key =
        may_hold(&is(&route.key_required, &true)) && api.usage_plans.iter().any(|plan| plan.throttle.is_some());
    route.throttle.is_none() && !by_key && !is_preflight(route) && !leads_nowhere(route)
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
        ..sink.draft(&api.provenance)
    }
}

fn how(api: &Api) -> String {
    match api.style {
        brigandine_model::ApiStyle::Http => {
            "set `DefaultRouteSettings: {ThrottlingRateLimit: 50, ThrottlingBurstLimit: 100}` on the API or its stage".to_owned()
        }
        _ => "set `MethodSettings: [{HttpMethod: '*', ResourcePath: '/*', ThrottlingRateLimit: 50, ThrottlingBurstLimit: 100}]` on the API or its stage"
            .to_owned(),
    }
}
