//! The reader for JSON: what a YAML reader would get wrong (tabs, surrogate pairs) is right here.

use std::borrow::Cow;

use super::event::{About, Event, Fault, Reader, Step, Style};

pub(super) struct Json<'t> {
    text: &'t str,
    at: usize,
    /// Open collections, innermost last; true for maps.
    open: Vec<bool>,
    expected: Expected,
}

#[derive(Clone, Copy, PartialEq)]
enum Expected {
    Start,
    Value,
    FirstItem,
    FirstKey,
    CommaOrEnd,
    DocumentEnd,
    Nothing,
}

impl<'t> Json<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0, open: Vec::new(), expected: Expected::Start }
    }

    fn fault<T>(&self, message: &str) -> Result<T, Fault> {
        Err(Fault { at: self.at, message: message.to_owned() })
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "every branch of the reader ends with it")]
    fn step(&self, event: Event<'t>, start: usize) -> Result<Option<Step<'t>>, Fault> {
        Ok(Some(Step { event, range: start..self.at }))
    }

    fn after_value(&self) -> Expected {
        if self.open.is_empty() { Expected::DocumentEnd } else { Expected::CommaOrEnd }
    }

    fn value(&mut self) -> Result<Option<Step<'t>>, Fault> {
        let start = self.at;
        match self.peek() {
            Some(b'{') => self.enter(true, Event::MapStart(About::default())),
            Some(b'[') => self.enter(false, Event::ListStart(About::default())),
            Some(b'"') => {
                let text = self.string()?;
                self.expected = self.after_value();
                self.step(Event::Scalar { text, style: Style::Quoted, about: About::default() }, start)
            }
            Some(_) => {
                let text = self.word()?;
                self.expected = self.after_value();
                self.step(
                    Event::Scalar { text: Cow::Borrowed(text), style: Style::Plain, about: About::default() },
                    start,
                )
            }
            None => self.fault("the text ends where a value is expected"),
        }
    }

    fn enter(&mut self, map: bool, event: Event<'t>) -> Result<Option<Step<'t>>, Fault> {
        let start = self.at;
        self.at += 1;
        self.open.push(map);
        self.expected = if map { Expected::FirstKey } else { Expected::FirstItem };
        self.step(event, start)
    }

    fn leave(&mut self) -> Result<Option<Step<'t>>, Fault> {
        let start = self.at;
        self.at += 1;
        let map = self.open.pop().unwrap_or(false);
        self.expected = self.after_value();
        self.step(if map { Event::MapEnd } else { Event::ListEnd }, start)
    }

    fn key(&mut self) -> Result<Option<Step<'t>>, Fault> {
        let start = self.at;
        if self.peek() != Some(b'"') {
            return self.fault("a key in double quotes is expected here");
        }
        let text = self.string()?;
        let end = self.at;
        self.skip_space();
        if self.peek() != Some(b':') {
            return self.fault("a colon is expected after the key");
        }
        self.at += 1;
        self.expected = Expected::Value;
        let event = Event::Scalar { text, style: Style::Quoted, about: About::default() };
        Ok(Some(Step { event, range: start..end }))
    }

    fn comma_or_end(&mut self) -> Result<Option<Step<'t>>, Fault> {
        let map = self.open.last().copied().unwrap_or(false);
        match (self.peek(), map) {
            (Some(b'}'), true) | (Some(b']'), false) => self.leave(),
            (Some(b','), _) => {
                self.at += 1;
                self.skip_space();
                if map { self.key() } else { self.value() }
            }
            (None, _) => self.fault("the text ends inside an open bracket"),
            (_, true) => self.fault("a comma or `}` is expected here"),
            (_, false) => self.fault("a comma or `]` is expected here"),
        }
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self) -> Result<&'t str, Fault> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length =
            rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')).count();
        let word = rest.get(..length).unwrap_or_default();
        if matches!(word, "true" | "false" | "null") || is_number(word) {
            self.at += length;
            return Ok(word);
        }
        self.fault("a value is expected here: text in double quotes, a number, `true`, `false`, `null`, `{` or `[`")
    }

    /// The text between quotes, escapes undone; borrowed where there are none.
    fn string(&mut self) -> Result<Cow<'t, str>, Fault> {
        self.at += 1;
        let start = self.at;
        let mut undone: Option<String> = None;
        let mut copied = start;
        loop {
            match self.peek() {
                None => return self.fault("the text ends inside quotes"),
                Some(b'"') => break,
                Some(b'\\') => {
                    let out = undone.get_or_insert_default();
                    out.push_str(self.text.get(copied..self.at).unwrap_or_default());
                    let character = self.escape()?;
                    undone.get_or_insert_default().push(character);
                    copied = self.at;
                }
                Some(byte) if byte < 0x20 => return self.fault("a control character must be escaped inside quotes"),
                Some(_) => self.at += 1,
            }
        }
        let tail = self.text.get(copied..self.at).unwrap_or_default();
        self.at += 1;
        Ok(match undone {
            None => Cow::Borrowed(tail),
            Some(mut out) => {
                out.push_str(tail);
                Cow::Owned(out)
            }
        })
    }

    fn escape(&mut self) -> Result<char, Fault> {
        let letter = self.text.as_bytes().get(self.at + 1).copied();
        let simple = match letter {
            Some(b'u') => return self.unicode_escape(),
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            _ => return self.fault("this escape is not known"),
        };
        self.at += 2;
        Ok(simple)
    }

    fn unicode_escape(&mut self) -> Result<char, Fault> {
        let high = self.hex(self.at + 2);
        let pair = (0xD800..0xDC00).contains(&high.unwrap_or(0));
        let low =
            if pair && self.text.get(self.at + 6..self.at + 8) == Some("\\u") { self.hex(self.at + 8) } else { None };
        let (code, length) = match (high, low) {
            (Some(high), Some(low)) if (0xDC00..0xE000).contains(&low) => {
                (0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00), 12)
            }
            (Some(high), _) => (high, 6),
            (None, _) => return self.fault("four hexadecimal digits are expected after `\\u`"),
        };
        let Some(character) = char::from_u32(code) else {
            return self.fault("this escape is half of a surrogate pair");
        };
        self.at += length;
        Ok(character)
    }

    fn hex(&self, at: usize) -> Option<u32> {
        let digits = self.text.get(at..at + 4)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        u32::from_str_radix(digits, 16).ok()
    }
}

impl<'t> Reader<'t> for Json<'t> {
    fn next(&mut self) -> Result<Option<Step<'t>>, Fault> {
        self.skip_space();
        match (self.expected, self.peek()) {
            (Expected::Start, _) => {
                self.expected = Expected::Value;
                self.step(Event::DocumentStart, self.at)
            }
            (Expected::FirstKey, Some(b'}')) | (Expected::FirstItem, Some(b']')) => self.leave(),
            (Expected::Value | Expected::FirstItem, _) => self.value(),
            (Expected::FirstKey, _) => self.key(),
            (Expected::CommaOrEnd, _) => self.comma_or_end(),
            (Expected::DocumentEnd, None) => {
                self.expected = Expected::Nothing;
                self.step(Event::DocumentEnd, self.at)
            }
            (Expected::DocumentEnd, Some(_)) => self.fault("nothing may follow the closing bracket"),
            (Expected::Nothing, _) => Ok(None),
        }
    }
}

fn is_number(word: &str) -> bool {
    let digits = word.strip_prefix('-').unwrap_or(word);
    digits.starts_with(|first: char| first.is_ascii_digit()) && word.parse::<f64>().is_ok()
}
