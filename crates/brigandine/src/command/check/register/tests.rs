use brigandine_model::{LogicalId, Practice};

use super::*;

fn finding(fact: &str, line: u32) -> Finding {
    Finding {
        code: "AP001".into(),
        severity: Severity::High,
        title: format!("{fact} is open"),
        message: String::new(),
        span: Some(Span { file: "a/template.yaml".into(), start: 0, end: 1, line, column: 1 }),
        label: String::new(),
        related: Vec::new(),
        secrets: Vec::new(),
        resource: Some(LogicalId::new("Orders")),
        also: Vec::new(),
        practice: Practice::ApisAndEvents,
        fact: fact.to_owned(),
        path: Vec::new(),
        help: Vec::new(),
        fix: None,
    }
}

fn day(day: i8) -> Date {
    jiff::civil::date(2026, 11, day)
}

fn run(register: &mut Register, findings: &[Finding], suppressed: &[Suppressed], today: Date) -> Change {
    register.update(Path::new("register.json"), &Seen { findings, suppressed, judged: &|_| true, today })
}

fn states(register: &Register) -> Vec<State> {
    register.findings.iter().map(|entry| entry.state).collect()
}

#[test]
fn a_finding_lives_through_open_fixed_and_regressed() {
    let mut register = Register::default();
    assert_eq!(run(&mut register, &[finding("x", 3)], &[], day(1)), Change { new: 1, ..Change::default() });
    assert_eq!(register.findings[0].due, Some(jiff::civil::date(2026, 12, 1)), "high: thirty days");
    assert_eq!(run(&mut register, &[finding("x", 99)], &[], day(2)), Change::default(), "a line is no identity");
    assert_eq!(register.findings[0].first_seen, day(1));
    assert_eq!(run(&mut register, &[], &[], day(5)), Change { fixed: 1, ..Change::default() });
    assert_eq!((states(&register), register.findings[0].days_to_fix), (vec![State::Fixed], Some(4)));
    assert_eq!(run(&mut register, &[finding("x", 3)], &[], day(9)), Change { regressed: 1, ..Change::default() });
    assert_eq!((states(&register), register.findings[0].regressed), (vec![State::Regressed], Some(day(9))));
    assert_eq!(register.came_back(day(9)).count(), 1);
    run(&mut register, &[], &[], day(10));
    assert_eq!(register.findings[0].days_to_fix, Some(1), "since it came back");
}

#[test]
fn what_was_not_judged_is_not_fixed() {
    let mut register = Register::default();
    run(&mut register, &[finding("x", 3)], &[], day(1));
    let seen = Seen { findings: &[], suppressed: &[], judged: &|_| false, today: day(2) };
    assert_eq!(register.update(Path::new("register.json"), &seen), Change::default());
    assert_eq!(states(&register), [State::Open]);
}

#[test]
fn acceptance_holds_with_a_reason_until_its_last_day() {
    let file = Path::new("register.json");
    let mut register = Register::default();
    run(&mut register, &[finding("x", 3)], &[], day(1));
    let entry = &mut register.findings[0];
    (entry.state, entry.owner, entry.until) = (State::Accepted, Some("shop".to_owned()), Some(day(10)));
    let accepted = |register: &Register, today| register.accept(file, &mut vec![finding("x", 3)], today).len();
    assert_eq!(accepted(&register, day(2)), 0, "without a reason it hides nothing");
    register.findings[0].reason = Some("a demonstration".to_owned());
    assert_eq!((accepted(&register, day(10)), accepted(&register, day(11))), (1, 0));
    let mut findings = vec![finding("y", 1), finding("x", 3)];
    let suppressed = register.accept(file, &mut findings, day(2));
    assert_eq!((findings.len(), suppressed[0].by.owner.as_deref()), (1, Some("shop")));
    run(&mut register, &[], &suppressed, day(2));
    assert_eq!(states(&register), [State::Accepted]);
    run(&mut register, &[finding("x", 3)], &[], day(11));
    assert_eq!((states(&register), register.findings[0].owner.as_deref()), (vec![State::Open], Some("shop")));
}

#[test]
fn the_file_is_stable_and_people_may_edit_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("register.json");
    let mut register = Register::read(&file).unwrap();
    let before = register.clone();
    run(&mut register, &[finding("y", 1), finding("x", 3)], &[], day(1));
    register.write(&file, &before).unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    let mut again = Register::read(&file).unwrap();
    assert_eq!(again, register);
    run(&mut again, &[finding("x", 40), finding("y", 50)], &[], day(2));
    again.write(&file, &register).unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text, "nothing changed, nothing is written");
    std::fs::write(
        &file,
        text.replace("\"first_seen\"", "\"due\": \"2026-11-02\", \"first_seen\"").replacen(
            "\"due\": \"2026-12-01\",\n",
            "",
            2,
        ),
    )
    .unwrap();
    let edited = Register::read(&file).unwrap();
    assert_eq!(edited.summary(&Change::default(), day(3)), "register: 2 open, 2 overdue");
    for wrong in ["", "[]", "{\"version\": 2, \"findings\": []}", "{\"findings\": []}"] {
        std::fs::write(&file, wrong).unwrap();
        assert!(Register::read(&file).is_err(), "{wrong}");
    }
}

#[test]
fn a_template_is_the_same_from_wherever_it_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("a")).unwrap();
    let template = folder.path().join("a/template.yaml");
    std::fs::write(&template, "").unwrap();
    let register = folder.path().join("register.json");
    assert_eq!(seen_from(&register, template.to_str().unwrap()), "a/template.yaml");
    assert_eq!(seen_from(&register, folder.path().join("a/./template.yaml").to_str().unwrap()), "a/template.yaml");
    assert_eq!(seen_from(&register, "./elsewhere/b.yaml"), "elsewhere/b.yaml");
    assert_eq!(seen_from(Path::new("register.json"), "/nowhere/b.yaml"), "/nowhere/b.yaml");
}

#[test]
fn a_baseline_is_a_register_or_an_earlier_result() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("baseline.json");
    std::fs::write(
        &file,
        r#"{"findings": [{"code": "AP001", "file": "t.yaml", "fingerprint": "f", "extra": 1},
            {"code": "AP001", "file": "t.yaml", "fingerprint": "g", "state": "fixed"}], "summary": {}}"#,
    )
    .unwrap();
    let baseline = Baseline::read(&file).unwrap();
    assert_eq!(baseline.known().map(|known| known.fingerprint.as_str()).collect::<Vec<_>>(), ["f"]);
    assert!(
        Baseline::read(&folder.path().join("absent.json")).is_err(),
        "a baseline that is not there hides nothing silently"
    );
}
