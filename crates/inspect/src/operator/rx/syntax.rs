//! From PCRE's syntax to that of the linear engine: same language, other spelling.
//!
//! PCRE without its UTF mode reads patterns as bytes and forgives much: a brace that is no quantifier, a bracket inside a class,
//! an escape of what needs none. Classes are taken apart and written anew, so that the engine's own set notation (`&&`, `--`,
//! nested classes) cannot creep in.

use crate::transform::hex_digit;

/// A rewritten pattern.
pub(super) struct Rewritten {
    pub(super) text: String,
    /// It has look-around, back-references, possessive or atomic parts.
    pub(super) needs_backtracking: bool,
}

/// Rewrites a pattern, or says what cannot be.
pub(super) fn rewritten(pattern: &[u8]) -> Result<Rewritten, String> {
    let mut writer = Writer { input: pattern, at: 0, text: String::with_capacity(pattern.len() + 16), fancy: false, atom: false };
    while writer.at < pattern.len() {
        writer.step()?;
    }
    Ok(Rewritten { text: writer.text, needs_backtracking: writer.fancy })
}

struct Writer<'p> {
    input: &'p [u8],
    at: usize,
    text: String,
    fancy: bool,
    /// Whether a quantifier may follow here.
    atom: bool,
}

/// One member of a class.
enum Member {
    Byte(u8),
    /// A class escape or a POSIX class, as the engine spells it.
    Set(String),
}

