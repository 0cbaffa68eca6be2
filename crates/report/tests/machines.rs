//! The formats that other programs read, each held against what its readers demand.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "a test may panic"
)]

use std::{path::PathBuf, sync::Arc};

use brigandine_model::{
    Edit, Finding, Fix, LogicalId, Practice, RuleMeta, Scope, Severity, Span, Step, Suppressed, Suppression, Unjudged,
};
use brigandine_report::{
    Colour, Control, Gone, Look, OnlyIn, Past, Report, Scan, Sources, Unread, climate, compliance, compliance_json,
    fingerprint, github, gitlab, identity, json, junit, sarif,
};
use serde_json::Value;

const TEMPLATE: &str =
    "Resources:\n  Orders:\n    Type: AWS::Lambda::Function\n    Properties:\n      Runtime: python3.8\n";

const META: RuleMeta = RuleMeta {
    code: "DE002",
    name: "unsupported-runtime",
    title: "a runtime is old",
    severity: Severity::High,
    practice: Practice::Dependencies,
    profiles: &["recommended"],
    frameworks: &["CWE-1104", "Lambda.2"],
    page: "# DE002\n",
};

const QUIET: RuleMeta = RuleMeta { code: "AP001", name: "unauthenticated-route", ..META };

fn span(start: usize, end: usize) -> Span {
    let line_start = TEMPLATE[..start].rfind('\n').map_or(0, |end| end + 1);
    Span {
        file: "template.yaml".into(),
        start,
        end,
        line: u32::try_from(TEMPLATE[..start].matches('\n').count() + 1).unwrap(),
        column: u32::try_from(TEMPLATE[line_start..start].chars().count() + 1).unwrap(),
    }
}

fn finding(severity: Severity, fact: &str) -> Finding {
    let start = TEMPLATE.find("python3.8").unwrap();
    let at = span(start, start + "python3.8".len());
    Finding {
        code: "DE002".into(),
        severity,
        title: "`Orders` runs on <\"python3.8\">".to_owned(),
        message: "no security fixes,\nsince: 2024 & 100 %".to_owned(),
        span: Some(at.clone()),
        label: "out of support".to_owned(),
        related: vec![(span(2, 5), "proof".to_owned())],
        secrets: Vec::new(),
        resource: Some(LogicalId::new("Orders")),
        also: vec![LogicalId::new("Catalogue")],
        practice: Practice::Dependencies,
        fact: fact.to_owned(),
        path: vec![
            Step { span: None, words: "the internet".to_owned() },
            Step { span: Some(span(13, 19)), words: "`GET /orders` asks nothing".to_owned() },
            Step { span: None, words: "`Orders`".to_owned() },
        ],
        help: vec!["move to `python3.14`".to_owned()],
        fix: Some(Fix {
            edits: vec![Edit { span: at, replacement: "python3.14".to_owned() }],
            ..Fix::risky("move to `python3.14`", Vec::new())
        }),
    }
}

fn sources() -> Sources {
    [(Arc::from("template.yaml"), Arc::from(TEMPLATE))].into_iter().collect()
}

fn accepted() -> Suppressed {
    let by = |file: &str| Suppression {
        code: "DE002".into(),
        reason: Some("goes away in spring".into()),
        owner: Some("shop".into()),
        until: None,
        scope: Scope::File,
        span: Span { file: file.into(), ..span(0, 1) },
        peer: None,
    };
    Suppressed { finding: finding(Severity::Low, "accepted"), by: by("template.yaml") }
}

fn unjudged() -> Unjudged {
    Unjudged {
        reason: "the value is imported".into(),
        resource: Some(LogicalId::new("Catalogue")),
        code: Some("DE002".into()),
        span: Some(span(2, 5)),
    }
}

