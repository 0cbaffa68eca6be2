//! What any match of a pattern must contain.
//!
//! INVARIANT: sound under the engine's matching. Case is folded on both sides, so a set of lower-case texts speaks for `(?i)` too;
//! assertions only ever narrow a match; what is not understood yields nothing.

use crate::operator::filter::{ByteSet, Filter};
use regex_syntax::hir::literal::{ExtractKind, Extractor};
use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, Hir, HirKind, Repetition};
use std::sync::LazyLock;

/// How many texts a set may have: a long list costs more to look for than it saves.
const TEXTS: usize = 400;
/// How many beginnings of one part are followed.
const BEGINNINGS: usize = 64;
/// A set that is found more often than this in a thousand million places turns nothing away that is worth its search.
const COMMON: u64 = 40_000_000;
/// How long a text may grow; longer ones are hardly rarer.
const LENGTH: usize = 8;
/// How many bytes a class may have to be spelled out.
const CLASS: usize = 6;
/// How often a repetition is spelled out.
const REPEAT: usize = 10;
/// How many neighbours may make a text together.
const NEIGHBOURS: usize = 5;

/// The filter of a pattern.
pub(super) fn filter(hir: &Hir) -> Filter {
    let bytes = mask(hir).filter(|bytes| bytes.len() < 256);
    let literals = required(&lowered(hir)).map(|needed| needed.texts);
    Filter { literals, bytes, minimum: hir.properties().minimum_len().unwrap_or(0) }
}

/// Texts one of which lies in every match.
struct Needed {
    texts: Vec<Vec<u8>>,
    /// How many places of a thousand million of honest text hold one of them, roughly.
    rate: u64,
}

impl Needed {
    /// A set that turns something away: no empty text in it, and not too many. (An empty set is a pattern that takes nothing.)
    fn new(mut texts: Vec<Vec<u8>>) -> Option<Self> {
        if texts.iter().any(Vec::is_empty) {
            return None;
        }
        for text in &mut texts {
            text.truncate(LENGTH);
        }
        texts.sort_unstable();
        // What starts with another text of the set is found with it.
        texts.dedup_by(|next, kept| next.starts_with(kept));
        let rate = texts.iter().map(|text| rate(text)).sum();
        (texts.len() <= TEXTS && rate <= COMMON).then_some(Self { texts, rate })
    }
}

/// The rarer set of the two.
fn rarer(one: Option<Needed>, other: Option<Needed>) -> Option<Needed> {
    match (one, other) {
        (Some(one), Some(other)) => Some(if one.rate <= other.rate { one } else { other }),
        (one, other) => one.or(other),
    }
}

/// The pattern with all its letters in lower case: it takes the lower-case form of whatever the pattern takes.
fn lowered(hir: &Hir) -> Hir {
    let all = |parts: &[Hir]| parts.iter().map(lowered).collect::<Vec<_>>();
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Hir::empty(),
        HirKind::Literal(literal) => Hir::literal(literal.0.to_ascii_lowercase()),
        HirKind::Class(Class::Bytes(class)) => {
            let ranges = class.ranges().iter().flat_map(|range| range.start()..=range.end());
            let bytes = ranges.map(|byte| byte.to_ascii_lowercase());
            Hir::class(Class::Bytes(ClassBytes::new(bytes.map(|byte| ClassBytesRange::new(byte, byte)))))
        }
        HirKind::Class(Class::Unicode(_)) => Hir::repetition(Repetition {
            min: 0,
            max: None,
            greedy: true,
            sub: Box::new(Hir::class(Class::Bytes(ClassBytes::new([ClassBytesRange::new(0, u8::MAX)])))),
        }),
        HirKind::Capture(capture) => lowered(&capture.sub),
        HirKind::Repetition(repetition) => Hir::repetition(repetition.with(lowered(&repetition.sub))),
        HirKind::Concat(parts) => Hir::concat(all(parts)),
        HirKind::Alternation(parts) => Hir::alternation(all(parts)),
    }
}

/// The rarest texts one of which lies in whatever a part of a pattern takes.
fn required(hir: &Hir) -> Option<Needed> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) | HirKind::Capture(_) => None,
        HirKind::Literal(_) | HirKind::Class(_) => beginnings(hir),
        HirKind::Repetition(repetition) if repetition.min == 0 => None,
        HirKind::Repetition(repetition) => rarer(beginnings(hir), required(&repetition.sub)),
        HirKind::Concat(parts) => {
            let from = |start: usize| parts.get(start..parts.len().min(start + NEIGHBOURS)).unwrap_or_default();
            let starts = (0..parts.len()).filter(|start| parts.get(*start).is_some_and(says_something));
            let joined = starts.map(|start| beginnings(&Hir::concat(from(start).to_vec())));
            joined.chain(parts.iter().map(required)).fold(None, rarer)
        }
        HirKind::Alternation(parts) => {
            let each: Option<Vec<Needed>> = parts.iter().map(required).collect();
            let texts = each.map(|each| each.into_iter().flat_map(|needed| needed.texts).collect());
            rarer(beginnings(hir), texts.and_then(Needed::new))
        }
    }
}

