//! Words that many rules need.

use std::fmt::Display;

use brigandine_model::{Provenance, Via};

/// `a`, `b` and 3 more.
pub(crate) fn list<T: Display>(names: &[T]) -> String {
    const SHOWN: usize = 3;
    let quoted: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    match (quoted.as_slice(), names.len().saturating_sub(SHOWN)) {
        ([], _) => "nothing".to_owned(),
        ([one], 0) => one.clone(),
        ([first @ .., last], 0) => format!("{} and {last}", first.join(", ")),
        (all, more) => format!("{} and {more} more", all.join(", ")),
    }
}

/// `1 route`, `2 routes`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// The same for what a written event declares, such as a route: that it is implied need not be said.
pub(crate) fn with_origin_of_event(label: impl Into<String>, provenance: &Provenance) -> String {
    if provenance.via == Via::Implicit { label.into() } else { with_origin(label, provenance) }
}

/// The label with how the fact came about, where nobody wrote it at that place.
pub(crate) fn with_origin(label: impl Into<String>, provenance: &Provenance) -> String {
    let label = label.into();
    match &provenance.via {
        Via::Written => label,
        Via::Globals => format!("{label} (from Globals)"),
        Via::Implicit => format!("{label} (implied by this)"),
        Via::PolicyTemplate(name) => format!("{label} (policy template `{name}`)"),
        Via::PlatformDefault => format!("{label} (the platform's default)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_read_like_sentences() {
        assert_eq!(list(&["a"]), "`a`");
        assert_eq!(list(&["a", "b"]), "`a` and `b`");
        assert_eq!(list(&["a", "b", "c", "d", "e"]), "`a`, `b`, `c` and 2 more");
    }
}
