//! A text under change: what is kept of the original, and what is new between. Several changes made one after the other
//! come out as edits of the original that do not overlap.

use std::ops::Range;

pub(super) struct Draft<'t> {
    original: &'t str,
    pieces: Vec<Piece>,
}

enum Piece {
    Kept(Range<usize>),
    New(String),
}

impl Piece {
    fn len(&self) -> usize {
        match self {
            Self::Kept(range) => range.len(),
            Self::New(text) => text.len(),
        }
    }

    /// Both sides of `at`, which counts from the piece's start.
    fn cut(self, at: usize) -> (Self, Self) {
        match self {
            Self::Kept(range) => {
                let middle = range.start + at.min(range.len());
                (Self::Kept(range.start..middle), Self::Kept(middle..range.end))
            }
            Self::New(mut text) => {
                let tail = text.split_off(at.min(text.len()));
                (Self::New(text), Self::New(tail))
            }
        }
    }
}

impl<'t> Draft<'t> {
    pub(super) fn new(original: &'t str) -> Self {
        Self { original, pieces: vec![Piece::Kept(0..original.len())] }
    }

    /// The text as it stands now.
    pub(super) fn text(&self) -> String {
        let of = |piece: &Piece| match piece {
            Piece::Kept(range) => self.original.get(range.clone()).unwrap_or_default().to_owned(),
            Piece::New(text) => text.clone(),
        };
        self.pieces.iter().map(of).collect()
    }

    /// Puts `text` in the place of a stretch of the text as it stands now, whose ends are character borders.
    pub(super) fn replace(&mut self, range: Range<usize>, text: &str) {
        let (mut before, mut after) = (Vec::new(), Vec::new());
        let mut at = 0;
        for piece in self.pieces.drain(..) {
            let (start, end) = (at, at + piece.len());
            at = end;
            let (head, rest) = piece.cut(range.start.saturating_sub(start));
            let cut = range.end.max(start).min(end) - (start + head.len());
            let (_, tail) = rest.cut(cut);
            if start < range.start || start == 0 && range.start == 0 {
                before.push(head);
            }
            if end > range.end {
                after.push(tail);
            }
        }
        before.retain(|piece| piece.len() > 0);
        before.push(Piece::New(text.to_owned()));
        before.append(&mut after);
        before.retain(|piece| piece.len() > 0);
        self.pieces = before;
    }

    /// Where a stretch of the original stands now; nothing when a change reached into it from outside, or swallowed it.
    pub(super) fn now(&self, original: &Range<usize>) -> Option<Range<usize>> {
        let (mut start, mut end, mut at) = (None, None, 0);
        for piece in &self.pieces {
            if let Piece::Kept(kept) = piece {
                let touches_start = kept.contains(&original.start) || original.is_empty() && kept.end == original.start;
                if start.is_none() && touches_start {
                    start = Some(at + original.start - kept.start);
                }
                if kept.start < original.end && original.end <= kept.end {
                    end = Some(at + original.end - kept.start);
                }
            }
            at += piece.len();
        }
        let start = start?;
        let end = if original.is_empty() { start } else { end? };
        (start <= end).then_some(start..end)
    }

    /// The edits of the original that lead to the text as it stands now.
    pub(super) fn edits(&self) -> Vec<(Range<usize>, String)> {
        let mut edits = Vec::new();
        let (mut at, mut new) = (0, String::new());
        for piece in &self.pieces {
            match piece {
                Piece::New(text) => new.push_str(text),
                Piece::Kept(range) => {
                    if range.start > at || !new.is_empty() {
                        edits.push((at..range.start, std::mem::take(&mut new)));
                    }
                    at = range.end;
                }
            }
        }
        if at < self.original.len() || !new.is_empty() {
            edits.push((at..self.original.len(), new));
        }
        edits
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn stretches_of_the_original_are_found_again() {
        let mut draft = Draft::new("abcdef");
        draft.replace(2..3, "XYZ");
        assert_eq!(draft.text(), "abXYZdef");
        assert_eq!(draft.now(&(0..2)), Some(0..2));
        assert_eq!(draft.now(&(3..6)), Some(5..8));
        assert_eq!(draft.now(&(1..4)), Some(1..6));
        assert_eq!(draft.now(&(2..3)), None);
        assert_eq!(draft.now(&(2..4)), None);
        draft.replace(8..8, "!");
        assert_eq!(draft.edits(), [(2..3, "XYZ".to_owned()), (6..6, "!".to_owned())]);
    }

    proptest! {
        #[test]
        fn edits_lead_to_the_text(changes in proptest::collection::vec((0usize..40, 0usize..10, "[A-Z]{0,4}"), 0..8)) {
            let original = "abcdefghijklmnopqrstuvwxyz";
            let mut draft = Draft::new(original);
            let mut wanted = original.to_owned();
            for (start, length, text) in changes {
                let start = start.min(wanted.len());
                let end = (start + length).min(wanted.len());
                wanted.replace_range(start..end, &text);
                draft.replace(start..end, &text);
                prop_assert_eq!(draft.text(), wanted.as_str());
            }
            let edits = draft.edits();
            prop_assert!(edits.windows(2).all(|pair| pair[0].0.end < pair[1].0.start));
            let mut edited = original.to_owned();
            for (range, text) in edits.into_iter().rev() {
                edited.replace_range(range, &text);
            }
            prop_assert_eq!(edited, wanted);
        }
    }
}
