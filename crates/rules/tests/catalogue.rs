//! The codes are a promise: this fails when one goes or changes its name, or appears without being pinned in `catalogue.txt`, which
//! `cargo xtask docs` does.

#![expect(clippy::disallowed_methods, reason = "a test lists the pages")]

use std::collections::BTreeSet;

use brigandine_rules::{DEFAULT_PROFILE, PROFILES, RULES, rule};

#[test]
fn codes_and_names_are_pinned() {
    let all: Vec<String> = RULES.iter().map(|rule| format!("{} {}", rule.meta().code, rule.meta().name)).collect();
    let pinned: Vec<&str> = include_str!("catalogue.txt").lines().collect();
    assert_eq!(all, pinned);
}

#[test]
fn codes_and_names_are_used_once() {
    let codes: BTreeSet<_> = RULES.iter().map(|rule| rule.meta().code).collect();
    let names: BTreeSet<_> = RULES.iter().map(|rule| rule.meta().name).collect();
    assert_eq!((codes.len(), names.len()), (RULES.len(), RULES.len()));
}

#[test]
fn every_page_is_a_rules_and_every_rules_page_is_whole() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/pages");
    let files: BTreeSet<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let wanted: BTreeSet<String> =
        RULES.iter().map(|rule| format!("{}-{}.md", rule.meta().code, rule.meta().name)).collect();
    assert_eq!(files, wanted);
    for rule in RULES {
        let meta = rule.meta();
        let sections: Vec<&str> = meta.page.lines().filter(|line| line.starts_with('#')).collect();
        let title = format!("# {}: ", meta.code);
        assert!(sections.first().is_some_and(|first| first.starts_with(&title)), "{}: {sections:?}", meta.code);
        let headings: Vec<&str> = sections.iter().filter_map(|line| line.strip_prefix("## ")).collect();
        assert_eq!(
            headings,
            ["Why", "Attack", "Bad", "Good", "Fix", "Severity", "Limits", "Frameworks"],
            "{}",
            meta.code
        );
        for framework in meta.frameworks {
            let number = framework.rsplit('-').next().unwrap_or(framework);
            assert!(meta.page.contains(number), "{}: the page does not name {framework}", meta.code);
        }
    }
}

#[test]
fn profiles_of_rules_exist() {
    assert!(PROFILES.iter().any(|(name, _)| *name == DEFAULT_PROFILE));
    for rule in RULES {
        for profile in rule.meta().profiles {
            assert!(PROFILES.iter().any(|(name, _)| name == profile), "{}: {profile}", rule.meta().code);
        }
    }
}

#[test]
fn rules_are_found_by_code() {
    assert_eq!(rule("lp001").unwrap().meta().code, "LP001");
    assert!(rule("LP").is_none());
}
