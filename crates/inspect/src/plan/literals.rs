//! Looks for hundreds of short texts at once, letter case aside.
//!
//! Three small tables of bits say for each place of a text whether one of the literals may start there; only there they are
//! compared. Unlike an automaton no step waits for the one before, so that honest text costs about a nanosecond a byte.
//!
//! INVARIANT: every literal that occurs is found; now and then one may be reported that does not occur, at the end of a text.

/// Letters of both cases become one byte, so do a few other bytes: good enough to look up where to look closer.
const FOLD: u32 = 0x2020_2020;

/// Bits of one table.
const BITS: usize = 1 << 16;

type Table = Box<[u64; BITS / 64]>;

/// Slots of the directory.
const SLOTS: usize = 4_096;

/// The literals, by their first bytes.
#[derive(Debug)]
pub(super) struct Literals {
    /// Beginnings of literals of four bytes and more, of three, and of two.
    fours: Table,
    threes: Table,
    twos: Table,
    /// For each slot where its entries end, for each of the three.
    ends: [Vec<u16>; 3],
    entries: [Vec<Entry>; 3],
    count: usize,
}

/// A literal, eight bytes at most, in lower case.
#[derive(Clone, Copy, Debug)]
struct Entry {
    text: u64,
    mask: u64,
    literal: u16,
}

/// Which literals were reported for the text that is being looked through, so that each is reported once.
#[derive(Debug, Default)]
pub(super) struct Seen {
    round: u32,
    last: Vec<u32>,
}

impl Seen {
    fn start(&mut self, literals: usize) {
        self.round = self.round.wrapping_add(1);
        if self.round == 0 || self.last.len() != literals {
            self.last.clear();
            self.last.resize(literals, 0);
            self.round = 1;
        }
    }

    fn is_new(&mut self, literal: u16) -> bool {
        let Some(last) = self.last.get_mut(usize::from(literal)) else { return false };
        std::mem::replace(last, self.round) != self.round
    }
}

impl Default for Literals {
    fn default() -> Self {
        Self::new(&[])
    }
}

impl Literals {
    /// Literals are at most this long.
    pub(super) const LONGEST: usize = 8;
    /// There are at most this many.
    pub(super) const MOST: usize = 1 << 15;

    /// Takes literals in lower case of two to eight bytes each.
    pub(super) fn new(literals: &[&[u8]]) -> Self {
        let mut made = Self {
            fours: Box::new([0; BITS / 64]),
            threes: Box::new([0; BITS / 64]),
            twos: Box::new([0; BITS / 64]),
            ends: [const { Vec::new() }; 3],
            entries: [const { Vec::new() }; 3],
            count: literals.len(),
        };
        let mut sorted: [Vec<(usize, Entry)>; 3] = [const { Vec::new() }; 3];
        for (literal, text) in (0_u16..).zip(literals) {
            let mut word = [0; 8];
            word.iter_mut().zip(*text).for_each(|(place, byte)| *place = *byte);
            let length = text.len().min(8);
            let word = u64::from_le_bytes(word);
            let mask = u64::MAX >> (64 - 8 * length.max(1));
            let (size, table) = match length {
                0..=2 => (2, &mut made.twos),
                3 => (3, &mut made.threes),
                _ => (4, &mut made.fours),
            };
            let gram = gram(word, size);
            if let Some(bits) = table.get_mut(gram / 64) {
                *bits |= 1 << (gram % 64);
            }
            if let Some(list) = sorted.get_mut(4 - size) {
                list.push((gram % SLOTS, Entry { text: word, mask, literal }));
            }
        }
        for ((list, ends), entries) in sorted.into_iter().zip(&mut made.ends).zip(&mut made.entries) {
            (*ends, *entries) = directory(list);
        }
        made
    }

    /// Tells of every literal in the text once.
    pub(super) fn find(&self, text: &[u8], seen: &mut Seen, mut tell: impl FnMut(usize)) {
        seen.start(self.count);
        for window in text.array_windows::<8>() {
            let word = u64::from_le_bytes(*window);
            if self.may_start(word) {
                self.compare(word, seen, &mut tell);
            }
        }
        // The last places have no eight bytes after them.
        let rest = text.get(text.len().saturating_sub(7)..).unwrap_or_default();
        let mut padded = [0; 16];
        padded.iter_mut().zip(rest).for_each(|(place, byte)| *place = *byte);
        for window in padded.array_windows::<8>().take(rest.len()) {
            let word = u64::from_le_bytes(*window);
            if self.may_start(word) {
                self.compare(word, seen, &mut tell);
            }
        }
    }

