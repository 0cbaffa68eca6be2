//! The texts of an event, each with the path that leads to it, as they stand and with their wrappings taken off.

use std::collections::HashSet;

use super::wrapping;
use crate::body::{BodyError, Limits, json};

/// Wrappings that are taken off one text, one inside the other. What is wrapped deeper is not let pass: nobody but an attacker
/// would do it.
pub(super) const DEEPEST: usize = 6;
/// Texts of one event that are looked at, wrappings counted: more than the largest batch of a stream has.
pub(super) const MOST_TEXTS: usize = 400_000;
/// Bytes of paths and texts that one event may come to; paths count twice, since each is put together first.
pub(super) const MOST_BYTES: usize = 64 * 1024 * 1024;
const LIMITS: Limits = Limits { arguments: MOST_TEXTS, depth: 128, bytes: MOST_BYTES };
/// Texts that are remembered, and their bytes with the path: what the records of a batch have in common is not much.
const MOST_KNOWN: usize = 4_096;
const LONGEST_KNOWN: usize = 256;
/// Numbers in a row that may be the bytes of a text.
const BYTES_IN_A_ROW: usize = 6;

/// One text.
pub(super) struct Leaf<'l> {
    pub(super) path: &'l [u8],
    pub(super) text: &'l [u8],
}

/// Walks through an event.
pub(super) struct Leaves<'v> {
    /// Takes each text, and says whether to go on.
    visit: &'v mut dyn FnMut(&Leaf<'_>) -> bool,
    texts: usize,
    bytes: usize,
    overflowed: bool,
    stopped: bool,
    /// Short texts with their places that were handed on, whichever record they stood in.
    known: HashSet<Vec<u8>>,
}

/// Numbers that follow each other in one list, as bytes.
#[derive(Default)]
struct Row {
    list: Vec<u8>,
    bytes: Vec<u8>,
}

impl<'v> Leaves<'v> {
    pub(super) fn new(visit: &'v mut dyn FnMut(&Leaf<'_>) -> bool) -> Self {
        Self { visit, texts: 0, bytes: 0, overflowed: false, stopped: false, known: HashSet::new() }
    }

    /// Hands on every text; `false` when the event holds more than is looked at.
    pub(super) fn event(mut self, event: &[u8]) -> bool {
        if !self.members(b"", event, 0) {
            self.text(b"", event, 1);
        }
        !self.overflowed
    }

    /// The members of a JSON document, as far as it is one; `false` when it is not one to its end.
    fn members(&mut self, path: &[u8], document: &[u8], depth: usize) -> bool {
        let mut row = Row::default();
        let walked = json::walk(document, &LIMITS, &mut |name, value, kind| {
            let name = name.strip_prefix(b"json").unwrap_or(name);
            let name = if path.is_empty() { name.strip_prefix(b".").unwrap_or(name) } else { name };
            if !self.afford(path.len() + name.len()) {
                return;
            }
            let place = [path, name].concat();
            if kind == json::Leaf::Number && row.take(&place, value) {
                return;
            }
            self.row(&mut row, depth);
            match kind {
                json::Leaf::Text => self.text(&place, value, depth),
                // Not their values but their names may be an attack: `{"$ne": null}`.
                json::Leaf::Number | json::Leaf::Boolean | json::Leaf::Null => self.add(&place, value),
            }
        });
        self.row(&mut row, depth);
        match walked {
            Ok(()) => true,
            Err(BodyError::TooDeep | BodyError::TooMany | BodyError::TooLarge) => {
                self.overflowed = true;
                true
            }
            Err(_) => false,
        }
    }

    /// Numbers that may have been bytes of a text, once the row of them has ended.
    fn row(&mut self, row: &mut Row, depth: usize) {
        let Row { list, bytes } = std::mem::take(row);
        if bytes.len() >= BYTES_IN_A_ROW {
            self.text(&list, &bytes, depth);
        } else if !bytes.is_empty() {
            self.add(&list, b"");
        }
    }

    /// A text as it stands, and as what it may hold.
    fn text(&mut self, path: &[u8], text: &[u8], depth: usize) {
        self.add(path, text);
        if self.overflowed || self.stopped {
            return;
        }
        if depth >= DEEPEST {
            let nested = || json::walk(text, &LIMITS, &mut |_, _, _| {}).is_ok();
            self.overflowed |= wrapping::opens_json(text) && nested() || wrapping::is_packed(text);
            return;
        }
        if wrapping::opens_json(text) && self.members(path, text, depth + 1) {
            return;
        }
        // A text may be read either way: plus signs are letters of base64.
        for inner in wrapping::unpacked(text, MOST_BYTES.saturating_sub(self.bytes)) {
            self.text(path, &inner, depth + 1);
        }
        if let Some(decoded) = wrapping::percent_decoded(text) {
            self.text(path, &decoded, depth + 1);
        }
    }

    fn add(&mut self, path: &[u8], text: &[u8]) {
        self.texts += 1;
        self.overflowed |= self.texts > MOST_TEXTS;
        if self.afford(path.len() + text.len()) && self.is_new(path, text) {
            self.stopped = !(self.visit)(&Leaf { path, text });
        }
    }

    /// Whether no other record had the same text in the same place, as far as is remembered.
    fn is_new(&mut self, path: &[u8], text: &[u8]) -> bool {
        if path.len() + text.len() > LONGEST_KNOWN {
            return true;
        }
        let mut key: Vec<u8> = Vec::with_capacity(path.len() + text.len() + 1);
        for step in path.split(|byte| *byte == b'.') {
            let index = step.strip_prefix(b"array_").is_some_and(|digits| digits.iter().all(u8::is_ascii_digit));
            key.extend_from_slice(if index { b"array" } else { step });
            key.push(b'.');
        }
        // Where the place ends stands at the end, so that no other place and text read alike.
        let end = key.len().to_le_bytes();
        key.extend_from_slice(text);
        key.extend_from_slice(&end);
        if self.known.contains(&key) {
            return false;
        }
        if self.known.len() < MOST_KNOWN {
            self.known.insert(key);
        }
        true
    }

    /// Counts bytes that are copied; `false` once nothing more is to be looked at.
    fn afford(&mut self, bytes: usize) -> bool {
        self.bytes = self.bytes.saturating_add(bytes);
        self.overflowed |= self.bytes > MOST_BYTES;
        !self.overflowed && !self.stopped
    }
}

impl Row {
    /// Takes a number that stands behind those before it in the same list and may be a byte, signed or not.
    fn take(&mut self, place: &[u8], number: &[u8]) -> bool {
        let Some(end) = memchr::memmem::rfind(place, b".array_") else { return false };
        let list = place.get(..end).unwrap_or_default();
        let number = std::str::from_utf8(number).ok().and_then(|number| number.parse::<i16>().ok());
        let byte = number.and_then(|number| match number {
            0..=255 => u8::try_from(number).ok(),
            _ => i8::try_from(number).ok().map(i8::cast_unsigned),
        });
        let Some(byte) = byte.filter(|_| self.bytes.is_empty() || self.list == list) else { return false };
        if self.bytes.is_empty() {
            self.list = list.to_vec();
        }
        self.bytes.push(byte);
        true
    }
}
