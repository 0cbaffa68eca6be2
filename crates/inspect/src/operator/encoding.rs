//! Whether a value is what its encoding allows.

use super::filter::ByteSet;
use super::integer;
use crate::transform::hex_pair;

/// The bytes a value may have.
#[derive(Debug)]
pub(super) struct ByteRanges(ByteSet);

impl ByteRanges {
    /// Reads `1-255, 9,10`.
    pub(super) fn parse(argument: &[u8]) -> Result<Self, String> {
        let mut allowed = ByteSet::default();
        for range in argument.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).filter(|range| !range.is_empty()) {
            let mut ends = range.splitn(2, |&byte| byte == b'-');
            let first = bound(ends.next())?;
            let last = ends.next().map_or(Ok(first), |end| bound(Some(end)))?;
            if first > last {
                return Err("a range ends before it starts".to_owned());
            }
            (first..=last).for_each(|byte| allowed.insert(byte));
        }
        Ok(Self(allowed))
    }

    /// Whether some byte of the value lies outside.
    pub(super) fn outside(&self, value: &[u8]) -> bool {
        value.iter().any(|&byte| !self.0.contains(byte))
    }
}

fn bound(text: Option<&[u8]>) -> Result<u8, String> {
    let digits = text.unwrap_or_default().trim_ascii();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err("a range of bytes is written `32-126`".to_owned());
    }
    u8::try_from(integer(digits)).map_err(|_| "a byte is at most 255".to_owned())
}

/// Whether some `%` is not followed by two hexadecimal digits.
pub(super) fn bad_url_encoding(value: &[u8]) -> bool {
    memchr::memchr_iter(b'%', value).any(|at| hex_pair(value, at + 1).is_none())
}
