//! LP015: a role that may change identities, and so itself.

use std::cell::LazyCell;

use brigandine_model::{App, Fact, Finding, Fix, RuleMeta, Severity};

use crate::{
    Context, Rule, Sink,
    case::when,
    escalation::{gives, identity, together},
    place::Places,
    role::Holder,
    rule::meta,
    wording::{list, with_origin},
};

pub(crate) struct IdentityEscalation;

const META: RuleMeta = RuleMeta {
    severity: Severity::Critical,
    frameworks: &["CWE-269", "OWASP-Serverless-S5", "SAS-04"],
    ..meta(
        "LP015",
        "identity-escalation",
        "a role may change any identity, and so give itself every right",
        include_str!("../../pages/LP015-identity-escalation.md"),
    )
};

impl Rule for IdentityEscalation {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        let places = LazyCell::new(|| Places::of(app));
        for holder in Holder::all(app) {
            // One statement is one cause, however many of its actions do it.
            for here in identity(&holder).chunk_by(|(one, _), (other, _)| std::ptr::eq(one.statement, other.statement))
            {
                sink.finding(Finding { fix: fix(here, &places), ..finding(&holder, here, sink) });
            }
        }
    }
}

fn finding(
    holder: &Holder<'_>,
    found: &[(crate::right::Right<'_>, brigandine_model::Judgement)],
    sink: &Sink,
) -> Finding {
    let written: Vec<&str> = found.iter().map(|(right, _)| right.text.as_str()).collect();
    let Some((first, _)) = found.first() else { return sink.draft(&holder.role.provenance) };
    let provenance = &first.written.provenance;
    let by = if first.text.contains(['*', '?']) { format!(" (by `iam:{}`)", first.name) } else { String::new() };
    Finding {
        severity: holder.severity(META.severity),
        title: format!("{} may call {} on any identity{}", holder.names(), list(&written), when(&together(found))),
        message: format!("whoever breaks in {}{by} and owns the account; {}", gives(first.name), holder.because()),
        label: with_origin("gives itself every right", provenance),
        resource: Some(holder.resource()),
        fact: format!("{} on any identity", written.join(" ")),
        help: vec![
            "a function seldom needs to change identities: take the action away".to_owned(),
            "where it must: name the one role or user, and bound what it may attach with a condition on `iam:PolicyARN`"
                .to_owned(),
        ],
        ..sink.draft(provenance)
    }
}

/// Without the actions, where others are left: only a person knows whether the code misses them.
fn fix(found: &[(crate::right::Right<'_>, brigandine_model::Judgement)], places: &Places<'_>) -> Option<Fix> {
    let written: Vec<&Fact<String>> = found.iter().map(|(right, _)| right.written).collect();
    Some(Fix::risky("take the right to change identities away", places.take_away(&written)?))
}
