//! Other people's text: what may be shown of it, and where lines begin and end.

use std::borrow::Cow;

use brigandine_model::Span;

use crate::Report;

/// Text without anything a terminal would obey or that turns the direction of reading: such signs are written out.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_control) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for sign in text.chars() {
        if is_control(sign) { out.extend(sign.escape_unicode()) } else { out.push(sign) }
    }
    Cow::Owned(out)
}

fn is_control(sign: char) -> bool {
    sign.is_control() || is_invisible(sign)
}

/// Signs that show nothing or change the order of what is shown.
fn is_invisible(sign: char) -> bool {
    matches!(sign, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// A file's text as it may be shown: control signs and secrets replaced, every byte where it was.
pub(crate) fn presentable(text: &str, secrets: &[&Span]) -> String {
    let mut hiding: Vec<(usize, usize)> = secrets.iter().map(|span| (span.start, span.end)).collect();
    hiding.sort_unstable();
    let mut hiding = hiding.into_iter().peekable();
    let mut hidden_until = 0;
    let mut out = String::with_capacity(text.len());
    for (offset, sign) in text.char_indices() {
        while let Some((_, end)) = hiding.next_if(|(start, _)| *start <= offset) {
            hidden_until = hidden_until.max(end);
        }
        let hidden = offset < hidden_until;
        match sign {
            '\n' => out.push('\n'),
            // A tab or the first half of a Windows line end keeps its byte.
            '\t' | '\r' => out.push(' '),
            _ if hidden => out.extend(std::iter::repeat_n('*', sign.len_utf8())),
            _ if is_control(sign) => out.push_str(stand_in(sign)),
            _ => out.push(sign),
        }
    }
    out
}

/// Something visible of the same length in bytes.
fn stand_in(sign: char) -> &'static str {
    match sign.len_utf8() {
        1 => "?",
        2 => "\u{bf}",
        3 => "\u{fffd}",
        _ => "????",
    }
}

/// The places in one file that no format may show: what findings name as secret.
pub(crate) fn secrets_in<'a>(report: &'a Report<'_>, file: &str) -> Vec<&'a Span> {
    let all = report.findings.iter().chain(report.suppressed.iter().map(|suppressed| &suppressed.finding));
    all.flat_map(|finding| &finding.secrets).filter(|span| span.file.as_ref() == file).collect()
}

/// A path as other tools write it: relative to where the check was run, with forward slashes.
pub(crate) fn relative(file: &str) -> String {
    let path = file.replace('\\', "/");
    path.strip_prefix("./").unwrap_or(&path).to_owned()
}

/// Byte range of the lines that `from..to` touches, without the last line end.
pub(crate) fn lines_around(text: &str, from: usize, to: usize) -> std::ops::Range<usize> {
    let start = text.get(..from).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1);
    let end = text.get(to..).and_then(|after| after.find('\n')).map_or(text.len(), |length| to + length);
    start..end
}

/// Line and column (both from 1, columns in characters) of a byte.
pub(crate) fn position(text: &str, offset: usize) -> Option<(usize, usize)> {
    let before = text.get(..offset)?;
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    Some((line, before.get(line_start..)?.chars().count() + 1))
}

/// Text broken at blanks so that no line is longer than `width`, unless one word is.
pub(crate) fn wrapped(text: &str, width: usize) -> String {
    let mut out = String::with_capacity(text.len() + 4);
    let mut column = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > width {
            out.push('\n');
            column = 0;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_sequences_are_written_out() {
        assert_eq!(clean("a\u{1b}[31mred"), "a\\u{1b}[31mred");
        assert_eq!(clean("\u{9b}2J\u{202e}x"), "\\u{9b}2J\\u{202e}x");
        assert_eq!(clean("plain ünïcode"), "plain ünïcode");
    }

    #[test]
    fn what_is_shown_keeps_every_byte_in_place() {
        let text = "a\u{1b}b\u{9b}c\u{202e}d\té\r\n";
        let span = Span { file: "f".into(), start: 10, end: 13, line: 1, column: 1 };
        for secrets in [vec![], vec![&span]] {
            let shown = presentable(text, &secrets);
            assert_eq!(shown.len(), text.len(), "{shown:?}");
            assert!(!shown.chars().any(|sign| is_control(sign) && sign != '\n'), "{shown:?}");
        }
    }

    #[test]
    fn positions_count_characters() {
        assert_eq!(position("é\nabc", 4), Some((2, 2)));
        assert_eq!(position("é", 1), None);
    }

    #[test]
    fn wrapping_breaks_at_blanks() {
        assert_eq!(wrapped("one two three", 7), "one two\nthree");
        assert_eq!(wrapped("extraordinarily long", 5), "extraordinarily\nlong");
    }
}
