//! Events in, tree out: one stack, no recursion, every bound checked on the way.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    ops::Range,
    sync::Arc,
};

use super::{
    Note,
    event::{About, Event, Fault, Reader, Step, Style, Tag},
    extent, intrinsic,
    position::Positions,
};
use crate::{Key, Kind, Map, Node, Origin, Place, Scalar};

/// Deepest nesting. Real templates stay under 60, and everything after this room may recurse.
pub(crate) const DEEPEST: usize = 200;
/// Most nodes, aliases counted as what they stand for.
pub(crate) const MOST_NODES: usize = 1_000_000;

pub(super) struct Tree {
    pub(super) root: Option<Node>,
    pub(super) notes: Vec<Note>,
    /// Places of all scalars, in text order.
    pub(super) scalars: Vec<Range<u32>>,
}

/// Why no tree came of it.
pub(super) enum Stop {
    /// The reader did not understand the text: another one may.
    Reader(Fault),
    /// The text is understood and refused.
    Refused(Fault),
}

pub(super) fn tree<'t>(reader: &mut dyn Reader<'t>, text: &'t str, positions: &Positions<'t>) -> Result<Tree, Stop> {
    let mut builder = Builder::new(text, positions);
    while let Some(step) = reader.next().map_err(Stop::Reader)? {
        let at = step.range.start;
        if matches!(step.event, Event::DocumentEnd) {
            // Only the first document counts, so a fault further on is no fault.
            if !matches!(reader.next(), Ok(None)) {
                builder.notes.push(Note::FurtherDocuments { place: positions.place(step.range) });
            }
            break;
        }
        builder.take(step).map_err(|message| Stop::Refused(Fault { at, message: message.into_owned() }))?;
    }
    builder.scalars.sort_unstable_by_key(|range| range.start);
    Ok(Tree { root: builder.root.map(|built| built.node), notes: builder.notes, scalars: builder.scalars })
}

type Refusal = Cow<'static, str>;

struct Builder<'t, 'p> {
    text: &'t str,
    positions: &'p Positions<'t>,
    open: Vec<Frame>,
    anchors: HashMap<Arc<str>, Built>,
    root: Option<Built>,
    nodes: usize,
    notes: Vec<Note>,
    scalars: Vec<Range<u32>>,
}

/// A finished node with its measures.
#[derive(Clone)]
struct Built {
    node: Node,
    size: usize,
    height: usize,
    /// Its bytes, tag and anchor included.
    range: Range<usize>,
}

/// An open collection.
struct Frame {
    about: About,
    start: usize,
    inner_start: usize,
    content: Content,
    size: usize,
    height: usize,
    /// End of the last thing inside.
    end: usize,
}

enum Content {
    List(Vec<Node>),
    Map { entries: Vec<(Key, Node)>, key: Option<Key> },
}

impl<'t, 'p> Builder<'t, 'p> {
    fn new(text: &'t str, positions: &'p Positions<'t>) -> Self {
        Self {
            text,
            positions,
            open: Vec::new(),
            anchors: HashMap::new(),
            root: None,
            nodes: 0,
            notes: Vec::new(),
            scalars: Vec::new(),
        }
    }

    fn take(&mut self, step: Step<'t>) -> Result<(), Refusal> {
        match step.event {
            Event::DocumentStart | Event::DocumentEnd => Ok(()),
            Event::Scalar { text, style, about } => self.scalar(&text, style, about, &step.range),
            Event::Alias(anchor) => self.alias(&anchor, step.range),
            Event::ListStart(about) => self.enter(Content::List(Vec::new()), about, step.range),
            Event::MapStart(about) => self.enter(Content::Map { entries: Vec::new(), key: None }, about, step.range),
            Event::ListEnd | Event::MapEnd => self.leave(),
        }
    }

