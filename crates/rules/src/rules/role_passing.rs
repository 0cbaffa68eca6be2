//! LP013: any role may be handed to something new that runs code with it.

use brigandine_model::{App, Finding, RuleMeta, Severity};

use crate::{
    Context, Rule, Sink,
    case::when,
    escalation::{Passing, passing},
    role::Holder,
    rule::meta,
    wording::with_origin,
};

pub(crate) struct RolePassing;

const META: RuleMeta = RuleMeta {
    severity: Severity::Critical,
    frameworks: &["CWE-269", "OWASP-Serverless-S5", "SAS-04"],
    ..meta(
        "LP013",
        "role-passing",
        "a role may hand any role to something new that runs code",
        include_str!("../../pages/LP013-role-passing.md"),
    )
};

impl Rule for RolePassing {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for holder in Holder::all(app) {
            if let Some(passing) = passing(&holder) {
                let finding = finding(&holder, &passing, sink);
                sink.finding(finding);
            }
        }
    }
}

fn finding(holder: &Holder<'_>, passing: &Passing<'_>, sink: &Sink) -> Finding {
    let provenance = &passing.pass.written.provenance;
    let maker = format!("{}:{}", passing.maker.service, passing.maker.name);
    let made_here = passing.maker.written.provenance.span.clone();
    let other_line = made_here.filter(|span| provenance.span.as_ref().is_some_and(|own| own.line != span.line));
    Finding {
        severity: holder.severity(META.severity),
        title: format!("{} may hand any role to something it makes{}", holder.names(), when(&passing.holds)),
        message: format!(
            "with `{}` on every role and `{maker}`, whoever breaks in starts something of theirs with the strongest role of \
             the account; {}",
            passing.pass.text,
            holder.because()
        ),
        label: with_origin("may hand over every role", provenance),
        related: other_line.map(|span| (span, "makes something that runs with it".to_owned())).into_iter().collect(),
        resource: Some(holder.resource()),
        fact: format!("{} with {maker}", passing.pass.text),
        help: vec![
            "name the one role that is handed over as the resource of `iam:PassRole`".to_owned(),
            "and name the service that gets it with a condition on `iam:PassedToService`".to_owned(),
        ],
        ..sink.draft(provenance)
    }
}
