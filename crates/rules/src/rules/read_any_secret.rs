//! LP020: reading every stored secret or parameter.

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
        let places = LazyCell::new(|| Places::of(app));
        let mut open = BTreeSet::new();
        for holder in Holder::all(app) {
            let mut told: Vec<(*const brigandine_model::Statement, &str)> = Vec::new();
            for right in rights(&holder, READ) {
                let cause = (std::ptr::from_ref(right.statement), right.service);
                // One statement is one cause, and whoever may change them all is told so.
                if told.contains(&cause)
                    || wildcard_policy_template::fills(right.statement)
                    || holder.wide_writes().holds(right.written)
                {
                    continue;
                }
                match right.on_every_resource() {
                    // The same parameter in many roles is one open question.
                    Judgement::CannotTell(why) if open.contains(&why) => {}
                    Judgement::CannotTell(why) => {
                        let what = format!("which secrets {} may read", holder.names());
                        sink.cannot_tell(&what, &why, (&holder.resource(), &right.statement.provenance));
                        open.insert(why);
                    }
                    holds if may_hold(&holds) => {
                        told.push(cause);
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
