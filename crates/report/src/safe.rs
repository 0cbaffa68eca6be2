//! Words without secrets.
//!
//! A rule names the place of a secret, but another rule may quote the same text in its words, or a fix may write it elsewhere.
//! So before anything is told, every occurrence of a marked secret is taken out of all words.

use std::{borrow::Cow, collections::BTreeSet, sync::Arc};

use brigandine_model::{Finding, Span, Suppressed, Unjudged};

use crate::{Report, Sources};

/// A shorter secret is a common word more often than not; its own place is hidden in any case.
const SHORTEST: usize = 6;
/// More secrets than any template has reason for; words are searched for each of them.
const MOST: usize = 500;
const HIDDEN: &str = "***";

/// Findings as they may be told.
pub(crate) struct Safe<'a> {
    pub(crate) findings: Cow<'a, [Finding]>,
    pub(crate) suppressed: Cow<'a, [Suppressed]>,
    pub(crate) unjudged: Cow<'a, [Unjudged]>,
}

impl<'a> Safe<'a> {
    pub(crate) fn new(report: &Report<'a>) -> Self {
        let secrets = secrets(report);
        if secrets.is_empty() {
            return Self {
                findings: Cow::Borrowed(report.findings),
                suppressed: Cow::Borrowed(report.suppressed),
                unjudged: Cow::Borrowed(report.unjudged),
            };
        }
        let hide_suppressed = |one: &Suppressed| {
            let mut by = one.by.clone();
            by.reason = by.reason.map(|reason| hidden_shared(&reason, &secrets));
            Suppressed { finding: finding(&one.finding, &secrets), by }
        };
        let hide_unjudged = |one: &Unjudged| Unjudged { reason: hidden_shared(&one.reason, &secrets), ..one.clone() };
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

fn secrets<'a>(report: &Report<'a>) -> Vec<&'a str> {
    let all = report.findings.iter().chain(report.suppressed.iter().map(|one| &one.finding));
    let texts: BTreeSet<&str> = all
        .flat_map(|finding| &finding.secrets)
        .filter_map(|span| marked(report.sources, span))
        .map(|text| text.trim_matches(|sign: char| sign == '"' || sign == '\'' || sign.is_whitespace()))
        .filter(|text| text.len() >= SHORTEST)
        .take(MOST)
        .collect();
    let mut texts: Vec<&str> = texts.into_iter().collect();
    // The longest first: a secret may be part of another.
    texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
    texts
}

fn marked<'a>(sources: &'a Sources, span: &Span) -> Option<&'a str> {
    sources.get(&span.file)?.get(span.start..span.end)
}

fn hidden(text: &str, secrets: &[&str]) -> String {
    secrets.iter().fold(text.to_owned(), |text, secret| match text.contains(secret) {
        true => text.replace(secret, HIDDEN),
        false => text,
    })
}

fn hidden_shared(text: &str, secrets: &[&str]) -> Arc<str> {
    hidden(text, secrets).into()
}

fn finding(finding: &Finding, secrets: &[&str]) -> Finding {
    let mut safe = finding.clone();
    // What makes it the same finding is hashed and must not change with what is hidden.
    for words in [&mut safe.title, &mut safe.message, &mut safe.label] {
        *words = hidden(words, secrets);
    }
    safe.help.iter_mut().for_each(|line| *line = hidden(line, secrets));
    safe.related.iter_mut().for_each(|(_, words)| *words = hidden(words, secrets));
    safe.path.iter_mut().for_each(|step| step.words = hidden(&step.words, secrets));
    // A fix that writes a secret would be wrong with the secret taken out, so it is not told.
    safe.fix = safe.fix.take().filter(|fix| {
        let writes = |secret: &&str| fix.edits.iter().any(|edit| edit.replacement.contains(*secret));
        !secrets.iter().any(writes)
    });
    if let Some(fix) = &mut safe.fix {
        fix.title = hidden(&fix.title, secrets);
    }
    safe
}
