//! The boundary in the `Content-Type` of a form.

use super::{Flaw, Flaws};
use crate::transform::is_space;

/// The longest such header that is read.
const LONGEST: usize = 1024;
const TYPE: &[u8] = b"multipart/form-data";
const WORD: &[u8] = b"boundary";

/// The boundary, or why there is none that all readers agree on.
pub(crate) fn boundary(header: &[u8], flaws: &mut Flaws) -> Result<Vec<u8>, &'static str> {
    if header.len() > LONGEST {
        return Err("the Content-Type is too long");
    }
    let kind = header.get(..TYPE.len()).unwrap_or_default();
    if !kind.eq_ignore_ascii_case(TYPE) {
        return Err("the Content-Type is not multipart/form-data");
    }
    if boundary_words(header) > 1 {
        return Err("the Content-Type names more than one boundary");
    }
    let Some(at) = memchr::memmem::find(header, WORD) else {
        return Err("the Content-Type names no boundary");
    };
    let (before, rest) = header.split_at(at);
    check_before(before.get(TYPE.len()..).unwrap_or_default(), flaws)?;
    let rest = rest.get(WORD.len()..).unwrap_or_default();
    let equals = memchr::memchr(b'=', rest).ok_or("the boundary has no value")?;
    let (between, value) = rest.split_at(equals);
    if !between.is_empty() {
        if !between.iter().all(|byte| is_space(*byte)) {
            return Err("the Content-Type has a parameter that resembles a boundary");
        }
        flaws.raise(Flaw::BoundaryWhitespace);
    }
    let boundary = unquoted(value.get(1..).unwrap_or_default(), flaws)?;
    if boundary_words(boundary) > 0 {
        return Err("the boundary contains the word itself");
    }
    let last_is_space = boundary.last() == Some(&b' ');
    if boundary.is_empty() || last_is_space || !boundary.iter().all(|byte| allowed(*byte)) {
        return Err("the boundary has characters it may not have");
    }
    Ok(boundary.to_vec())
}

/// Between the type and the parameter: white space and one semicolon.
fn check_before(between: &[u8], flaws: &mut Flaws) -> Result<(), &'static str> {
    let mut semicolons = 0;
    for &byte in between.iter().filter(|byte| !is_space(**byte)) {
        if byte != b';' || semicolons > 0 {
            return Err("there is other text before the boundary");
        }
        semicolons += 1;
    }
    if semicolons == 0 {
        flaws.raise(Flaw::MissingSemicolon);
    }
    Ok(())
}

fn unquoted<'v>(value: &'v [u8], flaws: &mut Flaws) -> Result<&'v [u8], &'static str> {
    if value.first().is_some_and(|byte| is_space(*byte)) {
        flaws.raise(Flaw::BoundaryWhitespace);
    }
    match (value.strip_prefix(b"\""), value.strip_suffix(b"\"")) {
        (None, None) => Ok(value),
        (Some(inner), Some(_)) if value.len() > 1 => {
            flaws.raise(Flaw::BoundaryQuoted);
            Ok(inner.strip_suffix(b"\"").unwrap_or(inner))
        }
        _ => Err("the boundary is quoted on one side"),
    }
}

/// How often the word stands before an equals sign, in any letter case.
fn boundary_words(text: &[u8]) -> usize {
    let lowered = text.to_ascii_lowercase();
    let last = memchr::memrchr(b'=', &lowered).unwrap_or(0);
    memchr::memmem::find_iter(&lowered, WORD).filter(|at| at + WORD.len() <= last).count()
}

/// RFC 2046, section 5.1.1.
fn allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b" '()+_,-./:=?".contains(&byte)
}
