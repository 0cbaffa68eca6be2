//! LP001: a role that allows everything on everything.

use std::collections::BTreeSet;

use brigandine_model::{App, Effect, Finding, Judgement, Role, RuleMeta, Severity, Statement};

use crate::{
    Context, Rule, Sink,
    case::{any, both, is, may_hold, when},
    role::{Holder, first_where, is_every_action, is_narrowed, reaches_everything},
    rule::meta,
    wording::with_origin,
};

pub(crate) struct AnyActionAnyResource;

const META: RuleMeta = RuleMeta {
    severity: Severity::Critical,
    frameworks: &["CWE-250", "IAM.1", "OWASP-Serverless-S5", "SAS-04"],
    ..meta(
        "LP001",
        "any-action-any-resource",
        "a role allows every action on every resource",
        include_str!("../../pages/LP001-any-action-any-resource.md"),
    )
};

impl Rule for AnyActionAnyResource {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        note_foreign_roles(app, sink);
        for holder in Holder::all(app) {
            for statement in &holder.role.statements {
                match judge(statement) {
                    Judgement::No => {}
                    Judgement::CannotTell(why) => {
                        let what = format!("what {} may do", holder.names());
                        sink.cannot_tell(&what, &why, (&holder.resource(), &statement.provenance));
                    }
                    holds => sink.finding(finding(&holder, statement, &holds, sink)),
                }
            }
        }
    }
}

/// A role that another template declares may allow anything.
fn note_foreign_roles(app: &App, sink: &mut Sink) {
    let mut known = BTreeSet::new();
    for function in &app.functions {
        let Some(role) = &function.foreign_role else { continue };
        if role.provenance.span.is_none() || known.insert(&role.provenance.span) {
            let what = format!("what `{}` may do", function.id);
            sink.cannot_tell(&what, "its role is kept outside of the template", (&function.id, &role.provenance));
        }
    }
}

/// Whether the role surely allows everything on everything. What else it reaches needs no further word then.
pub(super) fn is_almighty(role: &Role) -> bool {
    role.statements.iter().any(|statement| judge(statement) == Judgement::Yes)
}

/// Whether the statement allows everything on everything.
pub(crate) fn judge(statement: &Statement) -> Judgement {
    if is_narrowed(statement) {
        return Judgement::No;
    }
    let everything = any(statement.actions.iter().map(is_every_action));
    both(is(&statement.effect, &Effect::Allow), both(everything, reaches_everything(statement)))
}

fn finding(holder: &Holder<'_>, statement: &Statement, holds: &Judgement, sink: &Sink) -> Finding {
    let action = first_where(&statement.actions, is_every_action);
    let provenance = action.map_or(&statement.provenance, |fact| &fact.provenance);
    let resource = statement.resources.first().and_then(|fact| fact.provenance.span.clone());
    let also = resource.filter(|span| provenance.span.as_ref().is_some_and(|own| own.line != span.line));
    debug_assert!(may_hold(holds), "a finding holds in some case");
    let how = if holder.functions.is_empty() {
        format!("whoever gets hold of {} owns", holder.names())
    } else {
        format!("whoever gets {} to run one line of theirs owns", holder.names())
    };
    Finding {
        severity: holder.severity(META.severity),
        title: format!("{} may do anything to everything in the account{}", holder.names(), when(holds)),
        message: format!("{how} the account: every action is allowed on every resource; {}", holder.because()),
        label: with_origin("every action of every service", provenance),
        related: also.map(|span| (span, "on every resource".to_owned())).into_iter().collect(),
        resource: Some(holder.resource()),
        fact: "every action on every resource".to_owned(),
        help: vec!["name the actions the code calls and the resources it calls them on".to_owned()],
        ..sink.draft(provenance)
    }
}
