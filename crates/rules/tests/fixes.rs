//! Every fix that the rules offer on the corpus is done, one at a time: the template must still be read, the finding must be
//! gone, and no worse one may have come.
//!
//! A fix may be refused (an anchor, a place that cannot be written to): that is counted and no fault.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a runner reads a suite, prints its count and may panic"
)]

#[path = "support/corpus.rs"]
mod corpus;

use brigandine_model::Finding;
use brigandine_rules::{Context, Selection, judge};
use brigandine_template::fix::{Written, apply};

fn judged(name: &str, text: &str) -> Option<Vec<Finding>> {
    let app = corpus::app(name, text.as_bytes())?;
    Some(judge(&app, &Selection::default(), &Context { today: corpus::TODAY }).findings)
}

/// Fixes that bring another finding to light, and why; `check` does not offer them.
const EXCUSED: &[(&str, &str, &str)] = &[(
    "patterns/apigw-sqs-lambda-iot/template.yaml",
    "LP003",
    "once the role names its topic, the function is seen to trigger itself, which `*` had hidden",
)];

/// What is wrong with one fix, if anything; nothing to say where it is refused.
fn fault(name: &str, text: &str, before: &[Finding], finding: &Finding) -> Option<Result<(), String>> {
    let fix = finding.fix.as_ref()?;
    let written = Written::read(name, text.as_bytes()).ok()?;
    let edits = written.edits(&fix.changes).ok()?;
    let what = format!("{name}: {} of {:?}", finding.code, finding.resource.as_ref().map(ToString::to_string));
    let Some(after) = judged(name, &apply(text, &edits)) else {
        return Some(Err(format!("{what} breaks the template")));
    };
    let same = |one: &Finding, other: &Finding| {
        (&one.code, &one.resource, &one.fact) == (&other.code, &other.resource, &other.fact)
    };
    if after.iter().any(|one| same(one, finding)) {
        return Some(Err(format!("{what} stays")));
    }
    let came = after.iter().find(|one| !before.iter().any(|other| same(one, other)));
    Some(came.map_or(Ok(()), |one| Err(format!("{what} brings {} of {:?}", one.code, one.resource))))
}

#[test]
fn fixes_remove_their_findings_and_bring_no_others() {
    let templates = corpus::templates();
    if templates.is_empty() {
        return;
    }
    let (mut done, mut refused, mut faults) = (0, 0, Vec::new());
    for corpus::Template { name, path } in &templates {
        let Ok(text) = std::fs::read_to_string(path) else { continue };
        let Some(before) = judged(name, &text) else { continue };
        for finding in before.iter().filter(|finding| finding.fix.is_some()) {
            match fault(name, &text, &before, finding) {
                None => refused += 1,
                Some(Ok(())) => done += 1,
                Some(Err(_)) if EXCUSED.iter().any(|(file, code, _)| file == name && **code == *finding.code) => {
                    refused += 1;
                }
                Some(Err(why)) => faults.push(why),
            }
        }
    }
    println!(
        "{done} passed, {} failed, {refused} excused (the text cannot be changed unseen, or another finding comes to light)",
        faults.len()
    );
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
