//! Texts that are no SQL, told from their first tokens.
//!
//! A fingerprint has at most five tokens, and honest values mostly start with words, numbers and simple punctuation. For these the
//! fingerprint is worked out here, word for word as libinjection would; when no list knows it, the tokeniser need not be asked.
//! Everything else (quotes, parentheses, comments, variables) is left to the tokeniser.
//!
//! INVARIANT: [`is_quiet`] never says yes to what the tokeniser takes for SQL; a property test compares the fingerprints.

use std::sync::LazyLock;

use libinjectionrs::sqli::sqli_data::SQL_KEYWORDS;

/// A fingerprint has no more tokens.
const MOST: usize = 5;
/// The tokeniser keeps this much of a word.
const KEPT: usize = 31;
/// Kinds of tokens that are worked out here, as fingerprints write them.
const KINDS: &[u8] = b"NK1FEUBTO&,:;?.";

/// The text starts with something that is not worked out here.
struct Beyond;

/// A token: what kind it is, and the text it is compared by.
#[derive(Clone, Copy)]
struct Token {
    kind: u8,
    length: usize,
    text: [u8; KEPT],
}

impl Token {
    const NONE: Self = Self { kind: 0, length: 0, text: [0; KEPT] };

    fn new(kind: u8, text: &[u8]) -> Self {
        let mut token = Self { kind, length: text.len().min(KEPT), ..Self::NONE };
        token.text.iter_mut().zip(text).for_each(|(place, byte)| *place = *byte);
        token
    }

    fn text(&self) -> &[u8] {
        self.text.get(..self.length).unwrap_or_default()
    }

    fn is(&self, kinds: &[u8]) -> bool {
        kinds.contains(&self.kind)
    }

    fn is_sign(&self) -> bool {
        let text = self.text();
        self.kind == b'o' && (matches!(text, b"+" | b"-" | b"!" | b"~" | b"!!") || text.eq_ignore_ascii_case(b"not"))
    }

    /// The two as one phrase, such as `GROUP BY`, if there is such a phrase.
    fn joined(&self, next: &Self) -> Option<Self> {
        if !self.is(b"knoUfETt") || !next.is(b"knoUfETt&") || self.length + next.length + 1 > KEPT {
            return None;
        }
        let mut both = Self::new(b'n', self.text());
        both.length += next.length + 1;
        let room = both.text.iter_mut().skip(self.length);
        room.zip([b' '].iter().chain(next.text())).for_each(|(place, byte)| *place = *byte);
        both.kind = kind_of(both.text());
        (both.kind != b'n').then_some(both)
    }
}

/// Whether a text is certainly no SQL in any quoting context.
pub(super) fn is_quiet(value: &[u8]) -> bool {
    fingerprint(value).is_some_and(|kinds| !is_known(kinds))
}

/// The fingerprint of a text, filled up with zeroes, if it can be worked out here.
fn fingerprint(value: &[u8]) -> Option<[u8; MOST]> {
    // Each kind of quote opens a context of its own.
    if memchr::memchr2(b'\'', b'"', value).is_some() {
        return None;
    }
    let mut folding =
        Folding { scan: Scan { rest: value }, tokens: [Token::NONE; MOST + 1], taken: 0, left: 0, more: true };
    folding.fold().ok()?;
    let mut kinds = [0; MOST];
    for (kind, token) in kinds.iter_mut().zip(folding.tokens.iter().take(folding.taken)) {
        *kind = token.kind;
    }
    Some(kinds)
}

/// Tokens taken so far; those before `left` are settled.
struct Folding<'v> {
    scan: Scan<'v>,
    tokens: [Token; MOST + 1],
    taken: usize,
    left: usize,
    more: bool,
}

/// What became of neighbours.
enum Step {
    /// Something was folded; look again.
    Again,
    /// Nothing to fold.
    Settled,
}