impl Writer<'_> {
    fn peek(&self, ahead: usize) -> Option<u8> {
        self.input.get(self.at + ahead).copied()
    }

    fn rest(&self) -> &[u8] {
        self.input.get(self.at..).unwrap_or_default()
    }

    fn step(&mut self) -> Result<(), String> {
        let Some(byte) = self.peek(0) else { return Ok(()) };
        match byte {
            b'\\' => self.escape(),
            b'[' => self.class(),
            b'(' => self.group(),
            b'*' | b'+' | b'?' => self.quantifier(1),
            b'{' => match self.braces() {
                Some(length) if self.atom => self.quantifier(length),
                _ => self.literal(byte),
            },
            b'^' | b'$' | b'|' => self.plain(byte, byte != b'|'),
            b'.' | b')' => self.plain(byte, true),
            _ => self.literal(byte),
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "an arm of `step`")]
    fn plain(&mut self, byte: u8, atom: bool) -> Result<(), String> {
        self.text.push(char::from(byte));
        self.at += 1;
        self.atom = atom;
        Ok(())
    }

    #[expect(clippy::unnecessary_wraps, reason = "an arm of `step`")]
    fn literal(&mut self, byte: u8) -> Result<(), String> {
        push_byte(&mut self.text, byte);
        self.at += 1;
        self.atom = true;
        Ok(())
    }

    /// The length of a quantifier in braces at this place: `{2}`, `{2,}`, `{2,5}`.
    fn braces(&self) -> Option<usize> {
        let end = memchr::memchr(b'}', self.rest())?;
        let inner = self.rest().get(1..end)?;
        let mut bounds = inner.splitn(2, |&byte| byte == b',');
        let least = bounds.next()?;
        let most = bounds.next().unwrap_or(b"0");
        let digits = |text: &[u8]| text.iter().all(u8::is_ascii_digit);
        (!least.is_empty() && digits(least) && digits(most)).then_some(end + 1)
    }

    fn quantifier(&mut self, length: usize) -> Result<(), String> {
        if !self.atom {
            return Err("a quantifier has nothing to repeat".to_owned());
        }
        let end = self.at + length;
        let text = self.input.get(self.at..end).unwrap_or_default();
        self.text.extend(text.iter().map(|&byte| char::from(byte)));
        self.at = end;
        match self.peek(0) {
            Some(b'?') => {
                self.text.push('?');
                self.at += 1;
            }
            Some(b'+') => {
                self.text.push('+');
                self.at += 1;
                self.fancy = true;
            }
            _ => {}
        }
        Ok(())
    }

    fn group(&mut self) -> Result<(), String> {
        if self.rest().starts_with(b"(?#") {
            let length = memchr::memchr(b')', self.rest()).ok_or("a comment is not closed")?;
            self.at += length + 1;
            return Ok(());
        }
        const FANCY: [&[u8]; 7] = [b"(?=", b"(?!", b"(?<=", b"(?<!", b"(?>", b"(?P=", b"(?("];
        if let Some(open) = FANCY.iter().find(|open| self.rest().starts_with(open)) {
            self.fancy = true;
            return self.open(open.len());
        }
        if self.rest().starts_with(b"(*") || self.rest().starts_with(b"(?|") || self.rest().starts_with(b"(?R") {
            return Err("control verbs, branch resets and recursion are not supported".to_owned());
        }
        if !self.rest().starts_with(b"(?") {
            return self.open(1);
        }
        let ends = |byte: u8| matches!(byte, b')' | b':' | b'>' | b'\'');
        let length = self.rest().iter().position(|&byte| ends(byte)).ok_or("a group is not closed")?;
        if self.peek(2) == Some(b'\'') {
            return Err("a group's name is written `(?<name>`".to_owned());
        }
        self.open(length + 1)
    }

    #[expect(clippy::unnecessary_wraps, reason = "an arm of `step`")]
    fn open(&mut self, length: usize) -> Result<(), String> {
        let end = self.at + length;
        let text = self.input.get(self.at..end).unwrap_or_default();
        self.text.extend(text.iter().map(|&byte| char::from(byte)));
        self.at = end;
        self.atom = false;
        Ok(())
    }

    fn escape(&mut self) -> Result<(), String> {
        let Some(kind) = self.peek(1) else { return Err("it ends in a backslash".to_owned()) };
        self.atom = true;
        let written: &str = match kind {
            b'd' => "\\d",
            b'D' => "\\D",
            b'w' => "\\w",
            b'W' => "\\W",
            b's' => "\\s",
            b'S' => "\\S",
            b'b' => "\\b",
            b'B' => "\\B",
            b'A' | b'G' => "\\A",
            b'z' => "\\z",
            b'h' => "[\\t\\x20\\xa0]",
            b'H' => "[^\\t\\x20\\xa0]",
            b'v' => "[\\n-\\r\\x85]",
            b'V' => "[^\\n-\\r\\x85]",
            b'R' => "(?:\\r\\n|[\\n-\\r\\x85])",
            b'N' => "[^\\n]",
            b'E' => "",
            b'Z' | b'K' => {
                self.fancy = true;
                if kind == b'Z' { "(?=\\n?\\z)" } else { "\\K" }
            }
            b'Q' => return self.quoted(),
            b'k' | b'g' | b'1'..=b'9' => return self.reference(kind),
            b'p' | b'P' | b'X' | b'C' => return Err("Unicode classes are not supported: values are bytes".to_owned()),
            _ => {
                let (byte, used) = single(self.rest().get(1..).unwrap_or_default());
                push_byte(&mut self.text, byte);
                self.at += 1 + used;
                return Ok(());
            }
        };
        self.text.push_str(written);
        self.at += 2;
        Ok(())
    }

    #[expect(clippy::unnecessary_wraps, reason = "an arm of `escape`")]
    fn quoted(&mut self) -> Result<(), String> {
        let body = self.rest().get(2..).unwrap_or_default();
        let (length, skip) = memchr::memmem::find(body, b"\\E").map_or((body.len(), 0), |end| (end, 2));
        let start = self.at + 2;
        for &byte in self.input.get(start..start + length).unwrap_or_default() {
            push_byte(&mut self.text, byte);
        }
        self.at = start + length + skip;
        Ok(())
    }

    /// A back-reference; a number with two octal digits or more after a small count of groups would be an octal escape, which
    /// no rule set writes.
    fn reference(&mut self, kind: u8) -> Result<(), String> {
        self.fancy = true;
        let rest = self.rest();
        let length = if kind.is_ascii_digit() {
            1 + rest.iter().skip(1).take_while(|byte| byte.is_ascii_digit()).count()
        } else {
            let close = match self.peek(2) {
                Some(b'{') => b'}',
                Some(b'<') => b'>',
                Some(b'\'') => b'\'',
                _ => return Err("a reference names no group".to_owned()),
            };
            let name = rest.get(3..).unwrap_or_default();
            4 + memchr::memchr(close, name).ok_or("a reference is not closed")?
        };
        let end = self.at + length;
        let text = self.input.get(self.at..end).unwrap_or_default();
        self.text.extend(text.iter().map(|&byte| char::from(byte)));
        self.at = end;
        Ok(())
    }

    /// A class, taken apart into bytes, ranges and sets.
    fn class(&mut self) -> Result<(), String> {
        self.at += 1;
        self.text.push('[');
        if self.peek(0) == Some(b'^') {
            self.text.push('^');
            self.at += 1;
        }
        let start = self.at;
        loop {
            match self.peek(0) {
                None => return Err("a class is not closed".to_owned()),
                Some(b']') if self.at > start => break,
                Some(_) => self.class_item()?,
            }
        }
        self.at += 1;
        self.text.push(']');
        self.atom = true;
        Ok(())
    }

    fn class_item(&mut self) -> Result<(), String> {
        let Some(first) = self.member()? else { return Ok(()) };
        let Member::Byte(low) = first else { return self.emit(&first) };
        let range = self.peek(0) == Some(b'-') && self.peek(1).is_some_and(|next| next != b']');
        if !range {
            return self.emit(&first);
        }
        self.at += 1;
        match self.member()? {
            Some(Member::Byte(high)) if low <= high => {
                push_byte(&mut self.text, low);
                self.text.push('-');
                push_byte(&mut self.text, high);
                Ok(())
            }
            Some(Member::Byte(_)) => Err("a range in a class ends before it starts".to_owned()),
            set => {
                self.emit(&first)?;
                self.emit(&Member::Byte(b'-'))?;
                set.map_or(Ok(()), |set| self.emit(&set))
            }
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "an arm of `class_item`")]
    fn emit(&mut self, member: &Member) -> Result<(), String> {
        match member {
            Member::Byte(byte) => push_byte(&mut self.text, *byte),
            Member::Set(set) => self.text.push_str(set),
        }
        Ok(())
    }

    /// The next member of a class; nothing for an empty `\E`.
    fn member(&mut self) -> Result<Option<Member>, String> {
        let Some(byte) = self.peek(0) else { return Err("a class is not closed".to_owned()) };
        if byte == b'[' && self.peek(1) == Some(b':') {
            if let Some(length) = memchr::memmem::find(self.rest(), b":]") {
                let name: String = self.rest().get(..length + 2).unwrap_or_default().iter().map(|&b| char::from(b)).collect();
                if name.bytes().skip(2).take(length - 2).all(|byte| byte.is_ascii_alphabetic() || byte == b'^') {
                    self.at += length + 2;
                    return Ok(Some(Member::Set(name)));
                }
            }
        }
        if byte != b'\\' {
            self.at += 1;
            return Ok(Some(Member::Byte(byte)));
        }
        let Some(kind) = self.peek(1) else { return Err("a class is not closed".to_owned()) };
        let set = match kind {
            b'd' | b'D' | b'w' | b'W' | b's' | b'S' => format!("\\{}", char::from(kind)),
            b'h' => "\\t\\x20\\xa0".to_owned(),
            b'v' => "\\n-\\r\\x85".to_owned(),
            b'R' => "\\n\\r".to_owned(),
            b'H' | b'V' | b'N' | b'p' | b'P' | b'X' => return Err("this escape is not supported in a class".to_owned()),
            b'E' | b'Q' => {
                self.at += 2;
                return Ok(None);
            }
            b'b' => {
                self.at += 2;
                return Ok(Some(Member::Byte(8)));
            }
            _ => {
                let (byte, used) = single(self.rest().get(1..).unwrap_or_default());
                self.at += 1 + used;
                return Ok(Some(Member::Byte(byte)));
            }
        };
        self.at += 2;
        Ok(Some(Member::Set(set)))
    }
}

