//! LP026: a statement whose condition is gone in some case.

use std::cell::LazyCell;

use brigandine_model::{App, Effect, Finding, Judgement, Role, RuleMeta, Statement};

use crate::{
    Context, Rule, Sink,
    case::{both, is, may_hold, texts, when},
    place::Places,
    role::{Holder, is_inverted, reaches_everything},
    rule::meta,
    wording::{list, with_origin},
};

pub(crate) struct VanishingCondition;

const META: RuleMeta = RuleMeta {
    frameworks: &["CWE-1188", "OWASP-Serverless-S6"],
    ..meta(
        "LP026",
        "vanishing-condition",
        "a statement loses its condition for some value of a parameter",
        include_str!("../../pages/LP026-vanishing-condition.md"),
    )
};

impl Rule for VanishingCondition {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        let places = LazyCell::new(|| Places::of(app));
        for holder in Holder::all(app) {
            for statement in holder.role.statements.iter().filter(|statement| matters(statement)) {
                let holds = both(is(&statement.effect, &Effect::Allow), loses(statement, &places));
                if matches!(holds, Judgement::Sometimes(_)) {
                    let what = texts_of(statement);
                    sink.finding(of_right(&holder, statement, (&what, &holds), sink));
                }
            }
            for statement in holder.role.trust.iter().filter(|statement| !statement.conditions.is_empty()) {
                let holds = both(is(&statement.effect, &Effect::Allow), loses(statement, &places));
                if matches!(holds, Judgement::Sometimes(_)) && is_for_strangers(statement) {
                    sink.finding(of_trust(holder.role, statement, &holds, sink));
                }
            }
        }
    }
}

/// Whether the condition is all that narrows the statement.
fn matters(statement: &Statement) -> bool {
    !statement.conditions.is_empty() && (is_inverted(statement) || may_hold(&reaches_everything(statement)))
}

/// In which cases nothing is left of the condition.
fn loses(statement: &Statement, places: &Places<'_>) -> Judgement {
    let Some(written) = places.statement(statement) else { return Judgement::No };
    written.judge(&["Condition"], &|condition| {
        Judgement::settled(
            condition.is_none_or(|condition| condition.text().is_none() && condition.entries().is_empty()),
        )
    })
}

fn is_for_strangers(statement: &Statement) -> bool {
    use brigandine_model::Principal::{Account, Internet};
    statement.principals.iter().any(|principal| matches!(principal, Internet | Account(_)))
}

fn texts_of(statement: &Statement) -> String {
    let actions = if statement.except_actions.is_empty() { &statement.actions } else { &statement.except_actions };
    let texts: Vec<String> = actions.iter().flat_map(|fact| texts(&fact.value)).collect();
    if statement.except_actions.is_empty() { list(&texts) } else { format!("everything but {}", list(&texts)) }
}

fn of_right(holder: &Holder<'_>, statement: &Statement, (what, holds): (&str, &Judgement), sink: &Sink) -> Finding {
    Finding {
        severity: holder.severity(META.severity),
        title: format!("{} may call {what} on every resource{}", holder.names(), when(holds)),
        message: format!(
            "the condition is all that narrows this statement, and there it is gone without a word; {}",
            holder.because()
        ),
        label: with_origin("has no condition in that case", &statement.provenance),
        resource: Some(holder.resource()),
        fact: format!("no condition on {what} in some case"),
        help: vec![HELP.to_owned()],
        ..sink.draft(&statement.provenance)
    }
}

fn of_trust(role: &Role, statement: &Statement, holds: &Judgement, sink: &Sink) -> Finding {
    Finding {
        title: format!("`{}` trusts without a condition{}", role.id, when(holds)),
        message: "the condition says who may become the role, and there it is gone without a word".to_owned(),
        label: with_origin("has no condition in that case", &statement.provenance),
        resource: Some(role.id.clone()),
        fact: "no condition on trust in some case".to_owned(),
        help: vec![HELP.to_owned()],
        ..sink.draft(&statement.provenance)
    }
}

const HELP: &str = "keep the condition in every case, and let only its values depend on the parameter";
