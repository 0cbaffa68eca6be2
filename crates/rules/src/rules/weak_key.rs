//! EN007: a key that is never replaced, or that anyone may use.

use brigandine_model::{App, Finding, Fix, Literal, Practice, Property, Provenance, RuleMeta, Severity};

use crate::{
    Context, Rule, Sink,
    case::{both, when},
    rule::meta,
    setting::{Named, ask, closed_document, is_true, means_anyone, of_kinds},
    wording::with_origin,
};

pub(crate) struct WeakKey;

const META: RuleMeta = RuleMeta {
    severity: Severity::Medium,
    practice: Practice::Encryption,
    frameworks: &["CWE-320", "KMS.4", "KMS.5", "OWASP-Serverless-S3"],
    ..meta(
        "EN007",
        "weak-key",
        "a key is never replaced, or its policy lets anyone use it",
        include_str!("../../pages/EN007-weak-key.md"),
    )
};

impl Rule for WeakKey {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for named in of_kinds(app, &["AWS::KMS::Key"]) {
            rotation(&named, sink);
            if let Some(why) = closed_document(named.at(&["KeyPolicy"])) {
                let what = format!("who may use the key `{}`", named.id);
                sink.cannot_tell(&what, why, (named.id, &named.place(&["KeyPolicy"])));
            }
            for statement in named.items(&["KeyPolicy", "Statement"]) {
                policy(&named, statement, sink);
            }
        }
    }
}

/// Only keys that the platform made, and that lock and unlock with the same key, can be replaced by it.
fn rotation(named: &Named<'_>, sink: &mut Sink) {
    let path = ["EnableKeyRotation"];
    let still = named.text(&path, true, &|text| !is_true(text));
    let symmetric = named.text(&["KeySpec"], true, &|text| text == "SYMMETRIC_DEFAULT");
    let own = named.text(&["Origin"], true, &|text| text == "AWS_KMS");
    let holds = both(still, both(symmetric, own));
    let place = named.place(&path);
    let what = format!("whether `{}` is replaced on schedule", named.id);
    sink.tell(&holds, (&what, (named.id, &place)), |sink| Finding {
        title: format!("the key `{}` is never replaced{}", named.id, when(&holds)),
        message: "the same key material locks everything for years: one leak opens all of it".to_owned(),
        label: with_origin("no rotation", &place),
        resource: Some(named.id.clone()),
        fact: "no rotation".to_owned(),
        help: vec!["set `EnableKeyRotation: true`: old data stays readable, nothing has to be changed".to_owned()],
        fix: named
            .set(&path, Literal::Flag(true))
            .map(|change| Fix::safe("replace the key material every year", vec![change])),
        ..sink.draft(&place)
    });
}

fn policy(named: &Named<'_>, statement: &Property, sink: &mut Sink) {
    let allows = ask(Some(statement), &["Effect"], false, &|text| text == "Allow");
    let open = both(allows, means_anyone(statement));
    let narrowed = statement.at(&["Condition"]).is_some_and(|condition| !condition.entries().is_empty());
    if narrowed {
        return;
    }
    let place = place(named, statement);
    let what = format!("who may use the key `{}`", named.id);
    sink.tell(&open, (&what, (named.id, &place)), |sink| Finding {
        severity: Severity::High,
        title: format!("anyone may use the key `{}`{}", named.id, when(&open)),
        message: "every account on the platform may decrypt what the key protects, as far as it gets at the data"
            .to_owned(),
        label: with_origin("anyone at all", &place),
        resource: Some(named.id.clone()),
        fact: "key open to anyone".to_owned(),
        help: vec![
            "name the account (`arn:aws:iam::${AWS::AccountId}:root`) or the roles that need the key".to_owned(),
        ],
        fix: fix(statement),
        ..sink.draft(&place)
    });
}

fn place(named: &Named<'_>, statement: &Property) -> Provenance {
    let principal = crate::setting::place_in(statement, &["Principal"]);
    principal.unwrap_or_else(|| named.place(&["KeyPolicy"]))
}

/// Whoever else used the key stops working, so a person must look.
fn fix(statement: &Property) -> Option<Fix> {
    let text = statement.at(&["Principal"]).filter(|principal| principal.known() == Some("*"));
    let account = statement.at(&["Principal", "AWS"]).filter(|principal| principal.known() == Some("*"));
    let root = Literal::map([("Fn::Sub", Literal::text("arn:${AWS::Partition}:iam::${AWS::AccountId}:root"))]);
    let (property, value) = match (text, account) {
        (Some(text), _) => (text, Literal::map([("AWS", root)])),
        (None, Some(account)) => (account, root),
        (None, None) => return None,
    };
    let change = brigandine_model::Change::Replace { span: property.provenance.span.clone()?, value };
    Some(Fix::risky("let this account use the key only", vec![change]))
}
