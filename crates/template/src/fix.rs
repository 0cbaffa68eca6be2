//! Changes to edits: what a fix wants, in the words and the layout of the text it changes.
//!
//! A change is written where its author would have written it: in the indentation, the quotes, the line endings and the
//! forms of intrinsics the text has. Then the edited text is read again and held against the tree. An edit that did not
//! do exactly what was asked, as one inside an anchor does, is never handed out.

mod deed;
mod draft;
mod layout;
mod lines;
mod render;
mod scalar;
mod spot;
mod together;
mod write;

use std::{ops::Range, sync::Arc};

use brigandine_model::{Change, Edit, Literal, Span};

use self::{
    deed::{Deed, Step, are_all},
    draft::Draft,
    layout::Layout,
    spot::{Spot, is_nothing},
    write::{Neighbour, Splice, Writer},
};
use crate::{
    Node, Place, Scalar,
    load::{Document, Note, Positions, load},
};

/// Why a change cannot be written into a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unwritable {
    /// The text has no place for it, or one that is written in a way that cannot be changed unseen.
    #[error("{0}")]
    NoPlace(String),
    /// It was not tried: so many fixes of so large a text would take too long.
    #[error("the text is so large that not every fix of it is written")]
    TooMuch,
}

fn refuse<T>(why: impl Into<String>) -> Result<T, Unwritable> {
    Err(Unwritable::NoPlace(why.into()))
}

/// The edits that bring these changes into a text, one after the other. They do not overlap, and are in the order of the
/// text.
pub fn edits(file: &str, bytes: &[u8], changes: &[Change]) -> Result<Vec<Edit>, Unwritable> {
    Written::read(file, bytes)?.edits(changes)
}

