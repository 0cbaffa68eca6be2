//! One template in all its spellings has one verdict: YAML or JSON, intrinsics long or short, properties at the function or in
//! Globals.
//!
//! A seeded choice of real templates and generated ones run always; all real ones with `--ignored`.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a runner reads a suite, prints its count and may panic"
)]

#[path = "forms/emit.rs"]
mod emit;
#[path = "forms/generate.rs"]
mod generate;
#[path = "forms/globals.rs"]
mod globals;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use brigandine_model::{Finding, Severity};
use brigandine_rules::{Context, Selection, judge};
use brigandine_template::{Failure, Input, Node, Options, Sources, load::load, read};
use proptest::{
    prelude::*,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};

const TODAY: jiff::civil::Date = jiff::civil::date(2026, 11, 1);

/// So many real templates run always, from this one on and then every so many.
const SAMPLE: usize = 45;

/// What was found, without places and words.
type Verdict = BTreeSet<(String, String, Severity, String)>;

/// What the strict profile finds, comments and their suppressions aside.
fn findings(file: &str, text: &str) -> Result<Vec<Finding>, String> {
    let options = Options::default();
    let mut sources = Sources::default();
    let app = loop {
        let input = Input {
            file: file.into(),
            name: "forms".into(),
            bytes: text.as_bytes(),
            options: &options,
            sources: &sources,
        };
        match read(&input) {
            Ok(reading) => break reading.app,
            Err(Failure::Missing(paths)) => paths.iter().for_each(|path| sources.insert(path, None)),
            Err(failure) => return Err(failure.to_string()),
        }
    };
    let selection = Selection::new("strict", &[], &["ED001".to_owned()]).unwrap();
    let outcome = judge(&app, &selection, &Context { today: TODAY });
    let hidden = outcome.suppressed.into_iter().map(|one| one.finding);
    Ok(outcome.findings.into_iter().chain(hidden).collect())
}

fn verdict(file: &str, text: &str) -> Result<Verdict, String> {
    let told = |finding: Finding| {
        let resource = finding.resource.map(|id| id.to_string()).unwrap_or_default();
        (finding.code.to_string(), resource, finding.severity, finding.fact)
    };
    Ok(findings(file, text)?.into_iter().map(told).collect())
}

/// Rule and resource, every one by itself: what stands once in Globals is one finding about all who get it, and its words name
/// the function it is told of first.
fn spread(file: &str, text: &str) -> Result<BTreeSet<(String, String)>, String> {
    let each = |finding: Finding| {
        let code = finding.code.to_string();
        let resources: Vec<_> = finding.resource.into_iter().chain(finding.also).collect();
        resources.into_iter().map(move |id| (code.clone(), id.to_string()))
    };
    // SE005 is about Globals itself: a secret that stands there reaches every function.
    Ok(findings(file, text)?.into_iter().flat_map(each).filter(|(code, _)| code != "SE005").collect())
}

/// What differs between the forms of one template, if anything does.
fn difference(file: &str, text: &str) -> Option<String> {
    let document = load(&file.into(), text.as_bytes()).ok()?;
    let root = &document.root;
    // Comments that hide findings, and keys that stand twice, are things of one text that no other form can say.
    let own = !document.notes.is_empty() || document.comments.iter().any(|comment| hides(&comment.text));
    let text = if own { &emit::yaml(root, emit::Intrinsics::Short) } else { text };
    let first = verdict(file, text);
    let forms = [
        ("t.json", emit::json(root)),
        ("t.yaml", emit::yaml(root, emit::Intrinsics::Long)),
        ("t.yaml", emit::yaml(root, emit::Intrinsics::Short)),
    ];
    for (name, form) in &forms {
        let other = verdict(name, form);
        if first.is_ok() != other.is_ok() || first.as_ref().ok() != other.as_ref().ok() {
            return Some(format!("{file}: {}", told(&first, &other)));
        }
    }
    let inline = globals::inline(root)?;
    let (one, other) = (spread(file, text).ok()?, spread("t.yaml", &emit::yaml(&inline, emit::Intrinsics::Short)));
    match other {
        Ok(other) if one == other => None,
        Ok(other) => Some(format!(
            "{file}, without Globals: lost {:?}, came {:?}",
            one.difference(&other).collect::<Vec<_>>(),
            other.difference(&one).collect::<Vec<_>>()
        )),
        Err(why) => Some(format!("{file}, without Globals: {why}")),
    }
}