impl Folding<'_> {
    fn fold(&mut self) -> Result<(), Beyond> {
        // Signs and types before everything else say nothing.
        while self.more {
            self.take()?;
            if !self.more || !(self.at(0).kind == b't' || self.at(0).is_sign()) {
                break;
            }
            self.taken = 0;
        }
        while self.more && self.left < MOST {
            self.fill(2)?;
            if self.taken - self.left < 2 {
                self.left = self.taken;
                continue;
            }
            if matches!(self.pair()?, Step::Again) {
                continue;
            }
            self.fill(3)?;
            if self.taken - self.left < 3 {
                self.left = self.taken;
                continue;
            }
            if matches!(self.triple(), Step::Settled) {
                self.left += 1;
            }
        }
        Ok(())
    }

    /// Takes tokens until there are `wanted` that are not settled.
    fn fill(&mut self, wanted: usize) -> Result<(), Beyond> {
        while self.more && self.taken <= MOST && self.taken - self.left < wanted {
            self.take()?;
        }
        Ok(())
    }

    fn take(&mut self) -> Result<(), Beyond> {
        match self.scan.next()? {
            Some(token) => {
                self.put(self.taken, token);
                self.taken += 1;
            }
            None => self.more = false,
        }
        Ok(())
    }

    fn at(&self, place: usize) -> Token {
        self.tokens.get(place).copied().unwrap_or(Token::NONE)
    }

    fn put(&mut self, place: usize, token: Token) {
        if let Some(slot) = self.tokens.get_mut(place) {
            *slot = token;
        }
    }

    /// Drops the last `count` tokens and starts over from the first.
    fn drop_last(&mut self, count: usize) -> Step {
        self.taken -= count;
        self.left = 0;
        Step::Again
    }

    fn pair(&mut self) -> Result<Step, Beyond> {
        let (one, two) = (self.at(self.left), self.at(self.left + 1));
        if one.kind == b';' && two.kind == b';' {
            self.taken -= 1;
            return Ok(Step::Again);
        }
        if one.is(b"o&") && (two.is_sign() || two.kind == b't') {
            return Ok(self.drop_last(1));
        }
        if let Some(both) = one.joined(&two) {
            known(both.kind)?;
            self.put(self.left, both);
            self.taken -= 1;
            self.left = self.left.saturating_sub(1);
            return Ok(Step::Again);
        }
        let starts_if = two.text.first_chunk::<2>().is_some_and(|start| start.eq_ignore_ascii_case(b"if"));
        if one.kind == b';' && two.kind == b'f' && starts_if {
            self.put(self.left + 1, Token { kind: b'T', ..two });
            return Ok(Step::Again);
        }
        let text = one.text();
        if one.kind == b'k' && (text.eq_ignore_ascii_case(b"in") || text.eq_ignore_ascii_case(b"not in")) {
            self.put(self.left, Token { kind: b'n', ..one });
            return Ok(Step::Again);
        }
        let likes = text.eq_ignore_ascii_case(b"like") || text.eq_ignore_ascii_case(b"not like");
        if !(one.kind == b'o' && likes) && one.kind == b't' && two.is(b"n1tf") {
            self.put(self.left, two);
            return Ok(self.drop_last(1));
        }
        Ok(Step::Settled)
    }

    fn triple(&mut self) -> Step {
        let (one, two, three) = (self.at(self.left), self.at(self.left + 1), self.at(self.left + 2));
        let dropped = one.kind == b'o' && three.kind == b'o'
            || one.kind == b'&' && three.kind == b'&'
            || one.is(b"n1") && two.kind == b'o' && three.is(b"n1")
            || one.is(b"n1") && two.kind == b'o' && two.text() == b"::" && three.kind == b't'
            || one.is(b"n1") && two.kind == b',' && three.is(b"n1")
            || one.kind == b'n' && two.kind == b'.' && three.kind == b'n';
        if dropped {
            return self.drop_last(2);
        }
        let signed = two.is_sign();
        if signed && one.kind == b',' && three.is(b"n1") {
            self.put(self.left + 1, three);
            return self.drop_last(3);
        }
        let value = signed && (one.is(b"kEB") && three.is(b"1nf") || one.kind == b',' && three.kind == b'f');
        if value || one.kind == b'E' && two.kind == b'.' && three.kind == b'n' {
            self.put(self.left + 1, three);
            return self.drop_last(1);
        }
        Step::Settled
    }
}

/// Whether tokens of this kind are worked out here.
fn known(kind: u8) -> Result<(), Beyond> {
    // A type and a statement share a letter.
    if KINDS.contains(&kind.to_ascii_uppercase()) { Ok(()) } else { Err(Beyond) }
}

/// The text that is not read yet.
struct Scan<'v> {
    rest: &'v [u8],
}

