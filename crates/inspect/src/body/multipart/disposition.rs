//! The `Content-Disposition` of a part.

use super::{Flaw, Flaws};

/// The names a part gives itself.
#[derive(Debug, Default)]
pub(super) struct Disposition {
    pub(super) name: Vec<u8>,
    pub(super) filename: Option<Vec<u8>>,
}

/// Reads `form-data; name="a"; filename="b"`, and nothing else.
pub(super) fn parse(value: &[u8], flaws: &mut Flaws) -> Result<Disposition, &'static str> {
    let rest = value.strip_prefix(b"form-data").ok_or("a part is no form-data")?;
    let mut rest = blank(rest);
    let mut disposition = Disposition::default();
    while let Some(after) = rest.strip_prefix(b";") {
        let after = blank(after);
        if after.is_empty() {
            return Err("a Content-Disposition ends in a semicolon");
        }
        let (name, value, tail) = parameter(after, flaws)?;
        disposition.take(name, value, flaws)?;
        rest = blank(tail);
    }
    if let Some(quote) = rest.first() {
        if matches!(quote, b'"' | b'\'') {
            flaws.raise(Flaw::InvalidQuoting);
        }
        return Err("a Content-Disposition has text that is no parameter");
    }
    if disposition.name.is_empty() {
        return Err("a part has no name");
    }
    Ok(disposition)
}

fn blank(text: &[u8]) -> &[u8] {
    let start = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    text.get(start..).unwrap_or_default()
}

impl Disposition {
    fn take(&mut self, name: &[u8], value: Vec<u8>, flaws: &mut Flaws) -> Result<(), &'static str> {
        if value.contains(&b'\'') {
            flaws.raise(Flaw::InvalidQuoting);
        }
        match name {
            b"name" if self.name.is_empty() => self.name = value,
            b"name" => return Err("a part has two names"),
            b"filename" if self.filename.is_none() => self.filename = Some(value),
            b"filename" => return Err("a part has two file names"),
            _ => return Err("a Content-Disposition has a parameter other than name and filename"),
        }
        Ok(())
    }
}

type Parameter<'t> = (&'t [u8], Vec<u8>, &'t [u8]);

/// `name=value` or `name="value"`: name, value and what follows.
fn parameter<'t>(text: &'t [u8], flaws: &mut Flaws) -> Result<Parameter<'t>, &'static str> {
    let end = text.iter().position(|byte| matches!(byte, b'=' | b' ' | b'\t')).ok_or("a parameter has no value")?;
    let (name, rest) = text.split_at(end);
    let rest = blank(rest).strip_prefix(b"=").ok_or("a parameter has no value")?;
    let rest = blank(rest);
    match rest.split_first() {
        None => Err("a parameter has no value"),
        Some((&quote @ (b'"' | b'\''), inner)) => {
            if quote == b'\'' {
                flaws.raise(Flaw::InvalidQuoting);
            }
            let (value, tail) = quoted(inner, quote)?;
            Ok((name, value, tail))
        }
        Some(_) => {
            let length = rest.iter().take_while(|byte| token(**byte)).count();
            let (value, tail) = rest.split_at(length);
            Ok((name, value.to_vec(), tail))
        }
    }
}

/// Up to the closing quote; only the quote and the backslash are escaped, other backslashes are text, as old browsers send them.
fn quoted(text: &[u8], quote: u8) -> Result<(Vec<u8>, &[u8]), &'static str> {
    let mut value = Vec::new();
    let mut bytes = text.iter().enumerate();
    while let Some((at, &byte)) = bytes.next() {
        if byte == quote {
            return Ok((value, text.get(at + 1..).unwrap_or_default()));
        }
        let escaped = (byte == b'\\').then(|| text.get(at + 1).copied()).flatten().filter(|next| *next == quote || *next == b'\\');
        if let Some(next) = escaped {
            bytes.next();
            value.push(next);
        } else {
            value.push(byte);
        }
    }
    Err("a quote is not closed")
}

/// RFC 2045: neither control characters, blanks nor separators.
fn token(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&byte)
}
