//! Changes of made-up and of real templates: the edited text says what was asked and nothing else, and what was not
//! touched is there byte by byte.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::struct_excessive_bools,
    reason = "a wrong border fails the test; the runner reads files and prints counts"
)]

use std::{path::Path, sync::Arc};

use brigandine_model::{Change, Edit, Literal, LogicalId, Span};
use brigandine_template::{
    Kind, Meaning, Node,
    fix::{Unwritable, apply, edits},
    load::{Note, load},
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Numbers that follow from a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound.max(1)
    }

    fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[self.below(from.len())]
    }
}

const WORDS: [&str; 32] = [
    "plain",
    "two words",
    "*",
    "yes",
    "No",
    "null",
    "~",
    "",
    "12",
    "012345678901",
    "2012-10-17",
    "1.5",
    "a: b",
    "a #b",
    "it's",
    "say \"so\"",
    "back\\slash",
    "[x",
    "{y}",
    "a, b",
    "- z",
    "arn:aws:s3:::b/*",
    "${A.Arn}",
    "ü→日本",
    "line\nline\n",
    "tab\tx",
    "!Ref",
    "&a",
    "#",
    ":",
    "end:",
    " blank ",
];

const KEYS: [&str; 12] =
    ["Name", "Effect", "List", "on", "200", "/orders/{id}", "Ünï", "a b", "x:y", "*", "Deep", "It's"];

fn scalar(dice: &mut Dice) -> Value {
    match dice.below(6) {
        0 => json!(dice.one_in(2)),
        1 => json!(dice.below(5_000)),
        _ => json!(dice.pick(&WORDS)),
    }
}

fn intrinsic(dice: &mut Dice) -> Value {
    match dice.below(4) {
        0 => json!({"Ref": "Other"}),
        1 => json!({"Fn::GetAtt": ["Other", "Arn"]}),
        2 => json!({"Fn::Sub": "${Other}: x"}),
        _ => json!({"Fn::Join": ["", ["a", {"Ref": "Other"}]]}),
    }
}

fn tree(dice: &mut Dice, depth: usize) -> Value {
    match dice.below(if depth > 3 { 3 } else { 8 }) {
        0 | 1 => scalar(dice),
        2 => intrinsic(dice),
        3 | 4 => (0..dice.below(4)).map(|_| tree(dice, depth + 1)).collect(),
        _ => map(dice, depth),
    }
}

fn map(dice: &mut Dice, depth: usize) -> Value {
    let count = dice.below(5);
    (0..count).map(|_| ((*dice.pick(&KEYS)).to_owned(), tree(dice, depth + 1))).collect::<Map<_, _>>().into()
}

/// How a template is written down.
struct Style {
    json: bool,
    tight: bool,
    newline: &'static str,
    step: usize,
    dash: usize,
    short: bool,
    chatty: bool,
}

impl Style {
    fn new(dice: &mut Dice) -> Self {
        let step = 1 + dice.below(4);
        Self {
            json: dice.one_in(4),
            tight: dice.one_in(2),
            newline: if dice.one_in(3) { "\r\n" } else { "\n" },
            step,
            dash: if dice.one_in(2) { 0 } else { step },
            short: !dice.one_in(4),
            chatty: dice.one_in(2),
        }
    }

    fn write(&self, value: &Value, dice: &mut Dice) -> String {
        match (self.json, self.tight) {
            (true, true) => value.to_string(),
            (true, false) => serde_json::to_string_pretty(value).unwrap().replace('\n', self.newline),
            (false, _) => self.block(value, 0, dice).trim_start_matches(['\r', '\n']).to_owned() + self.newline,
        }
    }

    /// What follows a colon or a dash.
    fn block(&self, value: &Value, indent: usize, dice: &mut Dice) -> String {
        let note = if self.chatty && dice.one_in(4) { " # note: 'x" } else { "" };
        match value {
            Value::Array(items) if !items.is_empty() && !dice.one_in(5) => {
                let items = items.iter().map(|item| {
                    let indent = indent + self.dash;
                    let line = format!("{}{}{:indent$}-", self.pause(indent, dice), self.newline, "");
                    line + &self.within_item(item, indent + 2, dice)
                });
                note.to_owned() + &items.collect::<String>()
            }
            Value::Object(entries) if !(entries.is_empty() || dice.one_in(6) || self.short && is_intrinsic(value)) => {
                let entries = entries.iter().map(|(key, value)| {
                    let line =
                        format!("{}{}{:indent$}{}:", self.pause(indent, dice), self.newline, "", word(key, dice));
                    line + &self.block(value, self.deeper(value, indent), dice)
                });
                note.to_owned() + &entries.collect::<String>()
            }
            value => format!(" {}{note}", self.flow(value, dice)),
        }
    }

    fn deeper(&self, value: &Value, indent: usize) -> usize {
        if value.is_array() { indent } else { indent + self.step }
    }