impl Scan<'_> {
    fn next(&mut self) -> Result<Option<Token>, Beyond> {
        let start = self.rest.iter().position(|byte| !matches!(byte, 0..=b' ' | 0x7f | 0xa0));
        let Some(start) = start else {
            self.rest = b"";
            return Ok(None);
        };
        self.rest = self.rest.get(start..).unwrap_or_default();
        let Some(&first) = self.rest.first() else { return Ok(None) };
        match first {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80.. => self.word().map(Some),
            b'0'..=b'9' | b'.' => self.number().map(Some),
            b',' | b';' => Ok(Some(self.taken(first, 1))),
            b'?' | b']' => Ok(Some(self.taken(b'?', 1))),
            b'-' | b'/' if matches!((first, self.rest.get(1)), (b'-', Some(b'-')) | (b'/', Some(b'*'))) => Err(Beyond),
            b'-' | b'/' | b'^' | b'%' | b'+' | b'~' => Ok(Some(self.taken(b'o', 1))),
            b'!' | b'&' | b'*' | b':' | b'<' | b'=' | b'>' | b'|' => Ok(Some(self.sign())),
            _ => Err(Beyond),
        }
    }

    /// The next `length` bytes as a token.
    fn taken(&mut self, kind: u8, length: usize) -> Token {
        let (text, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, b""));
        self.rest = rest;
        Token::new(kind, text)
    }

    /// An operator of up to three signs.
    fn sign(&mut self) -> Token {
        if self.rest.starts_with(b"<=>") {
            return self.taken(b'o', 3);
        }
        let kind = self.rest.get(..2).map(kind_of);
        match (kind, self.rest.first()) {
            (Some(b'&'), _) => self.taken(b'&', 2),
            (Some(kind), _) if kind != b'n' => self.taken(b'o', 2),
            (Some(_), Some(b':')) => self.taken(b':', 1),
            _ => self.taken(b'o', 1),
        }
    }

    fn word(&mut self) -> Result<Token, Beyond> {
        let length = self.rest.iter().position(|byte| ends_word(*byte)).unwrap_or(self.rest.len());
        let word = self.rest.get(..length).unwrap_or_default();
        for at in memchr::memchr2_iter(b'.', b'`', word) {
            // A keyword before a dot counts by itself.
            if word.get(..at).is_some_and(|start| kind_of(start) != b'n') {
                return Err(Beyond);
            }
        }
        let kind = if length <= KEPT { kind_of(word) } else { b'n' };
        known(kind)?;
        Ok(self.taken(kind, length))
    }

    fn number(&mut self) -> Result<Token, Beyond> {
        if matches!(self.rest, [b'0', b'x' | b'X' | b'b' | b'B', ..]) {
            return Err(Beyond);
        }
        let digits = |from: usize| {
            let rest = self.rest.get(from..).unwrap_or_default();
            from + rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
        };
        let mut end = digits(0);
        if self.rest.get(end) == Some(&b'.') {
            end = digits(end + 1);
            if end == 1 {
                return Ok(self.taken(b'.', 1));
            }
        }
        if matches!(self.rest.get(end), Some(b'e' | b'E' | b'd' | b'D' | b'f' | b'F')) {
            return Err(Beyond);
        }
        Ok(self.taken(b'1', end))
    }
}

fn ends_word(byte: u8) -> bool {
    static ENDS: LazyLock<[bool; 256]> = LazyLock::new(|| {
        let mut ends = [false; 256];
        for byte in b" []{}<>:\\?=@!#~+-*/&|^%(),';\t\n\x0b\x0c\r\"\xa0\0" {
            if let Some(end) = ends.get_mut(usize::from(*byte)) {
                *end = true;
            }
        }
        ends
    });
    ENDS.get(usize::from(byte)).copied().unwrap_or(true)
}

/// Slots of the two tables below; twice as many as there are entries, and more.
const SLOTS: usize = 4_096;

/// Keywords by their hash: one more than their place in the list, or zero.
static WORDS: LazyLock<Vec<u16>> = LazyLock::new(|| {
    let mut table = vec![0; SLOTS];
    for (place, keyword) in (1..).zip(SQL_KEYWORDS).filter(|(_, keyword)| keyword.token_type != b'F') {
        let mut slot = hash(keyword.word.as_bytes());
        while table.get(slot).is_some_and(|taken| *taken != 0) {
            slot = (slot + 1) % SLOTS;
        }
        table.get_mut(slot).into_iter().for_each(|free| *free = place);
    }
    table
});

/// Fingerprints of SQL that are made of the kinds known here, as numbers; zero is free.
static FINGERPRINTS: LazyLock<Vec<u64>> = LazyLock::new(|| {
    let mut table = vec![0; SLOTS];
    for keyword in SQL_KEYWORDS.iter().filter(|keyword| keyword.token_type == b'F') {
        let Some(kinds) = keyword.word.as_bytes().strip_prefix(b"0") else { continue };
        if kinds.len() > MOST || !kinds.iter().all(|kind| KINDS.contains(kind)) {
            continue;
        }
        let number = number(kinds);
        let mut slot = spread(number);
        while table.get(slot).is_some_and(|taken| *taken != 0) {
            slot = (slot + 1) % SLOTS;
        }
        table.get_mut(slot).into_iter().for_each(|free| *free = number);
    }
    table
});

/// Kinds as one number; letter case aside, as fingerprints are compared.
fn number(kinds: &[u8]) -> u64 {
    kinds.iter().filter(|kind| **kind != 0).fold(1, |number, kind| number << 8 | u64::from(kind.to_ascii_uppercase()))
}

fn spread(number: u64) -> usize {
    usize::try_from(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 52).unwrap_or(0) % SLOTS
}

