//! Findings as SARIF 2.1.0, the format code hosts read.
//!
//! Every result carries the rule's code, a fingerprint that survives edits, and what hides it where something does. Hosts
//! keep ten tags of a rule, so no more are written.

use brigandine_model::{Applicability, Finding, Fix, RuleMeta, Severity, Span, Suppressed, Suppression, Unjudged};
use serde::Serialize;

use crate::{Report, fingerprint, json::pretty, text::position};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
const MOST_TAGS: usize = 10;

#[derive(Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    tool: Tool<'a>,
    column_kind: &'static str,
    invocations: [Invocation<'a>; 1],
    results: Vec<Outcome<'a>>,
}

#[derive(Serialize)]
struct Tool<'a> {
    driver: Driver<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver<'a> {
    name: &'static str,
    semantic_version: &'a str,
    rules: Vec<Rule<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule<'a> {
    id: &'a str,
    name: &'a str,
    short_description: Text<'a>,
    help: Help<'a>,
    default_configuration: Configuration,
    properties: RuleProperties<'a>,
}

#[derive(Serialize)]
struct Text<'a> {
    text: std::borrow::Cow<'a, str>,
}

#[derive(Serialize)]
struct Help<'a> {
    text: &'a str,
    markdown: &'a str,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Serialize)]
struct RuleProperties<'a> {
    tags: Vec<&'a str>,
    #[serde(rename = "security-severity")]
    security_severity: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation<'a> {
    execution_successful: bool,
    tool_execution_notifications: Vec<Notification<'a>>,
}

#[derive(Serialize)]
struct Notification<'a> {
    level: &'static str,
    message: Text<'a>,
    locations: Vec<Location<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome<'a> {
    rule_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_index: Option<usize>,
    level: &'static str,
    message: Text<'a>,
    locations: Vec<Location<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Location<'a>>,
    partial_fingerprints: Fingerprints,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fixes: Vec<Repair<'a>>,
    // An empty list says that nothing hides the result; absent would say that nobody looked.
    suppressions: Vec<Excuse<'a>>,
    properties: OutcomeProperties,
}

#[derive(Serialize)]
struct Fingerprints {
    #[serde(rename = "brigandine/v1")]
    first: String,
}

#[derive(Serialize)]
struct OutcomeProperties {
    severity: &'static str,
    practice: &'static str,
    #[serde(rename = "security-severity")]
    security_severity: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the names are those of the standard")]
struct Location<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    physical_location: Option<Place>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logical_locations: Vec<Logical<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Text<'a>>,
}

#[derive(Serialize)]
struct Logical<'a> {
    name: &'a str,
    kind: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    artifact_location: Artifact,
    region: Region,
}

#[derive(Serialize)]
struct Artifact {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: usize,
    start_column: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_column: Option<usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Repair<'a> {
    description: Text<'a>,
    artifact_changes: Vec<Change<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Change<'a> {
    artifact_location: Artifact,
    replacements: Vec<Replacement<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Replacement<'a> {
    deleted_region: Region,
    inserted_content: Text<'a>,
}

#[derive(Serialize)]
struct Excuse<'a> {
    kind: &'static str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    justification: Option<&'a str>,
}

/// The report as a SARIF log of one run; `version` is that of the program.
pub fn sarif(report: &Report<'_>, version: &str) -> String {
    let visible = report.findings.iter().map(|finding| outcome(report, finding, None));
    let hidden = report.suppressed.iter().map(|Suppressed { finding, by }| outcome(report, finding, Some(by)));
    let run = Run {
        tool: Tool {
            driver: Driver {
                name: "Brigandine",
                semantic_version: version,
                rules: report.rules.iter().map(|meta| rule(meta)).collect(),
            },
        },
        column_kind: "unicodeCodePoints",
        invocations: [Invocation {
            execution_successful: true,
            tool_execution_notifications: report.unjudged.iter().map(|one| notification(report, one)).collect(),
        }],
        results: visible.chain(hidden).collect(),
    };
    pretty(&Log { schema: SCHEMA, version: "2.1.0", runs: [run] })
}

fn rule(meta: &RuleMeta) -> Rule<'_> {
    let tags = ["security", meta.practice.as_str()].into_iter().chain(meta.frameworks.iter().copied());
    Rule {
        id: meta.code,
        name: meta.name,
        short_description: text(meta.title),
        help: Help { text: meta.page, markdown: meta.page },
        default_configuration: Configuration { level: level(meta.severity) },
        properties: RuleProperties {
            tags: tags.take(MOST_TAGS).collect(),
            security_severity: security_severity(meta.severity),
        },
    }
}

