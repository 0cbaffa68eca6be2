//! Every fix that the rules offer on the corpus is done, one at a time: the template must still be read, the finding must be
//! gone, and no worse one may have come.
//!
//! A fix may be refused (an anchor, a place that cannot be written to): that is counted and no fault.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a runner reads a suite, prints its count and may panic"
)]

use std::path::{Path, PathBuf};

use brigandine_model::Finding;
use brigandine_rules::{Context, Selection, judge};
use brigandine_template::{
    Failure, Input, Options, Sources,
    fix::{Written, apply},
    read,
};

const TODAY: jiff::civil::Date = jiff::civil::date(2026, 11, 1);

fn suite() -> PathBuf {
    std::env::var_os("BRIGANDINE_SUITE_TEMPLATES")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/suites/templates"), PathBuf::from)
}

fn templates(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            templates(&path, found);
        } else if path.extension().is_some_and(|end| ["yaml", "yml", "json", "template"].iter().any(|own| end == *own))
        {
            found.push(path);
        }
    }
}

fn judged(name: &str, text: &str) -> Option<Vec<Finding>> {
    let options = Options::default();
    let mut sources = Sources::default();
    let app = loop {
        let input = Input {
            file: name.into(),
            name: "corpus".into(),
            bytes: text.as_bytes(),
            options: &options,
            sources: &sources,
        };
        match read(&input) {
            Ok(reading) => break reading.app,
            Err(Failure::Missing(paths)) => paths.iter().for_each(|path| sources.insert(path, None)),
            Err(_) => return None,
        }
    };
    Some(judge(&app, &Selection::default(), &Context { today: TODAY }).findings)
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
    let root = suite();
    let mut paths = Vec::new();
    templates(&root, &mut paths);
    if paths.is_empty() {
        println!("skipped: no suite at {}", root.display());
        return;
    }
    let (mut done, mut refused, mut faults) = (0, 0, Vec::new());
    for path in &paths {
        let name = path.strip_prefix(&root).unwrap().display().to_string();
        let Ok(text) = std::fs::read_to_string(path) else { continue };
        let Some(before) = judged(&name, &text) else { continue };
        for finding in before.iter().filter(|finding| finding.fix.is_some()) {
            match fault(&name, &text, &before, finding) {
                None => refused += 1,
                Some(Ok(())) => done += 1,
                Some(Err(_)) if EXCUSED.iter().any(|(file, code, _)| *file == name && **code == *finding.code) => {
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
