//! Every template of the corpus goes through every rule: none may crash one, and the counts are printed for the eye.
//!
//! `BRIGANDINE_FINDINGS=FILE` writes every finding and every fact that was not judged, one per line, for reading.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a runner reads a suite, prints its count and may panic"
)]

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use brigandine_rules::{Context, Outcome, Selection, judge};
use brigandine_template::{Failure, Input, Options, Sources, read};

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

#[test]
fn no_template_crashes_a_rule() {
    let root = suite();
    let mut paths = Vec::new();
    templates(&root, &mut paths);
    if paths.is_empty() {
        println!("skipped: no suite at {}", root.display());
        return;
    }
    let mut codes: BTreeMap<String, usize> = BTreeMap::new();
    let (mut read, mut refused, mut lines) = (0, 0, String::new());
    for path in &paths {
        let name = path.strip_prefix(&root).unwrap().display().to_string();
        match judged(&name, &std::fs::read(path).unwrap()) {
            None => refused += 1,
            Some(outcome) => {
                read += 1;
                tell(&name, &outcome, &mut codes, &mut lines);
            }
        }
    }
    for (code, number) in &codes {
        println!("{code}: {number}");
    }
    println!("{read} passed, 0 failed, {refused} excused (no template, or refused with a reason)");
    if let Some(file) = std::env::var_os("BRIGANDINE_FINDINGS") {
        std::fs::write(file, lines).unwrap();
    }
}

fn judged(name: &str, bytes: &[u8]) -> Option<Outcome> {
    let options = Options::default();
    let mut sources = Sources::default();
    let app = loop {
        let input = Input { file: name.into(), name: "corpus".into(), bytes, options: &options, sources: &sources };
        match read(&input) {
            Ok(reading) => break reading.app,
            Err(Failure::Missing(paths)) => paths.iter().for_each(|path| sources.insert(path, None)),
            Err(_) => return None,
        }
    };
    Some(judge(&app, &Selection::new("strict", &[], &[]).unwrap(), &Context { today: TODAY }))
}

fn tell(name: &str, outcome: &Outcome, codes: &mut BTreeMap<String, usize>, lines: &mut String) {
    for finding in &outcome.findings {
        *codes.entry(finding.code.to_string()).or_default() += 1;
        let line = finding.span.as_ref().map_or(0, |span| span.line);
        lines.extend([
            name,
            ":",
            &line.to_string(),
            " ",
            &finding.code,
            " ",
            finding.severity.as_str(),
            " ",
            &finding.title,
            finding.fix.as_ref().map_or("", |_| " [fix]"),
            "\n",
        ]);
    }
    for unjudged in &outcome.unjudged {
        let code = unjudged.code.as_deref().unwrap_or("reader");
        *codes.entry(format!("{code} not judged")).or_default() += 1;
        lines.extend([name, " unjudged ", code, " ", &unjudged.reason, "\n"]);
    }
}
