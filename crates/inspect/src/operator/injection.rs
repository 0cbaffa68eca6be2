//! Injection by grammar instead of by pattern: libinjection's tokenisers, in Rust.

use std::sync::LazyLock;

use libinjectionrs::sqli::sqli_data::SQL_KEYWORDS;
use libinjectionrs::{SqliFlags, SqliState};

use super::captures::Captures;

/// Bits of the table of keywords.
const BITS: usize = 1 << 14;

/// A Bloom filter over the words of the tokeniser's keywords.
static KEYWORDS: LazyLock<Vec<u64>> = LazyLock::new(|| {
    let mut table = vec![0; BITS / 64];
    for keyword in SQL_KEYWORDS.iter().filter(|keyword| !matches!(keyword.token_type, b'F' | b'n' | b'1')) {
        for word in keyword.word.split(' ') {
            let bit = word.bytes().fold(0, extended) % BITS;
            if let Some(cell) = table.get_mut(bit / 64) {
                *cell |= 1 << (bit % 64);
            }
        }
    }
    table
});

/// The hash of a word with one more letter; letter case aside.
fn extended(hash: usize, byte: u8) -> usize {
    (hash ^ usize::from(byte.to_ascii_uppercase())).wrapping_mul(0x9e37_79b1) ^ (hash >> 7)
}

fn is_keyword(hash: usize) -> bool {
    let bit = hash % BITS;
    KEYWORDS.get(bit / 64).is_none_or(|cell| cell >> (bit % 64) & 1 == 1)
}

/// Whether a value is nothing but white space, numbers and words that are no keywords: no fingerprint is made of these alone.
///
/// A keyword followed by a dot counts by itself, and all words of a keyword of several words count, as the tokeniser has it.
fn plain_words(value: &[u8]) -> bool {
    /// The tokeniser cuts longer words.
    const LONGEST: usize = 30;
    value.split(|byte| b" \t\r\n".contains(byte)).filter(|word| !word.is_empty()).all(|word| {
        if word.iter().all(u8::is_ascii_digit) {
            return true;
        }
        if word.len() > LONGEST || word.first().is_none_or(|first| !first.is_ascii_alphabetic() && *first != b'_') {
            return false;
        }
        let mut hash = 0;
        for &byte in word {
            let known = byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
            if !known || byte == b'.' && is_keyword(hash) {
                return false;
            }
            hash = extended(hash, byte);
        }
        !is_keyword(hash)
    })
}

/// Whether the value would be SQL in some quoting context; the fingerprint is captured.
pub(super) fn sqli(value: &[u8], captures: Option<&mut Captures>) -> bool {
    if plain_words(value) {
        return false;
    }
    // The crate's own shorthand works out the fingerprint once more for every value, matching or not.
    let mut state = SqliState::new(value, SqliFlags::FLAG_NONE);
    if !state.detect() {
        return false;
    }
    if let Some(captures) = captures {
        captures.set_text(state.get_fingerprint().as_str().as_bytes().to_vec());
    }
    true
}

/// Whether the value would be markup with script in some HTML context.
pub(super) fn xss(value: &[u8]) -> bool {
    libinjectionrs::detect_xss(value).is_injection()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keywords_are_never_plain() {
        for keyword in SQL_KEYWORDS.iter().filter(|keyword| !matches!(keyword.token_type, b'F' | b'n' | b'1')) {
            assert!(!plain_words(keyword.word.as_bytes()), "{}", keyword.word);
            assert!(!plain_words(keyword.word.to_ascii_lowercase().as_bytes()), "{}", keyword.word);
        }
        assert!(!plain_words(b"select.x"));
        assert!(plain_words(b"json.items.array_0.colour"));
        assert!(plain_words(b"blue winter 42 Lisboa"));
    }

    proptest! {
        #[test]
        fn plain_words_are_no_injection(text in "([a-z_]{1,6}|[0-9]{1,4}|or|and|union|select|[a-z]{1,3}\\.[a-z]{1,3}|[ \t]){0,12}") {
            if plain_words(text.as_bytes()) {
                prop_assert!(!libinjectionrs::detect_sqli(text.as_bytes()).is_injection(), "{}", text);
            }
        }
    }
}
