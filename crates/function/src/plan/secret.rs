//! Secrets by reference: a template names them, someone else keeps them.

/// The text of a secret. It can be used and not shown: there is no `Debug`, `Display` or `Serialize`.
#[derive(Clone)]
pub struct Plaintext(String);

impl Plaintext {
    /// Wraps the text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that hands it to the function.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Whoever keeps the secrets that templates refer to.
pub trait Secrets: Send + Sync {
    /// The secret behind a dynamic reference (`{{resolve:secretsmanager:payments:SecretString:key}}`), when it is kept here.
    fn reveal(&self, reference: &str) -> Option<Plaintext>;
}

/// One piece of a text with dynamic references.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    Text(&'a str),
    Reference(&'a str),
}

/// Splits a text at its dynamic references; a reference that never ends is text.
pub(crate) fn split(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{resolve:") {
        let Some((inside, _)) = after.split_once("}}") else { break };
        if !before.is_empty() {
            parts.push(Part::Text(before));
        }
        let (start, end) = (before.len(), before.len() + "{{resolve:".len() + inside.len() + "}}".len());
        parts.push(Part::Reference(rest.get(start..end).unwrap_or_default()));
        rest = rest.get(end..).unwrap_or_default();
    }
    if !rest.is_empty() || parts.is_empty() {
        parts.push(Part::Text(rest));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_cut_out_of_the_text_around_them() {
        assert_eq!(
            split("postgres://{{resolve:ssm:/db/user}}@{{resolve:ssm:/db/host:3}}/shop"),
            vec![
                Part::Text("postgres://"),
                Part::Reference("{{resolve:ssm:/db/user}}"),
                Part::Text("@"),
                Part::Reference("{{resolve:ssm:/db/host:3}}"),
                Part::Text("/shop"),
            ]
        );
    }

    #[test]
    fn what_does_not_end_is_text() {
        assert_eq!(split("{{resolve:ssm:/db"), vec![Part::Text("{{resolve:ssm:/db")]);
        assert_eq!(split(""), vec![Part::Text("")]);
    }
}
