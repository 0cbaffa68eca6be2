//! What a match leaves behind for `TX:0` to `TX:9`.

use std::ops::Range;

/// How many groups `SecLang` keeps: the whole match and nine more.
const GROUPS: usize = 10;

/// The captured groups of the last match, `0` the whole of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Captures {
    groups: Vec<Group>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Group {
    /// The group took no part in the match.
    Unset,
    /// These bytes of the value.
    Span(Range<usize>),
    /// A text that is not a part of the value, such as a fingerprint.
    Text(Vec<u8>),
}

impl Captures {
    /// Forgets what was captured before.
    pub(crate) fn clear(&mut self) {
        self.groups.clear();
    }

    /// How many groups there are, at most ten; unset ones count.
    pub(crate) fn len(&self) -> usize {
        self.groups.len()
    }

    /// The text of a group in the value that was matched.
    pub(crate) fn text<'v>(&'v self, group: usize, value: &'v [u8]) -> Option<&'v [u8]> {
        match self.groups.get(group)? {
            Group::Unset => None,
            Group::Span(span) => value.get(span.clone()),
            Group::Text(text) => Some(text),
        }
    }

    /// Where in the value the whole match lies, if it lies there.
    pub(crate) fn span(&self) -> Option<Range<usize>> {
        match self.groups.first()? {
            Group::Span(span) => Some(span.clone()),
            _ => None,
        }
    }

    pub(super) fn push_span(&mut self, span: Option<Range<usize>>) {
        if self.groups.len() < GROUPS {
            self.groups.push(span.map_or(Group::Unset, Group::Span));
        }
    }

    pub(super) fn set_span(&mut self, span: Range<usize>) {
        self.clear();
        self.push_span(Some(span));
    }

    pub(super) fn set_text(&mut self, text: Vec<u8>) {
        self.groups = vec![Group::Text(text)];
    }
}
