//! LP019: decrypting with every key.

use brigandine_model::{App, Finding, Judgement, RuleMeta};

use super::wildcard_policy_template;
use crate::{
    Context, Rule, Sink,
    case::when,
    right::{Right, Wanted, WideRight},
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
        let rule = WideRight {
            wanted: DECRYPT,
            asked: |names| format!("with which keys {names} may decrypt"),
            // Everything that keys can do is told as that.
            is_told: |_, right| right.is_service_wide() || wildcard_policy_template::fills(right.statement),
            finding,
        };
        rule.check(app, sink);
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
