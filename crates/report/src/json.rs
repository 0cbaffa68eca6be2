//! Findings as one JSON object.

use std::sync::Arc;

use brigandine_model::{Applicability, Finding, Fix, LogicalId, Span, Step, Suppressed, Unjudged};
use serde::Serialize;

use crate::{
    Gone, Report, Unread, fingerprint,
    safe::Safe,
    summary,
    summary::{SEVERITIES, number_of},
};

#[derive(Serialize)]
struct Document<'a> {
    findings: Vec<Entry<'a>>,
    suppressed: Vec<Hidden<'a>>,
    unjudged: Vec<Open<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gone: Option<Vec<Absent<'a>>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unread: Vec<Illegible<'a>>,
    summary: Totals,
}

#[derive(Serialize)]
struct Entry<'a> {
    code: &'a str,
    severity: &'a str,
    title: &'a str,
    message: &'a str,
    file: Option<&'a str>,
    line: Option<u32>,
    column: Option<u32>,
    resource: Option<&'a str>,
    also: Vec<&'a str>,
    practice: &'a str,
    fingerprint: String,
    help: &'a [String],
    related: Vec<Related<'a>>,
    path: Vec<Stop<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    only_in: &'a [Arc<str>],
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<Repair<'a>>,
}

#[derive(Serialize)]
struct Stop<'a> {
    words: &'a str,
    file: Option<&'a str>,
    line: Option<u32>,
    column: Option<u32>,
}

#[derive(Serialize)]
struct Related<'a> {
    file: &'a str,
    line: u32,
    column: u32,
    label: &'a str,
}

#[derive(Serialize)]
struct Repair<'a> {
    title: &'a str,
    applicability: Applicability,
    edits: Vec<Change<'a>>,
}

#[derive(Serialize)]
struct Change<'a> {
    file: &'a str,
    start: usize,
    end: usize,
    line: u32,
    column: u32,
    replacement: &'a str,
}

#[derive(Serialize)]
struct Hidden<'a> {
    #[serde(rename = "finding")]
    entry: Entry<'a>,
    reason: Option<&'a str>,
    owner: Option<&'a str>,
    until: Option<String>,
}

#[derive(Serialize)]
struct Open<'a> {
    reason: &'a str,
    resource: Option<&'a str>,
    code: Option<&'a str>,
    file: Option<&'a str>,
    line: Option<u32>,
    column: Option<u32>,
}

#[derive(Serialize)]
struct Totals {
    text: String,
    templates: usize,
    findings: usize,
    critical: usize,
    high: usize,
    medium: usize,
    low: usize,
    info: usize,
    suppressed: usize,
    unjudged: usize,
}

#[derive(Serialize)]
struct Illegible<'a> {
    file: &'a str,
    line: Option<u32>,
    column: Option<u32>,
    what: &'a str,
}

#[derive(Serialize)]
struct Absent<'a> {
    code: &'a str,
    title: &'a str,
    file: &'a str,
    resource: Option<&'a str>,
    fingerprint: &'a str,
}

/// One object: `findings`, `suppressed`, `unjudged`, `summary`; indented, with a line end.
pub fn json(report: &Report<'_>) -> String {
    let safe = Safe::new(report);
    let report = safe.report(report);
    let document = Document {
        findings: report.findings.iter().map(|finding| entry(&report, finding)).collect(),
        suppressed: report.suppressed.iter().map(|one| hidden(&report, one)).collect(),
        unjudged: report.unjudged.iter().map(open).collect(),
        gone: report.past.map(|past| past.gone.iter().map(absent).collect()),
        unread: report.unread.iter().map(illegible).collect(),
        summary: totals(&report),
    };
    pretty(&document)
}

fn illegible(unread: &Unread) -> Illegible<'_> {
    let (line, column) = unread.place.unzip();
    Illegible { file: &unread.file, line, column, what: &unread.what }
}

fn absent(gone: &Gone) -> Absent<'_> {
    Absent {
        code: &gone.code,
        title: &gone.title,
        file: &gone.file,
        resource: gone.resource.as_deref(),
        fingerprint: &gone.fingerprint,
    }
}

/// Indented text of something that always can be written: maps with text keys, numbers, text.
pub(crate) fn pretty(value: &impl Serialize) -> String {
    #[expect(clippy::expect_used, reason = "our own structs hold nothing that JSON cannot say")]
    let mut text = serde_json::to_string_pretty(value).expect("plain data");
    text.push('\n');
    text
}

fn entry<'a>(report: &Report<'a>, finding: &'a Finding) -> Entry<'a> {
    let span = finding.span.as_ref();
    Entry {
        code: &finding.code,
        severity: finding.severity.as_str(),
        title: &finding.title,
        message: &finding.message,
        file: span.map(|span| &*span.file),
        line: span.map(|span| span.line),
        column: span.map(|span| span.column),
        resource: finding.resource.as_ref().map(LogicalId::as_str),
        also: finding.also.iter().map(LogicalId::as_str).collect(),
        practice: finding.practice.as_str(),
        fingerprint: fingerprint(finding),
        help: &finding.help,
        related: finding.related.iter().map(related).collect(),
        path: finding.path.iter().map(stop).collect(),
        state: report.past.map(|past| if past.knows(finding) { "known" } else { "new" }),
        only_in: report.environments(finding),
        fix: finding.fix.as_ref().map(repair),
    }
}

fn stop(step: &Step) -> Stop<'_> {
    let span = step.span.as_ref();
    Stop {
        words: &step.words,
        file: span.map(|span| &*span.file),
        line: span.map(|span| span.line),
        column: span.map(|span| span.column),
    }
}

fn related(place: &(Span, String)) -> Related<'_> {
    let (span, label) = place;
    Related { file: &span.file, line: span.line, column: span.column, label }
}

fn repair(fix: &Fix) -> Repair<'_> {
    let edits = fix.edits.iter().map(|edit| Change {
        file: &edit.span.file,
        start: edit.span.start,
        end: edit.span.end,
        line: edit.span.line,
        column: edit.span.column,
        replacement: &edit.replacement,
    });
    Repair { title: &fix.title, applicability: fix.applicability, edits: edits.collect() }
}

fn hidden<'a>(report: &Report<'a>, suppressed: &'a Suppressed) -> Hidden<'a> {
    Hidden {
        entry: entry(report, &suppressed.finding),
        reason: suppressed.by.reason.as_deref(),
        owner: suppressed.by.owner.as_deref(),
        until: suppressed.by.until.map(|day| day.to_string()),
    }
}

fn open(unjudged: &Unjudged) -> Open<'_> {
    let span = unjudged.span.as_ref();
    Open {
        reason: &unjudged.reason,
        resource: unjudged.resource.as_ref().map(LogicalId::as_str),
        code: unjudged.code.as_deref(),
        file: span.map(|span| &*span.file),
        line: span.map(|span| span.line),
        column: span.map(|span| span.column),
    }
}

fn totals(report: &Report<'_>) -> Totals {
    let [critical, high, medium, low, info] = SEVERITIES.map(|severity| number_of(report.findings, severity));
    Totals {
        text: summary(report),
        templates: report.templates,
        findings: report.findings.len(),
        critical,
        high,
        medium,
        low,
        info,
        suppressed: report.suppressed.len(),
        unjudged: report.unjudged.len(),
    }
}
