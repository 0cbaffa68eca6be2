//! AP006: pages of any origin may call routes that change something.

use brigandine_model::{App, Finding, Practice, Route, RuleMeta, Severity};

use super::credentials_for_any_origin::{any_origin, owner};
use crate::{
    Context, Rule, Sink,
    door::{changes, is_preflight, names, routes_of},
    rule::{STRICT, meta},
    wording::{list, with_origin},
};

pub(crate) struct AnyOriginMayWrite;

const META: RuleMeta = RuleMeta {
    severity: Severity::Low,
    practice: Practice::ApisAndEvents,
    profiles: STRICT,
    frameworks: &["CWE-942"],
    ..meta(
        "AP006",
        "any-origin-may-write",
        "pages of any origin may call routes that change something",
        include_str!("../../pages/AP006-any-origin-may-write.md"),
    )
};

impl Rule for AnyOriginMayWrite {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for api in &app.apis {
            let Some(fact) = &api.cors else { continue };
            let free = fact.value.settled().into_iter().find(|cors| !cors.credentials && any_origin(cors).is_some());
            let writes: Vec<&Route> =
                routes_of(app, api).filter(|route| changes(route) && !is_preflight(route)).collect();
            if free.is_none() || writes.is_empty() {
                continue;
            }
            let provenance = if fact.provenance.span.is_some() { &fact.provenance } else { &api.provenance };
            let resource = owner(app, api);
            sink.finding(Finding {
                title: format!("pages of any origin may call {} of `{resource}`", list(&names(&writes))),
                message:
                    "a page that a customer visits may send what changes something here, with whatever token it could \
                          get hold of; cookies do not travel along"
                        .to_owned(),
                label: with_origin("every origin", provenance),
                resource: Some(resource),
                fact: "any origin may write".to_owned(),
                help: vec!["list the origins of your own pages".to_owned()],
                ..sink.draft(provenance)
            });
        }
    }
}
