//! Base64, hexadecimal, parity bits and digests.

use super::{hex_digit, hex_pair, settled};
use sha1::Digest as _;
use std::borrow::Cow;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The six bits a character of Base64 stands for.
fn sextet(byte: u8) -> Option<u32> {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

/// Collects sextets and gives out whole bytes; what is left over at the end never was a byte.
#[derive(Default)]
struct Bits {
    output: Vec<u8>,
    pending: u32,
    count: u32,
}

impl Bits {
    fn push(&mut self, value: u32) {
        self.pending = (self.pending << 6 | value) & 0xFFFF;
        self.count += 6;
        if self.count >= 8 {
            self.count -= 8;
            self.output.push(u8::try_from(self.pending >> self.count & 0xFF).unwrap_or_default());
        }
    }
}

/// Base64 up to the first byte that is none, line breaks aside; what came before is decoded, so that a tail of rubbish hides
/// nothing.
pub(super) fn base64_decode(input: &[u8]) -> Cow<'_, [u8]> {
    let mut bits = Bits::default();
    for &byte in input {
        match sextet(byte) {
            Some(value) => bits.push(value),
            None if matches!(byte, b'\r' | b'\n') => {}
            None => break,
        }
    }
    settled(input, bits.output)
}

/// Base64 whose strange bytes are skipped, as lenient decoders do; both alphabets.
pub(super) fn base64_decode_forgiving(input: &[u8]) -> Cow<'_, [u8]> {
    let mut bits = Bits::default();
    for &byte in input {
        let plain = match byte {
            b'-' => b'+',
            b'_' => b'/',
            other => other,
        };
        if let Some(value) = sextet(plain) {
            bits.push(value);
        }
    }
    settled(input, bits.output)
}

/// Base64 with padding.
pub(super) fn base64_encode(input: &[u8]) -> Cow<'_, [u8]> {
    let mut output = Vec::with_capacity(input.len().div_ceil(3) * 4);
    for chunk in input.chunks(3) {
        let group = chunk.iter().fold(0u32, |group, &byte| group << 8 | u32::from(byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let index = (group >> (18 - 6 * place) & 0x3F) as usize;
            let letter = ALPHABET.get(index).copied().unwrap_or(b'=');
            output.push(if place <= chunk.len() { letter } else { b'=' });
        }
    }
    settled(input, output)
}

/// Pairs of hexadecimal digits become bytes; a value that is not wholly such pairs becomes empty.
pub(super) fn hex_decode(input: &[u8]) -> Cow<'_, [u8]> {
    let decoded: Option<Vec<u8>> =
        input.chunks(2).map(|pair| if pair.len() == 2 { hex_pair(pair, 0) } else { None }).collect();
    settled(input, decoded.unwrap_or_default())
}

/// Bytes as pairs of lower-case hexadecimal digits.
pub(super) fn hex_encode(input: &[u8]) -> Cow<'_, [u8]> {
    settled(input, input.iter().flat_map(|&byte| hex_letters(byte)).collect())
}

/// The two lower-case digits of a byte.
pub(super) fn hex_letters(byte: u8) -> [u8; 2] {
    [byte >> 4, byte & 0xF].map(|digit| if digit < 10 { b'0' + digit } else { b'a' + digit - 10 })
}

/// `0x` literals of SQL become the bytes they stand for.
pub(super) fn sql_hex(input: &[u8]) -> Cow<'_, [u8]> {
    let mut output = Vec::with_capacity(input.len());
    let mut at = 0;
    while let Some(&byte) = input.get(at) {
        let literal = byte == b'0' && matches!(input.get(at + 1), Some(b'x' | b'X')) && hex_pair(input, at + 2).is_some();
        if !literal {
            output.push(byte);
            at += 1;
            continue;
        }
        at += 2;
        while let Some(value) = hex_pair(input, at) {
            output.push(value);
            at += 2;
        }
    }
    settled(input, output)
}

/// The seven low bits and a bit that makes the count of ones even.
pub(super) fn parity_even(input: &[u8]) -> Cow<'_, [u8]> {
    with_parity(input, |low| low.count_ones() % 2 == 1)
}

/// The seven low bits and a bit that makes the count of ones odd.
pub(super) fn parity_odd(input: &[u8]) -> Cow<'_, [u8]> {
    with_parity(input, |low| low.count_ones() % 2 == 0)
}

/// The seven low bits.
pub(super) fn parity_zero(input: &[u8]) -> Cow<'_, [u8]> {
    with_parity(input, |_| false)
}

fn with_parity(input: &[u8], high: impl Fn(u8) -> bool) -> Cow<'_, [u8]> {
    let bytes = input.iter().map(|&byte| byte & 0x7F | u8::from(high(byte & 0x7F)) << 7);
    settled(input, bytes.collect())
}

/// The MD5 digest, as bytes.
pub(super) fn md5(input: &[u8]) -> Cow<'_, [u8]> {
    Cow::Owned(md5::Md5::digest(input).to_vec())
}

/// The SHA-1 digest, as bytes.
pub(super) fn sha1(input: &[u8]) -> Cow<'_, [u8]> {
    Cow::Owned(sha1::Sha1::digest(input).to_vec())
}

/// The value of digits in `radix`, as a C number would overflow into a byte.
pub(super) fn digits_value(digits: &[u8], radix: u32) -> u32 {
    digits.iter().filter_map(|&digit| hex_digit(digit)).fold(0u32, |value, digit| {
        value.saturating_mul(radix).saturating_add(u32::from(digit))
    })
}
