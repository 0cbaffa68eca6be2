//! One line per finding, for editors, `grep` and small screens.

use brigandine_model::Finding;

use crate::{Report, safe::Safe, text::clean};

/// `file:line:column: severity CODE title`, one line per finding and nothing else. What an earlier run knew is left out.
pub fn concise(report: &Report<'_>) -> String {
    let safe = Safe::new(report);
    let report = safe.report(report);
    let mut out = String::new();
    for finding in report.news() {
        out.push_str(&line(finding));
        if let [first, more @ ..] = report.environments(finding) {
            out.extend([" (only in ", first]);
            more.iter().for_each(|name| out.extend([", ", name]));
            out.push(')');
        }
        out.push('\n');
    }
    out
}

fn line(finding: &Finding) -> String {
    let place = finding
        .span
        .as_ref()
        .map_or_else(|| "-".to_owned(), |span| format!("{}:{}:{}", clean(&span.file), span.line, span.column));
    format!("{place}: {} {} {}", finding.severity, finding.code, clean(&finding.title))
}
