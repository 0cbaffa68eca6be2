//! Settings of resources: what is set where, which text to point at, and how a fix would set it.

use std::sync::Arc;

use brigandine_model::{
    App, Change, Finding, Judgement, Literal, LogicalId, Property, PropertyKind, Provenance, Resource, Value, Via,
};

use crate::{
    Sink,
    case::{any, ask_text},
};

/// A resource with its name.
#[derive(Clone, Copy)]
pub(crate) struct Named<'a> {
    pub(crate) id: &'a LogicalId,
    pub(crate) resource: &'a Resource,
}

/// The resources of these types, in the order of the template.
pub(crate) fn of_kinds<'a>(app: &'a App, kinds: &[&str]) -> Vec<Named<'a>> {
    let mut found: Vec<Named<'a>> = app
        .resources
        .iter()
        .filter(|(_, resource)| kinds.contains(&&*resource.kind))
        .map(|(id, resource)| Named { id, resource })
        .collect();
    found.sort_by_key(|named| named.resource.provenance.span.as_ref().map_or(usize::MAX, |span| span.start));
    found
}

impl<'a> Named<'a> {
    /// The resource with this name.
    pub(crate) fn find(app: &'a App, id: &LogicalId) -> Option<Self> {
        app.resources.get_key_value(id).map(|(id, resource)| Self { id, resource })
    }

    /// What stands at a path, in whichever case.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&'a Property> {
        self.resource.properties.as_ref()?.at(path)
    }

    /// Asks a question of the text at a path; `absent` answers where nothing is set.
    pub(crate) fn text(&self, path: &[&str], absent: bool, question: &dyn Fn(&str) -> bool) -> Judgement {
        ask(self.resource.properties.as_ref(), path, absent, question)
    }

    /// Whether anything is set at a path. An empty text sets nothing.
    pub(crate) fn is_set(&self, path: &[&str]) -> Judgement {
        let Some(properties) = &self.resource.properties else { return Judgement::No };
        properties.judge(path, &|property| match property {
            None => Judgement::No,
            Some(property) => Judgement::settled(property.known() != Some("")),
        })
    }

    /// The items of the list at a path, in every case.
    pub(crate) fn items(&self, path: &[&str]) -> Vec<&'a Property> {
        self.at(path).map(Property::items).unwrap_or_default()
    }

    /// The text to point at: the value or the key at the path, or else the resource.
    pub(crate) fn place(&self, path: &[&str]) -> Provenance {
        let properties = self.resource.properties.as_ref();
        properties.and_then(|properties| place_in(properties, path)).unwrap_or_else(|| self.resource.provenance.clone())
    }

    /// The change that sets a value: below the resource where a person wrote it, or in the place of what the resource was
    /// made from. Nothing where what is set now depends on a condition, since that is a decision of its own.
    pub(crate) fn set(&self, path: &[&str], value: Literal) -> Option<Change> {
        if self.resource.properties.as_ref().is_some_and(|properties| depends(properties, path)) {
            return None;
        }
        if self.resource.written_kind.is_some() {
            let path = std::iter::once("Properties").chain(path.iter().copied()).map(Arc::from).collect();
            return Some(Change::Set { resource: self.id.clone(), path, value });
        }
        let place = &self.at(path).filter(|property| property.known().is_some())?.provenance;
        let span = place.span.clone().filter(|_| place.via == Via::Written && place.parameters.is_empty())?;
        Some(Change::Replace { span, value })
    }

    /// Whether a person wrote it as this type.
    pub(crate) fn is_written_as(&self, kind: &str) -> bool {
        self.resource.written_kind.as_deref() == Some(kind)
    }

    /// The first of the settings whose text is a whole number there, and its number; nothing where it is not settled.
    pub(crate) fn number(&self, path: &[&str]) -> Option<u64> {
        self.at(path)?.known()?.parse().ok()
    }
}

