//! The tree every front end reads into and every later step works on.
//!
//! Scalars stay text with their style, so that an account id keeps its leading zero and a version date stays a date in
//! the author's spelling; what they mean by YAML 1.1 is decided where they are used. Each node remembers where it was
//! written and how it came about, through expansion and all.

use std::sync::Arc;

use brigandine_model::{Provenance, Span, Via};
use indexmap::IndexMap;

/// A node with its origin.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Where it comes from.
    pub origin: Origin,
}

/// What a node is. Intrinsics are maps with one long-form key (`Ref`, `Fn::GetAtt`), whatever form was written.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Text.
    Scalar(Scalar),
    /// A list.
    List(Vec<Node>),
    /// A map in written order.
    Map(Map),
}

/// Text with its style.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scalar {
    /// The text, escapes undone.
    pub text: Arc<str>,
    /// Whether it was written without quotes, and so may mean a number, a boolean or nothing.
    pub plain: bool,
}

/// What a scalar means by YAML 1.1.
#[derive(Clone, Debug, PartialEq)]
pub enum Meaning<'a> {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// Text.
    Text(&'a str),
}

/// A key with its origin.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its text.
    pub text: Arc<str>,
    /// Where it was written.
    pub origin: Origin,
}

/// A map in written order. Copies share their entries until one of them is changed: the tree is kept as it was written,
/// expanded and resolved, and most of it is the same each time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Map(Arc<Entries>);

type Entries = IndexMap<Arc<str>, (Origin, Node)>;

/// So few keys are compared sooner than hashed.
const FEW: usize = 8;

/// Where a node comes from. The file is the template's and is added when a [`Span`] is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Place in the text, absent for what nobody wrote.
    pub place: Option<Place>,
    /// How it came about.
    pub via: Via,
    /// The parameter whose value this is, once a reference has been replaced by it.
    pub parameter: Option<Arc<str>>,
}

/// A place in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// First byte, from 0.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl Origin {
    /// Written at `place`.
    pub fn written(place: Place) -> Self {
        Self { place: Some(place), via: Via::Written, parameter: None }
    }

    /// The same place, come about in another way.
    pub fn with_via(&self, via: Via) -> Self {
        Self { place: self.place, via, parameter: self.parameter.clone() }
    }

    /// The span in `file`.
    pub fn span(&self, file: &Arc<str>) -> Option<Span> {
        self.place.map(|place| Span {
            file: file.clone(),
            start: place.start as usize,
            end: place.end as usize,
            line: place.line,
            column: place.column,
        })
    }

    /// The provenance of a fact read from here.
    pub fn provenance(&self, file: &Arc<str>) -> Provenance {
        Provenance {
            span: self.span(file),
            via: self.via.clone(),
            parameters: self.parameter.iter().cloned().collect(),
        }
    }
}

impl Node {
    /// Text made by us, never to be read as a number.
    pub fn text(text: impl Into<Arc<str>>, origin: &Origin) -> Self {
        Self { kind: Kind::Scalar(Scalar { text: text.into(), plain: false }), origin: origin.clone() }
    }

    /// Plain text made by us: a number or a boolean.
    pub fn plain(text: impl Into<Arc<str>>, origin: &Origin) -> Self {
        Self { kind: Kind::Scalar(Scalar { text: text.into(), plain: true }), origin: origin.clone() }
    }

    /// A list made by us.
    pub fn list(items: Vec<Node>, origin: &Origin) -> Self {
        Self { kind: Kind::List(items), origin: origin.clone() }
    }

    /// A map made by us.
    pub fn map(map: Map, origin: &Origin) -> Self {
        Self { kind: Kind::Map(map), origin: origin.clone() }
    }

    /// A map with one entry, the form of every intrinsic: `{Ref: X}`.
    pub fn intrinsic(name: &str, argument: Node) -> Self {
        let origin = argument.origin.clone();
        let mut map = Map::default();
        map.insert(name, argument);
        Self::map(map, &origin)
    }

    /// The entries, when it is a map.
    pub fn as_map(&self) -> Option<&Map> {
        match &self.kind {
            Kind::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The entries, when it is a map.
    pub fn as_map_mut(&mut self) -> Option<&mut Map> {
        match &mut self.kind {
            Kind::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The items, when it is a list.
    pub fn as_list(&self) -> Option<&[Node]> {
        match &self.kind {
            Kind::List(items) => Some(items),
            _ => None,
        }
    }

    /// The text of a scalar, whatever it means.
    pub fn as_text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar(scalar) => Some(&scalar.text),
            _ => None,
        }
    }

    /// What a scalar means; absent for lists and maps.
    pub fn meaning(&self) -> Option<Meaning<'_>> {
        match &self.kind {
            Kind::Scalar(scalar) => Some(scalar.meaning()),
            _ => None,
        }
    }

    /// The value under `key`, when it is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_map()?.get(key)
    }

