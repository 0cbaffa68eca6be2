//! Conditions that nobody wrote, combined from ones that somebody did.

use crate::node::{Map, Node};

use super::make::Maker;

/// The platform's limit on the arguments of one `Fn::Or`.
const MOST_ALTERNATIVES: usize = 10;

/// Adds conditions so that `name` holds when any of `alternatives` does, chained where one `Fn::Or` is too short.
pub(super) fn combine(conditions: &mut Map, name: &str, alternatives: &[String], maker: &Maker) {
    let mut left: Vec<String> = alternatives.to_vec();
    let mut numbered = left.len().saturating_sub(2) / (MOST_ALTERNATIVES - 1);
    while left.len() > 1 {
        let new = if numbered > 0 { format!("{name}{numbered}") } else { name.to_owned() };
        numbered = numbered.saturating_sub(1);
        let rest = left.split_off(left.len().min(MOST_ALTERNATIVES));
        conditions.insert(new.as_str(), maker.any_of(left.iter().map(String::as_str)));
        left = rest;
        left.push(new);
    }
}

/// The map of conditions in a template, made when there is none.
pub(super) fn section<'r>(root: &'r mut Map, maker: &Maker) -> Option<&'r mut Map> {
    super::tree::subtree(root, "Conditions", &maker.origin).and_then(Node::as_map_mut)
}
