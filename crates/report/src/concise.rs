//! One line per finding, for editors, `grep` and small screens.

use brigandine_model::Finding;

use crate::{Report, text::clean};

/// `file:line:column: severity CODE title`, one line per finding and nothing else.
pub fn concise(report: &Report<'_>) -> String {
    let mut out = String::new();
    for finding in report.findings {
        out.push_str(&line(finding));
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
