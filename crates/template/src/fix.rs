//! Changes to edits: what a fix wants, in the words and the layout of the text it changes.

use std::sync::Arc;

use brigandine_model::{Change, Edit, Literal, Span};

/// Why a change cannot be written into a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unwritable {
    /// The text has no place for it, or one that is written in a way that cannot be changed unseen.
    #[error("{0}")]
    NoPlace(String),
}

/// The edits that bring these changes into a text. They do not overlap.
pub fn edits(_file: &str, bytes: &[u8], changes: &[Change]) -> Result<Vec<Edit>, Unwritable> {
    changes.iter().map(|change| edit(bytes, change)).collect()
}

fn edit(bytes: &[u8], change: &Change) -> Result<Edit, Unwritable> {
    match change {
        Change::Replace { span, value } => replace(bytes, span, value),
        _ => Err(Unwritable::NoPlace("only values that are written can be replaced so far".to_owned())),
    }
}

fn replace(bytes: &[u8], span: &Span, value: &Literal) -> Result<Edit, Unwritable> {
    let text = match value {
        Literal::Flag(flag) => flag.to_string(),
        Literal::Number(number) => number.to_string(),
        Literal::Text(text) => text.clone(),
        Literal::List(_) | Literal::Map(_) => {
            return Err(Unwritable::NoPlace("only one word can be replaced so far".to_owned()));
        }
    };
    let written = bytes.get(span.start..span.end).unwrap_or_default();
    let replacement = match written.first() {
        Some(b'"') => format!("\"{text}\""),
        Some(b'\'') => format!("'{text}'"),
        _ => text,
    };
    let span = Span { file: Arc::clone(&span.file), ..span.clone() };
    Ok(Edit { span, replacement })
}
