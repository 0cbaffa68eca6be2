//! Reads and writes variables: members of collections, TX, macros.

use super::Inspection;
use super::content::{XML_ATTRIBUTE, XML_TEXT};
use crate::room::{Found, Item};
use crate::ruleset::{Part, Probe, Text};
use crate::seclang::target::{Selector, Targets};
use crate::strings::StringId;
use crate::variable::Variable;

/// More members of TX than this are not kept; a request that needs more is refused.
const MOST_MEMBERS: usize = 4_096;

impl Inspection<'_> {
    /// Adds all values that a probe selects and that are not left out.
    pub(super) fn select(&self, probe: &Probe, excluded: &dyn Fn(Variable, &[u8]) -> bool, out: &mut Vec<Found>) {
        let variable = probe.variable;
        let strings = &self.room.strings;
        let mut take = |item: &Item| {
            let lower = strings.bytes(item.lower);
            if selects(variable, &probe.selector, lower) && !excluded(variable, lower) {
                let key = variable.is_collection().then_some(item.key);
                out.push(Found { variable, key, value: item.value });
            }
        };
        if let Some(slot) = probe.slot {
            if let Some(item) = self.slot_item(usize::from(slot)) {
                take(&item);
            }
            return;
        }
        match variable {
            Variable::Tx => {
                for slot in 0..self.room.slots.len() {
                    if let Some(item) = self.slot_item(slot) {
                        take(&item);
                    }
                }
                self.room.more.iter().filter(|(_, present)| *present).for_each(|(item, _)| take(item));
            }
            Variable::MatchedVars | Variable::MatchedVarsNames => {
                for (name, value) in &self.matched_names {
                    let lower = strings.bytes(*name).to_ascii_lowercase();
                    if probe.selector.takes(member(&lower)) || probe.selector.takes(&lower) {
                        let value = if variable == Variable::MatchedVars { *value } else { *name };
                        out.push(Found { variable, key: Some(*name), value });
                    }
                }
            }
            _ => self.room.items(variable).iter().for_each(take),
        }
    }

    /// A member of TX by its slot; its name is kept as a text the first time it is set.
    fn slot_item(&self, slot: usize) -> Option<Item> {
        let value = self.room.slots.get(slot).copied().flatten()?;
        let name = self.rules.slot_names.get(slot).copied()?;
        Some(Item { key: name, lower: name, value })
    }

    /// How many values a probe selects.
    pub(super) fn count(&self, probe: &Probe, targets: &Targets) -> usize {
        let mut found = Vec::new();
        self.select(probe, &|variable, lower| targets.excludes(variable, lower), &mut found);
        found.len()
    }

    /// Variables that are worked out at the moment they are read.
    pub(super) fn refresh(&mut self, variable: Variable) {
        match variable {
            Variable::MatchedVar => {
                let value = self.matched.map(|found| found.value);
                self.replace(variable, value);
            }
            Variable::MatchedVarName => {
                let name = self.matched.map(|found| self.name(&found));
                let name = name.map(|name| self.room.strings.add(name.as_bytes()));
                self.replace(variable, name);
            }
            Variable::HighestSeverity => {
                let severity = self.highest_severity.unwrap_or(u8::MAX).to_string();
                self.room.set(variable, severity.as_bytes());
            }
            Variable::Rule => self.refresh_rule(),
            Variable::Sessionid if !self.session.is_empty() => {
                let session = self.session.clone();
                self.room.set(variable, &session);
            }
            Variable::Userid if !self.user.is_empty() => {
                let user = self.user.clone();
                self.room.set(variable, &user);
            }
            _ => {}
        }
    }

    fn replace(&mut self, variable: Variable, value: Option<StringId>) {
        if let Some(items) = self.room.table.get_mut(variable as usize) {
            items.clear();
        }
        if let Some(value) = value {
            self.room.push_ids(variable, StringId::EMPTY, value);
        }
    }

    fn refresh_rule(&mut self) {
        let rules = self.rules;
        let Some(rule) = self.current.and_then(|index| rules.rules.get(index)) else { return };
        self.replace(Variable::Rule, None);
        self.room.push(Variable::Rule, b"id", rule.id.to_string().as_bytes());
        self.room.push(Variable::Rule, b"msg", rule.message_text.as_bytes());
        if let Some(severity) = rule.severity {
            self.room.push(Variable::Rule, b"severity", severity.to_string().as_bytes());
        }
        self.room.push(Variable::Rule, b"rev", rule.version.as_bytes());
    }

    /// The name of a value as rules and people see it: `ARGS:name`.
    pub(super) fn name(&self, found: &Found) -> String {
        match found.key {
            None => found.variable.name().to_owned(),
            Some(key) if matches!(found.variable, Variable::MatchedVars | Variable::MatchedVarsNames) => {
                String::from_utf8_lossy(self.room.strings.bytes(key)).into_owned()
            }
            Some(key) => {
                format!("{}:{}", found.variable.name(), String::from_utf8_lossy(self.room.strings.bytes(key)))
            }
        }
    }

    /// Fills in a text.
    pub(super) fn expand(&mut self, text: &Text) -> Vec<u8> {
        let mut out = Vec::new();
        for part in &text.parts {
            match part {
                Part::Literal(literal) => out.extend_from_slice(literal),
                Part::Slot(slot) => {
                    if let Some(value) = self.room.slots.get(usize::from(*slot)).copied().flatten() {
                        out.extend_from_slice(self.room.strings.bytes(value));
                    }
                }
                Part::Value(variable, selector) => {
                    self.refresh(*variable);
                    let probe = Probe { variable: *variable, selector: selector.clone(), count: false, slot: None };
                    let mut found = Vec::new();
                    self.select(&probe, &|_, _| false, &mut found);
                    if let Some(first) = found.first() {
                        out.extend_from_slice(self.room.strings.bytes(first.value));
                    }
                }
            }
        }
        self.charge(u64::try_from(out.len()).unwrap_or(u64::MAX));
        out
    }

    /// The value of a member of TX.
    pub(super) fn transient(&mut self, slot: Option<u16>, key: &[u8]) -> Option<StringId> {
        if let Some(slot) = slot {
            return self.room.slots.get(usize::from(slot)).copied().flatten();
        }
        let lower = key.to_ascii_lowercase();
        if let Some(slot) = self.rules.slot_of.get(lower.as_slice()) {
            return self.room.slots.get(usize::from(*slot)).copied().flatten();
        }
        let name = self.room.strings.add(&lower);
        let at = self.room.more_at.get(&name)?;
        self.room.more.get(*at).filter(|(_, present)| *present).map(|(item, _)| item.value)
    }

    /// Sets or removes a member of TX.
    pub(super) fn set_transient(&mut self, slot: Option<u16>, key: &[u8], value: Option<StringId>) {
        let lower = if slot.is_some() { Vec::new() } else { key.to_ascii_lowercase() };
        let slot = slot.or_else(|| self.rules.slot_of.get(lower.as_slice()).copied());
        if let Some(slot) = slot.map(usize::from) {
            if let Some(place) = self.room.slots.get_mut(slot) {
                *place = value;
            }
            return;
        }
        let lower = self.room.strings.add(&lower);
        if let Some(at) = self.room.more_at.get(&lower) {
            if let Some((item, present)) = self.room.more.get_mut(*at) {
                item.value = value.unwrap_or(StringId::EMPTY);
                *present = value.is_some();
            }
            return;
        }
        let Some(value) = value else { return };
        if self.room.more.len() >= MOST_MEMBERS {
            self.exhausted = true;
            return;
        }
        let key = self.room.strings.add(key);
        self.room.more_at.insert(lower, self.room.more.len());
        self.room.more.push((Item { key, lower, value }, true));
    }

    /// Sets or removes a member of another collection. These live as long as the request.
    pub(super) fn set_member(&mut self, collection: Variable, key: &[u8], value: Option<StringId>) {
        let lower = key.to_ascii_lowercase();
        self.charge(u64::try_from(self.room.items(collection).len()).unwrap_or(u64::MAX));
        let strings = &self.room.strings;
        let Some(items) = self.room.table.get_mut(collection as usize) else { return };
        let position = items.iter().position(|item| strings.bytes(item.lower) == lower);
        match (position, value) {
            (Some(at), Some(value)) => {
                if let Some(item) = items.get_mut(at) {
                    item.value = value;
                }
            }
            (Some(at), None) => {
                items.remove(at);
            }
            (None, Some(_)) if items.len() >= MOST_MEMBERS => self.exhausted = true,
            (None, Some(value)) => {
                let key = self.room.strings.add(key);
                self.room.push_ids(collection, key, value);
            }
            (None, None) => {}
        }
    }

    /// The value of a member of another collection.
    pub(super) fn member(&self, collection: Variable, key: &[u8]) -> Option<StringId> {
        let strings = &self.room.strings;
        let found = self.room.items(collection).iter().find(|item| strings.bytes(item.lower).eq_ignore_ascii_case(key));
        found.map(|item| item.value)
    }
}

fn selects(variable: Variable, selector: &Selector, lower: &[u8]) -> bool {
    match (variable, selector) {
        (Variable::Xml, Selector::Attributes) => lower == XML_ATTRIBUTE,
        (Variable::Xml, Selector::All) => lower == XML_TEXT,
        _ => selector.takes(lower),
    }
}

/// `args:name` to `name`.
fn member(name: &[u8]) -> &[u8] {
    memchr::memchr(b':', name).and_then(|colon| name.get(colon + 1..)).unwrap_or(name)
}