    fn within_item(&self, item: &Value, indent: usize, dice: &mut Dice) -> String {
        let compact = item.as_object().is_some_and(|map| !map.is_empty()) && !(self.short && is_intrinsic(item));
        if !compact {
            return if item.is_array() {
                format!(" {}", self.flow(item, dice))
            } else {
                self.block(item, indent, dice)
            };
        }
        let lines =
            item.as_object().unwrap().iter().map(|(key, value)| {
                format!("{}:{}", word(key, dice), self.block(value, self.deeper(value, indent), dice))
            });
        let lines: Vec<String> = lines.collect();
        format!(" {}", lines.join(&format!("{}{:indent$}", self.newline, "")))
    }

    fn pause(&self, indent: usize, dice: &mut Dice) -> String {
        match dice.below(12) {
            0 if self.chatty => format!("{}{:indent$}# about: {{", self.newline, ""),
            1 => self.newline.to_owned(),
            _ => String::new(),
        }
    }

    fn flow(&self, value: &Value, dice: &mut Dice) -> String {
        match value {
            Value::String(text) => word(text, dice),
            Value::Array(items) => {
                format!("[{}]", items.iter().map(|item| self.flow(item, dice)).collect::<Vec<_>>().join(", "))
            }
            Value::Object(map) if self.short && is_intrinsic(value) => {
                let (name, argument) = map.iter().next().unwrap();
                let name = name.trim_start_matches("Fn::");
                match (name, argument) {
                    ("GetAtt", Value::Array(items)) => {
                        format!("!GetAtt {}.{}", items[0].as_str().unwrap(), items[1].as_str().unwrap())
                    }
                    _ => format!("!{name} {}", self.flow(argument, dice)),
                }
            }
            Value::Object(map) => {
                let entry =
                    |(key, value): (&String, &Value)| format!("{}: {}", word(key, dice), self.flow(value, dice));
                format!("{{{}}}", map.iter().map(entry).collect::<Vec<_>>().join(", "))
            }
            other => other.to_string(),
        }
    }
}

fn is_intrinsic(value: &Value) -> bool {
    let name = value.as_object().filter(|map| map.len() == 1).and_then(|map| map.keys().next());
    name.is_some_and(|name| name == "Ref" || name.starts_with("Fn::"))
}

fn word(text: &str, dice: &mut Dice) -> String {
    let simple = text.chars().all(|c| c.is_ascii_alphabetic()) && text.len() > 3 && text != "null";
    match dice.below(3) {
        0 if simple => text.to_owned(),
        1 if !text.contains(['\n', '\t']) => format!("'{}'", text.replace('\'', "''")),
        _ => json!(text).to_string(),
    }
}

/// What a tree says.
fn value(node: &Node) -> Value {
    match &node.kind {
        Kind::List(items) => items.iter().map(value).collect(),
        Kind::Map(map) => map.iter().map(|(key, node)| (key.to_owned(), value(node))).collect::<Map<_, _>>().into(),
        Kind::Scalar(_) => match node.meaning().unwrap() {
            Meaning::Null => Value::Null,
            Meaning::Bool(flag) => json!(flag),
            Meaning::Int(number) => json!(number),
            Meaning::Float(number) => json!(number),
            Meaning::Text(text) => json!(text),
        },
    }
}

fn literal(value: &Value) -> Literal {
    match value {
        Value::Bool(flag) => Literal::Flag(*flag),
        Value::Number(number) => Literal::Number(number.as_i64().unwrap()),
        Value::String(text) => Literal::text(text),
        Value::Array(items) => Literal::List(items.iter().map(literal).collect()),
        Value::Object(map) => {
            Literal::Map(map.iter().map(|(key, value)| (key.as_str().into(), literal(value))).collect())
        }
        Value::Null => Literal::Map(Vec::new()),
    }
}

/// Paths to everything below that no intrinsic stands above, with their nodes.
fn paths<'n>(node: &'n Node, path: &[String], found: &mut Vec<(Vec<String>, &'n Node)>) {
    found.push((path.to_vec(), node));
    let below = |step: &str| path.iter().cloned().chain([step.to_owned()]).collect::<Vec<_>>();
    if node.as_intrinsic().is_some_and(|(name, _)| name != "Condition") {
        return;
    }
    match &node.kind {
        Kind::Scalar(_) => {}
        Kind::List(items) => {
            items.iter().enumerate().for_each(|(index, item)| paths(item, &below(&index.to_string()), found));
        }
        Kind::Map(map) => map.iter().for_each(|(key, child)| paths(child, &below(key), found)),
    }
}

fn at<'v>(root: &'v mut Value, path: &[String]) -> &'v mut Value {
    path.iter().fold(root, |value, step| match value {
        Value::Array(items) => &mut items[step.parse::<usize>().unwrap()],
        other => &mut other[step.as_str()],
    })
}

