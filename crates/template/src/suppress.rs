//! Findings people chose to live with: comments and metadata, in our own form and in those of other checkers.

mod peers;

use std::sync::Arc;

use brigandine_model::{LogicalId, Scope, Span, Suppression, Unjudged};
use jiff::civil::Date;

use crate::{
    Node, Origin,
    load::{Comment, Document},
};

/// Most suppressions of one template: each is held against each finding.
const MOST: usize = 2_000;

/// Every suppression of a template as it was written, in text order by kind.
pub(crate) fn suppressions(document: &Document, file: &Arc<str>, unjudged: &mut Vec<Unjudged>) -> Vec<Suppression> {
    let mut reader = Reader { document, file, unjudged, found: Vec::new(), left_out: false };
    reader.comments();
    reader.metadata();
    if reader.left_out {
        let unjudged = Unjudged {
            reason: format!("the template has more than {MOST} suppressions, the others hide nothing").into(),
            resource: None,
            code: None,
            span: document.root.origin.span(file),
        };
        reader.unjudged.push(unjudged);
    }
    reader.found
}

struct Reader<'a> {
    document: &'a Document,
    file: &'a Arc<str>,
    unjudged: &'a mut Vec<Unjudged>,
    found: Vec<Suppression>,
    left_out: bool,
}

impl Reader<'_> {
    fn comments(&mut self) {
        let document = self.document;
        for (index, comment) in document.comments.iter().enumerate() {
            let Some(words) = comment.text.strip_prefix("brigandine:") else {
                self.comment_for_peers(comment);
                continue;
            };
            let Some(span) = Origin::written(comment.place).span(self.file) else { continue };
            let scope = self.scope(index, comment);
            self.comment(words.trim(), &scope, &span);
        }
    }

    /// Above everything it covers the file; alone on its line the next line that is no comment; else its own line.
    fn scope(&self, index: usize, comment: &Comment) -> Scope {
        let first_key = self.document.root.origin.place.map_or(0, |place| place.line);
        if comment.place.line < first_key {
            return Scope::File;
        }
        if !comment.alone {
            return Scope::Line(comment.place.line);
        }
        let mut last = comment.place.line;
        for next in self.document.comments.iter().skip(index + 1) {
            if !next.alone || next.place.line != last + 1 {
                break;
            }
            last += 1;
        }
        Scope::Line(last + 1)
    }

    fn comment(&mut self, words: &str, scope: &Scope, span: &Span) {
        let words = split_words(words);
        let Some(("ignore", rest)) = words.split_first().map(|(first, rest)| (first.as_str(), rest)) else {
            return self.odd("a comment for us starts with `brigandine: ignore CODE`", span);
        };
        let value = |name: &str| {
            rest.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('=')).filter(|value| !value.is_empty())
        };
        let codes: Vec<&str> = rest
            .iter()
            .filter(|word| !word.contains('='))
            .flat_map(|word| word.split(','))
            .filter(|code| !code.is_empty())
            .collect();
        if codes.is_empty() {
            self.odd("the suppression names no rule", span);
        }
        // A suppression whose end cannot be read does not hold: it would hold for ever.
        let Ok(until) = self.date(value("until"), span) else { return };
        for code in codes {
            self.take(Suppression {
                code: code.into(),
                reason: value("reason").map(Into::into),
                owner: value("owner").map(Into::into),
                until,
                scope: scope.clone(),
                span: span.clone(),
                peer: None,
            });
        }
    }

    fn metadata(&mut self) {
        let root = &self.document.root;
        self.ignores(root, &Scope::File);
        self.metadata_for_peers(root, &Scope::File);
        for (id, resource) in root.get("Resources").and_then(Node::as_map).into_iter().flat_map(crate::Map::iter) {
            let scope = Scope::Resource(LogicalId::new(id));
            self.ignores(resource, &scope);
            self.metadata_for_peers(resource, &scope);
        }
    }

    fn ignores(&mut self, holder: &Node, scope: &Scope) {
        let Some(ignored) = holder.at(&["Metadata", "Brigandine", "Ignore"]) else { return };
        let items = ignored.as_list().unwrap_or(std::slice::from_ref(ignored));
        for item in items {
            let Some(span) = item.origin.span(self.file) else { continue };
            let text = |key: &str| item.get(key).and_then(Node::as_text);
            let Some(code) = text("Code").or(item.as_text()) else {
                self.odd("the suppression names no rule: it needs `Code`", &span);
                continue;
            };
            let Ok(until) = self.date(text("Until"), &span) else { continue };
            self.take(Suppression {
                code: code.into(),
                reason: text("Reason").map(Into::into),
                owner: text("Owner").map(Into::into),
                until,
                scope: scope.clone(),
                span,
                peer: None,
            });
        }
    }

    fn take(&mut self, suppression: Suppression) {
        if self.found.len() < MOST { self.found.push(suppression) } else { self.left_out = true }
    }

    fn date(&mut self, text: Option<&str>, span: &Span) -> Result<Option<Date>, ()> {
        let Some(text) = text else { return Ok(None) };
        text.parse().map(Some).map_err(|_| {
            self.odd(
                &format!("`{text}` is not a date, so the suppression does not hold: write it like 2027-01-31"),
                span,
            );
        })
    }

    fn odd(&mut self, reason: &str, span: &Span) {
        let span = Some(span.clone());
        self.unjudged.push(Unjudged { reason: reason.into(), resource: None, code: None, span });
    }
}

/// Words between blanks; quotes hold blanks together and are taken off.
fn split_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    for character in text.chars() {
        match character {
            '"' => quoted = !quoted,
            blank if blank.is_whitespace() && !quoted => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            other => word.push(other),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}
