//! A resource's properties as far as the template settles them, for questions that no noun of the graph answers.

use std::sync::Arc;

use serde::Serialize;

use crate::{Judgement, Provenance, Span, Value};

/// What stands at one place of a resource's properties, with where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Property {
    /// What stands there.
    pub kind: PropertyKind,
    /// The text a person would edit to change it.
    pub provenance: Provenance,
}

/// What a [`Property`] is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PropertyKind {
    /// Text, a number, a truth value: as text. Never [`Value::OneOf`] of structures.
    Text(Value<String>),
    /// A list.
    List(Vec<Property>),
    /// A map in written order.
    Map(Vec<Entry>),
    /// A structure that depends on a condition: every case that can be reached. A case without a property sets nothing.
    OneOf(Vec<(Arc<str>, Option<Property>)>),
    /// Could not be settled; says why, as the tail of "could not be judged because ...".
    Unknown(Arc<str>),
}

/// One entry of a map.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Entry {
    /// The key.
    pub name: Arc<str>,
    /// Where the key is written.
    pub key_span: Option<Span>,
    /// The value.
    pub value: Property,
}

impl Property {
    /// The text, where it is one.
    pub fn text(&self) -> Option<&Value<String>> {
        match &self.kind {
            PropertyKind::Text(value) => Some(value),
            _ => None,
        }
    }

    /// The settled text, where it is one.
    pub fn known(&self) -> Option<&str> {
        self.text()?.known().map(String::as_str)
    }

    /// The entries: those of a map, or of the first case that is one.
    pub fn entries(&self) -> &[Entry] {
        match &self.kind {
            PropertyKind::Map(entries) => entries,
            PropertyKind::OneOf(cases) => cases
                .iter()
                .filter_map(|(_, case)| case.as_ref())
                .map(Self::entries)
                .find(|e| !e.is_empty())
                .unwrap_or(&[]),
            _ => &[],
        }
    }

    /// The items of a list, in every case; what is neither a list nor nothing is its own only item.
    pub fn items(&self) -> Vec<&Property> {
        match &self.kind {
            PropertyKind::List(items) => items.iter().flat_map(Self::items_of_item).collect(),
            PropertyKind::OneOf(cases) => {
                cases.iter().filter_map(|(_, case)| case.as_ref()).flat_map(Self::items).collect()
            }
            _ => vec![self],
        }
    }

    /// An item that depends on a condition stands for each of its cases.
    fn items_of_item(&self) -> Vec<&Property> {
        match &self.kind {
            PropertyKind::OneOf(cases) => cases.iter().filter_map(|(_, case)| case.as_ref()).collect(),
            _ => vec![self],
        }
    }

    /// The first property found at a path of keys, in whichever case; for places to point at.
    pub fn at(&self, path: &[&str]) -> Option<&Property> {
        let Some((first, rest)) = path.split_first() else { return Some(self) };
        match &self.kind {
            PropertyKind::Map(entries) => entries.iter().find(|entry| *entry.name == **first)?.value.at(rest),
            PropertyKind::OneOf(cases) => {
                cases.iter().filter_map(|(_, case)| case.as_ref()).find_map(|case| case.at(path))
            }
            _ => None,
        }
    }

    /// The entry at a path of keys, in whichever case: its key has a place of its own.
    pub fn entry(&self, path: &[&str]) -> Option<&Entry> {
        let (last, before) = path.split_last()?;
        self.at(before)?.entries().iter().find(|entry| *entry.name == **last)
    }

