//! AP024: accounts that are easy to have: no sign-in at all, short passwords, no second factor.

use brigandine_model::{
    App, Change, Finding, Fix, Judgement, Literal, LogicalId, Practice, Property, Provenance, Resource, RuleMeta,
    Severity,
};

use crate::{
    Context, Rule, Sink,
    case::{both, may_hold, when},
    rule::meta,
    trigger::of_kind,
    wording::with_origin,
};

pub(crate) struct LooseSignIn;

const META: RuleMeta = RuleMeta {
    practice: Practice::ApisAndEvents,
    frameworks: &["CWE-287", "Cognito.2", "OWASP-Serverless-S2", "SAS-02"],
    ..meta(
        "AP024",
        "loose-sign-in",
        "an identity pool serves strangers, or a user pool takes weak proof",
        include_str!("../../pages/AP024-loose-sign-in.md"),
    )
};

/// Shorter passwords than this are guessed, not remembered.
const SHORTEST: u32 = 8;

impl Rule for LooseSignIn {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for (id, resource) in of_kind(app, &["AWS::Cognito::IdentityPool"]) {
            if let Some(properties) = &resource.properties {
                check_strangers((id, resource), properties, sink);
            }
        }
        for (id, resource) in of_kind(app, &["AWS::Cognito::UserPool"]) {
            check_pool((id, resource), resource.properties.as_ref(), sink);
        }
    }
}

fn check_strangers(pool: (&LogicalId, &Resource), properties: &Property, sink: &mut Sink) {
    let (id, resource) = pool;
    let key = "AllowUnauthenticatedIdentities";
    let place = place(properties, &[key], resource);
    match properties.judge_text(&[key], false, &|text| text.eq_ignore_ascii_case("true")) {
        Judgement::No => {}
        Judgement::CannotTell(why) => {
            sink.cannot_tell(&format!("whether `{id}` serves strangers"), &why, (id, &resource.provenance));
        }
        holds => {
            let path = ["Properties", key].map(Into::into).to_vec();
            let change = Change::Set { resource: id.clone(), path, value: Literal::Flag(false) };
            sink.finding(Finding {
                title: format!("`{id}` gives credentials of the platform to strangers{}", when(&holds)),
                message: "whoever knows the pool's id, which stands in the page, gets keys of the account's guest role without \
                          signing in"
                    .to_owned(),
                label: with_origin("guests are served", place),
                resource: Some(id.clone()),
                fact: "strangers get credentials".to_owned(),
                help: vec!["switch guests off, or keep the guest role to what everyone may read and suppress this".to_owned()],
                fix: Some(Fix::risky("serve signed-in users only", vec![change])),
                ..sink.draft(place)
            });
        }
    }
}

fn place<'a>(properties: &'a Property, path: &[&str], resource: &'a Resource) -> &'a Provenance {
    let own = properties.at(path).map(|property| &property.provenance);
    own.filter(|own| own.span.is_some()).unwrap_or(&resource.provenance)
}

fn tell_open(pool: (&LogicalId, &Resource), judged: &Judgement, what: &str, sink: &mut Sink) {
    let (id, resource) = pool;
    if let Judgement::CannotTell(why) = judged {
        sink.cannot_tell(&format!("{what} by `{id}`"), why, (id, &resource.provenance));
    }
}

fn check_pool(pool: (&LogicalId, &Resource), properties: Option<&Property>, sink: &mut Sink) {
    let (id, resource) = pool;
    let policy = ["Policies", "PasswordPolicy", "MinimumLength"];
    let judged = properties.map_or(Judgement::No, |own| {
        own.judge_text(&policy, false, &|text| text.parse::<u32>().is_ok_and(|length| length < SHORTEST))
    });
    tell_open(pool, &judged, "how long passwords must be", sink);
    if may_hold(&judged) {
        let place = properties.map_or(&resource.provenance, |own| place(own, &policy, resource));
        let path = ["Properties", "Policies", "PasswordPolicy", "MinimumLength"].map(Into::into).to_vec();
        let change = Change::Set { resource: id.clone(), path, value: Literal::Number(12) };
        sink.finding(Finding {
            severity: Severity::Medium,
            title: format!("`{id}` takes passwords of fewer than {SHORTEST} characters{}", when(&judged)),
            message: "short passwords fall to guessing and to lists of leaked ones within days".to_owned(),
            label: with_origin("too short", place),
            resource: Some(id.clone()),
            fact: "short passwords".to_owned(),
            help: vec!["ask for 12 characters or more; length helps more than odd signs".to_owned()],
            fix: Some(Fix::risky("ask for 12 characters", vec![change])),
            ..sink.draft(place)
        });
    }
    let alone = properties.map_or(Judgement::Yes, |own| {
        own.judge_text(&["MfaConfiguration"], true, &|text| text.eq_ignore_ascii_case("OFF"))
    });
    let joins = properties.map_or(Judgement::Yes, |own| {
        own.judge_text(&["AdminCreateUserConfig", "AllowAdminCreateUserOnly"], true, &|text| {
            !text.eq_ignore_ascii_case("true")
        })
    });
    tell_open(pool, &alone, "whether a second factor is asked for", sink);
    if may_hold(&alone) {
        let who = if may_hold(&both(alone.clone(), joins)) { ", and anyone may sign up" } else { "" };
        sink.finding(Finding {
            severity: Severity::Low,
            title: format!("a password alone opens accounts of `{id}`{}", when(&alone)),
            message: format!(
                "no second factor is asked for or offered{who}: a password that leaked elsewhere opens accounts here"
            ),
            label: with_origin("no second factor", &resource.provenance),
            resource: Some(id.clone()),
            fact: "no second factor".to_owned(),
            help: vec!["set `MfaConfiguration: OPTIONAL` or `ON` with `EnabledMfas: [SOFTWARE_TOKEN_MFA]`".to_owned()],
            ..sink.draft(&resource.provenance)
        });
    }
}
