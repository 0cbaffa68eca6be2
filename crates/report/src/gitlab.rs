//! Findings as a report of static analysis in GitLab's security format, version 15.

use std::collections::BTreeMap;

use brigandine_model::{Finding, Severity};
use jiff::civil::DateTime;
use serde::Serialize;

use crate::{
    Report,
    climate::unique,
    fingerprint,
    json::pretty,
    safe::Safe,
    text::{position, relative},
};

/// Version of the format that is written.
const FORMAT: &str = "15.0.7";
const LONGEST_NAME: usize = 255;
const LONGEST_SOLUTION: usize = 7_000;
const MOST_IDENTIFIERS: usize = 20;

/// When and by what the templates were judged.
#[derive(Clone, Copy, Debug)]
pub struct Scan<'a> {
    /// Version of the program.
    pub version: &'a str,
    /// When judging began, in UTC.
    pub began: DateTime,
    /// When it ended, in UTC.
    pub ended: DateTime,
}

#[derive(Serialize)]
struct Document<'a> {
    version: &'static str,
    scan: About<'a>,
    vulnerabilities: Vec<Vulnerability<'a>>,
}

#[derive(Serialize)]
struct About<'a> {
    analyzer: Tool<'a>,
    scanner: Tool<'a>,
    #[serde(rename = "type")]
    kind: &'static str,
    start_time: String,
    end_time: String,
    status: &'static str,
}

#[derive(Clone, Copy, Serialize)]
struct Tool<'a> {
    id: &'static str,
    name: &'static str,
    version: &'a str,
    vendor: Vendor,
}

#[derive(Clone, Copy, Serialize)]
struct Vendor {
    name: &'static str,
}

#[derive(Serialize)]
struct Vulnerability<'a> {
    id: String,
    category: &'static str,
    name: String,
    description: String,
    severity: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    solution: Option<String>,
    scanner: Scanner,
    location: Location,
    identifiers: Vec<Identifier<'a>>,
    tracking: Tracking,
}

#[derive(Serialize)]
struct Scanner {
    id: &'static str,
    name: &'static str,
}

#[derive(Serialize)]
struct Location {
    file: String,
    start_line: u32,
    end_line: u32,
}

#[derive(Serialize)]
struct Identifier<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    name: String,
    value: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

#[derive(Serialize)]
struct Tracking {
    #[serde(rename = "type")]
    kind: &'static str,
    items: [Tracked; 1],
}

#[derive(Serialize)]
struct Tracked {
    file: String,
    start_line: u32,
    end_line: u32,
    signatures: [Signature; 1],
}

#[derive(Serialize)]
struct Signature {
    algorithm: &'static str,
    value: String,
}

/// One object as GitLab expects it under `artifacts:reports:sast`. GitLab compares with earlier runs itself, so everything that
/// was found is told.
pub fn gitlab(report: &Report<'_>, scan: &Scan<'_>) -> String {
    let safe = Safe::new(report);
    let report = safe.report(report);
    let tool =
        Tool { id: "brigandine", name: "Brigandine", version: scan.version, vendor: Vendor { name: "Brigandine" } };
    let mut seen = BTreeMap::new();
    pretty(&Document {
        version: FORMAT,
        scan: About {
            analyzer: tool,
            scanner: tool,
            kind: "sast",
            start_time: scan.began.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
            end_time: scan.ended.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
            status: if report.unread.is_empty() { "success" } else { "failure" },
        },
        vulnerabilities: report.findings.iter().map(|finding| vulnerability(&report, finding, &mut seen)).collect(),
    })
}

fn vulnerability<'a>(
    report: &Report<'_>,
    finding: &'a Finding,
    seen: &mut BTreeMap<String, usize>,
) -> Vulnerability<'a> {
    let location = location(report, finding);
    let tracked = Tracked {
        file: location.file.clone(),
        start_line: location.start_line,
        end_line: location.end_line,
        signatures: [Signature { algorithm: "scope_offset", value: fingerprint(finding) }],
    };
    Vulnerability {
        id: unique(finding, seen),
        category: "sast",
        name: cut(&finding.title, LONGEST_NAME),
        description: finding.message.clone(),
        severity: severity(finding.severity),
        solution: (!finding.help.is_empty()).then(|| cut(&finding.help.join("\n"), LONGEST_SOLUTION)),
        scanner: Scanner { id: "brigandine", name: "Brigandine" },
        location,
        identifiers: identifiers(report, finding),
        tracking: Tracking { kind: "source", items: [tracked] },
    }
}

fn location(report: &Report<'_>, finding: &Finding) -> Location {
    let Some(span) = &finding.span else {
        let file = report.files.first().map_or_else(String::new, |file| relative(file));
        return Location { file, start_line: 1, end_line: 1 };
    };
    let end = report.sources.get(&span.file).and_then(|text| position(text, span.end));
    let end_line = end.and_then(|(line, _)| u32::try_from(line).ok()).unwrap_or(span.line);
    Location { file: relative(&span.file), start_line: span.line, end_line: end_line.max(span.line) }
}

/// The rule first: GitLab groups by the first one.
fn identifiers<'a>(report: &Report<'_>, finding: &'a Finding) -> Vec<Identifier<'a>> {
    let own = Identifier {
        kind: "brigandine_rule",
        name: format!("Brigandine {}", finding.code),
        value: &finding.code,
        url: None,
    };
    let meta = report.rules.iter().find(|meta| meta.code == finding.code.as_ref());
    let weaknesses = meta.into_iter().flat_map(|meta| meta.frameworks).filter_map(|id| id.strip_prefix("CWE-"));
    let weaknesses = weaknesses.map(|number| Identifier {
        kind: "cwe",
        name: format!("CWE-{number}"),
        value: number,
        url: Some(format!("https://cwe.mitre.org/data/definitions/{number}.html")),
    });
    std::iter::once(own).chain(weaknesses).take(MOST_IDENTIFIERS).collect()
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "Critical",
        Severity::High => "High",
        Severity::Medium => "Medium",
        Severity::Low => "Low",
        Severity::Info => "Info",
    }
}

/// At most so many characters.
fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}
