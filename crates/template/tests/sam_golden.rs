//! Runs the golden suite of the serverless transform against our expander.
//!
//! Three sets: templates that expand (`ok`), templates that must be refused (`refused`), and refusals with the same words
//! (`text`). Every list is sorted at every depth before comparing, as the suite's own origin does. A case in the list of
//! excuses may fail; one that passes although it is excused fails the run, so that the number only rises.
//! `BRIGANDINE_GOLDEN_CASE=NAME` runs one case and prints the difference.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a runner reads the suite, prints what came of it and may fail loudly"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use brigandine_template::expand::{ExpandError, Options, expand};
use brigandine_template::{Kind, Meaning, Node, load};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};

const EXCUSES: &str = include_str!("sam_golden_excused.txt");

fn suite() -> PathBuf {
    match std::env::var_os("BRIGANDINE_SUITE_SAM_GOLDEN") {
        Some(directory) => directory.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/suites/sam-golden"),
    }
}

/// The settings the suite was made with.
fn options() -> Options {
    let policies = [
        ("AWSLambdaBasicExecutionRole", "service-role/AWSLambdaBasicExecutionRole"),
        ("AWSLambdaRole", "service-role/AWSLambdaRole"),
        ("AmazonDynamoDBFullAccess", "AmazonDynamoDBFullAccess"),
        ("AmazonDynamoDBReadOnlyAccess", "AmazonDynamoDBReadOnlyAccess"),
        ("AWSXrayWriteOnlyAccess", "AWSXrayWriteOnlyAccess"),
    ];
    Options {
        region: "ap-southeast-1".to_owned(),
        parameters: BTreeMap::from([
            ("param1".to_owned(), "value1".to_owned()),
            ("param2".to_owned(), "value2".to_owned()),
        ]),
        managed_policies: policies
            .map(|(name, path)| (name.to_owned(), format!("arn:aws:iam::aws:policy/{path}")))
            .into(),
        repository_url: "https://awsserverlessrepo-changesets-xxx.s3.amazonaws.com/signed-url".to_owned(),
        ..Options::default()
    }
}

fn expanded(path: &Path) -> Result<Value, Vec<ExpandError>> {
    let bytes = std::fs::read(path).unwrap();
    let document = load::load(&"template.yaml".into(), &bytes).expect("a template that can be read");
    expand(document.root, &options()).map(|node| to_json(&node))
}

fn to_json(node: &Node) -> Value {
    match &node.kind {
        Kind::List(items) => items.iter().map(to_json).collect(),
        Kind::Map(map) => Value::Object(map.iter().map(|(key, value)| (key.to_owned(), to_json(value))).collect()),
        Kind::Scalar(scalar) => match scalar.meaning() {
            Meaning::Null => Value::Null,
            Meaning::Bool(flag) => json!(flag),
            Meaning::Int(number) => json!(number),
            // A whole number is the same number with and without a fraction of nothing.
            Meaning::Float(number) if number.fract() == 0.0 => json!(number.to_string().parse::<i64>().unwrap()),
            Meaning::Float(number) => json!(number),
            Meaning::Text(text) => json!(text),
        },
    }
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(sorted).collect();
            items.sort_by_cached_key(ToString::to_string);
            Value::Array(items)
        }
        Value::Object(map) => {
            // The reader brings attributes to one of their two spellings.
            if let (1, Some(Value::String(name))) = (map.len(), map.get("Fn::GetAtt")) {
                let (id, attribute) = name.split_once('.').unwrap();
                return sorted(&json!({"Fn::GetAtt": [id, attribute]}));
            }
            Value::Object(map.iter().map(|(key, value)| (key.clone(), sorted(value))).collect())
        }
        Value::Number(number) if number.as_f64().is_some_and(|number| number.fract() == 0.0) => {
            json!(number.as_f64().unwrap().to_string().parse::<i64>().unwrap())
        }
        other => other.clone(),
    }
}

/// The first few places where two values differ.
fn differences(path: &str, wanted: &Value, got: &Value, found: &mut Vec<String>) {
    match (wanted, got) {
        (Value::Object(wanted), Value::Object(got)) => {
            for key in wanted.keys().chain(got.keys()).collect::<BTreeSet<_>>() {
                let path = format!("{path}.{key}");
                match (wanted.get(key), got.get(key)) {
                    (Some(wanted), Some(got)) => differences(&path, wanted, got, found),
                    (Some(wanted), None) => found.push(format!("{path}: missing {wanted}")),
                    (None, Some(got)) => found.push(format!("{path}: unwanted {got}")),
                    (None, None) => {}
                }
            }
        }
        (Value::Array(wanted), Value::Array(got)) if wanted.len() == got.len() => {
            for (index, (wanted, got)) in wanted.iter().zip(got).enumerate() {
                differences(&format!("{path}[{index}]"), wanted, got, found);
            }
        }
        _ if wanted == got => {}
        _ => found.push(format!("{path}: wanted {wanted}, got {got}")),
    }
}

