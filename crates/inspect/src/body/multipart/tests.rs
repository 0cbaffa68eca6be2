use super::*;
use proptest::prelude::*;

const TYPE: &[u8] = b"multipart/form-data; boundary=xyz";

fn read(body: &str) -> Form {
    parse(TYPE, body.as_bytes(), &Limits::default())
}

fn part(headers: &str, content: &str) -> String {
    format!("--xyz\r\n{headers}\r\n\r\n{content}\r\n--xyz--\r\n")
}

const FIELD: &str = "Content-Disposition: form-data; name=\"a\"";

#[test]
fn an_honest_form_raises_nothing() {
    let body = format!(
        "--xyz\r\n{FIELD}\r\n\r\none\r\ntwo\r\n--xyz\r\n{FIELD}; filename=\"x.txt\"\r\nContent-Type: text/plain\r\n\r\n\r\n--xyz--\r\n"
    );
    let form = read(&body);
    assert_eq!((form.error, form.flaws.strict(), form.boundaries), (None, false, Boundaries::Matched));
    assert_eq!(form.parts[0].content, b"one\r\ntwo");
    assert_eq!((form.parts[1].filename.as_deref(), form.parts[1].content.len()), (Some(b"x.txt".as_slice()), 0));
    assert_eq!(form.parts[1].headers[1], b"Content-Type: text/plain");
}

#[test]
fn each_oddity_raises_its_flag() {
    let cases: [(String, Flaw); 8] = [
        (format!("before\r\n{}", part(FIELD, "v")), Flaw::DataBefore),
        (format!("{}after", part(FIELD, "v")), Flaw::DataAfter),
        (part(&format!("{FIELD}\r\n\tx"), "v"), Flaw::HeaderFolding),
        (part(&format!("{FIELD}\r\n\x0bx"), "v"), Flaw::InvalidHeaderFolding),
        (part(FIELD, "v").replace("\r\n", "\n"), Flaw::LfLine),
        (part("Content-Disposition: form-data; name='a'", "v"), Flaw::InvalidQuoting),
        (part("Content-Disposition: form-data; name=\"a'b\"", "v"), Flaw::InvalidQuoting),
        (part(FIELD, "v").replace("--xyz--\r\n", "--xyz\r\n--xyz--\r\n"), Flaw::InvalidPart),
    ];
    for (body, flaw) in cases {
        let form = read(&body);
        assert!(form.flaws.has(flaw) && form.flaws.strict(), "{flaw:?} in {body:?}: {form:?}");
    }
}

#[test]
fn boundaries_in_the_header_are_read_strictly() {
    let cases: [(&str, Option<Flaw>); 8] = [
        ("multipart/form-data; boundary=\"xyz\"", Some(Flaw::BoundaryQuoted)),
        ("multipart/form-data; boundary =xyz", Some(Flaw::BoundaryWhitespace)),
        ("multipart/form-data boundary=xyz", Some(Flaw::MissingSemicolon)),
        ("multipart/form-data; boundary=xyz; boundary=abc", Some(Flaw::Error)),
        ("multipart/form-data; charset=x; boundary=xyz", Some(Flaw::Error)),
        ("multipart/form-data; Boundary=xyz", Some(Flaw::Error)),
        ("multipart/form-data; boundary=\"xyz", Some(Flaw::Error)),
        ("Multipart/Form-Data;boundary=xyz", None),
    ];
    for (header, flaw) in cases {
        let form = parse(header.as_bytes(), part(FIELD, "v").as_bytes(), &Limits::default());
        assert_eq!(form.flaws.strict(), flaw.is_some(), "{header}");
        assert!(flaw.is_none_or(|flaw| form.flaws.has(flaw)), "{header}: {form:?}");
    }
}

#[test]
fn what_readers_would_read_differently_is_an_error() {
    let cases = [
        part("Content-Type: text/plain", "v"),
        part("Content-Disposition: attachment; name=\"a\"", "v"),
        part("Content-Disposition: form-data; name=\"a\"; name=\"b\"", "v"),
        part("Content-Disposition: form-data; name=\"a\"; filename*=utf-8''x", "v"),
        part("Content-Disposition: form-data; name=\"a\" x", "v"),
        part("Content-Disposition: form-data; name=\"a", "v"),
        part(&format!("{FIELD}\r\ncontent-disposition: form-data; name=b"), "v"),
        part(&format!("{FIELD}\r\nno colon"), "v"),
        part(FIELD, "v").replace("--xyz--", "--xyz--x"),
        part(FIELD, "v").replace("--xyz--\r\n", ""),
        "nothing".to_owned(),
    ];
    for body in cases {
        assert!(read(&body).error.is_some(), "{body:?}");
    }
}

#[test]
fn near_boundaries_are_told() {
    assert_eq!(read(&part(FIELD, "--other\r\nx")).boundaries, Boundaries::Unmatched);
    assert_eq!(read(&part(FIELD, "x--xyz\r\nx")).boundaries, Boundaries::Unmatched);
    assert_eq!(read(&part(FIELD, "- -")).boundaries, Boundaries::Matched);
    assert!(read(&part(FIELD, "-- xyz")).error.is_some());
}

#[test]
fn a_missing_last_line_end_is_fine() {
    let body = part(FIELD, "v");
    assert_eq!(read(body.trim_end()).error, None);
}

#[test]
fn limits_hold() {
    let body = format!("--xyz\r\n{FIELD}\r\n\r\nv\r\n").repeat(5) + "--xyz--";
    let form = parse(TYPE, body.as_bytes(), &Limits { arguments: 3, ..Limits::default() });
    assert_eq!((form.parts.len(), form.limit), (3, Some(BodyError::TooMany)));
    assert!(read(&part(&format!("X: {}", "y".repeat(5000)), "v")).error.is_some());
}

proptest! {
    #[test]
    fn no_body_panics(body in r#"(--xyz|--|xyz|\r\n|\n|Content-Disposition: form-data; name="a"|;|filename=|"|'|\\|[a-z: ]){0,30}"#) {
        let form = read(&body);
        prop_assert!(form.parts.iter().map(|part| part.content.len()).sum::<usize>() <= body.len());
    }

    #[test]
    fn no_header_panics(header in r#"multipart/form-data[;= "a-z]{0,30}(boundary)?[;= "a-z]{0,10}"#) {
        drop(parse(header.as_bytes(), b"--x", &Limits::default()));
    }
}
