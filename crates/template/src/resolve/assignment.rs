//! Assignments: which case we are in.

use std::{collections::HashSet, sync::Arc};

use brigandine_model::{Case, Fact, Value};

use super::{MOST_CASES, Resolver};
use crate::Node;

/// Something that can come out several ways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Variable {
    /// A parameter, or what the platform fills.
    Parameter(Arc<str>),
    /// A condition that cannot be decided.
    Condition(Arc<str>),
}

/// One way for a variable to come out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    Value(Arc<str>),
    /// None of the values that matter.
    Other,
    Holds(bool),
}

/// Asked for: the value depends on this.
#[derive(Debug)]
pub(super) struct Need {
    pub(super) variable: Variable,
    /// The ways it can come out here, where the place that asks knows them better than the declaration does.
    pub(super) choices: Option<Vec<Choice>>,
}

impl Need {
    pub(super) fn of(variable: Variable) -> Self {
        Self { variable, choices: None }
    }
}

/// The choices made so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Assignment(Vec<(Variable, Choice)>);

impl Assignment {
    pub(super) fn with(&self, variable: Variable, choice: Choice) -> Self {
        let mut more = self.0.clone();
        match more.iter_mut().find(|(known, _)| *known == variable) {
            Some((_, known)) => *known = choice,
            None => more.push((variable, choice)),
        }
        Self(more)
    }

    pub(super) fn choice(&self, variable: &Variable) -> Option<&Choice> {
        self.0.iter().find(|(known, _)| known == variable).map(|(_, choice)| choice)
    }

    /// For people: `Mode=wide, not IsProd`.
    pub(super) fn label(&self) -> Arc<str> {
        let words: Vec<String> = self
            .0
            .iter()
            .map(|(variable, choice)| match (variable, choice) {
                (Variable::Parameter(name), Choice::Value(value)) => format!("{name}={value}"),
                (Variable::Parameter(name), _) => format!("{name}=(other)"),
                (Variable::Condition(name), Choice::Holds(false)) => format!("not {name}"),
                (Variable::Condition(name), _) => name.to_string(),
            })
            .collect();
        words.join(", ").into()
    }
}

/// When something is the case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When(Option<Arc<str>>, Reach);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    Always,
    Sometimes,
    Never,
}

impl When {
    /// In every case.
    pub fn always() -> Self {
        Self(None, Reach::Always)
    }

    pub(super) fn unsettled() -> Self {
        Self(Some("in some case".into()), Reach::Sometimes)
    }

    pub(super) fn of(assignments: &[Assignment], total: usize) -> Self {
        if assignments.is_empty() {
            return Self(None, Reach::Never);
        }
        if assignments.len() == total {
            return Self::always();
        }
        let labels: Vec<Arc<str>> = assignments.iter().take(3).map(Assignment::label).collect();
        let more = if assignments.len() > 3 { " or others" } else { "" };
        Self(Some(format!("{}{more}", labels.join(" or ")).into()), Reach::Sometimes)
    }

    /// Whether it can never be the case.
    pub fn is_never(&self) -> bool {
        self.1 == Reach::Never
    }

    /// The case for people, where it is not every one.
    pub fn label(&self) -> Option<&Arc<str>> {
        self.0.as_ref()
    }

    /// Both at once.
    pub fn and(&self, other: &Self) -> Self {
        match (&self.0, &other.0) {
            (None, _) => other.clone(),
            (_, None) => self.clone(),
            (Some(first), Some(second)) if first == second => self.clone(),
            (Some(first), Some(second)) => Self(Some(format!("{first}, {second}").into()), Reach::Sometimes),
        }
    }

    /// A fact that holds only then: one case, so that every judgement of it names the case.
    pub fn wrap<T>(&self, fact: Fact<T>) -> Fact<T> {
        match &self.0 {
            None => fact,
            Some(when) => Fact {
                value: Value::OneOf(vec![Case { when: when.clone(), value: fact.value }]),
                provenance: fact.provenance,
            },
        }
    }
}

impl Resolver<'_> {
    /// Every way a variable can come out, the default first.
    pub(super) fn choices(&self, variable: &Variable) -> Vec<Choice> {
        match variable {
            Variable::Condition(_) => vec![Choice::Holds(true), Choice::Holds(false)],
            Variable::Parameter(name) => self.parameter_choices(name),
        }
    }

    fn parameter_choices(&self, name: &str) -> Vec<Choice> {
        let declared = self.parameter(name);
        let default = declared.and_then(|node| node.get("Default")).and_then(Node::as_text);
        let mut values: Vec<Arc<str>> = default.map(Arc::from).into_iter().collect();
        let allowed = declared.and_then(allowed_values);
        let compared = self.compared.get(name);
        match &allowed {
            Some(allowed) => values.extend(allowed.iter().cloned()),
            None => values.extend(compared.into_iter().flatten().cloned()),
        }
        let default_matters = default.is_some_and(|text| compared.is_some_and(|values| values.contains(text)));
        let mut seen = HashSet::new();
        values.retain(|value| seen.insert(value.clone()));
        // One more than is ever looked at says the same as all of them.
        values.truncate(MOST_CASES + 1);
        let mut choices: Vec<Choice> = values.into_iter().map(Choice::Value).collect();
        if allowed.is_none() && (default.is_none() || default_matters) {
            choices.push(Choice::Other);
        }
        choices
    }
}

/// The texts of `AllowedValues`, where there are any.
pub(super) fn allowed_values(parameter: &Node) -> Option<Vec<Arc<str>>> {
    let items = parameter.get("AllowedValues")?.as_list()?;
    let values: Vec<Arc<str>> = items.iter().filter_map(Node::as_text).map(Arc::from).collect();
    (!values.is_empty()).then_some(values)
}
