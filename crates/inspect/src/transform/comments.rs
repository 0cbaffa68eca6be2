//! Comments of SQL, C, shell and HTML.

use super::settled;
use std::borrow::Cow;

fn any_mark(input: &[u8]) -> bool {
    memchr::memchr3(b'/', b'-', b'#', input).is_some() || memchr::memchr2(b'*', b'<', input).is_some()
}

/// Comments go; `--` and `#` end the value. The byte right after a comment is taken unread, and a comment that ends the value
/// leaves a NUL: so ModSecurity's buffer has it, and rules were tuned on that.
pub(super) fn remove(input: &[u8]) -> Cow<'_, [u8]> {
    if !any_mark(input) {
        return Cow::Borrowed(input);
    }
    let mut output = Vec::with_capacity(input.len());
    let mut rest = input;
    let mut inside = false;
    while let Some((&first, tail)) = rest.split_first() {
        if inside {
            let after = rest.strip_prefix(b"*/").or_else(|| rest.strip_prefix(b"-->"));
            let Some(after) = after else {
                rest = tail;
                continue;
            };
            inside = false;
            let (&next, tail) = after.split_first().unwrap_or((&0, &[]));
            output.push(next);
            rest = tail;
        } else if let Some(after) = rest.strip_prefix(b"/*").or_else(|| rest.strip_prefix(b"<!--")) {
            inside = true;
            rest = after;
        } else if first == b'#' || rest.starts_with(b"--") {
            return settled(input, output);
        } else {
            output.push(first);
            rest = tail;
        }
    }
    if inside {
        output.push(b' ');
    }
    settled(input, output)
}

/// The marks of comments go, their text stays.
pub(super) fn remove_marks(input: &[u8]) -> Cow<'_, [u8]> {
    const MARKS: [&[u8]; 6] = [b"/*", b"*/", b"<!--", b"-->", b"--", b"#"];
    if !any_mark(input) {
        return Cow::Borrowed(input);
    }
    let mut output = Vec::with_capacity(input.len());
    let mut rest = input;
    while let Some((&first, tail)) = rest.split_first() {
        if let Some(after) = MARKS.iter().find_map(|mark| rest.strip_prefix(*mark)) {
            rest = after;
        } else {
            output.push(first);
            rest = tail;
        }
    }
    settled(input, output)
}

/// Each C comment becomes one blank, an open one too.
pub(super) fn replace(input: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memmem::find(input, b"/*").is_none() {
        return Cow::Borrowed(input);
    }
    let mut output = Vec::with_capacity(input.len());
    let mut rest = input;
    while let Some(start) = memchr::memmem::find(rest, b"/*") {
        let (before, comment) = rest.split_at(start);
        output.extend_from_slice(before);
        output.push(b' ');
        let body = comment.get(2..).unwrap_or_default();
        rest = memchr::memmem::find(body, b"*/").and_then(|end| body.get(end + 2..)).unwrap_or_default();
    }
    output.extend_from_slice(rest);
    settled(input, output)
}