/// The text with these edits done. Edits that lie outside the text do nothing.
pub fn apply(text: &str, edits: &[Edit]) -> String {
    let mut order: Vec<&Edit> = edits.iter().collect();
    order.sort_by_key(|edit| edit.span.start);
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for edit in order {
        if edit.span.start < at || text.get(edit.span.start..edit.span.end).is_none() {
            continue;
        }
        out.push_str(text.get(at..edit.span.start).unwrap_or_default());
        out.push_str(&edit.replacement);
        at = edit.span.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

/// A text that was read once for the changes of many findings.
#[derive(Clone, Debug)]
pub struct Written {
    file: Arc<str>,
    document: Document,
    layout: Layout,
}

impl Written {
    /// Reads the text.
    pub fn read(file: &str, bytes: &[u8]) -> Result<Self, Unwritable> {
        let file: Arc<str> = file.into();
        let document = load(&file, bytes).map_err(|error| Unwritable::NoPlace(error.message))?;
        Self::of(file, document)
    }

    /// A text that was read already.
    pub fn of(file: Arc<str>, document: Document) -> Result<Self, Unwritable> {
        if document.notes.iter().any(|note| matches!(note, Note::FurtherDocuments { .. })) {
            return refuse("the file holds several documents");
        }
        let layout = Layout::of(&document);
        Ok(Self { file, document, layout })
    }

    /// The edits that bring these changes into the text, one after the other.
    pub fn edits(&self, changes: &[Change]) -> Result<Vec<Edit>, Unwritable> {
        let mut draft = Draft::new(&self.document.text);
        let mut now: Option<Document> = None;
        for change in changes {
            let document = now.as_ref().unwrap_or(&self.document);
            let Some((splice, path, deed)) = self.splice(document, &draft, change)? else { continue };
            draft.replace(splice.0, &splice.1);
            let after = load(&self.file, draft.text().as_bytes())
                .map_err(|error| Unwritable::NoPlace(format!("the text cannot be read after the change: {error}")))?;
            if !are_all(&[(&path, &deed)], &document.root, &after.root) {
                return refuse("the text says the same thing in several places, so one change would make several");
            }
            now = Some(after);
        }
        Ok(self.as_edits(&draft, &Positions::new(&self.document.text)))
    }

    fn as_edits(&self, draft: &Draft<'_>, positions: &Positions<'_>) -> Vec<Edit> {
        let edit = |(range, replacement): (Range<usize>, String)| {
            let place = positions.place(range.clone());
            let span = Span {
                file: self.file.clone(),
                start: range.start,
                end: range.end,
                line: place.line,
                column: place.column,
            };
            Edit { span, replacement }
        };
        draft.edits().into_iter().map(edit).collect()
    }

    /// What one change does to the text as it stands now; nothing when it is so already.
    fn splice(&self, document: &Document, draft: &Draft<'_>, change: &Change) -> Result<Option<Done>, Unwritable> {
        let task = Task { document, writer: Writer { document, layout: &self.layout } };
        match change {
            Change::Replace { span, value } => task.replace(&self.now(draft, span)?, value),
            Change::RemoveAt { span } => task.remove_at(&self.now(draft, span)?).map(Some),
            Change::Set { resource, path, value } => task.set(&task.resource(resource.as_str())?, path, value),
            Change::Append { resource, path, value } => {
                task.append(&task.resource(resource.as_str())?, path, value).map(Some)
            }
            Change::Remove { resource, path } => task.remove(&task.resource(resource.as_str())?, path),
            Change::Declare { path, name, value } => {
                let keys: Vec<Arc<str>> = path.iter().cloned().chain([name.clone()]).collect();
                task.set(&[], &keys, value)
            }
        }
    }

    fn now(&self, draft: &Draft<'_>, span: &Span) -> Result<Range<usize>, Unwritable> {
        if span.file != self.file {
            return refuse(format!("it is written in another file, `{}`", span.file));
        }
        let range = span.start..span.end;
        if self.document.text.get(range.clone()).is_none() {
            return refuse("it lies outside the text");
        }
        draft.now(&range).ok_or_else(|| Unwritable::NoPlace("two changes touch the same text".to_owned()))
    }
}

/// A replacement in the text, and what it does to the tree where.
type Done = (Splice, Vec<Step>, Deed);

struct Task<'d> {
    document: &'d Document,
    writer: Writer<'d>,
}

/// Sections in the order in which people write them.
const SECTIONS: [&str; 11] = [
    "AWSTemplateFormatVersion",
    "Transform",
    "Description",
    "Metadata",
    "Parameters",
    "Rules",
    "Mappings",
    "Conditions",
    "Globals",
    "Resources",
    "Outputs",
];

impl<'d> Task<'d> {
    fn text(&self) -> &'d str {
        &self.document.text
    }

    fn root(&self) -> Spot<'d> {
        Spot::root(&self.document.root)
    }

    fn resource(&self, id: &str) -> Result<[Arc<str>; 2], Unwritable> {
        match self.document.root.at(&["Resources", id]) {
            Some(_) => Ok(["Resources".into(), id.into()]),
            None => refuse(format!("the template writes no resource `{id}`")),
        }
    }

    fn down(&self, from: &[Arc<str>], path: &[Arc<str>]) -> Result<(Spot<'d>, Vec<Arc<str>>), Unwritable> {
        let keys: Vec<Arc<str>> = from.iter().chain(path).cloned().collect();
        let (spot, left) = self.root().down(self.text(), &keys)?;
        Ok((spot, left.to_vec()))
    }

    fn set(&self, from: &[Arc<str>], path: &[Arc<str>], value: &Literal) -> Result<Option<Done>, Unwritable> {
        let (spot, left) = self.down(from, path)?;
        match left.split_first() {
            Some((key, rest)) => self.make(&spot, key, nested(rest, value)).map(Some),
            None if deed::same(&deed::node(value), spot.node) => Ok(None),
            None => self.put(spot, value.clone()).map(Some),
        }
    }

    fn put(&self, spot: Spot<'d>, value: Literal) -> Result<Done, Unwritable> {
        Ok((self.writer.put(&spot, &value)?, spot.path, Deed::Put(value)))
    }

    /// Makes an entry of a map that does not have it, or of nothing.
    fn make(&self, spot: &Spot<'d>, key: &Arc<str>, value: Literal) -> Result<Done, Unwritable> {
        if is_nothing(spot.node) {
            return self.put(spot.clone(), Literal::Map(vec![(key.clone(), value)]));
        }
        let Some(map) = spot.node.as_map() else { return refuse(format!("what should hold `{key}` is not a map")) };
        let neighbour = if spot.path.is_empty() { section_before(&self.document.root, key) } else { Neighbour::Last };
        let splice = if map.is_empty() {
            self.writer.put(spot, &Literal::Map(vec![(key.clone(), value.clone())]))?
        } else {
            self.writer.insert(spot, key, &value, neighbour)?
        };
        Ok((splice, spot.path.clone(), Deed::Insert(key.clone(), value)))
    }

    fn append(&self, from: &[Arc<str>], path: &[Arc<str>], value: &Literal) -> Result<Done, Unwritable> {
        let (spot, left) = self.down(from, path)?;
        if let Some((key, rest)) = left.split_first() {
            return self.make(&spot, key, nested(rest, &Literal::List(vec![value.clone()])));
        }
        match &spot.node.kind {
            _ if is_nothing(spot.node) => self.put(spot, Literal::List(vec![value.clone()])),
            crate::Kind::List(_) => Ok((self.writer.push(&spot, value)?, spot.path, Deed::Push(value.clone()))),
            crate::Kind::Scalar(scalar) => {
                let one = literal(scalar);
                self.put(spot, Literal::List(vec![one, value.clone()]))
            }
            crate::Kind::Map(_) => refuse("what should get one more item is not a list"),
        }
    }

    fn remove(&self, from: &[Arc<str>], path: &[Arc<str>]) -> Result<Option<Done>, Unwritable> {
        let (spot, left) = self.down(from, path)?;
        if left.is_empty() { self.take(&spot).map(Some) } else { Ok(None) }
    }

    /// Takes away what stands at a spot, out of what holds it.
    fn take(&self, spot: &Spot<'d>) -> Result<Done, Unwritable> {
        let Some((step, above)) = spot.path.split_last() else { return refuse("the whole template cannot be removed") };
        let holder = self.at(above)?;
        Ok((self.writer.take(&holder, step)?, holder.path, Deed::Take(step.clone())))
    }

    fn at(&self, path: &[Step]) -> Result<Spot<'d>, Unwritable> {
        let keys: Vec<Arc<str>> = path
            .iter()
            .map(|step| match step {
                Step::Key(key) => key.clone(),
                Step::Item(index) => index.to_string().into(),
            })
            .collect();
        let (spot, left) = self.root().down(self.text(), &keys)?;
        if left.is_empty() { Ok(spot) } else { refuse("it is not written here") }
    }

    fn remove_at(&self, range: &Range<usize>) -> Result<Done, Unwritable> {
        let is = |place: Option<Place>| place.is_some_and(|place| spot::range(place) == *range);
        let found = self.root().find(self.text(), range, &|spot| {
            is(spot.node.origin.place) || spot.holder.is_some_and(|holder| is(holder.key))
        });
        let Some(found) = found else { return refuse("no item and no entry is written exactly there") };
        // What stands behind the tag of an intrinsic goes with it.
        match found.holder.and_then(|holder| holder.node.as_intrinsic()) {
            Some((name, _)) if name != "Condition" => match found.path.split_last() {
                Some((_, above)) => self.take(&self.at(above)?),
                None => refuse("the whole template cannot be removed"),
            },
            _ => self.take(&found),
        }
    }

    fn replace(&self, range: &Range<usize>, value: &Literal) -> Result<Option<Done>, Unwritable> {
        let exact = |spot: &Spot<'d>| spot.node.origin.place.is_some_and(|place| spot::range(place) == *range);
        let Some(spot) = self.root().find(self.text(), range, &exact) else {
            return self.replace_part(range, value).map(Some);
        };
        if deed::same(&deed::node(value), spot.node) {
            return Ok(None);
        }
        let parent = spot.path.split_last().map(|(_, above)| self.node(above)).unwrap_or_default();
        match parent.filter(|node| is_split(self.text(), node)) {
            // Half of `X.Arn`: written between no quotes of its own.
            Some(_) => self.spell(spot, range, value).map(Some),
            None => self.put(spot, value.clone()).map(Some),
        }
    }

    fn node(&self, path: &[Step]) -> Option<&'d Node> {
        path.iter().try_fold(&self.document.root, |node, step| match step {
            Step::Key(key) => node.get(key),
            Step::Item(index) => node.as_list()?.get(*index),
        })
    }

    /// Replaces a part of a text, such as one name within `${...}`.
    fn replace_part(&self, range: &Range<usize>, value: &Literal) -> Result<Done, Unwritable> {
        let within = |spot: &Spot<'d>| {
            let place = spot.node.origin.place.map(spot::range);
            spot.node.as_text().is_some() && place.is_some_and(|all| all.start <= range.start && range.end <= all.end)
        };
        match self.root().find(self.text(), range, &within) {
            Some(spot) => self.spell(spot, range, value),
            None => refuse("no value is written exactly there"),
        }
    }

    /// Replaces letters of a text that needs no quotes and no escapes there.
    fn spell(&self, spot: Spot<'d>, range: &Range<usize>, value: &Literal) -> Result<Done, Unwritable> {
        let safe = |c: char| c.is_ascii_alphanumeric() || "_.-/$:{}".contains(c);
        let (Literal::Text(new), Some(old)) = (value, spot.node.as_text()) else {
            return refuse("only words can be put into a text");
        };
        if !new.chars().all(safe) {
            return refuse("what is put into a text must need no quotes");
        }
        let all = spot.range(self.text())?;
        let written = self.text().get(all.clone()).unwrap_or_default();
        let quotes = usize::from(written.starts_with(['"', '\'']));
        let start = (range.start - all.start).checked_sub(quotes);
        let part = start.and_then(|start| old.get(start..start + range.len()).map(|part| (start, part)));
        match part {
            Some((start, part)) if Some(part) == self.text().get(range.clone()) => {
                let mut spelt = old.to_owned();
                spelt.replace_range(start..start + part.len(), new);
                Ok(((range.clone(), new.clone()), spot.path, Deed::Spell(spelt)))
            }
            _ => refuse("the text is not written letter by letter"),
        }
    }
}

