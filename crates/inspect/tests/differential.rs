//! The sieve loses nothing: with it and without it the same rules match, over every corpus at hand.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and says when it is skipped"
)]

#[path = "support/crs.rs"]
mod crs;
#[path = "support/suite.rs"]
mod suite;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use brigandine_inspect::{Request, RuleSet, Scratch, Settings, Verdict};
use serde_json::Value;

/// Inputs of other suites, each once.
fn inputs() -> BTreeSet<Vec<u8>> {
    let mut inputs = BTreeSet::new();
    if let Some(folder) = suite::folder("libinjection") {
        for path in suite::files(&folder.join("tests"), ".txt") {
            let text = std::fs::read(path).unwrap();
            let input = text.split(|byte| *byte == b'\n').skip_while(|line| *line != b"--INPUT--").skip(1);
            let lines: Vec<&[u8]> = input.take_while(|line| *line != b"--EXPECTED--").collect();
            inputs.insert(lines.join(&b'\n'));
        }
    }
    if let Some(folder) = suite::folder("seclang-vectors") {
        for path in suite::files(&folder, ".json") {
            let cases: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap_or_default();
            let cases = cases.as_array().map_or(&[][..], Vec::as_slice);
            inputs.extend(cases.iter().filter_map(|case| Some(case.get("input")?.as_str()?.as_bytes().to_vec())));
        }
    }
    inputs
}

/// The input as an argument, a header, a cookie and a path.
fn inspect(rules: &RuleSet, input: &[u8], filter: bool, scratch: Scratch) -> (Verdict, Scratch) {
    let encoded = input.iter().fold(String::new(), |mut text, byte| {
        write!(text, "%{byte:02x}").unwrap();
        text
    });
    let uri = format!("/{encoded}?{encoded}={encoded}");
    let cookie = [b"name=".as_slice(), input].concat();
    let headers: [(&[u8], &[u8]); 4] =
        [(b"Host", b"localhost"), (b"Referer", input), (b"Cookie", &cookie), (b"Content-Type", b"text/xml")];
    let body = [b"<a b='".as_slice(), input, b"'>", input, b"</a>"].concat();
    let request = Request { headers: &headers, body: &body, ..Request::new(b"POST", uri.as_bytes()) };
    let settings = Settings { filter, body_by_content: true, ..Settings::default() };
    let mut inspection = rules.start(&settings, scratch);
    inspection.request(&request);
    inspection.finish()
}

#[test]
fn the_sieve_changes_no_match() {
    let Some(folder) = suite::folder("crs4") else {
        println!("differential: skipped, the suite crs4 is not there");
        return;
    };
    let rules = RuleSet::load(&crs::version_4("DetectionOnly", crs::TEST_SETUP), &crs::sources(&folder)).unwrap();
    let (mut with, mut without) = (Scratch::default(), Scratch::default());
    let (mut count, mut hits) = (0, 0);
    for input in inputs() {
        let (sieved, plain);
        (sieved, with) = inspect(&rules, &input, true, with);
        (plain, without) = inspect(&rules, &input, false, without);
        assert_eq!(sieved.matches, plain.matches, "{}", String::from_utf8_lossy(&input));
        assert!(!sieved.budget_exceeded);
        count += 1;
        hits += sieved.matches.len();
    }
    println!("differential: {count} inputs, {hits} matches, the same with and without the sieve");
}
