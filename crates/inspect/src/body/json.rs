//! JSON, walked leaf by leaf.
//!
//! Names are those of `ModSecurity`: `json.user.tags.array_0`. Duplicate keys are all kept, since backends differ in which one they
//! take. Strings keep their bytes, invalid UTF-8 included.

use super::{BodyError, Budget, Limits};

/// What kind of leaf a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaf {
    Text,
    Number,
    Boolean,
    Null,
}

/// Takes a leaf's name, its decoded value and its kind.
pub(crate) type Visit<'v> = dyn FnMut(&[u8], &[u8], Leaf) + 'v;

/// Hands every leaf to `visit`: its name, its decoded value, its kind. `null` is empty, booleans and numbers are as written; the
/// leaves before an error are told of, too.
pub(crate) fn walk(body: &[u8], limits: &Limits, visit: &mut Visit<'_>) -> Result<(), BodyError> {
    let mut walker = Walker { scan: Scan { input: body, at: 0 }, path: b"json".to_vec(), frames: Vec::new() };
    let mut budget = Budget::new(limits);
    let mut text = Vec::new();
    loop {
        if let Some(kind) = walker.value(limits.depth, &mut text)? {
            budget.take(walker.path.len() + text.len())?;
            visit(&walker.path, &text, kind);
        }
        if !walker.advance()? {
            return Ok(());
        }
    }
}

/// An object or array that is open: where its own name ends in the path, and where it is.
struct Frame {
    path: usize,
    /// The next index of an array; `None` for an object.
    index: Option<usize>,
    started: bool,
}

struct Walker<'b> {
    scan: Scan<'b>,
    path: Vec<u8>,
    frames: Vec<Frame>,
}

impl Walker<'_> {
    /// Reads a value. A leaf's text is left in `text`; an object or array is opened instead.
    fn value(&mut self, depth: usize, text: &mut Vec<u8>) -> Result<Option<Leaf>, BodyError> {
        text.clear();
        self.scan.space();
        let open = |index| Frame { path: 0, index, started: false };
        let frame = match self.scan.peek() {
            Some(b'{') => open(None),
            Some(b'[') => open(Some(0)),
            _ => return self.scan.leaf(text).map(Some),
        };
        if self.frames.len() >= depth {
            return Err(BodyError::TooDeep);
        }
        self.scan.at += 1;
        self.frames.push(Frame { path: self.path.len(), ..frame });
        Ok(None)
    }

    /// Moves to the next value and names it; `false` at the end of the document.
    fn advance(&mut self) -> Result<bool, BodyError> {
        loop {
            self.scan.space();
            let Some(frame) = self.frames.last_mut() else {
                return if self.scan.peek().is_none() { Ok(false) } else { Err(BodyError::Json) };
            };
            self.path.truncate(frame.path);
            let close = if frame.index.is_some() { b']' } else { b'}' };
            if self.scan.peek() == Some(close) {
                self.scan.at += 1;
                self.frames.pop();
                continue;
            }
            if frame.started {
                self.scan.expect(b',')?;
            }
            frame.started = true;
            self.path.push(b'.');
            if let Some(index) = &mut frame.index {
                self.path.extend_from_slice(format!("array_{index}").as_bytes());
                *index += 1;
                return Ok(true);
            }
            self.scan.space();
            let start = self.path.len();
            self.scan.string(&mut self.path)?;
            if self.path.len() == start {
                self.path.extend_from_slice(b"empty-key");
            }
            self.scan.space();
            self.scan.expect(b':')?;
            return Ok(true);
        }
    }
}

struct Scan<'b> {
    input: &'b [u8],
    at: usize,
}

