//! What an earlier run knew.

use std::collections::BTreeSet;

use brigandine_model::Finding;

use crate::identity;

/// What an earlier run knew, and what of it is gone.
#[derive(Clone, Debug, Default)]
pub struct Past {
    /// The identities of the findings of then.
    pub known: BTreeSet<String>,
    /// What was found then and is not found now.
    pub gone: Vec<Gone>,
}

/// A finding of an earlier run that is not made any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone {
    /// The rule.
    pub code: String,
    /// The fault in one clause.
    pub title: String,
    /// The template.
    pub file: String,
    /// The resource.
    pub resource: Option<String>,
    /// What made it the same finding from run to run.
    pub fingerprint: String,
}

impl Past {
    /// Whether the finding was made then.
    pub fn knows(&self, finding: &Finding) -> bool {
        self.known.contains(&identity(finding))
    }
}
