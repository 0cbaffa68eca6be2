//! AP017: a permission that lets everyone call a function.

use brigandine_model::{
    App, Change, Finding, Fix, Judgement, Literal, LogicalId, Practice, Property, Resource, RuleMeta, Severity,
};

use crate::{
    Context, Rule, Sink,
    case::{ask_text, both, not, when},
    rule::meta,
    trigger::of_kind,
    wording::with_origin,
};

pub(crate) struct FunctionForAnyone;

const META: RuleMeta = RuleMeta {
    severity: Severity::Critical,
    practice: Practice::ApisAndEvents,
    frameworks: &["CWE-284", "Lambda.1", "OWASP-Serverless-S5"],
    ..meta(
        "AP017",
        "function-for-anyone",
        "a permission lets every account of the platform call a function",
        include_str!("../../pages/AP017-function-for-anyone.md"),
    )
};

impl Rule for FunctionForAnyone {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for (id, resource) in of_kind(app, &["AWS::Lambda::Permission"]) {
            if let (Some(properties), true) = (&resource.properties, resource.written_kind.is_some()) {
                check_permission((id, resource), properties, sink);
            }
        }
    }
}

fn check_permission(permission: (&LogicalId, &Resource), properties: &Property, sink: &mut Sink) {
    let (id, resource) = permission;
    let anyone = properties.judge(&["Principal"], &|principal| {
        principal.and_then(Property::text).map_or(Judgement::No, |value| ask_text(value, &|text| text == "*"))
    });
    let narrowing = ["SourceArn", "SourceAccount", "PrincipalOrgID", "EventSourceToken", "InvokedViaFunctionUrl"];
    let free = narrowing.iter().fold(Judgement::Yes, |free, key| both(free, not(properties.is_set(&[key]))));
    // An address without signatures is AP003's matter: the platform wants this permission beside it.
    let own_address = properties.judge_text(&["FunctionUrlAuthType"], false, &|text| text == "NONE");
    match both(both(anyone, free), not(own_address)) {
        Judgement::No => {}
        Judgement::CannotTell(why) => {
            if properties.at(&["Principal"]).and_then(Property::known).is_none_or(|text| text == "*") {
                sink.cannot_tell("who may call the function", &why, (id, &resource.provenance));
            }
        }
        holds => {
            let place = properties.at(&["Principal"]).map_or(&resource.provenance, |principal| &principal.provenance);
            sink.finding(Finding {
                title: format!(
                    "every account of the platform may call {}{}",
                    super::confused_service::called(properties),
                    when(&holds)
                ),
                message:
                    "whoever has an account of their own calls the function directly, beside every API, authorizer and \
                          throttle, with an event of their choice"
                        .to_owned(),
                label: with_origin("everyone", place),
                resource: Some(id.clone()),
                fact: "anyone may call".to_owned(),
                help: vec!["name the service or the account that calls, with `SourceArn`".to_owned()],
                fix: Some(fix(id)),
                ..sink.draft(place)
            });
        }
    }
}

/// Callers of other accounts are refused afterwards, so the edit is never safe.
fn fix(id: &LogicalId) -> Fix {
    let path = ["Properties", "Principal"].map(Into::into).to_vec();
    let change = Change::Set { resource: id.clone(), path, value: Literal::reference("AWS::AccountId") };
    Fix::risky("let only this account call it", vec![change])
}
