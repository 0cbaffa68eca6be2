//! LP019: decrypting with every key.

use std::{cell::LazyCell, collections::BTreeSet};

use brigandine_model::{App, Finding, Judgement, RuleMeta};

use super::wildcard_policy_template;
use crate::{
    Context, Rule, Sink,
    case::{may_hold, when},
    narrow,
    place::Places,
    right::{Right, Wanted, rights},
    role::{Holder, kind_fact},
    rule::meta,
    wording::with_origin,
};

pub(crate) struct DecryptWithAnyKey;

const META: RuleMeta = RuleMeta {
    frameworks: &["CWE-732", "KMS.2", "OWASP-Serverless-S3", "OWASP-Serverless-S5"],
    ..meta(
        "LP019",
        "decrypt-with-any-key",
        "a role may decrypt with every key",
        include_str!("../../pages/LP019-decrypt-with-any-key.md"),
    )
};

const DECRYPT: Wanted = &[("kms", &["Decrypt", "ReEncryptFrom"])];

impl Rule for DecryptWithAnyKey {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        let places = LazyCell::new(|| Places::of(app));
        let mut open = BTreeSet::new();
        for holder in Holder::all(app) {
            for right in rights(&holder, DECRYPT) {
                // Everything that keys can do is told as that.
                if right.is_service_wide() || wildcard_policy_template::fills(right.statement) {
                    continue;
                }
                match right.on_every_resource() {
                    // The same parameter in many roles is one open question.
                    Judgement::CannotTell(why) if open.contains(&why) => {}
                    Judgement::CannotTell(why) => {
                        let what = format!("with which keys {} may decrypt", holder.names());
                        sink.cannot_tell(&what, &why, (&holder.resource(), &right.statement.provenance));
                        open.insert(why);
                    }
                    holds if may_hold(&holds) => {
                        let fix = narrow::to_what_is_named(&holder, right.statement, &places);
                        sink.finding(Finding { fix, ..finding(&holder, &right, &holds, sink) });
                    }
                    _ => {}
                }
            }
        }
    }
}

fn finding(holder: &Holder<'_>, right: &Right<'_>, holds: &Judgement, sink: &Sink) -> Finding {
    let provenance = kind_fact(right.statement, "kms").map_or(&right.written.provenance, |fact| &fact.provenance);
    Finding {
        severity: holder.severity(META.severity),
        title: format!("{} may decrypt with every key{}", holder.names(), when(holds)),
        message: format!(
            "a key is the last lock on whatever it encrypts, and this role opens all whose own policies leave that to roles; {}",
            holder.because()
        ),
        label: with_origin("every key of the account", provenance),
        resource: Some(holder.resource()),
        fact: format!("{} on every key", right.text),
        help: vec![
            "name the key, or narrow the statement to one service with a condition on `kms:ViaService`".to_owned(),
        ],
        ..sink.draft(provenance)
    }
}
