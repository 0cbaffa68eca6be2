//! White space, NUL bytes, letter case, and the shell's noise.

use super::{is_space, settled};
use std::borrow::Cow;

/// A lone no-break space of Latin-1, which several backends read as white space.
const NO_BREAK: u8 = 0xA0;

/// Runs of white space become one blank.
pub(super) fn compress(input: &[u8]) -> Cow<'_, [u8]> {
    if !input.iter().any(|&byte| is_space(byte) || byte == NO_BREAK) {
        return Cow::Borrowed(input);
    }
    let mut output = Vec::with_capacity(input.len());
    let mut inside = false;
    for &byte in input {
        let space = is_space(byte) || byte == NO_BREAK;
        if !space {
            output.push(byte);
        } else if !inside {
            output.push(b' ');
        }
        inside = space;
    }
    settled(input, output)
}

/// All white space goes.
pub(super) fn remove(input: &[u8]) -> Cow<'_, [u8]> {
    without(input, |byte| is_space(byte) || byte == NO_BREAK)
}

/// NUL bytes go.
pub(super) fn remove_nulls(input: &[u8]) -> Cow<'_, [u8]> {
    without(input, |byte| byte == 0)
}

fn without(input: &[u8], unwanted: impl Fn(u8) -> bool) -> Cow<'_, [u8]> {
    if !input.iter().any(|&byte| unwanted(byte)) {
        return Cow::Borrowed(input);
    }
    Cow::Owned(input.iter().copied().filter(|&byte| !unwanted(byte)).collect())
}

/// NUL bytes become blanks.
pub(super) fn replace_nulls(input: &[u8]) -> Cow<'_, [u8]> {
    if !input.contains(&0) {
        return Cow::Borrowed(input);
    }
    Cow::Owned(input.iter().map(|&byte| if byte == 0 { b' ' } else { byte }).collect())
}

/// ASCII letters in lower case; other bytes are no letters here.
pub(super) fn lowercase(input: &[u8]) -> Cow<'_, [u8]> {
    if input.iter().any(u8::is_ascii_uppercase) { Cow::Owned(input.to_ascii_lowercase()) } else { Cow::Borrowed(input) }
}

/// ASCII letters in upper case.
pub(super) fn uppercase(input: &[u8]) -> Cow<'_, [u8]> {
    if input.iter().any(u8::is_ascii_lowercase) { Cow::Owned(input.to_ascii_uppercase()) } else { Cow::Borrowed(input) }
}

/// The value from its first byte that is not white space.
pub(super) fn trim_left(input: &[u8]) -> &[u8] {
    let start = input.iter().position(|&byte| !is_space(byte)).unwrap_or(input.len());
    input.get(start..).unwrap_or_default()
}

/// The value up to its last byte that is not white space.
pub(super) fn trim_right(input: &[u8]) -> &[u8] {
    let end = input.iter().rposition(|&byte| !is_space(byte)).map_or(0, |last| last + 1);
    input.get(..end).unwrap_or_default()
}

/// A command line as a shell would see through it: quotes, carets and backslashes go, separators become one blank, blanks before
/// `/` and `(` go, letters in lower case.
pub(super) fn command_line(input: &[u8]) -> Cow<'_, [u8]> {
    let mut output = Vec::with_capacity(input.len());
    let mut space = false;
    for &byte in input {
        match byte {
            b'"' | b'\'' | b'\\' | b'^' => {}
            b' ' | b',' | b';' | b'\t' | b'\r' | b'\n' => {
                if !space {
                    output.push(b' ');
                }
                space = true;
            }
            b'/' | b'(' => {
                if space {
                    output.pop();
                }
                output.push(byte);
                space = false;
            }
            _ => {
                output.push(byte.to_ascii_lowercase());
                space = false;
            }
        }
    }
    settled(input, output)
}
