//! Reading and comparing trees the way the transform does: what counts as empty, as an intrinsic, as the same.

use std::fmt::Write as _;

use brigandine_model::Via;
use sha1::{Digest, Sha1};

use crate::node::{Key, Kind, Map, Meaning, Node, Origin};

/// Whether a value counts as given: not null, false, zero, or empty.
pub(super) fn truthy(node: &Node) -> bool {
    match &node.kind {
        Kind::List(items) => !items.is_empty(),
        Kind::Map(map) => !map.is_empty(),
        Kind::Scalar(scalar) => match scalar.meaning() {
            Meaning::Null | Meaning::Bool(false) | Meaning::Int(0) => false,
            Meaning::Float(number) => number != 0.0,
            Meaning::Text(text) => !text.is_empty(),
            Meaning::Bool(true) | Meaning::Int(_) => true,
        },
    }
}

/// Whether it is written but means nothing.
pub(super) fn is_null(node: &Node) -> bool {
    matches!(node.meaning(), Some(Meaning::Null))
}

/// The text of a scalar that means text.
pub(super) fn text_of(node: &Node) -> Option<&str> {
    match node.meaning() {
        Some(Meaning::Text(text)) => Some(text),
        _ => None,
    }
}

/// The truth of a scalar that means a boolean.
pub(super) fn flag_of(node: &Node) -> Option<bool> {
    match node.meaning() {
        Some(Meaning::Bool(flag)) => Some(flag),
        _ => None,
    }
}

/// Whether it is `{Ref: AWS::NoValue}`.
pub(super) fn is_no_value(node: &Node) -> bool {
    node.as_reference() == Some("AWS::NoValue")
}

/// Whether it is a map of one entry named like an intrinsic.
pub(super) fn is_intrinsic(node: &Node) -> bool {
    node.as_intrinsic().is_some()
}

/// The arguments of an `Fn::If`.
pub(super) fn as_if(node: &Node) -> Option<&Node> {
    match node.as_intrinsic() {
        Some(("Fn::If", argument)) => Some(argument),
        _ => None,
    }
}

/// Condition and both arms of a well-formed `Fn::If`.
pub(super) fn arms(node: &Node) -> Option<(&Node, &Node, &Node)> {
    match as_if(node)?.as_list()? {
        [condition, then, otherwise] => Some((condition, then, otherwise)),
        _ => None,
    }
}

/// The resource a plain reference or attribute points at.
pub(super) fn logical_id_of(node: &Node) -> Option<&str> {
    match node.as_intrinsic()? {
        ("Ref", argument) => text_of(argument),
        ("Fn::GetAtt", argument) => match (argument.as_list(), text_of(argument)) {
            (Some([id, _]), _) => text_of(id),
            (None, Some(text)) => text.split_once('.').filter(|(_, rest)| !rest.contains('.')).map(|(id, _)| id),
            _ => None,
        },
        _ => None,
    }
}

/// Equal but for where they were written.
pub(super) fn same(left: &Node, right: &Node) -> bool {
    canonical(left) == canonical(right)
}

/// The value under `key` unless it is absent or null.
pub(super) fn given<'n>(map: &'n Map, key: &str) -> Option<&'n Node> {
    map.get(key).filter(|node| !is_null(node))
}

/// The value under `key` when it counts as given.
pub(super) fn filled<'n>(map: &'n Map, key: &str) -> Option<&'n Node> {
    map.get(key).filter(|node| truthy(node))
}

/// The value under `key` of a map node when it counts as given.
pub(super) fn filled_in<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    filled(node.as_map()?, key)
}

/// The value under `key`, made an empty map first when it is absent or null.
pub(super) fn subtree<'n>(map: &'n mut Map, key: &str, origin: &Origin) -> Option<&'n mut Node> {
    if given(map, key).is_none() {
        map.insert(key, Node::map(Map::default(), origin));
    }
    map.get_mut(key)
}

/// Marks a whole tree as come about in another way, places kept.
pub(super) fn retag(node: &Node, via: &Via) -> Node {
    let origin = node.origin.with_via(via.clone());
    let kind = match &node.kind {
        Kind::Scalar(scalar) => Kind::Scalar(scalar.clone()),
        Kind::List(items) => Kind::List(items.iter().map(|item| retag(item, via)).collect()),
        Kind::Map(map) => Kind::Map(retag_map(map, via)),
    };
    Node { kind, origin }
}

/// [`retag`] for every entry of a map, keys too.
pub(super) fn retag_map(map: &Map, via: &Via) -> Map {
    let mut tagged = Map::default();
    for (key, origin, node) in map.entries() {
        tagged.insert_key(Key { text: key.clone(), origin: origin.with_via(via.clone()) }, retag(node, via));
    }
    tagged
}

