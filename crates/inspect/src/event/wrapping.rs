//! What a text of an event may be wrapped in: percent-encoding, base64, compression.

use std::io::Read;

use base64::Engine as _;
use flate2::read::{MultiGzDecoder, ZlibDecoder};

/// A run of printable bytes in data of another kind is a text from this length on: in chance data there are hardly any.
const SHORTEST_RUN: usize = 12;

/// Whether a text begins as a JSON document does that may hold texts.
pub(super) fn opens_json(text: &[u8]) -> bool {
    matches!(text.trim_ascii_start().first(), Some(b'{' | b'[' | b'"'))
}

/// Whether a text is base64 of what is certainly a text.
pub(super) fn is_packed(text: &[u8]) -> bool {
    base64(text).and_then(|bytes| String::from_utf8(bytes).ok()).is_some_and(|text| !text.chars().any(char::is_control))
}

/// A text with its percent-encoding undone and plus signs as blanks, where that changes it.
pub(super) fn percent_decoded(text: &[u8]) -> Option<Vec<u8>> {
    memchr::memchr2(b'%', b'+', text)?;
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        match (first, after.split_at_checked(2)) {
            (b'%', Some((digits, beyond))) if digits.iter().all(u8::is_ascii_hexdigit) => {
                let digit =
                    |byte: u8| char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok()).unwrap_or(0);
                bytes.push(digits.iter().fold(0, |value, byte| value << 4 | digit(*byte)));
                rest = beyond;
            }
            (b'+', _) => bytes.push(b' '),
            _ => bytes.push(first),
        }
    }
    (bytes != text).then_some(bytes)
}

/// The texts that a text holds when it is base64, compressed or not. `most` is one byte less than is unpacked.
pub(super) fn unpacked(text: &[u8], most: usize) -> Vec<Vec<u8>> {
    let Some(bytes) = base64(text) else { return Vec::new() };
    let plain = match bytes.as_slice() {
        [0x1f, 0x8b, ..] => inflated(MultiGzDecoder::new(bytes.as_slice()), most),
        [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..] => inflated(ZlibDecoder::new(bytes.as_slice()), most),
        _ => Vec::new(),
    };
    texts(if plain.is_empty() { bytes } else { plain })
}

/// What is compressed, as far as it can be read: functions that read a stream see as much.
fn inflated(packed: impl Read, most: usize) -> Vec<u8> {
    let mut plain = Vec::new();
    // One byte more than there is room for: what does not fit is seen not to.
    drop(packed.take(most as u64 + 1).read_to_end(&mut plain));
    plain
}

/// Bytes that are mostly text are one; of others (records of a binary format), the runs that are text.
fn texts(bytes: Vec<u8>) -> Vec<Vec<u8>> {
    let whole = |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let odd = text.chars().filter(|one| *one == '\u{fffd}' || one.is_control() && !one.is_whitespace()).count();
        odd * 4 <= text.chars().count()
    };
    if std::str::from_utf8(&bytes).map_or_else(|_| whole(&bytes), |text| !text.contains('\0')) {
        return vec![bytes];
    }
    let runs = bytes.split(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace() || !byte.is_ascii());
    runs.filter(|run| run.len() >= SHORTEST_RUN).map(<[u8]>::to_vec).collect()
}

/// Base64 of either alphabet, padded or not, in lines or not. Short words that merely could be base64 are left alone.
fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let mut letters = Vec::with_capacity(text.len());
    for &byte in text.trim_ascii() {
        match byte {
            b'-' => letters.push(b'+'),
            b'_' => letters.push(b'/'),
            b'+' | b'/' | b'=' => letters.push(byte),
            b'\r' | b'\n' => {}
            _ if byte.is_ascii_alphanumeric() => letters.push(byte),
            _ => return None,
        }
    }
    if letters.len() < 8 {
        return None;
    }
    let configuration = base64::engine::GeneralPurposeConfig::new()
        .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    base64::engine::GeneralPurpose::new(&base64::alphabet::STANDARD, configuration).decode(letters).ok()
}
