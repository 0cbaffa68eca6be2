//! One form for intrinsics: a map with the long name, whatever was written.

use super::build::part;
use crate::{Kind, Map, Node, Origin, Place};

/// `!GetAtt X.Arn` as `{Fn::GetAtt: [X, Arn]}`; `place` is that of tag and value together.
pub(super) fn long_form(name: &str, argument: Node, place: Place) -> Node {
    let long = match name {
        "Ref" | "Condition" => name.to_owned(),
        other if other.starts_with("Fn::") => other.to_owned(),
        other => format!("Fn::{other}"),
    };
    let mut map = Map::default();
    map.insert(long, argument);
    let mut node = Node { kind: Kind::Map(map), origin: Origin::written(place) };
    normalise(&mut node);
    node
}

/// Gives `Fn::GetAtt` its two-item list: the attribute keeps its dots, `X.Outputs.Url` is `[X, Outputs.Url]`.
pub(crate) fn normalise(node: &mut Node) {
    let Some(map) = node.as_map_mut().filter(|map| map.len() == 1) else { return };
    let Some(argument) = map.get_mut("Fn::GetAtt") else { return };
    let origin = argument.origin.clone();
    let items = match &argument.kind {
        Kind::Scalar(scalar) => split(&scalar.text, &origin),
        Kind::List(items) if items.len() > 2 => join_tail(items),
        _ => None,
    };
    if let Some(items) = items {
        argument.kind = Kind::List(items);
    }
}

fn split(text: &str, origin: &Origin) -> Option<Vec<Node>> {
    let (resource, attribute) = text.split_once('.')?;
    let piece = |start: usize, words: &str| {
        let place = origin.place.map(|whole| part(whole, text, start..start + words.len()));
        Node::text(words, &Origin { place, ..origin.clone() })
    };
    Some(vec![piece(0, resource), piece(resource.len() + 1, attribute)])
}

fn join_tail(items: &[Node]) -> Option<Vec<Node>> {
    let (resource, tail) = items.split_first()?;
    let words: Option<Vec<&str>> = tail.iter().map(Node::as_text).collect();
    let attribute = Node::text(words?.join("."), &tail.first()?.origin);
    Some(vec![resource.clone(), attribute])
}
