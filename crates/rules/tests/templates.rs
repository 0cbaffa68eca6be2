//! Every template of the corpus goes through every rule: none may crash one, and the counts are printed for the eye.
//!
//! `BRIGANDINE_FINDINGS=FILE` writes every finding and every fact that was not judged, one per line, for reading.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a runner reads a suite, prints its count and may panic"
)]

#[path = "support/corpus.rs"]
mod corpus;

use std::collections::BTreeMap;

use brigandine_rules::{Context, Outcome, Selection, judge};

#[test]
fn no_template_crashes_a_rule() {
    let templates = corpus::templates();
    if templates.is_empty() {
        return;
    }
    let mut codes: BTreeMap<String, usize> = BTreeMap::new();
    let (mut read, mut refused, mut lines) = (0, 0, String::new());
    for template in &templates {
        match judged(&template.name, &std::fs::read(&template.path).unwrap()) {
            None => refused += 1,
            Some(outcome) => {
                read += 1;
                tell(&template.name, &outcome, &mut codes, &mut lines);
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
    let app = corpus::app(name, bytes)?;
    Some(judge(&app, &Selection::new("strict", &[], &[]).unwrap(), &Context { today: corpus::TODAY }))
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
