//! Properties of resources as they are, resolved: what rules ask beyond the nouns of the graph.

use std::{collections::BTreeMap, sync::Arc};

use brigandine_model::{Entry, Fact, Output, Property, PropertyKind};

use super::{Graph, is_null};
use crate::{Kind, Node, Origin, resolve::When};

/// Settings of a resource beside its properties that rules ask about.
const KEEPING: [&str; 2] = ["DeletionPolicy", "UpdateReplacePolicy"];

impl Graph<'_> {
    /// What stands at a node; nothing where nothing is set in any case.
    pub(super) fn property(&self, node: &Node) -> Option<Property> {
        let kind = match &node.kind {
            _ if node.as_intrinsic().is_some() => return self.computed(node),
            Kind::Scalar(_) if is_null(node) => return None,
            Kind::Scalar(scalar) => PropertyKind::Text(brigandine_model::Value::Known(scalar.text.to_string())),
            Kind::List(items) => PropertyKind::List(items.iter().filter_map(|item| self.property(item)).collect()),
            Kind::Map(map) => PropertyKind::Map(
                map.entries().filter_map(|(name, origin, node)| self.entry(name, origin, node)).collect(),
            ),
        };
        Some(Property { kind, provenance: self.at(node) })
    }

    fn entry(&self, name: &Arc<str>, origin: &Origin, node: &Node) -> Option<Entry> {
        let key_span = origin.span(self.resolve.file());
        Some(Entry { name: name.clone(), key_span, value: self.property(node)? })
    }

    /// What an intrinsic comes to.
    fn computed(&self, node: &Node) -> Option<Property> {
        if let Some(("Fn::If", _)) = node.as_intrinsic() {
            return self.chosen(node);
        }
        let provenance = self.at(node);
        if self.resolve.is_list(node) {
            let text =
                |fact: Fact<String>| Property { kind: PropertyKind::Text(fact.value), provenance: fact.provenance };
            let items = self.resolve.strings(node).into_iter().map(text).collect();
            return Some(Property { kind: PropertyKind::List(items), provenance });
        }
        let fact = self.resolve.optional_text(node)?;
        Some(Property { kind: PropertyKind::Text(fact.value), provenance: fact.provenance })
    }

    fn chosen(&self, node: &Node) -> Option<Property> {
        let provenance = self.at(node);
        let Some(alternatives) = self.resolve.alternatives(node) else {
            let why = "it depends on too much to be worked out";
            return Some(Property { kind: PropertyKind::Unknown(why.into()), provenance });
        };
        let cases: Vec<(When, Option<Property>)> =
            alternatives.into_iter().map(|(when, node)| (when, node.and_then(|node| self.alternative(node)))).collect();
        if let [(_, only)] = cases.as_slice() {
            return only.clone();
        }
        if cases.iter().all(|(_, case)| case.is_none()) {
            return None;
        }
        let label = |when: When| when.label().cloned().unwrap_or_else(|| "always".into());
        let cases = cases.into_iter().map(|(when, case)| (label(when), case)).collect();
        Some(Property { kind: PropertyKind::OneOf(cases), provenance })
    }

    /// One alternative of a choice. One that is a choice again has no condition that could be read, and stands for itself.
    fn alternative(&self, node: &Node) -> Option<Property> {
        if let Some(("Fn::If", _)) = node.as_intrinsic() {
            let kind = PropertyKind::Unknown("its condition cannot be read".into());
            return Some(Property { kind, provenance: self.at(node) });
        }
        self.property(node)
    }

    /// What decides whether a resource outlives its stack.
    pub(super) fn keeping(&self, node: &Node) -> BTreeMap<Arc<str>, Fact<String>> {
        let set = |key: &&'static str| Some((Arc::from(*key), self.text_at(node, key)?));
        KEEPING.iter().filter_map(set).collect()
    }

    /// What the template hands out.
    pub(super) fn outputs(&mut self, plain: &Node) {
        let Some(outputs) = plain.get("Outputs").and_then(Node::as_map) else { return };
        for (name, origin, node) in outputs.entries() {
            let Some(value) = node.get("Value").and_then(|node| self.property(node)) else { continue };
            let export = node.get("Export").and_then(|node| self.text_at(node, "Name"));
            let provenance = brigandine_model::Provenance { span: self.named(origin), ..self.at(node) };
            self.app.outputs.push(Output { name: name.clone(), value, export, provenance });
        }
    }
}
