//! libinjection's own tests: SQL tokens, folded tokens, fingerprints, HTML tokens.
#![expect(clippy::unwrap_used, clippy::print_stdout, clippy::indexing_slicing, reason = "a runner of cases")]

use brigandine_inspect::probe;
use libinjectionrs::sqli::{SqliFlags, SqliState, SqliTokenizer, Token, TokenType};
use libinjectionrs::xss::{Html5Flags, Html5State};
use std::path::{Path, PathBuf};

fn suite() -> Option<PathBuf> {
    let given = std::env::var_os("BRIGANDINE_SUITE_LIBINJECTION").map(PathBuf::from);
    let path = given.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/suites/libinjection"));
    path.is_dir().then_some(path)
}

/// Input and expectation of a case, right-trimmed.
fn sections(case: &[u8]) -> (Vec<u8>, String) {
    let find = |mark: &[u8]| case.windows(mark.len()).position(|window| window == mark).unwrap();
    let (input, expected) = (find(b"--INPUT--"), find(b"--EXPECTED--"));
    let input = case[input + 9..expected].strip_prefix(b"\n").unwrap_or_default().trim_ascii_end().to_vec();
    let expected = case[expected + 12..].strip_prefix(b"\n").unwrap_or_default().trim_ascii_end();
    (input, String::from_utf8_lossy(expected).into_owned())
}

fn printed(token: &Token) -> String {
    let value = String::from_utf8_lossy(&token.val[..token.len.min(31)]).into_owned();
    let quote = |byte: u8| if byte == 0 { String::new() } else { char::from(byte).to_string() };
    let value = match token.token_type {
        TokenType::String => format!("{}{value}{}", quote(token.str_open), quote(token.str_close)),
        TokenType::Variable if token.str_open != 0 => {
            let signs = "@".repeat(usize::try_from(token.count).unwrap());
            format!("{signs}{}{value}{}", quote(token.str_open), quote(token.str_close))
        }
        _ => value,
    };
    format!("{} {value}", token.token_type.to_char()).trim_end().to_owned()
}

fn tokens(input: &[u8]) -> String {
    let mut tokenizer = SqliTokenizer::new(input, SqliFlags::FLAG_SQL_ANSI);
    let lines: Vec<String> = std::iter::from_fn(|| tokenizer.next_token()).map(|token| printed(&token)).collect();
    lines.join("\n")
}

fn folded(input: &[u8]) -> String {
    let mut state = SqliState::new(input, SqliFlags::FLAG_NONE);
    let count = state.fold_tokens();
    let lines: Vec<String> = state.tokens.iter().take(count).map(printed).collect();
    lines.join("\n")
}

/// By our own operator: this is what rules see.
fn fingerprint(input: &[u8]) -> String {
    let finding = probe::evaluated(("detectSQLi", b""), input, &|_| None).unwrap();
    let fingerprint = finding.groups.first().cloned().flatten().unwrap_or_default();
    String::from_utf8(fingerprint).unwrap()
}

fn markup(input: &[u8]) -> String {
    let mut state = Html5State::new(input, Html5Flags::DataState);
    let mut lines = Vec::new();
    while state.next() {
        let text = String::from_utf8_lossy(&state.token_start[..state.token_len]).into_owned();
        lines.push(format!("{},{},{text}", state.token_type, state.token_len));
    }
    lines.join("\n").trim_end().to_owned()
}

#[test]
fn published_cases() {
    let Some(suite) = suite() else {
        println!("skipped: the suite is not there");
        return;
    };
    let mut passed = 0;
    let mut failures = Vec::new();
    for entry in std::fs::read_dir(suite.join("tests")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let (input, expected) = sections(&std::fs::read(&path).unwrap());
        let actual = match name.split('-').nth(1).unwrap() {
            "tokens" => tokens(&input),
            "folding" => folded(&input),
            "sqli" => fingerprint(&input),
            "html5" => markup(&input),
            other => format!("what is a test of {other}?"),
        };
        let lines = |text: &str| text.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
        if lines(&actual) == lines(&expected) {
            passed += 1;
        } else {
            failures.push(format!("{name}: {:?}\nexpected {expected:?}\ngot      {actual:?}", String::from_utf8_lossy(&input)));
        }
    }
    println!("libinjection: {passed} passed, {} failed, 0 excused", failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
