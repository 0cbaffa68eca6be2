//! The built-in rules: every one has a page, every page is a test, and they find at least what the Core Rule Set finds.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and reports what it counted"
)]

#[path = "support/crs.rs"]
#[expect(dead_code, reason = "shared with the runner of the regression tests")]
mod crs;
#[path = "support/stage.rs"]
#[expect(dead_code, reason = "shared with the runner of the regression tests")]
mod stage;
#[path = "support/suite.rs"]
mod suite;
#[path = "support/wire.rs"]
#[expect(dead_code, reason = "shared with the runner of the regression tests")]
mod wire;
#[path = "support/yaml.rs"]
mod yaml;

use brigandine_inspect::{Action, RuleSet, Scratch, Settings, Sources, Verdict, builtin};
use std::collections::BTreeMap;
use std::path::Path;
use wire::Wire;

fn rules(level: u8) -> RuleSet {
    RuleSet::load(&builtin::configuration(level), &Sources::new()).unwrap()
}

fn inspected(rules: &RuleSet, wire: &Wire, scratch: Scratch) -> (Verdict, Scratch) {
    inspected_as(rules, wire, &Settings::default(), scratch)
}

fn inspected_as(rules: &RuleSet, wire: &Wire, settings: &Settings, scratch: Scratch) -> (Verdict, Scratch) {
    wire.start(rules, settings, scratch).finish()
}

/// Rules that judge: those of a family, less the gates of levels.
fn judging(rules: &RuleSet) -> Vec<u64> {
    rules.ids().filter(|id| (1_010_000..1_990_000).contains(id) && id % 1000 != 900).collect()
}

fn pages() -> BTreeMap<u64, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("pages");
    let mut pages = BTreeMap::new();
    for path in suite::files(&folder, ".md") {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let id: u64 = name.split('-').next().unwrap().parse().unwrap();
        pages.insert(id, std::fs::read_to_string(&path).unwrap());
    }
    pages
}

#[test]
fn every_rule_has_a_page_with_its_parts() {
    let (rules, pages) = (judging(&rules(2)), pages());
    assert_eq!(rules, pages.keys().copied().collect::<Vec<_>>(), "rules and pages");
    for (id, page) in &pages {
        assert!(page.starts_with(&format!("# {id}: ")), "{id} has no title");
        for part in ["\n## Why\n", "\n## Attack\n", "\n## Passes\n", "\n## Limits\n"] {
            let text = page.split(part).nth(1).unwrap_or_else(|| panic!("{id} has no{part}"));
            assert!(text.lines().next().is_some_and(|line| line.len() > 3), "{id}: nothing under{part}");
        }
        assert!(page.lines().all(|line| line.len() <= 220), "{id} has a long line");
    }
}

/// The examples of a kind on a page, and whether they are written as on the wire.
fn examples(page: &str, kind: &str) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    for encoded in [false, true] {
        let open = format!("```{} {kind}\n", if encoded { "encoded" } else { "text" });
        found.extend(page.split(&open).skip(1).map(|rest| (rest.split("\n```").next().unwrap().to_owned(), encoded)));
    }
    found
}

/// Every byte as a percent escape.
fn escaped(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("%{byte:02x}"))
}

