//! Findings for people and for machines.
//!
//! Pure: texts come in as a map, the result goes out as one text. Whatever a template says is somebody else's words: nothing
//! of it reaches a terminal as a control sequence, and what a finding marks as a secret is shown by no format.
//!
//! ```
//! use brigandine_report::{Report, Sources, summary};
//!
//! let sources = Sources::new();
//! let report = Report { templates: 1, ..Report::of(&sources) };
//! assert_eq!(summary(&report), "no findings in 1 template");
//! ```

mod concise;
mod fingerprint;
mod human;
mod json;
mod sarif;
mod summary;
mod text;

use std::{collections::BTreeMap, sync::Arc};

use brigandine_model::{Finding, RuleMeta, Suppressed, Unjudged};

pub use concise::concise;
pub use fingerprint::fingerprint;
pub use human::{Colour, Look, human};
pub use json::json;
pub use sarif::sarif;
pub use summary::summary;

/// The texts that findings point into, by the name of the file as spans name it.
pub type Sources = BTreeMap<Arc<str>, Arc<str>>;

/// What there is to tell.
#[derive(Clone, Debug)]
pub struct Report<'a> {
    /// What is wrong, in the order in which it is told.
    pub findings: &'a [Finding],
    /// What is wrong and accepted.
    pub suppressed: &'a [Suppressed],
    /// What could not be judged.
    pub unjudged: &'a [Unjudged],
    /// The rules that were asked.
    pub rules: &'a [&'static RuleMeta],
    /// The texts. A finding in a file that is not here is told without its line.
    pub sources: &'a Sources,
    /// How many templates were judged.
    pub templates: usize,
}

impl<'a> Report<'a> {
    /// A report with nothing to tell yet.
    pub fn of(sources: &'a Sources) -> Self {
        Self { findings: &[], suppressed: &[], unjudged: &[], rules: &[], sources, templates: 0 }
    }
}
