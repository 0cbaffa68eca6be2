//! A rule's page is its test: the bad examples give exactly the findings that they mark, the good ones give none.
//!
//! A finding is marked at the end of its line (`# <- LP001`), or on a line of its own below it (`# ^ ED001`). The page's own
//! rule is asked, and those that the example names.

#![expect(
    clippy::unwrap_used,
    clippy::string_slice,
    clippy::panic,
    clippy::needless_pass_by_value,
    clippy::unnecessary_wraps,
    reason = "a test may panic, and the harness says how it calls"
)]

use std::{collections::BTreeMap, path::Path, sync::Arc};

use brigandine_model::{Edit, Finding};
use brigandine_rules::{Context, Outcome, Selection, judge};
use brigandine_template::{Failure, Input, Options, Sources, fix::edits, read};

/// A day that lies after the ends of life that the pages speak of and before those they do not.
const TODAY: jiff::civil::Date = jiff::civil::date(2026, 11, 1);

struct Example {
    is_bad: bool,
    first_line: usize,
    text: String,
}

fn examples(page: &str) -> Vec<Example> {
    let mut found: Vec<Example> = Vec::new();
    let mut open: Option<Example> = None;
    for (index, line) in page.lines().enumerate() {
        open = match (open.take(), line.strip_prefix("```")) {
            (Some(example), Some(_)) => {
                found.push(example);
                None
            }
            (Some(mut example), None) => {
                example.text.extend([line, "\n"]);
                Some(example)
            }
            (None, Some("yaml bad")) => Some(Example { is_bad: true, first_line: index + 2, text: String::new() }),
            (None, Some("yaml good")) => Some(Example { is_bad: false, first_line: index + 2, text: String::new() }),
            (None, Some(other)) => panic!("line {}: an example is `yaml bad` or `yaml good`, not `{other}`", index + 1),
            (None, None) => None,
        };
    }
    found
}

fn marks(text: &str) -> Vec<(u32, String)> {
    let mut marks = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if let Some((_, code)) = line.split_once("# <- ") {
            marks.extend(code.split(", ").map(|code| (number, code.trim().to_owned())));
        }
        if let Some(code) = line.trim().strip_prefix("# ^ ") {
            marks.push((number - 1, code.trim().to_owned()));
        }
    }
    marks.sort();
    marks
}

/// The rules that an example speaks of: the page's own, and those it names in marks or suppressions.
fn asked(text: &str, code: &str) -> Vec<String> {
    let named = |rule: &&&dyn brigandine_rules::Rule| text.contains(rule.meta().code) || rule.meta().code == code;
    brigandine_rules::RULES.iter().filter(named).map(|rule| rule.meta().code.to_owned()).collect()
}

fn judged(text: &str, asked: &[String]) -> Result<Outcome, Failure> {
    let (options, sources) = (Options::default(), Sources::default());
    let input = Input {
        file: "template.yaml".into(),
        name: "page".into(),
        bytes: text.as_bytes(),
        options: &options,
        sources: &sources,
    };
    let app = read(&input)?.app;
    Ok(judge(&app, &Selection::new("strict", asked, &[]).unwrap(), &Context { today: TODAY }))
}

fn said(findings: &[Finding]) -> Vec<(u32, String)> {
    let mut said: Vec<_> = findings
        .iter()
        .map(|finding| (finding.span.as_ref().map_or(0, |span| span.line), finding.code.to_string()))
        .collect();
    said.sort();
    said
}

fn applied(text: &str, edits: &[Edit]) -> String {
    let by_start: BTreeMap<usize, &Edit> = edits.iter().map(|edit| (edit.span.start, edit)).collect();
    let mut text = text.to_owned();
    for edit in by_start.values().rev() {
        text.replace_range(edit.span.start..edit.span.end, &edit.replacement);
    }
    text
}

fn page(path: &Path, page: String) -> datatest_stable::Result<()> {
    let code: Arc<str> = path.file_name().unwrap().to_str().unwrap()[..5].into();
    let examples = examples(&page);
    assert!(examples.iter().any(|example| example.is_bad), "no bad example");
    assert!(examples.iter().any(|example| !example.is_bad), "no good example");
    let faults: Vec<String> = examples.iter().flat_map(|example| faults(example, &code)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}

/// What is wrong with an example, one line each.
fn faults(example: &Example, code: &Arc<str>) -> Vec<String> {
    let at = format!("the example at line {}", example.first_line);
    let outcome = match judged(&example.text, &asked(&example.text, code)) {
        Ok(outcome) => outcome,
        Err(failure) => return vec![format!("{at} cannot be read: {failure}")],
    };
    let (wanted, found) = (marks(&example.text), said(&outcome.findings));
    let mut faults = Vec::new();
    if found != wanted {
        faults.push(format!("{at} gives {found:?} instead of {wanted:?}"));
    }
    if example.is_bad != wanted.iter().any(|(_, marked)| **marked == **code) {
        faults.push(format!("{at} is good or bad in name only"));
    }
    let open = outcome.unjudged.iter().filter(|one| one.code.as_ref() == Some(code));
    faults.extend(open.map(|one| format!("{at} leaves open: {}", one.reason)));
    faults.extend(
        outcome
            .findings
            .iter()
            .filter_map(|finding| Some(format!("{at}: {}", broken_fix(example, &outcome, (finding, code))?))),
    );
    faults
}

/// A fix removes its finding and brings no other.
fn broken_fix(example: &Example, outcome: &Outcome, (finding, code): (&Finding, &str)) -> Option<String> {
    let fix = finding.fix.as_ref()?;
    let changed = match edits("template.yaml", example.text.as_bytes(), &fix.changes) {
        Ok(edits) => applied(&example.text, &edits),
        Err(why) => return Some(format!("the fix of {} cannot be written: {why}", finding.code)),
    };
    let left = match judged(&changed, &asked(&example.text, code)) {
        Ok(left) => left.findings,
        Err(failure) => return Some(format!("the fix of {} breaks the template: {failure}", finding.code)),
    };
    let same = |other: &Finding| {
        (&other.code, &other.resource, &other.fact) == (&finding.code, &finding.resource, &finding.fact)
    };
    let message = if left.iter().any(same) { "leaves it" } else { "brings others" };
    (left.iter().any(same) || left.len() >= outcome.findings.len())
        .then(|| format!("the fix of {} {message}", finding.code))
}

datatest_stable::harness! {
    { test = page, root = "pages", pattern = r"\.md$" },
}