/// A report with everything a report can hold.
fn with_everything(use_report: impl FnOnce(&Report<'_>)) {
    let sources = sources();
    let findings = [
        finding(Severity::Critical, "new"),
        finding(Severity::Medium, "known"),
        Finding { span: None, path: Vec::new(), fix: None, ..finding(Severity::Info, "nowhere") },
    ];
    let suppressed = [accepted()];
    let unjudged = [unjudged(), Unjudged { code: None, resource: None, ..unjudged() }];
    let past = Past {
        known: [identity(&findings[1])].into(),
        gone: vec![Gone {
            code: "AP001".to_owned(),
            title: "`GET /` was open".to_owned(),
            file: "template.yaml".to_owned(),
            resource: Some("Orders".to_owned()),
            fingerprint: "f".repeat(64),
        }],
    };
    let only_in = OnlyIn::from([(identity(&findings[0]), vec![Arc::from("prod")])]);
    let files = [Arc::from("template.yaml"), Arc::from("clean.yaml")];
    let report = Report {
        findings: &findings,
        suppressed: &suppressed,
        unjudged: &unjudged,
        rules: &[&META, &QUIET],
        templates: 2,
        files: &files,
        past: Some(&past),
        only_in: Some(&only_in),
        ..Report::of(&sources)
    };
    use_report(&report);
}

/// The standard's schema, as a crate that the tests depend on ships it.
fn schema() -> Value {
    let version = std::process::Command::new("rustc").arg("-vV").output().unwrap().stdout;
    let version = String::from_utf8(version).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let metadata = cargo_metadata::MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .other_options(["--offline".to_owned(), "--locked".to_owned(), format!("--filter-platform={host}")])
        .exec()
        .unwrap();
    let package = metadata.packages.iter().find(|package| package.name.as_str() == "serde-sarif").unwrap();
    let file: PathBuf = package.manifest_path.parent().unwrap().join("src/schema.json").into();
    let mut schema: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    // The schema's pattern for languages has a bracket too many and is no pattern; no language is written.
    schema.pointer_mut("/definitions/run/properties/language").unwrap().as_object_mut().unwrap().remove("pattern");
    schema
}

#[test]
fn sarif_holds_to_the_schema_of_the_standard() {
    let schema = jsonschema::validator_for(&schema()).unwrap();
    let refuses = schema.is_valid(&serde_json::json!({"version": "2.1.0", "runs": [{"results": []}]}));
    assert!(!refuses, "a schema that takes everything proves nothing");
    with_everything(|report| {
        let log: Value = serde_json::from_str(&sarif(report, "0.1.0")).unwrap();
        let faults: Vec<String> =
            schema.iter_errors(&log).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
        assert!(faults.is_empty(), "{faults:#?}");
        serde_json::from_value::<serde_sarif::sarif::Sarif>(log).unwrap();
    });
}

#[test]
fn sarif_tells_what_changed_and_how_an_attacker_comes_in() {
    with_everything(|report| {
        let log: Value = serde_json::from_str(&sarif(report, "0.1.0")).unwrap();
        let results = log["runs"][0]["results"].as_array().unwrap();
        let states: Vec<&str> = results.iter().map(|one| one["baselineState"].as_str().unwrap()).collect();
        assert_eq!(states, ["new", "unchanged", "new", "new", "absent"]);
        let first = &results[0];
        assert_eq!(first["properties"]["security-severity"], "9.5");
        assert_eq!(first["properties"]["onlyIn"][0], "prod");
        let steps = first["codeFlows"][0]["threadFlows"][0]["locations"].as_array().unwrap();
        let line = |step: &Value| step["location"]["physicalLocation"]["region"]["startLine"].as_u64();
        assert_eq!(steps.iter().map(line).collect::<Vec<_>>(), [Some(2), Some(2), Some(5)], "each step has a place");
        assert_eq!(steps[1]["location"]["message"]["text"], "`GET /orders` asks nothing");
        assert!(results[2].get("codeFlows").is_none());
        assert_eq!(results[3]["suppressions"][0]["kind"], "inSource");
    });
}

#[test]
fn sarif_keeps_within_what_hosts_keep() {
    let sources = sources();
    let number = 6_001;
    let findings: Vec<Finding> = (0..number)
        .map(|number| finding(if number == 6_000 { Severity::Critical } else { Severity::Low }, &number.to_string()))
        .collect();
    let report = Report { findings: &findings, rules: &[&META], templates: 1, ..Report::of(&sources) };
    let log: Value = serde_json::from_str(&sarif(&report, "0.1.0")).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    assert!(results.len() <= 5_000, "{}", results.len());
    assert_eq!(results[0]["properties"]["severity"], "critical", "the worst first");
    let places: Vec<usize> = results.iter().map(|one| one["locations"].as_array().unwrap().len()).collect();
    assert_eq!((places.iter().sum::<usize>(), places.iter().max()), (number, Some(&100)), "none is lost");
    let suppressed: Vec<Suppressed> = (0..number).map(|_| accepted()).collect();
    let report = Report { suppressed: &suppressed, rules: &[&META], templates: 1, ..Report::of(&sources) };
    let log: Value = serde_json::from_str(&sarif(&report, "0.1.0")).unwrap();
    assert_eq!(log["runs"][0]["results"].as_array().unwrap().len(), 5_000);
    let said = &log["runs"][0]["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"];
    assert!(said.as_str().unwrap().starts_with("1001 results left out"), "{said}");
}

#[test]
fn junit_is_read_by_a_reader_of_junit_and_shows_what_passed() {
    with_everything(|report| {
        let text = junit(report);
        let read = quick_junit::Report::deserialize_from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let suites: Vec<&str> = read.test_suites.iter().map(|suite| suite.name.as_str()).collect();
        assert_eq!(suites, ["template.yaml", "clean.yaml", "template"]);
        assert_eq!((read.tests, read.failures), (read.test_suites.iter().map(|suite| suite.tests).sum(), 2));
        let cases = |suite: usize| -> Vec<(String, &'static str)> {
            let outcome = |status: &quick_junit::TestCaseStatus| match status {
                quick_junit::TestCaseStatus::Success { .. } => "passed",
                quick_junit::TestCaseStatus::NonSuccess { .. } => "failed",
                quick_junit::TestCaseStatus::Skipped { .. } => "skipped",
            };
            let cases = &read.test_suites[suite].test_cases;
            cases.iter().map(|case| (case.name.to_string(), outcome(&case.status))).collect()
        };
        let named = |name: &str, outcome| (name.to_owned(), outcome);
        assert_eq!(
            cases(0),
            [
                named("DE002 unsupported-runtime Catalogue", "skipped"),
                named("DE002 unsupported-runtime Orders", "failed"),
                named("reading line 1", "skipped"),
                named("AP001 unauthenticated-route", "passed"),
            ]
        );
        assert_eq!(
            cases(1),
            [named("DE002 unsupported-runtime", "passed"), named("AP001 unauthenticated-route", "passed")]
        );
    });
}

#[test]
fn github_gets_the_worst_first_and_no_more_than_it_shows() {
    with_everything(|report| {
        let text = github(report);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            "::error file=template.yaml,line=5,col=16,endLine=5,endColumn=25,title=DE002 `Orders` runs on \
             <\"python3.8\">::no security fixes,\\u{a}since: 2024 & 100 %25%0Amove to `python3.14`"
        );
        assert!(lines[1].starts_with("::notice title=DE002"), "what was known is left out: {text}");
        assert_eq!(lines.len(), 3);
    });
    let sources = sources();
    let findings: Vec<Finding> = (0..25).map(|number| finding(Severity::High, &number.to_string())).collect();
    let text = github(&Report { findings: &findings, templates: 1, ..Report::of(&sources) });
    assert_eq!(text.matches("::error ").count(), 10);
    assert!(text.contains("\n15 further findings not annotated"), "{text}");
}

