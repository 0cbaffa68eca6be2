//! Putting parameter values and mapping entries in the place of references to them, as far as they are known.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::node::{Kind, Map, Node, Origin};

use super::Options;
use super::fault::{Fault, Outcome};
use super::tree;

/// What references can be replaced with.
#[derive(Clone, Debug)]
pub(super) struct Parameters {
    values: BTreeMap<Arc<str>, Node>,
    mappings: Map,
}

impl Parameters {
    /// Given values first, then the template's defaults, then what the platform knows.
    pub(super) fn new(root: &Node, options: &Options) -> Self {
        let mut values: BTreeMap<Arc<str>, Node> = options
            .parameters
            .iter()
            .map(|(name, value)| (Arc::from(name.as_str()), Node::text(value.as_str(), &Origin::default())))
            .collect();
        for (name, declared) in root.get("Parameters").and_then(Node::as_map).into_iter().flat_map(Map::iter) {
            if let Some(default) = declared.get("Default") {
                values.entry(name.into()).or_insert_with(|| default.clone());
            }
        }
        for (name, value) in [("AWS::Region", &options.region), ("AWS::Partition", &options.partition)] {
            values.entry(name.into()).or_insert_with(|| Node::text(value.as_str(), &Origin::default()));
        }
        let mappings = root.get("Mappings").and_then(Node::as_map).cloned().unwrap_or_default();
        Self { values, mappings }
    }

    fn value(&self, name: &str) -> Option<&Node> {
        self.values.get(name).filter(|value| !value.as_text().unwrap_or("").starts_with("{{IntrinsicFunction:"))
    }

    /// A copy with every known reference replaced.
    pub(super) fn resolved(&self, node: &Node) -> Outcome<Node> {
        let mut copy = node.clone();
        self.resolve(&mut copy)?;
        Ok(copy)
    }

    /// Replaces every known reference.
    pub(super) fn resolve(&self, node: &mut Node) -> Outcome<()> {
        if let Some(name) = node.as_reference()
            && let Some(value) = self.value(name)
        {
            let mut origin = node.origin.clone();
            // A pseudo parameter is nobody's choice: only real parameters are named as the source of a value.
            if !name.starts_with("AWS::") {
                origin.parameter = Some(name.into());
            }
            *node = Node { kind: value.kind.clone(), origin };
        }
        if let Some(("Fn::Sub", _)) = node.as_intrinsic() {
            self.resolve_sub(node)?;
        }
        match &mut node.kind {
            Kind::Scalar(_) => Ok(()),
            Kind::List(items) => items.iter_mut().try_for_each(|item| self.resolve(item)),
            Kind::Map(map) => map.iter_mut().try_for_each(|(_, value)| self.resolve(value)),
        }
    }

    fn resolve_sub(&self, node: &mut Node) -> Outcome<()> {
        let Some(argument) = node.as_map_mut().and_then(|map| map.get_mut("Fn::Sub")) else { return Ok(()) };
        let text = match &mut argument.kind {
            Kind::List(items) => match items.first_mut() {
                Some(first) => first,
                None => return Ok(()),
            },
            _ => argument,
        };
        let Some(written) = tree::text_of(text).map(str::to_owned) else { return Ok(()) };
        let mut used = None;
        let substituted = substitute(&written, |name| match self.value(name) {
            None => Ok(None),
            Some(value) => {
                used = (!name.starts_with("AWS::")).then(|| Arc::from(name)).or(used.take());
                tree::text_of(value).map(|text| Some(text.to_owned())).ok_or_else(|| {
                    Fault::document(format!(
                        "Invalid Fn::Sub variable value {}. Fn::Sub expects all variables to be strings.",
                        tree::shown(value)
                    ))
                })
            }
        })?;
        if substituted != written {
            let mut origin = text.origin.clone();
            origin.parameter = used;
            *text = Node::text(substituted, &origin);
        }
        Ok(())
    }

    /// Replaces references to parameters, then lookups in mappings.
    pub(super) fn resolved_with_mappings(&self, node: &Node) -> Outcome<Node> {
        let mut copy = self.resolved(node)?;
        self.look_up(&mut copy)?;
        Ok(copy)
    }

    fn look_up(&self, node: &mut Node) -> Outcome<()> {
        if let Some(("Fn::FindInMap", argument)) = node.as_intrinsic() {
            let Some([map, top, second]) = argument.as_list() else {
                return Err(Fault::document(format!(
                    "Invalid FindInMap value {}. FindInMap expects an array with 3 values.",
                    tree::shown(argument)
                )));
            };
            if let Some(value) = self.mapped(map, top, second)? {
                *node = Node { kind: value.kind.clone(), origin: node.origin.clone() };
            }
        }
        match &mut node.kind {
            Kind::Scalar(_) => Ok(()),
            Kind::List(items) => items.iter_mut().try_for_each(|item| self.look_up(item)),
            Kind::Map(map) => map.iter_mut().try_for_each(|(_, value)| self.look_up(value)),
        }
    }

    fn mapped(&self, map: &Node, top: &Node, second: &Node) -> Outcome<Option<&Node>> {
        let (Some(map), Some(top), Some(second)) = (tree::text_of(map), tree::text_of(top), tree::text_of(second))
        else {
            return Ok(None);
        };
        let flat =
            || Fault::document(format!("Cannot use Fn::FindInMap on Mapping '{map}' which is not a a two-level map."));
        let Some(level) = self.mappings.get(map) else { return Ok(None) };
        let Some(level) = level.as_map().ok_or_else(flat)?.get(top) else { return Ok(None) };
        Ok(level.as_map().ok_or_else(flat)?.get(second))
    }
}

/// Replaces each `${Name}` for which `replacement` has a text. Names with dots are offered whole.
pub(super) fn substitute(text: &str, mut replacement: impl FnMut(&str) -> Outcome<Option<String>>) -> Outcome<String> {
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        result.push_str(before);
        let Some((name, tail)) = after.split_once('}').filter(|(name, _)| is_substitutable(name)) else {
            result.push_str("${");
            rest = after;
            continue;
        };
        if let Some(value) = replacement(name)? {
            result.push_str(&value);
        } else {
            result.push_str("${");
            result.push_str(name);
            result.push('}');
        }
        rest = tail;
    }
    result.push_str(rest);
    Ok(result)
}

fn is_substitutable(name: &str) -> bool {
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
    match name.strip_prefix("AWS::") {
        Some(pseudo) => !pseudo.is_empty() && pseudo.bytes().all(|byte| byte.is_ascii_alphabetic()),
        None => plain(name),
    }
}