/// A request out of an example: a request line, headers, a path, a file, or a field of a query.
fn request(example: &str, encoded: bool) -> Wire {
    let unescaped = |text: &str| text.replace("\\r", "\r").replace("\\n", "\n").replace("\\t", "\t");
    let text = unescaped(example);
    let (mut method, mut uri, mut header) = ("GET", "/".to_owned(), Vec::new());
    let mut body = String::new();
    let named =
        text.split_once(": ").filter(|(name, _)| name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-'));
    if let Some(line) = text.strip_suffix(" HTTP/1.1") {
        let (verb, path) = line.split_once(' ').unwrap();
        path.clone_into(&mut uri);
        method = ["TRACE", "PATCH", "GET", "POST"].into_iter().find(|known| *known == verb).unwrap();
    } else if named.is_some_and(|(name, _)| name.starts_with(char::is_uppercase)) {
        let headers = example.lines().filter_map(|line| line.split_once(": "));
        header = headers.map(|(name, value)| (name.as_bytes().to_vec(), unescaped(value).into_bytes())).collect();
    } else if text.starts_with('/') {
        uri.clone_from(&text);
    } else if let Some(file) = text.strip_prefix("filename=") {
        method = "POST";
        header.push((b"Content-Type".to_vec(), b"multipart/form-data; boundary=xyz".to_vec()));
        body = format!(
            "--xyz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{file}\"\r\n\r\nx\r\n--xyz--\r\n"
        );
    } else {
        let (name, value) = text.split_once('=').unwrap_or((&text, ""));
        let value = if encoded { value.to_owned() } else { escaped(value.as_bytes()) };
        uri = format!("/?{}={value}", name.replace(' ', "%20"));
    }
    let host = (b"Host".to_vec(), b"api.example.org".to_vec());
    let sent = brigandine_inspect::Wire {
        first: method.as_bytes().to_vec(),
        second: uri.into_bytes(),
        third: b"HTTP/1.1".to_vec(),
        headers: std::iter::once(host).chain(header).collect(),
        body: body.into_bytes(),
    };
    Wire { sent, refused: false }
}

#[test]
fn what_pages_show_is_so() {
    let all = rules(2);
    let first = rules(1);
    let mut wrong = Vec::new();
    for (id, page) in pages() {
        for (example, encoded) in examples(&page, "refused") {
            let verdict = inspected(&all, &request(&example, encoded), Scratch::default()).0;
            let found: Vec<u64> = verdict.matches.iter().map(|found| found.rule).collect();
            if verdict.action != Action::Block || !found.contains(&id) {
                wrong.push(format!("{id} should refuse {example:?}: {found:?}"));
            }
        }
        for (example, encoded) in examples(&page, "passes") {
            let verdict = inspected(&first, &request(&example, encoded), Scratch::default()).0;
            if verdict.action != Action::Allow {
                let found: Vec<u64> = verdict.matches.iter().map(|found| found.rule).collect();
                wrong.push(format!("{id} should let {example:?} pass: {found:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// An attack: its family, and the request.
struct Attack {
    family: String,
    wire: Wire,
}

/// Stages of the Core Rule Set's tests that must match something, in the families of injection.
fn published_attacks(folder: &Path) -> Vec<Attack> {
    const FAMILIES: [(&str, &str); 6] = [
        ("930", "930 files and paths"),
        ("931", "931 files from elsewhere"),
        ("932", "932 commands"),
        ("933", "933 PHP"),
        ("934", "934 Node, SSRF, templates"),
        ("942", "942 SQL"),
    ];
    let mut attacks = Vec::new();
    for stage in stage::all(folder) {
        let Some((_, family)) = FAMILIES.iter().find(|(prefix, _)| stage.rule.starts_with(prefix)) else { continue };
        let wire = Wire::parse(&stage::raw(&stage.input));
        let expected = !stage::list(&stage.output["log"]["expect_ids"]).is_empty();
        if expected && !wire.sent.second.starts_with(b"/reflect") {
            attacks.push(Attack { family: (*family).to_owned(), wire });
        }
    }
    attacks
}

/// Inputs of libinjection that are injections, as a field of a query.
fn libinjection_attacks(folder: &Path) -> Vec<Attack> {
    let mut attacks = Vec::new();
    for path in suite::files(&folder.join("tests"), ".txt") {
        let case = std::fs::read(&path).unwrap();
        let find = |mark: &[u8]| case.windows(mark.len()).position(|window| window == mark).unwrap();
        let (input, expected) = (find(b"--INPUT--") + 10, find(b"--EXPECTED--"));
        let injection = !case[expected + 12..].trim_ascii().is_empty();
        if !injection || !path.to_string_lossy().contains("test-sqli-") {
            continue;
        }
        let value = escaped(case[input..expected].trim_ascii_end());
        attacks.push(Attack { family: "libinjection SQL".to_owned(), wire: request(&format!("q={value}"), true) });
    }
    attacks
}

#[test]
fn the_sieve_changes_nothing() {
    let (Some(folder), Some(more)) = (suite::folder("crs4"), suite::folder("libinjection")) else {
        println!("skipped: the suites are not there");
        return;
    };
    let rules = rules(2);
    let off = Settings { filter: false, ..Settings::default() };
    let (mut left, mut right) = (Scratch::default(), Scratch::default());
    for attack in published_attacks(&folder).into_iter().chain(libinjection_attacks(&more)) {
        let (with, without);
        (with, left) = inspected(&rules, &attack.wire, left);
        (without, right) = inspected_as(&rules, &attack.wire, &off, right);
        assert_eq!(with.matches, without.matches, "{}", String::from_utf8_lossy(&attack.wire.sent.second));
    }
}

#[test]
fn they_find_at_least_what_the_core_rule_set_finds() {
    let (Some(folder), Some(more)) = (suite::folder("crs4"), suite::folder("libinjection")) else {
        println!("skipped: the suites are not there");
        return;
    };
    let ours = rules(1);
    let theirs = RuleSet::load(&crs::version_4("On", ""), &crs::sources(&folder)).unwrap();
    let mut table: BTreeMap<String, [usize; 3]> = BTreeMap::new();
    let (mut left, mut right) = (Scratch::default(), Scratch::default());
    for attack in published_attacks(&folder).into_iter().chain(libinjection_attacks(&more)) {
        let (mine, yours);
        (mine, left) = inspected(&ours, &attack.wire, left);
        (yours, right) = inspected(&theirs, &attack.wire, right);
        let row = table.entry(attack.family).or_default();
        row[0] += 1;
        row[1] += usize::from(mine.action == Action::Block);
        row[2] += usize::from(yours.action == Action::Block);
    }
    println!("| family | attacks | built-in | Core Rule Set 4 | (both at level 1, refused)\n|---|---|---|---|");
    for (family, [all, mine, yours]) in &table {
        println!("| {family} | {all} | {mine} | {yours} |");
    }
    for (family, [_, mine, yours]) in &table {
        assert!(mine >= yours, "{family}: {mine} found, the Core Rule Set finds {yours}");
    }
}