#[test]
fn a_name_cannot_give_github_a_command() {
    let sources = sources();
    let mut hostile = finding(Severity::High, "x");
    hostile.title = "a\n::set-output name=x::y\r\n::stop-commands::z".to_owned();
    hostile.span.as_mut().unwrap().file = "a,title=b:c\n::error::".into();
    let findings = [hostile];
    let text = github(&Report { findings: &findings, templates: 1, ..Report::of(&sources) });
    assert_eq!(text.lines().filter(|line| line.starts_with("::")).count(), 1, "{text}");
    assert!(text.contains("file=a%2Ctitle=b%3Ac%0A%3A%3Aerror%3A%3A,"), "{text}");
}

/// What GitLab's schema of version 15 demands, as a table of our own: where, and of what form.
const GITLAB: &[(&str, fn(&Value) -> bool)] = &[
    ("/version", |value| value.as_str().is_some_and(|text| text.starts_with("15."))),
    ("/scan/type", |value| value == "sast"),
    ("/scan/status", |value| value == "success" || value == "failure"),
    ("/scan/start_time", is_time),
    ("/scan/end_time", is_time),
    ("/scan/scanner/id", is_word),
    ("/scan/scanner/name", is_word),
    ("/scan/scanner/version", is_word),
    ("/scan/scanner/vendor/name", is_word),
    ("/scan/analyzer/id", is_word),
    ("/scan/analyzer/name", is_word),
    ("/scan/analyzer/version", is_word),
    ("/scan/analyzer/vendor/name", is_word),
    ("/vulnerabilities", Value::is_array),
];

