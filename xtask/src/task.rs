//! What a task is: a name, what it is for, and the function that does it.

use anyhow::Result;

/// One developer task.
pub(crate) struct Task {
    /// The word after `cargo xtask`.
    pub(crate) name: &'static str,
    /// One line for the list of tasks.
    pub(crate) summary: &'static str,
    /// Invocations worth copying, each with what it does.
    pub(crate) examples: &'static [(&'static str, &'static str)],
    /// Does the task with the words after its name.
    pub(crate) run: fn(&[String]) -> Result<Outcome>,
}

/// How a task that could do its job ended; a task that could not returns an error instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Everything holds: exit code 0.
    Passed,
    /// Something checked does not hold: exit code 1.
    Failed,
}

impl Outcome {
    /// `Passed` when nothing was found wrong.
    pub(crate) fn passed_if(holds: bool) -> Self {
        if holds { Self::Passed } else { Self::Failed }
    }
}
