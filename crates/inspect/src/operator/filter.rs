//! What a value must have before an operator is asked: the cheap half of the execution plan.
//!
//! INVARIANT: a filter never turns away a value its operator matches. A wrong filter is a bypass.

/// A set of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct ByteSet([u64; 4]);

impl ByteSet {
    /// The bytes of a value.
    pub(crate) fn of(value: &[u8]) -> Self {
        let mut set = Self::default();
        for &byte in value {
            set.insert(byte);
        }
        set
    }

    /// Adds one byte.
    pub(crate) fn insert(&mut self, byte: u8) {
        if let Some(word) = self.0.get_mut(usize::from(byte >> 6)) {
            *word |= 1 << (byte & 63);
        }
    }

    /// Whether the two have a byte in common.
    pub(crate) fn meets(self, other: Self) -> bool {
        self.0.iter().zip(other.0).any(|(a, b)| a & b != 0)
    }

    /// How many bytes the two have in common.
    pub(crate) fn common(self, other: Self) -> u32 {
        self.0.iter().zip(other.0).map(|(a, b)| (a & b).count_ones()).sum()
    }

    /// The bytes of either.
    pub(crate) fn union(self, other: Self) -> Self {
        let mut words = self.0;
        for (word, more) in words.iter_mut().zip(other.0) {
            *word |= more;
        }
        Self(words)
    }

    /// How many bytes.
    pub(crate) fn len(self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    /// Whether the byte is in it.
    pub(crate) fn contains(self, byte: u8) -> bool {
        self.0.get(usize::from(byte >> 6)).is_some_and(|word| word & 1 << (byte & 63) != 0)
    }
}

/// Conditions that are all necessary for a match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    /// The value in ASCII lower case contains at least one of these, none of them empty. `None`: nothing known.
    pub(crate) literals: Option<Vec<Vec<u8>>>,
    /// The value, as it is, contains at least one of these bytes. `None`: nothing known.
    pub(crate) bytes: Option<ByteSet>,
    /// The value has at least this many bytes.
    pub(crate) minimum: usize,
}

impl Filter {
    /// One of these lower-case texts must be in the value in lower case. An empty text among them says nothing.
    pub(super) fn one_of(literals: &[Vec<u8>]) -> Self {
        let minimum = literals.iter().map(Vec::len).min().unwrap_or(0);
        if literals.is_empty() || minimum == 0 {
            return Self::default();
        }
        let first = |literal: &Vec<u8>| literal.first().copied().unwrap_or_default();
        let mut bytes = ByteSet::default();
        for byte in literals.iter().map(first) {
            bytes.insert(byte);
            bytes.insert(byte.to_ascii_uppercase());
        }
        Self { literals: Some(literals.to_vec()), bytes: Some(bytes), minimum }
    }

    /// Whether the value may match. `lowered` is the value in ASCII lower case, `present` the set of its bytes.
    pub(crate) fn admits(&self, lowered: &[u8], present: ByteSet) -> bool {
        lowered.len() >= self.minimum
            && self.bytes.is_none_or(|bytes| bytes.meets(present))
            && self
                .literals
                .as_ref()
                .is_none_or(|literals| literals.iter().any(|literal| memchr::memmem::find(lowered, literal).is_some()))
    }
}
