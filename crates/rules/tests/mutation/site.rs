//! Where a mutation can be put into a template.

use std::sync::Arc;

use brigandine_model::{Change, Literal, LogicalId};
use brigandine_template::Node;
use serde_json::Value;

use crate::bench::Template;

/// One fault that can be put into templates.
pub(crate) struct Mutation {
    pub(crate) name: &'static str,
    /// Any of these must be found at the place.
    pub(crate) codes: &'static [&'static str],
    /// What follows from the fault and is told by rules of its own.
    pub(crate) also: &'static [&'static str],
    /// Where it can be put.
    pub(crate) sites: Sites,
}

/// Looks for the places in a template.
pub(crate) type Sites = Box<dyn Fn(&Template) -> Vec<Site>>;

/// One place for a mutation.
pub(crate) struct Site {
    /// The resource, for people.
    pub(crate) what: String,
    pub(crate) changes: Vec<Change>,
    pub(crate) place: Place,
}

/// Where the finding must be.
pub(crate) enum Place {
    /// In the text that was put in.
    Text,
    /// On this resource: what was taken away has no place of its own.
    Resource(String),
}

/// The resources of a type as they are written, with properties that can be changed.
pub(crate) fn of_type<'t>(template: &'t Template, kind: &str) -> Vec<(&'t str, &'t Node)> {
    let resources = template.document.root.get("Resources").and_then(Node::as_map);
    let of_type = |(_, node): &(&str, &Node)| {
        let own = node.get("Type").and_then(Node::as_text) == Some(kind);
        own && node
            .get("Properties")
            .is_some_and(|properties| properties.as_map().is_some() && properties.as_intrinsic().is_none())
    };
    resources.into_iter().flat_map(|map| map.iter().filter(of_type).collect::<Vec<_>>()).collect()
}

/// Whether nothing on the way is an intrinsic, so that a key below it is what it looks like.
pub(crate) fn is_plain(node: &Node, path: &[&str]) -> bool {
    let mut at = Some(node);
    for key in path {
        match at {
            Some(node) if node.as_intrinsic().is_some() || node.get("Fn::Transform").is_some() => return false,
            Some(node) => at = node.get(key),
            None => return true,
        }
    }
    at.is_none_or(|node| node.as_intrinsic().is_none())
}

fn keys(path: &[&str]) -> Vec<Arc<str>> {
    path.iter().map(|&key| key.into()).collect()
}

/// Sets a property.
pub(crate) fn set(id: &str, path: &[&str], value: &Value) -> Site {
    let change = Change::Set { resource: LogicalId::new(id), path: keys(path), value: literal(value) };
    Site { what: id.to_owned(), changes: vec![change], place: Place::Text }
}

/// Appends to a property that is a list.
pub(crate) fn append(id: &str, path: &[&str], value: &Value) -> Site {
    let change = Change::Append { resource: LogicalId::new(id), path: keys(path), value: literal(value) };
    Site { what: id.to_owned(), changes: vec![change], place: Place::Text }
}

/// Takes a property away.
pub(crate) fn remove(id: &str, path: &[&str]) -> Site {
    let change = Change::Remove { resource: LogicalId::new(id), path: keys(path) };
    Site { what: id.to_owned(), changes: vec![change], place: Place::Resource(id.to_owned()) }
}

/// Adds an entry to a section, once per template.
pub(crate) fn declare(section: &str, name: &str, value: &Value) -> Vec<Site> {
    let change = Change::Declare { path: keys(&[section]), name: name.into(), value: literal(value) };
    vec![Site { what: name.to_owned(), changes: vec![change], place: Place::Text }]
}

/// A value to be written.
pub(crate) fn literal(value: &Value) -> Literal {
    match value {
        Value::Null => Literal::text(""),
        Value::Bool(flag) => Literal::Flag(*flag),
        Value::Number(number) => Literal::Number(number.as_i64().unwrap()),
        Value::String(text) => Literal::text(text.clone()),
        Value::Array(items) => Literal::List(items.iter().map(literal).collect()),
        Value::Object(entries) => {
            Literal::Map(entries.iter().map(|(key, value)| (key.as_str().into(), literal(value))).collect())
        }
    }
}
