//! One deed as one replacement in the text: in blocks by lines, in brackets by commas.

use std::{ops::Range, sync::Arc};

use brigandine_model::Literal;

use super::{
    Unwritable,
    deed::Step,
    layout::{Layout, indentation, written},
    lines::{before, colon, column, line_end, line_start, next_line},
    render::Pen,
    spot::{Spot, range},
};
use crate::{Kind, Node, load::Document};

/// What is put in the place of which bytes.
pub(super) type Splice = (Range<usize>, String);

/// Longest list or map that stays within brackets when it replaces one that was.
const WIDEST: usize = 80;

fn refuse<T>(why: &str) -> Result<T, Unwritable> {
    Err(Unwritable::NoPlace(why.to_owned()))
}

/// Writes into one text.
pub(super) struct Writer<'d> {
    pub(super) document: &'d Document,
    pub(super) layout: &'d Layout,
}

/// A part of a map or list, as it stands in the text.
struct Part {
    /// From the key, or the item.
    start: usize,
    /// One past the value.
    end: usize,
    name: Option<Arc<str>>,
}

impl Writer<'_> {
    fn text(&self) -> &str {
        &self.document.text
    }

    /// Within brackets the neighbours say whether words are quoted.
    fn pen(&self, near: &Node) -> Pen<'_> {
        let quotes = written(self.text(), near).trim_start_matches(['{', '[', ' ', '\t', '\r', '\n']).starts_with('"');
        let maps = written(self.text(), near).starts_with('{');
        Pen { layout: self.layout, strict: self.layout.json || quotes && maps }
    }

    fn block_pen(&self) -> Pen<'_> {
        Pen { layout: self.layout, strict: false }
    }

    /// Intrinsics in the words the text has for them.
    fn worded(&self, value: &Literal) -> Literal {
        if self.layout.short && !self.layout.json { shortened(value) } else { value.clone() }
    }

    /// Puts a value in the place of another.
    pub(super) fn put(&self, spot: &Spot<'_>, value: &Literal) -> Result<Splice, Unwritable> {
        let Some(holder) = spot.holder else { return refuse("the whole template cannot be replaced") };
        let value = &self.worded(value);
        let old = spot.range()?;
        if spot.bracketed {
            if old.is_empty() {
                return refuse("there is no value between the commas");
            }
            return Ok((old.clone(), self.put_within(holder.node, value, &old)));
        }
        let line = self.one_line(spot.node, value);
        if written(self.text(), holder.node).starts_with('!') {
            let Some(line) = line else { return refuse("behind a tag only one word can be replaced") };
            return Ok((old, line));
        }
        match holder.key {
            Some(key) => self.put_under_key(&range(key), &old, value, line),
            None if old.is_empty() => refuse("there is nothing behind the dash"),
            None => {
                let item = || self.block_pen().item(value, column(self.text(), old.start));
                Ok((old.clone(), line.unwrap_or_else(item)))
            }
        }
    }

    fn put_within(&self, holder: &Node, value: &Literal, old: &Range<usize>) -> String {
        let pen = self.pen(holder);
        match value {
            Literal::Text(text) => pen.like(self.text().get(old.clone()).unwrap_or_default(), text, true),
            _ if self.layout.json => pen.tall(value, indentation(self.text(), old.start)),
            _ => pen.within(value),
        }
    }

    /// The value as one line, when it can be one or its predecessor was.
    fn one_line(&self, old: &Node, value: &Literal) -> Option<String> {
        let pen = self.block_pen();
        let was = written(self.text(), old);
        match value {
            Literal::Text(text) => Some(pen.like(was, text, false)),
            Literal::List(items) if was.starts_with('[') && was.len() > 2 && !items.is_empty() => {
                let line = self.pen(old).within(value);
                Some(line).filter(|line| line.len() <= WIDEST)
            }
            _ => pen.line(value),
        }
    }

    fn put_under_key(
        &self,
        key: &Range<usize>,
        old: &Range<usize>,
        value: &Literal,
        line: Option<String>,
    ) -> Result<Splice, Unwritable> {
        let text = self.text();
        let Some(colon) = colon(text, key.end) else { return refuse("no colon follows the key") };
        let nothing = old.is_empty();
        let gap = if nothing { "" } else { text.get(colon..old.start).unwrap_or_default() };
        let below = gap.contains(['\n', '\r']);
        let block = || self.block_pen().after_colon(value, column(text, key.start));
        Ok(match line {
            Some(line) if nothing => (colon..colon, format!(" {line}")),
            Some(line) if below && !gap.contains('#') => (colon..old.end, format!(" {line}")),
            Some(line) => (old.clone(), line),
            None if nothing => {
                let end = line_end(text, colon);
                (end..end, block())
            }
            None if below => {
                let end = text.get(..line_start(text, old.start)).unwrap_or_default().trim_end().len();
                (end..old.end, block())
            }
            None => (colon..old.end, block()),
        })
    }

    /// Adds an entry to a map, behind the one named, or else behind all others.
    pub(super) fn insert(
        &self,
        spot: &Spot<'_>,
        key: &Arc<str>,
        value: &Literal,
        neighbour: Neighbour<'_>,
    ) -> Result<Splice, Unwritable> {
        if key.len() > 500 || key.contains(['\n', '\r']) {
            return refuse("the key is too long for one line");
        }
        let parts = parts(spot.node)?;
        let Some(last) = parts.last() else {
            return self.put(spot, &Literal::Map(vec![(key.clone(), value.clone())]));
        };
        if spot.is_bracketed_within(self.text()) {
            let named = |name: &str| parts.iter().find(|part| part.name.as_deref() == Some(name));
            let after = match neighbour {
                Neighbour::After(name) => named(name).unwrap_or(last),
                _ => last,
            };
            return Ok(self.insert_within(spot.node, &parts, after, Some(key), &self.worded(value)));
        }
        let value = &self.worded(value);
        let text = self.text();
        let first = parts.first().unwrap_or(last);
        let indent = column(text, first.start);
        if before(text, first.start).contains('\t') {
            return refuse("the map is indented by tabs");
        }
        let entry = self.block_pen().entry(key, value, indent);
        let air = if spot.path.len() < 2 && self.is_spaced(&parts) { self.layout.newline } else { "" };
        if let Neighbour::First = neighbour {
            return Ok((first.start..first.start, format!("{entry}{}{air}{:indent$}", self.layout.newline, "")));
        }
        let behind = match neighbour {
            Neighbour::After(name) => parts.iter().find(|part| part.name.as_deref() == Some(name)).map(|part| part.end),
            _ => None,
        };
        let end = match behind {
            Some(end) => end,
            None => spot.range()?.end.max(last.end),
        };
        let at = line_end(text, end);
        Ok((at..at, format!("{air}{}", self.block_pen().break_to(indent, &entry))))
    }

    /// Whether a blank line stands between the entries.
    fn is_spaced(&self, parts: &[Part]) -> bool {
        let [.., one, other] = parts else { return false };
        let between = self.text().get(one.end..other.start).unwrap_or_default();
        between.replace("\r\n", "\n").split(['\n', '\r']).skip(1).any(|line| line.trim().is_empty() && !line.is_empty())
            || between.contains("\n\n")
            || between.contains("\n\r\n")
            || between.contains("\r\r")
    }

    /// Adds an entry or an item behind another within brackets.
    fn insert_within(&self, node: &Node, parts: &[Part], after: &Part, key: Option<&str>, value: &Literal) -> Splice {
        let text = self.text();
        let pen = self.pen(node);
        let alone = before(text, after.start).trim().is_empty();
        let spread = alone || parts.first().is_some_and(|first| before(text, first.start).trim().is_empty());
        let indent = indentation(text, after.start);
        let written = match (key, spread && self.layout.json) {
            (Some(key), true) => format!("{}{}{}", pen.word(key), pen.colon(), pen.tall(value, indent)),
            (Some(key), false) => pen.pair(key, value),
            (None, true) => pen.tall(value, indent),
            (None, false) => pen.within(value),
        };
        let separator = match (alone, self.layout.airy) {
            (true, _) => format!(",{}{indent}", self.layout.newline),
            (false, true) => ", ".to_owned(),
            (false, false) => ",".to_owned(),
        };
        // A comma of its own behind the last value stays where it is.
        (after.end..after.end, format!("{separator}{written}"))
    }

    /// Adds an item to a list.
    pub(super) fn push(&self, spot: &Spot<'_>, value: &Literal) -> Result<Splice, Unwritable> {
        let parts = parts(spot.node)?;
        let Some(last) = parts.last() else {
            return self.put(spot, &Literal::List(vec![value.clone()]));
        };
        let value = &self.worded(value);
        if spot.is_bracketed_within(self.text()) {
            return Ok(self.insert_within(spot.node, &parts, last, None, value));
        }
        let text = self.text();
        let range = spot.range()?;
        if before(text, range.start).contains('\t') {
            return refuse("the list is indented by tabs");
        }
        let indent = column(text, range.start);
        let item = format!("- {}", self.block_pen().item(value, indent + 2));
        let at = line_end(text, range.end);
        Ok((at..at, self.block_pen().break_to(indent, &item)))
    }

    /// Takes an entry or an item away.
    pub(super) fn take(&self, spot: &Spot<'_>, step: &Step) -> Result<Splice, Unwritable> {
        if self.document.notes.iter().any(|note| matches!(note, crate::load::Note::DuplicateKey { .. })) {
            return refuse("a key stands twice in the template, so that taking one away may bring back the other");
        }
        let parts = parts(spot.node)?;
        let at = parts.iter().position(|part| match step {
            Step::Key(key) => part.name.as_ref() == Some(key),
            Step::Item(_) => false,
        });
        let at = match step {
            Step::Item(index) => Some(*index),
            Step::Key(_) => at,
        };
        let Some((at, part)) = at.and_then(|at| Some((at, parts.get(at)?))) else {
            return refuse("what is to be taken away is not written here");
        };
        let next = parts.get(at + 1);
        let previous = at.checked_sub(1).and_then(|at| parts.get(at));
        if next.is_none() && previous.is_none() {
            let empty = if spot.node.as_map().is_some() { Literal::Map(Vec::new()) } else { Literal::List(Vec::new()) };
            return self.put(spot, &empty);
        }
        if spot.is_bracketed_within(self.text()) {
            return Ok(match (previous, next) {
                (_, Some(next)) => (part.start..next.start, String::new()),
                (Some(previous), None) => (previous.end..part.end, String::new()),
                (None, None) => (part.start..part.end, String::new()),
            });
        }
        Ok(self.take_lines(part, next))
    }

    fn take_lines(&self, part: &Part, next: Option<&Part>) -> Splice {
        let text = self.text();
        let lead = before(text, part.start);
        let alone = lead.trim().is_empty() || part.name.is_none() && lead.trim() == "-";
        match next {
            Some(next) if !alone => (part.start..next.start, String::new()),
            _ => {
                let (start, end) = (line_start(text, part.start), next_line(text, part.end));
                let last = line_end(text, part.end) == text.len();
                let start = if last {
                    text.get(..start).unwrap_or_default().trim_end_matches(['\n', '\r']).len()
                } else {
                    start
                };
                (start..end, String::new())
            }
        }
    }
}

