//! Which transformations leave a text as it is, told from the bytes it holds.
//!
//! Most values of honest requests hold none of the bytes a decoder looks for; one pass over such a text saves dozens of decoders.
//!
//! INVARIANT: a text without any of a transformation's bytes is not changed by it. Transformations of which that cannot be said
//! count as changing everything.

use super::presence::Presence;
use crate::transform::Transformation;

/// Whether a byte concerns a transformation.
type Concerns = fn(u8) -> bool;

/// Transformations with the bytes without which they do nothing.
const TRIGGERS: [(Transformation, Concerns); 20] = [
    (Transformation::UrlDecode, |byte| matches!(byte, b'%' | b'+')),
    (Transformation::UrlDecodeUni, |byte| matches!(byte, b'%' | b'+')),
    (Transformation::HtmlEntityDecode, |byte| byte == b'&'),
    (Transformation::JsDecode, |byte| byte == b'\\'),
    (Transformation::CssDecode, |byte| byte == b'\\'),
    (Transformation::EscapeSeqDecode, |byte| byte == b'\\'),
    (Transformation::Lowercase, |byte| byte.is_ascii_uppercase()),
    (Transformation::Uppercase, |byte| byte.is_ascii_lowercase()),
    (Transformation::RemoveNulls, |byte| byte == 0),
    (Transformation::ReplaceNulls, |byte| byte == 0),
    (Transformation::CompressWhitespace, blank),
    (Transformation::RemoveWhitespace, blank),
    (Transformation::Trim, blank),
    (Transformation::TrimLeft, blank),
    (Transformation::TrimRight, blank),
    (Transformation::ReplaceComments, |byte| byte == b'/'),
    (Transformation::NormalizePath, |byte| matches!(byte, b'/' | b'.' | b'\\')),
    (Transformation::NormalizePathWin, |byte| matches!(byte, b'/' | b'.' | b'\\')),
    (Transformation::Utf8ToUnicode, |byte| !byte.is_ascii()),
    (Transformation::CmdLine, |byte| {
        byte.is_ascii_uppercase() || blank(byte) || matches!(byte, b'"' | b'\'' | b'\\' | b'^' | b',' | b';')
    }),
];

/// White space in any engine's sense.
fn blank(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, 0x0b | 0xa0 | 0x85)
}

/// For each byte, the transformations it may concern.
#[derive(Debug)]
pub(crate) struct Inertness {
    by_byte: Box<[u64; 256]>,
    /// Transformations of which nothing is known.
    unknown: u64,
}

/// The bit of a transformation.
pub(crate) fn bit(step: Transformation) -> u64 {
    1 << (step as u32)
}

impl Inertness {
    pub(crate) fn new() -> Self {
        let mut by_byte = Box::new([0; 256]);
        for (row, byte) in by_byte.iter_mut().zip(0..=u8::MAX) {
            for (step, concerns) in TRIGGERS {
                if concerns(byte) {
                    *row |= bit(step);
                }
            }
        }
        let known: u64 = TRIGGERS.iter().map(|(step, _)| bit(*step)).sum();
        Self { by_byte, unknown: !known }
    }

    /// The transformations that may change a text of these bytes.
    pub(crate) fn concerned(&self, present: Presence) -> u64 {
        present
            .bytes()
            .fold(self.unknown, |concerned, byte| concerned | self.by_byte.get(byte).copied().unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_not_concerned_changes_nothing(
            text in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b' '), Just(b'a'), Just(b'/')], 0..40)
        ) {
            let concerned = Inertness::new().concerned(Presence::of(&text));
            for (step, _) in TRIGGERS {
                if concerned & bit(step) == 0 {
                    prop_assert_eq!(&*step.apply(&text), &*text, "{:?}", step);
                }
            }
        }
    }
}
