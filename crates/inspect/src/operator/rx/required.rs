//! What any match of a pattern must contain.
//!
//! INVARIANT: sound under the engine's matching. Case is folded on both sides, so a set of lower-case texts speaks for `(?i)` too;
//! assertions only ever narrow a match; what is not understood yields nothing.

use crate::operator::filter::{ByteSet, Filter};
use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

/// How many texts a set may have: a long list costs more to look for than it saves.
const TEXTS: usize = 256;
/// How many texts a product of neighbours may have, and how long they may grow.
const PRODUCT: usize = 48;
const LENGTH: usize = 24;

type Texts = Vec<Vec<u8>>;

/// The filter of a pattern.
pub(super) fn filter(hir: &Hir) -> Filter {
    let facts = facts(hir);
    let best = facts.best();
    let bytes = mask(hir).filter(|bytes| bytes.len() < 256);
    Filter { literals: best, bytes, minimum: hir.properties().minimum_len().unwrap_or(0) }
}

/// What is known of the texts a part of a pattern takes, all in lower case.
#[derive(Default)]
struct Facts {
    /// Every text it can take, when they are few.
    exact: Option<Texts>,
    /// Texts one of which lies in whatever it takes.
    required: Option<Texts>,
}

impl Facts {
    fn exactly(texts: Texts) -> Self {
        Self { exact: Some(texts), required: None }
    }

    /// The better set of the two.
    fn best(self) -> Option<Texts> {
        let exact = self.exact.filter(|texts| usable(texts));
        better(exact, self.required)
    }
}

/// A set that turns something away: no empty text in it, and not too many. (An empty set is a pattern that takes nothing.)
fn usable(texts: &Texts) -> bool {
    texts.len() <= TEXTS && texts.iter().all(|text| !text.is_empty())
}

/// How much a set turns away: its shortest text counts most, then how few they are.
fn worth(texts: &Texts) -> (usize, isize) {
    let shortest = texts.iter().map(Vec::len).min().unwrap_or(usize::MAX);
    (shortest.min(5), -isize::try_from(texts.len()).unwrap_or(isize::MAX))
}

fn better(one: Option<Texts>, other: Option<Texts>) -> Option<Texts> {
    match (one, other) {
        (Some(one), Some(other)) => Some(if worth(&one) >= worth(&other) { one } else { other }),
        (one, other) => one.or(other),
    }
}

fn distinct(mut texts: Texts) -> Texts {
    texts.sort_unstable();
    texts.dedup();
    texts
}

fn facts(hir: &Hir) -> Facts {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Facts::exactly(vec![Vec::new()]),
        HirKind::Literal(literal) => Facts::exactly(vec![literal.0.to_ascii_lowercase()]),
        HirKind::Class(class) => class_texts(class).map(Facts::exactly).unwrap_or_default(),
        HirKind::Capture(capture) => facts(&capture.sub),
        HirKind::Repetition(repetition) => repeated(repetition),
        HirKind::Concat(parts) => joined(parts),
        HirKind::Alternation(parts) => either(parts),
    }
}

/// The bytes of a small class as texts.
fn class_texts(class: &Class) -> Option<Texts> {
    let Class::Bytes(class) = class else { return None };
    let bytes = class.ranges().iter().flat_map(|range| range.start()..=range.end());
    let texts: Texts = distinct(bytes.map(|byte| vec![byte.to_ascii_lowercase()]).collect());
    (texts.len() <= PRODUCT).then_some(texts)
}

fn repeated(repetition: &Repetition) -> Facts {
    let inner = facts(&repetition.sub);
    let fixed = repetition.max == Some(repetition.min);
    if repetition.min == 0 {
        let optional = repetition.max == Some(1);
        let exact = inner.exact.filter(|_| optional).map(|mut texts| {
            texts.push(Vec::new());
            distinct(texts)
        });
        return Facts { exact, required: None };
    }
    let Some(texts) = inner.exact else { return Facts { exact: None, required: inner.required } };
    let mut run = texts.clone();
    for _ in 1..repetition.min.min(16) {
        match product(&run, &texts) {
            Some(longer) => run = longer,
            None => return Facts { exact: None, required: Some(run).filter(usable) },
        }
    }
    if fixed && repetition.min <= 16 { Facts::exactly(run) } else { Facts { exact: None, required: Some(run).filter(usable) } }
}

