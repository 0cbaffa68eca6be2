//! One pass over a text that says which operators could match it.
//!
//! INVARIANT: a bit that is not set is a proof that the operator does not match. Conditions are only ever dropped, never added.

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use crate::operator::Filter;

/// Lengths are told apart up to here.
const LENGTHS: usize = 32;

/// All filters of one side, turned by text, byte and length.
#[derive(Debug)]
pub(crate) struct Sieve {
    words: usize,
    /// Absent when no operator needs a literal.
    automaton: Option<AhoCorasick>,
    /// For each literal, where its bits end in `literal_bits`.
    literal_ends: Vec<u32>,
    literal_bits: Vec<u16>,
    /// Operators that need no literal.
    literal_free: Vec<u64>,
    /// For each byte, the operators it satisfies.
    bytes: Vec<u64>,
    /// Operators that need no particular byte.
    byte_free: Vec<u64>,
    /// For each length, the operators whose matches are no longer.
    lengths: Vec<u64>,
}

/// Room for one text's bits, kept between texts.
#[derive(Debug, Default)]
pub(crate) struct Sifting {
    by_byte: Vec<u64>,
}

impl Sieve {
    pub(crate) fn new(filters: &[Filter]) -> Self {
        let words = filters.len().div_ceil(64);
        let mut sieve = Self {
            words,
            automaton: None,
            literal_ends: Vec::new(),
            literal_bits: Vec::new(),
            literal_free: vec![0; words],
            bytes: vec![0; words * 256],
            byte_free: vec![0; words],
            lengths: vec![0; words * LENGTHS],
        };
        let mut literals: std::collections::BTreeMap<&[u8], Vec<u16>> = std::collections::BTreeMap::new();
        for (bit, filter) in (0_u16..).zip(filters) {
            match usable(filter) {
                Some(needed) => needed.iter().for_each(|literal| literals.entry(literal).or_default().push(bit)),
                None => set(&mut sieve.literal_free, bit),
            }
            match filter.bytes {
                Some(wanted) => {
                    for byte in (0..=u8::MAX).filter(|byte| wanted.contains(*byte)) {
                        set(row_mut(&mut sieve.bytes, words, usize::from(byte)), bit);
                    }
                }
                None => set(&mut sieve.byte_free, bit),
            }
            for length in filter.minimum.min(LENGTHS - 1)..LENGTHS {
                set(row_mut(&mut sieve.lengths, words, length), bit);
            }
        }
        sieve.add_literals(literals);
        sieve
    }

    fn add_literals(&mut self, literals: std::collections::BTreeMap<&[u8], Vec<u16>>) {
        let patterns: Vec<&[u8]> = literals.keys().copied().collect();
        for bits in literals.into_values() {
            self.literal_bits.extend(bits);
            self.literal_ends.push(u32::try_from(self.literal_bits.len()).unwrap_or(u32::MAX));
        }
        if patterns.is_empty() {
            return;
        }
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .prefilter(false)
            .build(&patterns);
        match automaton {
            Ok(automaton) => self.automaton = Some(automaton),
            // Too large to build: without it nothing is proven, so every operator is asked.
            Err(_) => self.literal_free.fill(u64::MAX),
        }
    }

    /// How many words the bits of a text take.
    pub(crate) fn words(&self) -> usize {
        self.words
    }

    /// Sets in `out`, which has [`Self::words`] words, the bits of all operators that could match the text.
    pub(crate) fn sift(&self, text: &[u8], room: &mut Sifting, out: &mut [u64]) {
        out.copy_from_slice(&self.literal_free);
        if let Some(automaton) = &self.automaton {
            for found in automaton.find_overlapping_iter(text) {
                for bit in self.bits_of(found.pattern().as_usize()) {
                    set(out, *bit);
                }
            }
        }
        room.by_byte.clear();
        room.by_byte.extend_from_slice(&self.byte_free);
        let mut present = [false; 256];
        for byte in text {
            if let Some(seen) = present.get_mut(usize::from(*byte))
                && !*seen
            {
                *seen = true;
                or(&mut room.by_byte, row(&self.bytes, self.words, usize::from(*byte)));
            }
        }
        and(out, &room.by_byte);
        and(out, row(&self.lengths, self.words, text.len().min(LENGTHS - 1)));
    }

    fn bits_of(&self, literal: usize) -> &[u16] {
        let end = self.literal_ends.get(literal).copied().unwrap_or(0);
        let start = literal.checked_sub(1).and_then(|before| self.literal_ends.get(before)).copied().unwrap_or(0);
        let range = usize::try_from(start).unwrap_or(0)..usize::try_from(end).unwrap_or(0);
        self.literal_bits.get(range).unwrap_or_default()
    }
}

/// Literals worth looking for: single bytes occur everywhere, and the byte rows know them already.
fn usable(filter: &Filter) -> Option<&[Vec<u8>]> {
    filter.literals.as_deref().filter(|literals| literals.iter().all(|literal| literal.len() > 1))
}

fn set(bits: &mut [u64], bit: u16) {
    if let Some(word) = bits.get_mut(usize::from(bit / 64)) {
        *word |= 1 << (bit % 64);
    }
}

fn or(bits: &mut [u64], more: &[u64]) {
    for (word, more) in bits.iter_mut().zip(more) {
        *word |= more;
    }
}

fn and(bits: &mut [u64], mask: &[u64]) {
    for (word, mask) in bits.iter_mut().zip(mask) {
        *word &= mask;
    }
}

fn row(table: &[u64], words: usize, index: usize) -> &[u64] {
    table.get(index * words..(index + 1) * words).unwrap_or_default()
}

fn row_mut(table: &mut [u64], words: usize, index: usize) -> &mut [u64] {
    table.get_mut(index * words..(index + 1) * words).unwrap_or_default()
}
