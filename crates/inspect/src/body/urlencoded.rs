//! Forms: `a=b&c=d`, in a body or a query.

use super::{Argument, BodyError, Budget, Limits};
use crate::transform::hex_pair;

/// The arguments of a form and what was odd about it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) arguments: Vec<Argument>,
    /// How many `%` are not followed by two hexadecimal digits; such text stays as written.
    pub(crate) invalid: usize,
    /// What cut the form short; the arguments before it are kept.
    pub(crate) error: Option<BodyError>,
}

/// Splits at `separator`, then at the first `=`, and decodes both sides once. Empty arguments (`&&`) are none.
pub(crate) fn parse(text: &[u8], separator: u8, limits: &Limits) -> Form {
    let mut form = Form::default();
    let mut budget = Budget::new(limits);
    for pair in text.split(|&byte| byte == separator).filter(|pair| !pair.is_empty()) {
        if let Err(error) = budget.take(pair.len()) {
            form.error = Some(error);
            break;
        }
        let equals = memchr::memchr(b'=', pair);
        let (name, value) = equals.map_or((pair, None), |at| (pair.get(..at).unwrap_or_default(), pair.get(at + 1..)));
        let name = decoded(name, &mut form.invalid);
        let value = decoded(value.unwrap_or_default(), &mut form.invalid);
        form.arguments.push(Argument { name, value });
    }
    form
}

/// `%XX` and `+` decoded once; broken escapes counted and kept.
pub(crate) fn decoded(text: &[u8], invalid: &mut usize) -> Vec<u8> {
    if memchr::memchr2(b'%', b'+', text).is_none() {
        return text.to_vec();
    }
    let mut output = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let (value, used) = match (byte, hex_pair(text, at + 1)) {
            (b'+', _) => (b' ', 1),
            (b'%', Some(value)) => (value, 3),
            _ => (byte, 1),
        };
        *invalid += usize::from(byte == b'%' && used == 1);
        output.push(value);
        at += used;
    }
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        let form = parse(text.as_bytes(), b'&', &Limits::default());
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        form.arguments.into_iter().map(|argument| (text(argument.name), text(argument.value))).collect()
    }

    #[test]
    fn duplicates_empties_and_odd_escapes_are_kept() {
        let expected = [("a", "b c"), ("a", "="), ("c", ""), ("", "d"), ("e%zz", "%4")];
        let expected: Vec<_> = expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        assert_eq!(pairs("a=b+c&&a=%3d&c&=d&e%zz=%4"), expected);
        assert_eq!(parse(b"e%zz=%4", b'&', &Limits::default()).invalid, 2);
    }

    #[test]
    fn too_many_are_an_error_and_the_first_are_kept() {
        let limits = Limits { arguments: 2, ..Limits::default() };
        let form = parse(b"a&b&c", b'&', &limits);
        assert_eq!((form.arguments.len(), form.error), (2, Some(BodyError::TooMany)));
    }
}
