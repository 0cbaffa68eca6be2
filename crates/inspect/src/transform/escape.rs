//! Backslash escapes of JavaScript, CSS and C, and the entities of HTML.

use super::encoding::digits_value;
use super::{best_fit, hex_pair, hex_quad, is_space, settled};
use std::borrow::Cow;

/// The low byte of a code, full-width ASCII folded to plain: a browser compares the letters, not their width.
fn narrow(code: u16) -> u8 {
    best_fit::full_width(code).unwrap_or_else(|| code.to_le_bytes()[0])
}

/// How many bytes from `at` are digits, at most `most`.
fn run(input: &[u8], at: usize, most: usize, digit: impl Fn(&u8) -> bool) -> usize {
    input.get(at..).unwrap_or_default().iter().take(most).take_while(|byte| digit(byte)).count()
}

fn octal(byte: &u8) -> bool {
    matches!(byte, b'0'..=b'7')
}

fn letter(byte: u8) -> Option<u8> {
    Some(match byte {
        b'a' => 7,
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 11,
        _ => return None,
    })
}

/// Walks `input`, handing each backslash to `escape`, which says what to write and how many bytes it took.
fn unescaped(input: &[u8], escape: impl Fn(usize, &mut Vec<u8>) -> usize) -> Cow<'_, [u8]> {
    let Some(first) = memchr::memchr(b'\\', input) else { return Cow::Borrowed(input) };
    let mut output = Vec::with_capacity(input.len());
    output.extend_from_slice(input.get(..first).unwrap_or_default());
    let mut at = first;
    while let Some(&byte) = input.get(at) {
        if byte == b'\\' {
            at += escape(at, &mut output).max(1);
        } else {
            output.push(byte);
            at += 1;
        }
    }
    settled(input, output)
}

/// Escapes of a JavaScript string; an unknown one is the character itself.
pub(super) fn javascript(input: &[u8]) -> Cow<'_, [u8]> {
    unescaped(input, |at, output| {
        let Some(&kind) = input.get(at + 1) else {
            output.push(b'\\');
            return 1;
        };
        if let (b'u', Some(code)) = (kind, hex_quad(input, at + 2)) {
            output.push(narrow(code));
            return 6;
        }
        if let (b'x', Some(value)) = (kind, hex_pair(input, at + 2)) {
            output.push(value);
            return 4;
        }
        let most = if kind > b'3' { 2 } else { 3 };
        let digits = run(input, at + 1, most, octal);
        if digits > 0 {
            output.push(octal_byte(input, at + 1, digits));
            return 1 + digits;
        }
        output.push(letter(kind).unwrap_or(kind));
        2
    })
}

fn octal_byte(input: &[u8], at: usize, digits: usize) -> u8 {
    let value = digits_value(input.get(at..at + digits).unwrap_or_default(), 8);
    value.to_le_bytes()[0]
}

/// Escapes of a C string; an unknown one loses its backslash, a broken `\x` keeps it.
pub(super) fn ansi_c(input: &[u8]) -> Cow<'_, [u8]> {
    unescaped(input, |at, output| {
        let Some(&kind) = input.get(at + 1) else {
            output.push(b'\\');
            return 1;
        };
        if matches!(kind, b'x' | b'X') {
            let Some(value) = hex_pair(input, at + 2) else {
                output.extend_from_slice(&[b'\\', kind]);
                return 2;
            };
            output.push(value);
            return 4;
        }
        let digits = run(input, at + 1, 3, octal);
        if digits > 0 {
            output.push(octal_byte(input, at + 1, digits));
            return 1 + digits;
        }
        output.push(letter(kind).unwrap_or(kind));
        2
    })
}

/// Escapes of CSS: up to six hexadecimal digits and one white space after them, an escaped line break is nothing, any other
/// escaped byte is itself, and a backslash at the end goes.
pub(super) fn css(input: &[u8]) -> Cow<'_, [u8]> {
    unescaped(input, |at, output| {
        let digits = run(input, at + 1, 6, u8::is_ascii_hexdigit);
        if digits == 0 {
            output.extend(input.get(at + 1).filter(|&&byte| byte != b'\n'));
            return 2;
        }
        let code = digits_value(input.get(at + 1..at + 1 + digits).unwrap_or_default(), 16);
        let plain = u16::try_from(code).ok().and_then(best_fit::full_width).map(char::from);
        let letter = plain.or_else(|| char::from_u32(code)).unwrap_or(char::REPLACEMENT_CHARACTER);
        output.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
        let after = at + 1 + digits;
        1 + digits + usize::from(input.get(after).is_some_and(|&byte| is_space(byte)))
    })
}

/// Numeric entities and the five names; the semicolon may be missing, a number is cut to a byte.
pub(super) fn html(input: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'&', input).is_none() {
        return Cow::Borrowed(input);
    }
    let mut output = Vec::with_capacity(input.len());
    let mut at = 0;
    while let Some(&byte) = input.get(at) {
        let entity = if byte == b'&' { entity(input, at + 1) } else { None };
        match entity {
            Some((value, end)) => {
                output.push(value);
                at = end + usize::from(input.get(end) == Some(&b';'));
            }
            None => {
                output.push(byte);
                at += 1;
            }
        }
    }
    settled(input, output)
}

/// The byte of an entity whose text starts at `at`, and where it ends.
fn entity(input: &[u8], at: usize) -> Option<(u8, usize)> {
    if input.get(at) != Some(&b'#') {
        let length = run(input, at, 8, u8::is_ascii_alphanumeric);
        let name = input.get(at..at + length)?;
        return Some((named(name)?, at + length));
    }
    let hexadecimal = matches!(input.get(at + 1), Some(b'x' | b'X'));
    let (start, radix) = if hexadecimal { (at + 2, 16) } else { (at + 1, 10) };
    let digit = |byte: &u8| if hexadecimal { byte.is_ascii_hexdigit() } else { byte.is_ascii_digit() };
    let length = run(input, start, usize::MAX, digit);
    let digits = input.get(start..start + length).filter(|digits| !digits.is_empty())?;
    Some((digits_value(digits, radix).to_le_bytes()[0], start + length))
}

fn named(name: &[u8]) -> Option<u8> {
    const NAMES: [(&[u8], u8); 5] = [(b"quot", b'"'), (b"amp", b'&'), (b"lt", b'<'), (b"gt", b'>'), (b"nbsp", 0xA0)];
    NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|&(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entities_may_lack_their_semicolon() {
        assert_eq!(&*html(b"&lt;a&#x22b&#60;&quot&unknown;&#;&"), b"<a\"b<\"&unknown;&#;&".as_slice());
        assert_eq!(&*html(b"&#x22;&#34&#000000000000000034;"), b"\"\"\"".as_slice());
    }

    #[test]
    fn javascript_reads_wide_letters_and_octal() {
        assert_eq!(&*javascript(br"\uFF1Cscript\x3e\74\474\u{41}"), b"<script><'4u{41}".as_slice());
    }

    #[test]
    fn css_reads_code_points() {
        assert_eq!(&*css(br"\65 xpression\0000028\"), b"expression\x028".as_slice());
    }
}
