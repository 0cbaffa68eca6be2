//! The texts of one request, each kept once.
//!
//! Equal values get the same number, so that a text is transformed and sieved once however often it occurs.

/// The number of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct StringId(u32);

impl StringId {
    /// The empty text.
    pub(crate) const EMPTY: Self = Self(0);

    pub(crate) fn number(self) -> u32 {
        self.0
    }

    /// The inverse of [`Self::number`].
    pub(crate) fn from_number(number: u32) -> Self {
        Self(number)
    }

    pub(crate) fn index(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

#[derive(Clone, Copy, Debug)]
struct Span {
    start: u32,
    length: u32,
    hash: u32,
}

/// All texts of a request, end to end.
#[derive(Debug, Default)]
pub(crate) struct Strings {
    bytes: Vec<u8>,
    spans: Vec<Span>,
    /// Open addressing; zero is free, otherwise the number plus one. Its length is a power of two.
    table: Vec<u32>,
    /// Bytes of texts that found no room.
    refused: bool,
}

/// More text than this is not kept for one request; work budgets stop requests long before.
const MOST_BYTES: usize = 1 << 30;

impl Strings {
    /// Only the empty text.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.spans.clear();
        self.table.clear();
        self.table.resize(256, 0);
        self.refused = false;
        self.add(b"");
    }

    /// Becomes a copy of other texts, whose numbers stay valid.
    pub(crate) fn start_from(&mut self, base: &Self) {
        self.bytes.clone_from(&base.bytes);
        self.spans.clone_from(&base.spans);
        self.table.clone_from(&base.table);
        self.refused = false;
    }

    /// Whether a text found no room, so that what was seen is not all there was.
    pub(crate) fn overflowed(&self) -> bool {
        self.refused
    }

    pub(crate) fn bytes(&self, id: StringId) -> &[u8] {
        let Some(span) = self.spans.get(id.index()) else { return b"" };
        let (Ok(start), Ok(length)) = (usize::try_from(span.start), usize::try_from(span.length)) else { return b"" };
        self.bytes.get(start..start + length).unwrap_or_default()
    }

    /// The number of a text.
    pub(crate) fn add(&mut self, text: &[u8]) -> StringId {
        let hash = hash(text);
        let mut slot = self.home(hash);
        loop {
            match self.table.get(slot).copied() {
                None => return StringId::EMPTY,
                Some(0) => break,
                Some(taken) => {
                    let id = StringId(taken - 1);
                    if self.spans.get(id.index()).is_some_and(|span| span.hash == hash) && self.bytes(id) == text {
                        return id;
                    }
                }
            }
            slot = (slot + 1) & (self.table.len() - 1);
        }
        self.insert(text, hash, slot)
    }

    fn insert(&mut self, text: &[u8], hash: u32, slot: usize) -> StringId {
        let (Ok(start), Ok(length), Ok(number)) =
            (u32::try_from(self.bytes.len()), u32::try_from(text.len()), u32::try_from(self.spans.len()))
        else {
            self.refused = true;
            return StringId::EMPTY;
        };
        if self.bytes.len() + text.len() > MOST_BYTES {
            self.refused = true;
            return StringId::EMPTY;
        }
        self.bytes.extend_from_slice(text);
        self.spans.push(Span { start, length, hash });
        if let Some(free) = self.table.get_mut(slot) {
            *free = number + 1;
        }
        if self.spans.len() * 2 > self.table.len() {
            self.grow();
        }
        StringId(number)
    }

    fn home(&self, hash: u32) -> usize {
        usize::try_from(hash).unwrap_or(0) & (self.table.len().saturating_sub(1))
    }

    fn grow(&mut self) {
        let size = self.table.len() * 2;
        self.table.clear();
        self.table.resize(size, 0);
        for (number, span) in (1_u32..).zip(&self.spans) {
            let mut slot = usize::try_from(span.hash).unwrap_or(0) & (size - 1);
            while self.table.get(slot).is_some_and(|taken| *taken != 0) {
                slot = (slot + 1) & (size - 1);
            }
            if let Some(free) = self.table.get_mut(slot) {
                *free = number;
            }
        }
    }
}

/// A quick hash over words of eight bytes; equality is always checked, so that collisions only cost time.
fn hash(text: &[u8]) -> u32 {
    const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut state = MIX ^ u64::try_from(text.len()).unwrap_or(0);
    let (words, rest) = text.as_chunks::<8>();
    for word in words {
        state = (state.rotate_left(23) ^ u64::from_le_bytes(*word)).wrapping_mul(MIX);
    }
    let mut last = [0; 8];
    for (place, byte) in last.iter_mut().zip(rest) {
        *place = *byte;
    }
    state = (state.rotate_left(23) ^ u64::from_le_bytes(last)).wrapping_mul(MIX);
    state ^= state >> 32;
    u32::try_from(state.wrapping_mul(MIX) >> 32).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_are_one() {
        let mut strings = Strings::default();
        strings.clear();
        assert_eq!(strings.add(b""), StringId::EMPTY);
        let many: Vec<StringId> = (0..5_000).map(|number: u32| strings.add(number.to_string().as_bytes())).collect();
        for (number, id) in many.iter().enumerate() {
            assert_eq!(strings.bytes(*id), number.to_string().as_bytes());
            assert_eq!(strings.add(number.to_string().as_bytes()), *id);
        }
    }
}