fn hash(word: &[u8]) -> usize {
    let hash = word.iter().fold(0_u32, |hash, byte| {
        (hash.rotate_left(5) ^ u32::from(byte.to_ascii_uppercase())).wrapping_mul(0x9e37_79b1)
    });
    usize::try_from(hash >> 20).unwrap_or(0) % SLOTS
}

/// The kind of a word or an operator, `n` if it is none that the tokeniser knows.
fn kind_of(word: &[u8]) -> u8 {
    let mut slot = hash(word);
    loop {
        let place = WORDS.get(slot).copied().map_or(0, usize::from);
        let Some(keyword) = place.checked_sub(1).and_then(|place| SQL_KEYWORDS.get(place)) else { return b'n' };
        if keyword.word.as_bytes().eq_ignore_ascii_case(word) {
            return keyword.token_type;
        }
        slot = (slot + 1) % SLOTS;
    }
}

fn is_known(kinds: [u8; MOST]) -> bool {
    let number = number(&kinds);
    let mut slot = spread(number);
    loop {
        match FINGERPRINTS.get(slot).copied() {
            Some(known) if known == number => return true,
            Some(0) | None => return false,
            Some(_) => slot = (slot + 1) % SLOTS,
        }
    }
}

#[cfg(test)]
mod tests {
    use libinjectionrs::{SqliFlags, SqliState};
    use proptest::prelude::*;

    use super::*;

    fn compare(text: &[u8]) -> Result<bool, TestCaseError> {
        let Some(ours) = fingerprint(text) else { return Ok(false) };
        let mut state = SqliState::new(text, SqliFlags::FLAG_NONE);
        let theirs = state.get_fingerprint();
        let ours: String = ours.iter().take_while(|kind| **kind != 0).map(|kind| char::from(*kind)).collect();
        prop_assert_eq!(&ours, theirs.as_str(), "{}", String::from_utf8_lossy(text));
        if is_quiet(text) {
            prop_assert!(!libinjectionrs::detect_sqli(text).is_injection(), "{}", String::from_utf8_lossy(text));
        }
        Ok(true)
    }

    #[test]
    fn prose_and_numbers_are_quiet() {
        for text in [
            "blue winter 42 Lisboa",
            "Please order a table for two, thanks",
            "2026-11-24",
            "json.items.array_0.colour",
            "Anna Müller",
            "a well-known fact: more is less",
            "https://shop.example/a/b",
        ] {
            assert!(is_quiet(text.as_bytes()), "{text}");
        }
        for text in ["1 union select name from users", "1 or 1 = 1", "select.x", "x' or 1", "1 and 2 > 1"] {
            assert!(!is_quiet(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn every_keyword_is_seen_as_the_tokeniser_sees_it() {
        for keyword in SQL_KEYWORDS.iter().filter(|keyword| keyword.token_type != b'F') {
            for frame in ["{}", "x {} 1", "1 {} {}", "{}, {} -1", "not {} in 5", "{} not {}; if {}"] {
                let text = frame.replace("{}", keyword.word);
                compare(text.as_bytes()).unwrap();
                compare(text.to_ascii_lowercase().as_bytes()).unwrap();
            }
        }
    }

    /// Keywords of few kinds, so that tokens meet in all orders.
    fn piece() -> impl Strategy<Value = Vec<u8>> {
        let keywords: Vec<&str> =
            SQL_KEYWORDS.iter().filter(|keyword| keyword.token_type != b'F').map(|keyword| keyword.word).collect();
        prop_oneof![
            4 => proptest::sample::select(keywords).prop_map(|word| word.to_lowercase().into_bytes()),
            4 => proptest::sample::select(vec![
                "and", "or", "in", "not", "not in", "like", "is", "select", "union", "from", "x", "1", "2.5", ".5", ".",
                ",", ";", ":", "::", "-", "+", "!", "!!", "~", "*", "/", "%", "^", "<", "<=>", "=", "?", "]", "&&", "||", "&",
                "int", "if", "if exists", "user", "group", "by", "a.b", "é", "date", "current", "time", "7e", "0x", "1d", "\u{a0}",
            ]).prop_map(|text| text.as_bytes().to_vec()),
            1 => "[ -&(-~]{1,3}".prop_map(String::into_bytes),
            1 => proptest::collection::vec(any::<u8>(), 1..3),
            1 => "[a-z.]{28,34}".prop_map(String::into_bytes),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]
        #[test]
        fn fingerprints_are_those_of_the_tokeniser(
            pieces in proptest::collection::vec((piece(), prop_oneof![3 => Just(" "), 1 => Just("")]), 0..9)
        ) {
            let text: Vec<u8> = pieces.into_iter().flat_map(|(piece, gap)| [piece, gap.as_bytes().to_vec()].concat()).collect();
            compare(&text)?;
        }
    }
}
