//! Text with macros in it: `found %{TX.0} in %{MATCHED_VAR_NAME}`.

use std::sync::Arc;

use super::target::{self, Selector};
use crate::variable::Variable;

/// A text that is filled in while a request is inspected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Template {
    pub(crate) pieces: Vec<Piece>,
}

/// A part of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// As written.
    Text(Arc<[u8]>),
    /// The first value of a variable, empty when there is none.
    Value(Variable, Selector),
}

impl Template {
    /// Reads a text. A macro may be followed by one more `%`, which older rule sets write.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("%{") {
            let Some((inside, following)) = split_macro(after) else { break };
            if !before.is_empty() {
                pieces.push(Piece::Text(Arc::from(before.as_bytes())));
            }
            pieces.push(reference(inside)?);
            rest = following.strip_prefix('%').filter(|next| !next.starts_with('{')).unwrap_or(following);
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(Arc::from(rest.as_bytes())));
        }
        Ok(Self { pieces })
    }

    /// The text itself when there is nothing to fill in.
    pub(crate) fn constant(&self) -> Option<&[u8]> {
        match self.pieces.as_slice() {
            [] => Some(b""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }
}

/// Whether a text holds a macro that names a known variable; `%{` may also be meant literally in a pattern.
pub(crate) fn has_macro(text: &str) -> bool {
    text.split("%{").skip(1).any(|after| split_macro(after).is_some_and(|(inside, _)| reference(inside).is_ok()))
}

fn split_macro(after: &str) -> Option<(&str, &str)> {
    let (inside, following) = after.split_once('}')?;
    Some((inside, following))
}

fn reference(inside: &str) -> Result<Piece, String> {
    let (name, key) = match inside.split_once([':', '.']) {
        Some((name, key)) => (name, Some(key)),
        None => (inside, None),
    };
    let variable = Variable::parse(name.trim()).ok_or_else(|| format!("the macro `%{{{inside}}}` is not known"))?;
    let selector = match key {
        Some(key) => target::selector(variable, key)?.0,
        None => Selector::All,
    };
    Ok(Piece::Value(variable, selector))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_macros_alternate() {
        let template = Template::parse("a%{tx.0}% b%{MATCHED_VAR}").unwrap();
        assert_eq!(
            template.pieces,
            [
                Piece::Text(Arc::from(b"a".as_slice())),
                Piece::Value(Variable::Tx, Selector::Name(Arc::from(b"0".as_slice()))),
                Piece::Text(Arc::from(b" b".as_slice())),
                Piece::Value(Variable::MatchedVar, Selector::All),
            ]
        );
        assert_eq!(Template::parse("plain %{").unwrap().constant(), Some(b"plain %{".as_slice()));
        assert!(Template::parse("%{nothing.x}").is_err());
    }
}