/// The entries of `over` laid over those of `under`, keys keeping their places.
pub(super) fn overlay(under: &mut Map, over: &Map) {
    for (key, origin, node) in over.entries() {
        under.insert_key(Key { text: key.clone(), origin: origin.clone() }, node.clone());
    }
}

/// Compact JSON with sorted keys and only ASCII: the form that logical ids are derived from.
pub(super) fn canonical(node: &Node) -> String {
    let mut text = String::new();
    write_json(node, None, &mut text);
    text
}

/// JSON with sorted keys, four spaces of indentation, as lines.
pub(super) fn indented_lines(node: &Node) -> Vec<String> {
    let mut text = String::new();
    write_json(node, Some(0), &mut text);
    text.split('\n').map(str::to_owned).collect()
}

fn break_line(depth: Option<usize>, text: &mut String) {
    if let Some(depth) = depth {
        text.push('\n');
        text.extend(std::iter::repeat_n("    ", depth));
    }
}

fn write_json(node: &Node, depth: Option<usize>, text: &mut String) {
    let inner = depth.map(|depth| depth + 1);
    match &node.kind {
        Kind::Scalar(_) => write_scalar(node, text),
        Kind::List(items) if items.is_empty() => text.push_str("[]"),
        Kind::List(items) => {
            text.push('[');
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    text.push(',');
                }
                break_line(inner, text);
                write_json(item, inner, text);
            }
            break_line(depth, text);
            text.push(']');
        }
        Kind::Map(map) if map.is_empty() => text.push_str("{}"),
        Kind::Map(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            text.push('{');
            for (position, (key, value)) in entries.into_iter().enumerate() {
                if position > 0 {
                    text.push(',');
                }
                break_line(inner, text);
                write_text(key, text);
                text.push_str(if depth.is_some() { ": " } else { ":" });
                write_json(value, inner, text);
            }
            break_line(depth, text);
            text.push('}');
        }
    }
}

fn write_scalar(node: &Node, text: &mut String) {
    match node.meaning() {
        Some(Meaning::Null) | None => text.push_str("null"),
        Some(Meaning::Bool(flag)) => text.push_str(if flag { "true" } else { "false" }),
        Some(Meaning::Int(number)) => text.push_str(&number.to_string()),
        Some(Meaning::Float(number)) => {
            // Writing to a string cannot fail.
            let _infallible = write!(text, "{number:?}");
        }
        Some(Meaning::Text(value)) => write_text(value, text),
    }
}

fn write_text(value: &str, text: &mut String) {
    text.push('"');
    for unit in value.encode_utf16() {
        match char::from_u32(u32::from(unit)) {
            Some('"') => text.push_str("\\\""),
            Some('\\') => text.push_str("\\\\"),
            Some('\n') => text.push_str("\\n"),
            Some('\r') => text.push_str("\\r"),
            Some('\t') => text.push_str("\\t"),
            Some('\u{8}') => text.push_str("\\b"),
            Some('\u{c}') => text.push_str("\\f"),
            Some(printable @ ' '..='~') => text.push(printable),
            _ => {
                // Writing to a string cannot fail.
                let _infallible = write!(text, "\\u{unit:04x}");
            }
        }
    }
    text.push('"');
}

/// A value as the transform's own messages show it.
pub(super) fn shown(node: &Node) -> String {
    match &node.kind {
        Kind::Scalar(_) => match node.meaning() {
            Some(Meaning::Text(text)) => text.to_owned(),
            Some(Meaning::Bool(true)) => "True".to_owned(),
            Some(Meaning::Bool(false)) => "False".to_owned(),
            Some(Meaning::Null) | None => "None".to_owned(),
            Some(Meaning::Int(number)) => number.to_string(),
            Some(Meaning::Float(number)) => format!("{number:?}"),
        },
        Kind::List(items) => format!("[{}]", items.iter().map(quoted).collect::<Vec<_>>().join(", ")),
        Kind::Map(map) => {
            let entries: Vec<_> = map.iter().map(|(key, value)| format!("'{key}': {}", quoted(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

fn quoted(node: &Node) -> String {
    match text_of(node) {
        Some(text) => format!("'{text}'"),
        None => shown(node),
    }
}

/// The whole SHA-1 of a text, in hex. Names resources only; nothing relies on its strength.
pub(super) fn digest(text: &str) -> String {
    Sha1::digest(text.as_bytes()).iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _infallible = write!(hex, "{byte:02x}");
        hex
    })
}

/// The ten digits that a generated logical id ends in, for a text; nothing for no text.
pub(super) fn suffix_of_text(text: &str) -> String {
    if text.is_empty() { String::new() } else { digest(text).chars().take(10).collect() }
}

/// The ten digits that a generated logical id ends in, for any value; nothing for an empty one.
pub(super) fn suffix(node: &Node) -> String {
    match text_of(node) {
        Some(text) => suffix_of_text(text),
        None if truthy(node) => suffix_of_text(&canonical(node)),
        None => String::new(),
    }
}