/// Gives the deployments in a golden output the ids that the suite's description says they have: a digest of the API's
/// body as compact JSON with sorted keys. The files hold the digest of another spelling of the same body.
fn with_described_ids(mut output: Value) -> Value {
    let resources = output.get("Resources").unwrap().as_object().unwrap().clone();
    for (id, deployment) in &resources {
        if deployment.get("Type") != Some(&json!("AWS::ApiGateway::Deployment")) {
            continue;
        }
        let Some(old) = deployment.pointer("/Properties/Description").and_then(Value::as_str) else { continue };
        let old = old.rsplit(' ').next().unwrap();
        let api = deployment.pointer("/Properties/RestApiId/Ref").unwrap().as_str().unwrap();
        let properties = resources.get(api).unwrap().get("Properties").unwrap();
        let body = properties.get("Body").or_else(|| properties.get("BodyS3Location")).unwrap();
        let new = digest(&ascii(&body.to_string()));
        let new_id = format!("{}{}", id.strip_suffix(old.get(..10).unwrap()).unwrap(), new.get(..10).unwrap());
        let text = output.to_string().replace(&format!("\"{id}\""), &format!("\"{new_id}\"")).replace(old, &new);
        output = serde_json::from_str(&text).unwrap();
    }
    output
}

fn ascii(text: &str) -> String {
    let escaped = |unit: u16| format!("\\u{unit:04x}");
    text.chars()
        .map(|letter| match letter {
            letter if letter.is_ascii() => letter.to_string(),
            letter => letter.encode_utf16(&mut [0; 2]).iter().map(|unit| escaped(*unit)).collect(),
        })
        .collect()
}

fn digest(text: &str) -> String {
    Sha1::digest(text.as_bytes())
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from_digit(digit.into(), 16).unwrap())
        .collect()
}

/// Outcome per case: nothing when it passed, else why not.
type Verdicts = BTreeMap<String, Option<String>>;

fn cases(directory: &Path) -> Vec<(String, PathBuf, Value)> {
    let only = std::env::var("BRIGANDINE_GOLDEN_CASE").ok();
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(directory.join("input")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if only.as_ref().is_some_and(|only| *only != name) {
            continue;
        }
        let output = directory.join("output").join(format!("{name}.json"));
        let output = serde_json::from_slice(&std::fs::read(output).unwrap()).unwrap();
        cases.push((name, path, output));
    }
    cases
}

fn run_ok(directory: &Path, verdicts: &mut Verdicts) {
    for (name, path, wanted) in cases(directory) {
        let verdict = match expanded(&path) {
            Err(errors) => Some(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")),
            Ok(got) => {
                let mut found = Vec::new();
                let wanted = with_described_ids(wanted);
                differences("", &sorted(&wanted), &sorted(&got), &mut found);
                (!found.is_empty()).then(|| found.join("\n    "))
            }
        };
        verdicts.insert(format!("ok/{name}"), verdict);
    }
}

fn run_error(directory: &Path, verdicts: &mut Verdicts) {
    for (name, path, wanted) in cases(directory) {
        let wanted = wanted.get("errorMessage").unwrap().as_str().unwrap();
        let (refused, text) = match expanded(&path) {
            Ok(_) => (Some("not refused".to_owned()), Some(format!("not refused\n    wanted {wanted}"))),
            Err(errors) => {
                let told: Vec<_> = errors.iter().map(ToString::to_string).collect();
                let got = format!(
                    "Invalid Serverless Application Specification document. Number of errors found: {}. {}",
                    told.len(),
                    told.join(" ")
                );
                (None, (got != wanted).then(|| format!("wanted {wanted}\n    got    {got}")))
            }
        };
        verdicts.insert(format!("refused/{name}"), refused);
        verdicts.insert(format!("text/{name}"), text);
    }
}

/// Cases that may fail. The line above a group, after `#`, says why.
fn excuses() -> BTreeSet<&'static str> {
    EXCUSES.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

#[test]
fn expands_and_refuses_as_the_serverless_transform_does() {
    let suite = suite();
    if !suite.is_dir() {
        println!("sam-golden: skipped, {} is absent", suite.display());
        return;
    }
    let mut verdicts = Verdicts::new();
    run_ok(&suite.join("ok"), &mut verdicts);
    run_error(&suite.join("error"), &mut verdicts);
    let excuses = excuses();
    let mut wrong = Vec::new();
    for set in ["ok", "refused", "text"] {
        let (mut passed, mut failed, mut forgiven) = (0, 0, 0);
        for (name, verdict) in verdicts.iter().filter(|(name, _)| name.starts_with(&format!("{set}/"))) {
            match (verdict, excuses.contains(name.as_str())) {
                (None, false) => passed += 1,
                (Some(_), true) => forgiven += 1,
                (Some(why), false) => {
                    failed += 1;
                    wrong.push(format!("{name}\n    {why}"));
                }
                (None, true) => {
                    passed += 1;
                    wrong.push(format!("{name}: passes, so its excuse is stale"));
                }
            }
        }
        println!("sam-golden {set}: {passed} passed, {failed} failed, {forgiven} excused");
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}
