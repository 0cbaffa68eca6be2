//! What can be wrong with rules.

use std::fmt;
use std::sync::Arc;

/// Where a directive starts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The file as the rules name it.
    pub file: Arc<str>,
    /// The line, from one.
    pub line: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.file, self.line)
    }
}

/// Why rules could not be loaded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Files that rules name and that were not handed in: read them, add them, and load again.
    #[error("rules need files that were not given: {}", .0.join(", "))]
    Missing(Vec<String>),
    /// A directive that cannot be understood; the rules are to be corrected.
    #[error("{place}: {reason}")]
    Rule {
        /// Where.
        place: Place,
        /// What is wrong with it.
        reason: String,
    },
    /// An operator whose name or argument is wrong, before its place is known.
    #[error("operator `{operator}`: {reason}")]
    Operator {
        /// Its name as written.
        operator: String,
        /// What is wrong with it.
        reason: String,
    },
}