/// The byte an escape stands for (what follows the backslash is given), and how many bytes it took.
fn single(escape: &[u8]) -> (u8, usize) {
    let Some((&kind, rest)) = escape.split_first() else { return (b'\\', 0) };
    match kind {
        b'a' => (7, 1),
        b'e' => (0x1B, 1),
        b'f' => (0x0C, 1),
        b'n' => (b'\n', 1),
        b'r' => (b'\r', 1),
        b't' => (b'\t', 1),
        b'c' => (rest.first().map_or(b'c', |letter| letter.to_ascii_uppercase() ^ 0x40), 1 + usize::from(!rest.is_empty())),
        b'x' => hexadecimal(rest),
        b'0'..=b'7' => {
            let digits = escape.iter().take(3).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
            let value = escape.iter().take(digits).fold(0u32, |value, digit| value * 8 + u32::from(digit - b'0'));
            (value.to_le_bytes()[0], digits)
        }
        other => (other, 1),
    }
}

/// `xNN`, `xN`, a bare `x`, or `x{NN}`.
fn hexadecimal(rest: &[u8]) -> (u8, usize) {
    let value = |digits: &[u8]| {
        digits.iter().filter_map(|&byte| hex_digit(byte)).fold(0u32, |value, digit| value << 4 | u32::from(digit)).to_le_bytes()[0]
    };
    if rest.first() == Some(&b'{') {
        let end = memchr::memchr(b'}', rest).unwrap_or(0);
        let digits = rest.get(1..end).unwrap_or_default();
        if !digits.is_empty() && digits.len() <= 2 && digits.iter().all(u8::is_ascii_hexdigit) {
            return (value(digits), end + 2);
        }
    }
    let count = rest.iter().take(2).take_while(|byte| byte.is_ascii_hexdigit()).count();
    (value(rest.get(..count).unwrap_or_default()), 1 + count)
}

