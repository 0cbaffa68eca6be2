//! Where a fact stands in a file, and how it came to be a fact.
//!
//! Half of what matters in a serverless template is never written by a person: it is merged from Globals, implied by an
//! event or a default of the platform. A finding must still point at the line a person can edit.

use std::sync::Arc;

use serde::Serialize;

/// A stretch of one source file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Span {
    /// The file as the user named it, relative to where the command was run when possible.
    pub file: Arc<str>,
    /// First byte, counted from 0.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// Line of the first byte, counted from 1.
    pub line: u32,
    /// Column of the first byte in characters, counted from 1.
    pub column: u32,
}

/// How a fact came about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    /// A person wrote it where it stands.
    #[default]
    Written,
    /// Merged from the template's Globals section.
    Globals,
    /// Implied by something else that was written, such as the API behind a function's event.
    Implicit,
    /// Expanded from the named policy template.
    PolicyTemplate(Arc<str>),
    /// Nobody wrote it: what the platform does by default.
    PlatformDefault,
}

/// Where a fact comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Provenance {
    /// The text a person would edit to change the fact. Absent when no text stands behind it.
    pub span: Option<Span>,
    /// How it came about.
    pub via: Via,
    /// Template parameters the value passed through, in order of first use.
    pub parameters: Vec<Arc<str>>,
}

impl Provenance {
    /// A fact written by a person at `span`.
    pub fn written(span: Span) -> Self {
        Self { span: Some(span), via: Via::Written, parameters: Vec::new() }
    }

    /// What the platform does when nothing is written; `near` is the closest text a person could add it to.
    pub fn platform_default(near: Option<Span>) -> Self {
        Self { span: near, via: Via::PlatformDefault, parameters: Vec::new() }
    }
}
