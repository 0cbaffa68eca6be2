//! Findings as JUnit XML, which every build server shows.
//!
//! A suite per template. A case per rule and resource that the rule found something on, could not judge, or was told to leave
//! alone; a rule that has nothing to say of a template passes as one case, so that passes are visible and counted.

use std::{collections::BTreeMap, sync::Arc};

use brigandine_model::{Finding, LogicalId, RuleMeta, Suppressed, Unjudged};

use crate::{Report, safe::Safe};

/// One document. What an earlier run knew is a case that was skipped.
pub fn junit(report: &Report<'_>) -> String {
    let safe = Safe::new(report);
    let report = safe.report(report);
    let suites: Vec<Suite<'_>> = suites(&report);
    let tests: usize = suites.iter().map(|suite| suite.cases.len()).sum();
    let failures: usize = suites.iter().map(Suite::failures).sum();
    let errors = report.unread.len();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let opening = format!(
        "<testsuites name=\"brigandine check\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\">\n"
    );
    out.push_str(&opening);
    suites.iter().for_each(|suite| suite.write(&mut out));
    out.push_str("</testsuites>\n");
    out
}

struct Suite<'a> {
    name: &'a str,
    cases: Vec<Case<'a>>,
}

struct Case<'a> {
    code: &'a str,
    name: String,
    outcome: Outcome<'a>,
}

enum Outcome<'a> {
    Passed,
    Failed(Vec<&'a Finding>),
    Skipped(String),
    Broken(&'a str),
}

fn suites<'a>(report: &Report<'a>) -> Vec<Suite<'a>> {
    let mut files: Vec<&'a str> = report.files.iter().map(|file| &**file).collect();
    let found = report.findings.iter().chain(report.suppressed.iter().map(|one| &one.finding)).map(file_of);
    for file in found.chain(report.unjudged.iter().map(file_of_unjudged)) {
        if !files.contains(&file) {
            files.push(file);
        }
    }
    let judged = files.into_iter().map(|name| Suite { name, cases: cases(report, name) });
    let unread = report.unread.iter().map(|one| Suite {
        name: &one.file,
        cases: vec![Case { code: "reading", name: "reading".to_owned(), outcome: Outcome::Broken(&one.what) }],
    });
    judged.chain(unread).collect()
}

fn file_of(finding: &Finding) -> &str {
    finding.span.as_ref().map_or("", |span| &span.file)
}

fn file_of_unjudged(unjudged: &Unjudged) -> &str {
    unjudged.span.as_ref().map_or("", |span| &span.file)
}

/// What stands for one rule on one resource.
#[derive(Default)]
struct Cell<'a> {
    fresh: Vec<&'a Finding>,
    known: Vec<&'a Finding>,
    suppressed: Vec<&'a Suppressed>,
    open: Vec<&'a Unjudged>,
}

type Cells<'a> = BTreeMap<(&'a str, Option<&'a str>), Cell<'a>>;

fn cases<'a>(report: &Report<'a>, file: &str) -> Vec<Case<'a>> {
    let mut cells = Cells::new();
    for finding in report.findings.iter().filter(|finding| file_of(finding) == file) {
        let cell = cells.entry(key(&finding.code, finding.resource.as_ref())).or_default();
        if report.is_known(finding) { cell.known.push(finding) } else { cell.fresh.push(finding) }
    }
    for one in report.suppressed.iter().filter(|one| file_of(&one.finding) == file) {
        cells.entry(key(&one.finding.code, one.finding.resource.as_ref())).or_default().suppressed.push(one);
    }
    for one in report.unjudged.iter().filter(|one| file_of_unjudged(one) == file) {
        let code: &Arc<str> = match &one.code {
            Some(code) => code,
            None => continue,
        };
        cells.entry(key(code, one.resource.as_ref())).or_default().open.push(one);
    }
    let silent = |meta: &&&'static RuleMeta| !cells.keys().any(|(code, _)| *code == meta.code);
    let passed: Vec<Case<'a>> = report
        .rules
        .iter()
        .filter(silent)
        .map(|meta| Case { code: meta.code, name: format!("{} {}", meta.code, meta.name), outcome: Outcome::Passed })
        .collect();
    let reading = report.unjudged.iter().filter(|one| one.code.is_none() && file_of_unjudged(one) == file);
    let reading = reading.map(|one| Case {
        code: "reading",
        name: format!("reading line {}", one.span.as_ref().map_or(1, |span| span.line)),
        outcome: Outcome::Skipped(format!("not judged: {}", one.reason)),
    });
    let told = cells.into_iter().map(|((code, resource), cell)| case(report, (code, resource), cell));
    told.chain(reading).chain(passed).collect()
}