/// A byte as the engine takes it anywhere, in a class or out of it.
fn push_byte(text: &mut String, byte: u8) {
    match byte {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'_' | b'/' | b'"' | b'\'' | b'=' | b',' | b';' | b':' | b'@' | b'!' | b'%' | b'<' | b'>' => {
            text.push(char::from(byte));
        }
        _ => {
            text.push_str("\\x");
            for digit in [byte >> 4, byte & 0xF] {
                text.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(pattern: &str, value: &str) -> bool {
        super::super::Rx::compile(pattern.as_bytes()).unwrap().evaluate(value.as_bytes(), None) == crate::operator::Outcome::Hit
    }

    #[test]
    fn what_pcre_forgives_is_read_as_pcre_does() {
        let cases = [
            (r"a{", "a{", "a"),
            (r"{1}", "{1}", "1"),
            (r"a{,3}", "a{,3}", "aaa"),
            (r"x{2}", "xx", "x"),
            (r"^[[a]$", "[", "b"),
            (r"^[]a]+$", "]a", "b"),
            (r"^[^]a]$", "b", "]"),
            (r"^[\w-.]+$", "a-.", "a+"),
            (r"^[a-]$", "-", "b"),
            (r"^[a&&b]+$", "a&b", "c"),
            (r"^[a--b]+$", "a-", "c"),
            (r"^[\x{41}-\x{43}]$", "B", "D"),
            (r"\<a\>", "<a>", "a"),
            (r"^\x2f\x{2f}\/$", "///", "//"),
            (r"^\Qa.b\E.$", "a.bx", "axbx"),
            (r"^\101\0$", "A\0", "A"),
            (r"^[\101\b\e]+$", "A\u{8}\u{1b}", "b"),
            (r"^\h\R$", "\t\r\n", "\n"),
            (r"]}", "]}", "]"),
            (r"^[[:alpha:][:digit:]]+$", "a1", "-"),
            (r"^[[:^alpha:]]$", "1", "a"),
            (r"(?#note)a(?i:b)", "aB", "Ab"),
            (r"^a\Z", "a\n", "a\nb"),
            (r"^\cA$", "\u{1}", "A"),
            (r"^\.\-\:\!\&\~\#\ $", ".-:!&~# ", "x"),
            (r"^(?P<n>a)(?<m>b)$", "ab", "a"),
            (r"^[%-,]$", "(", "-"),
        ];
        for (pattern, yes, no) in cases {
            assert!(hit(pattern, yes), "{pattern} takes {yes:?}");
            assert!(!hit(pattern, no), "{pattern} leaves {no:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_refused() {
        for pattern in ["a\\", "[a", "*a", "(a", "a)", "[z-a]", "(?R)", r"\p{L}", "(*ANY)a", "(?'n'a)"] {
            assert!(super::super::Rx::compile(pattern.as_bytes()).is_err(), "{pattern}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_pattern_panics(pattern in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..60)) {
            drop(rewritten(&pattern));
        }

        #[test]
        fn no_odd_pattern_panics(pattern in r"[\[\]\\(){}?*+|^$.xQEa1:<>=!\-,]{0,24}") {
            drop(super::super::Rx::compile(pattern.as_bytes()));
        }
    }
}
