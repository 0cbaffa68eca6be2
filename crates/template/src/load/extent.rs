//! Where scalars start and end in the text. Readers run on over the comment behind a quoted scalar, or over the one
//! below a block.

/// One past the closing quote of the scalar that opens at `start`; nothing where none opens or none closes.
pub(super) fn quoted_end(text: &str, start: usize) -> Option<usize> {
    let mut rest = text.as_bytes().iter().enumerate().skip(start);
    let (_, quote) = rest.next().filter(|(_, byte)| matches!(byte, b'"' | b'\''))?;
    while let Some((at, byte)) = rest.next() {
        let doubled = || text.as_bytes().get(at + 1) == Some(&b'\'');
        match (quote, byte) {
            (b'"', b'\\') => drop(rest.next()),
            (b'\'', b'\'') if doubled() => drop(rest.next()),
            _ if byte == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// One past the bracket that closes a collection whose last value ends at `from`: only blanks, a comma and comments stand
/// between. Nothing where something else does.
pub(super) fn closing(text: &str, from: usize, bracket: u8) -> Option<usize> {
    let mut comment = false;
    for (at, byte) in text.as_bytes().iter().enumerate().skip(from) {
        match byte {
            b'\n' | b'\r' => comment = false,
            _ if comment => {}
            b'#' => comment = true,
            b' ' | b'\t' | b',' => {}
            _ => return (*byte == bracket).then_some(at + 1),
        }
    }
    None
}

/// The `|` or `>` of the block scalar that a reader says starts at `start`: there, or at the end of the line before, since
/// one reader means the text below it. The text may itself begin with `|`.
pub(super) fn block_start(text: &str, start: usize) -> usize {
    let before = text.get(..start).unwrap_or_default();
    let line = |text: &str| text.rfind(['\n', '\r']).map_or(0, |end| end + 1);
    if matches!(text.as_bytes().get(start), Some(b'|' | b'>'))
        && !before.get(line(before)..).unwrap_or_default().trim().is_empty()
    {
        return start;
    }
    let before = before.trim_end();
    let from = line(before);
    let header = before.get(from..).unwrap_or_default();
    header.match_indices(['|', '>']).find(|(at, _)| is_block_header(header, *at)).map_or(start, |(at, _)| from + at)
}

/// Whether a block scalar starts at `at`: nothing but indicators and a comment follow on the line.
fn is_block_header(line: &str, at: usize) -> bool {
    let opens = at == 0 || line.as_bytes().get(at - 1).is_some_and(|before| matches!(before, b' ' | b'\t'));
    let rest = line.get(at + 1..).unwrap_or_default();
    let rest = rest.trim_start_matches(|next: char| next.is_ascii_digit() || matches!(next, '-' | '+'));
    opens
        && (rest.is_empty()
            || (rest.starts_with([' ', '\t']) && matches!(rest.trim_start().bytes().next(), None | Some(b'#'))))
}

/// One past the last line of the block scalar whose `|` or `>` stands at `start` and which reads as `content`: lines
/// indented as far as its first one, and blanks and comments behind them no more.
pub(super) fn block_end(text: &str, start: usize, content: &str) -> usize {
    let mut lines = lines(text, start);
    let header = lines.next().map_or(start, |(at, line)| at + header_length(line));
    let Some(first) = content.split('\n').find(|line| !line.trim().is_empty()) else { return header };
    let mut indent = None;
    let mut end = header;
    for (at, line) in lines {
        let blank = line.trim().is_empty();
        // What stands before the first line but belongs to its text, an explicit indentation lets in.
        let indent = match indent {
            None if blank => continue,
            None => *indent.insert(blanks(line).saturating_sub(blanks(first))),
            Some(known) => known,
        };
        let marker = indent == 0 && (line.starts_with("---") || line.starts_with("..."));
        if (!blank && blanks(line) < indent) || marker {
            break;
        }
        if !blank || line.len() > indent {
            end = at + line.len();
        }
    }
    end
}

/// `|`, `>-`, `|2`: without what follows on the line.
fn header_length(line: &str) -> usize {
    line.find(|next: char| !matches!(next, '|' | '>' | '+' | '-') && !next.is_ascii_digit()).unwrap_or(line.len())
}

fn blanks(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// Lines from `start` on, with where each starts, without their ends.
fn lines(text: &str, start: usize) -> impl Iterator<Item = (usize, &str)> {
    let mut at = start;
    let mut open = true;
    std::iter::from_fn(move || {
        let rest = text.get(at..).filter(|_| open)?;
        let length = rest.find(['\n', '\r']);
        let line = rest.get(..length.unwrap_or(rest.len()))?;
        let found = (at, line);
        open = length.is_some();
        let ending = if rest.get(line.len()..).is_some_and(|end| end.starts_with("\r\n")) { 2 } else { 1 };
        at += line.len() + ending;
        Some(found)
    })
}
