//! Many fixes of one text. Reading the edited text again is what a fix costs, so fixes that lie apart are held against the
//! tree together, and only where that fails each by itself.

use std::ops::Range;

use brigandine_model::{Change, Edit};

use super::{
    Done, Unwritable, Written,
    deed::{self, Deed, Step, are_all},
    draft::Draft,
};
use crate::load::{Positions, load};

/// Most fixes that are held against the tree in one reading.
const MOST_TOGETHER: usize = 64;

/// How many changes are placed in the time of one reading.
const PLANS_IN_A_READING: usize = 16;

type Result = std::result::Result<Vec<Edit>, Unwritable>;

/// A fix whose changes lie apart, as they would be made in the text as it was written.
struct Planned {
    fix: usize,
    changes: Vec<Done>,
}

impl Written {
    /// What [`Written::edits`] says of each of these fixes, every one by itself. Once `most_read` bytes were read, the others
    /// are [`Unwritable::TooMuch`].
    pub fn edits_of_each(&self, fixes: &[&[Change]], most_read: usize) -> Vec<Result> {
        let mut work = Work {
            written: self,
            fixes,
            positions: Positions::new(&self.document.text),
            left: most_read,
            results: vec![Ok(Vec::new()); fixes.len()],
        };
        let mut waiting: Vec<Planned> = Vec::new();
        for (fix, changes) in fixes.iter().enumerate() {
            if !work.may_plan() {
                work.say(fix, Err(Unwritable::TooMuch));
                continue;
            }
            match self.planned(changes) {
                Some(changes) => waiting.push(Planned { fix, changes }),
                None => work.alone(fix),
            }
        }
        while !waiting.is_empty() {
            let (batch, later) = batch(waiting);
            work.together(&batch);
            waiting = later;
        }
        work.results
    }

    /// The changes as they would be made in the text as it was written, unless one may depend on another.
    fn planned(&self, changes: &[Change]) -> Option<Vec<Done>> {
        let untouched = Draft::new(&self.document.text);
        let mut planned: Vec<Done> = Vec::with_capacity(changes.len());
        for change in changes {
            let done = self.splice(&self.document, &untouched, change).ok()??;
            if !planned.iter().all(|other| are_apart(other, &done)) {
                return None;
            }
            planned.push(done);
        }
        Some(planned)
    }
}

/// Whether neither change reaches into what the other changes, in the text and in the tree.
fn are_apart(one: &Done, other: &Done) -> bool {
    let ((one_range, _), one_path, one_deed) = one;
    let ((other_range, _), other_path, other_deed) = other;
    // New entries of one map stand one behind the other, whichever comes first.
    let entries = matches!((one_deed, other_deed), (Deed::Insert(..), Deed::Insert(..)));
    let beside = entries && one_path == other_path && one_range.is_empty() && one_range == other_range;
    let in_text = one_range.end < other_range.start || other_range.end < one_range.start;
    (in_text || beside) && deed::are_apart((one_path, one_deed), (other_path, other_deed))
}

/// Fixes that all lie apart from each other, in their order, and the rest.
fn batch(waiting: Vec<Planned>) -> (Vec<Planned>, Vec<Planned>) {
    let (mut batch, mut later): (Vec<Planned>, Vec<Planned>) = (Vec::new(), Vec::new());
    for fix in waiting {
        let mut others = batch.iter().flat_map(|planned| &planned.changes);
        let fits = batch.len() < MOST_TOGETHER
            && others.all(|other| fix.changes.iter().all(|change| are_apart(other, change)));
        if fits { batch.push(fix) } else { later.push(fix) }
    }
    (batch, later)
}

struct Work<'w> {
    written: &'w Written,
    fixes: &'w [&'w [Change]],
    positions: Positions<'w>,
    /// Bytes that may still be read.
    left: usize,
    results: Vec<Result>,
}

impl Work<'_> {
    fn say(&mut self, fix: usize, result: Result) {
        if let Some(place) = self.results.get_mut(fix) {
            *place = result;
        }
    }

    /// Takes so many readings of the text from what is left.
    fn may_read(&mut self, times: usize) -> bool {
        self.may_take(self.written.document.text.len().saturating_mul(times))
    }

    /// Looking for the place of a change goes through the tree once, which is a small part of reading it.
    fn may_plan(&mut self) -> bool {
        self.may_take(self.written.document.text.len() / PLANS_IN_A_READING)
    }

    fn may_take(&mut self, bytes: usize) -> bool {
        let may = bytes <= self.left;
        self.left = self.left.saturating_sub(bytes);
        may
    }

    fn alone(&mut self, fix: usize) {
        let changes = self.fixes.get(fix).copied().unwrap_or_default();
        let result = if self.may_read(changes.len()) { self.written.edits(changes) } else { Err(Unwritable::TooMuch) };
        self.say(fix, result);
    }

    fn together(&mut self, batch: &[Planned]) {
        if !self.may_read(1) {
            for planned in batch {
                self.say(planned.fix, Err(Unwritable::TooMuch));
            }
            return;
        }
        let changes: Vec<&Done> = batch.iter().flat_map(|planned| &planned.changes).collect();
        let holds = self.holds(&changes);
        for planned in batch {
            if holds {
                let draft = self.draft(&planned.changes.iter().collect::<Vec<_>>());
                let edits = self.written.as_edits(&draft, &self.positions);
                self.say(planned.fix, Ok(edits));
            } else {
                self.alone(planned.fix);
            }
        }
    }

    /// Whether the text with these changes says what they ask for, and nothing else is different.
    fn holds(&self, changes: &[&Done]) -> bool {
        let Ok(after) = load(&self.written.file, self.draft(changes).text().as_bytes()) else { return false };
        let deeds: Vec<(&[Step], &Deed)> = changes.iter().map(|(_, path, deed)| (path.as_slice(), deed)).collect();
        are_all(&deeds, &self.written.document.root, &after.root)
    }

    /// The text with these changes, made from its end so that places before stay where they are, and in their order where they
    /// are made at one place.
    fn draft(&self, changes: &[&Done]) -> Draft<'_> {
        let mut splices: Vec<(&Range<usize>, &str)> =
            changes.iter().rev().map(|((range, text), _, _)| (range, text.as_str())).collect();
        splices.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
        let mut draft = Draft::new(&self.written.document.text);
        for (range, text) in splices {
            draft.replace(range.clone(), text);
        }
        draft
    }
}
