//! Comments: readers drop them, we need them for suppressions.

use std::ops::Range;

use super::{Comment, position::Positions};

/// Every comment of `text`, in order. A `#` inside one of `scalars` (in text order) is text; any other one that starts a
/// line or follows a space starts a comment.
pub(super) fn comments(text: &str, scalars: &[Range<u32>], positions: &Positions<'_>) -> Vec<Comment> {
    let mut found = Vec::new();
    let mut skip_until = 0;
    for (offset, _) in text.match_indices('#') {
        if offset < skip_until || !may_start(text, offset) || is_inside(scalars, offset) {
            continue;
        }
        let rest = text.get(offset..).unwrap_or_default();
        let length = rest.find(['\n', '\r']).unwrap_or(rest.len());
        skip_until = offset + length;
        let place = positions.place(offset..skip_until);
        let line_start = text.get(..offset).unwrap_or_default().rfind(['\n', '\r']).map_or(0, |end| end + 1);
        let alone = text.get(line_start..offset).unwrap_or_default().trim().is_empty();
        let words = rest.get(..length).unwrap_or_default().trim_start_matches('#').trim();
        found.push(Comment { place, alone, text: words.into() });
    }
    found
}

fn may_start(text: &str, offset: usize) -> bool {
    match offset.checked_sub(1) {
        None => true,
        Some(before) => matches!(text.as_bytes().get(before), Some(b' ' | b'\t' | b'\n' | b'\r')),
    }
}

fn is_inside(scalars: &[Range<u32>], offset: usize) -> bool {
    let after = scalars.partition_point(|range| range.start as usize <= offset);
    after.checked_sub(1).and_then(|index| scalars.get(index)).is_some_and(|range| (range.end as usize) > offset)
}