/// Whether the two items of `Fn::GetAtt` are written as one word.
fn is_split(text: &str, list: &Node) -> bool {
    list.as_list().is_some() && !layout::written(text, list).starts_with(['[', '-'])
}

fn nested(path: &[Arc<str>], value: &Literal) -> Literal {
    path.iter().rev().fold(value.clone(), |value, key| Literal::Map(vec![(key.clone(), value)]))
}

fn literal(scalar: &Scalar) -> Literal {
    match scalar.meaning() {
        crate::Meaning::Bool(flag) => Literal::Flag(flag),
        crate::Meaning::Int(number) => Literal::Number(number),
        _ => Literal::Text(scalar.text.to_string()),
    }
}

/// The section that a new one stands behind.
fn section_before<'d>(root: &'d Node, key: &str) -> Neighbour<'d> {
    let rank = |name: &str| SECTIONS.iter().position(|section| *section == name);
    let Some(own) = rank(key) else { return Neighbour::Last };
    let sections = || root.as_map().into_iter().flat_map(crate::Map::keys);
    let earlier = sections().filter(|name| rank(name).is_some_and(|rank| rank < own)).last();
    match earlier {
        Some(name) => Neighbour::After(name),
        None => Neighbour::First,
    }
}

#[cfg(test)]
mod tests;
