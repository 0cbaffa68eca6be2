//! LP020: reading every stored secret or parameter.

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

pub(crate) struct ReadAnySecret;

const META: RuleMeta = RuleMeta {
    frameworks: &["CWE-732", "OWASP-Serverless-S3", "OWASP-Serverless-S5", "SAS-07"],
    ..meta(
        "LP020",
        "read-any-secret",
        "a role may read every stored secret or parameter",
        include_str!("../../pages/LP020-read-any-secret.md"),
    )
};

/// That secrets are read in one call or in many takes the same right; listing their names does not show them.
const READ: Wanted = &[
    ("secretsmanager", &["GetSecretValue"]),
    ("ssm", &["GetParameter", "GetParameterHistory", "GetParameters", "GetParametersByPath"]),
];

impl Rule for ReadAnySecret {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        let rule = WideRight {
            wanted: READ,
            asked: |names| format!("which secrets {names} may read"),
            // Whoever may change them all is told so.
            is_told: |holder, right| {
                wildcard_policy_template::fills(right.statement) || holder.wide_writes().holds(right.written)
            },
            finding,
        };
        rule.check(app, sink);
    }
}

fn finding(holder: &Holder<'_>, right: &Right<'_>, holds: &Judgement, sink: &Sink) -> Finding {
    let provenance =
        kind_fact(right.statement, right.service).map_or(&right.written.provenance, |fact| &fact.provenance);
    let what = if right.service == "ssm" { "parameter" } else { "secret" };
    Finding {
        severity: holder.severity(META.severity),
        title: format!("{} may read every stored {what}{}", holder.names(), when(holds)),
        message: format!(
            "{} gives away the passwords and keys of every application in the account; {}",
            holder.weak_spot(),
            holder.because()
        ),
        label: with_origin(format!("every {what} of the account"), provenance),
        resource: Some(holder.resource()),
        fact: format!("every {what}"),
        help: vec![if right.service == "ssm" {
            "name the parameters, or the path under which the application keeps its own".to_owned()
        } else {
            "name the secret, or the prefix under which the application keeps its own".to_owned()
        }],
        ..sink.draft(provenance)
    }
}
