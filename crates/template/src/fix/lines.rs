//! Lines of a text, by bytes.

/// Where the line of `at` starts.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    let start = text.get(..at).and_then(|before| before.rfind(['\n', '\r'])).map_or(0, |end| end + 1);
    if start == 0 && text.starts_with('\u{feff}') { '\u{feff}'.len_utf8().min(at) } else { start }
}

/// Where the line of `at` ends, its line ending left out.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.find(['\n', '\r']).unwrap_or(rest.len())
}

/// Where the next line starts; the end of the text when there is none.
pub(super) fn next_line(text: &str, at: usize) -> usize {
    let end = line_end(text, at);
    let ending = match text.as_bytes().get(end..) {
        Some([b'\r', b'\n', ..]) => 2,
        Some([_, ..]) => 1,
        _ => 0,
    };
    end + ending
}

/// Characters before `at` in its line.
pub(super) fn column(text: &str, at: usize) -> usize {
    before(text, at).chars().count()
}

/// What stands before `at` in its line.
pub(super) fn before(text: &str, at: usize) -> &str {
    text.get(line_start(text, at)..at).unwrap_or_default()
}

/// One past the colon that follows the key which ends at `key_end`.
pub(super) fn colon(text: &str, key_end: usize) -> Option<usize> {
    let rest = text.get(key_end..)?;
    let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    (rest.as_bytes().get(blank) == Some(&b':')).then_some(key_end + blank + 1)
}
