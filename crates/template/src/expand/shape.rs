//! What the serverless kinds may hold: names and types of their properties.
//!
//! The transform refuses a property it does not know, and one of another type unless an intrinsic stands in for it. The
//! tables say no more than that; what a value means is decided where it is used.

mod events;
mod kinds;

pub(super) use events::{event_properties, machine_event_properties};
pub(super) use kinds::{
    API, APPLICATION, CAPACITY_PROVIDER, CONNECTOR, FUNCTION, GRAPHQL_API, HTTP_API, LAYER, SIMPLE_TABLE,
    STATE_MACHINE, WEBSOCKET_API,
};

use crate::node::{Key, Kind, Map, Meaning, Node};

use super::fault::{Fault, Outcome};
use super::tree;

/// The type a property must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Any,
    Text,
    Map,
    Flag,
    Int,
    List,
    TextOrMap,
    TextOrTexts,
    FlagOrMap,
    MapOfMaps,
    MapOfTexts,
    MapOfIntsOrMaps,
    /// A list whose items are texts or maps.
    Items,
    /// Text, or a list whose items are texts or maps.
    TextOrItems,
    /// Text, a map, or a list whose items are texts or maps.
    Policies,
    /// A map, not complained about as one.
    Entries,
    EntriesOrList,
    Texts,
    /// The text `Delete` or `Retain`.
    DeleteOrRetain,
}

/// A property that a kind knows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Property {
    name: &'static str,
    shape: Shape,
    required: bool,
    /// Whether a map of one entry is taken for an intrinsic, whatever type was wanted.
    intrinsics: bool,
}

const fn any(name: &'static str) -> Property {
    Property { name, shape: Shape::Any, required: false, intrinsics: false }
}

const fn opt(name: &'static str, shape: Shape) -> Property {
    Property { name, shape, required: false, intrinsics: true }
}

const fn strict(name: &'static str, shape: Shape) -> Property {
    Property { name, shape, required: false, intrinsics: false }
}

const fn required(property: Property) -> Property {
    Property { required: true, ..property }
}

/// The properties among these that are known.
pub(super) fn known(properties: &Map, known: &[Property]) -> Map {
    let mut kept = Map::default();
    for (name, origin, value) in properties.entries() {
        if known.iter().any(|property| property.name == &**name) {
            kept.insert_key(Key { text: name.clone(), origin: origin.clone() }, value.clone());
        }
    }
    kept
}

/// Refuses properties that `known` does not hold, then missing ones and ones of another type.
pub(super) fn check(id: &str, kind: &str, properties: &Map, known: &[Property]) -> Outcome<()> {
    for (name, origin, _) in properties.entries() {
        if !known.iter().any(|property| property.name == &**name) {
            let message = format!("property {name} not defined for resource of type {kind}");
            return Err(Fault::resource(id, message).at(origin));
        }
    }
    for property in known {
        match tree::given(properties, property.name) {
            Some(value) if property.accepts(value) => {}
            Some(value) => return Err(Fault::resource(id, property.complaint()).at(&value.origin)),
            None if property.required => {
                return Err(Fault::resource(id, format!("Missing required property '{}'.", property.name)));
            }
            None => {}
        }
    }
    Ok(())
}

impl Property {
    fn accepts(&self, value: &Node) -> bool {
        let stands_in = self.intrinsics && value.as_map().is_some_and(|map| map.len() == 1);
        stands_in || self.shape.accepts(value)
    }

    fn complaint(&self) -> String {
        let name = self.name;
        match self.shape {
            Shape::Text => format!("Property '{name}' should be a string."),
            Shape::Map => format!("Property '{name}' should be a map."),
            Shape::DeleteOrRetain => format!("Property '{name}' should be a one of the strings: 'Delete' or 'Retain'."),
            _ => format!("Type of property '{name}' is invalid."),
        }
    }
}

impl Shape {
    fn accepts(self, value: &Node) -> bool {
        let is_map = |node: &Node| node.as_map().is_some();
        let is_text = |node: &Node| tree::text_of(node).is_some();
        let is_flag = |node: &Node| tree::flag_of(node).is_some();
        let is_int = |node: &Node| matches!(node.meaning(), Some(Meaning::Int(_) | Meaning::Bool(_)));
        let text_or_map = |node: &Node| is_text(node) || is_map(node);
        let items = |test: &dyn Fn(&Node) -> bool| value.as_list().is_some_and(|list| list.iter().all(test));
        let values = |test: &dyn Fn(&Node) -> bool| match &value.kind {
            Kind::Map(map) => map.iter().all(|(_, node)| test(node)),
            _ => false,
        };
        match self {
            Self::Any => true,
            Self::Text => is_text(value),
            Self::Map | Self::Entries => is_map(value),
            Self::EntriesOrList => is_map(value) || items(&is_map),
            Self::Texts => items(&is_text),
            Self::Flag => is_flag(value),
            Self::Int => is_int(value),
            Self::List => value.as_list().is_some(),
            Self::TextOrMap => text_or_map(value),
            Self::TextOrTexts => is_text(value) || items(&is_text),
            Self::FlagOrMap => is_flag(value) || is_map(value),
            Self::MapOfMaps => values(&is_map),
            Self::MapOfTexts => values(&is_text),
            Self::MapOfIntsOrMaps => values(&|node| is_int(node) || is_map(node)),
            Self::Items => items(&text_or_map),
            Self::TextOrItems => is_text(value) || items(&text_or_map),
            Self::Policies => text_or_map(value) || items(&text_or_map),
            Self::DeleteOrRetain => matches!(tree::text_of(value), Some("Delete" | "Retain")),
        }
    }
}
