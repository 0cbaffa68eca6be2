//! Positions in a text: bytes, characters, lines.
//!
//! The readers below count characters, spans count bytes, people count lines and columns. One table of running counts,
//! a checkpoint every few bytes, answers all three without walking a long line from its start each time.

use std::ops::Range;

use crate::Place;

/// Bytes between two checkpoints.
const STEP: usize = 128;

/// The positions of one text.
pub(crate) struct Positions<'t> {
    text: &'t str,
    ascii: bool,
    /// First byte of each line.
    lines: Vec<usize>,
    /// Characters before byte `index * STEP`; empty when every character is one byte.
    checkpoints: Vec<usize>,
}

impl<'t> Positions<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        let ascii = text.is_ascii();
        Self { text, ascii, lines: line_starts(text), checkpoints: if ascii { Vec::new() } else { checkpoints(text) } }
    }

    /// The byte at which the `count`th character (from 0) starts; the end of the text when there are fewer.
    pub(crate) fn byte_of(&self, count: usize) -> usize {
        if self.ascii {
            return count.min(self.text.len());
        }
        let block = self.checkpoints.partition_point(|before| *before <= count).saturating_sub(1);
        let mut before = self.checkpoints.get(block).copied().unwrap_or(0);
        let start = block * STEP;
        for (offset, byte) in self.text.as_bytes().iter().enumerate().skip(start) {
            if starts_character(*byte) {
                if before == count {
                    return offset;
                }
                before += 1;
            }
        }
        self.text.len()
    }

    /// The place of a stretch of bytes, cut to the text.
    pub(crate) fn place(&self, range: Range<usize>) -> Place {
        let start = range.start.min(self.text.len());
        let end = range.end.clamp(start, self.text.len());
        let line = self.lines.partition_point(|first| *first <= start).max(1);
        let line_start = self.lines.get(line - 1).copied().unwrap_or(0);
        let column = self.characters_before(start).saturating_sub(self.characters_before(line_start)) + 1;
        Place { start: narrow(start), end: narrow(end), line: narrow(line), column: narrow(column) }
    }

    fn characters_before(&self, byte: usize) -> usize {
        if self.ascii {
            return byte;
        }
        let block = byte / STEP;
        let bytes = self.text.as_bytes().get(block * STEP..byte).unwrap_or_default();
        self.checkpoints.get(block).copied().unwrap_or(0) + bytes.iter().filter(|byte| starts_character(**byte)).count()
    }
}

fn starts_character(byte: u8) -> bool {
    byte & 0xC0 != 0x80
}

fn checkpoints(text: &str) -> Vec<usize> {
    let mut before = 0;
    let mut table = Vec::with_capacity(text.len() / STEP + 1);
    for block in text.as_bytes().chunks(STEP) {
        table.push(before);
        before += block.iter().filter(|byte| starts_character(**byte)).count();
    }
    table.push(before);
    table
}

/// Lines end with a line feed, a carriage return, or both.
fn line_starts(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    // A byte order mark takes no column.
    let mut starts = vec![if text.starts_with('\u{feff}') { 3 } else { 0 }];
    let ends = memchr::memchr2_iter(b'\n', b'\r', bytes);
    starts
        .extend(ends.filter(|end| !bytes.get(*end..).is_some_and(|rest| rest.starts_with(b"\r\n"))).map(|end| end + 1));
    starts
}

/// The loader refuses texts that do not fit, so nothing is ever cut here.
fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_and_bytes_agree_in_any_script() {
        let text = "é: ü\n".repeat(100) + "日本: x\r\nend";
        let positions = Positions::new(&text);
        for (count, (byte, _)) in text.char_indices().enumerate() {
            assert_eq!(positions.byte_of(count), byte);
            assert_eq!(positions.characters_before(byte), count);
        }
        assert_eq!(positions.byte_of(1_000_000), text.len());
    }

    #[test]
    fn lines_and_columns_count_from_one() {
        let positions = Positions::new("a\r\nüb: c\rd");
        let place = positions.place(7..8);
        assert_eq!((place.line, place.column), (2, 4));
        assert_eq!(positions.place(10..11).line, 3);
    }
}
