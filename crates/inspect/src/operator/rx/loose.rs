//! A pattern without its counting.
//!
//! `[^}]{0,40}` in the middle of a pattern makes an automaton remember every place within forty bytes where a match may have begun:
//! the states of a hostile text are as many as it likes, and the search falls back to an engine that is a hundred times slower.
//! `[^}]*` remembers nothing.
//!
//! INVARIANT: the loosened pattern takes whatever the pattern takes. Patterns of this engine know no negation, so each part may be
//! replaced by one that takes more.

use regex_syntax::hir::{Hir, HirKind, Repetition};

/// Counting further than this is given up.
const FAR: u32 = 8;

/// The pattern with all far counting given up; `None` if there is none.
pub(super) fn loosened(hir: &Hir) -> Option<Hir> {
    let mut changed = false;
    let loose = loosen(hir, &mut changed);
    changed.then_some(loose)
}

fn loosen(hir: &Hir, changed: &mut bool) -> Hir {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) | HirKind::Literal(_) | HirKind::Class(_) => hir.clone(),
        HirKind::Capture(capture) => loosen(&capture.sub, changed),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(|part| loosen(part, changed)).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(|part| loosen(part, changed)).collect()),
        HirKind::Repetition(repetition) => {
            let far = repetition.min.max(repetition.max.unwrap_or(0)) >= FAR;
            *changed |= far;
            let sub = Box::new(loosen(&repetition.sub, changed));
            let (min, max) = if far { (repetition.min.min(1), None) } else { (repetition.min, repetition.max) };
            Hir::repetition(Repetition { min, max, greedy: repetition.greedy, sub })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{built, parsed};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_far_counting_is_given_up() {
        assert!(loosened(&parsed("a{2,3}b*c+").unwrap()).is_none());
        let loose = loosened(&parsed("x[^}]{0,40}(?:a{3,12}|b)}").unwrap()).unwrap();
        assert_eq!(loose, parsed("x[^}]*(?:a+|b)}").unwrap());
    }

    proptest! {
        #[test]
        fn what_a_pattern_takes_the_loose_one_takes(
            parts in proptest::collection::vec(("[ab]|\\[ab\\]|\\(a\\|b\\)|\\^|\\\\b", "|\\{0,9\\}|\\{9\\}|\\{2,\\}|\\{1,12\\}\\?"), 1..5),
            text in "[ab ]{0,40}",
        ) {
            let parts: Vec<String> = parts.iter().map(|(part, count)| format!("(?:{part}){count}")).collect();
            let pattern = parts.concat();
            let Ok(hir) = parsed(&pattern) else { return Ok(()) };
            let Some(loose) = loosened(&hir) else { return Ok(()) };
            let exact = built(&hir).unwrap().is_match(text.as_bytes());
            prop_assert!(!exact || built(&loose).unwrap().is_match(text.as_bytes()), "{} {}", pattern, text);
        }
    }
}