/// The entries or items that are written here, in the order of the text.
fn parts(node: &Node) -> Result<Vec<Part>, Unwritable> {
    let Some(whole) = node.origin.place.map(range) else { return refuse("nobody wrote this value") };
    let mut parts = Vec::new();
    let mut add = |start: Option<crate::Place>, end: Option<crate::Place>, name: Option<Arc<str>>| {
        if let (Some(start), Some(end)) = (start.map(range), end.map(range))
            && whole.start <= start.start
            && end.end <= whole.end
            && start.start <= end.end
        {
            parts.push(Part { start: start.start, end: end.end, name });
            true
        } else {
            false
        }
    };
    match &node.kind {
        Kind::Scalar(_) => {}
        Kind::List(items) => {
            for item in items {
                if !add(item.origin.place, item.origin.place, None) {
                    return refuse("an item of the list is an alias");
                }
            }
        }
        Kind::Map(map) => {
            for (key, origin, value) in map.entries() {
                add(origin.place, value.origin.place, Some(key.clone()));
            }
            if parts.is_empty() && !map.is_empty() {
                return refuse("all entries of the map are written elsewhere");
            }
        }
    }
    parts.sort_by_key(|part| part.start);
    Ok(parts)
}

/// Beside which entry a new one goes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Neighbour<'k> {
    First,
    Last,
    After(&'k str),
}

/// `{Fn::GetAtt: [X, Arn]}` as `{Fn::GetAtt: X.Arn}`, all the way down.
fn shortened(value: &Literal) -> Literal {
    match value {
        Literal::List(items) => Literal::List(items.iter().map(shortened).collect()),
        Literal::Map(entries) => {
            if let [(name, Literal::List(items))] = entries.as_slice()
                && &**name == "Fn::GetAtt"
                && let [Literal::Text(resource), Literal::Text(attribute)] = items.as_slice()
                && !resource.contains('.')
            {
                return Literal::Map(vec![(name.clone(), Literal::Text(format!("{resource}.{attribute}")))]);
            }
            Literal::Map(entries.iter().map(|(key, value)| (key.clone(), shortened(value))).collect())
        }
        _ => value.clone(),
    }
}
