//! The working memory of one request, kept and reused for the next.

use std::collections::HashMap;

use crate::plan::{Plan, Side, Sifting};
use crate::ruleset::{RuleBits, RuleSet};
use crate::seclang::target::Targets;
use crate::strings::{StringId, Strings};
use crate::transform::Transformation;
use crate::variable::Variable;

/// A named value of a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) key: StringId,
    /// The name in lower case, since rules compare names so.
    pub(crate) lower: StringId,
    pub(crate) value: StringId,
}

/// A value that a rule looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) variable: Variable,
    /// `None` for a variable that is one value.
    pub(crate) key: Option<StringId>,
    pub(crate) value: StringId,
}

/// A value of a group with its text after transformations.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) found: Found,
    pub(crate) text: StringId,
}

/// The values of a group in this request.
#[derive(Debug, Default)]
pub(crate) struct GroupRoom {
    /// The generation of values it was collected from; 0 for never.
    pub(crate) generation: u32,
    pub(crate) entries: Vec<Entry>,
    /// Operators that could match any of its texts.
    pub(crate) any: Vec<u64>,
}

/// Memory that inspections use; keep one per worker and hand it to each in turn.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(crate) strings: Strings,
    pub(crate) table: Vec<Vec<Item>>,
    pub(crate) slots: Vec<Option<StringId>>,
    /// Members of TX without a slot, in order, with their lower-case names.
    pub(crate) more: Vec<(StringId, Option<StringId>)>,
    pub(crate) more_at: HashMap<StringId, usize>,
    pub(crate) groups: Vec<GroupRoom>,
    pub(crate) removed: RuleBits,
    pub(crate) removed_targets: Vec<(RuleBits, Targets)>,
    pub(crate) retargeted: RuleBits,
    pub(crate) matched: Vec<Found>,
    steps: Rows<u32>,
    sifted: [Rows<u64>; 2],
    sifting: Sifting,
}

/// Rows of equal width that some texts have.
#[derive(Debug, Default)]
struct Rows<T> {
    /// For each text the number of its row plus one, or zero.
    row_of: Vec<u32>,
    cells: Vec<T>,
}

impl<T: Copy> Rows<T> {
    fn clear(&mut self) {
        self.row_of.clear();
        self.cells.clear();
    }

    /// The start of the row of a text, and whether it is new.
    fn row(&mut self, id: StringId, width: usize, empty: T) -> (usize, bool) {
        if self.row_of.len() <= id.index() {
            self.row_of.resize(id.index() + 1, 0);
        }
        let Some(row) = self.row_of.get_mut(id.index()) else { return (0, false) };
        if *row != 0 {
            return (usize::try_from(*row - 1).unwrap_or(0) * width, false);
        }
        let start = self.cells.len();
        *row = u32::try_from(start.checked_div(width).unwrap_or(0) + 1).unwrap_or(u32::MAX);
        self.cells.resize(start + width, empty);
        (start, true)
    }
}

impl Scratch {
    /// Forgets the last request.
    pub(crate) fn reset(&mut self, rules: &RuleSet) {
        self.strings.start_from(&rules.base);
        self.table.resize_with(Variable::COUNT, Vec::new);
        self.table.iter_mut().for_each(Vec::clear);
        self.slots.clear();
        self.slots.resize(rules.slot_names.len(), None);
        self.more.clear();
        self.more_at.clear();
        self.groups.resize_with(rules.plan.groups.len(), GroupRoom::default);
        self.groups.iter_mut().for_each(|group| group.generation = 0);
        self.removed.reset(rules.rules.len());
        self.retargeted.reset(rules.rules.len());
        self.removed_targets.clear();
        self.matched.clear();
        self.steps.clear();
        self.sifted.iter_mut().for_each(Rows::clear);
    }

    /// A text in ASCII lower case.
    pub(crate) fn lower(&mut self, id: StringId) -> StringId {
        let bytes = self.strings.bytes(id);
        if bytes.iter().any(u8::is_ascii_uppercase) {
            let lower = bytes.to_ascii_lowercase();
            return self.strings.add(&lower);
        }
        id
    }

