//! The working memory of one request, kept and reused for the next.

use std::collections::HashMap;

use crate::plan::{Plan, Presence, Side, Sifting};
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

/// A value with its text after transformations.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) found: Found,
    pub(crate) text: StringId,
}

/// The values of a cast in this request.
#[derive(Debug, Default)]
pub(crate) struct CastRoom {
    /// The generation of values it was collected from; 0 for never.
    pub(crate) generation: u32,
    pub(crate) values: Vec<Found>,
}

/// The texts of one target in this request.
#[derive(Debug, Default)]
pub(crate) struct AtomRoom {
    pub(crate) generation: u32,
    pub(crate) values: Vec<Found>,
    /// The texts of the values, each once, by what the same transformations may change.
    pub(crate) kinds: Vec<Kind>,
    /// How many kinds there are; those after them are kept for their memory.
    pub(crate) used: usize,
}

/// Texts of a target that the same transformations may change.
#[derive(Debug, Default)]
pub(crate) struct Kind {
    pub(crate) concerned: u64,
    pub(crate) texts: Vec<StringId>,
    /// Operators that could match any of them as they are; empty while that is not known.
    pub(crate) any: Vec<u64>,
}

/// What is known of a cell in this request.
#[derive(Debug, Default)]
pub(crate) struct CellRoom {
    pub(crate) generation: u32,
    /// Its texts after transformations; equal values count once.
    pub(crate) texts: Vec<StringId>,
    /// Operators that could match any of its texts.
    pub(crate) any: Vec<u64>,
}

/// What is known of a group in this request.
#[derive(Debug, Default)]
pub(crate) struct GroupRoom {
    pub(crate) generation: u32,
    /// Operators that could match any of the texts of its cells.
    pub(crate) any: Vec<u64>,
}