/// A change and what it makes of the tree.
fn change(root: &Node, file: &Arc<str>, dice: &mut Dice) -> Option<(Change, Value)> {
    let mut found = Vec::new();
    paths(root, &[], &mut found);
    found.retain(|(path, _)| path.len() > 2 && path[0] == "Resources");
    if found.is_empty() {
        return None;
    }
    let (path, node) = dice.pick(&found).clone();
    let resource = LogicalId::new(path[1].as_str());
    let keys = |path: &[String]| path[2..].iter().map(|key| key.as_str().into()).collect::<Vec<Arc<str>>>();
    let mut wanted = value(root);
    let new = tree(dice, 2);
    let new = if new.is_null() { json!(1) } else { new };
    let span = node.origin.span(file)?;
    let here = at(&mut wanted, &path);
    let change = match (dice.below(6), &mut *here) {
        (0, Value::Object(map)) if !map.contains_key("Fresh") && !is_intrinsic(&Value::Object(map.clone())) => {
            map.insert("Fresh".to_owned(), json!({ "Made": new }));
            let path = path.iter().cloned().chain(["Fresh".to_owned(), "Made".to_owned()]).collect::<Vec<_>>();
            Change::Set { resource, path: keys(&path), value: literal(&new) }
        }
        (0 | 1, Value::Array(items)) => {
            items.push(new.clone());
            Change::Append { resource, path: keys(&path), value: literal(&new) }
        }
        (0..=2, _) => {
            *here = new.clone();
            Change::Set { resource, path: keys(&path), value: literal(&new) }
        }
        (3, _) => {
            *here = new.clone();
            Change::Replace { span, value: literal(&new) }
        }
        (4, _) | (_, Value::Null) => {
            take(&mut wanted, &path);
            Change::Remove { resource, path: keys(&path) }
        }
        _ => {
            take(&mut wanted, &path);
            Change::RemoveAt { span }
        }
    };
    Some((change, wanted))
}

fn take(root: &mut Value, path: &[String]) {
    let (last, above) = path.split_last().unwrap();
    match at(root, above) {
        Value::Array(items) => drop(items.remove(last.parse().unwrap())),
        Value::Object(map) => drop(map.remove(last)),
        _ => {}
    }
}

/// The text after the change, held against what it should say.
fn check(text: &str, change: &Change, wanted: &Value) -> Result<String, Unwritable> {
    let edits: Vec<Edit> = edits("t.yaml", text.as_bytes(), std::slice::from_ref(change))?;
    let after = apply(text, &edits);
    let document =
        load(&"t.yaml".into(), after.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{change:?}\n{after}"));
    assert_eq!(&value(&document.root), wanted, "{change:?}\n{text}\n---\n{after}");
    let (mut at, mut moved) = (0, 0);
    for Edit { span: Span { start, end, .. }, replacement } in &edits {
        assert_eq!(text[at..*start], after[moved..moved + start - at]);
        moved += start - at + replacement.len();
        at = *end;
    }
    assert_eq!(text[at..], after[moved..]);
    let endings = |text: &str| (text.contains("\r\n"), text.replace("\r\n", "").contains('\n'));
    assert!(text.lines().count() < 2 || endings(&after) == endings(text), "{change:?}\n{after:?}");
    Ok(after)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_change_of_a_made_up_template_does_what_it_says(seed: u64) {
        let mut dice = Dice(seed);
        let style = Style::new(&mut dice);
        let mut properties = map(&mut dice, 0);
        properties["Always"] = json!("there");
        let tree = json!({"Resources": {"A": {"Type": "X", "Properties": properties}, "Other": {"Type": "Y"}}});
        let mut text = style.write(&tree, &mut dice);
        for _ in 0..3 {
            let document = load(&"t.yaml".into(), text.as_bytes()).unwrap();
            let Some((change, wanted)) = change(&document.root, &"t.yaml".into(), &mut dice) else { break };
            text = check(&text, &change, &wanted).unwrap_or_else(|error| panic!("{error}: {change:?}\n{text}"));
        }
    }
}

#[test]
fn changes_of_real_templates_do_what_they_say_or_are_refused() {
    let root = std::env::var_os("BRIGANDINE_SUITE_TEMPLATES")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/suites/templates"), Into::into);
    if !root.is_dir() {
        println!("skipped: there is no `{}`", root.display());
        return;
    }
    let (mut written, mut refused) = (0, 0);
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "yaml" || end == "yml" || end == "json") {
                let Ok(text) = std::fs::read_to_string(&path) else { continue };
                let Ok(document) = load(&"t.yaml".into(), text.as_bytes()) else { continue };
                let twice = document.notes.iter().any(|note| matches!(note, Note::DuplicateKey { .. }));
                let mut dice = Dice(text.len() as u64);
                for _ in 0..6 {
                    let Some((change, wanted)) = change(&document.root, &"t.yaml".into(), &mut dice) else { break };
                    match check(&text, &change, &wanted) {
                        Ok(_) => written += 1,
                        Err(_) if twice => refused += 1,
                        Err(error) => {
                            println!("{}: {error}: {change:?}", path.display());
                            refused += 1;
                        }
                    }
                }
            }
        }
    }
    println!("{written} passed, 0 failed, {refused} refused");
    assert!(refused * 50 <= written, "more than one change in fifty cannot be written");
}
