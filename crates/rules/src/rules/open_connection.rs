//! AP022: a held connection that anyone may open.

use brigandine_model::{Api, ApiStyle, App, Change, Finding, Fix, Judgement, Literal, Practice, Route, RuleMeta};

use crate::{
    Context, Rule, Sink,
    case::when,
    door::{is_open, name, routes_of},
    rule::meta,
    trigger::of_kind,
    wording::{list, with_origin_of_event},
};

pub(crate) struct OpenConnection;

const META: RuleMeta = RuleMeta {
    practice: Practice::ApisAndEvents,
    frameworks: &["CWE-306", "OWASP-Serverless-S2", "SAS-02"],
    ..meta(
        "AP022",
        "open-connection",
        "anyone may open a WebSocket connection",
        include_str!("../../pages/AP022-open-connection.md"),
    )
};

impl Rule for OpenConnection {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for api in app.apis.iter().filter(|api| api.style == ApiStyle::WebSocket) {
            let routes: Vec<&Route> = routes_of(app, api).collect();
            let connect = routes.iter().copied().find(|route| &*route.path == "$connect");
            let Some(asked) = connect.or(routes.first().copied()) else { continue };
            // Without a route for it, every connection is accepted.
            let holds = if connect.is_some() { is_open(app, asked) } else { Judgement::Yes };
            match holds {
                Judgement::No => {}
                Judgement::CannotTell(why) => {
                    let what = format!("who may connect to `{}`", api.id);
                    sink.cannot_tell(&what, &why, (&api.id, &asked.provenance));
                }
                holds => {
                    let finding = finding((app, api), (connect, &routes), &holds, sink);
                    sink.finding(finding);
                }
            }
        }
    }
}

fn finding(place: (&App, &Api), routes: (Option<&Route>, &[&Route]), holds: &Judgement, sink: &Sink) -> Finding {
    let (app, api) = place;
    let (connect, all) = routes;
    let provenance = connect.map_or(&api.provenance, |route| &route.provenance);
    let others: Vec<String> =
        all.iter().filter(|route| !route.path.starts_with('$')).map(|route| name(route)).collect();
    let sends = if others.is_empty() { String::new() } else { format!(", and then send {}", list(&others)) };
    Finding {
        title: format!("anyone may connect to `{}`{}", api.id, when(holds)),
        message: format!(
            "callers of a held connection are only asked when it begins, and nobody asks here: whoever finds the address may \
             stay connected{sends}"
        ),
        label: with_origin_of_event("asks nothing of who connects", provenance),
        resource: Some(api.id.clone()),
        fact: "open connection".to_owned(),
        help: vec![
            "give `$connect` an authorizer (`AuthorizationType: CUSTOM` with a `REQUEST` authorizer, or `AWS_IAM`)"
                .to_owned(),
        ],
        fix: connect.and_then(|route| fix(app, route)),
        ..sink.draft(provenance)
    }
}

/// Clients that do not sign are refused afterwards, so the edit is never safe.
fn fix(app: &App, route: &Route) -> Option<Fix> {
    let (id, _) = of_kind(app, &["AWS::ApiGatewayV2::Route"])
        .find(|(_, own)| own.written_kind.is_some() && own.provenance == route.provenance)?;
    let path = ["Properties", "AuthorizationType"].map(Into::into).to_vec();
    let change = Change::Set { resource: id.clone(), path, value: Literal::text("AWS_IAM") };
    Some(Fix::risky("ask for signed requests", vec![change]))
}
