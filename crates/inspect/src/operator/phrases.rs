//! Many phrases at once, letter case aside.

use super::captures::Captures;
use super::filter::{ByteSet, Filter};
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use std::sync::OnceLock;

/// A list of phrases; its automaton is built when it is first asked.
#[derive(Debug)]
pub(super) struct Phrases {
    phrases: Vec<Vec<u8>>,
    automaton: OnceLock<Option<AhoCorasick>>,
}

impl Phrases {
    pub(super) fn new(mut phrases: Vec<Vec<u8>>) -> Self {
        phrases.retain(|phrase| !phrase.is_empty());
        for phrase in &mut phrases {
            phrase.make_ascii_lowercase();
        }
        phrases.sort_unstable();
        phrases.dedup();
        Self { phrases, automaton: OnceLock::new() }
    }

    pub(super) fn matches(&self, value: &[u8], captures: Option<&mut Captures>) -> bool {
        let found = match self.automaton() {
            Some(automaton) => automaton.find(value).map(|found| found.range()),
            None => self.search(value),
        };
        if let (Some(captures), Some(span)) = (captures, &found) {
            captures.set_span(span.clone());
        }
        found.is_some()
    }

    /// Builds the automaton, which otherwise happens when the list is first asked.
    pub(super) fn warm(&self) {
        self.automaton();
    }

    fn automaton(&self) -> Option<&AhoCorasick> {
        let build = || {
            AhoCorasick::builder()
                .ascii_case_insensitive(true)
                .match_kind(MatchKind::Standard)
                .kind(Some(AhoCorasickKind::ContiguousNFA))
                .build(&self.phrases)
                .ok()
        };
        self.automaton.get_or_init(build).as_ref()
    }

    /// Phrase by phrase: for a list too great for an automaton.
    fn search(&self, value: &[u8]) -> Option<std::ops::Range<usize>> {
        let lowered = value.to_ascii_lowercase();
        self.phrases.iter().find_map(|phrase| {
            let at = memchr::memmem::find(&lowered, phrase)?;
            Some(at..at + phrase.len())
        })
    }

    /// The phrases themselves are the filter; with none there is no match at all.
    pub(super) fn filter(&self) -> Filter {
        if self.phrases.is_empty() {
            return Filter { literals: Some(Vec::new()), bytes: Some(ByteSet::default()), minimum: 1 };
        }
        Filter::one_of(&self.phrases)
    }
}

/// The words of an argument; `|41 42|` between bars is hexadecimal, as in Snort's content.
pub(super) fn words(argument: &[u8]) -> Vec<Vec<u8>> {
    let text = unbarred(argument).unwrap_or_else(|| argument.to_vec());
    text.split(|&byte| crate::transform::is_space(byte)).filter(|word| !word.is_empty()).map(<[u8]>::to_vec).collect()
}

/// Hexadecimal between bars as bytes; `None` if there are no bars or they hold something else.
fn unbarred(argument: &[u8]) -> Option<Vec<u8>> {
    memchr::memchr(b'|', argument)?;
    let mut output = Vec::with_capacity(argument.len());
    for (place, part) in argument.split(|&byte| byte == b'|').enumerate() {
        if place % 2 == 0 {
            output.extend_from_slice(part);
            continue;
        }
        let digits: Vec<u8> = part.iter().copied().filter(|byte| *byte != b' ').collect();
        for pair in digits.chunks(2) {
            output.push(crate::transform::hex_pair(pair, 0)?);
        }
    }
    Some(output)
}

/// The phrases of a file: one per line, blank lines and `#` comments aside.
pub(super) fn lines(content: &[u8]) -> Vec<Vec<u8>> {
    content
        .split(|&byte| byte == b'\n')
        .map(<[u8]>::trim_ascii)
        .filter(|line| !line.is_empty() && !line.starts_with(b"#"))
        .map(<[u8]>::to_vec)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_hold_bytes() {
        assert_eq!(words(b"a|41 42|b c"), vec![b"aABb".to_vec(), b"c".to_vec()]);
        assert_eq!(words(b"|| x"), vec![b"x".to_vec()]);
        assert_eq!(words(b"a|zz|"), vec![b"a|zz|".to_vec()]);
    }

    #[test]
    fn case_does_not_matter_and_the_match_is_captured() {
        let phrases = Phrases::new(words(b"UNION select"));
        let mut captures = Captures::default();
        assert!(phrases.matches(b"x SeLeCt y", Some(&mut captures)));
        assert_eq!(captures.text(0, b"x SeLeCt y"), Some(b"SeLeCt".as_slice()));
    }

    #[test]
    fn an_empty_list_matches_nothing() {
        let phrases = Phrases::new(Vec::new());
        assert!(!phrases.matches(b"", None) && !phrases.matches(b"a", None));
        assert!(!phrases.filter().admits(b"a", ByteSet::of(b"a")));
    }
}