/// Whether texts that start with this part can be few and longer than none.
fn says_something(part: &Hir) -> bool {
    match part.kind() {
        HirKind::Empty | HirKind::Look(_) => false,
        HirKind::Class(Class::Bytes(class)) => class.ranges().iter().map(ClassBytesRange::len).sum::<usize>() <= CLASS,
        HirKind::Repetition(repetition) => repetition.min > 0 && says_something(&repetition.sub),
        _ => true,
    }
}

/// Texts one of which starts whatever a part of a pattern takes.
fn beginnings(hir: &Hir) -> Option<Needed> {
    let mut extractor = Extractor::new();
    extractor
        .kind(ExtractKind::Prefix)
        .limit_class(CLASS)
        .limit_repeat(REPEAT)
        .limit_literal_len(LENGTH)
        .limit_total(BEGINNINGS);
    let found = extractor.extract(hir);
    let texts = found.literals()?.iter().map(|literal| literal.as_bytes().to_vec()).collect();
    Needed::new(texts)
}

/// How many places of a thousand million of honest text hold a text, roughly.
fn rate(text: &[u8]) -> u64 {
    static RATES: LazyLock<[u64; 256]> = LazyLock::new(|| {
        std::array::from_fn(|byte| {
            u8::try_from(byte).map_or(1_000, |byte| u64::from(commonness(ByteSet::of(&[byte]))) + 1)
        })
    });
    text.iter().fold(1_000_000_000, |rate, byte| rate * RATES.get(usize::from(*byte)).copied().unwrap_or(1_000) / 1_000)
}

/// A set of bytes one of which lies in any match; the rarest there is.
fn mask(hir: &Hir) -> Option<ByteSet> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) | HirKind::Class(Class::Unicode(_)) => None,
        HirKind::Literal(literal) => {
            literal.0.iter().map(|&byte| ByteSet::of(&[byte])).min_by_key(|set| commonness(*set))
        }
        HirKind::Class(Class::Bytes(class)) => {
            let mut set = ByteSet::default();
            class.ranges().iter().flat_map(|range| range.start()..=range.end()).for_each(|byte| set.insert(byte));
            Some(set)
        }
        HirKind::Capture(capture) => mask(&capture.sub),
        HirKind::Repetition(repetition) => (repetition.min > 0).then(|| mask(&repetition.sub)).flatten(),
        HirKind::Concat(parts) => parts.iter().filter_map(mask).min_by_key(|set| commonness(*set)),
        HirKind::Alternation(parts) => {
            parts.iter().try_fold(ByteSet::default(), |all, part| Some(all.union(mask(part)?)))
        }
    }
}

