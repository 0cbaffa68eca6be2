//! Faults by the text that causes them: one line in Globals is one cause, however many functions it serves.

use std::collections::BTreeMap;

use brigandine_model::{Fact, LogicalId, Span};

/// A fact and the functions that get it from the same text.
pub(crate) type Cause<'a> = (&'a Fact<String>, Vec<LogicalId>);

/// Facts of functions, those from one text together, in the order in which they come.
pub(crate) fn by_place<'a>(facts: impl IntoIterator<Item = (&'a LogicalId, &'a Fact<String>)>) -> Vec<Cause<'a>> {
    let mut causes: Vec<Cause<'a>> = Vec::new();
    let mut places: BTreeMap<&Span, Vec<usize>> = BTreeMap::new();
    for (function, fact) in facts {
        let place = fact.provenance.span.as_ref();
        let known = place.and_then(|span| places.get(span)).into_iter().flatten();
        let same = known.copied().find(|index| causes.get(*index).is_some_and(|(known, _)| *known == fact));
        if let Some((_, functions)) = same.and_then(|index| causes.get_mut(index)) {
            functions.push(function.clone());
            continue;
        }
        if let Some(span) = place {
            places.entry(span).or_default().push(causes.len());
        }
        causes.push((fact, vec![function.clone()]));
    }
    causes
}
