//! What a role lets its holder do, asked of single actions.

use brigandine_iam::{ActionPattern, ManagedClass, managed_policy};
use brigandine_model::{Effect, Fact, Judgement, Role, Statement};

use crate::{
    case::{HOLE, is, may_hold, texts},
    role::reaches_everything,
};

/// An action: the prefix of its service and its name.
pub(crate) type Act = (&'static str, &'static str);

/// An action that a role may take, and the words that let it.
#[derive(Clone)]
pub(crate) struct Power<'a> {
    /// The action.
    pub(crate) act: Act,
    /// The action or the policy as written.
    pub(crate) written: &'a Fact<String>,
    /// The statement, where the template holds it.
    pub(crate) statement: Option<&'a Statement>,
}

impl Power<'_> {
    /// The action as policies name it.
    pub(crate) fn name(&self) -> String {
        format!("{}:{}", self.act.0, self.act.1)
    }
}

/// Those of the actions that the role may take, each once, in the order asked. What only *may* be granted counts: whoever
/// decides over a case decides over an attack.
pub(crate) fn powers<'a>(role: &'a Role, wanted: &[Act]) -> Vec<Power<'a>> {
    let mut found: Vec<Power<'a>> = Vec::new();
    let mut note = |power: Power<'a>| {
        if !found.iter().any(|known| known.act == power.act) {
            found.push(power);
        }
    };
    for statement in role.statements.iter().filter(|one| may_hold(&is(&one.effect, &Effect::Allow))) {
        for written in &statement.actions {
            for act in granted(written, wanted) {
                note(Power { act, written, statement: Some(statement) });
            }
        }
    }
    for written in &role.managed {
        for act in given_by_policy(written, wanted) {
            note(Power { act, written, statement: None });
        }
    }
    found.retain(|power| !is_denied(role, power.act));
    found.sort_by_key(|power| wanted.iter().position(|act| *act == power.act));
    found
}

fn granted(written: &Fact<String>, wanted: &[Act]) -> Vec<Act> {
    let patterns: Vec<ActionPattern> = texts(&written.value).iter().filter_map(|text| text.parse().ok()).collect();
    let fits = |act: &&Act| patterns.iter().any(|pattern| pattern.matches(act.0, act.1));
    wanted.iter().filter(fits).copied().collect()
}

/// Policies of the platform that grant a whole service, or all of them.
fn given_by_policy(written: &Fact<String>, wanted: &[Act]) -> Vec<Act> {
    let broad =
        |class: ManagedClass| matches!(class, ManagedClass::Admin | ManagedClass::PowerUser | ManagedClass::FullAccess);
    let policies: Vec<_> = texts(&written.value)
        .iter()
        .filter_map(|text| managed_policy(&text.replacen(HOLE, "aws", 1)))
        .filter(|policy| broad(policy.class))
        .collect();
    let fits = |act: &&Act| {
        policies.iter().any(|policy| policy.services.iter().any(|service| service == "*" || service == act.0))
    };
    wanted.iter().filter(fits).copied().collect()
}

/// Whether another statement takes the action away again, everywhere and always.
fn is_denied(role: &Role, act: Act) -> bool {
    let denies = |statement: &Statement| {
        is(&statement.effect, &Effect::Deny) == Judgement::Yes
            && statement.conditions.is_empty()
            && reaches_everything(statement) == Judgement::Yes
            && statement.actions.iter().any(|written| !granted(written, &[act]).is_empty())
    };
    role.statements.iter().any(denies)
}
