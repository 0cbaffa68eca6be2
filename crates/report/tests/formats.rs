//! What each format says, and what none of them may say.

#![expect(
    clippy::unwrap_used,
    clippy::string_slice,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

use std::sync::Arc;

use brigandine_model::{
    Applicability, Edit, Finding, Fix, LogicalId, Practice, RuleMeta, Scope, Severity, Span, Suppressed, Suppression,
    Unjudged,
};
use brigandine_report::{
    Colour, Gone, Look, OnlyIn, Past, Report, Scan, Sources, climate, concise, fingerprint, github, gitlab, human,
    identity, json, junit, sarif, summary,
};
use serde_json::Value;

const TEMPLATE: &str = "\
Resources:
  Orders:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.8
      Environment:
        Variables:
          API_KEY: hunter2-is-the-secret
";

const META: RuleMeta = RuleMeta {
    code: "DE002",
    name: "unsupported-runtime",
    title: "a runtime is old",
    severity: Severity::High,
    practice: Practice::Dependencies,
    profiles: &["recommended"],
    frameworks: &["A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K"],
    page: "# DE002\n",
};

fn span(text: &str, needle: &str) -> Span {
    let start = text.find(needle).expect("the needle");
    let line_start = text[..start].rfind('\n').map_or(0, |end| end + 1);
    Span {
        file: "template.yaml".into(),
        start,
        end: start + needle.len(),
        line: u32::try_from(text[..start].matches('\n').count() + 1).unwrap(),
        column: u32::try_from(text[line_start..start].chars().count() + 1).unwrap(),
    }
}

fn finding(code: &str, severity: Severity, at: Option<Span>) -> Finding {
    Finding {
        code: code.into(),
        severity,
        title: "`Orders` runs on `python3.8`".to_owned(),
        message: "`python3.8` has got no security fixes since 2024-10-14".to_owned(),
        span: at,
        label: "out of support".to_owned(),
        related: Vec::new(),
        secrets: Vec::new(),
        resource: Some(LogicalId::new("Orders")),
        also: vec![LogicalId::new("Catalogue")],
        practice: Practice::Dependencies,
        fact: "python3.8".to_owned(),
        path: Vec::new(),
        help: vec!["move to `python3.14` and run the tests".to_owned()],
        fix: None,
    }
}

fn old_runtime() -> Finding {
    let at = span(TEMPLATE, "python3.8");
    let fix = Fix {
        title: "move to `python3.14`".to_owned(),
        applicability: Applicability::Unsafe,
        changes: Vec::new(),
        edits: vec![Edit { span: at.clone(), replacement: "python3.14".to_owned() }],
    };
    Finding { fix: Some(fix), ..finding("DE002", Severity::High, Some(at)) }
}

fn leaked_secret() -> Finding {
    let at = span(TEMPLATE, "hunter2-is-the-secret");
    Finding {
        title: "`API_KEY` of `Orders` is written in clear".to_owned(),
        message: "everyone who can read the repository has it".to_owned(),
        label: "a secret, not shown here".to_owned(),
        secrets: vec![at.clone()],
        practice: Practice::Secrets,
        ..finding("SE002", Severity::Critical, Some(at))
    }
}

fn sources(text: &str) -> Sources {
    [(Arc::from("template.yaml"), Arc::from(text))].into_iter().collect()
}

fn every_format(report: &Report<'_>) -> Vec<String> {
    let look = |colour| Look { colour, width: Some(100) };
    vec![
        human(report, look(Colour::Never)),
        human(report, look(Colour::Always)),
        concise(report),
        json(report),
        sarif(report, "0.1.0"),
        junit(report),
        github(report),
        gitlab(report, &scan()),
        climate(report),
    ]
}

fn scan() -> Scan<'static> {
    let at = |second| jiff::civil::date(2026, 11, 1).at(12, 0, second, 0);
    Scan { version: "0.1.0", began: at(0), ended: at(1) }
}

#[test]
fn human_shows_line_proof_and_difference() {
    let (sources, findings) = (sources(TEMPLATE), [old_runtime()]);
    let report = Report { findings: &findings, templates: 1, ..Report::of(&sources) };
    let shown = human(&report, Look { colour: Colour::Never, width: Some(100) });
    let wanted = "\
high[DE002]: `Orders` runs on `python3.8`
 --> template.yaml:5:16
  |
5 |       Runtime: python3.8
  |                ^^^^^^^^^ out of support
  |
  = note: `python3.8` has got no security fixes since 2024-10-14
  = help: move to `python3.14` and run the tests
help: move to `python3.14` (unsafe fix: look before you apply it)
  |
5 -       Runtime: python3.8
5 +       Runtime: python3.14
  |

1 finding (1 high) in 1 template
";
    assert_eq!(shown, wanted, "\n{shown}");
}

