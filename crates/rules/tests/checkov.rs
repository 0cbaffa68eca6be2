//! Labelled resources of somebody else's scanner, as far as one of our rules asks the same question.
//!
//! Prints recall and false alarms for each check and for all together, and fails below the bar. A disagreement that we would
//! defend still counts as a miss or a false alarm; only the checks of [`EXCLUDED`] were left out beforehand. Where a folder
//! has no list of resources, its files are the cases: their names say whether they hold the fault.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a runner reads a suite, prints its count and may panic"
)]

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use brigandine_model::{App, Finding};
use brigandine_rules::{Context, Selection, judge};
use brigandine_template::{Input, Options, Sources, read};
use serde_json::Value;

/// Their check, our rule. The other checks of the suite ask what no rule asks yet.
const SAME_QUESTION: &[(&str, &str)] = &[
    ("CKV_AWS_7", "EN007"),
    ("CKV_AWS_26", "EN002"),
    ("CKV_AWS_27", "EN003"),
    ("CKV_AWS_28", "DW007"),
    ("CKV_AWS_33", "EN007"),
    ("CKV_AWS_34", "EN006"),
    ("CKV_AWS_35", "EN003"),
    ("CKV_AWS_43", "EN002"),
    ("CKV_AWS_51", "DE005"),
    ("CKV_AWS_59", "AP001"),
    ("CKV_AWS_60", "LP018"),
    ("CKV_AWS_61", "LP018"),
    ("CKV_AWS_36", "MO013"),
    ("CKV_AWS_62", "LP001"),
    ("CKV_AWS_63", "LP001"),
    ("CKV_AWS_66", "MO002"),
    ("CKV_AWS_67", "MO014"),
    ("CKV_AWS_73", "MO010"),
    ("CKV_AWS_76", "MO004"),
    ("CKV_AWS_86", "MO004"),
    ("CKV_AWS_95", "MO004"),
    ("CKV_AWS_68", "AP012"),
    ("CKV_AWS_193", "MO004"),
    ("CKV_AWS_194", "MO005"),
    ("CKV_AWS_384", "SE009"),
    ("CKV_AWS_364", "AP016"),
    ("CKV_AWS_366", "AP024"),
    ("CKV_AWS_78", "EN001"),
    ("CKV_AWS_119", "EN003"),
    ("CKV_AWS_136", "EN003"),
    ("CKV_AWS_149", "EN003"),
    ("CKV_AWS_158", "EN003"),
    ("CKV_AWS_165", "DW007"),
    ("CKV_AWS_174", "EN005"),
    ("CKV_AWS_258", "AP003"),
    ("CKV_AWS_363", "DE002"),
    ("CKV_AWS_373", "EN003"),
];

/// Where files are the cases, only what is said of this type is about their question: other resources stand in them too.
const ABOUT: &[(&str, &str)] = &[("CKV_AWS_35", "AWS::CloudTrail::Trail")];

/// Checks left out beforehand, because our design differs on purpose: each asks for a setting on every function, whatever
/// the function does, and such findings are most of what makes teams stop reading.
const EXCLUDED: &[(&str, &str)] = &[
    (
        "CKV_AWS_115",
        "a concurrency limit of its own for every function: DW001 asks where strangers decide how many run",
    ),
    (
        "CKV_AWS_116",
        "a dead-letter queue on every function: DW002 asks where events are asynchronous and would get lost",
    ),
    ("CKV_AWS_117", "every function inside a network: DP007 asks where it talks to a store that has one"),
    ("CKV_AWS_173", "an own key for every environment: SE002 to SE004 ask whether a secret stands in it at all"),
];

/// The bar: of all faults labelled, so many are found, and of all that is labelled sound, at most so much is told.
const RECALL: f64 = 0.95;
const FALSE_ALARMS: f64 = 0.05;

/// The labels on runtimes are of the fixtures' time, not of ours.
const TODAY: jiff::civil::Date = jiff::civil::date(2025, 1, 1);

#[derive(Default)]
struct Count {
    caught: usize,
    missed: Vec<String>,
    quiet: usize,
    alarms: Vec<String>,
}

impl Count {
    fn faults(&self) -> usize {
        self.caught + self.missed.len()
    }

    fn sound(&self) -> usize {
        self.quiet + self.alarms.len()
    }

    fn recall(&self) -> f64 {
        share(self.caught, self.faults())
    }

    fn false_alarms(&self) -> f64 {
        share(self.alarms.len(), self.sound())
    }
}

fn share(part: usize, whole: usize) -> f64 {
    let count = |number| f64::from(u32::try_from(number).unwrap());
    count(part) / count(whole.max(1))
}

fn suite() -> PathBuf {
    std::env::var_os("BRIGANDINE_SUITE_CHECKOV_FIXTURES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/suites/checkov-fixtures"),
        PathBuf::from,
    )
}