impl Scan<'_> {
    fn peek(&self) -> Option<u8> {
        self.input.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), BodyError> {
        if self.peek() != Some(byte) {
            return Err(BodyError::Json);
        }
        self.at += 1;
        Ok(())
    }

    fn leaf(&mut self, text: &mut Vec<u8>) -> Result<Leaf, BodyError> {
        if self.peek() == Some(b'"') {
            self.string(text)?;
            return Ok(Leaf::Text);
        }
        let rest = self.input.get(self.at..).unwrap_or_default();
        for (word, kind) in [(b"true".as_slice(), Leaf::Boolean), (b"false", Leaf::Boolean), (b"null", Leaf::Null)] {
            if rest.starts_with(word) {
                self.at += word.len();
                if kind == Leaf::Boolean {
                    text.extend_from_slice(word);
                }
                return Ok(kind);
            }
        }
        let start = self.at;
        self.number()?;
        text.extend_from_slice(self.input.get(start..self.at).unwrap_or_default());
        Ok(Leaf::Number)
    }

    fn digits(&mut self) -> Result<(), BodyError> {
        let count =
            self.input.get(self.at..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        if count == 0 { Err(BodyError::Json) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<(), BodyError> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    /// Reads a string, its escapes undone, to the end of `text`.
    fn string(&mut self, text: &mut Vec<u8>) -> Result<(), BodyError> {
        self.expect(b'"')?;
        loop {
            let rest = self.input.get(self.at..).unwrap_or_default();
            let plain = rest.iter().take_while(|&&byte| byte >= b' ' && byte != b'"' && byte != b'\\').count();
            text.extend_from_slice(rest.get(..plain).unwrap_or_default());
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape(text)?,
                _ => return Err(BodyError::Json),
            }
        }
    }

    fn escape(&mut self, text: &mut Vec<u8>) -> Result<(), BodyError> {
        let kind = self.input.get(self.at + 1).copied().ok_or(BodyError::Json)?;
        self.at += 2;
        text.push(match kind {
            b'"' | b'\\' | b'/' => kind,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => return self.unicode(text),
            _ => return Err(BodyError::Json),
        });
        Ok(())
    }

    fn quad(&mut self) -> Option<u32> {
        let high = crate::transform::hex_pair(self.input, self.at)?;
        let low = crate::transform::hex_pair(self.input, self.at + 2)?;
        self.at += 4;
        Some(u32::from(high) << 8 | u32::from(low))
    }

    /// A `\u` escape. A surrogate without its other half is kept in the three bytes that UTF-8 would have for it: lenient backends
    /// do the same, and nothing is lost.
    fn unicode(&mut self, text: &mut Vec<u8>) -> Result<(), BodyError> {
        let first = self.quad().ok_or(BodyError::Json)?;
        let mut code = first;
        if (0xD800..0xDC00).contains(&first) && self.input.get(self.at..self.at + 2) == Some(b"\\u") {
            let back = self.at;
            self.at += 2;
            match self.quad() {
                Some(second) if (0xDC00..0xE000).contains(&second) => {
                    code = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                }
                _ => self.at = back,
            }
        }
        match char::from_u32(code) {
            Some(letter) => text.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
            None => text.extend(
                [0xE0 | code >> 12, 0x80 | code >> 6 & 0x3F, 0x80 | code & 0x3F].map(|part| part.to_le_bytes()[0]),
            ),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Argument;
    use super::*;
    use proptest::prelude::*;

    /// The leaves of a document, in order, and what is wrong with the rest of it.
    #[derive(Debug, PartialEq, Eq)]
    struct Flat {
        arguments: Vec<Argument>,
        error: Option<BodyError>,
    }

    fn flatten(body: &[u8], limits: &Limits) -> Flat {
        let mut arguments = Vec::new();
        let walked = walk(body, limits, &mut |name, value, _| {
            arguments.push(Argument { name: name.to_vec(), value: value.to_vec() });
        });
        Flat { arguments, error: walked.err() }
    }

    fn pairs(body: &str) -> Vec<(String, String)> {
        let flat = flatten(body.as_bytes(), &Limits::default());
        assert_eq!(flat.error, None, "{body}");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        flat.arguments.into_iter().map(|argument| (text(argument.name), text(argument.value))).collect()
    }

    fn expected(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn leaves_are_named_by_their_path() {
        let body = r#" {"a":1, "b":[[true],{"c":null,"c":"x"}], "":{"d":-1.5e+3}, "e":{}, "f":[]} "#;
        let names = [
            ("json.a", "1"),
            ("json.b.array_0.array_0", "true"),
            ("json.b.array_1.c", ""),
            ("json.b.array_1.c", "x"),
            ("json.empty-key.d", "-1.5e+3"),
        ];
        assert_eq!(pairs(body), expected(&names));
        assert_eq!(pairs("[\"one\",\"two\"]"), expected(&[("json.array_0", "one"), ("json.array_1", "two")]));
        assert_eq!(pairs("\"alone\""), expected(&[("json", "alone")]));
    }

    #[test]
    fn escapes_are_undone_and_bytes_kept() {
        assert_eq!(pairs(r#"["\u003cb\u003E\/\n\ud83d\ude00"]"#), expected(&[("json.array_0", "<b>/\n😀")]));
        let flat = flatten(b"[\"\xff\\ud800x\"]", &Limits::default());
        assert_eq!(flat.arguments[0].value, b"\xff\xed\xa0\x80x");
    }

    #[test]
    fn malformed_documents_are_refused_with_what_was_read() {
        for body in [
            "",
            " ",
            "{",
            "[1,]",
            "{\"a\" 1}",
            "{a:1}",
            "[1] 2",
            "01",
            "1.",
            "\"\n\"",
            "\"\\x41\"",
            "nul",
            "[1 2]",
            "'a'",
            "{,}",
        ] {
            assert_eq!(flatten(body.as_bytes(), &Limits::default()).error, Some(BodyError::Json), "{body}");
        }
        let flat = flatten(b"{\"a\":\"x\",\"b\":", &Limits::default());
        assert_eq!(flat.arguments.len(), 1);
    }

    #[test]
    fn limits_hold() {
        let limits = Limits { arguments: 3, depth: 4, bytes: 100 };
        let error = |body: &str| flatten(body.as_bytes(), &limits).error;
        assert_eq!(error("[[[[1]]]]"), None);
        assert_eq!(error("[[[[[1]]]]]"), Some(BodyError::TooDeep));
        assert_eq!(error("[1,2,3,4]"), Some(BodyError::TooMany));
        let long = format!("{{\"{}\":[1,2]}}", "k".repeat(60));
        assert_eq!(error(&long), Some(BodyError::TooLarge));
        assert_eq!(error(&"[".repeat(100_000)), Some(BodyError::TooDeep));
    }

    proptest! {
        #[test]
        fn it_agrees_with_serde_on_what_is_json(body in r#"[\[\]{}",:0-9a-e.\\/\-+tru nl]{0,24}"#) {
            let strict = serde_json::from_str::<serde_json::Value>(&body).is_ok();
            let ours = flatten(body.as_bytes(), &Limits::default()).error.is_none();
            // serde refuses numbers beyond its floats, we keep their text.
            if strict {
                prop_assert!(ours, "{body}");
            } else if ours {
                prop_assert!(body.contains(['e', 'E', '\\']), "{body}");
            }
        }
    }
}