#[test]
fn no_format_shows_a_secret() {
    let sources = sources(TEMPLATE);
    let findings = [leaked_secret(), old_runtime()];
    let report = Report { findings: &findings, templates: 1, ..Report::of(&sources) };
    for text in every_format(&report) {
        assert!(!text.contains("hunter2"), "{text}");
    }
    assert!(human(&report, Look::default()).contains("API_KEY: *******"));
}

#[test]
fn a_secret_hidden_by_a_suppression_stays_hidden_beside_other_findings() {
    let sources = sources(TEMPLATE);
    let whole = Span { start: 13, end: TEMPLATE.len(), line: 2, column: 3, file: "template.yaml".into() };
    let findings = [finding("XX001", Severity::Low, Some(whole))];
    let suppressed = [Suppressed { finding: leaked_secret(), by: suppression() }];
    let report = Report { findings: &findings, suppressed: &suppressed, templates: 1, ..Report::of(&sources) };
    for text in every_format(&report) {
        assert!(!text.contains("hunter2"), "{text}");
    }
}

fn suppression() -> Suppression {
    Suppression {
        code: "SE002".into(),
        reason: Some("a key of the test system".into()),
        owner: Some("shop".into()),
        until: None,
        scope: Scope::File,
        span: span(TEMPLATE, "API_KEY"),
        peer: None,
    }
}

