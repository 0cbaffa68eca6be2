//! SE008: one secret in the hands of several functions.

use brigandine_model::{App, Finding, Function, LogicalId, Practice, RuleMeta, Severity};

use crate::{
    Context, Rule, Sink,
    rule::{STRICT, meta},
    secret::dynamic_references,
    stored_secret::{Reads, StoredSecret},
    wording::list,
};

pub(crate) struct SharedSecret;

const META: RuleMeta = RuleMeta {
    severity: Severity::Low,
    practice: Practice::Secrets,
    profiles: STRICT,
    frameworks: &["CWE-653", "OWASP-Serverless-S3", "SAS-07"],
    ..meta(
        "SE008",
        "shared-secret",
        "several functions hold the same secret",
        include_str!("../../pages/SE008-shared-secret.md"),
    )
};

impl Rule for SharedSecret {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for secret in StoredSecret::all(app) {
            let holders: Vec<LogicalId> = app
                .functions
                .iter()
                .filter(|function| holds(app, &secret, function))
                .map(|function| function.id.clone())
                .collect();
            if holders.len() > 1 {
                sink.finding(finding(&secret, &holders, sink));
            }
        }
    }
}

/// By name: who may read every secret is another rule's.
fn holds(app: &App, secret: &StoredSecret<'_>, function: &Function) -> bool {
    let role = function.role.as_ref().and_then(|role| app.role(role));
    let reads = role.is_some_and(|role| matches!(secret.reads(role), Reads::ByName(_)));
    let copied = function.environment.iter().any(|variable| {
        let mut references = dynamic_references(&variable.value.value).into_iter();
        references.any(|one| one.is_secret() && one.resource.as_ref() == Some(secret.id))
    });
    reads || copied
}

fn finding(secret: &StoredSecret<'_>, holders: &[LogicalId], sink: &Sink) -> Finding {
    Finding {
        title: format!("{} hold the same secret `{}`", list(holders), secret.id),
        message: "whoever takes over one of them has what the secret opens for all, and the far side cannot tell them apart"
            .to_owned(),
        label: format!("held by {} functions", holders.len()),
        resource: Some(secret.id.clone()),
        fact: "shared".to_owned(),
        help: vec![
            "give each function a secret of its own, with the rights it needs on the far side; or let one function do the talking"
                .to_owned(),
        ],
        ..sink.draft(secret.provenance)
    }
}