fn hides(comment: &str) -> bool {
    ["brigandine:", "checkov:skip", "trivy:ignore", "tfsec:ignore", "kics-scan", "nosec"]
        .iter()
        .any(|word| comment.contains(word))
}

fn told(one: &Result<Verdict, String>, other: &Result<Verdict, String>) -> String {
    match (one, other) {
        (Ok(one), Ok(other)) => format!(
            "lost {:?}, came {:?}",
            one.difference(other).collect::<Vec<_>>(),
            other.difference(one).collect::<Vec<_>>()
        ),
        (one, other) => format!("{:?} became {:?}", one.as_ref().err(), other.as_ref().err()),
    }
}

fn corpus() -> Vec<(String, PathBuf)> {
    let root = std::env::var_os("BRIGANDINE_SUITE_TEMPLATES")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/suites/templates"), PathBuf::from);
    let Ok(index) = std::fs::read_to_string(root.join("index.csv")) else {
        println!("skipped: no suite at {}", root.display());
        return Vec::new();
    };
    let rows = index.lines().filter_map(|row| row.split_once(',').zip(row.rsplit_once(',')));
    let templates = rows.filter(|((kind, _), _)| matches!(*kind, "sam" | "cloudformation"));
    templates.map(|(_, (_, path))| (path.to_owned(), root.join("patterns").join(path))).collect()
}

fn compare(templates: impl Iterator<Item = (String, PathBuf)>) {
    let (mut compared, mut different) = (0, Vec::new());
    for (name, path) in templates {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        compared += 1;
        different.extend(difference(&name, &text));
    }
    println!("{} passed, {} failed, 0 excused", compared - different.len(), different.len());
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn some_real_templates_have_one_verdict_in_every_form() {
    let all = corpus();
    let step = all.len().div_ceil(SAMPLE).max(1);
    compare(all.into_iter().step_by(step));
}

#[test]
#[ignore = "takes minutes in a debug build"]
fn all_real_templates_have_one_verdict_in_every_form() {
    compare(corpus().into_iter());
}

#[test]
fn the_examples_have_one_verdict_in_every_form() {
    for name in ["shop", "shop-flawed"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name).join("template.yaml");
        let text = std::fs::read_to_string(path).unwrap();
        assert!(!findings(name, &text).unwrap().is_empty(), "{name} gives nothing to compare");
        assert_eq!(difference(name, &text), None);
    }
}

#[test]
fn the_forms_are_what_they_say() {
    let text = "Resources:\n  A:\n    Type: X\n    Properties:\n      B: !GetAtt C.Arn\n      D: 012\n";
    let document = load(&"t.yaml".into(), text.as_bytes()).unwrap();
    assert!(emit::yaml(&document.root, emit::Intrinsics::Short).contains("!GetAtt \"C.Arn\""));
    assert!(emit::yaml(&document.root, emit::Intrinsics::Long).contains("Fn::GetAtt"));
    let number =
        |root: &Node| root.at(&["Resources", "A", "Properties", "D"]).and_then(Node::as_text).unwrap().to_owned();
    let json = load(&"t.json".into(), emit::json(&document.root).as_bytes()).unwrap();
    assert_eq!(number(&json.root), number(&document.root));
}

#[test]
fn generated_templates_have_one_verdict_in_every_form() {
    let config = ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() };
    let seeded = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let outcome = TestRunner::new_with_rng(config, seeded).run(&generate::template(), |template| {
        let text = emit::yaml(&template, emit::Intrinsics::Short);
        let found = verdict("t.yaml", &text);
        prop_assert!(found.is_ok(), "{found:?}: {text}");
        prop_assert_eq!(difference("t.yaml", &text), None, "{}", text);
        Ok(())
    });
    if let Err(fault) = outcome {
        let words = fault.to_string();
        panic!("{}", words.get(..6_000).unwrap_or(&words));
    }
}