    /// Adds a member to a collection, or the value of a single variable.
    pub(crate) fn push(&mut self, variable: Variable, key: &[u8], value: &[u8]) {
        let key = self.strings.add(key);
        let value = self.strings.add(value);
        self.push_ids(variable, key, value);
    }

    /// The same with texts that are already kept.
    pub(crate) fn push_ids(&mut self, variable: Variable, key: StringId, value: StringId) {
        let lower = self.lower(key);
        if let Some(items) = self.table.get_mut(variable as usize) {
            items.push(Item { key, lower, value });
        }
    }

    /// Replaces the value of a single variable.
    pub(crate) fn set(&mut self, variable: Variable, value: &[u8]) {
        if let Some(items) = self.table.get_mut(variable as usize) {
            items.clear();
        }
        self.push(variable, b"", value);
    }

    pub(crate) fn items(&self, variable: Variable) -> &[Item] {
        self.table.get(variable as usize).map_or(&[], Vec::as_slice)
    }

    /// The text after one step, and what the step cost in bytes: nothing when it was taken before.
    pub(crate) fn step(&mut self, id: StringId, step: Transformation) -> (StringId, u64) {
        // The last of the enum.
        const WIDTH: usize = Transformation::Utf8ToUnicode as usize + 1;
        let (start, _) = self.steps.row(id, WIDTH, 0);
        let cell = start + step as usize;
        if let Some(done) = self.steps.cells.get(cell).filter(|done| **done != 0) {
            return (StringId::from_number(*done - 1), 0);
        }
        let bytes = self.strings.bytes(id);
        let cost = u64::try_from(bytes.len()).unwrap_or(u64::MAX) + 8;
        let after = match step.apply(bytes) {
            std::borrow::Cow::Borrowed(same) if same.len() == bytes.len() => id,
            std::borrow::Cow::Borrowed(part) => {
                let part = part.to_vec();
                self.strings.add(&part)
            }
            std::borrow::Cow::Owned(text) => self.strings.add(&text),
        };
        if let Some(cell) = self.steps.cells.get_mut(cell) {
            *cell = after.number() + 1;
        }
        (after, cost)
    }

    /// Sieves a text unless that was done before; returns where its bits start and what it cost in bytes.
    pub(crate) fn sift(&mut self, id: StringId, plan: &Plan, side: Side) -> (usize, u64) {
        let sieve = plan.sieve(side);
        let words = sieve.words();
        let Some(rows) = self.sifted.get_mut(side as usize) else { return (0, 0) };
        let (start, new) = rows.row(id, words, 0);
        if !new {
            return (start, 0);
        }
        let text = self.strings.bytes(id);
        if let Some(row) = rows.cells.get_mut(start..start + words) {
            sieve.sift(text, &mut self.sifting, row);
        }
        (start, u64::try_from(text.len()).unwrap_or(u64::MAX) + 8)
    }

    /// The bits of a text that was sieved.
    pub(crate) fn bits(&self, start: usize, words: usize, side: Side) -> &[u64] {
        self.sifted.get(side as usize).and_then(|rows| rows.cells.get(start..start + words)).unwrap_or_default()
    }

    /// Whether an operator could match a text; a text that was not sieved could match anything.
    pub(crate) fn may_match(&self, id: StringId, bit: u16, plan: &Plan, side: Side) -> bool {
        let words = plan.sieve(side).words();
        let Some(rows) = self.sifted.get(side as usize) else { return true };
        let Some(row) = rows.row_of.get(id.index()).filter(|row| **row != 0) else { return true };
        let start = usize::try_from(*row - 1).unwrap_or(0) * words;
        rows.cells.get(start + usize::from(bit / 64)).is_none_or(|word| word >> (bit % 64) & 1 == 1)
    }

    /// Remembers that an operator does not match a text.
    pub(crate) fn cannot_match(&mut self, id: StringId, bit: u16, plan: &Plan, side: Side) {
        let words = plan.sieve(side).words();
        let Some(rows) = self.sifted.get_mut(side as usize) else { return };
        let Some(row) = rows.row_of.get(id.index()).filter(|row| **row != 0) else { return };
        let start = usize::try_from(*row - 1).unwrap_or(0) * words;
        if let Some(word) = rows.cells.get_mut(start + usize::from(bit / 64)) {
            *word &= !(1 << (bit % 64));
        }
    }
}
