//! SE010: a secret that nothing ever replaces.

use brigandine_model::{App, Finding, Practice, RuleMeta, Secret, Severity};

use crate::{
    Context, Rule, Sink,
    rule::{STRICT, meta},
};

pub(crate) struct SecretWithoutRotation;

const META: RuleMeta = RuleMeta {
    severity: Severity::Low,
    practice: Practice::Secrets,
    profiles: STRICT,
    frameworks: &["CWE-262", "SecretsManager.1", "SAS-07"],
    ..meta(
        "SE010",
        "secret-without-rotation",
        "nothing replaces a stored secret on schedule",
        include_str!("../../pages/SE010-secret-without-rotation.md"),
    )
};

impl Rule for SecretWithoutRotation {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for secret in app.secrets.iter().filter(|secret| !secret.rotates) {
            let kind = app.resources.get(&secret.id).map(|resource| &*resource.kind);
            if kind == Some("AWS::SecretsManager::Secret") {
                sink.finding(finding(secret, sink));
            }
        }
    }
}

fn finding(secret: &Secret, sink: &Sink) -> Finding {
    Finding {
        title: format!("nothing replaces the secret `{}` on schedule", secret.id),
        message: "a secret that never changes is worth as much to whoever copied it years ago as on the first day".to_owned(),
        label: "no rotation schedule names it".to_owned(),
        resource: Some(secret.id.clone()),
        fact: "no rotation".to_owned(),
        help: vec![
            "add an `AWS::SecretsManager::RotationSchedule` with `RotationRules: {AutomaticallyAfterDays: 30}`; for databases the \
             platform has the function ready (`HostedRotationLambda`)"
                .to_owned(),
        ],
        ..sink.draft(&secret.provenance)
    }
}