/// Whether what stands at a path, or on the way to it, depends on a condition or is not settled.
fn depends(property: &Property, path: &[&str]) -> bool {
    match (&property.kind, path.split_first()) {
        (PropertyKind::OneOf(_) | PropertyKind::Unknown(_), _) => true,
        (PropertyKind::Text(value), _) => value.known().is_none(),
        (PropertyKind::Map(entries), Some((first, rest))) => {
            entries.iter().find(|entry| *entry.name == **first).is_some_and(|entry| depends(&entry.value, rest))
        }
        (PropertyKind::Map(_) | PropertyKind::List(_), _) => false,
    }
}

/// Asks a question of the text at a path; text with holes is asked with the holes filled.
pub(crate) fn ask(
    within: Option<&Property>,
    path: &[&str],
    absent: bool,
    question: &dyn Fn(&str) -> bool,
) -> Judgement {
    let Some(within) = within else { return Judgement::settled(absent) };
    within.judge(path, &|property| match property.map(|property| &property.kind) {
        None => Judgement::settled(absent),
        Some(PropertyKind::Text(value)) => ask_text(value, &|text| question(text)),
        Some(PropertyKind::Unknown(why)) => Judgement::CannotTell(why.clone()),
        Some(_) => Judgement::settled(question("")),
    })
}

/// The value or the key at a path below a property.
pub(crate) fn place_in(within: &Property, path: &[&str]) -> Option<Provenance> {
    let entry = within.entry(path)?;
    let value = &entry.value.provenance;
    if entry.value.text().is_some() && value.span.is_some() {
        return Some(value.clone());
    }
    let span = entry.key_span.clone().or_else(|| value.span.clone())?;
    Some(Provenance { span: Some(span), ..value.clone() })
}

/// Whether the text is a plain yes, in one of the words that templates allow.
pub(crate) fn is_true(text: &str) -> bool {
    ["true", "yes", "on"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Whether the text is a plain no, in one of the words that templates allow.
pub(crate) fn is_false(text: &str) -> bool {
    ["false", "no", "off"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// The resources that a value refers to.
pub(crate) fn referred(value: &Value<String>) -> Vec<&LogicalId> {
    match value {
        Value::Symbolic(symbol) => symbol.resources().collect(),
        Value::OneOf(cases) => cases.iter().flat_map(|case| referred(&case.value)).collect(),
        Value::Known(_) | Value::Unknown(_) => Vec::new(),
    }
}

/// The resources referred to anywhere below a property.
pub(crate) fn referred_below(property: &Property) -> Vec<&LogicalId> {
    let mut texts = Vec::new();
    property.texts(&mut texts);
    texts.into_iter().filter_map(|(_, text)| text.text()).flat_map(referred).collect()
}

/// Whether a statement of a policy means everyone: `*` alone or among the accounts that are named, or all but some.
pub(crate) fn means_anyone(statement: &Property) -> Judgement {
    let star = |text: &str| text == "*";
    let plain = ask(Some(statement), &["Principal"], false, &star);
    let accounts = statement.at(&["Principal", "AWS"]).map(Property::items).unwrap_or_default();
    let named = any(accounts.iter().map(|account| ask(Some(account), &[], false, &star)));
    any([plain, named, statement.is_set(&["NotPrincipal"])])
}

/// Why a policy document cannot be read statement by statement, where it is one text.
pub(crate) fn closed_document(document: Option<&Property>) -> Option<&'static str> {
    document?.text().map(|_| "its policy is one text, which is not read here")
}

impl Sink {
    /// Tells what a judgement comes to: the finding where it may hold, what is left open where it cannot be told.
    pub(crate) fn tell(
        &mut self,
        holds: &Judgement,
        (what, at): (&str, (&LogicalId, &Provenance)),
        finding: impl FnOnce(&Self) -> Finding,
    ) {
        match holds {
            Judgement::No => {}
            Judgement::CannotTell(why) => self.cannot_tell(what, why, at),
            Judgement::Yes | Judgement::Sometimes(_) => {
                let finding = finding(self);
                self.finding(finding);
            }
        }
    }
}
