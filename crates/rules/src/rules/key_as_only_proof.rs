//! AP007: an API key is all that is asked for.

use brigandine_model::{App, Finding, Judgement, Practice, Route, RuleMeta, Severity};

use crate::{
    Context, Rule, Sink,
    case::{any, may_hold, when},
    door::{
        asks_only_for_a_key, has_routes, is_preflight, is_public, leads_nowhere, names, policy_restricts, routes_of,
    },
    rule::meta,
    wording::{list, with_origin_of_event},
};

pub(crate) struct KeyAsOnlyProof;

const META: RuleMeta = RuleMeta {
    severity: Severity::Medium,
    practice: Practice::ApisAndEvents,
    frameworks: &["CWE-287", "OWASP-Serverless-S2", "SAS-02"],
    ..meta(
        "AP007",
        "key-as-only-proof",
        "an API key is the only thing a route asks for",
        include_str!("../../pages/AP007-key-as-only-proof.md"),
    )
};

impl Rule for KeyAsOnlyProof {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for api in app.apis.iter().filter(|api| has_routes(api)) {
            if !may_hold(&is_public(api)) || may_hold(&policy_restricts(api)) {
                continue;
            }
            let asked: Vec<(&Route, Judgement)> = routes_of(app, api)
                .filter(|route| !is_preflight(route) && !leads_nowhere(route))
                .map(|route| (route, asks_only_for_a_key(route)))
                .filter(|(_, holds)| may_hold(holds))
                .collect();
            let routes: Vec<&Route> = asked.iter().map(|(route, _)| *route).collect();
            let Some(first) = routes.first() else { continue };
            let holds = any(asked.iter().map(|(_, holds)| holds.clone()));
            sink.finding(Finding {
                title: format!("an API key is all that {} of `{}` asks for{}", list(&names(&routes)), api.id, when(&holds)),
                message: "a key names an application, not a person: it is the same for all who use that application, it stands in \
                          their code and logs, and it never runs out"
                    .to_owned(),
                label: with_origin_of_event("asks for a key and nothing else", &first.provenance),
                related: routes
                    .iter()
                    .skip(1)
                    .take(20)
                    .filter_map(|route| Some((route.provenance.span.clone()?, "so does this".to_owned())))
                    .collect(),
                resource: Some(api.id.clone()),
                fact: crate::door::fact(&names(&routes)),
                help: vec!["keep the key for counting, and add an authorizer (a token, or signed requests) for who calls".to_owned()],
                ..sink.draft(&first.provenance)
            });
        }
    }
}