/// How often honest values hold a byte, by kind of byte; what is not named counts one.
const KINDS: [(&[u8], u32); 7] = [
    (b"aeinorst", 60),
    (b"bcdfghjklmpquvwxyz ", 30),
    (b"0123456789", 25),
    (b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", 15),
    (b"-._/,", 12),
    (b":='\"()@%+?!", 5),
    (&[0xC2, 0xC3, 0xE2, 0xE3, 0x80, 0x81, 0xA9, 0xBC], 4),
];

/// Roughly how often honest values hold a byte of the set.
fn commonness(set: ByteSet) -> u32 {
    static SETS: LazyLock<[(ByteSet, u32); 7]> =
        LazyLock::new(|| KINDS.map(|(bytes, weight)| (ByteSet::of(bytes), weight)));
    let named: u32 = SETS.iter().map(|(kind, weight)| kind.common(set) * (weight - 1)).sum();
    named + set.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::rx::parsed;
    use proptest::prelude::*;

    fn literals(pattern: &str) -> Option<Vec<String>> {
        let texts = filter(&parsed(pattern).unwrap()).literals?;
        Some(texts.into_iter().map(|text| String::from_utf8(text).unwrap()).collect())
    }

    /// The `@rx` patterns of a rule file, as the engine would see them.
    fn patterns(rules: &str) -> Vec<String> {
        let mut found = Vec::new();
        for rest in rules.split("@rx ").skip(1) {
            let bytes = rest.as_bytes();
            let end = (0..bytes.len()).find(|&at| bytes[at] == b'"' && (at == 0 || bytes[at - 1] != b'\\'));
            found.extend(end.and_then(|end| rest.get(..end)).map(|pattern| pattern.replace("\\\"", "\"")));
        }
        found
    }

    #[test]
    fn no_match_of_a_built_in_pattern_is_filtered_out() {
        let patterns: Vec<String> = crate::builtin::FILES.iter().flat_map(|(_, rules)| patterns(rules)).collect();
        assert!(patterns.len() > 70);
        for pattern in patterns {
            let rewritten = crate::operator::rx::syntax::rewritten(pattern.as_bytes()).unwrap();
            assert!(!rewritten.needs_backtracking, "{pattern}");
            check(&rewritten.text, 11, 300).unwrap();
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "reads the published rules")]
    fn no_match_of_a_published_pattern_is_filtered_out() {
        let given = std::env::var("BRIGANDINE_SUITE_CRS4").ok();
        let folder = given.unwrap_or_else(|| format!("{}/../../../shared/suites/crs4", env!("CARGO_MANIFEST_DIR")));
        let Ok(files) = std::fs::read_dir(format!("{folder}/rules")) else {
            println!("skipped: the suite is not there");
            return;
        };
        let mut count = 0;
        let mut filtered = 0;
        for file in files {
            let rules = std::fs::read_to_string(file.unwrap().path()).unwrap_or_default();
            for pattern in patterns(&rules) {
                let rewritten = crate::operator::rx::syntax::rewritten(pattern.as_bytes()).unwrap();
                assert!(!rewritten.needs_backtracking, "{pattern}");
                let hir = parsed(&rewritten.text).unwrap();
                filtered += usize::from(filter(&hir).literals.is_some());
                check(&rewritten.text, 7, 100).unwrap();
                count += 1;
            }
        }
        println!("{count} patterns, {filtered} with required texts");
        assert!(count > 100);
    }

    #[test]
    fn the_longest_sure_text_is_found() {
        assert_eq!(literals("(?i)union\\s+selects"), Some(vec!["selects".into()]));
        assert_eq!(literals("a(?:bc|de)f"), Some(vec!["abcf".into(), "adef".into()]));
        assert_eq!(literals("(?:foo)?bar|baz+"), Some(vec!["bar".into(), "baz".into()]));
        assert_eq!(literals("x{2}['\"]*y"), Some(vec!["xx\"".into(), "xx'".into(), "xxy".into()]));
        assert_eq!(literals("a*"), None);
        assert_eq!(literals("foo|"), None);
        assert_eq!(literals("\\d+"), None, "found everywhere");
    }

    /// Draws a text that the pattern may take: choices come from `draw`.
    fn sample(hir: &Hir, draw: &mut dyn FnMut(usize) -> usize, output: &mut Vec<u8>) {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) | HirKind::Class(Class::Unicode(_)) => {}
            HirKind::Literal(literal) => output.extend_from_slice(&literal.0),
            HirKind::Class(Class::Bytes(class)) => {
                let bytes: Vec<u8> = class.ranges().iter().flat_map(|range| range.start()..=range.end()).collect();
                if !bytes.is_empty() {
                    output.push(bytes[draw(bytes.len())]);
                }
            }
            HirKind::Capture(capture) => sample(&capture.sub, draw, output),
            HirKind::Repetition(repetition) => {
                let most = repetition.max.unwrap_or(repetition.min + 3).min(repetition.min + 3);
                let count = repetition.min as usize + draw((most - repetition.min) as usize + 1);
                for _ in 0..count {
                    sample(&repetition.sub, draw, output);
                }
            }
            HirKind::Concat(parts) => parts.iter().for_each(|part| sample(part, draw, output)),
            HirKind::Alternation(parts) => sample(&parts[draw(parts.len())], draw, output),
        }
    }

    fn check(pattern: &str, mut seed: u64, samples: usize) -> Result<(), TestCaseError> {
        let Ok(hir) = parsed(pattern) else { return Ok(()) };
        let filter = filter(&hir);
        let regex = crate::operator::rx::built(&hir).unwrap();
        for _ in 0..samples {
            let mut draw = |below: usize| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (seed >> 33) as usize % below.max(1)
            };
            let mut value = vec![b'#'; draw(3)];
            sample(&hir, &mut draw, &mut value);
            value.extend(vec![b'Z'; draw(3)]);
            if regex.is_match(&value) {
                let admitted = filter.admits(&value.to_ascii_lowercase(), ByteSet::of(&value));
                prop_assert!(admitted, "{pattern:?} takes {value:?}, {filter:?} does not");
            }
        }
        Ok(())
    }

    fn pattern() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            "[a-cK-MS0 ]{1,4}",
            Just("[a-d]".to_owned()),
            Just("[^x]".to_owned()),
            Just("\\w".to_owned()),
            Just("(?i:Ks)".to_owned()),
            Just(".".to_owned()),
            Just("^".to_owned()),
            Just("$".to_owned()),
            Just("\\b".to_owned()),
            Just("[\\x80-\\xff]".to_owned()),
            Just("\\xe9".to_owned()),
        ];
        leaf.prop_recursive(5, 40, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
                proptest::collection::vec(inner.clone(), 1..4).prop_map(|parts| format!("(?:{})", parts.join("|"))),
                (inner.clone(), 0..6usize).prop_map(|(part, kind)| {
                    format!("(?:{part}){}", ["*", "+", "?", "{2}", "{1,3}", "{2,}"][kind])
                }),
                inner.prop_map(|part| format!("(?i:({part}))")),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn no_match_is_filtered_out(pattern in pattern(), seed in any::<u64>()) {
            check(&pattern, seed, 20)?;
        }
    }
}