fn outcome<'a>(report: &Report<'_>, finding: &'a Finding, by: Option<&'a Suppression>) -> Outcome<'a> {
    Outcome {
        rule_id: &finding.code,
        rule_index: report.rules.iter().position(|meta| meta.code == finding.code.as_ref()),
        level: level(finding.severity),
        message: text(format!("{}: {}", finding.title, finding.message)),
        locations: vec![location(report, finding)],
        related_locations: finding.related.iter().map(|related| related_location(report, related)).collect(),
        partial_fingerprints: Fingerprints { first: fingerprint(finding) },
        fixes: finding.fix.iter().filter_map(|fix| repair(report, fix)).collect(),
        suppressions: by.into_iter().map(excuse).collect(),
        properties: OutcomeProperties {
            severity: finding.severity.as_str(),
            practice: finding.practice.as_str(),
            security_severity: security_severity(finding.severity),
        },
    }
}

fn text<'a>(text: impl Into<std::borrow::Cow<'a, str>>) -> Text<'a> {
    Text { text: text.into() }
}

fn location<'a>(report: &Report<'_>, finding: &'a Finding) -> Location<'a> {
    let resources = finding.resource.iter().chain(&finding.also);
    let logical = resources.map(|id| Logical { name: id.as_str(), kind: "resource" });
    Location {
        physical_location: finding.span.as_ref().map(|span| place(report, span)),
        logical_locations: logical.collect(),
        message: None,
    }
}

fn related_location<'a>(report: &Report<'_>, related: &'a (Span, String)) -> Location<'a> {
    let (span, label) = related;
    Location {
        physical_location: Some(place(report, span)),
        logical_locations: Vec::new(),
        message: Some(text(label.as_str())),
    }
}

fn notification<'a>(report: &Report<'_>, unjudged: &'a Unjudged) -> Notification<'a> {
    let physical_location = unjudged.span.as_ref().map(|span| place(report, span));
    let located = physical_location.map(|place| Location {
        physical_location: Some(place),
        logical_locations: Vec::new(),
        message: None,
    });
    Notification { level: "note", message: text(unjudged.reason.as_ref()), locations: located.into_iter().collect() }
}

fn place(report: &Report<'_>, span: &Span) -> Place {
    Place { artifact_location: artifact(&span.file), region: region(report, span) }
}

fn artifact(file: &str) -> Artifact {
    Artifact { uri: uri(file) }
}

/// A path as a relative reference: forward slashes, everything else that a reference may not hold in hexadecimal.
fn uri(file: &str) -> String {
    let path = file.replace('\\', "/");
    let path = path.strip_prefix("./").unwrap_or(&path);
    let mut out = if path.starts_with('/') { "file://".to_owned() } else { String::new() };
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            other => {
                out.push('%');
                for digit in [other >> 4, other & 15] {
                    out.extend(char::from_digit(u32::from(digit), 16).map(|digit| digit.to_ascii_uppercase()));
                }
            }
        }
    }
    out
}

fn region(report: &Report<'_>, span: &Span) -> Region {
    let end = report.sources.get(&span.file).and_then(|text| position(text, span.end));
    Region {
        start_line: span.line as usize,
        start_column: span.column as usize,
        end_line: end.map(|(line, _)| line),
        end_column: end.map(|(_, column)| column),
    }
}

fn repair<'a>(report: &Report<'_>, fix: &'a Fix) -> Option<Repair<'a>> {
    let known = fix.edits.iter().all(|edit| report.sources.contains_key(&edit.span.file));
    let word = if fix.applicability == Applicability::Safe { "safe" } else { "unsafe" };
    let changes = fix.edits.iter().map(|edit| Change {
        artifact_location: artifact(&edit.span.file),
        replacements: vec![Replacement {
            deleted_region: region(report, &edit.span),
            inserted_content: text(edit.replacement.as_str()),
        }],
    });
    known.then(|| Repair { description: text(format!("{} ({word})", fix.title)), artifact_changes: changes.collect() })
}

fn excuse(by: &Suppression) -> Excuse<'_> {
    Excuse { kind: "inSource", status: "accepted", justification: by.reason.as_deref() }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// Code hosts sort by this number: over 9 critical, 7 high, 4 medium, below low.
fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "3.0",
        Severity::Info => "1.0",
    }
}
