//! The result in the form that was asked for.

use std::io::IsTerminal;

use brigandine_model::RuleMeta;
use brigandine_report::{
    Colour, Control, Look, Past, Report, Scan, Unread, climate, compliance, compliance_json, concise, github, gitlab,
    human, json, junit, sarif, summary,
};
use brigandine_rules::controls;
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use super::{gather::Gathered, settings::Settings};
use crate::{
    arguments::{Check, Format},
    face,
    project::Unreadable,
};

/// What a run gave.
pub(crate) struct Run<'a> {
    pub(crate) gathered: &'a Gathered,
    pub(crate) past: Option<&'a Past>,
    pub(crate) unreadable: &'a [Unreadable],
    /// When it began, in UTC.
    pub(crate) began: DateTime,
}

/// A framework is shown to people or as JSON: the other forms are lists of findings.
pub(crate) fn check_shape(arguments: &Check) -> anyhow::Result<()> {
    match (&arguments.compliance, arguments.format) {
        (Some(_), Format::Human | Format::Json) | (None, _) => Ok(()),
        (Some(_), _) => Err(face::sentence(
            "`--compliance` has no such format",
            "take `--format human` or `--format json`, or leave `--compliance` out",
        )),
    }
}

/// The result as text.
pub(crate) fn print(run: &Run<'_>, settings: &Settings, arguments: &Check) -> String {
    let gathered = run.gathered;
    let rules: Vec<&'static RuleMeta> = settings.selection.rules().map(brigandine_rules::Rule::meta).collect();
    let unread: Vec<Unread> = run
        .unreadable
        .iter()
        .map(|one| Unread { file: one.file.clone(), place: one.place, what: one.what.clone() })
        .collect();
    let report = Report {
        findings: &gathered.findings,
        suppressed: &gathered.suppressed,
        unjudged: &gathered.unjudged,
        rules: &rules,
        sources: &gathered.sources,
        templates: gathered.files.len(),
        files: &gathered.files,
        unread: &unread,
        past: run.past,
        only_in: Some(&gathered.only_in),
    };
    let mut text = match &arguments.compliance {
        Some(framework) => framework_text(&report, framework, arguments.format),
        None => findings_text(&report, arguments.format, run.began),
    };
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

fn framework_text(report: &Report<'_>, framework: &str, format: Format) -> String {
    let controls: Vec<Control> = controls(framework)
        .into_iter()
        .map(|control| Control { id: control.id.to_owned(), title: control.title, rules: control.rules })
        .collect();
    match format {
        Format::Json => compliance_json(report, framework, &controls),
        _ => compliance(report, framework, &controls, look()),
    }
}

fn findings_text(report: &Report<'_>, format: Format, began: DateTime) -> String {
    let version = env!("CARGO_PKG_VERSION");
    match format {
        Format::Human => human(report, look()),
        Format::Concise => {
            for one in report.unjudged {
                let place =
                    one.span.as_ref().map_or(String::new(), |at| format!("{}:{}:{}: ", at.file, at.line, at.column));
                face::say(&face::harmless(&format!("{place}not judged: {}", one.reason)));
            }
            face::say(&summary(report));
            concise(report)
        }
        Format::Json => json(report),
        Format::Sarif => sarif(report, version),
        Format::Junit => junit(report),
        Format::Github => github(report),
        Format::Gitlab => {
            let ended = TimeZone::UTC.to_datetime(Timestamp::now());
            gitlab(report, &Scan { version, began, ended })
        }
        Format::Codeclimate => climate(report),
    }
}

/// Colour where standard output shows it; the width of the terminal where there is one.
fn look() -> Look {
    let colour = match anstream::AutoStream::choice(&std::io::stdout()) {
        anstream::ColorChoice::Never => Colour::Never,
        _ => Colour::Always,
    };
    let width = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    Look { colour, width: width.filter(|_| std::io::stdout().is_terminal()) }
}
