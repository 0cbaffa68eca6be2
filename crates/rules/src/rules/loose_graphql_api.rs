//! AP023: a GraphQL API that a key opens, or that answers any question about itself.

use brigandine_model::{
    App, Finding, Judgement, LogicalId, Practice, Property, Provenance, Resource, RuleMeta, Severity,
};

use crate::{
    Context, Rule, Sink,
    case::{both, may_hold, not, when},
    rule::meta,
    trigger::of_kind,
    wording::with_origin,
};

pub(crate) struct LooseGraphqlApi;

const META: RuleMeta = RuleMeta {
    severity: Severity::Medium,
    practice: Practice::ApisAndEvents,
    frameworks: &["CWE-287", "AppSync.5", "OWASP-Serverless-S2"],
    ..meta(
        "AP023",
        "loose-graphql-api",
        "a GraphQL API is opened by a key alone, or takes questions of any depth",
        include_str!("../../pages/AP023-loose-graphql-api.md"),
    )
};

impl Rule for LooseGraphqlApi {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for (id, resource) in of_kind(app, &["AWS::AppSync::GraphQLApi"]) {
            let Some(properties) = &resource.properties else { continue };
            let private = properties.judge_text(&["Visibility"], false, &|text| text == "PRIVATE");
            let key = properties.judge_text(&["AuthenticationType"], false, &|text| text == "API_KEY");
            match both(key, not(private.clone())) {
                Judgement::No => {}
                Judgement::CannotTell(why) => {
                    let what = format!("what `{id}` asks of its callers");
                    sink.cannot_tell(&what, &why, (id, &resource.provenance));
                }
                holds => {
                    let finding = by_key((id, resource), properties, &holds, sink);
                    sink.finding(finding);
                }
            }
            let open = both(without_depth(properties), both(tells_all(properties), not(private)));
            if may_hold(&open) {
                let finding = of_any_depth((id, resource), &open, sink);
                sink.finding(finding);
            }
        }
    }
}

fn tells_all(properties: &Property) -> Judgement {
    properties.judge_text(&["IntrospectionConfig"], true, &|text| text != "DISABLED")
}

fn without_depth(properties: &Property) -> Judgement {
    properties.judge_text(&["QueryDepthLimit"], true, &|text| text == "0")
}

fn by_key(api: (&LogicalId, &Resource), properties: &Property, holds: &Judgement, sink: &Sink) -> Finding {
    let (id, resource) = api;
    let place = properties.at(&["AuthenticationType"]).map(|kind| &kind.provenance);
    let place: &Provenance = place.filter(|own| own.span.is_some()).unwrap_or(&resource.provenance);
    Finding {
        title: format!("an API key is all that `{id}` asks for{}", when(holds)),
        message: "the key stands in every page and app that uses the API, and is the same for all of them: whoever reads it there \
                  may ask for every field that names no other way in"
            .to_owned(),
        label: with_origin("a key, and nothing that names a person", place),
        resource: Some(id.clone()),
        fact: "key only".to_owned(),
        help: vec![
            "make a user pool, a token issuer or signed requests the default, and leave the key to the fields that are public"
                .to_owned(),
        ],
        ..sink.draft(place)
    }
}

fn of_any_depth(api: (&LogicalId, &Resource), holds: &Judgement, sink: &Sink) -> Finding {
    let (id, resource) = api;
    Finding {
        severity: Severity::Low,
        title: format!("`{id}` takes questions of any depth and tells its whole schema{}", when(holds)),
        message: "one question that nests what refers to itself can cost thousands of look-ups, and the schema says how to write it"
            .to_owned(),
        label: with_origin("no `QueryDepthLimit`, introspection is on", &resource.provenance),
        resource: Some(id.clone()),
        fact: "any depth".to_owned(),
        help: vec!["set `QueryDepthLimit` (5 to 10 for most schemas) and `IntrospectionConfig: DISABLED`".to_owned()],
        ..sink.draft(&resource.provenance)
    }
}
