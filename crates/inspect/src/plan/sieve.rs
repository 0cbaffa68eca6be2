//! One pass over a text that says which operators could match it.
//!
//! INVARIANT: a bit that is not set is a proof that the operator does not match. Conditions are only ever dropped, never added.

use super::literals::{Literals, Seen};
use super::presence::Presence;
use crate::operator::Filter;

/// Lengths are told apart up to here.
const LENGTHS: usize = 32;

/// All filters of one side, turned by text, byte and length.
#[derive(Debug)]
pub(crate) struct Sieve {
    words: usize,
    literals: Literals,
    /// For each literal, where its bits end in `literal_bits`.
    literal_ends: Vec<u32>,
    literal_bits: Vec<u16>,
    /// Operators that need no literal.
    literal_free: Vec<u64>,
    /// For each byte, the operators that have it for a literal.
    letters: Vec<u64>,
    /// The bytes that are a literal of some operator.
    lettered: Presence,
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
    seen: Seen,
}

impl Sieve {
    pub(crate) fn new(filters: &[Filter]) -> Self {
        let words = filters.len().div_ceil(64);
        let mut sieve = Self {
            words,
            literals: Literals::default(),
            literal_ends: Vec::new(),
            literal_bits: Vec::new(),
            literal_free: vec![0; words],
            letters: vec![0; words * 256],
            lettered: Presence::default(),
            bytes: vec![0; words * 256],
            byte_free: vec![0; words],
            lengths: vec![0; words * LENGTHS],
        };
        let mut literals: std::collections::BTreeMap<&[u8], Vec<u16>> = std::collections::BTreeMap::new();
        for (bit, filter) in (0_u16..).zip(filters) {
            match &filter.literals {
                Some(needed) => needed.iter().for_each(|literal| match literal.as_slice() {
                    [] => set(&mut sieve.literal_free, bit),
                    [byte] => [*byte, byte.to_ascii_uppercase()].into_iter().for_each(|byte| {
                        set(row_mut(&mut sieve.letters, words, usize::from(byte)), bit);
                        sieve.lettered = sieve.lettered.and_also(byte);
                    }),
                    _ => {
                        let bits = literals.entry(beginning(literal)).or_default();
                        if bits.last() != Some(&bit) {
                            bits.push(bit);
                        }
                    }
                }),
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
        if patterns.len() > Literals::MOST {
            // Too many to look for: without them nothing is proven, so every operator is asked.
            self.literal_free.fill(u64::MAX);
            return;
        }
        self.literals = Literals::new(&patterns);
    }

    /// How many words the bits of a text take.
    pub(crate) fn words(&self) -> usize {
        self.words
    }

    /// Sets in `out`, which has [`Self::words`] words, the bits of all operators whose literals allow the text. Letter case makes no
    /// difference here.
    pub(crate) fn find_literals(&self, text: &[u8], room: &mut Sifting, out: &mut [u64]) {
        out.copy_from_slice(&self.literal_free);
        self.literals.find(text, &mut room.seen, |literal| {
            for bit in self.bits_of(literal) {
                set(out, *bit);
            }
        });
    }

    /// Leaves of the bits that literals allow, single letters aside, those of operators that could match the text.
    pub(crate) fn narrow(&self, length: usize, present: Presence, room: &mut Sifting, out: &mut [u64]) {
        room.by_byte.clear();
        room.by_byte.extend_from_slice(&self.byte_free);
        for byte in present.bytes() {
            or(&mut room.by_byte, row(&self.bytes, self.words, byte));
        }
        for byte in present.common(self.lettered).bytes() {
            or(out, row(&self.letters, self.words, byte));
        }
        and(out, &room.by_byte);
        and(out, row(&self.lengths, self.words, length.min(LENGTHS - 1)));
    }

    fn bits_of(&self, literal: usize) -> &[u16] {
        let end = self.literal_ends.get(literal).copied().unwrap_or(0);
        let start = literal.checked_sub(1).and_then(|before| self.literal_ends.get(before)).copied().unwrap_or(0);
        let range = usize::try_from(start).unwrap_or(0)..usize::try_from(end).unwrap_or(0);
        self.literal_bits.get(range).unwrap_or_default()
    }
}

/// The part of a literal that is looked for: what contains a text contains its beginning, and a beginning fits a word.
fn beginning(literal: &[u8]) -> &[u8] {
    literal.get(..Literals::LONGEST).unwrap_or(literal)
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
