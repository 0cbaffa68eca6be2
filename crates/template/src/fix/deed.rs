//! What a change does to the tree, so that the edited text can be held against it: an edit that did more, or less, than
//! was asked is never handed out.

use std::sync::Arc;

use brigandine_model::Literal;

use crate::{Kind, Map, Node, Origin, load::normalise};

/// One step down the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Key(Arc<str>),
    Item(usize),
}

/// What happens to the node at the end of a path.
#[derive(Debug)]
pub(super) enum Deed {
    /// It becomes this.
    Put(Literal),
    /// The text of a scalar becomes this, whatever it means.
    Spell(String),
    /// The map gets one more entry.
    Insert(Arc<str>, Literal),
    /// The list gets one more item at its end.
    Push(Literal),
    /// The map or list loses what stands there.
    Take(Step),
}

/// A literal as the node that reading it would give.
pub(super) fn node(literal: &Literal) -> Node {
    let origin = Origin::default();
    match literal {
        Literal::Flag(flag) => Node::plain(flag.to_string(), &origin),
        Literal::Number(number) => Node::plain(number.to_string(), &origin),
        Literal::Text(text) => Node::text(text.as_str(), &origin),
        Literal::List(items) => Node::list(items.iter().map(node).collect(), &origin),
        Literal::Map(entries) => {
            let mut map = Map::default();
            for (key, value) in entries {
                map.insert(key.clone(), node(value));
            }
            let mut node = Node::map(map, &origin);
            normalise(&mut node);
            node
        }
    }
}

/// Whether two trees say the same, wherever it is written.
pub(super) fn same(one: &Node, other: &Node) -> bool {
    match (&one.kind, &other.kind) {
        (Kind::Scalar(one), Kind::Scalar(other)) => one.text == other.text && one.meaning() == other.meaning(),
        (Kind::List(one), Kind::List(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Kind::Map(one), Kind::Map(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| other.get(key).is_some_and(|other| same(value, other)))
        }
        _ => false,
    }
}

/// Whether one can be told from the other when both are done at once: neither is done within what the other does. New entries
/// of a map leave its other entries alone.
pub(super) fn are_apart((one, of_one): (&[Step], &Deed), (other, of_other): (&[Step], &Deed)) -> bool {
    match (of_one, of_other) {
        (Deed::Insert(first, _), Deed::Insert(second, _)) if one == other => first != second,
        (Deed::Insert(key, _), _) if other.starts_with(one) => {
            other.get(one.len()).is_some_and(|step| matches!(step, Step::Key(other) if other != key))
        }
        (_, Deed::Insert(key, _)) if one.starts_with(other) => {
            one.get(other.len()).is_some_and(|step| matches!(step, Step::Key(one) if one != key))
        }
        _ => !one.starts_with(other) && !other.starts_with(one),
    }
}

/// Whether `after` is `before` with all of these done, each at the end of its path, and with nothing else done anywhere. They
/// are all apart.
pub(super) fn are_all(deeds: &[(&[Step], &Deed)], before: &Node, after: &Node) -> bool {
    let (here, below): (Vec<_>, Vec<_>) = deeds.iter().copied().partition(|(path, _)| path.is_empty());
    match (here.as_slice(), below.as_slice()) {
        ([], []) => same(before, after),
        ([(_, deed)], []) => deed.is_done(before, after),
        _ => match (&before.kind, &after.kind) {
            (Kind::Map(before), Kind::Map(after)) => all_in_map(&here, &below, before, after),
            (Kind::List(before), Kind::List(after)) if here.is_empty() => all_in_list(&below, before, after),
            _ => false,
        },
    }
}

type Deeds<'d> = [(&'d [Step], &'d Deed)];

fn all_in_map(here: &Deeds<'_>, below: &Deeds<'_>, before: &Map, after: &Map) -> bool {
    let is_new = |deed: &Deed| match deed {
        Deed::Insert(key, value) => {
            !before.contains_key(key) && after.get(key).is_some_and(|after| same(&node(value), after))
        }
        _ => false,
    };
    let mut met = 0;
    let is_kept = |(key, value): (&str, &Node)| {
        let deeds = next(below, &|step| matches!(step, Step::Key(at) if **at == *key));
        met += deeds.len();
        after.get(key).is_some_and(|after| are_all(&deeds, value, after))
    };
    after.len() == before.len() + here.len()
        && here.iter().all(|(_, deed)| is_new(deed))
        && before.iter().all(is_kept)
        && met == below.len()
}

fn all_in_list(below: &Deeds<'_>, before: &[Node], after: &[Node]) -> bool {
    let mut met = 0;
    let is_kept = |(index, (before, after)): (usize, (&Node, &Node))| {
        let deeds = next(below, &|step| *step == Step::Item(index));
        met += deeds.len();
        are_all(&deeds, before, after)
    };
    before.len() == after.len() && before.iter().zip(after).enumerate().all(is_kept) && met == below.len()
}

/// The deeds whose next step is this one, from there on.
fn next<'d>(deeds: &Deeds<'d>, is_next: &dyn Fn(&Step) -> bool) -> Vec<(&'d [Step], &'d Deed)> {
    let split = deeds.iter().filter_map(|(path, deed)| path.split_first().map(|(step, rest)| (step, rest, *deed)));
    split.filter(|(step, _, _)| is_next(step)).map(|(_, rest, deed)| (rest, deed)).collect()
}

impl Deed {
    fn is_done(&self, before: &Node, after: &Node) -> bool {
        match self {
            Self::Put(literal) => same(&node(literal), after),
            Self::Spell(text) => after.as_text() == Some(text),
            Self::Insert(key, literal) => {
                let (Some(before), Some(after)) = (before.as_map(), after.as_map()) else { return false };
                after.len() == before.len() + 1
                    && after.get(key).is_some_and(|value| same(&node(literal), value))
                    && before.iter().all(|(key, value)| after.get(key).is_some_and(|after| same(value, after)))
            }
            Self::Push(literal) => {
                let Some((last, others)) = after.as_list().and_then(<[Node]>::split_last) else { return false };
                let before = before.as_list().unwrap_or_default();
                before.len() == others.len()
                    && before.iter().zip(others).all(|(before, after)| same(before, after))
                    && same(&node(literal), last)
            }
            Self::Take(Step::Key(at)) => {
                let (Some(before), Some(after)) = (before.as_map(), after.as_map()) else { return false };
                let mut others = before.iter().filter(|(key, _)| *key != &**at);
                after.len() + 1 == before.len()
                    && others.all(|(key, value)| after.get(key).is_some_and(|after| same(value, after)))
            }
            Self::Take(Step::Item(at)) => {
                let (Some(before), Some(after)) = (before.as_list(), after.as_list()) else { return false };
                let others = before.iter().enumerate().filter(|(index, _)| index != at);
                after.len() + 1 == before.len() && others.zip(after).all(|((_, before), after)| same(before, after))
            }
        }
    }
}
