//! Findings as workflow commands, which GitHub shows beside the lines of a pull request.
//!
//! Of one step it shows ten errors, ten warnings and ten notices, and drops the rest unsaid. So the worst come first, no more
//! are written than are shown, and the rest is counted in words.

use std::collections::BTreeMap;

use brigandine_model::{Finding, Severity};

use crate::{
    Report,
    safe::Safe,
    summary,
    summary::{SEVERITIES, count},
    text::{clean, position},
};

/// Annotations of one level that are shown of one step.
const MOST_PER_LEVEL: usize = 10;

/// One command per line, the worst finding first; then the summary in plain words. What an earlier run knew is left out.
pub fn github(report: &Report<'_>) -> String {
    let safe = Safe::new(report);
    let report = safe.report(report);
    let mut shown: BTreeMap<&str, usize> = BTreeMap::new();
    let mut out = String::new();
    let mut left = 0_usize;
    for one in report.unread {
        let line = one.place.map_or_else(String::new, |(line, column)| format!(",line={line},col={column}"));
        let file = property(&one.file);
        let words = data(&clean(&one.what));
        out.extend(["::error file=", &file, &line, ",title=could not be read::", &words, "\n"]);
        *shown.entry("error").or_default() += 1;
    }
    for severity in SEVERITIES {
        for finding in report.news().filter(|finding| finding.severity == severity) {
            let number = shown.entry(level(severity)).or_default();
            *number += 1;
            if *number <= MOST_PER_LEVEL { out.push_str(&command(&report, finding)) } else { left += 1 }
        }
    }
    if left > 0 {
        out.push_str(&count(left, "further finding"));
        out.push_str(" not annotated: no more are shown for one step\n");
    }
    out.push_str(&clean(&summary(&report)));
    out.push('\n');
    out
}

fn command(report: &Report<'_>, finding: &Finding) -> String {
    let mut properties = Vec::new();
    if let Some(span) = &finding.span {
        properties.push(format!("file={}", property(&span.file)));
        properties.push(format!("line={}", span.line));
        properties.push(format!("col={}", span.column));
        let end = report.sources.get(&span.file).and_then(|text| position(text, span.end));
        if let Some((line, column)) = end.filter(|(line, _)| *line == span.line as usize) {
            properties.push(format!("endLine={line}"));
            properties.push(format!("endColumn={column}"));
        }
    }
    properties.push(format!("title={}", property(&format!("{} {}", finding.code, clean(&finding.title)))));
    let mut words = clean(&finding.message).into_owned();
    for line in &finding.help {
        words.push('\n');
        words.push_str(&clean(line));
    }
    format!("::{} {}::{}\n", level(finding.severity), properties.join(","), data(&words))
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "notice",
    }
}

/// Words after the command. A line end of a stranger would begin a command of the stranger's.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Words within a property, where two more signs have a meaning.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
