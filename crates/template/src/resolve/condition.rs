//! Conditions: three answers, and the third one is asked back as a case of its own.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    Resolver,
    assignment::{Assignment, Choice, Need, Variable},
    text::Text,
};
use crate::Node;

impl Resolver<'_> {
    /// Whether the named condition holds in this case.
    pub(super) fn holds(&self, name: &str, assignment: &Assignment) -> Result<bool, Need> {
        let variable = Variable::Condition(name.into());
        if let Some(Choice::Holds(holds)) = assignment.choice(&variable) {
            return Ok(*holds);
        }
        let declared = self.root.get("Conditions").and_then(|conditions| conditions.get(name));
        let decided = match declared {
            Some(node) if !self.deciding.borrow().iter().any(|open| **open == *name) => {
                self.deciding.borrow_mut().push(name.into());
                let decided = self.deeper(|| self.decide(node, assignment), || Ok(None));
                self.deciding.borrow_mut().pop();
                decided?
            }
            Some(_) => {
                self.round.borrow_mut().insert(name.into());
                None
            }
            None => None,
        };
        decided.ok_or(Need::of(variable))
    }

    /// The answer of a condition's expression; nothing when it cannot be told.
    fn decide(&self, node: &Node, assignment: &Assignment) -> Result<Option<bool>, Need> {
        let Some((name, argument)) = node.as_intrinsic() else {
            return Ok(node.as_text().and_then(super::truth));
        };
        match name {
            "Condition" => match argument.as_text() {
                Some(other) => self.deeper(|| self.holds(other, assignment).map(Some), || Ok(None)),
                None => Ok(None),
            },
            "Fn::Equals" => self.equals(argument, assignment),
            "Fn::Not" => {
                let inner = argument.as_list().and_then(<[Node]>::first).unwrap_or(argument);
                Ok(self.deeper(|| self.decide(inner, assignment), || Ok(None))?.map(|holds| !holds))
            }
            "Fn::And" => self.all(argument, assignment, true),
            "Fn::Or" => self.all(argument, assignment, false),
            _ => Ok(None),
        }
    }

    /// And and Or: the first answer that is not `neutral` decides; otherwise all must be known.
    fn all(&self, argument: &Node, assignment: &Assignment, neutral: bool) -> Result<Option<bool>, Need> {
        let mut unknown = false;
        for item in argument.as_list().unwrap_or_default() {
            match self.deeper(|| self.decide(item, assignment), || Ok(None))? {
                Some(holds) if holds != neutral => return Ok(Some(holds)),
                Some(_) => {}
                None => unknown = true,
            }
        }
        Ok(if unknown { None } else { Some(neutral) })
    }

    fn equals(&self, argument: &Node, assignment: &Assignment) -> Result<Option<bool>, Need> {
        let Some([left, right]) = argument.as_list() else { return Ok(None) };
        // What a parameter is decides here, so its default alone is no answer.
        for side in [left, right] {
            if let Some(name) = side.as_reference() {
                self.ask_parameter(name, assignment)?;
            }
        }
        let (left, right) = (self.text_in(left, assignment)?, self.text_in(right, assignment)?);
        Ok(match (&left, &right) {
            (Text::Pieces(first), Text::Pieces(second)) if first == second => Some(true),
            _ => match (left.settled(), right.settled()) {
                (Some(first), Some(second)) => Some(first == second),
                (Some(known), None) if self.is_excluded(argument, &known, assignment) => Some(false),
                (None, Some(known)) if self.is_excluded(argument, &known, assignment) => Some(false),
                _ => None,
            },
        })
    }

    /// A parameter chosen to be none of the values that matter equals none of them.
    fn is_excluded(&self, argument: &Node, known: &str, assignment: &Assignment) -> bool {
        argument.as_list().unwrap_or_default().iter().filter_map(Node::as_reference).any(|name| {
            assignment.choice(&Variable::Parameter(name.into())) == Some(&Choice::Other)
                && self.compared.get(name).is_some_and(|values| values.contains(known))
        })
    }

    fn ask_parameter(&self, name: &str, assignment: &Assignment) -> Result<(), Need> {
        let variable = Variable::Parameter(name.into());
        let open = !self.settings.parameters.contains_key(name)
            && !self.settings.platform.contains_key(name)
            && self.compared.contains_key(name)
            && assignment.choice(&variable).is_none()
            && (self.parameter(name).is_some_and(|declared| !super::text::is_looked_up(declared))
                || name.starts_with("AWS::"));
        if open { Err(Need::of(variable)) } else { Ok(()) }
    }
}

/// Which literals each parameter is compared with in conditions.
pub(super) fn compared(root: &Node) -> BTreeMap<Arc<str>, BTreeSet<Arc<str>>> {
    let mut found = BTreeMap::new();
    if let Some(conditions) = root.get("Conditions") {
        collect(conditions, &mut found);
    }
    found
}

fn collect(node: &Node, found: &mut BTreeMap<Arc<str>, BTreeSet<Arc<str>>>) {
    if let Some(("Fn::Equals", argument)) = node.as_intrinsic()
        && let Some([left, right]) = argument.as_list()
    {
        for (side, other) in [(left, right), (right, left)] {
            if let (Some(name), Some(text)) = (side.as_reference(), other.as_text()) {
                found.entry(name.into()).or_default().insert(text.into());
            }
        }
    }
    match (node.as_map(), node.as_list()) {
        (Some(map), _) => map.iter().for_each(|(_, inner)| collect(inner, found)),
        (_, Some(items)) => items.iter().for_each(|inner| collect(inner, found)),
        _ => {}
    }
}
