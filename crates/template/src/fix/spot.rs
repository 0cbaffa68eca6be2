//! Where in a tree a change goes, and whether the text has one place for it.

use std::{ops::Range, sync::Arc};

use super::{Unwritable, deed::Step};
use crate::{Node, Place};

/// A node and what holds it.
#[derive(Clone, Debug)]
pub(super) struct Spot<'n> {
    pub(super) node: &'n Node,
    pub(super) path: Vec<Step>,
    /// The map or list it stands in; nothing for the root.
    pub(super) holder: Option<Holder<'n>>,
    /// Whether it stands within brackets.
    pub(super) bracketed: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Holder<'n> {
    pub(super) node: &'n Node,
    /// Where the key of the entry stands; nothing for items of lists.
    pub(super) key: Option<Place>,
}

fn refuse<T>(why: impl Into<String>) -> Result<T, Unwritable> {
    Err(Unwritable::NoPlace(why.into()))
}

pub(super) fn range(place: Place) -> Range<usize> {
    place.start as usize..place.end as usize
}

fn holds(outer: Option<Place>, inner: Place) -> bool {
    outer.is_some_and(|outer| outer.start <= inner.start && inner.end <= outer.end)
}

/// Whether a value stands behind its key. The key of a short intrinsic is its tag and has its argument's place.
fn follows(value: &Node, key: Place) -> bool {
    value.origin.place.is_some_and(|value| value.start >= key.end || value == key)
}

/// Whether nothing is written where a value would be.
pub(super) fn is_nothing(node: &Node) -> bool {
    matches!(node.meaning(), Some(crate::Meaning::Null))
}

impl<'n> Spot<'n> {
    pub(super) fn root(node: &'n Node) -> Self {
        Self { node, path: Vec::new(), holder: None, bracketed: false }
    }

    /// Whether the node itself is written in brackets, or stands within some.
    pub(super) fn is_bracketed_within(&self, text: &str) -> bool {
        self.bracketed || super::layout::written(text, self.node).starts_with(['{', '['])
    }

    /// One step down to what is there; nothing when it is not.
    fn step(&self, text: &str, key: &str) -> Result<Option<Self>, Unwritable> {
        let node = self.node;
        if let Some((name, _)) = node.as_intrinsic().filter(|(name, _)| *name != "Condition") {
            return refuse(format!("what holds `{key}` is chosen by `{name}`"));
        }
        let (child, key_place, step) = match &node.kind {
            crate::Kind::Map(map) => {
                let Some(child) = map.get(key) else { return Ok(None) };
                (child, map.key_origin(key).and_then(|origin| origin.place), Step::Key(key.into()))
            }
            crate::Kind::List(items) => {
                let Some((index, child)) = key.parse().ok().and_then(|at: usize| Some((at, items.get(at)?))) else {
                    return refuse(format!("the list has no item `{key}`"));
                };
                (child, None, Step::Item(index))
            }
            crate::Kind::Scalar(_) if is_nothing(node) => return Ok(None),
            crate::Kind::Scalar(_) => return refuse(format!("what holds `{key}` is one word, not a map")),
        };
        self.child(text, child, key_place, step).map(Some)
    }

    fn child(&self, text: &str, child: &'n Node, key: Option<Place>, step: Step) -> Result<Self, Unwritable> {
        let written = child.origin.place.is_some_and(|place| holds(self.node.origin.place, place))
            && key.is_none_or(|key| holds(self.node.origin.place, key) && follows(child, key));
        if !written {
            let name = match &step {
                Step::Key(key) => format!("`{key}`"),
                Step::Item(index) => format!("item {index}"),
            };
            return refuse(format!("{name} is written elsewhere and only referred to here, by an alias or a merge"));
        }
        let path = self.path.iter().cloned().chain([step]).collect();
        let holder = Some(Holder { node: self.node, key });
        Ok(Self { node: child, path, holder, bracketed: self.is_bracketed_within(text) })
    }

    /// As far down the keys as there is something, and the keys that are left.
    pub(super) fn down<'k>(self, text: &str, keys: &'k [Arc<str>]) -> Result<(Self, &'k [Arc<str>]), Unwritable> {
        let (mut spot, mut left) = (self, keys);
        while let Some((key, rest)) = left.split_first() {
            let Some(next) = spot.step(text, key)? else { break };
            (spot, left) = (next, rest);
        }
        Ok((spot, left))
    }

    /// Everything right below.
    fn children(&self, text: &str) -> Vec<Result<Self, Unwritable>> {
        match &self.node.kind {
            crate::Kind::Scalar(_) => Vec::new(),
            crate::Kind::List(items) => {
                let child = |(index, item)| self.child(text, item, None, Step::Item(index));
                items.iter().enumerate().map(child).collect()
            }
            crate::Kind::Map(map) => {
                let child = |(key, origin, value): (&Arc<str>, &crate::Origin, &'n Node)| {
                    self.child(text, value, origin.place, Step::Key(key.clone()))
                };
                map.entries().map(child).collect()
            }
        }
    }

    /// The outermost node for which `is` says yes, looking only at what is written round `at`.
    pub(super) fn find(self, text: &str, at: &Range<usize>, is: &dyn Fn(&Self) -> bool) -> Option<Self> {
        let mut open = vec![self];
        while let Some(spot) = open.pop() {
            if is(&spot) {
                return Some(spot);
            }
            // What is referred to by an alias is found where it is written.
            let around = |child: &Self| {
                let start = child.holder.and_then(|holder| holder.key).or(child.node.origin.place);
                let end = child.node.origin.place;
                matches!((start, end), (Some(start), Some(end)) if range(start).start <= at.start && at.end <= range(end).end)
            };
            open.extend(spot.children(text).into_iter().flatten().filter(around));
        }
        None
    }

    /// The place of the node; made nodes have none.
    pub(super) fn range(&self) -> Result<Range<usize>, Unwritable> {
        match self.node.origin.place {
            Some(place) => Ok(range(place)),
            None => refuse("nobody wrote this value"),
        }
    }
}
