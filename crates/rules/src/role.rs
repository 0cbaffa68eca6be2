//! Questions about roles and their statements that several rules ask.

use brigandine_iam::{ActionPattern, ResourcePattern, narrows_resources};
use brigandine_model::{App, Fact, Function, Judgement, LogicalId, Role, Severity, Statement, Via};

use crate::{
    case::{any, ask_text},
    reach::{Reach, better},
    wording::list,
};

/// A role together with those who run with it.
pub(crate) struct Holder<'a> {
    pub(crate) role: &'a Role,
    functions: Vec<&'a Function>,
    reach: Reach,
}

impl<'a> Holder<'a> {
    /// Every role of the application.
    pub(crate) fn all(app: &'a App) -> impl Iterator<Item = Self> {
        app.roles.iter().map(|role| {
            let functions: Vec<_> = app.functions_with_role(&role.id).collect();
            let reach = Reach::nearest(app, functions.iter().copied());
            Self { role, functions, reach }
        })
    }

    /// Who may do it: the functions, or the role itself where none of this template runs with it.
    pub(crate) fn names(&self) -> String {
        let ids: Vec<&LogicalId> = self.functions.iter().map(|function| &function.id).collect();
        if ids.is_empty() { format!("`{}`", self.role.id) } else { list(&ids) }
    }

    /// What a person would look for: the function that implies the role, or else the role.
    pub(crate) fn resource(&self) -> LogicalId {
        match self.functions.as_slice() {
            [only] if self.role.provenance.via == Via::Implicit => only.id.clone(),
            _ => self.role.id.clone(),
        }
    }

    /// The severity here: nearer strangers make it worse, a boundary around the role makes it better.
    pub(crate) fn severity(&self, base: Severity) -> Severity {
        let moved = self.reach.moves(base);
        if self.role.boundary.is_some() { better(moved) } else { moved }
    }

    /// Why the severity is what it is, as a last clause.
    pub(crate) fn because(&self) -> String {
        let bounded = if self.role.boundary.is_some() { ", a permissions boundary bounds it" } else { "" };
        format!("{}{bounded}", self.reach.because())
    }
}

/// Whether a fact of actions means every action there is.
pub(crate) fn is_every_action(action: &Fact<String>) -> Judgement {
    ask_text(&action.value, &|text| text.parse::<ActionPattern>().is_ok_and(|pattern| pattern.covers_every_action()))
}

/// Whether a statement reaches every resource of every service.
pub(crate) fn reaches_everything(statement: &Statement) -> Judgement {
    let everything = |text: &str| {
        // `arn:*:*:*:*:*` is the long way to say the same.
        ["s3", "iam", "dynamodb"].iter().all(|service| ResourcePattern::new(text).covers_service(service))
    };
    any(statement.resources.iter().map(|resource| ask_text(&resource.value, &everything)))
}

/// Whether the statement holds only for some resources because of a condition.
pub(crate) fn is_narrowed(statement: &Statement) -> bool {
    statement.conditions.iter().any(|condition| narrows_resources(&condition.key))
}

/// The first of the facts for which the question may be answered with yes, for a place to point at.
pub(crate) fn first_where(
    facts: &[Fact<String>],
    question: impl Fn(&Fact<String>) -> Judgement,
) -> Option<&Fact<String>> {
    facts.iter().find(|fact| crate::case::may_hold(&question(fact)))
}
