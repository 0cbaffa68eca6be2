//! The last line.

use brigandine_model::{Finding, Severity};

use crate::Report;

/// From worst to best.
pub(crate) const SEVERITIES: [Severity; 5] =
    [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Info];

/// One line: how many findings of which severity in how many templates, and what was not judged.
pub fn summary(report: &Report<'_>) -> String {
    let mut line = match report.findings.len() {
        0 => "no findings".to_owned(),
        number => format!("{} ({})", count(number, "finding"), by_severity(report.findings)),
    };
    line.push_str(" in ");
    line.push_str(&count(report.templates, "template"));
    if !report.unjudged.is_empty() {
        line.extend([", ", &count(report.unjudged.len(), "fact"), " not judged"]);
    }
    if !report.suppressed.is_empty() {
        line.extend([", ", &report.suppressed.len().to_string(), " suppressed"]);
    }
    line
}

fn by_severity(findings: &[Finding]) -> String {
    let parts: Vec<String> = SEVERITIES
        .into_iter()
        .map(|severity| (number_of(findings, severity), severity))
        .filter(|(number, _)| *number > 0)
        .map(|(number, severity)| format!("{number} {severity}"))
        .collect();
    parts.join(", ")
}

/// How many of the findings are of this severity.
pub(crate) fn number_of(findings: &[Finding], severity: Severity) -> usize {
    findings.iter().filter(|finding| finding.severity == severity).count()
}

fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
