//! SE006: a function that may read a secret whose name it cannot know.

use brigandine_model::{App, Finding, Function, Package, Practice, Provenance, RuleMeta, Severity, Statement};

use crate::{
    Context, Rule, Sink,
    reach::Reach,
    rule::meta,
    stored_secret::{Reads, StoredSecret},
    wording::{list, with_origin},
};

pub(crate) struct UnusedSecretGrant;

const META: RuleMeta = RuleMeta {
    severity: Severity::Medium,
    practice: Practice::Secrets,
    frameworks: &["CWE-272", "OWASP-Serverless-S3", "SAS-07"],
    ..meta(
        "SE006",
        "unused-secret-grant",
        "a function may read a secret that nothing of it names",
        include_str!("../../pages/SE006-unused-secret-grant.md"),
    )
};

impl Rule for UnusedSecretGrant {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for secret in StoredSecret::all(app) {
            if secret.is_handed_on(app) {
                continue;
            }
            for role in &app.roles {
                let Reads::ByName(statement) = secret.reads(role) else { continue };
                let idle: Vec<&Function> =
                    app.functions_with_role(&role.id).filter(|function| is_idle(app, &secret, function)).collect();
                if !idle.is_empty() {
                    let finding = finding(app, (&secret, statement), &idle, sink);
                    sink.finding(finding);
                }
            }
        }
    }
}

/// A name that the platform makes up must be handed to the code; a name that is settled may stand in code nobody showed us.
fn is_idle(app: &App, secret: &StoredSecret<'_>, function: &Function) -> bool {
    let visible = secret.has_made_up_name() || matches!(function.package, Package::Inline(_));
    // Rotation hands the name of the secret over with every call.
    let is_called_with_it = app.sources_of(&function.id).any(|source| {
        matches!(&source.kind, brigandine_model::SourceKind::Other(kind) if matches!(&**kind, "secret rotation" | "custom resource"))
    });
    visible && !is_called_with_it && !secret.is_named_by(app, function)
}

fn finding(app: &App, found: (&StoredSecret<'_>, &Statement), idle: &[&Function], sink: &Sink) -> Finding {
    let (secret, statement) = found;
    let ids: Vec<_> = idle.iter().map(|function| function.id.clone()).collect();
    let reach = Reach::nearest(app, idle.iter().copied());
    let related = secret.provenance.span.clone().map(|span| (span, "the secret".to_owned()));
    let provenance: &Provenance = &statement.provenance;
    Finding {
        severity: reach.moves(META.severity),
        title: format!("{} may read the secret `{}` but never names it", list(&ids), secret.id),
        message: format!("a right nobody uses is one that only an intruder will use; {}", reach.because()),
        label: with_origin("grants a secret that is not used", provenance),
        related: related.into_iter().collect(),
        resource: ids.first().cloned(),
        also: ids.iter().skip(1).cloned().collect(),
        fact: format!("unused grant of {}", secret.id),
        help: vec![format!("take the grant away, or hand the name of `{}` to the function that reads it", secret.id)],
        ..sink.draft(provenance)
    }
}
