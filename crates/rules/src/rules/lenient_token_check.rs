//! AP008: tokens that were issued for somebody else, or by somebody else, are let in.

use brigandine_model::{
    Api, App, Authentication, Authorizer, AuthorizerKind, Finding, Judgement, LogicalId, Practice, Provenance,
    RuleMeta, Value,
};

use crate::{
    Context, Rule, Sink,
    case::{ask_text, may_hold, when},
    door::routes_of,
    rule::meta,
    wording::with_origin,
};

pub(crate) struct LenientTokenCheck;

const META: RuleMeta = RuleMeta {
    practice: Practice::ApisAndEvents,
    frameworks: &["CWE-287", "OWASP-Serverless-S2", "SAS-02"],
    ..meta(
        "AP008",
        "lenient-token-check",
        "a token authorizer lets in tokens that were meant for others, or whose issuer can be forged",
        include_str!("../../pages/AP008-lenient-token-check.md"),
    )
};

impl Rule for LenientTokenCheck {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for api in &app.apis {
            for authorizer in api.authorizers.values().filter(|one| is_used(app, api, one)) {
                // A user pool vouches for its own tokens only; it names no audience.
                if let (AuthorizerKind::Token { issuer, audience, .. }, "jwt") = (&authorizer.kind, &*authorizer.label)
                {
                    check_issuer((api, authorizer), (issuer, place_of(app, authorizer)), sink);
                    if audience.is_empty() {
                        let finding = without_audience((api, authorizer), place_of(app, authorizer), sink);
                        sink.finding(finding);
                    }
                }
            }
        }
    }
}

/// Whether a route, or every route, asks this authorizer.
pub(super) fn is_used(app: &App, api: &Api, authorizer: &Authorizer) -> bool {
    let named =
        |own: &&Authentication| matches!(own, Authentication::Authorizer { name, .. } if *name == authorizer.name);
    routes_of(app, api).any(|route| route.authentication.value.settled().iter().any(named))
}

/// An authorizer that is a resource of its own is best known by its name.
pub(super) fn place_of<'a>(app: &'a App, authorizer: &'a Authorizer) -> &'a Provenance {
    let own = app.resources.get(&LogicalId::new(authorizer.name.clone()));
    let own = own.filter(|resource| resource.kind.ends_with("::Authorizer"));
    own.map_or(&authorizer.provenance, |resource| &resource.provenance)
}

fn check_issuer(place: (&Api, &Authorizer), written: (&Value<String>, &Provenance), sink: &mut Sink) {
    let (api, authorizer) = place;
    let (issuer, provenance) = written;
    let clear = ask_text(issuer, &|text| text.to_ascii_lowercase().starts_with("http://"));
    let wild = ask_text(issuer, &|text| text.contains('*'));
    let (holds, what, follows) = if may_hold(&clear) {
        (clear, "over plain HTTP", "whoever stands between can hand out keys of their own and sign any token with them")
    } else if may_hold(&wild) {
        (wild, "by a pattern", "whoever can register a name that fits the pattern can sign any token")
    } else {
        if let Judgement::CannotTell(why) = clear {
            let what = format!("the issuer of `{}`", authorizer.name);
            sink.cannot_tell(&what, &why, (&api.id, provenance));
        }
        return;
    };
    sink.finding(Finding {
        title: format!("`{}` of `{}` knows its issuer {what}{}", authorizer.name, api.id, when(&holds)),
        message: format!("the keys that prove a token come from its issuer: {follows}"),
        label: with_origin("an issuer that can be forged", provenance),
        resource: Some(api.id.clone()),
        fact: format!("{} issuer {what}", authorizer.name),
        help: vec!["name the one issuer by its full `https://` address".to_owned()],
        ..sink.draft(provenance)
    });
}

fn without_audience(place: (&Api, &Authorizer), provenance: &Provenance, sink: &Sink) -> Finding {
    let (api, authorizer) = place;
    Finding {
        title: format!("`{}` of `{}` takes tokens for any audience", authorizer.name, api.id),
        message: "a token that the same issuer gave to another application opens this API as well: nobody asks for whom it was \
                  meant"
            .to_owned(),
        label: with_origin("names no audience", provenance),
        resource: Some(api.id.clone()),
        fact: format!("{} any audience", authorizer.name),
        help: vec!["list the ids of your own clients under `audience`".to_owned()],
        ..sink.draft(provenance)
    }
}
