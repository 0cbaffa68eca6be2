//! AP010: routes that change something take whatever is sent.

use brigandine_model::{ApiStyle, App, Finding, Practice, Route, RuleMeta, Severity};

use crate::{
    Context, Rule, Sink,
    door::{changes, is_preflight, leads_nowhere, names, routes_of},
    rule::{STRICT, meta},
    wording::{count, list, with_origin_of_event},
};

pub(crate) struct UncheckedInput;

const META: RuleMeta = RuleMeta {
    severity: Severity::Medium,
    practice: Practice::ApisAndEvents,
    profiles: STRICT,
    frameworks: &["CWE-20", "OWASP-Serverless-S1", "SAS-01"],
    ..meta(
        "AP010",
        "unchecked-input",
        "a route that changes something takes whatever is sent",
        include_str!("../../pages/AP010-unchecked-input.md"),
    )
};

impl Rule for UncheckedInput {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        // Only the older style can look at bodies; for the others it is the code's task.
        for api in app.apis.iter().filter(|api| api.style == ApiStyle::Rest) {
            let unchecked: Vec<&Route> = routes_of(app, api)
                .filter(|route| changes(route) && !is_preflight(route) && !leads_nowhere(route) && !is_checked(route))
                .collect();
            let Some(first) = unchecked.first() else { continue };
            let names = names(&unchecked);
            let (check, hand) = if names.len() == 1 { ("checks", "hands") } else { ("check", "hand") };
            sink.finding(Finding {
                title: format!("{} of `{}` {check} nothing of what is sent", list(&names), api.id),
                message: format!(
                    "{} {hand} any body on as it comes, so every odd shape of it is the code's problem, and is paid for",
                    count(unchecked.len(), "writing route")
                ),
                label: with_origin_of_event("no model that is enforced", &first.provenance),
                related: unchecked
                    .iter()
                    .skip(1)
                    .take(20)
                    .filter_map(|route| Some((route.provenance.span.clone()?, "so does this".to_owned())))
                    .collect(),
                resource: Some(api.id.clone()),
                fact: crate::door::fact(&names),
                help: vec![
                    "declare `Models` on the API, and on the event `RequestModel: {Model: Order, Required: true, ValidateBody: true}`"
                        .to_owned(),
                ],
                ..sink.draft(&first.provenance)
            });
        }
    }
}

/// Whether a model of the body is enforced, or at least a parameter asked for where there is no body.
pub(super) fn is_checked(route: &Route) -> bool {
    route.model.as_ref().is_some_and(|model| model.validated) || !route.required_parameters.is_empty()
}
