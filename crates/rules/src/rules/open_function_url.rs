//! AP003: a function's own address that anyone may call.

use brigandine_model::{
    Api, ApiStyle, App, Authentication, Change, Fact, Finding, Fix, Judgement, Literal, Practice, Route, RuleMeta,
};

use crate::{
    Context, Rule, Sink,
    case::{is, when},
    door::routes_of,
    rule::meta,
    wording::with_origin,
};

pub(crate) struct OpenFunctionUrl;

const META: RuleMeta = RuleMeta {
    practice: Practice::ApisAndEvents,
    frameworks: &["CWE-306", "OWASP-Serverless-S2", "SAS-02"],
    ..meta(
        "AP003",
        "open-function-url",
        "anyone on the internet may call a function's own address",
        include_str!("../../pages/AP003-open-function-url.md"),
    )
};

impl Rule for OpenFunctionUrl {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for api in app.apis.iter().filter(|api| api.style == ApiStyle::FunctionUrl) {
            if let Some(route) = routes_of(app, api).next() {
                check_address(api, route, sink);
            }
        }
    }
}

fn check_address(api: &Api, route: &Route, sink: &mut Sink) {
    let resource = route.function.as_ref().unwrap_or(&api.id);
    match is(&route.authentication, &Authentication::Open) {
        Judgement::No => {}
        Judgement::CannotTell(why) => {
            sink.cannot_tell(&format!("who may call the address of `{resource}`"), &why, (resource, &api.provenance));
        }
        holds => {
            let finding = finding((api, route), &holds, sink);
            sink.finding(finding);
        }
    }
}

fn finding(address: (&Api, &Route), holds: &Judgement, sink: &Sink) -> Finding {
    let (api, route) = address;
    let auth = &route.authentication;
    let provenance = if auth.provenance.span.is_some() { &auth.provenance } else { &api.provenance };
    let resource = route.function.as_ref().unwrap_or(&api.id);
    Finding {
        title: format!("anyone may call the address of `{resource}`{}", when(holds)),
        message: format!(
            "a function address has no throttle, no firewall and no request check of its own: with `NONE` each request on \
             the internet runs `{resource}` and is billed"
        ),
        label: with_origin("no signature asked for", provenance),
        resource: Some(resource.clone()),
        fact: "open function address".to_owned(),
        help: vec!["browsers and customers: put the function behind an API with an authorizer instead".to_owned()],
        fix: fix(auth),
        ..sink.draft(provenance)
    }
}

/// Asking for signatures stops every caller who does not sign, so the edit is never safe.
fn fix(auth: &Fact<Authentication>) -> Option<Fix> {
    let span = auth.provenance.span.as_ref()?;
    auth.value.known()?;
    let change = Change::Replace { span: span.clone(), value: Literal::text("AWS_IAM") };
    Some(Fix::risky("ask for signed requests", vec![change]))
}
