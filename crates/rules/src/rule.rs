//! What a rule is, what it is given, and where it says what it found.

use std::sync::Arc;

use brigandine_model::{App, Finding, LogicalId, Practice, Provenance, RuleMeta, Severity, Span, Unjudged};
use jiff::civil::Date;

/// What a rule may know besides the application.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// The day for which runtimes and suppressions are judged.
    pub today: Date,
}

/// A question asked of an application.
pub trait Rule: Sync {
    /// What is known of it without running it.
    fn meta(&self) -> &'static RuleMeta;

    /// Asks, and tells `sink`.
    fn check(&self, app: &App, context: &Context, sink: &mut Sink);
}

/// Where a rule says what it found.
#[derive(Debug)]
pub struct Sink {
    meta: &'static RuleMeta,
    pub(crate) findings: Vec<Finding>,
    pub(crate) unjudged: Vec<Unjudged>,
}

impl Sink {
    /// An empty sink for one rule.
    pub(crate) fn new(meta: &'static RuleMeta) -> Self {
        Self { meta, findings: Vec::new(), unjudged: Vec::new() }
    }

    /// Takes a finding.
    pub fn finding(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// A finding of this rule at `provenance`, with everything else still to be said.
    pub fn draft(&self, provenance: &Provenance) -> Finding {
        draft(self.meta, provenance.span.clone())
    }

    /// Notes that `what` could not be judged because of `why` (the tail of a sentence).
    pub fn cannot_tell(&mut self, what: &str, why: &str, at: (&LogicalId, &Provenance)) {
        let (resource, provenance) = at;
        self.unjudged.push(Unjudged {
            reason: format!("{what} could not be judged because {why}").into(),
            resource: Some(resource.clone()),
            code: Some(Arc::from(self.meta.code)),
            span: provenance.span.clone(),
        });
    }
}

/// A finding of the rule with this meta, with everything else still to be said.
pub(crate) fn draft(meta: &RuleMeta, span: Option<Span>) -> Finding {
    Finding {
        code: Arc::from(meta.code),
        severity: meta.severity,
        title: String::new(),
        message: String::new(),
        span,
        label: String::new(),
        related: Vec::new(),
        secrets: Vec::new(),
        resource: None,
        also: Vec::new(),
        practice: meta.practice,
        fact: String::new(),
        path: Vec::new(),
        help: Vec::new(),
        fix: None,
    }
}

/// Profiles of a rule whose word is only a matter of taste, or of which a team would hear too much: asked for by name.
pub(crate) const STRICT: &[&str] = &["strict"];

/// The meta of a rule, for its `const`: `recommended` and `strict` unless said otherwise.
pub(crate) const fn meta(code: &'static str, name: &'static str, title: &'static str, page: &'static str) -> RuleMeta {
    RuleMeta {
        code,
        name,
        title,
        severity: Severity::High,
        practice: Practice::LeastPrivilege,
        profiles: &["recommended", "strict"],
        frameworks: &[],
        page,
    }
}