    #[inline]
    fn may_start(&self, word: u64) -> bool {
        let hits = bit(&self.fours, gram(word, 4)) | bit(&self.threes, gram(word, 3)) | bit(&self.twos, gram(word, 2));
        hits & 1 != 0
    }

    #[inline(never)]
    fn compare(&self, word: u64, seen: &mut Seen, tell: &mut impl FnMut(usize)) {
        let grams = [gram(word, 4), gram(word, 3), gram(word, 2)];
        let tables = [&self.fours, &self.threes, &self.twos];
        let lower = lowered(word);
        for (((table, gram), ends), entries) in tables.into_iter().zip(grams).zip(&self.ends).zip(&self.entries) {
            if bit(table, gram) & 1 == 0 {
                continue;
            }
            let slot = gram % SLOTS;
            let end = ends.get(slot).copied().unwrap_or_default();
            let start = slot.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or_default();
            for entry in entries.get(usize::from(start)..usize::from(end)).unwrap_or_default() {
                if (lower ^ entry.text) & entry.mask == 0 && seen.is_new(entry.literal) {
                    tell(usize::from(entry.literal));
                }
            }
        }
    }
}

/// Entries by slot, and where each slot ends.
fn directory(mut list: Vec<(usize, Entry)>) -> (Vec<u16>, Vec<Entry>) {
    list.sort_by_key(|(slot, _)| *slot);
    let mut ends = vec![0_u16; SLOTS];
    for (slot, _) in &list {
        if let Some(end) = ends.get_mut(*slot) {
            *end = end.saturating_add(1);
        }
    }
    let mut total = 0_u16;
    for end in &mut ends {
        total = total.saturating_add(*end);
        *end = total;
    }
    (ends, list.into_iter().map(|(_, entry)| entry).collect())
}

/// Where the first bytes of a text stand in a table.
#[inline]
fn gram(word: u64, size: usize) -> usize {
    const MIX: u32 = 0x9e37_79b1;
    let [a, b, c, d, ..] = word.to_le_bytes();
    let index = match size {
        2 => u32::from_le_bytes([a, b, 0, 0]) | FOLD & 0xffff,
        3 => (u32::from_le_bytes([a, b, c, 0]) | FOLD & 0xff_ffff).wrapping_mul(MIX) >> 16,
        _ => (u32::from_le_bytes([a, b, c, d]) | FOLD).wrapping_mul(MIX) >> 16,
    };
    usize::try_from(index).unwrap_or(0) % BITS
}

/// The bit of a table, in the lowest place.
#[inline]
fn bit(table: &Table, gram: usize) -> u64 {
    table.get(gram / 64 % (BITS / 64)).copied().unwrap_or(0) >> (gram % 64)
}

/// Eight bytes in ASCII lower case.
fn lowered(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x80 * ONES;
    let low = word & !HIGH;
    let from_a = low + (0x80 - 0x41) * ONES;
    let beyond_z = low + (0x80 - 0x5b) * ONES;
    let upper = (from_a ^ beyond_z) & HIGH & !word;
    word | upper >> 2
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn eight_bytes_are_lowered_as_one_would_be() {
        for byte in 0..=u8::MAX {
            let word = [byte, b'A', b'Z', byte, b'[', b'@', b'z', byte];
            assert_eq!(lowered(u64::from_le_bytes(word)).to_le_bytes().to_vec(), word.to_ascii_lowercase());
        }
    }

    proptest! {
        #[test]
        fn every_literal_that_occurs_is_found(
            literals in proptest::collection::btree_set(proptest::collection::vec(prop_oneof![Just(b'a'), Just(b'k'), Just(b'['), Just(0), Just(b' '), Just(0xe9)], 2..9), 0..30),
            text in proptest::collection::vec(prop_oneof![Just(b'a'), Just(b'K'), Just(b'k'), Just(b'['), Just(b'{'), Just(0), Just(b' '), Just(0xe9)], 0..60),
        ) {
            let literals: Vec<&[u8]> = literals.iter().map(Vec::as_slice).collect();
            let mut found = std::collections::BTreeSet::new();
            let mut seen = Seen::default();
            Literals::new(&literals).find(&text, &mut seen, |literal| assert!(found.insert(literal)));
            let lower = text.to_ascii_lowercase();
            let padded = [lower.as_slice(), &[0; 8]].concat();
            for (place, literal) in literals.iter().enumerate() {
                let occurs = memchr::memmem::find(&lower, literal).is_some();
                prop_assert!(found.contains(&place) || !occurs, "{literal:?}");
                prop_assert!(!found.contains(&place) || memchr::memmem::find(&padded, literal).is_some(), "{literal:?}");
            }
        }
    }
}
