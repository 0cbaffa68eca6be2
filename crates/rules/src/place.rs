//! Where a policy's words are written, so that a fix can put others there.

use std::collections::HashMap;

use brigandine_model::{App, Change, Fact, Literal, Piece, Property, PropertyKind, Span, Statement, Symbol, Value};

/// The values of `Action`, `Resource` and the like, by the place of each text in them; and statements by their place.
pub(crate) struct Places<'a> {
    values: HashMap<(usize, usize), &'a Property>,
    statements: HashMap<(usize, usize), &'a Property>,
}

impl<'a> Places<'a> {
    /// The places of every policy that a person wrote as a structure. Policies written as one text have none.
    pub(crate) fn of(app: &'a App) -> Self {
        let mut places = Self { values: HashMap::new(), statements: HashMap::new() };
        for resource in app.resources.values().filter(|resource| resource.kind.starts_with("AWS::IAM::")) {
            if let Some(properties) = &resource.properties {
                places.walk(properties);
            }
        }
        places
    }

    fn walk(&mut self, property: &'a Property) {
        match &property.kind {
            PropertyKind::List(items) => items.iter().for_each(|item| self.walk(item)),
            PropertyKind::OneOf(cases) => {
                cases.iter().filter_map(|(_, case)| case.as_ref()).for_each(|case| self.walk(case));
            }
            PropertyKind::Map(entries) => {
                if property.at(&["Effect"]).is_some()
                    && let Some(span) = &property.provenance.span
                {
                    self.statements.insert(key(span), property);
                }
                for entry in entries {
                    if matches!(&*entry.name, "Action" | "Resource") {
                        self.note(&entry.value);
                    } else {
                        self.walk(&entry.value);
                    }
                }
            }
            PropertyKind::Text(_) | PropertyKind::Unknown(_) => {}
        }
    }

    /// One value, or a list of them; what depends on a condition cannot be replaced unseen.
    fn note(&mut self, value: &'a Property) {
        match &value.kind {
            PropertyKind::Text(_) => self.insert(value, value),
            PropertyKind::List(items) => {
                for item in items.iter().filter(|item| item.text().is_some()) {
                    self.insert(item, value);
                }
            }
            _ => {}
        }
    }

    fn insert(&mut self, text: &Property, value: &'a Property) {
        if let Some(span) = &text.provenance.span {
            self.values.insert(key(span), value);
        }
    }

    /// The statement as it is written.
    pub(crate) fn statement(&self, statement: &Statement) -> Option<&'a Property> {
        self.statements.get(&key(statement.provenance.span.as_ref()?)).copied()
    }

    /// The changes that take these items out of their list; nothing where that would leave it empty.
    pub(crate) fn take_away(&self, items: &[&Fact<String>]) -> Option<Vec<Change>> {
        let spans: Vec<&Span> = items.iter().filter_map(|item| item.provenance.span.as_ref()).collect();
        let value = self.values.get(&key(spans.first()?))?;
        let PropertyKind::List(all) = &value.kind else { return None };
        let goes = |item: &Property| item.provenance.span.as_ref().is_some_and(|span| spans.contains(&span));
        let going = all.iter().filter(|item| goes(item)).count();
        let whole = going == spans.len() && spans.len() == items.len() && going < all.len();
        whole.then(|| spans.into_iter().map(|span| Change::RemoveAt { span: span.clone() }).collect())
    }

    /// The whole value, with its place, that must be written anew so that others stand where this one stands. Nothing where
    /// a part of it cannot be written down again.
    pub(crate) fn instead(&self, old: &Fact<String>, new: Vec<Literal>) -> Option<(Span, Literal)> {
        let value = self.values.get(&key(old.provenance.span.as_ref()?))?;
        let span = value.provenance.span.clone()?;
        let PropertyKind::List(items) = &value.kind else { return Some((span, one_or_list(new))) };
        let mut all = Vec::new();
        for item in items {
            if item.provenance.span == old.provenance.span {
                all.extend(new.iter().cloned());
            } else {
                all.push(literal(item.text()?)?);
            }
        }
        Some((span, Literal::List(all)))
    }
}

fn key(span: &Span) -> (usize, usize) {
    (span.start, span.end)
}

fn one_or_list(mut literals: Vec<Literal>) -> Literal {
    match (literals.len(), literals.pop()) {
        (1, Some(only)) => only,
        (_, Some(last)) => {
            literals.push(last);
            Literal::List(literals)
        }
        (_, None) => Literal::List(Vec::new()),
    }
}

/// The value as it can be written; nothing for what depends on conditions or could not be settled.
fn literal(value: &Value<String>) -> Option<Literal> {
    match value {
        Value::Known(text) => Some(Literal::text(text.clone())),
        Value::Symbolic(symbol) => of_symbol(symbol),
        Value::OneOf(_) | Value::Unknown(_) => None,
    }
}

fn of_symbol(symbol: &Symbol) -> Option<Literal> {
    match symbol.pieces.as_slice() {
        [Piece::Attribute { resource, attribute: None }] => Some(Literal::reference(resource.as_str())),
        [Piece::Attribute { resource, attribute: Some(name) }] => Some(Literal::attribute(resource.as_str(), name)),
        [Piece::Parameter(name)] => Some(Literal::reference(name)),
        pieces => {
            let plain = |piece: &Piece| matches!(piece, Piece::Text(text) if text.contains("${"));
            (!pieces.iter().any(plain)).then(|| substituted(symbol.to_string()))
        }
    }
}

/// Text with names in it that the platform fills.
pub(crate) fn substituted(text: impl Into<String>) -> Literal {
    Literal::map([("Fn::Sub", Literal::text(text))])
}