    /// The value at a path of keys.
    pub fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// Name and argument, when it is an intrinsic: a map of one entry called `Ref`, `Condition` or `Fn::...`.
    pub fn as_intrinsic(&self) -> Option<(&str, &Node)> {
        let map = self.as_map().filter(|map| map.len() == 1)?;
        let (name, argument) = map.iter().next()?;
        (name == "Ref" || name == "Condition" || name.starts_with("Fn::")).then_some((name, argument))
    }

    /// The name referred to, when it is `{Ref: name}`.
    pub fn as_reference(&self) -> Option<&str> {
        match self.as_intrinsic()? {
            ("Ref", argument) => argument.as_text(),
            _ => None,
        }
    }
}

impl Scalar {
    /// What it means by YAML 1.1, with octal-looking digits and dates left as text.
    pub fn meaning(&self) -> Meaning<'_> {
        if !self.plain {
            return Meaning::Text(&self.text);
        }
        match &*self.text {
            "" | "~" | "null" | "Null" | "NULL" => Meaning::Null,
            "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Meaning::Bool(true),
            "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Meaning::Bool(false),
            text => number(text).unwrap_or(Meaning::Text(text)),
        }
    }
}

/// A decimal number. Digits with a leading zero are account ids in practice, not octal numbers: they stay text.
fn number(text: &str) -> Option<Meaning<'_>> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return None;
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let leading_zero = digits.len() > 1 && digits.starts_with('0');
        return if leading_zero { None } else { text.parse().ok().map(Meaning::Int) };
    }
    let fractional =
        digits.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'-' | b'+'));
    if fractional && digits.contains('.') { text.parse().ok().map(Meaning::Float) } else { None }
}

impl Map {
    /// An empty map that will hold so many entries.
    pub(crate) fn with_capacity(entries: usize) -> Self {
        Self(Arc::new(Entries::with_capacity(entries)))
    }

    fn entry(&self, key: &str) -> Option<&(Origin, Node)> {
        if self.0.len() > FEW {
            return self.0.get(key);
        }
        self.0.iter().find(|(known, _)| &***known == key).map(|(_, entry)| entry)
    }

    /// The entries to be changed, no longer shared.
    fn own(&mut self) -> &mut Entries {
        Arc::make_mut(&mut self.0)
    }

    /// The value under `key`.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|(_, node)| node)
    }

    /// The value under `key`.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        if !self.contains_key(key) {
            return None;
        }
        self.own().get_mut(key).map(|(_, node)| node)
    }

    /// Where `key` itself was written.
    pub fn key_origin(&self, key: &str) -> Option<&Origin> {
        self.entry(key).map(|(origin, _)| origin)
    }

    /// Puts `node` under a key that nobody wrote; an existing key keeps its place.
    pub fn insert(&mut self, key: impl Into<Arc<str>>, node: Node) -> Option<Node> {
        let origin = node.origin.clone();
        self.insert_key(Key { text: key.into(), origin }, node)
    }

    /// Puts `node` under `key`; an existing key keeps its place. Returns what was there.
    pub fn insert_key(&mut self, key: Key, node: Node) -> Option<Node> {
        self.own().insert(key.text, (key.origin, node)).map(|(_, old)| old)
    }

    /// Takes the value under `key` out, the others keep their order.
    pub fn remove(&mut self, key: &str) -> Option<Node> {
        if !self.contains_key(key) {
            return None;
        }
        self.own().shift_remove(key).map(|(_, node)| node)
    }

    /// Whether `key` is there.
    pub fn contains_key(&self, key: &str) -> bool {
        self.entry(key).is_some()
    }

    /// Keys and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.0.iter().map(|(key, (_, node))| (&**key, node))
    }

    /// Keys with their origins, and values, in order.
    pub fn entries(&self) -> impl Iterator<Item = (&Arc<str>, &Origin, &Node)> {
        self.0.iter().map(|(key, (origin, node))| (key, origin, node))
    }

    /// Keys and values in order, values open to change.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut Node)> {
        self.own().iter_mut().map(|(key, (_, node))| (&**key, node))
    }

    /// Keys in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(|key| &**key)
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(text: &str) -> String {
        format!("{:?}", Scalar { text: text.into(), plain: true }.meaning())
    }

    #[test]
    fn plain_scalars_mean_what_yaml_1_1_says_but_ids_and_dates_stay_text() {
        assert_eq!(meaning("012345678901"), "Text(\"012345678901\")");
        assert_eq!(meaning("2012-10-17"), "Text(\"2012-10-17\")");
        assert_eq!(meaning("0"), "Int(0)");
        assert_eq!(meaning("-3"), "Int(-3)");
        assert_eq!(meaning("1.5"), "Float(1.5)");
        assert_eq!(meaning("On"), "Bool(true)");
        assert_eq!(meaning("~"), "Null");
        assert_eq!(meaning("1.2.3"), "Text(\"1.2.3\")");
    }
}
