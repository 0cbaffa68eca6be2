//! AP012: a public API or content network before which no firewall stands.

use brigandine_model::{Api, App, Finding, Judgement, LogicalId, Practice, Provenance, RuleMeta, Severity};

use crate::{
    Context, Rule, Sink,
    case::{any, both, not, when},
    door::{has_routes, is_preflight, is_public, leads_nowhere, routes_of},
    edge::{Shields, can_be_shielded, distributions, is_shielded_distribution, origins},
    rule::{STRICT, meta},
    trigger::of_kind,
    wording::with_origin,
};

pub(crate) struct DoorWithoutFirewall;

const META: RuleMeta = RuleMeta {
    severity: Severity::Medium,
    practice: Practice::ApisAndEvents,
    profiles: STRICT,
    frameworks: &["CWE-693", "APIGateway.4", "CloudFront.6", "SAS-08"],
    ..meta(
        "AP012",
        "door-without-firewall",
        "no web firewall stands before a public API or content network",
        include_str!("../../pages/AP012-door-without-firewall.md"),
    )
};

impl Rule for DoorWithoutFirewall {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        let (origins, shields) = (origins(app), Shields::new(app));
        for (id, resource) in distributions(app) {
            let bare = not(any([is_shielded_distribution(resource), shields.covers(id)]));
            tell(
                &Door { id, provenance: &resource.provenance, what: "content network", how: DISTRIBUTION },
                &bare,
                sink,
            );
        }
        for api in app.apis.iter().filter(|api| has_routes(api) && is_used(app, api)) {
            // Where a content network of the template leads here, the network is the place to judge.
            if origins.contains_key(&api.id) {
                continue;
            }
            let bare = both(is_public(api), not(shields.covers(&api.id)));
            let how = if can_be_shielded(api) { REST } else { HTTP };
            tell(&Door { id: &api.id, provenance: &api.provenance, what: "API", how }, &bare, sink);
        }
        for (id, resource) in of_kind(app, &["AWS::AppSync::GraphQLApi"]) {
            let bare = not(shields.covers(id));
            tell(&Door { id, provenance: &resource.provenance, what: "GraphQL API", how: REST }, &bare, sink);
        }
    }
}

const DISTRIBUTION: &str = "set `WebACLId` to the Arn of an `AWS::WAFv2::WebACL` with `Scope: CLOUDFRONT`";
const REST: &str = "declare an `AWS::WAFv2::WebACL` with managed rule groups and a rate rule, and an \
                    `AWS::WAFv2::WebACLAssociation` for the stage";
const HTTP: &str = "the platform lets no firewall stand before this style of API: put a content network with one in front of it, \
                    or use `AWS::Serverless::Api`";

struct Door<'a> {
    id: &'a LogicalId,
    provenance: &'a Provenance,
    what: &'a str,
    how: &'static str,
}

fn is_used(app: &App, api: &Api) -> bool {
    routes_of(app, api).any(|route| !leads_nowhere(route) && !is_preflight(route))
}

fn tell(door: &Door<'_>, bare: &Judgement, sink: &mut Sink) {
    match bare {
        Judgement::No => {}
        Judgement::CannotTell(why) => {
            let what = format!("whether a firewall stands before `{}`", door.id);
            sink.cannot_tell(&what, why, (door.id, door.provenance));
        }
        holds => sink.finding(Finding {
            title: format!("no web firewall stands before `{}`{}", door.id, when(holds)),
            message: format!(
                "nothing looks at what comes in before the {} has it: known attacks, floods from one address and bad networks reach \
                 the code and are paid for",
                door.what
            ),
            label: with_origin("open to the internet as it is", door.provenance),
            resource: Some(door.id.clone()),
            fact: "no firewall".to_owned(),
            help: vec![door.how.to_owned()],
            ..sink.draft(door.provenance)
        }),
    }
}