    fn charge(&mut self, nodes: usize) -> Result<(), Refusal> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MOST_NODES {
            return Err(format!("the template grows beyond {MOST_NODES} values").into());
        }
        Ok(())
    }

    fn check_depth(&self, height: usize) -> Result<(), Refusal> {
        if self.open.len() + height > DEEPEST {
            return Err(format!("values are nested more than {DEEPEST} deep").into());
        }
        Ok(())
    }

    fn scalar(&mut self, text: &str, style: Style, about: About, range: &Range<usize>) -> Result<(), Refusal> {
        self.charge(1)?;
        self.check_depth(3)?;
        let inner = self.scalar_range(range, about.words(), style, text);
        let place = self.positions.place(inner.clone());
        self.scalars.push(place.start..place.end);
        let plain = match about.tag {
            Some(Tag::Text) => false,
            _ => style == Style::Plain,
        };
        let node = Node { kind: Kind::Scalar(Scalar { text: text.into(), plain }), origin: Origin::written(place) };
        let start = if about.words() > 0 { range.start } else { inner.start };
        self.finish(Built { node, size: 1, height: 1, range: start..inner.end }, about)
    }

    /// The bytes of the scalar alone: without tag and anchor before it, without blanks and comments after it. Readers
    /// differ about where quoted and block scalars start and end, so only plain ones are taken as they say.
    fn scalar_range(&self, range: &Range<usize>, words: usize, style: Style, text: &str) -> Range<usize> {
        let start = self.skip_words(range.start, words);
        match style {
            Style::Plain if text.is_empty() => {
                let at = self.empty_at(start, words);
                at..at
            }
            Style::Quoted if let Some(end) = extent::quoted_end(self.text, start) => start..end,
            Style::Block => {
                let header = extent::block_start(self.text, start);
                header..extent::block_end(self.text, header, text)
            }
            _ => {
                let end = range.end.max(start);
                start..start + self.text.get(start..end).unwrap_or_default().trim_end().len()
            }
        }
    }

    /// An empty value stands right behind its key where it has one.
    fn empty_at(&self, start: usize, words: usize) -> usize {
        match self.open.last() {
            Some(Frame { content: Content::Map { key: Some(key), .. }, .. }) if words == 0 => {
                key.origin.place.map_or(start, |place| place.end as usize)
            }
            _ => start,
        }
    }

    /// A dash belongs to its list, although readers differ about that. A list that is no item has the first of its line.
    fn dash(&self, start: usize) -> usize {
        let before = self.text.get(..start).unwrap_or_default();
        let before = before.trim_end_matches([' ', '\t']);
        if let Some(Frame { content: Content::List(_), .. }) = self.open.last() {
            let byte = self.text.as_bytes().get(start);
            let own = !matches!(byte, Some(b'-' | b'[')) && before.ends_with('-');
            return if own { before.len() - 1 } else { start };
        }
        let dashes = before.trim_end_matches(['-', ' ', '\t']);
        match before.get(dashes.len()..).and_then(|lead| lead.find('-')) {
            Some(at) if dashes.is_empty() || dashes.ends_with(['\n', '\r']) => dashes.len() + at,
            _ => start,
        }
    }

    fn skip_words(&self, start: usize, words: usize) -> usize {
        let mut at = start;
        for _ in 0..words {
            let rest = self.text.get(at..).unwrap_or_default();
            let word = match rest.strip_prefix("!<") {
                Some(tag) => tag.find('>').map(|end| end + "!<>".len()),
                None => rest.find(|next: char| next.is_whitespace() || matches!(next, ',' | ']' | '}')),
            };
            at += word.unwrap_or(rest.len());
            at += self.blank(at);
        }
        at
    }

    /// Length of the blanks and comments at `at`.
    fn blank(&self, at: usize) -> usize {
        let rest = self.text.get(at..).unwrap_or_default();
        let mut left = rest.trim_start();
        while left.starts_with('#') {
            left = left.find('\n').and_then(|end| left.get(end..)).unwrap_or_default().trim_start();
        }
        rest.len() - left.len()
    }

    fn alias(&mut self, anchor: &Arc<str>, range: Range<usize>) -> Result<(), Refusal> {
        let Some(built) = self.anchors.get(anchor) else {
            return Err("this alias refers to nothing, or to what it is part of".into());
        };
        let (size, height) = (built.size, built.height);
        self.check_depth(height)?;
        self.charge(size)?;
        let mut copy = self.anchors.get(anchor).cloned().ok_or("this alias refers to nothing")?;
        copy.range = range;
        self.finish(copy, About::default())
    }

    fn enter(&mut self, content: Content, about: About, range: Range<usize>) -> Result<(), Refusal> {
        self.charge(1)?;
        self.check_depth(3)?;
        if let Some(Frame { content: Content::Map { key: None, .. }, .. }) = self.open.last() {
            return Err("a key must be plain text, not a list or a map".into());
        }
        let mut inner_start = self.skip_words(range.start, about.words());
        if matches!(content, Content::List(_)) {
            inner_start = self.dash(inner_start);
        }
        self.open.push(Frame {
            start: range.start.min(inner_start),
            inner_start,
            end: range.end.max(inner_start),
            about,
            content,
            size: 1,
            height: 1,
        });
        Ok(())
    }

    fn leave(&mut self) -> Result<(), Refusal> {
        let Some(frame) = self.open.pop() else { return Ok(()) };
        let end = self.collection_end(&frame);
        let place = self.positions.place(frame.inner_start..end);
        let kind = match frame.content {
            Content::List(items) => Kind::List(items),
            Content::Map { entries, .. } => Kind::Map(self.map(entries)?),
        };
        let mut node = Node { kind, origin: Origin::written(place) };
        intrinsic::normalise(&mut node);
        let built = Built { node, size: frame.size, height: frame.height, range: frame.start..end };
        self.finish(built, frame.about)
    }

    /// Bracketed collections end with their bracket, others with their last value. Readers run on over the comment
    /// behind a bracket, so it is looked for.
    fn collection_end(&self, frame: &Frame) -> usize {
        let closing = match self.text.as_bytes().get(frame.inner_start) {
            Some(b'{') => b'}',
            Some(b'[') => b']',
            _ => return frame.end,
        };
        let mut at = frame.end.max(frame.inner_start + 1);
        loop {
            at += self.blank(at);
            match self.text.as_bytes().get(at) {
                // What stands round an empty value.
                Some(b',' | b':' | b'?') => at += 1,
                Some(byte) if *byte == closing => return at + 1,
                _ => return frame.end,
            }
        }
    }

    fn map(&mut self, entries: Vec<(Key, Node)>) -> Result<Map, Refusal> {
        let mut map = Map::with_capacity(entries.len());
        let merges = entries.iter().any(|(key, _)| &*key.text == "<<");
        if merges {
            self.merge(&mut map, &entries)?;
        }
        let mut written = HashSet::new();
        for (key, node) in entries {
            if &*key.text == "<<" {
                continue;
            }
            let (text, place) = (key.text.clone(), key.origin.place);
            let stood = map.insert_key(key, node).is_some();
            // What was merged in may be said again.
            let twice = if merges { !written.insert(text.clone()) } else { stood };
            if twice {
                self.notes
                    .push(Note::DuplicateKey { key: text, place: place.unwrap_or_else(|| self.positions.place(0..0)) });
            }
        }
        Ok(map)
    }

    /// `<<`: what the named maps hold and this one does not say itself; earlier maps win.
    fn merge(&mut self, map: &mut Map, entries: &[(Key, Node)]) -> Result<(), Refusal> {
        for (_, value) in entries.iter().filter(|(key, _)| &*key.text == "<<") {
            let sources = match &value.kind {
                Kind::List(items) => items.as_slice(),
                _ => std::slice::from_ref(value),
            };
            for source in sources {
                let Some(source) = source.as_map() else {
                    return Err("`<<` takes a map or a list of maps".into());
                };
                self.charge(source.len())?;
                for (text, origin, node) in source.entries() {
                    if !map.contains_key(text) {
                        map.insert_key(Key { text: text.clone(), origin: origin.clone() }, node.clone());
                    }
                }
            }
        }
        Ok(())
    }

    /// Gives a finished node its tag and anchor, and puts it where it belongs.
    fn finish(&mut self, mut built: Built, about: About) -> Result<(), Refusal> {
        if let Some(Tag::Short(name)) = &about.tag {
            let place = self.positions.place(built.range.clone());
            built.node = intrinsic::long_form(name, built.node, place);
            built.size += 1;
            built.height += 2;
            self.charge(1)?;
        }
        if let Some(anchor) = about.anchor {
            self.charge(built.size)?;
            self.anchors.insert(anchor, built.clone());
        }
        self.place(built)
    }

    fn place(&mut self, built: Built) -> Result<(), Refusal> {
        let Some(frame) = self.open.last_mut() else {
            self.root = Some(built);
            return Ok(());
        };
        frame.end = frame.end.max(built.range.end);
        frame.size += built.size;
        frame.height = frame.height.max(built.height + 1);
        match &mut frame.content {
            Content::List(items) => items.push(built.node),
            Content::Map { entries, key } => match key.take() {
                Some(key) => entries.push((key, built.node)),
                None => *key = Some(key_of(built.node)?),
            },
        }
        Ok(())
    }
}

fn key_of(node: Node) -> Result<Key, Refusal> {
    match node.kind {
        Kind::Scalar(scalar) => Ok(Key { text: scalar.text, origin: node.origin }),
        _ => Err("a key must be plain text, not an intrinsic, a list or a map".into()),
    }
}

/// The place of part of a scalar that stands in the text letter by letter; the whole place where it does not.
pub(super) fn part(whole: Place, text: &str, part: Range<usize>) -> Place {
    if (whole.end - whole.start) as usize != text.len() {
        return whole;
    }
    let before = text.get(..part.start).unwrap_or_default();
    let shift = |offset: usize| whole.start + u32::try_from(offset).unwrap_or(0);
    Place {
        start: shift(part.start),
        end: shift(part.end),
        line: whole.line,
        column: whole.column + u32::try_from(before.chars().count()).unwrap_or(0),
    }
}