/// All texts of one followed by one of the other, while they stay few and short.
fn product(left: &Texts, right: &Texts) -> Option<Texts> {
    let longest = |texts: &Texts| texts.iter().map(Vec::len).max().unwrap_or(0);
    if left.len() * right.len() > PRODUCT || longest(left) + longest(right) > LENGTH {
        return None;
    }
    let texts = left.iter().flat_map(|start| right.iter().map(move |end| [start.as_slice(), end.as_slice()].concat()));
    Some(distinct(texts.collect()))
}

/// Neighbours: the best of the runs that are known exactly, and of what single parts require.
fn joined(parts: &[Hir]) -> Facts {
    let mut run: Texts = vec![Vec::new()];
    let mut whole = true;
    let mut required: Option<Texts> = None;
    for part in parts {
        let Facts { exact, required: inner } = facts(part);
        let Some(texts) = exact else {
            whole = false;
            required = better(required, Some(std::mem::replace(&mut run, vec![Vec::new()])).filter(usable));
            required = better(required, inner);
            continue;
        };
        run = product(&run, &texts).unwrap_or_else(|| {
            whole = false;
            required = better(required.take(), Some(std::mem::take(&mut run)).filter(usable));
            texts
        });
    }
    if whole {
        return Facts::exactly(run);
    }
    Facts { exact: None, required: better(required, Some(run).filter(usable)) }
}

/// Alternatives: each must say something, or nothing can be said.
fn either(parts: &[Hir]) -> Facts {
    let mut exact = Some(Texts::new());
    let mut required = Some(Texts::new());
    for part in parts {
        let part = facts(part);
        if let (Some(all), Some(texts)) = (&mut exact, &part.exact) {
            all.extend(texts.iter().cloned());
        } else {
            exact = None;
        }
        match (&mut required, part.best()) {
            (Some(all), Some(texts)) => all.extend(texts),
            _ => required = None,
        }
    }
    let exact = exact.map(distinct).filter(|texts| texts.len() <= TEXTS);
    let required = required.map(distinct).filter(usable);
    Facts { exact, required }
}

/// A set of bytes one of which lies in any match; the rarest there is.
fn mask(hir: &Hir) -> Option<ByteSet> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => None,
        HirKind::Literal(literal) => literal.0.iter().map(|&byte| ByteSet::of(&[byte])).min_by_key(|set| commonness(*set)),
        HirKind::Class(Class::Bytes(class)) => {
            let mut set = ByteSet::default();
            class.ranges().iter().flat_map(|range| range.start()..=range.end()).for_each(|byte| set.insert(byte));
            Some(set)
        }
        HirKind::Class(Class::Unicode(_)) => None,
        HirKind::Capture(capture) => mask(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => mask(&repetition.sub),
        HirKind::Repetition(_) => None,
        HirKind::Concat(parts) => parts.iter().filter_map(mask).min_by_key(|set| commonness(*set)),
        HirKind::Alternation(parts) => parts.iter().try_fold(ByteSet::default(), |all, part| Some(all.union(mask(part)?))),
    }
}

/// Roughly how often honest values hold a byte of the set.
fn commonness(set: ByteSet) -> u32 {
    (0..=255u8).filter(|&byte| set.contains(byte)).map(frequency).sum()
}

fn frequency(byte: u8) -> u32 {
    match byte {
        b'a' | b'e' | b'i' | b'n' | b'o' | b'r' | b's' | b't' => 60,
        b'a'..=b'z' => 30,
        b'0'..=b'9' => 25,
        b' ' => 30,
        b'A'..=b'Z' => 15,
        b'-' | b'.' | b'_' | b'/' | b',' => 12,
        b':' | b'=' | b'\'' | b'"' | b'(' | b')' | b'@' | b'%' | b'+' | b'?' | b'!' => 5,
        0x80..=0xFF => 3,
        _ => 1,
    }
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

    #[test]
    fn the_longest_sure_text_is_found() {
        assert_eq!(literals("(?i)union\\s+select"), Some(vec!["select".into()]));
        assert_eq!(literals("a(?:bc|de)f"), Some(vec!["abcf".into(), "adef".into()]));
        assert_eq!(literals("(?:foo)?bar|baz+"), Some(vec!["bar".into(), "baz".into(), "foobar".into()]));
        assert_eq!(literals("a*"), None);
        assert_eq!(literals("foo|"), None);
        assert_eq!(literals("\\d+"), Some((0..10).map(|digit: u8| digit.to_string()).collect()));
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

    fn check(pattern: &str, mut seed: u64) -> Result<(), TestCaseError> {
        let Ok(hir) = parsed(pattern) else { return Ok(()) };
        let filter = filter(&hir);
        let regex = crate::operator::rx::built(&hir).unwrap();
        for _ in 0..20 {
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
            check(&pattern, seed)?;
        }
    }
}
