//! Making nodes that nobody wrote. A maker holds the one origin that all it makes is blamed on.

use std::sync::Arc;

use brigandine_model::Via;

use crate::node::{Map, Node, Origin};

/// Makes nodes with one origin.
#[derive(Clone, Debug)]
pub(super) struct Maker {
    pub(super) origin: Origin,
}

impl Maker {
    /// What is made was implied by what stands at `origin`.
    pub(super) fn implied_by(origin: &Origin) -> Self {
        Self { origin: origin.with_via(Via::Implicit) }
    }

    pub(super) fn text(&self, text: impl Into<Arc<str>>) -> Node {
        Node::text(text, &self.origin)
    }

    pub(super) fn flag(&self, flag: bool) -> Node {
        Node::plain(if flag { "true" } else { "false" }, &self.origin)
    }

    pub(super) fn number(&self, number: i64) -> Node {
        Node::plain(number.to_string(), &self.origin)
    }

    pub(super) fn list(&self, items: impl IntoIterator<Item = Node>) -> Node {
        Node::list(items.into_iter().collect(), &self.origin)
    }

    pub(super) fn texts<'t>(&self, items: impl IntoIterator<Item = &'t str>) -> Node {
        self.list(items.into_iter().map(|item| self.text(item)))
    }

    pub(super) fn map<K: Into<Arc<str>>>(&self, entries: impl IntoIterator<Item = (K, Node)>) -> Node {
        let mut map = Map::default();
        for (key, node) in entries {
            map.insert(key, node);
        }
        Node::map(map, &self.origin)
    }

    pub(super) fn empty(&self) -> Node {
        Node::map(Map::default(), &self.origin)
    }

    pub(super) fn call(&self, name: &str, argument: Node) -> Node {
        self.map([(name, argument)])
    }

    pub(super) fn reference(&self, id: impl Into<Arc<str>>) -> Node {
        self.call("Ref", self.text(id))
    }

    pub(super) fn attribute(&self, id: &str, attribute: &str) -> Node {
        self.call("Fn::GetAtt", self.texts([id, attribute]))
    }

    pub(super) fn sub(&self, text: impl Into<Arc<str>>) -> Node {
        self.call("Fn::Sub", self.text(text))
    }

    pub(super) fn sub_with<const N: usize>(&self, text: impl Into<Arc<str>>, variables: [(&str, Node); N]) -> Node {
        self.call("Fn::Sub", self.list([self.text(text), self.map(variables)]))
    }

    pub(super) fn join(&self, delimiter: &str, items: impl IntoIterator<Item = Node>) -> Node {
        self.call("Fn::Join", self.list([self.text(delimiter), self.list(items)]))
    }

    pub(super) fn no_value(&self) -> Node {
        self.reference("AWS::NoValue")
    }

    pub(super) fn either(&self, condition: Node, then: Node, otherwise: Node) -> Node {
        self.call("Fn::If", self.list([condition, then, otherwise]))
    }

    /// The value when `condition` holds, nothing otherwise.
    pub(super) fn only_if(&self, condition: &Node, then: Node) -> Node {
        self.either(condition.clone(), then, self.no_value())
    }

    pub(super) fn not(&self, condition: &str) -> Node {
        self.call("Fn::Not", self.list([self.condition(condition)]))
    }

    pub(super) fn condition(&self, name: &str) -> Node {
        self.call("Condition", self.text(name))
    }

    pub(super) fn any_of<'c>(&self, conditions: impl IntoIterator<Item = &'c str>) -> Node {
        self.call("Fn::Or", self.list(conditions.into_iter().map(|name| self.condition(name))))
    }

    /// Tags in the list form of most resources; each keeps the origin of its value.
    pub(super) fn tags(&self, tags: &Map) -> Vec<Node> {
        tags.iter()
            .map(|(key, value)| {
                let value = if super::tree::is_null(value) { self.text("") } else { value.clone() };
                self.tag(key, value)
            })
            .collect()
    }

    pub(super) fn tag(&self, key: &str, value: Node) -> Node {
        self.map([("Key", self.text(key)), ("Value", value)])
    }
}
