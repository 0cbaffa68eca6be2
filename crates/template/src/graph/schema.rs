//! Request models as JSON text that needs nothing beside it.

use std::sync::Arc;

use serde_json::{Map as Object, Value as Json, json};

use super::Graph;
use crate::{Kind, Meaning, Node};

impl Graph<'_> {
    /// A schema as JSON text. What it refers to within `root` travels along at the same place, so that references hold.
    pub(super) fn schema_text(&self, schema: &Node, root: &Node) -> Arc<str> {
        let mut json = self.json(schema);
        let mut open = references(&json);
        let mut carried: Vec<String> = Vec::new();
        while let Some(reference) = open.pop() {
            let keys: Vec<&str> = reference.trim_start_matches("#/").split('/').collect();
            if carried.contains(&reference) {
                continue;
            }
            if let Some(node) = root.at(&keys) {
                let content = self.json(node);
                open.extend(references(&content));
                put(&mut json, &keys, content);
            }
            carried.push(reference);
        }
        json.to_string().into()
    }

    /// A node as JSON, references to parameters filled where they are settled.
    pub(super) fn json(&self, node: &Node) -> Json {
        if node.as_intrinsic().is_some() {
            let fact = self.resolve.text(node);
            return match fact.value.settled().first() {
                Some(text) => json!(text),
                None => json!({}),
            };
        }
        match &node.kind {
            Kind::List(items) => items.iter().map(|item| self.json(item)).collect(),
            Kind::Map(map) => Json::Object(
                map.iter().map(|(key, value)| (key.to_owned(), self.json(value))).collect::<Object<_, _>>(),
            ),
            Kind::Scalar(scalar) => match scalar.meaning() {
                Meaning::Null => Json::Null,
                Meaning::Bool(truth) => json!(truth),
                Meaning::Int(number) => json!(number),
                Meaning::Float(number) => json!(number),
                Meaning::Text(text) => json!(text),
            },
        }
    }
}

/// Local references anywhere inside.
fn references(json: &Json) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![json];
    while let Some(json) = open.pop() {
        match json {
            Json::Array(items) => open.extend(items),
            Json::Object(object) => {
                if let Some(Json::String(reference)) = object.get("$ref")
                    && reference.starts_with("#/")
                {
                    found.push(reference.clone());
                }
                open.extend(object.values());
            }
            _ => {}
        }
    }
    found
}

/// Puts `content` at a path of keys, unless something stands there.
fn put(json: &mut Json, keys: &[&str], content: Json) {
    let Some((last, path)) = keys.split_last() else { return };
    let mut at = json;
    for key in path {
        let Json::Object(object) = at else { return };
        at = object.entry(*key).or_insert_with(|| json!({}));
    }
    if let Json::Object(object) = at {
        object.entry(*last).or_insert(content);
    }
}
