//! What an observer is told of an inspection, step by step; `explain` lives on it.

use std::fmt;

/// A step of an inspection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note<'a> {
    /// A link of a rule starts.
    Link {
        /// The rule's id.
        rule: u64,
        /// 0 for the rule itself, 1 for the first link of its chain.
        link: usize,
        /// The operator, `None` for a rule that always matches.
        operator: Option<&'a str>,
        /// Its argument, filled in.
        argument: &'a [u8],
        /// The names of the variables it looks at.
        variables: &'a str,
    },
    /// A value is looked at.
    Value {
        /// Its variable, `ARGS:name`.
        variable: &'a str,
        /// The value after transformations.
        value: &'a [u8],
    },
    /// A transformation was applied.
    Transformed {
        /// Its name as the engine calls it.
        name: &'a str,
        /// What came out.
        value: &'a [u8],
    },
    /// A link ended.
    Returned {
        /// Whether any value matched.
        matched: bool,
    },
    /// A group was captured.
    Captured {
        /// Its number.
        group: usize,
        /// Its text.
        text: &'a [u8],
    },
    /// A variable was set.
    Set {
        /// Its name, `TX:score`.
        variable: &'a str,
        /// Its value, `None` when removed.
        value: Option<&'a [u8]>,
    },
    /// A matching rule is reported.
    Reported {
        /// The rule's id.
        rule: u64,
        /// Its message.
        message: &'a str,
        /// Its tags.
        tags: &'a [String],
    },
    /// A full match decides, or would.
    Decided {
        /// The rule's id.
        rule: u64,
        /// `deny` or `allow`.
        action: &'a str,
        /// Whether it is carried out.
        enforced: bool,
    },
    /// A rule was left out.
    Skipped {
        /// Its id.
        rule: u64,
        /// Whether an exclusion removed it.
        removed: bool,
    },
    /// The answer's body is not looked at, since its type is not among those to be looked at.
    BodyNotInspected {
        /// Its type.
        content_type: &'a [u8],
    },
    /// Arguments over the limit were not taken.
    ArgumentLimit,
}

/// Whoever watches an inspection.
pub(crate) struct Observer<'r>(pub(crate) &'r mut (dyn FnMut(&Note<'_>) + Send));

impl fmt::Debug for Observer<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Observer")
    }
}
