//! Words without secrets.
//!
//! A rule names the place of a secret, but another rule may quote the same text in its words, or a fix may write it elsewhere.
//! So before anything is told, every occurrence of a marked secret is taken out of all words.

use std::{borrow::Cow, collections::BTreeSet, sync::Arc};

use aho_corasick::{AhoCorasick, MatchKind};
use brigandine_model::{Finding, Span, Suppressed, Unjudged};

use crate::{Report, Sources};

/// A shorter secret is a common word more often than not; its own place is hidden in any case.
const SHORTEST: usize = 6;
/// More bytes of secrets than any template has reason for; beyond them whole words are given up rather than a secret.
const MOST: usize = 1024 * 1024;
const HIDDEN: &str = "***";

/// The secrets of a report, looked for all at once.
enum Secrets {
    These(AhoCorasick),
    /// Too many to look for: nothing that quotes a template may be told.
    Any,
}

impl Secrets {
    fn hide(&self, text: &str) -> String {
        match self {
            Self::These(secrets) if secrets.is_match(text) => {
                let mut out = String::with_capacity(text.len());
                secrets.replace_all_with(text, &mut out, |_, _, out| {
                    out.push_str(HIDDEN);
                    true
                });
                out
            }
            Self::These(_) => text.to_owned(),
            Self::Any => HIDDEN.to_owned(),
        }
    }

    fn shared(&self, text: &str) -> Arc<str> {
        self.hide(text).into()
    }

    fn is_in(&self, text: &str) -> bool {
        match self {
            Self::These(secrets) => secrets.is_match(text),
            Self::Any => true,
        }
    }
}

/// Findings as they may be told.
pub(crate) struct Safe<'a> {
    pub(crate) findings: Cow<'a, [Finding]>,
    pub(crate) suppressed: Cow<'a, [Suppressed]>,
    pub(crate) unjudged: Cow<'a, [Unjudged]>,
}

impl<'a> Safe<'a> {
    pub(crate) fn new(report: &Report<'a>) -> Self {
        let Some(secrets) = secrets(report) else {
            return Self {
                findings: Cow::Borrowed(report.findings),
                suppressed: Cow::Borrowed(report.suppressed),
                unjudged: Cow::Borrowed(report.unjudged),
            };
        };
        let hide_suppressed = |one: &Suppressed| {
            let mut by = one.by.clone();
            by.reason = by.reason.map(|reason| secrets.shared(&reason));
            Suppressed { finding: finding(&one.finding, &secrets), by }
        };
        let hide_unjudged = |one: &Unjudged| Unjudged { reason: secrets.shared(&one.reason), ..one.clone() };
        Self {
            findings: report.findings.iter().map(|one| finding(one, &secrets)).collect(),
            suppressed: report.suppressed.iter().map(hide_suppressed).collect(),
            unjudged: report.unjudged.iter().map(hide_unjudged).collect(),
        }
    }

    /// The report with these words.
    pub(crate) fn report<'s>(&'s self, report: &Report<'s>) -> Report<'s> {
        Report { findings: &self.findings, suppressed: &self.suppressed, unjudged: &self.unjudged, ..report.clone() }
    }
}

/// What to look for; nothing where no finding marks a secret.
fn secrets(report: &Report<'_>) -> Option<Secrets> {
    let all = report.findings.iter().chain(report.suppressed.iter().map(|one| &one.finding));
    let texts: BTreeSet<&str> = all
        .flat_map(|finding| &finding.secrets)
        .filter_map(|span| marked(report.sources, span))
        .map(|text| text.trim_matches(|sign: char| sign == '"' || sign == '\'' || sign.is_whitespace()))
        .filter(|text| text.len() >= SHORTEST)
        .collect();
    if texts.is_empty() {
        return None;
    }
    // The longest first: a secret may be part of another.
    let search = || AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&texts).ok();
    let size: usize = texts.iter().map(|text| text.len()).sum();
    Some((size <= MOST).then(search).flatten().map_or(Secrets::Any, Secrets::These))
}

fn marked<'a>(sources: &'a Sources, span: &Span) -> Option<&'a str> {
    sources.get(&span.file)?.get(span.start..span.end)
}

fn finding(finding: &Finding, secrets: &Secrets) -> Finding {
    let mut safe = finding.clone();
    // What makes it the same finding is hashed and must not change with what is hidden.
    for words in [&mut safe.title, &mut safe.message, &mut safe.label] {
        *words = secrets.hide(words);
    }
    safe.help.iter_mut().for_each(|line| *line = secrets.hide(line));
    safe.related.iter_mut().for_each(|(_, words)| *words = secrets.hide(words));
    safe.path.iter_mut().for_each(|step| step.words = secrets.hide(&step.words));
    // A fix that writes a secret would be wrong with the secret taken out, so it is not told.
    safe.fix = safe.fix.take().filter(|fix| !fix.edits.iter().any(|edit| secrets.is_in(&edit.replacement)));
    if let Some(fix) = &mut safe.fix {
        fix.title = secrets.hide(&fix.title);
    }
    safe
}
