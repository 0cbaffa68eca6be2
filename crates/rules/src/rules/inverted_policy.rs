//! LP017: an allowing statement that says what is left out.

use brigandine_iam::Pattern;
use brigandine_model::{App, Effect, Fact, Finding, Judgement, RuleMeta, Statement};

use crate::{
    Context, Rule, Sink,
    case::{HOLE, is, may_hold, texts, when},
    reach::better,
    role::{Holder, is_inverted, is_narrowed},
    rule::meta,
    wording::{list, with_origin},
};

pub(crate) struct InvertedPolicy;

const META: RuleMeta = RuleMeta {
    frameworks: &["CWE-732", "OWASP-Serverless-S5", "SAS-04"],
    ..meta(
        "LP017",
        "inverted-policy",
        "a role allows all that a statement does not name",
        include_str!("../../pages/LP017-inverted-policy.md"),
    )
};

impl Rule for InvertedPolicy {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for holder in Holder::all(app) {
            for statement in holder.role.statements.iter().filter(|statement| is_inverted(statement)) {
                match is(&statement.effect, &Effect::Allow) {
                    Judgement::No => {}
                    Judgement::CannotTell(why) => {
                        let what = format!("what {} may do", holder.names());
                        sink.cannot_tell(&what, &why, (&holder.resource(), &statement.provenance));
                    }
                    _ if is_narrowed(statement) || leaves_nothing(statement) => {}
                    holds => sink.finding(finding(&holder, statement, &holds, sink)),
                }
            }
        }
    }
}

/// Whether everything is left out, so that nothing is allowed.
fn leaves_nothing(statement: &Statement) -> bool {
    let everything = |fact: &Fact<String>| fact.value.known().is_some_and(|text| Pattern::new(text).is_everything());
    statement.except_actions.iter().chain(&statement.except_resources).any(everything)
}

fn named(facts: &[Fact<String>]) -> Vec<String> {
    facts.iter().flat_map(|fact| texts(&fact.value)).map(|text| text.replace(HOLE, "?")).collect()
}

fn finding(holder: &Holder<'_>, statement: &Statement, holds: &Judgement, sink: &Sink) -> Finding {
    let (actions, resources) = (named(&statement.except_actions), named(&statement.except_resources));
    let everything_else = !actions.is_empty();
    // A person will look for the word that turns the statement round.
    let first = if everything_else { statement.except_actions.first() } else { statement.except_resources.first() };
    let provenance =
        first.map(|fact| &fact.provenance).filter(|own| own.span.is_some()).unwrap_or(&statement.provenance);
    let (may, grows) = if everything_else {
        (format!("do everything but {}", list(&actions)), "with every new service of the platform")
    } else {
        (
            format!("call {} on everything but {}", list(&named(&statement.actions)), list(&resources)),
            "with everything that is added",
        )
    };
    let is_wide = everything_else
        || may_hold(&Judgement::settled(
            statement
                .actions
                .iter()
                .any(|fact| named(std::slice::from_ref(fact)).iter().any(|text| text.contains('*'))),
        ));
    Finding {
        severity: holder.severity(if is_wide { META.severity } else { better(META.severity) }),
        title: format!("{} may {may}{}", holder.names(), when(holds)),
        message: format!("what is not listed is allowed, and that grows {grows}; {}", holder.because()),
        label: with_origin("allows all that it does not name", provenance),
        resource: Some(holder.resource()),
        fact: format!("everything but {}", if everything_else { actions.join(" ") } else { resources.join(" ") }),
        help: vec![
            if everything_else {
                "list the actions that are needed under `Action` instead"
            } else {
                "name the resources that are needed under `Resource` instead, and deny the others in a statement of their own"
            }
            .to_owned(),
        ],
        ..sink.draft(provenance)
    }
}
