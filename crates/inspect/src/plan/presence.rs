//! The bytes a text holds: what both the sieve and the transformations are asked about, found in one pass.

/// A set of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Presence([u64; 4]);

impl Presence {
    /// The bytes of a text.
    pub(crate) fn of(text: &[u8]) -> Self {
        /// From here on a flag per byte is faster than bits that wait for one another.
        const LONG: usize = 64;
        if text.len() < LONG {
            let mut words = [0; 4];
            for byte in text {
                if let Some(word) = words.get_mut(usize::from(byte >> 6)) {
                    *word |= 1 << (byte & 63);
                }
            }
            return Self(words);
        }
        let mut seen = [0_u8; 256];
        for byte in text {
            if let Some(flag) = seen.get_mut(usize::from(*byte)) {
                *flag = 1;
            }
        }
        Self::packed(&seen)
    }

    /// Flags of zero or one as bits.
    fn packed(flags: &[u8; 256]) -> Self {
        /// Moves the lowest bit of each of eight bytes into the highest byte.
        const GATHER: u64 = 0x0102_0408_1020_4080;
        let mut words = [0; 4];
        let (eights, _) = flags.as_chunks::<8>();
        let (groups, _) = eights.as_chunks::<8>();
        for (word, group) in words.iter_mut().zip(groups) {
            for (shift, flags) in group.iter().enumerate() {
                *word |= (u64::from_le_bytes(*flags).wrapping_mul(GATHER) >> 56) << (shift * 8);
            }
        }
        Self(words)
    }

    /// The same set with one byte more.
    pub(crate) fn and_also(self, byte: u8) -> Self {
        let Self(mut words) = self;
        if let Some(word) = words.get_mut(usize::from(byte >> 6)) {
            *word |= 1 << (byte & 63);
        }
        Self(words)
    }

    /// The bytes of both.
    pub(crate) fn common(self, other: Self) -> Self {
        let Self(mut words) = self;
        words.iter_mut().zip(other.0).for_each(|(word, mask)| *word &= mask);
        Self(words)
    }

    /// The bytes in it, as numbers.
    pub(crate) fn bytes(self) -> impl Iterator<Item = usize> {
        self.0.into_iter().zip([0, 64, 128, 192]).flat_map(|(mut word, base)| {
            std::iter::from_fn(move || {
                let bit = usize::try_from(word.trailing_zeros()).ok().filter(|bit| *bit < 64)?;
                word &= word - 1;
                Some(base + bit)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_found_again() {
        let all: Vec<u8> = (0..=255).rev().collect();
        assert_eq!(Presence::of(&all).bytes().collect::<Vec<_>>(), (0..256).collect::<Vec<_>>());
        assert_eq!(Presence::of(b"b\xffa\0b").bytes().collect::<Vec<_>>(), [0, 97, 98, 255]);
        assert_eq!(Presence::of(b"").bytes().count(), 0);
        let long = [b"b\xffa\0b".as_slice(), &[b'z'; 100]].concat();
        assert_eq!(Presence::of(&long).bytes().collect::<Vec<_>>(), [0, 97, 98, 122, 255]);
    }
}
