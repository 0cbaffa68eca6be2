//! A rule as read, before updates are applied to it.

use std::sync::Arc;

use crate::operator::{Operator, OperatorError};
use crate::seclang::Directive;
use crate::seclang::action::Actions;
use crate::seclang::target::{Target, Targets};
use crate::seclang::template::{self, Template};
use crate::sources::{self, Sources};
use crate::{Error, Place};

/// A rule with its chain.
pub(super) struct Draft {
    pub(super) place: Place,
    pub(super) phase: u8,
    /// What `block` and silence mean in its phase.
    pub(super) default: Arc<Actions>,
    pub(super) links: Vec<DraftLink>,
}

/// One link of the chain.
pub(super) struct DraftLink {
    place: Option<Place>,
    pub(super) targets: Targets,
    pub(super) name: String,
    pub(super) argument: String,
    pub(super) negated: bool,
    pub(super) template: Option<Template>,
    /// `None` until compiled, and for a rule that always matches.
    pub(super) operator: Option<Operator>,
    pub(super) actions: Actions,
}

impl DraftLink {
    /// A link that always matches.
    pub(super) fn unconditional(actions: Actions) -> Self {
        Self {
            place: None,
            targets: Targets::default(),
            name: String::new(),
            argument: String::new(),
            negated: false,
            template: None,
            operator: None,
            actions,
        }
    }

    pub(super) fn new(directive: &Directive, targets: Targets, operator: &str, actions: Actions) -> Self {
        let text = operator.trim_start();
        let (negated, text) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest.trim_start()));
        let (name, argument) = match text.strip_prefix('@') {
            Some(named) => named.split_once(char::is_whitespace).unwrap_or((named, "")),
            None => ("rx", text),
        };
        let argument = if text.starts_with('@') { argument.trim_start() } else { argument };
        Self {
            place: Some(directive.place.clone()),
            targets,
            name: name.to_owned(),
            argument: argument.to_owned(),
            negated,
            ..Self::unconditional(actions)
        }
    }

    /// Compiles the operator; `None` when a file it needs is missing.
    pub(super) fn compile(
        mut self,
        sources: &Sources,
        missing: &mut Vec<String>,
        notes: &mut Vec<String>,
    ) -> Result<Option<Self>, Error> {
        let Some(place) = self.place.clone() else { return Ok(Some(self)) };
        let at = |reason: String| Error::Rule { place: place.clone(), reason };
        if template::has_macro(&self.argument) {
            self.template = Some(Template::parse(&self.argument).map_err(at)?);
        }
        let files = |path: &str| sources.resolve(&place.file, path).map(|(_, bytes)| bytes.to_vec());
        match Operator::compile(&self.name, self.argument.as_bytes(), &files) {
            Ok(operator) => {
                if operator.is_inactive() {
                    notes.push(format!("{place}: `@{}` needs what lies outside a request and never matches", self.name));
                }
                self.operator = Some(operator);
                Ok(Some(self))
            }
            Err(OperatorError::MissingFile { path, .. }) => {
                missing.push(sources::join(&place.file, &path));
                Ok(None)
            }
            Err(error) => Err(at(error.to_string())),
        }
    }

    /// Adds to the targets, or takes from them.
    pub(super) fn retarget(&mut self, update: &Targets) {
        let add = |list: &mut Vec<Target>, more: &[Target]| {
            for target in more {
                if !list.contains(target) {
                    list.push(target.clone());
                }
            }
        };
        add(&mut self.targets.included, &update.included);
        add(&mut self.targets.excluded, &update.excluded);
    }
}

/// Lets an update win over what a rule says itself.
pub(super) fn merge(actions: &mut Actions, update: &Actions) {
    fn replace<T: Clone>(old: &mut Option<T>, new: &Option<T>) {
        if new.is_some() {
            old.clone_from(new);
        }
    }
    replace(&mut actions.message, &update.message);
    replace(&mut actions.data, &update.data);
    replace(&mut actions.severity, &update.severity);
    replace(&mut actions.disruptive, &update.disruptive);
    replace(&mut actions.status, &update.status);
    replace(&mut actions.skip, &update.skip);
    replace(&mut actions.log, &update.log);
    replace(&mut actions.audit, &update.audit);
    replace(&mut actions.session, &update.session);
    replace(&mut actions.user, &update.user);
    actions.capture |= update.capture;
    actions.multi_match |= update.multi_match;
    if update.restart || !update.transformations.is_empty() {
        actions.restart |= update.restart;
        actions.transformations.clone_from(&update.transformations);
    }
    actions.tags.extend_from_slice(&update.tags);
    actions.tag_texts.extend_from_slice(&update.tag_texts);
    actions.set.extend_from_slice(&update.set);
    actions.expire.extend_from_slice(&update.expire);
    actions.control.extend_from_slice(&update.control);
}
