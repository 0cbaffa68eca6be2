//! Three-valued logic over judgements: what holds in every case, in some, in none, or cannot be told.

use std::sync::Arc;

use brigandine_model::{Fact, Judgement, Piece, Symbol, Value};

/// Whether any of them holds.
pub(crate) fn any(judgements: impl IntoIterator<Item = Judgement>) -> Judgement {
    let mut cases: Vec<Arc<str>> = Vec::new();
    let mut unknown = None;
    for judgement in judgements {
        match judgement {
            Judgement::Yes => return Judgement::Yes,
            Judgement::No => {}
            Judgement::Sometimes(more) => cases.extend(more),
            Judgement::CannotTell(why) => unknown = Some(why),
        }
    }
    match (cases.is_empty(), unknown) {
        (false, _) => Judgement::Sometimes(without_repeats(cases)),
        (true, Some(why)) => Judgement::CannotTell(why),
        (true, None) => Judgement::No,
    }
}

/// Whether both hold. A plain no settles it, whatever the other.
pub(crate) fn both(one: Judgement, other: Judgement) -> Judgement {
    match (one, other) {
        (Judgement::No, _) | (_, Judgement::No) => Judgement::No,
        (Judgement::CannotTell(why), _) | (_, Judgement::CannotTell(why)) => Judgement::CannotTell(why),
        (Judgement::Yes, rest) | (rest, Judgement::Yes) => rest,
        (Judgement::Sometimes(mut cases), Judgement::Sometimes(more)) => {
            cases.extend(more);
            Judgement::Sometimes(without_repeats(cases))
        }
    }
}

/// Whether it does not hold.
pub(crate) fn not(judgement: Judgement) -> Judgement {
    match judgement {
        Judgement::Yes => Judgement::No,
        Judgement::No => Judgement::Yes,
        Judgement::Sometimes(cases) => {
            Judgement::Sometimes(cases.iter().map(|case| format!("not {case}").into()).collect())
        }
        unknown @ Judgement::CannotTell(_) => unknown,
    }
}

/// Whether the fact has this value. Text with holes is never equal to a settled value.
pub(crate) fn is<T: PartialEq>(fact: &Fact<T>, wanted: &T) -> Judgement {
    fact.value.judge(&|value| value == wanted, &|_| None)
}

/// The cases in which it holds, where it does not always: `when ...` for the end of a title.
pub(crate) fn when(judgement: &Judgement) -> String {
    match judgement {
        Judgement::Sometimes(cases) => format!(" when {}", cases.join(" or ")),
        _ => String::new(),
    }
}

/// Whether it holds in at least one case.
pub(crate) fn may_hold(judgement: &Judgement) -> bool {
    matches!(judgement, Judgement::Yes | Judgement::Sometimes(_))
}

/// Asks a question of text, where text with holes is asked with every hole filled by [`HOLE`].
///
/// A value that is one hole only, filled by whoever deploys, could be anything: that cannot be told.
pub(crate) fn ask_text(value: &Value<String>, question: &impl Fn(&str) -> bool) -> Judgement {
    value.judge(&|text| question(text), &|symbol| {
        let open = matches!(symbol.pieces.as_slice(), [Piece::Parameter(name)] if !name.starts_with("AWS::"))
            || matches!(symbol.pieces.as_slice(), [Piece::Dynamic(_)]);
        (!open).then(|| question(&filled(symbol)))
    })
}

/// What stands for the unknown name in a hole: no wildcard and part of no real name.
pub(crate) const HOLE: char = '\u{1}';

/// The text of a symbol with every hole filled.
pub(crate) fn filled(symbol: &Symbol) -> String {
    symbol.pieces.iter().fold(String::new(), |mut out, piece| {
        match piece {
            Piece::Text(text) => out.push_str(text),
            _ => out.push(HOLE),
        }
        out
    })
}

/// Every text the value can have, with holes filled; nothing for what is unknown.
pub(crate) fn texts(value: &Value<String>) -> Vec<String> {
    match value {
        Value::Known(text) => vec![text.clone()],
        Value::Symbolic(symbol) => vec![filled(symbol)],
        Value::OneOf(cases) => cases.iter().flat_map(|case| texts(&case.value)).collect(),
        Value::Unknown(_) => Vec::new(),
    }
}

fn without_repeats(mut cases: Vec<Arc<str>>) -> Vec<Arc<str>> {
    cases.sort();
    cases.dedup();
    cases
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sometimes(case: &str) -> Judgement {
        Judgement::Sometimes(vec![case.into()])
    }

    #[test]
    fn unknown_wins_over_no_but_not_over_yes() {
        let unknown = || Judgement::CannotTell("x".into());
        assert_eq!(any([Judgement::No, unknown()]), unknown());
        assert_eq!(any([unknown(), Judgement::Yes]), Judgement::Yes);
        assert_eq!(any([unknown(), sometimes("a")]), sometimes("a"));
        assert_eq!(both(unknown(), Judgement::No), Judgement::No);
        assert_eq!(both(Judgement::Yes, unknown()), unknown());
        assert_eq!(both(Judgement::Yes, sometimes("a")), sometimes("a"));
    }

    #[test]
    fn one_hole_alone_could_be_anything() {
        let star = |text: &str| text == "*";
        let alone = Value::Symbolic(Symbol { pieces: vec![Piece::Parameter("Table".into())] });
        assert!(matches!(ask_text(&alone, &star), Judgement::CannotTell(_)));
        let within = Value::Symbolic(Symbol { pieces: vec![Piece::Text("a/".into()), Piece::Parameter("T".into())] });
        assert_eq!(ask_text(&within, &star), Judgement::No);
    }
}
