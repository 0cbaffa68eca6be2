//! Runs over a directory of real templates: each becomes an application or a precise refusal, and none a crash.
#![expect(
    clippy::unwrap_used,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a runner reads files, prints counts and stops at the first surprise"
)]

use std::{
    collections::BTreeMap,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
};

use brigandine_model::App;
use brigandine_template::{Failure, Input, Kind, Node, Options, Sources, load, read};

/// Templates that are refused, with the reason; anything else refused is a failure.
const EXCUSED: &str = include_str!("templates.excused");

fn suite() -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/suites/templates");
    let path = std::env::var("BRIGANDINE_SUITE_TEMPLATES").unwrap_or_else(|_| default.to_owned());
    let path = PathBuf::from(path);
    if !path.is_dir() {
        println!("skipped: no suite at {}", path.display());
        return None;
    }
    Some(path)
}

/// Paths of all SAM and CloudFormation templates of the suite.
fn templates(suite: &Path) -> Vec<(String, PathBuf)> {
    let index = fs::read_to_string(suite.join("index.csv")).unwrap();
    let rows = index.lines().filter_map(|row| row.splitn(3, ',').collect::<Vec<_>>().try_into().ok());
    rows.filter(|[kind, _, _]: &[&str; 3]| matches!(*kind, "sam" | "cloudformation"))
        .map(|[_, _, path]| (path.to_owned(), suite.join("patterns").join(path)))
        .collect()
}

/// Reads a template, files beside it being absent or in the suite.
fn outcome(name: &str, path: &Path, bytes: &[u8]) -> Result<App, Failure> {
    let options = Options::default();
    let mut sources = Sources::default();
    loop {
        let input = Input { file: name.into(), name: "suite".into(), bytes, options: &options, sources: &sources };
        match read(&input) {
            Ok(reading) => return Ok(reading.app),
            Err(Failure::Missing(paths)) => {
                for wanted in paths {
                    assert!(sources.get(&wanted).is_none(), "{name} asks twice for {wanted}");
                    sources.insert(&wanted, fs::read(path.parent().unwrap().join(&wanted)).ok());
                }
            }
            Err(failure) => return Err(failure),
        }
    }
}