const GITLAB_FINDING: &[(&str, fn(&Value) -> bool)] = &[
    ("/id", is_word),
    ("/identifiers/0/type", is_word),
    ("/identifiers/0/name", is_word),
    ("/identifiers/0/value", is_word),
    ("/location/file", is_word),
    ("/location/start_line", Value::is_u64),
    ("/severity", |value| ["Info", "Unknown", "Low", "Medium", "High", "Critical"].iter().any(|word| value == word)),
    ("/name", |value| value.as_str().is_some_and(|text| text.chars().count() <= 255)),
    ("/tracking/type", |value| value == "source"),
    ("/tracking/items/0/signatures/0/value", is_word),
];

fn is_time(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.len() == 19 && text.parse::<jiff::civil::DateTime>().is_ok())
}

fn is_word(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}

fn holds(document: &Value, table: &[(&str, fn(&Value) -> bool)]) {
    for (place, holds) in table {
        let value = document.pointer(place).unwrap_or_else(|| panic!("{place} is missing"));
        assert!(holds(value), "{place}: {value}");
    }
}

#[test]
fn gitlab_gets_what_its_schema_demands() {
    with_everything(|report| {
        let at = |second| jiff::civil::date(2026, 11, 1).at(12, 0, second, 123_000_000);
        let scan = Scan { version: "0.1.0", began: at(0), ended: at(1) };
        let document: Value = serde_json::from_str(&gitlab(report, &scan)).unwrap();
        holds(&document, GITLAB);
        let found = document["vulnerabilities"].as_array().unwrap();
        assert_eq!(found.len(), 3, "GitLab compares by itself, so what was known is told too");
        found.iter().for_each(|one| holds(one, GITLAB_FINDING));
        assert_eq!(found[0]["identifiers"][1]["value"], "1104");
        assert_eq!(found[0]["tracking"]["items"][0]["signatures"][0]["value"], fingerprint(&report.findings[0]));
    });
}

#[test]
fn code_climate_issues_have_fingerprints_of_their_own() {
    let sources = sources();
    let findings = [finding(Severity::High, "same"), finding(Severity::Low, "same")];
    let report = Report { findings: &findings, templates: 1, ..Report::of(&sources) };
    let issues: Value = serde_json::from_str(&climate(&report)).unwrap();
    assert_eq!(issues[0]["location"]["path"], "template.yaml");
    assert_eq!((&issues[0]["location"]["lines"]["begin"], &issues[0]["severity"]), (&5.into(), &"critical".into()));
    assert_ne!(issues[0]["fingerprint"], issues[1]["fingerprint"], "only the first of two alike would be shown");
}