    /// Asks a question of what stands at a path, in every case. The question gets nothing where nothing is set.
    pub fn judge(&self, path: &[&str], question: &dyn Fn(Option<&Property>) -> Judgement) -> Judgement {
        match (&self.kind, path.split_first()) {
            (PropertyKind::OneOf(cases), _) => {
                let judged = cases.iter().map(|(when, case)| {
                    let judgement = case.as_ref().map_or_else(|| question(None), |case| case.judge(path, question));
                    (when.clone(), judgement)
                });
                Judgement::of_cases(judged)
            }
            (PropertyKind::Unknown(why), _) | (PropertyKind::Text(Value::Unknown(why)), Some(_)) => {
                Judgement::CannotTell(why.clone())
            }
            (_, None) => question(Some(self)),
            (PropertyKind::Map(entries), Some((first, rest))) => entries
                .iter()
                .find(|entry| *entry.name == **first)
                .map_or_else(|| question(None), |entry| entry.value.judge(rest, question)),
            (PropertyKind::List(_) | PropertyKind::Text(_), Some(_)) => question(None),
        }
    }

    /// Asks a question of the text at a path, in every case. `absent` answers where nothing is set; text with holes cannot be
    /// told unless `of_text` does not depend on it.
    pub fn judge_text(&self, path: &[&str], absent: bool, of_text: &dyn Fn(&str) -> bool) -> Judgement {
        self.judge(path, &|property| match property.map(|property| &property.kind) {
            None => Judgement::settled(absent),
            Some(PropertyKind::Text(value)) => value.judge(&|text| of_text(text), &|_| None),
            Some(PropertyKind::Unknown(why)) => Judgement::CannotTell(why.clone()),
            Some(_) => Judgement::settled(of_text("")),
        })
    }

    /// Whether anything is set at a path, in every case.
    pub fn is_set(&self, path: &[&str]) -> Judgement {
        self.judge(path, &|property| Judgement::settled(property.is_some()))
    }

    /// Every text below, with the keys that lead to it (items of lists have none). For secrets and addresses anywhere.
    pub fn texts<'a>(&'a self, found: &mut Vec<(Vec<&'a str>, &'a Property)>) {
        let mut path = Vec::new();
        self.gather(&mut path, found);
    }

    fn gather<'a>(&'a self, path: &mut Vec<&'a str>, found: &mut Vec<(Vec<&'a str>, &'a Property)>) {
        match &self.kind {
            PropertyKind::Text(_) => found.push((path.clone(), self)),
            PropertyKind::List(items) => items.iter().for_each(|item| item.gather(path, found)),
            PropertyKind::Map(entries) => {
                for entry in entries {
                    path.push(&entry.name);
                    entry.value.gather(path, found);
                    path.pop();
                }
            }
            PropertyKind::OneOf(cases) => {
                cases.iter().filter_map(|(_, case)| case.as_ref()).for_each(|case| case.gather(path, found));
            }
            PropertyKind::Unknown(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Property {
        Property { kind: PropertyKind::Text(Value::Known(text.to_owned())), provenance: Provenance::default() }
    }

    fn map(name: &str, value: Property) -> Property {
        let entry = Entry { name: name.into(), key_span: None, value };
        Property { kind: PropertyKind::Map(vec![entry]), provenance: Provenance::default() }
    }

    #[test]
    fn a_structure_that_depends_is_judged_case_by_case() {
        let cases = vec![("Mode=wide".into(), None), ("Mode=narrow".into(), Some(map("Enabled", text("true"))))];
        let chosen = Property { kind: PropertyKind::OneOf(cases), provenance: Provenance::default() };
        let whole = map("Encryption", chosen);
        let off = whole.judge_text(&["Encryption", "Enabled"], true, &|text| text != "true");
        assert_eq!(off, Judgement::Sometimes(vec!["Mode=wide".into()]));
        assert_eq!(whole.is_set(&["Logging"]), Judgement::No);
    }

    #[test]
    fn unknown_is_never_a_pass() {
        let unknown =
            Property { kind: PropertyKind::Unknown("it is imported".into()), provenance: Provenance::default() };
        let whole = map("Policy", unknown);
        assert_eq!(whole.is_set(&["Policy", "Statement"]), Judgement::CannotTell("it is imported".into()));
    }
}
