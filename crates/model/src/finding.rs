//! Findings, the rules behind them, and fixes.

use std::{fmt, sync::Arc};

use serde::Serialize;

use crate::{LogicalId, Span, Suppression};

/// How bad a finding is. Ordered: later is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Hygiene.
    Low,
    /// Helps an attacker who is already there, or costs money.
    Medium,
    /// Lets an attacker in or far.
    High,
    /// Lets anyone take all.
    Critical,
}

impl Severity {
    /// The word for people, lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

/// One of the ten practices of serverless security, by its number (1 to 10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Practice {
    /// 1: least privilege per function.
    LeastPrivilege,
    /// 2: secrets.
    Secrets,
    /// 3: monitoring and audit.
    Monitoring,
    /// 4: APIs and event sources.
    ApisAndEvents,
    /// 5: dependencies.
    Dependencies,
    /// 6: encryption.
    Encryption,
    /// 7: assessments.
    Assessments,
    /// 8: frameworks and tools.
    Frameworks,
    /// 9: education.
    Education,
    /// 10: secure deployment.
    Deployment,
}

impl Practice {
    /// The word used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LeastPrivilege => "least-privilege",
            Self::Secrets => "secrets",
            Self::Monitoring => "monitoring",
            Self::ApisAndEvents => "apis-and-events",
            Self::Dependencies => "dependencies",
            Self::Encryption => "encryption",
            Self::Assessments => "assessments",
            Self::Frameworks => "frameworks",
            Self::Education => "education",
            Self::Deployment => "deployment",
        }
    }
}

/// What is known of a rule without running it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RuleMeta {
    /// Stable code, never reused: `LP001`.
    pub code: &'static str,
    /// Name of the fault: `any-action-any-resource`.
    pub name: &'static str,
    /// One sentence for lists.
    pub title: &'static str,
    /// Severity before reachability moves it.
    pub severity: Severity,
    /// The practice it serves.
    pub practice: Practice,
    /// Profiles that switch it on; `recommended` is the default one.
    pub profiles: &'static [&'static str],
    /// Ids in public frameworks: `CWE-250`, `Lambda.2`.
    pub frameworks: &'static [&'static str],
    /// The rule's page: why, attack, examples, fix, limits (Markdown).
    pub page: &'static str,
}

/// A fault in an application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule.
    pub code: Arc<str>,
    /// Severity, moved by reachability.
    pub severity: Severity,
    /// The fault in one clause, user names in backticks.
    pub title: String,
    /// What is wrong here and what follows from it: one sentence.
    pub message: String,
    /// The text to edit.
    pub span: Option<Span>,
    /// Words under the marked text.
    pub label: String,
    /// Further places that prove it, with words.
    pub related: Vec<(Span, String)>,
    /// Stretches of text that hold a secret: no report may show them.
    pub secrets: Vec<Span>,
    /// The resource.
    pub resource: Option<LogicalId>,
    /// Further resources that have the same fault from the same text, such as functions that get a line of Globals.
    pub also: Vec<LogicalId>,
    /// The practice it serves.
    pub practice: Practice,
    /// What it is about, without lines: stays the same while the fault stays the same.
    pub fact: String,
    /// How an attacker gets from the internet to what the fault opens, step by step; empty where there is no such way.
    pub path: Vec<Step>,
    /// What to do, one line each.
    pub help: Vec<String>,
    /// An edit that removes it.
    pub fix: Option<Fix>,
}

/// Whether a fix can be applied unseen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Applicability {
    /// Changes nothing a caller could notice.
    Safe,
    /// Narrows or widens something: a person must look.
    Unsafe,
}

/// One step of the way an attacker takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Where the step is declared.
    pub span: Option<Span>,
    /// What stands there, in a few words: `GET /orders asks nothing`, `role of Orders`.
    pub words: String,
}

/// An edit that removes a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fix {
    /// What it does, imperative.
    pub title: String,
    /// Whether it can be applied unseen.
    pub applicability: Applicability,
    /// What changes, in the template's own terms. The room that read the template turns it into edits.
    pub changes: Vec<Change>,
    /// The edits; they do not overlap. Empty until the changes were turned into edits of a text.
    pub edits: Vec<Edit>,
}

/// One change of a template, without regard to how its text is laid out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Puts a value in the place of the one that is written here.
    Replace {
        /// The value as it is written.
        span: Span,
        /// The new value.
        value: Literal,
    },
    /// Sets the value under a path of keys below a resource as it is written (`Properties`, `Events`, ...). Keys that are
    /// missing on the way are made.
    Set {
        /// The resource, as it is written.
        resource: LogicalId,
        /// The keys, from the resource down.
        path: Vec<Arc<str>>,
        /// The value.
        value: Literal,
    },
    /// Appends to the list under a path of keys below a resource, and makes the list where there is none.
    Append {
        /// The resource, as it is written.
        resource: LogicalId,
        /// The keys, from the resource down.
        path: Vec<Arc<str>>,
        /// The item.
        value: Literal,
    },
    /// Takes away the entry under a path of keys below a resource.
    Remove {
        /// The resource, as it is written.
        resource: LogicalId,
        /// The keys, from the resource down.
        path: Vec<Arc<str>>,
    },
    /// Takes away the item of a list, or the entry of a map, whose value or key is written here.
    RemoveAt {
        /// The item, or the entry's key or value, as it is written.
        span: Span,
    },
    /// Sets an entry of a section of the template (`Parameters`, `Resources`, `Globals`), which is made where it is missing.
    Declare {
        /// The section, or a path of keys from the root.
        path: Vec<Arc<str>>,
        /// The name of the entry.
        name: Arc<str>,
        /// The entry.
        value: Literal,
    },
}

/// A value to be written into a template. Intrinsics are maps with their long name: `{Ref: X}`, `{Fn::GetAtt: [X, Arn]}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
pub enum Literal {
    /// True or false.
    Flag(bool),
    /// A whole number.
    Number(i64),
    /// Text; quoted where it must be.
    Text(String),
    /// A list.
    List(Vec<Literal>),
    /// A map in order.
    Map(Vec<(Arc<str>, Literal)>),
}

impl Literal {
    /// Text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A map of these entries.
    pub fn map<const N: usize>(entries: [(&str, Self); N]) -> Self {
        Self::Map(entries.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    /// A reference to a resource or parameter.
    pub fn reference(name: &str) -> Self {
        Self::map([("Ref", Self::text(name))])
    }

    /// An attribute of a resource.
    pub fn attribute(resource: &str, attribute: &str) -> Self {
        Self::map([("Fn::GetAtt", Self::List(vec![Self::text(resource), Self::text(attribute)]))])
    }
}

impl Fix {
    /// A fix that no caller can notice.
    pub fn safe(title: impl Into<String>, changes: Vec<Change>) -> Self {
        Self { title: title.into(), applicability: Applicability::Safe, changes, edits: Vec::new() }
    }

    /// A fix that a person must look at.
    pub fn risky(title: impl Into<String>, changes: Vec<Change>) -> Self {
        Self { title: title.into(), applicability: Applicability::Unsafe, changes, edits: Vec::new() }
    }
}

/// The replacement of one stretch of text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Edit {
    /// What is replaced.
    pub span: Span,
    /// By what.
    pub replacement: String,
}

/// A finding that people chose to live with, and the words in which they did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Suppressed {
    /// The finding.
    pub finding: Finding,
    /// What hides it.
    pub by: Suppression,
}