#[test]
fn json_tells_state_environments_and_what_is_gone() {
    with_everything(|report| {
        let document: Value = serde_json::from_str(&json(report)).unwrap();
        let states: Vec<&str> =
            document["findings"].as_array().unwrap().iter().map(|one| one["state"].as_str().unwrap()).collect();
        assert_eq!(states, ["new", "known", "new"]);
        assert_eq!(document["findings"][0]["only_in"][0], "prod");
        assert_eq!(document["findings"][0]["path"][1]["line"], 2);
        assert_eq!(document["gone"][0]["code"], "AP001");
    });
}

#[test]
fn compliance_says_pass_only_of_what_was_judged_whole() {
    let control = |id: &str, rules: &[&'static str]| Control {
        id: id.to_owned(),
        title: "asks something".to_owned(),
        rules: rules.to_vec(),
    };
    let controls = [
        control("Failing.1", &["DE002", "AP001"]),
        control("Passing.10", &["AP001"]),
        control("Silent.2", &[]),
        control("Unasked.3", &["AP001", "ZZ001"]),
    ];
    let sources = sources();
    let findings = [finding(Severity::High, "x")];
    let suppressed = [accepted()];
    let rules = [&META, &QUIET];
    let report =
        Report { findings: &findings, suppressed: &suppressed, rules: &rules, templates: 1, ..Report::of(&sources) };
    let shown = compliance(&report, "fsbp", &controls, Look { colour: Colour::Never, width: None });
    let wanted = "\
fail        Failing.1   asks something: 1 finding (DE002), 1 accepted
pass        Passing.10  asks something
not judged  Silent.2    asks something: no rule here answers for it
not judged  Unasked.3   asks something: ZZ001 not asked

fsbp: 1 control failed, 2 not judged, 1 passed in 1 template
";
    assert_eq!(shown, wanted);
    let unread = [Unjudged { code: None, ..unjudged() }];
    let report = Report { unjudged: &unread, ..report };
    let document: Value = serde_json::from_str(&compliance_json(&report, "fsbp", &controls)).unwrap();
    assert_eq!(
        document["controls"][1]["verdict"], "not-judged",
        "what the reader could not tell may be about anything"
    );
    assert_eq!(document["controls"][0]["findings"][0]["line"], 5);
    let report = Report { findings: &[], unjudged: &[], ..report };
    let document: Value = serde_json::from_str(&compliance_json(&report, "fsbp", &controls)).unwrap();
    assert_eq!(document["controls"][0]["verdict"], "fail", "accepted is not passed");
}

#[test]
fn a_template_that_could_not_be_read_looks_clean_in_no_format() {
    let sources = sources();
    let unread = [Unread { file: "b.yaml".to_owned(), place: Some((3, 1)), what: "a `[` is never closed".to_owned() }];
    let report = Report { unread: &unread, templates: 0, ..Report::of(&sources) };
    let log: Value = serde_json::from_str(&sarif(&report, "0.1.0")).unwrap();
    assert_eq!(log["runs"][0]["invocations"][0]["executionSuccessful"], false);
    let scan = Scan { version: "0.1.0", began: jiff::civil::DateTime::MIN, ended: jiff::civil::DateTime::MIN };
    let document: Value = serde_json::from_str(&gitlab(&report, &scan)).unwrap();
    assert_eq!(document["scan"]["status"], "failure");
    assert!(github(&report).starts_with("::error file=b.yaml,line=3,col=1,title=could not be read::a `[`"));
    let read = quick_junit::Report::deserialize_from_str(&junit(&report)).unwrap();
    assert_eq!(read.errors, 1);
    let document: Value = serde_json::from_str(&json(&report)).unwrap();
    assert_eq!(document["unread"][0]["file"], "b.yaml");
}
