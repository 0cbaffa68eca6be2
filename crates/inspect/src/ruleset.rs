//! Rules as loaded: immutable, shared by all requests.

mod build;
mod options;
pub(crate) mod rule;

use std::collections::HashMap;
use std::sync::Arc;

use crate::plan::Plan;
use crate::seclang::action::Engine;
use crate::strings::{StringId, Strings};
use crate::variable::Variable;
use crate::{Error, Sources};

pub(crate) use options::Options;
use rule::Rule;
pub(crate) use rule::{Control, Link, Part, Probe, RuleBits, Test, Text};

/// What to load, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// Files and texts, one after another as if they were one file.
    pub parts: Vec<RulePart>,
}

/// One part of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RulePart {
    /// A file, or a pattern such as `rules/*.conf` whose files are taken in order of their names.
    File(String),
    /// Directives given directly.
    Text {
        /// What errors call it.
        name: String,
        /// The directives.
        text: String,
    },
}

impl Configuration {
    /// A configuration of files only.
    pub fn files<I: IntoIterator<Item = S>, S: Into<String>>(paths: I) -> Self {
        Self { parts: paths.into_iter().map(|path| RulePart::File(path.into())).collect() }
    }

    /// Adds directives given directly.
    #[must_use]
    pub fn with_text(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.parts.push(RulePart::Text { name: name.into(), text: text.into() });
        self
    }
}

/// A compiled set of rules. Immutable; share it between threads in an [`Arc`].
#[derive(Debug)]
pub struct RuleSet {
    pub(crate) rules: Vec<Rule>,
    /// Rules by phase, as indices; phase 0 is empty.
    pub(crate) phases: [Vec<u32>; 6],
    pub(crate) options: Options,
    /// Texts every request starts with: the names of the slots.
    pub(crate) base: Strings,
    /// Names of TX members that rules mention, by slot; the first ten are the captures.
    pub(crate) slot_names: Vec<StringId>,
    pub(crate) slot_of: HashMap<Arc<[u8]>, u16>,
    /// Variables that rules mention.
    pub(crate) used: [bool; Variable::COUNT],
    pub(crate) plan: Plan,
    notes: Vec<String>,
}

impl RuleSet {
    /// Compiles rules.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] names all files that are needed and were not given; other errors name the place of the first mistake.
    pub fn load(configuration: &Configuration, sources: &Sources) -> Result<Self, Error> {
        build::load(configuration, sources)
    }

    /// Builds the programs of all patterns now rather than when a request first needs them.
    ///
    /// It takes milliseconds for the built-in rules and about a second of one core for the Core Rule Set, so that it belongs on a
    /// thread of its own; requests may be inspected meanwhile, and wait only for a program that is being built.
    pub fn warm(&self) {
        let links = self.rules.iter().flat_map(|rule| &rule.links);
        links.filter_map(|link| link.test.as_ref()).for_each(|test| test.operator.warm());
    }

    /// How many rules there are, chains counted once.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether any rule looks at answers.
    pub fn looks_at_answers(&self) -> bool {
        self.phases.iter().skip(3).take(2).any(|phase| !phase.is_empty())
    }

    /// The mode the rules ask for; [`crate::Settings::engine`] overrides it.
    pub fn engine(&self) -> Engine {
        self.options.engine
    }

    /// What works otherwise than its author may expect: operators that need a network, for instance.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The ids of all rules in order; 0 for a rule without one.
    pub fn ids(&self) -> impl Iterator<Item = u64> {
        self.rules.iter().map(|rule| rule.id)
    }
}
