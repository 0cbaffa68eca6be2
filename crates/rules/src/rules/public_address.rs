//! AP028: an API on the open internet, where a stricter house asks for certificates or for a private address.

use brigandine_model::{App, Finding, Judgement, Practice, Property, RuleMeta, Severity};

use crate::{
    Context, Rule, Sink,
    case::when,
    door::{has_routes, is_preflight, is_public, leads_nowhere, routes_of},
    rule::{STRICT, meta},
    trigger::of_kind,
    wording::with_origin,
};

pub(crate) struct PublicAddress;

const META: RuleMeta = RuleMeta {
    severity: Severity::Low,
    practice: Practice::ApisAndEvents,
    profiles: STRICT,
    frameworks: &["CWE-668"],
    ..meta(
        "AP028",
        "public-address",
        "an API stands on the open internet and asks for no client certificate",
        include_str!("../../pages/AP028-public-address.md"),
    )
};

impl Rule for PublicAddress {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        if asks_for_certificates(app) {
            return;
        }
        for api in app.apis.iter().filter(|api| has_routes(api)) {
            if !routes_of(app, api).any(|route| !leads_nowhere(route) && !is_preflight(route)) {
                continue;
            }
            match is_public(api) {
                Judgement::No => {}
                Judgement::CannotTell(why) => {
                    let what = format!("whether `{}` is public", api.id);
                    sink.cannot_tell(&what, &why, (&api.id, &api.private.provenance));
                }
                holds => sink.finding(Finding {
                    title: format!("`{}` stands on the open internet{}", api.id, when(&holds)),
                    message: "whoever may not call it still reaches it, may try, and finds the next hole in what guards it".to_owned(),
                    label: with_origin("neither private nor with client certificates", &api.provenance),
                    resource: Some(api.id.clone()),
                    fact: "public address".to_owned(),
                    help: vec![
                        "machines of partners: a name of your own with `MutualTlsAuthentication`, and `DisableExecuteApiEndpoint: true`"
                            .to_owned(),
                        "own networks only: `EndpointConfiguration: PRIVATE` with a policy that names the endpoints".to_owned(),
                    ],
                    ..sink.draft(&api.provenance)
                }),
            }
        }
    }
}

fn asks_for_certificates(app: &App) -> bool {
    let asks = |own: &Property| own.at(&["MutualTlsAuthentication"]).is_some();
    of_kind(app, &["AWS::ApiGateway::DomainName", "AWS::ApiGatewayV2::DomainName"])
        .any(|(_, name)| name.properties.as_ref().is_some_and(asks))
}
