//! Published vectors of every `SecLang` operator and transformation, byte for byte.
#![expect(clippy::unwrap_used, clippy::print_stdout, clippy::indexing_slicing, reason = "a runner of cases")]

use brigandine_inspect::probe;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Cases proven wrong, with the proof: operator or transformation, argument, input.
const EXCUSED: &str = include_str!("seclang_vectors_excused.txt");

fn suite() -> Option<PathBuf> {
    let given = std::env::var_os("BRIGANDINE_SUITE_SECLANG_VECTORS").map(PathBuf::from);
    let path = given.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/suites/seclang-vectors"));
    path.is_dir().then_some(path)
}

fn vectors(folder: &Path) -> BTreeMap<String, Vec<Value>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            files.insert(name, serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap());
        }
    }
    files
}

/// A string of the suite as bytes: a literal `\u0000` is a NUL; where a literal `\x` remains, `\xNN` is a byte.
fn bytes(text: &str) -> Vec<u8> {
    let text = text.replace("\\u0000", "\0");
    if !text.contains("\\x") {
        return text.into_bytes();
    }
    let mut output = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let digits = rest.strip_prefix(b"\\x").and_then(|after| after.get(..2));
        let byte = digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        output.push(byte.unwrap_or(first));
        rest = if byte.is_some() { &rest[4..] } else { tail };
    }
    output
}

/// Inputs of decoders of backslash escapes are those escapes: they stay as written.
fn input(name: &str, text: &str) -> Vec<u8> {
    let decoder = ["escapeSeqDecode", "jsDecode", "cssDecode"].contains(&name);
    if decoder { text.replace("\\u0000", "\0").into_bytes() } else { bytes(text) }
}

#[derive(Default)]
struct Count {
    passed: usize,
    excused: usize,
    failures: Vec<String>,
}

impl Count {
    fn add(&mut self, case: &str, failure: Option<String>) {
        match failure {
            None => self.passed += 1,
            Some(_) if EXCUSED.lines().any(|line| line == case) => self.excused += 1,
            Some(failure) => self.failures.push(format!("{case}: {failure}")),
        }
    }

    fn finish(self, what: &str) {
        println!("{what}: {} passed, {} failed, {} excused", self.passed, self.failures.len(), self.excused);
        assert!(self.failures.is_empty(), "{}", self.failures.join("\n"));
    }
}

fn text<'v>(case: &'v Value, key: &str) -> &'v str {
    case.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[test]
fn transformations() {
    let Some(suite) = suite() else {
        println!("skipped: the suite is not there");
        return;
    };
    let mut count = Count::default();
    for (name, cases) in vectors(&suite.join("transformations")) {
        for case in cases {
            let input = input(&name, text(&case, "input"));
            let expected = bytes(text(&case, "output"));
            let output = probe::transformed(&name, &input);
            let failure = (output.as_ref() != Some(&expected)).then(|| format!("expected {expected:?}, got {output:?}"));
            count.add(&format!("{name} {:?}", text(&case, "input")), failure);
        }
    }
    count.finish("transformations");
}

#[test]
fn operators() {
    let Some(suite) = suite() else {
        println!("skipped: the suite is not there");
        return;
    };
    let mut count = Count::default();
    let files = |path: &str| std::fs::read(suite.join("operators/op").join(path)).ok();
    for cases in vectors(&suite.join("operators")).into_values() {
        for case in cases {
            let (name, argument) = (text(&case, "name"), text(&case, "param"));
            let value = bytes(text(&case, "input"));
            let expected = case["ret"].as_i64() == Some(1);
            let failure = operator_failure((name, argument), &value, expected, &case, &files);
            count.add(&format!("{name} {argument:?} {:?}", text(&case, "input")), failure);
        }
    }
    count.finish("operators");
}

fn operator_failure(
    operator: (&str, &str),
    value: &[u8],
    expected: bool,
    case: &Value,
    files: &dyn Fn(&str) -> Option<Vec<u8>>,
) -> Option<String> {
    let operator = (operator.0, operator.1.as_bytes());
    let finding = match probe::evaluated(operator, value, files) {
        Ok(finding) => finding,
        Err(error) => return Some(error),
    };
    if finding.matched != expected {
        return Some(format!("expected {expected}"));
    }
    if finding.matched && !probe::admitted(operator, value, files).unwrap() {
        return Some("matched, but its filter turns it away".to_owned());
    }
    let groups: Vec<&str> = case.get("re_groups")?.as_array()?.iter().filter_map(Value::as_str).collect();
    let captured: Vec<String> =
        finding.groups.iter().map(|group| String::from_utf8_lossy(group.as_deref().unwrap_or_default()).into_owned()).collect();
    (groups != captured).then(|| format!("captured {captured:?}"))
}
