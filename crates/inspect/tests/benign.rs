//! Honest requests pass: none of ten thousand is refused at level 1, at most one in a thousand at level 2.
#![expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and reports what it counted"
)]

#[path = "support/benign.rs"]
mod benign;
#[path = "support/crs.rs"]
#[expect(dead_code, reason = "shared with the runner of the regression tests")]
mod crs;
#[path = "support/suite.rs"]
mod suite;

use benign::Benign;
use brigandine_inspect::{Action, Request, RuleSet, Scratch, Settings, Sources, Verdict, builtin};
use std::collections::BTreeMap;

const COUNT: usize = 10_000;

fn inspected(rules: &RuleSet, benign: &Benign, scratch: Scratch) -> (Verdict, Scratch) {
    let headers: Vec<(&[u8], &[u8])> =
        benign.headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
    let request = Request {
        headers: &headers,
        body: &benign.body,
        id: b"1",
        ..Request::new(benign.method.as_bytes(), benign.uri.as_bytes())
    };
    let mut inspection = rules.start(&Settings::default(), scratch);
    inspection.request(&request);
    inspection.finish()
}

/// How many are refused, by kind and rule.
fn refused(rules: &RuleSet) -> (usize, BTreeMap<String, usize>) {
    let mut causes = BTreeMap::new();
    let mut count = 0;
    let mut scratch = Scratch::default();
    for number in 0..COUNT {
        let benign = benign::request(number);
        let verdict;
        (verdict, scratch) = inspected(rules, &benign, scratch);
        if verdict.action == Action::Block {
            count += 1;
            for found in &verdict.matches {
                let excerpt = String::from_utf8_lossy(&found.excerpt).into_owned();
                *causes.entry(format!("{} {} {} {excerpt:?}", found.rule, benign.kind, found.variable)).or_default() +=
                    1;
            }
        }
    }
    (count, causes)
}

#[test]
fn built_in_rules_let_honest_requests_pass() {
    for (level, most) in [(1, 0), (2, COUNT / 1000)] {
        let rules = RuleSet::load(&builtin::configuration(level), &Sources::new()).unwrap();
        let (count, causes) = refused(&rules);
        println!("built-in rules at level {level}: {count} of {COUNT} refused");
        for (cause, times) in &causes {
            println!("  {times:5} {cause}");
        }
        assert!(count <= most, "level {level}: {count} of {COUNT} honest requests were refused");
    }
}

#[test]
fn the_requests_are_no_easy_ones() {
    let Some(folder) = suite::folder("crs4") else {
        println!("crs4: skipped, the suite is not there");
        return;
    };
    let rules = RuleSet::load(&crs::version_4("On", ""), &crs::sources(&folder)).unwrap();
    let (count, _) = refused(&rules);
    println!("the Core Rule Set at level 1: {count} of {COUNT} refused");
    assert!(count >= 500, "only {count} of {COUNT} honest requests are hard");
}
