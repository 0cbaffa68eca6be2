//! Percent encoding, Microsoft's `%uXXXX`, and UTF-8 written as such.

use super::{best_fit, encoding, hex_pair, hex_quad, settled};
use std::borrow::Cow;

/// `%XX` and `+`; what is not a valid escape stays as it is.
pub(super) fn decode(input: &[u8]) -> Cow<'_, [u8]> {
    decoded(input, |_, _| None)
}

/// The same, and `%uXXXX` by the best-fit table of code page 20127, else by its low byte.
pub(super) fn decode_unicode(input: &[u8]) -> Cow<'_, [u8]> {
    decoded(input, |input, at| {
        let escape = matches!(input.get(at + 1), Some(b'u' | b'U'));
        let code = if escape { hex_quad(input, at + 2) } else { None };
        code.map(|code| (best_fit::byte(code), 6))
    })
}

fn decoded(input: &[u8], wide: impl Fn(&[u8], usize) -> Option<(u8, usize)>) -> Cow<'_, [u8]> {
    if memchr::memchr2(b'%', b'+', input).is_none() {
        return Cow::Borrowed(input);
    }
    let mut output = Vec::with_capacity(input.len());
    let mut at = 0;
    while let Some(&byte) = input.get(at) {
        let (value, used) = match byte {
            b'+' => (b' ', 1),
            b'%' => wide(input, at).or_else(|| hex_pair(input, at + 1).map(|value| (value, 3))).unwrap_or((byte, 1)),
            _ => (byte, 1),
        };
        output.push(value);
        at += used;
    }
    settled(input, output)
}

/// Letters, digits and `*` stay, a blank becomes `+`, all else `%xx`.
pub(super) fn encode(input: &[u8]) -> Cow<'_, [u8]> {
    let mut output = Vec::with_capacity(input.len() * 3);
    for &byte in input {
        match byte {
            b' ' => output.push(b'+'),
            b'*' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => output.push(byte),
            _ => {
                output.push(b'%');
                output.extend(encoding::hex_letters(byte));
            }
        }
    }
    settled(input, output)
}

/// Each character of UTF-8 above ASCII becomes `%uXXXX` (five or six digits beyond the basic plane); bytes that are not UTF-8
/// stay, so that nothing is lost to a rule.
pub(super) fn utf8_to_unicode(input: &[u8]) -> Cow<'_, [u8]> {
    if input.is_ascii() {
        return Cow::Borrowed(input);
    }
    let mut output = Vec::with_capacity(input.len() * 2);
    for chunk in input.utf8_chunks() {
        for letter in chunk.valid().chars() {
            if letter.is_ascii() {
                output.push(letter as u8);
            } else {
                output.extend_from_slice(format!("%u{:04x}", u32::from(letter)).as_bytes());
            }
        }
        output.extend_from_slice(chunk.invalid());
    }
    settled(input, output)
}