fn key<'a>(code: &'a str, resource: Option<&'a LogicalId>) -> (&'a str, Option<&'a str>) {
    (code, resource.map(LogicalId::as_str))
}

fn case<'a>(report: &Report<'_>, key: (&'a str, Option<&'a str>), cell: Cell<'a>) -> Case<'a> {
    let (code, resource) = key;
    let rule = report.rules.iter().find(|meta| meta.code == code).map_or("", |meta| meta.name);
    let name = [code, rule, resource.unwrap_or_default()].join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
    let outcome = match (cell.fresh.is_empty(), cell.known.first(), cell.suppressed.first(), cell.open.first()) {
        (false, ..) => Outcome::Failed(cell.fresh),
        (true, Some(known), ..) => Outcome::Skipped(format!("known before: {}", known.title)),
        (true, None, _, Some(open)) => Outcome::Skipped(format!("not judged: {}", open.reason)),
        (true, None, Some(one), None) => {
            let reason = one.by.reason.as_deref().unwrap_or("no reason given");
            Outcome::Skipped(format!("suppressed: {reason}"))
        }
        (true, None, None, None) => Outcome::Passed,
    };
    Case { code, name, outcome }
}

impl Suite<'_> {
    fn failures(&self) -> usize {
        self.cases.iter().filter(|case| matches!(case.outcome, Outcome::Failed(_))).count()
    }

    fn errors(&self) -> usize {
        self.cases.iter().filter(|case| matches!(case.outcome, Outcome::Broken(_))).count()
    }

    fn skipped(&self) -> usize {
        self.cases.iter().filter(|case| matches!(case.outcome, Outcome::Skipped(_))).count()
    }

    fn write(&self, out: &mut String) {
        let name = if self.name.is_empty() { "template" } else { self.name };
        let opening = format!(
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">\n",
            escaped(name),
            self.cases.len(),
            self.failures(),
            self.errors(),
            self.skipped()
        );
        out.push_str(&opening);
        self.cases.iter().for_each(|case| case.write(name, out));
        out.push_str("  </testsuite>\n");
    }
}

impl Case<'_> {
    fn write(&self, suite: &str, out: &mut String) {
        let opening = format!(
            "    <testcase name=\"{}\" classname=\"{}.{}\"",
            escaped(&self.name),
            escaped(suite),
            escaped(self.code)
        );
        out.push_str(&opening);
        match &self.outcome {
            Outcome::Passed => out.push_str("/>\n"),
            Outcome::Skipped(why) => {
                out.extend([">\n      <skipped message=\"", &escaped(why), "\"/>\n    </testcase>\n"]);
            }
            Outcome::Broken(what) => {
                out.extend([">\n      <error message=\"", &escaped(what), "\" type=\"unread\"/>\n    </testcase>\n"]);
            }
            Outcome::Failed(findings) => {
                out.push_str(">\n");
                findings.iter().for_each(|finding| failure(finding, out));
                out.push_str("    </testcase>\n");
            }
        }
    }
}

fn failure(finding: &Finding, out: &mut String) {
    let place =
        finding.span.as_ref().map_or_else(String::new, |span| format!("{}:{}:{}\n", span.file, span.line, span.column));
    let mut words = format!("{place}{}\n", finding.message);
    finding.help.iter().for_each(|line| words.extend([line, "\n"]));
    let title = escaped(&finding.title);
    out.extend(["      <failure message=\"", &title, "\" type=\"", finding.severity.as_str(), "\">"]);
    out.extend([&escaped(words.trim_end()), "</failure>\n"]);
}

/// Text as XML may hold it: the five signs with a meaning written out, what XML cannot hold at all replaced.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for sign in text.chars() {
        match sign {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\n' | '\t' => out.push(sign),
            '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(sign),
        }
    }
    out
}
