//! What people should know about how their functions run here: one line each.

use std::fmt;

use brigandine_model::LogicalId;

/// One line for people, said once at start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What it is about.
    pub kind: NoticeKind,
    /// The function, when it is about one.
    pub function: Option<LogicalId>,
    /// The line.
    pub text: String,
}

impl fmt::Display for Notice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.text)
    }
}

/// What a [`Notice`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoticeKind {
    /// Functions run without a fence.
    Unfenced,
    /// A function does not run here.
    NotRun,
    /// Another interpreter than the declared one serves.
    Substituted,
    /// The code is not built, or the build is old.
    Build,
    /// A layer is not found.
    Layer,
    /// A variable could not be given its value.
    Variable,
    /// Services a function needs and does not have here.
    Needs,
}
