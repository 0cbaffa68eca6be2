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

mod climate;
mod compliance;
mod concise;
mod fingerprint;
mod github;
mod gitlab;
mod human;
mod json;
mod junit;
mod past;
mod safe;
mod sarif;
mod summary;
mod text;

use std::{collections::BTreeMap, sync::Arc};

use brigandine_model::{Finding, RuleMeta, Suppressed, Unjudged};

pub use climate::climate;
pub use compliance::{Control, compliance, compliance_json};
pub use concise::concise;
pub use fingerprint::{fingerprint, identity};
pub use github::github;
pub use gitlab::{Scan, gitlab};
pub use human::{Colour, Look, human};
pub use json::json;
pub use junit::junit;
pub use past::{Gone, Past};
pub use sarif::sarif;
pub use summary::summary;

/// The texts that findings point into, by the name of the file as spans name it.
pub type Sources = BTreeMap<Arc<str>, Arc<str>>;

/// The environments in which alone a finding was made, by its [`identity`].
pub type OnlyIn = BTreeMap<String, Vec<Arc<str>>>;

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
    /// The names of the templates that were judged, where a format is to show the clean ones too.
    pub files: &'a [Arc<str>],
    /// Templates that could not be read: nothing is said of them, and no format may look as if they were clean.
    pub unread: &'a [Unread],
    /// What an earlier run knew, where this one is compared with it: then only what is new counts.
    pub past: Option<&'a Past>,
    /// What holds in some environments only, where several were judged.
    pub only_in: Option<&'a OnlyIn>,
}

/// A template that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The template as the user named it.
    pub file: String,
    /// Line and column, where there is a place.
    pub place: Option<(u32, u32)>,
    /// Why, one sentence.
    pub what: String,
}

impl<'a> Report<'a> {
    /// A report with nothing to tell yet.
    pub fn of(sources: &'a Sources) -> Self {
        Self {
            findings: &[],
            suppressed: &[],
            unjudged: &[],
            rules: &[],
            sources,
            templates: 0,
            files: &[],
            unread: &[],
            past: None,
            only_in: None,
        }
    }

    /// Whether an earlier run knew the finding already.
    pub fn is_known(&self, finding: &Finding) -> bool {
        self.past.is_some_and(|past| past.knows(finding))
    }

    /// What is wrong and was not known before: everything, where nothing is compared.
    pub fn news(&self) -> impl Iterator<Item = &'a Finding> + '_ {
        self.findings.iter().filter(|finding| !self.is_known(finding))
    }

    /// The environments in which alone the finding was made; none where it holds in all.
    pub(crate) fn environments(&self, finding: &Finding) -> &'a [Arc<str>] {
        self.only_in.and_then(|only_in| only_in.get(&identity(finding))).map_or(&[], Vec::as_slice)
    }
}
