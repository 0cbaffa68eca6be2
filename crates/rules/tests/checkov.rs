//! Labelled resources of somebody else's scanner, as far as one of our rules asks the same question.
//!
//! Prints recall and false alarms for each check; fails only when a fixture cannot be got through. Where a folder has no
//! list of resources, its files are the cases: their names say whether they hold the fault.

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
    ("CKV_AWS_116", "DW002"),
    ("CKV_AWS_193", "MO004"),
    ("CKV_AWS_194", "MO005"),
    ("CKV_AWS_258", "AP003"),
    ("CKV_AWS_363", "DE002"),
    ("CKV_AWS_384", "SE009"),
    ("CKV_AWS_364", "AP016"),
    ("CKV_AWS_366", "AP024"),
    ("CKV_AWS_78", "EN001"),
    ("CKV_AWS_116", "DW002"),
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

/// Cases whose label we do not share, and why.
const EXCUSED: &[(&str, &str, &str)] = &[
    ("CKV_AWS_62", "iam_group", "people's groups are no part of an application"),
    ("CKV_AWS_62", "iam_user", "people's accounts are no part of an application"),
    ("CKV_AWS_62", "iam_policy", "the policy is attached to a group of people"),
    ("CKV_AWS_63", "iam_group", "people's groups are no part of an application"),
    ("CKV_AWS_63", "iam_user", "people's accounts are no part of an application"),
    ("CKV_AWS_63", "iam_policy", "the policy is attached to a group of people"),
    ("CKV_AWS_62", "iam_role.unknown", "they cannot read a policy in a text; we can, and it allows everything"),
    ("CKV_AWS_63", "iam_role.unknown", "they cannot read a policy in a text; we can, and it allows everything"),
    ("CKV_AWS_116", "Default", "nothing asynchronous starts the function, so no event can be lost"),
];

/// The labels on runtimes are of the fixtures' time, not of ours.
const TODAY: jiff::civil::Date = jiff::civil::date(2025, 1, 1);

#[derive(Default)]
struct Count {
    caught: usize,
    missed: Vec<String>,
    quiet: usize,
    alarms: Vec<String>,
    excused: usize,
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
    for case in cases.as_array().unwrap().iter().filter(|case| case["kind"] == "cloudformation") {
        let check = case["check"].as_str().unwrap_or_default();
        if let Some((_, code)) = SAME_QUESTION.iter().find(|(theirs, _)| *theirs == check) {
            let count = run(&root.join("cloudformation").join(case["folder"].as_str().unwrap()), case, code);
            tell(check, code, &count);
            total.caught += count.caught;
            total.missed.extend(count.missed);
            total.quiet += count.quiet;
            total.alarms.extend(count.alarms);
            total.excused += count.excused;
        }
    }
    let failed = total.missed.len() + total.alarms.len();
    println!("{} passed, {failed} failed, {} excused", total.caught + total.quiet, total.excused);
    assert!(total.caught + total.quiet + failed + total.excused > 0, "the suite has no case for us");
}

fn tell(check: &str, code: &str, count: &Count) {
    let faults = count.caught + count.missed.len();
    let clean = count.quiet + count.alarms.len();
    println!(
        "{check} -> {code}: recall {}/{faults}, false alarms {}/{clean}, excused {}",
        count.caught,
        count.alarms.len(),
        count.excused
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
        let Some((app, findings)) = judged(&name, &bytes, code) else { continue };
        if case.get("pass").is_none() {
            let about = ABOUT.iter().find(|(of, _)| *of == check).map(|(_, kind)| *kind);
            let kind = |finding: &Finding| Some(&*app.resources.get(finding.resource.as_ref()?)?.kind);
            let found = findings.iter().any(|finding| about.is_none() || kind(finding) == about);
            note(&mut count, (check, &name), is_fault(&name), found);
            continue;
        }
        for (list, fault) in [("fail", true), ("pass", false)] {
            for address in case[list].as_array().unwrap().iter().filter_map(Value::as_str) {
                let id = address.rsplit('.').next().unwrap();
                let Some((_, resource)) = app.resources.iter().find(|(own, _)| own.as_str() == id) else { continue };
                if address.starts_with(&*resource.kind) || done.insert(format!("{name} {address}")) {
                    let inside = |finding: &Finding| is_on(finding, id, resource.provenance.span.as_ref());
                    note(&mut count, (check, &format!("{name} {id}")), fault, findings.iter().any(inside));
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

fn note(count: &mut Count, case: (&str, &str), fault: bool, found: bool) {
    let (check, name) = case;
    let excused = EXCUSED.iter().any(|(of, part, _)| *of == check && name.contains(part));
    match (fault, found) {
        (true, true) => count.caught += 1,
        (false, false) => count.quiet += 1,
        _ if excused => count.excused += 1,
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
    let findings = judge(&app, &selection, &Context { today: TODAY }).findings;
    Some((app, findings))
}
