//! File paths without detours.

use super::settled;
use std::borrow::Cow;

/// The path with `.`, `..` and doubled slashes resolved. A relative path keeps the `..` that lead out of it; an absolute one
/// cannot leave the root.
pub(super) fn normalize(input: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr2(b'/', b'.', input).is_none() {
        return Cow::Borrowed(input);
    }
    settled(input, resolved(input))
}

/// The same after backslashes became slashes.
pub(super) fn normalize_windows(input: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\\', input).is_none() {
        return normalize(input);
    }
    let slashed: Vec<u8> = input.iter().map(|&byte| if byte == b'\\' { b'/' } else { byte }).collect();
    Cow::Owned(resolved(&slashed))
}

fn resolved(path: &[u8]) -> Vec<u8> {
    let absolute = path.first() == Some(&b'/');
    let mut kept: Vec<&[u8]> = Vec::new();
    for segment in path.split(|&byte| byte == b'/') {
        match segment {
            b"" | b"." => {}
            b".." if kept.last().is_some_and(|last| *last != b"..") => {
                kept.pop();
            }
            b".." if absolute => {}
            _ => kept.push(segment),
        }
    }
    let mut output = Vec::with_capacity(path.len());
    if absolute {
        output.push(b'/');
    }
    output.extend_from_slice(&kept.join(&b'/'));
    if path.last() == Some(&b'/') && !kept.is_empty() {
        output.push(b'/');
    }
    output
}
