//! Findings as SARIF 2.1.0, the format code hosts read.
//!
//! Every result carries the rule's code, a fingerprint that survives edits, the way of an attacker as a code flow, and what hides
//! it where something does. Hosts keep 5,000 results of a run, ten tags of a rule and 100 places of a result and drop the
//! rest unsaid; so what would not fit is put together, the worst first, and what is left out is said.

mod shape;

use std::{borrow::Cow, collections::BTreeMap};

use brigandine_model::{
    Applicability, Finding, Fix, RuleMeta, Severity, Span, Step, Suppressed, Suppression, Unjudged,
};

use self::shape::{
    Artifact, Change, Configuration, Driver, Excuse, Fingerprints, Flow, Help, Invocation, Location, Log, Logical,
    Notification, Outcome, OutcomeProperties, Place, Region, Repair, Replacement, Rule, RuleProperties, Run, Stop,
    Text, Thread, Tool,
};
use crate::{Gone, Report, fingerprint, json::pretty, safe::Safe, summary::count, text::position};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
const MOST_TAGS: usize = 10;
const MOST_RESULTS: usize = 5_000;
const MOST_PLACES: usize = 100;
/// Notifications are no results, but a hostile template can ask for any number of them.
const MOST_NOTIFICATIONS: usize = 1_000;

/// The report as a SARIF log of one run; `version` is that of the program.
pub fn sarif(report: &Report<'_>, version: &str) -> String {
    let safe = Safe::new(report);
    let report = &safe.report(report);
    let (results, left_out) = results(report);
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
            execution_successful: report.unread.is_empty(),
            tool_execution_notifications: notifications(report, left_out),
        }],
        results,
    };
    pretty(&Log { schema: SCHEMA, version: "2.1.0", runs: [run] })
}

/// The results, the worst first where they do not all fit, and how many are left out.
fn results<'a>(report: &Report<'a>) -> (Vec<Outcome<'a>>, usize) {
    let gone = report.past.map_or(&[][..], |past| &past.gone);
    let all = report.findings.len() + report.suppressed.len() + gone.len();
    let mut results: Vec<Outcome<'a>> = if all > MOST_RESULTS {
        grouped(report)
    } else {
        report.findings.iter().map(|finding| outcome(report, finding, None)).collect()
    };
    results.extend(report.suppressed.iter().map(|Suppressed { finding, by }| outcome(report, finding, Some(by))));
    results.extend(gone.iter().map(|one| absent(report, one)));
    let left_out = results.len().saturating_sub(MOST_RESULTS);
    results.truncate(MOST_RESULTS);
    (results, left_out)
}

/// One result for all findings that a rule made in one file with one severity, at their places; the worst first.
fn grouped<'a>(report: &Report<'a>) -> Vec<Outcome<'a>> {
    type Cause<'f> = (std::cmp::Reverse<Severity>, &'f str, &'f str, bool);
    let mut causes: BTreeMap<Cause<'a>, Vec<&'a Finding>> = BTreeMap::new();
    for finding in report.findings {
        let file = finding.span.as_ref().map_or("", |span| &span.file);
        let cause = (std::cmp::Reverse(finding.severity), &*finding.code, file, report.is_known(finding));
        causes.entry(cause).or_default().push(finding);
    }
    let mut results = Vec::new();
    for findings in causes.into_values() {
        for group in findings.chunks(MOST_PLACES) {
            let Some((first, others)) = group.split_first() else { continue };
            let mut result = outcome(report, first, None);
            if !others.is_empty() {
                let more = count(others.len(), "more place");
                result.message = text(format!("{} (and {more} in this file)", result.message.text));
                result.locations.extend(others.iter().map(|other| location(report, other)));
            }
            results.push(result);
        }
    }
    results
}

