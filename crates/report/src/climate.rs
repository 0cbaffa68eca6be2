//! Findings as Code Climate issues, the part of that format which GitLab's Code Quality reads in every tier.

use std::collections::BTreeMap;

use brigandine_model::{Finding, Severity};
use serde::Serialize;

use crate::{Report, fingerprint::digest, identity, json::pretty, safe::Safe, text::relative};

#[derive(Serialize)]
struct Issue<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    check_name: &'a str,
    description: String,
    categories: [&'static str; 1],
    severity: &'static str,
    fingerprint: String,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u32,
}

/// A list of issues. A finding without a file has no place in this format and stands at the first line of the first template.
pub fn climate(report: &Report<'_>) -> String {
    let safe = Safe::new(report);
    let report = safe.report(report);
    let first = report.files.first().map_or("", |file| file);
    let mut seen = BTreeMap::new();
    let issues: Vec<Issue<'_>> = report.findings.iter().map(|finding| issue(finding, first, &mut seen)).collect();
    pretty(&issues)
}

fn issue<'a>(finding: &'a Finding, first: &str, seen: &mut BTreeMap<String, usize>) -> Issue<'a> {
    let span = finding.span.as_ref();
    Issue {
        kind: "issue",
        check_name: &finding.code,
        description: format!("{}: {}", finding.title, finding.message),
        categories: ["Security"],
        severity: match finding.severity {
            Severity::Critical => "blocker",
            Severity::High => "critical",
            Severity::Medium => "major",
            Severity::Low => "minor",
            Severity::Info => "info",
        },
        fingerprint: unique(finding, seen),
        location: Location {
            path: relative(span.map_or(first, |span| &span.file)),
            lines: Lines { begin: span.map_or(1, |span| span.line.max(1)) },
        },
    }
}

/// The identity, told apart by number where one file has the same fault twice: of issues with one fingerprint only the first is
/// shown.
pub(crate) fn unique(finding: &Finding, seen: &mut BTreeMap<String, usize>) -> String {
    let identity = identity(finding);
    let number = seen.entry(identity.clone()).or_default();
    *number += 1;
    if *number == 1 { identity } else { digest(&[&identity, "|", &number.to_string()]) }
}
