//! AP005: pages of any origin may act with the visitor's cookies.

use brigandine_model::{
    Api, ApiStyle, App, Authentication, Change, Cors, Fact, Finding, Fix, Judgement, Literal, Practice, RuleMeta,
};

use crate::{
    Context, Rule, Sink,
    case::is,
    door::{is_implied, is_written_serverless, routes_of},
    reach::better,
    rule::meta,
    wording::with_origin,
};

pub(crate) struct CredentialsForAnyOrigin;

const META: RuleMeta = RuleMeta {
    practice: Practice::ApisAndEvents,
    frameworks: &["CWE-942"],
    ..meta(
        "AP005",
        "credentials-for-any-origin",
        "pages of any origin may call an API with the visitor's cookies",
        include_str!("../../pages/AP005-credentials-for-any-origin.md"),
    )
};

impl Rule for CredentialsForAnyOrigin {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for api in &app.apis {
            let Some(fact) = &api.cors else { continue };
            for cors in fact.value.settled() {
                if let (true, Some(origin)) = (cors.credentials, any_origin(cors)) {
                    let finding = finding((app, api), fact, origin, sink);
                    sink.finding(finding);
                    break;
                }
            }
        }
    }
}

/// The origin that means more than one site, where there is one.
pub(super) fn any_origin(cors: &Cors) -> Option<&str> {
    let wild = |origin: &&String| {
        let host = origin.split_once("://").map_or(origin.as_str(), |(_, host)| host);
        host == "*" || origin.eq_ignore_ascii_case("null")
    };
    cors.origins.iter().find(wild).map(String::as_str)
}

fn finding(place: (&App, &Api), fact: &Fact<Cors>, origin: &str, sink: &Sink) -> Finding {
    let (app, api) = place;
    let provenance = if fact.provenance.span.is_some() { &fact.provenance } else { &api.provenance };
    let resource = owner(app, api);
    let signed =
        routes_of(app, api).all(|route| is(&route.authentication, &Authentication::Signature) == Judgement::Yes);
    Finding {
        // A cookie proves nothing to whoever asks for a signature.
        severity: if signed { better(META.severity) } else { META.severity },
        title: format!("`{resource}` lets pages of origin `{origin}` call it with the visitor's cookies"),
        message: "any page a customer visits can send requests in their name and read the answers: the browser's own \
                  border between sites is switched off for this API"
            .to_owned(),
        label: with_origin("every origin, with credentials", provenance),
        resource: Some(resource),
        fact: format!("credentials for origin {origin}"),
        help: vec!["list the origins of your own pages in full, or leave credentials out".to_owned()],
        fix: fix(app, api),
        ..sink.draft(provenance)
    }
}

/// A function's own address is best known by its function.
pub(super) fn owner(app: &App, api: &Api) -> brigandine_model::LogicalId {
    let function = routes_of(app, api).find_map(|route| route.function.clone());
    function.filter(|_| api.style == ApiStyle::FunctionUrl).unwrap_or_else(|| api.id.clone())
}

/// Pages that do send cookies stop working, so a person must look.
fn fix(app: &App, api: &Api) -> Option<Fix> {
    let written = app.resources.get(&api.id)?;
    let (resource, holder): (_, &[&str]) = match api.style {
        ApiStyle::FunctionUrl if written.written_kind.is_some() => (api.id.clone(), &["Cors"]),
        ApiStyle::FunctionUrl => (owner(app, api), &["FunctionUrlConfig", "Cors"]),
        ApiStyle::Http if !is_implied(app, api) => (api.id.clone(), &["CorsConfiguration"]),
        ApiStyle::Rest if is_written_serverless(app, api) => (api.id.clone(), &["Cors"]),
        _ => return None,
    };
    written.properties.as_ref()?;
    let path = ["Properties"].iter().chain(holder).chain(&["AllowCredentials"]).map(|key| (*key).into()).collect();
    let change = Change::Set { resource, path, value: Literal::Flag(false) };
    Some(Fix::risky("leave credentials out", vec![change]))
}