#[test]
fn every_template_becomes_an_application_or_a_precise_refusal() {
    let Some(suite) = suite() else { return };
    let excused: BTreeMap<&str, &str> = EXCUSED.lines().filter_map(|line| line.split_once(": ")).collect();
    let (mut passed, mut failed, mut let_off) = (0, Vec::new(), 0);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for (name, path) in templates(&suite) {
        let bytes = fs::read(&path).unwrap();
        match catch_unwind(AssertUnwindSafe(|| outcome(&name, &path, &bytes))) {
            Ok(Ok(app)) => {
                passed += 1;
                tally(&mut counts, &app);
                for fact in &app.unjudged {
                    *reasons.entry(shape(&fact.reason)).or_default() += 1;
                }
            }
            Ok(Err(failure)) => match excused.get(&*name) {
                Some(reason) if failure.to_string().contains(reason) => let_off += 1,
                _ => {
                    failed.push(format!("{name}: {failure} {:?}", failure.span().map(|span| (span.line, span.column))));
                }
            },
            Err(_) => failed.push(format!("{name}: crashed")),
        }
    }
    println!("{passed} passed, {} failed, {let_off} excused", failed.len());
    println!("{counts:?}");
    for (reason, count) in &reasons {
        println!("{count:5} {reason}");
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(passed > 0 && counts["functions"] > 0 && counts["routes"] > 0, "nothing was read");
}

fn tally(counts: &mut BTreeMap<&str, usize>, app: &App) {
    let found = [
        ("functions", app.functions.len()),
        ("routes", app.routes.len()),
        ("sources", app.sources.len()),
        ("roles", app.roles.len()),
        ("statements", app.roles.iter().map(|role| role.statements.len()).sum()),
        ("stores", app.stores.len()),
        ("grants", app.grants.len()),
        ("resources", app.resources.len()),
        ("unjudged", app.unjudged.len()),
    ];
    for (name, count) in found {
        *counts.entry(name).or_default() += count;
    }
}

/// A reason without the names in it.
fn shape(reason: &str) -> String {
    reason.split('`').enumerate().map(|(index, part)| if index % 2 == 0 { part } else { "_" }).collect()
}

#[test]
fn every_place_is_where_the_text_stands() {
    let Some(suite) = suite() else { return };
    let mut checked = 0;
    for (name, path) in templates(&suite) {
        let bytes = fs::read(&path).unwrap();
        let Ok(document) = load::load(&Arc::from(&*name), &bytes) else { continue };
        checked += check_places(&document.root, &document.text, &name);
    }
    println!("{checked} plain values stand where their places say");
    assert!(checked > 10_000, "only {checked} values were looked at");
}

fn check_places(node: &Node, text: &str, name: &str) -> usize {
    let mut checked = 0;
    if let Some(place) = node.origin.place {
        let slice = &text[place.start as usize..place.end as usize];
        let line_start = text[..place.start as usize].rfind('\n').map_or(0, |end| end + 1);
        assert_eq!(place.column as usize, text[line_start..place.start as usize].chars().count() + 1, "{name}");
        assert_eq!(place.line as usize, text[..place.start as usize].matches('\n').count() + 1, "{name}");
        if let Kind::Scalar(scalar) = &node.kind
            && scalar.plain
            && !slice.contains('\n')
        {
            assert_eq!(slice, &*scalar.text, "{name}:{}", place.line);
            checked += 1;
        }
    }
    checked
        + match &node.kind {
            Kind::Scalar(_) => 0,
            Kind::List(items) => items.iter().map(|item| check_places(item, text, name)).sum(),
            Kind::Map(map) => map.iter().map(|(_, value)| check_places(value, text, name)).sum(),
        }
}

#[test]
fn yaml_and_json_of_one_template_give_the_same_application() {
    let Some(suite) = suite() else { return };
    let mut compared = 0;
    for (name, path) in templates(&suite) {
        let bytes = fs::read(&path).unwrap();
        let Ok(document) = load::load(&Arc::from(&*name), &bytes) else { continue };
        let Ok(first) = outcome(&name, &path, &bytes) else { continue };
        let json = json(&document.root);
        let second = outcome(&name, &path, json.as_bytes()).unwrap_or_else(|failure| panic!("{name}: {failure}"));
        assert_eq!(facts(&first), facts(&second), "{name}");
        compared += 1;
    }
    println!("{compared} templates read alike in YAML and JSON");
    assert!(compared > 0);
}

fn json(node: &Node) -> String {
    match &node.kind {
        Kind::Scalar(scalar) if scalar.plain && scalar.text.is_empty() => "null".to_owned(),
        Kind::Scalar(scalar) if scalar.plain && is_bare(&scalar.text) => scalar.text.to_string(),
        Kind::Scalar(scalar) if scalar.plain && matches!(&*scalar.text, "True" | "False") => scalar.text.to_lowercase(),
        Kind::Scalar(scalar) => serde_json::to_string(&*scalar.text).unwrap(),
        Kind::List(items) => format!("[{}]", items.iter().map(json).collect::<Vec<_>>().join(",\n\t")),
        Kind::Map(map) => {
            let entry =
                |(key, value): (&str, &Node)| format!("{}:\t{}", serde_json::to_string(key).unwrap(), json(value));
            format!("{{{}}}", map.iter().map(entry).collect::<Vec<_>>().join(",\n"))
        }
    }
}

fn is_bare(text: &str) -> bool {
    matches!(text, "true" | "false" | "null") || serde_json::from_str::<serde_json::Number>(text).is_ok()
}

/// An application without its places, and without what only comments and keys written twice can say.
fn facts(app: &App) -> serde_json::Value {
    let mut app = app.clone();
    app.suppressions.clear();
    app.unjudged.retain(|fact| !fact.reason.contains("stands twice") && !fact.reason.contains("first document"));
    let mut json = serde_json::to_value(&app).unwrap();
    strip(&mut json);
    json
}

fn strip(json: &mut serde_json::Value) {
    match json {
        serde_json::Value::Array(items) => items.iter_mut().for_each(strip),
        serde_json::Value::String(text) if matches!(&**text, "True" | "False") => *text = text.to_lowercase(),
        serde_json::Value::Object(object) => {
            object.retain(|key, _| !key.ends_with("span"));
            object.values_mut().for_each(strip);
        }
        _ => {}
    }
}
