//! What the command line and the settings file say together; the command line wins.

use std::{path::PathBuf, sync::Arc};

use brigandine_model::{Finding, Scope, Severity, Span, Suppressed, Suppression};
use brigandine_report::Past;
use brigandine_rules::{Context, DEFAULT_PROFILE, Outcome as Judged, Selection};
use jiff::ZonedDateTime;

use super::gather::Gathered;
use crate::{
    arguments::{Check, FailOn},
    configuration::Configuration,
    face::Outcome,
};

/// What the command line and the settings file say together.
pub(crate) struct Settings {
    pub(crate) selection: Selection,
    pub(crate) context: Context,
    pub(crate) baseline: Option<PathBuf>,
    pub(crate) register: Option<PathBuf>,
    fail_on: FailOn,
    fail_on_unjudged: bool,
    own: Vec<Own>,
}

/// What a team says of a rule's findings, all of them.
struct Own {
    rules: Selection,
    severity: Option<Severity>,
    ignore: Option<Suppression>,
}

impl Settings {
    pub(crate) fn new(arguments: &Check, configuration: &Configuration) -> anyhow::Result<Self> {
        let written = &configuration.written.check;
        let profile = arguments.profile.as_ref().or(arguments.compliance.as_ref()).or(written.profile.as_ref());
        let select = if arguments.select.is_empty() { &written.select } else { &arguments.select };
        let ignore = if arguments.ignore.is_empty() { &written.ignore } else { &arguments.ignore };
        let below = |path: &Option<PathBuf>| path.as_ref().map(|path| configuration.folder.join(path));
        Ok(Self {
            selection: Selection::new(profile.map_or(DEFAULT_PROFILE, String::as_str), select, ignore)?,
            context: Context { today: arguments.as_of.unwrap_or_else(|| ZonedDateTime::now().date()) },
            baseline: arguments.baseline.clone().or_else(|| below(&written.baseline)),
            register: arguments.register.clone().or_else(|| below(&written.register)),
            fail_on: arguments.fail_on.or_else(|| written.fail_on.as_deref().and_then(level)).unwrap_or(FailOn::High),
            fail_on_unjudged: arguments.fail_on_unjudged || written.fail_on_unjudged,
            own: own(configuration)?,
        })
    }

    /// Moves severities and hides findings as the settings file says.
    pub(crate) fn apply(&self, judged: &mut Judged) {
        for own in &self.own {
            let is_its = |finding: &Finding| own.rules.asks(&finding.code);
            if let Some(severity) = own.severity {
                let all = judged.findings.iter_mut().chain(judged.suppressed.iter_mut().map(|one| &mut one.finding));
                all.filter(|finding| is_its(finding)).for_each(|finding| finding.severity = severity);
            }
            if let Some(by) = &own.ignore {
                let hidden: Vec<Finding> = judged.findings.extract_if(.., |finding| is_its(finding)).collect();
                judged.suppressed.extend(hidden.into_iter().map(|finding| Suppressed {
                    by: Suppression { code: finding.code.clone(), ..by.clone() },
                    finding,
                }));
            }
        }
        judged.findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    }

    /// How the run ends.
    pub(crate) fn outcome(&self, gathered: &Gathered, past: Option<&Past>, failed: bool) -> Outcome {
        let is_bad = |finding: &Finding| threshold(self.fail_on).is_some_and(|level| finding.severity >= level);
        let is_new = |finding: &Finding| past.is_none_or(|past| !past.knows(finding));
        if failed {
            Outcome::Failed
        } else if gathered.findings.iter().any(|finding| is_bad(finding) && is_new(finding))
            || self.fail_on_unjudged && !gathered.unjudged.is_empty()
        {
            Outcome::Findings
        } else {
            Outcome::Clean
        }
    }
}

fn own(configuration: &Configuration) -> anyhow::Result<Vec<Own>> {
    let file: Arc<str> = configuration.file().display().to_string().into();
    let mut all = Vec::new();
    for (code, rule) in &configuration.written.check.rules {
        let (start, line, column) = configuration.place(&["check", "rules", code, "ignore"]);
        let number = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
        let span = Span { file: file.clone(), start, end: start, line: number(line), column: number(column) };
        let suppression = |reason: &String| Suppression {
            code: code.as_str().into(),
            reason: Some(reason.as_str().into()),
            owner: None,
            until: None,
            scope: Scope::File,
            span,
            peer: None,
        };
        all.push(Own {
            rules: Selection::new("strict", std::slice::from_ref(code), &[])?,
            severity: rule.severity.as_deref().and_then(level).and_then(threshold),
            ignore: rule.ignore.as_ref().map(suppression),
        });
    }
    Ok(all)
}

/// A level by its word. The settings file was read, so its words are known to be levels.
fn level(word: &str) -> Option<FailOn> {
    <FailOn as clap::ValueEnum>::from_str(word, false).ok()
}

fn threshold(level: FailOn) -> Option<Severity> {
    match level {
        FailOn::Info => Some(Severity::Info),
        FailOn::Low => Some(Severity::Low),
        FailOn::Medium => Some(Severity::Medium),
        FailOn::High => Some(Severity::High),
        FailOn::Critical => Some(Severity::Critical),
        FailOn::Never => None,
    }
}
