//! One framework, control by control: what the rules that answer for it say of the templates.
//!
//! A pass is said only where every rule of the control was asked, found nothing and could judge everything. In all other cases
//! that are no fail it says what was not judged.

use std::collections::BTreeSet;

use anstyle::{AnsiColor, Style};
use brigandine_model::Finding;
use serde::Serialize;

use crate::{Colour, Look, Report, json::pretty, safe::Safe, summary::count, text::clean};

/// One control of a framework and the rules that answer for it.
#[derive(Clone, Debug)]
pub struct Control {
    /// Its id in the framework.
    pub id: String,
    /// What it asks.
    pub title: String,
    /// The codes of the rules that answer for it.
    pub rules: Vec<&'static str>,
}

/// What is said of a control.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Verdict {
    Fail,
    NotJudged,
    Pass,
}

#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    title: &'a str,
    verdict: Verdict,
    why: String,
    rules: &'a [&'static str],
    findings: Vec<Found<'a>>,
    accepted: usize,
}

#[derive(Serialize)]
struct Found<'a> {
    code: &'a str,
    title: &'a str,
    file: Option<&'a str>,
    line: Option<u32>,
}

#[derive(Serialize)]
struct Document<'a> {
    framework: &'a str,
    templates: usize,
    pass: usize,
    fail: usize,
    not_judged: usize,
    controls: Vec<Row<'a>>,
}

/// A table for people, and the counts.
pub fn compliance(report: &Report<'_>, framework: &str, controls: &[Control], look: Look) -> String {
    let safe = Safe::new(report);
    let document = document(&safe.report(report), framework, controls);
    let width = document.controls.iter().map(|row| row.id.chars().count()).max().unwrap_or(0);
    let mut out = String::new();
    for row in &document.controls {
        let (word, colour) = match row.verdict {
            Verdict::Pass => ("pass      ", AnsiColor::Green),
            Verdict::Fail => ("fail      ", AnsiColor::Red),
            Verdict::NotJudged => ("not judged", AnsiColor::Yellow),
        };
        let verdict = paint(look, word, colour.on_default().bold());
        out.push_str(&format_row(&[&verdict, &format!("{:width$}", row.id), row.title, &row.why]));
    }
    let counts = format!(
        "{framework}: {} failed, {} not judged, {} passed in {}\n",
        count(document.fail, "control"),
        document.not_judged,
        document.pass,
        count(document.templates, "template")
    );
    out.push('\n');
    out.push_str(&counts);
    out
}

/// One object: the framework, the counts, and a row for each control.
pub fn compliance_json(report: &Report<'_>, framework: &str, controls: &[Control]) -> String {
    let safe = Safe::new(report);
    pretty(&document(&safe.report(report), framework, controls))
}

fn format_row(cells: &[&str]) -> String {
    let [verdict, id, title, why] = cells else { return String::new() };
    let why = if why.is_empty() { String::new() } else { format!(": {}", clean(why)) };
    format!("{verdict}  {id}  {}{why}\n", clean(title))
}

fn paint(look: Look, text: &str, style: Style) -> String {
    match look.colour {
        Colour::Never => text.to_owned(),
        Colour::Always => format!("{style}{text}{style:#}"),
    }
}

fn document<'a>(report: &Report<'a>, framework: &'a str, controls: &'a [Control]) -> Document<'a> {
    let rows: Vec<Row<'a>> = controls.iter().map(|control| row(report, control)).collect();
    let number = |verdict| rows.iter().filter(|row| row.verdict == verdict).count();
    Document {
        framework,
        templates: report.templates,
        pass: number(Verdict::Pass),
        fail: number(Verdict::Fail),
        not_judged: number(Verdict::NotJudged),
        controls: rows,
    }
}

fn row<'a>(report: &Report<'a>, control: &'a Control) -> Row<'a> {
    let is_its = |code: &str| control.rules.contains(&code);
    let found: Vec<&'a Finding> = report.findings.iter().filter(|finding| is_its(&finding.code)).collect();
    let accepted = report.suppressed.iter().filter(|one| is_its(&one.finding.code)).count();
    let (verdict, why) = verdict(report, control, (found.len(), accepted));
    let findings = found.into_iter().map(|finding| Found {
        code: &finding.code,
        title: &finding.title,
        file: finding.span.as_ref().map(|span| &*span.file),
        line: finding.span.as_ref().map(|span| span.line),
    });
    Row {
        id: &control.id,
        title: &control.title,
        verdict,
        why,
        rules: &control.rules,
        findings: findings.collect(),
        accepted,
    }
}

fn verdict(report: &Report<'_>, control: &Control, number: (usize, usize)) -> (Verdict, String) {
    let (found, accepted) = number;
    let with_accepted = if accepted > 0 { format!(", {accepted} accepted") } else { String::new() };
    if found > 0 {
        let codes: BTreeSet<&str> =
            report.findings.iter().map(|finding| &*finding.code).filter(|code| control.rules.contains(code)).collect();
        let codes = codes.into_iter().collect::<Vec<_>>().join(", ");
        return (Verdict::Fail, format!("{} ({codes}){with_accepted}", count(found, "finding")));
    }
    if accepted > 0 {
        return (Verdict::Fail, format!("{} accepted", count(accepted, "finding")));
    }
    let not_asked: Vec<&str> =
        control.rules.iter().copied().filter(|code| report.rules.iter().all(|meta| meta.code != *code)).collect();
    // What the reader of the template could not tell may be about anything, so it stands in the way of every pass.
    let open =
        report.unjudged.iter().filter(|one| one.code.as_ref().is_none_or(|code| control.rules.contains(&&**code)));
    match (control.rules.is_empty(), not_asked.as_slice(), open.count()) {
        (true, ..) => (Verdict::NotJudged, "no rule here answers for it".to_owned()),
        (false, [], 0) => (Verdict::Pass, String::new()),
        (false, [], open) => (Verdict::NotJudged, format!("{} could not be told", count(open, "fact"))),
        (false, codes, _) => (Verdict::NotJudged, format!("{} not asked", codes.join(", "))),
    }
}