#[test]
fn a_secret_in_the_words_of_another_finding_is_taken_out() {
    let sources = sources(TEMPLATE);
    let mut quoting = old_runtime();
    quoting.message = "it compares with `hunter2-is-the-secret`".to_owned();
    quoting.help = vec!["do not use hunter2-is-the-secret".to_owned()];
    quoting.fix.as_mut().unwrap().edits[0].replacement = "hunter2-is-the-secret".to_owned();
    quoting.path = vec![brigandine_model::Step { span: None, words: "knows hunter2-is-the-secret".to_owned() }];
    let findings = [quoting, leaked_secret()];
    let unjudged =
        [Unjudged { reason: "`hunter2-is-the-secret` is no number".into(), resource: None, code: None, span: None }];
    let report = Report { findings: &findings, unjudged: &unjudged, templates: 1, ..Report::of(&sources) };
    for told in every_format(&report) {
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[test]
fn the_way_of_an_attacker_is_one_quiet_note() {
    let sources = sources(TEMPLATE);
    let mut found = old_runtime();
    let step = |span, words: &str| brigandine_model::Step { span, words: words.to_owned() };
    found.path = vec![
        step(None, "the internet"),
        step(Some(span(TEMPLATE, "Orders")), "`GET /orders` asks nothing"),
        step(None, "`Orders`"),
        step(None, "its role may do anything to every table of the account"),
    ];
    let findings = [found];
    let report = Report { findings: &findings, templates: 1, ..Report::of(&sources) };
    let shown = human(&report, Look { colour: Colour::Never, width: Some(70) });
    let wanted = "
  = path: the internet -> `GET /orders` asks nothing (line 2)
          -> `Orders`
          -> its role may do anything to every table of the account
";
    assert!(shown.contains(wanted), "{shown}");
}

#[test]
fn people_see_what_is_new_and_hear_of_the_rest() {
    let sources = sources(TEMPLATE);
    let findings = [old_runtime(), leaked_secret()];
    let gone = Gone {
        code: "AP001".to_owned(),
        title: "`GET /` was open".to_owned(),
        file: "template.yaml".to_owned(),
        resource: None,
        fingerprint: String::new(),
    };
    let past = Past { known: [identity(&findings[0])].into(), gone: vec![gone] };
    let only_in = OnlyIn::from([(identity(&findings[1]), vec![Arc::from("dev"), Arc::from("test")])]);
    let report = Report {
        findings: &findings,
        past: Some(&past),
        only_in: Some(&only_in),
        templates: 1,
        ..Report::of(&sources)
    };
    let shown = human(&report, Look::default());
    assert!(!shown.contains("DE002") && shown.contains("SE002"), "{shown}");
    assert!(shown.contains("= only in: dev, test\n"), "{shown}");
    assert!(shown.contains("template.yaml: AP001 `GET /` was open\n"), "{shown}");
    assert!(shown.ends_with("1 new finding (1 critical) in 1 template, 1 known, 1 gone\n"), "{shown}");
    assert!(concise(&report).ends_with("written in clear (only in dev, test)\n"), "{}", concise(&report));
}

#[test]
fn hostile_templates_reach_no_terminal() {
    let text = "Resources:\n  \u{1b}[2J\u{9b}31mOrders\u{202e}: {Runtime: \u{7}python3.8}\n";
    let sources = sources(text);
    let mut bad = old_runtime();
    bad.span = Some(span(text, "python3.8"));
    bad.title = "`\u{1b}]0;owned\u{7}` runs".to_owned();
    bad.label = "\u{9b}31m".to_owned();
    bad.message = "\u{1b}[1A\nforged: no findings".to_owned();
    bad.help = vec!["\u{1b}[0m".to_owned()];
    bad.fix = None;
    let unjudged = [Unjudged { reason: "\u{1b}[31m".into(), resource: None, code: None, span: None }];
    let findings = [bad];
    let report = Report { findings: &findings, unjudged: &unjudged, templates: 1, ..Report::of(&sources) };
    for text in [human(&report, Look::default()), concise(&report)] {
        assert!(!text.chars().any(|sign| sign.is_control() && sign != '\n'), "{text:?}");
        assert!(!text.contains('\u{202e}'), "{text:?}");
        assert!(!text.contains("\nforged"), "{text:?}");
    }
}

#[test]
fn plain_means_plain_and_colour_is_only_added() {
    let sources = sources(TEMPLATE);
    let findings = [old_runtime(), leaked_secret()];
    let report = Report { findings: &findings, templates: 1, ..Report::of(&sources) };
    let plain = human(&report, Look { colour: Colour::Never, width: Some(100) });
    let colourful = human(&report, Look { colour: Colour::Always, width: Some(100) });
    assert!(!plain.contains('\u{1b}'));
    assert!(colourful.contains('\u{1b}'));
    assert_eq!(without_colour(&colourful), plain);
}

fn without_colour(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        out.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    out.push_str(rest);
    out
}

#[test]
fn long_lines_are_cut_to_the_terminal() {
    let text = format!("Resources: {{{} Runtime: python3.8, {}}}\n", "a: b, ".repeat(200), "c: d, ".repeat(200));
    let sources = sources(&text);
    let findings = [Finding { span: Some(span(&text, "python3.8")), fix: None, ..old_runtime() }];
    let report = Report { findings: &findings, templates: 1, ..Report::of(&sources) };
    let shown = human(&report, Look { colour: Colour::Never, width: Some(80) });
    assert!(shown.lines().all(|line| line.chars().count() <= 90), "{shown}");
    assert!(shown.contains("python3.8") && shown.contains("out of support"), "{shown}");
    let mut fixed = old_runtime();
    fixed.span = Some(span(&text, "python3.8"));
    fixed.fix.as_mut().unwrap().edits[0].span = span(&text, "python3.8");
    let findings = [fixed];
    let report = Report { findings: &findings, templates: 1, ..Report::of(&sources) };
    let shown = human(&report, Look { colour: Colour::Never, width: Some(80) });
    assert!(shown.lines().all(|line| line.chars().count() <= 90), "{shown}");
    assert!(shown.contains("help: move to `python3.14` (unsafe fix"), "{shown}");
}

#[test]
fn spans_that_lie_outside_the_text_cost_the_snippet_only() {
    let sources = sources("é\n");
    for (start, end) in [(1, 2), (0, 1), (5, 900), (2, 1)] {
        let at = Span { file: "template.yaml".into(), start, end, line: 1, column: 1 };
        let mut odd = old_runtime();
        odd.span = Some(at.clone());
        odd.fix.as_mut().unwrap().edits[0].span = at;
        let findings = [odd];
        let report = Report { findings: &findings, templates: 1, ..Report::of(&sources) };
        for text in every_format(&report) {
            assert!(text.contains("DE002"), "{start}..{end}");
        }
    }
}

#[test]
fn concise_is_one_line_per_finding() {
    let sources = sources(TEMPLATE);
    let findings = [old_runtime(), finding("DE002", Severity::Medium, None)];
    let report = Report { findings: &findings, templates: 2, ..Report::of(&sources) };
    assert_eq!(
        concise(&report),
        "template.yaml:5:16: high DE002 `Orders` runs on `python3.8`\n\
         -: medium DE002 `Orders` runs on `python3.8`\n"
    );
}

#[test]
fn the_summary_counts_everything() {
    let sources = Sources::new();
    let findings = [leaked_secret(), old_runtime(), old_runtime()];
    let suppressed = [Suppressed { finding: leaked_secret(), by: suppression() }];
    let unjudged = [Unjudged { reason: "x".into(), resource: None, code: None, span: None }];
    let report = Report {
        findings: &findings,
        suppressed: &suppressed,
        unjudged: &unjudged,
        templates: 1,
        ..Report::of(&sources)
    };
    assert_eq!(summary(&report), "3 findings (1 critical, 2 high) in 1 template, 1 fact not judged, 1 suppressed");
}

#[test]
fn json_holds_what_scripts_need() {
    let sources = sources(TEMPLATE);
    let findings = [old_runtime()];
    let at = Some(span(TEMPLATE, "Orders"));
    let unjudged = [Unjudged {
        reason: "unclear".into(),
        resource: Some(LogicalId::new("Orders")),
        code: Some("LP001".into()),
        span: at,
    }];
    let report = Report { findings: &findings, unjudged: &unjudged, templates: 1, ..Report::of(&sources) };
    let value: Value = serde_json::from_str(&json(&report)).unwrap();
    let first = &value["findings"][0];
    assert_eq!(first["code"], "DE002");
    assert_eq!(first["severity"], "high");
    assert_eq!((&first["file"], &first["line"], &first["column"]), (&"template.yaml".into(), &5.into(), &16.into()));
    assert_eq!(first["also"][0], "Catalogue");
    assert_eq!((&first["resource"], &first["practice"]), (&"Orders".into(), &"dependencies".into()));
    assert_eq!(first["fingerprint"], fingerprint(&findings[0]));
    assert_eq!(first["fix"]["applicability"], "unsafe");
    assert_eq!(first["fix"]["edits"][0]["replacement"], "python3.14");
    assert_eq!(value["unjudged"][0]["reason"], "unclear");
    assert_eq!(value["unjudged"][0]["line"], 2);
    assert_eq!(value["summary"]["high"], 1);
    assert_eq!(value["summary"]["unjudged"], 1);
}

#[test]
fn a_fingerprint_outlives_an_edit_of_the_file() {
    let mut moved = old_runtime();
    moved.span = None;
    moved.severity = Severity::Low;
    assert_eq!(fingerprint(&old_runtime()), fingerprint(&moved));
    moved.fact = "python3.9".to_owned();
    assert_ne!(fingerprint(&old_runtime()), fingerprint(&moved));
    assert_eq!(fingerprint(&moved).len(), 64);
}

#[test]
fn sarif_says_what_code_hosts_read() {
    let sources = sources(TEMPLATE);
    let findings = [old_runtime()];
    let suppressed = [Suppressed { finding: leaked_secret(), by: suppression() }];
    let report =
        Report { findings: &findings, suppressed: &suppressed, rules: &[&META], templates: 1, ..Report::of(&sources) };
    let value: Value = serde_json::from_str(&sarif(&report, "0.1.0")).unwrap();
    assert_eq!(value["version"], "2.1.0");
    let run = &value["runs"][0];
    let rule = &run["tool"]["driver"]["rules"][0];
    assert_eq!((&rule["id"], &rule["name"]), (&"DE002".into(), &"unsupported-runtime".into()));
    assert_eq!(rule["help"]["markdown"], "# DE002\n");
    assert_eq!(rule["properties"]["security-severity"], "8.0");
    assert_eq!(rule["properties"]["tags"].as_array().unwrap().len(), 10);
    let [first, hidden] = run["results"].as_array().unwrap().as_slice() else { panic!("two results") };
    assert_eq!((&first["ruleId"], &first["ruleIndex"], &first["level"]), (&"DE002".into(), &0.into(), &"error".into()));
    let region = &first["locations"][0]["physicalLocation"]["region"];
    assert_eq!(
        (&region["startLine"], &region["startColumn"], &region["endColumn"]),
        (&5.into(), &16.into(), &25.into())
    );
    assert_eq!(first["partialFingerprints"]["brigandine/v1"], fingerprint(&findings[0]));
    assert_eq!(first["fixes"][0]["artifactChanges"][0]["replacements"][0]["insertedContent"]["text"], "python3.14");
    assert_eq!(first["suppressions"].as_array().unwrap().len(), 0);
    assert_eq!(hidden["suppressions"][0]["kind"], "inSource");
    assert_eq!(hidden["suppressions"][0]["justification"], "a key of the test system");
}

#[test]
fn sarif_paths_are_references() {
    let sources = Sources::new();
    let mut odd = old_runtime();
    odd.span.as_mut().unwrap().file = ".\\infra\\a b#c.yaml".into();
    let findings = [odd];
    let report = Report { findings: &findings, templates: 1, ..Report::of(&sources) };
    let value: Value = serde_json::from_str(&sarif(&report, "0.1.0")).unwrap();
    let result = &value["runs"][0]["results"][0];
    assert_eq!(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "infra/a%20b%23c.yaml");
    assert!(result.get("fixes").is_none(), "a fix without its text has no region");
}

#[test]
fn advice_is_given_once() {
    let sources = sources(TEMPLATE);
    let findings = [old_runtime(), old_runtime(), finding("XX001", Severity::Low, None)];
    let report = Report { findings: &findings, templates: 1, ..Report::of(&sources) };
    let shown = human(&report, Look::default());
    assert_eq!(shown.matches("= help: move to `python3.14`").count(), 2, "once for each rule: {shown}");
}
