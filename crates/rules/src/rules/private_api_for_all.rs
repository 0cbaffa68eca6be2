//! AP030: a private API that every private network may call, whoever owns it.

use brigandine_model::{
    Api, App, Effect, Finding, Judgement, LogicalId, Practice, Property, Resource, RuleMeta, Severity,
};

use crate::{
    Context, Rule, Sink,
    case::{both, is, not, when},
    door::policy_restricts,
    reach::better,
    rule::meta,
    trigger::of_kind,
    wording::with_origin,
};

pub(crate) struct PrivateApiForAll;

const META: RuleMeta = RuleMeta {
    severity: Severity::Medium,
    practice: Practice::ApisAndEvents,
    frameworks: &["CWE-284", "OWASP-Serverless-S5"],
    ..meta(
        "AP030",
        "private-api-for-all",
        "any private network of any account may call a private API",
        include_str!("../../pages/AP030-private-api-for-all.md"),
    )
};

impl Rule for PrivateApiForAll {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        // Without a policy nobody may call it.
        for api in app.apis.iter().filter(|api| !api.policy.is_empty()) {
            match both(is(&api.private, &true), not(policy_restricts(api))) {
                Judgement::CannotTell(why) if api.private.value.known() == Some(&true) => {
                    let what = format!("which networks may call `{}`", api.id);
                    sink.cannot_tell(&what, &why, (&api.id, &api.provenance));
                }
                Judgement::No | Judgement::CannotTell(_) => {}
                holds => {
                    let finding = of_policy(api, &holds, sink);
                    sink.finding(finding);
                }
            }
        }
        for (id, resource) in of_kind(app, &["AWS::EC2::VPCEndpoint"]) {
            check_endpoint((id, resource), sink);
        }
    }
}

fn of_policy(api: &Api, holds: &Judgement, sink: &Sink) -> Finding {
    let allowing = api.policy.iter().find(|one| is(&one.effect, &Effect::Allow) == Judgement::Yes);
    let place = allowing.map(|one| &one.provenance).filter(|own| own.span.is_some()).unwrap_or(&api.provenance);
    Finding {
        title: format!("any private network may call `{}`{}", api.id, when(holds)),
        message: "private only means that the way leads through a private network: every account has those, and the policy names \
                  none of them"
            .to_owned(),
        label: with_origin("everyone, from every network", place),
        resource: Some(api.id.clone()),
        fact: "any private network".to_owned(),
        help: vec![
            "add a condition on `aws:SourceVpce` with the endpoints that may (in SAM: `ResourcePolicy: {IntrinsicVpceWhitelist: [...]}`)"
                .to_owned(),
        ],
        ..sink.draft(place)
    }
}

/// A door from a private network to all APIs of the platform, with a policy that somebody wrote to let everything through.
fn check_endpoint(endpoint: (&LogicalId, &Resource), sink: &mut Sink) {
    let (id, resource) = endpoint;
    let Some(properties) = &resource.properties else { return };
    let service = properties.at(&["ServiceName"]).and_then(Property::text);
    let for_apis =
        service.is_some_and(|value| crate::case::texts(value).iter().any(|text| text.ends_with("execute-api")));
    let Some(statements) = properties.at(&["PolicyDocument", "Statement"]).filter(|_| for_apis) else { return };
    if let Some(statement) = statements.items().into_iter().find(|statement| allows_everything(statement)) {
        sink.finding(Finding {
            severity: better(META.severity),
            title: format!("`{id}` lets anyone in its network call any API"),
            message: "whoever gets into the network may call every API that is reached through here, those of other accounts included"
                .to_owned(),
            label: with_origin("everyone may call everything", &statement.provenance),
            resource: Some(id.clone()),
            fact: "endpoint for every API".to_owned(),
            help: vec!["name the APIs under `Resource`".to_owned()],
            ..sink.draft(&statement.provenance)
        });
    }
}

fn allows_everything(statement: &Property) -> bool {
    let only = |path: &[&str]| {
        let items = statement.at(path).map(Property::items).unwrap_or_default();
        items.iter().any(|item| item.known() == Some("*"))
    };
    statement.at(&["Effect"]).and_then(Property::known) == Some("Allow")
        && statement.at(&["Condition"]).is_none()
        && (only(&["Principal"]) || only(&["Principal", "AWS"]))
        && only(&["Resource"])
}