/// Memory that inspections use; keep one per worker and hand it to each in turn.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(crate) strings: Strings,
    pub(crate) table: Vec<Vec<Item>>,
    pub(crate) slots: Vec<Option<StringId>>,
    /// Members of TX without a slot, in order.
    pub(crate) more: Vec<(Item, bool)>,
    pub(crate) more_at: HashMap<StringId, usize>,
    pub(crate) casts: Vec<CastRoom>,
    pub(crate) atoms: Vec<AtomRoom>,
    pub(crate) cells: Vec<CellRoom>,
    pub(crate) groups: Vec<GroupRoom>,
    /// For each text the last target it was counted in, so that it counts once.
    seen: Vec<u32>,
    casting: u32,
    /// For each text the transformations that may change it, or zero while that is not known.
    concerned: Vec<(u64, Presence)>,
    pub(crate) removed: RuleBits,
    pub(crate) removed_targets: Vec<(RuleBits, Targets)>,
    pub(crate) retargeted: RuleBits,
    pub(crate) matched: Vec<Found>,
    steps: Rows<u32>,
    sifted: [Rows<u64>; 2],
    /// What literals allow, by text; texts that differ in letter case only share a row.
    literals: [Rows<u64>; 2],
    /// For each text that differs from another one in letter case only, that one's number plus one, or zero.
    twins: Vec<u32>,
    sifting: Sifting,
    /// Lists that are empty between uses and kept for their memory.
    pub(crate) spare_values: Vec<Found>,
    pub(crate) spare_texts: Vec<Entry>,
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
        self.casts.resize_with(rules.plan.casts.len(), CastRoom::default);
        self.casts.iter_mut().for_each(|cast| cast.generation = 0);
        self.atoms.resize_with(rules.plan.atoms.len(), AtomRoom::default);
        self.atoms.iter_mut().for_each(|atom| atom.generation = 0);
        self.cells.resize_with(rules.plan.cells.len(), CellRoom::default);
        self.cells.iter_mut().for_each(|cell| cell.generation = 0);
        self.seen.clear();
        self.casting = 0;
        self.concerned.clear();
        self.removed.reset(rules.rules.len());
        self.retargeted.reset(rules.rules.len());
        self.removed_targets.clear();
        self.matched.clear();
        self.steps.clear();
        self.sifted.iter_mut().for_each(Rows::clear);
        self.literals.iter_mut().for_each(Rows::clear);
        self.twins.clear();
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
        self.push_item(variable, Item { key, lower, value });
    }

    /// The same with a name whose lower-case form is known.
    pub(crate) fn push_item(&mut self, variable: Variable, item: Item) {
        if let Some(items) = self.table.get_mut(variable as usize) {
            items.push(item);
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

    /// Whether none of these transformations changes a text.
    pub(crate) fn is_inert(&mut self, id: StringId, bits: u64, plan: &Plan) -> bool {
        match self.concerned.get(id.index()) {
            Some((known, _)) if *known != 0 => known & bits == 0,
            _ => self.look(id, plan).0 & bits == 0,
        }
    }

    /// The transformations that may change a text, and the bytes it holds.
    fn look(&mut self, id: StringId, plan: &Plan) -> (u64, Presence) {
        /// No transformation has this bit, so that what is known is never zero.
        const KNOWN: u64 = 1 << 63;
        if self.concerned.len() <= id.index() {
            self.concerned.resize(id.index() + 64, (0, Presence::default()));
        }
        let Some(known) = self.concerned.get_mut(id.index()) else { return (u64::MAX, Presence::default()) };
        if known.0 == 0 {
            let present = Presence::of(self.strings.bytes(id));
            *known = (plan.inertness.concerned(present) | KNOWN, present);
        }
        *known
    }

    /// Sorts the texts of values, each once, by the transformations that may change them.
    pub(crate) fn sort(&mut self, atom: &mut AtomRoom, plan: &Plan) {
        self.casting += 1;
        atom.used = 0;
        for found in &atom.values {
            let index = found.value.index();
            if self.seen.len() <= index {
                self.seen.resize(index + 64, 0);
            }
            let Some(seen) = self.seen.get_mut(index) else { continue };
            if std::mem::replace(seen, self.casting) == self.casting {
                continue;
            }
            let concerned = self.look(found.value, plan).0;
            let known = atom.kinds.iter().take(atom.used).position(|kind| kind.concerned == concerned);
            let place = known.unwrap_or(atom.used);
            if known.is_none() {
                if atom.kinds.len() <= place {
                    atom.kinds.push(Kind::default());
                }
                atom.used += 1;
                if let Some(kind) = atom.kinds.get_mut(place) {
                    kind.concerned = concerned;
                    kind.texts.clear();
                    kind.any.clear();
                }
            }
            if let Some(kind) = atom.kinds.get_mut(place) {
                kind.texts.push(found.value);
            }
        }
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
        if matches!(step, Transformation::Lowercase | Transformation::Uppercase) && after != id {
            self.pair(after, id);
        }
        (after, cost)
    }

    /// Remembers that a text is another one in other letter case.
    fn pair(&mut self, text: StringId, other: StringId) {
        let first = self.twin(other);
        if self.twins.len() <= text.index() {
            self.twins.resize(text.index() + 64, 0);
        }
        if first != text
            && let Some(twin) = self.twins.get_mut(text.index())
        {
            *twin = first.number() + 1;
        }
    }

    /// The text that stands for all those that differ from it in letter case only.
    fn twin(&self, id: StringId) -> StringId {
        let twin = self.twins.get(id.index()).copied().unwrap_or(0);
        twin.checked_sub(1).map_or(id, StringId::from_number)
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
        let (_, present) = self.look(id, plan);
        let twin = self.twin(id);
        let (Some(rows), Some(literals)) = (self.sifted.get_mut(side as usize), self.literals.get_mut(side as usize))
        else {
            return (0, 0);
        };
        let text = self.strings.bytes(id);
        let (allowed, scan) = literals.row(twin, words, 0);
        let allowed = literals.cells.get_mut(allowed..allowed + words).unwrap_or_default();
        if scan {
            sieve.find_literals(text, &mut self.sifting, allowed);
        }
        if let Some(row) = rows.cells.get_mut(start..start + words) {
            row.copy_from_slice(allowed);
            sieve.narrow(text.len(), present, &mut self.sifting, row);
        }
        (start, if scan { u64::try_from(text.len()).unwrap_or(u64::MAX) + 8 } else { 8 })
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