/// A finding of an earlier run that is not made any more.
fn absent<'a>(report: &Report<'_>, gone: &'a Gone) -> Outcome<'a> {
    let logical = gone.resource.iter().map(|id| Logical { name: id, kind: "resource" }).collect();
    let place = Place { artifact_location: artifact(&gone.file), region: None };
    Outcome {
        rule_id: &gone.code,
        rule_index: report.rules.iter().position(|meta| meta.code == gone.code),
        level: "none",
        message: text(gone.title.as_str()),
        locations: vec![Location { physical_location: Some(place), logical_locations: logical, message: None }],
        related_locations: Vec::new(),
        code_flows: Vec::new(),
        partial_fingerprints: Fingerprints { first: gone.fingerprint.clone() },
        baseline_state: Some("absent"),
        fixes: Vec::new(),
        suppressions: Vec::new(),
        properties: None,
    }
}

fn notifications<'a>(report: &Report<'a>, left_out: usize) -> Vec<Notification<'a>> {
    let mut told: Vec<Notification<'a>> =
        report.unjudged.iter().take(MOST_NOTIFICATIONS).map(|one| notification(report, one)).collect();
    let mut plain = |words: String| {
        told.push(Notification { level: "warning", message: text(words), locations: Vec::new() });
    };
    for one in report.unread.iter().take(MOST_NOTIFICATIONS) {
        plain(format!("`{}` could not be read: {}", one.file, one.what));
    }
    if left_out > 0 {
        plain(format!("{} left out: no more than {MOST_RESULTS} are kept of one run", count(left_out, "result")));
    }
    if report.unjudged.len() > MOST_NOTIFICATIONS {
        plain(format!("{} not judged are left out here", count(report.unjudged.len() - MOST_NOTIFICATIONS, "fact")));
    }
    told
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
        related_locations: finding
            .related
            .iter()
            .take(MOST_PLACES)
            .map(|related| related_location(report, related))
            .collect(),
        code_flows: flow(report, finding).into_iter().collect(),
        partial_fingerprints: Fingerprints { first: fingerprint(finding) },
        baseline_state: report.past.map(|past| if past.knows(finding) { "unchanged" } else { "new" }),
        fixes: finding.fix.iter().filter_map(|fix| repair(report, fix)).collect(),
        suppressions: by.into_iter().map(|by| excuse(report, by)).collect(),
        properties: Some(OutcomeProperties {
            severity: finding.severity.as_str(),
            practice: finding.practice.as_str(),
            security_severity: security_severity(finding.severity),
            only_in: report.environments(finding).iter().map(ToString::to_string).collect(),
        }),
    }
}

/// The way of an attacker. Hosts want a place for every step: a step without one stands where the next step does.
fn flow<'a>(report: &Report<'_>, finding: &'a Finding) -> Option<Flow<'a>> {
    let steps: Vec<&Step> = finding.path.iter().take(MOST_PLACES).collect();
    let stop = |number: usize, step: &'a Step| {
        let next = finding.path.iter().skip(number).find_map(|step| step.span.as_ref());
        Stop {
            location: Location {
                physical_location: next.or(finding.span.as_ref()).map(|span| place(report, span)),
                logical_locations: Vec::new(),
                message: Some(text(step.words.as_str())),
            },
        }
    };
    let locations: Vec<Stop<'a>> = steps.into_iter().enumerate().map(|(number, step)| stop(number, step)).collect();
    (!locations.is_empty()).then_some(Flow { thread_flows: [Thread { locations }] })
}

fn text<'a>(text: impl Into<Cow<'a, str>>) -> Text<'a> {
    Text { text: text.into() }
}

fn location<'a>(report: &Report<'_>, finding: &'a Finding) -> Location<'a> {
    let resources = finding.resource.iter().chain(&finding.also);
    let logical = resources.take(MOST_PLACES).map(|id| Logical { name: id.as_str(), kind: "resource" });
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
    Place { artifact_location: artifact(&span.file), region: Some(region(report, span)) }
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

/// What hides a result: words in the template, or an entry of the register beside it.
fn excuse<'a>(report: &Report<'_>, by: &'a Suppression) -> Excuse<'a> {
    let kind = if report.sources.contains_key(&by.span.file) { "inSource" } else { "external" };
    Excuse { kind, status: "accepted", justification: by.reason.as_deref() }
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
