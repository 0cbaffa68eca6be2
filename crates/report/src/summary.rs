//! The last line.

use brigandine_model::{Finding, Severity};

use crate::Report;

/// From worst to best.
pub(crate) const SEVERITIES: [Severity; 5] =
    [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Info];

/// One line: how many findings of which severity in how many templates, and what was not judged.
pub fn summary(report: &Report<'_>) -> String {
    let news: Vec<&Finding> = report.news().collect();
    let noun = if report.past.is_some() { "new finding" } else { "finding" };
    let mut line = match news.len() {
        0 => format!("no {noun}s"),
        number => format!("{} ({})", count(number, noun), by_severity(&news)),
    };
    line.push_str(" in ");
    line.push_str(&count(report.templates, "template"));
    if let Some(past) = report.past {
        line.extend([", ", &(report.findings.len() - news.len()).to_string(), " known"]);
        line.extend([", ", &past.gone.len().to_string(), " gone"]);
    }
    if !report.unjudged.is_empty() {
        line.extend([", ", &count(report.unjudged.len(), "fact"), " not judged"]);
    }
    if !report.suppressed.is_empty() {
        line.extend([", ", &report.suppressed.len().to_string(), " suppressed"]);
    }
    line
}

fn by_severity(findings: &[&Finding]) -> String {
    let parts: Vec<String> = SEVERITIES
        .into_iter()
        .map(|severity| (findings.iter().filter(|finding| finding.severity == severity).count(), severity))
        .filter(|(number, _)| *number > 0)
        .map(|(number, severity)| format!("{number} {severity}"))
        .collect();
    parts.join(", ")
}

/// How many of the findings are of this severity.
pub(crate) fn number_of(findings: &[Finding], severity: Severity) -> usize {
    findings.iter().filter(|finding| finding.severity == severity).count()
}

/// `1 finding`, `2 findings`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
