//! What every reader says, whatever language it reads.

use std::{borrow::Cow, ops::Range, sync::Arc};

/// One step of a document.
#[derive(Debug)]
pub(super) enum Event<'t> {
    DocumentStart,
    DocumentEnd,
    Scalar { text: Cow<'t, str>, style: Style, about: About },
    ListStart(About),
    ListEnd,
    MapStart(About),
    MapEnd,
    Alias(Arc<str>),
}

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    /// Between quotes of either sort.
    Quoted,
    /// Lines below a `|` or `>`.
    Block,
}

/// What stands before a node.
#[derive(Debug, Default)]
pub(super) struct About {
    pub(super) anchor: Option<Arc<str>>,
    pub(super) tag: Option<Tag>,
}

/// A tag, by what we do with it.
#[derive(Debug)]
pub(super) enum Tag {
    /// `!GetAtt`: the short form of an intrinsic, without the exclamation mark.
    Short(Arc<str>),
    /// `!!str` or `!`: text, whatever it looks like.
    Text,
    /// `!!int`, `!!map` and whatever else changes nothing for us.
    Plain,
}

/// An event with the bytes it was read from. Starts include tag and anchor; ends of nested nodes are not to be relied
/// on.
pub(super) struct Step<'t> {
    pub(super) event: Event<'t>,
    pub(super) range: Range<usize>,
}

/// Why a reader stopped, and at which byte.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) message: String,
}

/// A reader.
pub(super) trait Reader<'t> {
    /// The next step; nothing at the end.
    fn next(&mut self) -> Result<Option<Step<'t>>, Fault>;
}

impl About {
    /// How many words stand before the node in the text.
    pub(super) fn words(&self) -> usize {
        usize::from(self.anchor.is_some()) + usize::from(self.tag.is_some())
    }
}

impl Tag {
    /// From handle and suffix joined: `!Ref`, `tag:yaml.org,2002:str`.
    pub(super) fn parse(full: &str) -> Self {
        match full.strip_prefix("tag:yaml.org,2002:") {
            Some("str") => Self::Text,
            Some(_) => Self::Plain,
            None => match full.strip_prefix('!') {
                Some("") => Self::Text,
                Some(name) if !name.starts_with('!') => Self::Short(name.into()),
                _ => Self::Plain,
            },
        }
    }
}
