//! Path patterns, and which of two that fit a path is the closer one.

use std::sync::Arc;

use crate::canonical::decode_segment;

/// A route's path pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// Segments, perhaps with a greedy tail.
    Path(Vec<Part>),
    /// Whatever nothing else fits (`$default`).
    Default,
}

/// One segment of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// This text, decoded.
    Literal(Arc<str>),
    /// Any text, under this name (`{id}`).
    Named(Arc<str>),
    /// All the rest, at least one segment, under this name (`{proxy+}`).
    Greedy(Arc<str>),
}

/// How close a pattern fits: per segment whether literally (0), by name (1), greedily (2) or by default (3). Less is
/// closer; what lies left weighs more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fit(u64);

/// Values a pattern found.
pub(crate) type Parameters = Vec<(Arc<str>, String)>;

impl Pattern {
    /// The pattern as the template writes it.
    pub(crate) fn parse(text: &str) -> Self {
        if text == "$default" {
            return Self::Default;
        }
        Self::Path(text.trim_start_matches('/').split('/').map(Part::parse).collect())
    }

    /// Whether it fits the canonical path of these segments; then how close.
    pub(crate) fn fit(&self, segments: &[&str]) -> Option<Fit> {
        let mut fit = Fit(0);
        let parts = match self {
            Self::Default => return Some(Fit(3 << 62)),
            Self::Path(parts) => parts,
        };
        let mut rest = segments.iter();
        for (place, part) in parts.iter().enumerate() {
            match part {
                Part::Greedy(_) => {
                    let some = rest.clone().any(|segment| !segment.is_empty());
                    return some.then(|| fit.with(place, 2));
                }
                Part::Literal(text) => {
                    if !same(text, rest.next()?) {
                        return None;
                    }
                }
                Part::Named(_) => {
                    if rest.next()?.is_empty() {
                        return None;
                    }
                    fit = fit.with(place, 1);
                }
            }
        }
        rest.next().is_none().then_some(fit)
    }

    /// The values it finds in a path that it fits.
    pub(crate) fn parameters(&self, segments: &[&str]) -> Parameters {
        let Self::Path(parts) = self else { return Vec::new() };
        let mut found = Vec::new();
        for (place, part) in parts.iter().enumerate() {
            match part {
                Part::Literal(_) => {}
                Part::Named(name) => {
                    let text = segments.get(place).map(|segment| decode_segment(segment).unwrap_or_default());
                    found.push((name.clone(), text.unwrap_or_default()));
                }
                Part::Greedy(name) => {
                    let rest = segments.get(place..).unwrap_or_default();
                    let texts: Vec<String> =
                        rest.iter().map(|segment| decode_segment(segment).unwrap_or_default()).collect();
                    found.push((name.clone(), texts.join("/")));
                }
            }
        }
        found
    }
}

impl Part {
    fn parse(text: &str) -> Self {
        match text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) => match name.strip_suffix('+') {
                Some(name) => Self::Greedy(name.into()),
                None => Self::Named(name.into()),
            },
            None => Self::Literal(decode_segment(text).unwrap_or_else(|_| text.to_owned()).into()),
        }
    }
}

impl Fit {
    fn with(self, place: usize, grade: u64) -> Self {
        // Beyond 31 segments all patterns look alike; the template's order decides there.
        match u32::try_from(place).ok().filter(|place| *place < 31) {
            Some(place) => Self(self.0 | (grade << (62 - 2 * place))),
            None => self,
        }
    }

    /// The fit of the same pattern behind one literal segment more.
    pub(crate) fn behind_stage(self) -> Self {
        Self(self.0 >> 2)
    }
}

fn same(text: &str, segment: &str) -> bool {
    if segment.contains('%') { decode_segment(segment).is_ok_and(|decoded| decoded == text) } else { text == segment }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The obvious matcher: one grade per segment, or nothing.
    fn grades(pattern: &[&str], path: &[&str]) -> Option<Vec<u8>> {
        match (pattern, path) {
            ([], []) => Some(Vec::new()),
            ([first, ..], [_, ..]) if first.ends_with("+}") => Some(vec![2]),
            ([first, pattern @ ..], [segment, path @ ..]) => {
                let grade = u8::from(first.starts_with('{'));
                if grade == 0 && first != segment {
                    return None;
                }
                let mut rest = grades(pattern, path)?;
                rest.insert(0, grade);
                Some(rest)
            }
            _ => None,
        }
    }

    fn pattern() -> impl Strategy<Value = String> {
        let part = prop_oneof![Just("a"), Just("b"), Just("{x}")];
        (proptest::collection::vec(part, 0..4), any::<bool>()).prop_map(|(mut parts, greedy)| {
            if greedy || parts.is_empty() {
                parts.push("{rest+}");
            }
            format!("/{}", parts.join("/"))
        })
    }

    proptest! {
        #[test]
        fn the_closest_pattern_is_the_obvious_one(
            patterns in proptest::collection::vec(pattern(), 1..8),
            path in proptest::collection::vec(prop_oneof![Just("a"), Just("b"), Just("c")], 1..5),
        ) {
            let path = format!("/{}", path.join("/"));
            let split = |text: &str| -> Vec<String> { text.trim_start_matches('/').split('/').map(str::to_owned).collect() };
            let obvious = |text: &String| {
                let (pattern, path) = (split(text), split(&path));
                let pattern: Vec<&str> = pattern.iter().map(String::as_str).collect();
                grades(&pattern, &path.iter().map(String::as_str).collect::<Vec<_>>())
            };
            for text in &patterns {
                prop_assert_eq!(fit(text, &path).is_some(), obvious(text).is_some(), "{} {}", text, path);
            }
            let padded = |text: &String| obvious(text).map(|mut grades| { grades.resize(8, 0); grades });
            let first = patterns.iter().filter_map(|text| Some((fit(text, &path)?, text))).min_by_key(|(fit, _)| *fit);
            let naive = patterns.iter().filter_map(|text| Some((padded(text)?, text))).min_by_key(|(grades, _)| grades.clone());
            prop_assert_eq!(first.map(|(_, text)| text), naive.map(|(_, text)| text));
        }
    }

    fn fit(pattern: &str, path: &str) -> Option<Fit> {
        let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        Pattern::parse(pattern).fit(&segments)
    }

    #[test]
    fn closer_is_literal_then_named_then_greedy_then_default() {
        let path = "/pets/dog/1";
        let fits: Vec<_> =
            ["/pets/dog/1", "/pets/dog/{id}", "/pets/{kind}/1", "/pets/{proxy+}", "/{proxy+}", "$default"]
                .iter()
                .map(|pattern| fit(pattern, path).unwrap())
                .collect();
        assert!(fits.is_sorted() && fits.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn patterns_fit_whole_segments_only() {
        assert!(fit("/", "/").is_some());
        assert!(fit("/a", "/a/").is_none());
        assert!(fit("/{id}", "/").is_none());
        assert!(fit("/{proxy+}", "/").is_none());
        assert!(fit("/a/{proxy+}", "/a").is_none());
        assert!(fit("/a/{proxy+}", "/a/").is_none());
        assert!(fit("/a/{proxy+}", "/a/b/c").is_some());
        assert!(fit("/caf\u{e9}", "/caf%C3%A9").is_some());
    }

    #[test]
    fn values_are_decoded() {
        let segments = ["a", "b%20c", "d", "e%C3%A9"];
        let found = Pattern::parse("/a/{x}/{rest+}").parameters(&segments);
        assert_eq!(found, [("x".into(), "b c".to_owned()), ("rest".into(), "d/e\u{e9}".to_owned())]);
    }
}