#[test]
fn labelled_resources_are_judged() {
    let root = suite();
    let Ok(expected) = std::fs::read(root.join("expected.json")) else {
        println!("skipped: no suite at {}", root.display());
        return;
    };
    let cases: Value = serde_json::from_slice(&expected).unwrap();
    let mut total = Count::default();
    let mut excused = 0;
    for case in cases.as_array().unwrap().iter().filter(|case| case["kind"] == "cloudformation") {
        let check = case["check"].as_str().unwrap_or_default();
        if let Some((_, why)) = EXCLUDED.iter().find(|(theirs, _)| *theirs == check) {
            let labelled = |list: &str| case[list].as_array().map_or(0, Vec::len);
            excused += labelled("fail") + labelled("pass");
            println!("{check}: left out beforehand: {why}");
        } else if let Some((_, code)) = SAME_QUESTION.iter().find(|(theirs, _)| *theirs == check) {
            let count = run(&root.join("cloudformation").join(case["folder"].as_str().unwrap()), case, code);
            tell(check, code, &count);
            total.caught += count.caught;
            total.missed.extend(count.missed);
            total.quiet += count.quiet;
            total.alarms.extend(count.alarms);
        } else {
            println!("{check}: no counterpart");
        }
    }
    let failed = total.missed.len() + total.alarms.len();
    println!(
        "all together: recall {:.3} ({} of {} faults), false-alarm rate {:.1} % ({} of {} sound cases)",
        total.recall(),
        total.caught,
        total.faults(),
        total.false_alarms() * 100.0,
        total.alarms.len(),
        total.sound()
    );
    println!("{} passed, {failed} failed, {excused} excused", total.caught + total.quiet);
    assert!(total.faults() > 0 && total.sound() > 0, "the suite has no case for us");
    assert!(total.recall() >= RECALL, "recall is under {RECALL}: missed {:?}", total.missed);
    assert!(total.false_alarms() <= FALSE_ALARMS, "more than {FALSE_ALARMS} false alarms: {:?}", total.alarms);
}

fn tell(check: &str, code: &str, count: &Count) {
    println!(
        "{check} -> {code}: recall {}/{}, false alarms {}/{}",
        count.caught,
        count.faults(),
        count.alarms.len(),
        count.sound()
    );
    for missed in &count.missed {
        println!("  missed {missed}");
    }
    for alarm in &count.alarms {
        println!("  alarm  {alarm}");
    }
}

fn run(folder: &Path, case: &Value, code: &str) -> Count {
    let mut count = Count::default();
    let check = case["check"].as_str().unwrap();
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut done = BTreeSet::new();
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        // What their check itself gives no verdict on is labelled neither way.
        if name.to_ascii_lowercase().contains("unknown") {
            continue;
        }
        let Some((app, findings)) = judged(&name, &bytes, code) else { continue };
        if case.get("pass").is_none() {
            let about = ABOUT.iter().find(|(of, _)| *of == check).map(|(_, kind)| *kind);
            let kind = |finding: &Finding| Some(&*app.resources.get(finding.resource.as_ref()?)?.kind);
            let found = findings.iter().any(|finding| about.is_none() || kind(finding) == about);
            note(&mut count, &name, is_fault(&name), found);
            continue;
        }
        for (list, fault) in [("fail", true), ("pass", false)] {
            for address in case[list].as_array().unwrap().iter().filter_map(Value::as_str) {
                let id = address.rsplit('.').next().unwrap();
                let Some((_, resource)) = app.resources.iter().find(|(own, _)| own.as_str() == id) else { continue };
                if address.starts_with(&*resource.kind) || done.insert(format!("{name} {address}")) {
                    let inside = |finding: &Finding| is_on(finding, id, resource.provenance.span.as_ref());
                    note(&mut count, &format!("{name} {id}"), fault, findings.iter().any(inside));
                }
            }
        }
    }
    count
}

fn is_on(finding: &Finding, id: &str, span: Option<&brigandine_model::Span>) -> bool {
    let within =
        |inner: &brigandine_model::Span| span.is_some_and(|outer| outer.start <= inner.start && inner.end <= outer.end);
    finding.resource.iter().chain(&finding.also).any(|own| own.as_str() == id)
        || finding.span.as_ref().is_some_and(within)
}

fn is_fault(name: &str) -> bool {
    name.to_ascii_lowercase().contains("fail")
}

fn note(count: &mut Count, name: &str, fault: bool, found: bool) {
    match (fault, found) {
        (true, true) => count.caught += 1,
        (false, false) => count.quiet += 1,
        (true, false) => count.missed.push(name.to_owned()),
        (false, true) => count.alarms.push(name.to_owned()),
    }
}

/// Nothing where the file is refused: that is a precise finding of the reader, and no verdict of a rule.
fn judged(name: &str, bytes: &[u8], code: &str) -> Option<(App, Vec<Finding>)> {
    let (options, sources) = (Options::default(), Sources::default());
    let input = Input { file: name.into(), name: "fixture".into(), bytes, options: &options, sources: &sources };
    let app = match read(&input) {
        Ok(reading) => reading.app,
        Err(failure) => {
            println!("  not read: {name}: {failure}");
            return None;
        }
    };
    let selection = Selection::new("strict", &[code.to_owned()], &[]).unwrap();
    let outcome = judge(&app, &selection, &Context { today: TODAY });
    // Some fixtures carry suppressions for other linters; what these hide was found all the same.
    let hidden = outcome.suppressed.into_iter().map(|one| one.finding);
    Some((app, outcome.findings.into_iter().chain(hidden).collect()))
}
