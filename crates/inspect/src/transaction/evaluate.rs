//! Asks the operators of a rule about its values.
//!
//! Two ways that must agree: links whose values cannot change during a phase share a group, which is sieved; all others, and every
//! link while someone observes, take their values one by one.

use super::note::Note;
use super::Inspection;
use crate::operator::{Captures, Outcome};
use crate::plan::Plan;
use crate::room::{Entry, Found};
use crate::ruleset::rule::Rule;
use crate::ruleset::{Link, Probe, Test};
use crate::strings::StringId;
use crate::variable::Variable;

/// What asking an operator about one byte costs, against looking at it in the sieve.
const ASKING: u64 = 4;
/// What asking costs however short the text is.
const ASKING_AT_ALL: u64 = 16;

impl<'r> Inspection<'r> {
    /// Runs a rule with its chain; whether all of it matched.
    pub(super) fn rule(&mut self, index: usize, rule: &'r Rule) -> bool {
        self.pending = None;
        self.matched_names.clear();
        for (depth, link) in rule.links.iter().enumerate() {
            if !self.link(index, depth, rule, link) {
                return false;
            }
        }
        self.conclude(rule);
        true
    }

    fn link(&mut self, index: usize, depth: usize, rule: &'r Rule, link: &'r Link) -> bool {
        let Some(test) = &link.test else {
            self.note_link(rule, depth, link, b"");
            self.unconditional(rule, link);
            return true;
        };
        let argument = test.template.as_ref().map(|template| self.expand(template));
        let argument = argument.as_deref();
        let matched = match link.group {
            Some(group) if self.observer.is_none() && !self.room.retargeted.contains(index) => {
                self.grouped(usize::from(group), rule, link, test, argument)
            }
            _ => {
                self.note_link(rule, depth, link, argument.unwrap_or(test.argument.as_bytes()));
                self.one_by_one(index, rule, link, test, argument)
            }
        };
        self.note(&Note::Returned { matched });
        matched
    }

    /// The values of a group, each asked about only if the sieve let it through.
    fn grouped(&mut self, group: usize, rule: &'r Rule, link: &'r Link, test: &'r Test, argument: Option<&[u8]>) -> bool {
        let plan = &self.rules.plan;
        let bit = test.bit.filter(|_| self.settings.filter);
        self.fill(group);
        let Some(state) = self.room.groups.get_mut(group) else { return false };
        if let Some(bit) = bit
            && state.any.get(usize::from(bit / 64)).is_some_and(|word| word >> (bit % 64) & 1 == 0)
        {
            return false;
        }
        let entries = std::mem::take(&mut state.entries);
        let mut matched = false;
        for entry in &entries {
            if self.exhausted {
                break;
            }
            if bit.is_some_and(|bit| !self.room.may_match(entry.text, bit, plan, self.side())) {
                continue;
            }
            let hit = self.ask(test, entry.text, argument);
            if hit {
                matched = true;
                self.matched_value(rule, link, test, entry.found, entry.text, argument);
            } else if let Some(bit) = bit {
                self.room.cannot_match(entry.text, bit, plan, self.side());
            }
        }
        if let Some(state) = self.room.groups.get_mut(group) {
            state.entries = entries;
        }
        matched
    }

    /// Collects, transforms and sieves the values of a group unless that was done in this phase.
    fn fill(&mut self, group: usize) {
        let plan: &'r Plan = &self.rules.plan;
        let Some(made) = plan.groups.get(group) else { return };
        let Some(state) = self.room.groups.get_mut(group) else { return };
        if state.generation == self.generation {
            return;
        }
        state.generation = self.generation;
        let mut entries = std::mem::take(&mut state.entries);
        let mut any = std::mem::take(&mut state.any);
        entries.clear();
        any.clear();
        any.resize(plan.sieve(made.side).words(), 0);
        let mut values = Vec::new();
        for target in &made.targets.included {
            let probe =
                Probe { variable: target.variable, selector: target.selector.clone(), count: false, slot: None };
            self.select(&probe, &|variable, lower| made.targets.excludes(variable, lower), &mut values);
        }
        for found in values {
            self.transformed(made.chain, made.multi_match, found, &mut entries);
            if self.exhausted {
                break;
            }
        }
        if self.settings.filter {
            for entry in &entries {
                let (start, cost) = self.room.sift(entry.text, plan, made.side);
                self.charge(cost);
                let bits = self.room.bits(start, any.len(), made.side);
                any.iter_mut().zip(bits).for_each(|(word, more)| *word |= more);
            }
        }
        if let Some(state) = self.room.groups.get_mut(group) {
            state.entries = entries;
            state.any = any;
        }
    }

    /// The texts of a value: after all transformations, or with `multiMatch` after each that changed it.
    fn transformed(&mut self, chain: u16, multi_match: bool, found: Found, out: &mut Vec<Entry>) {
        let rules = self.rules;
        let steps = rules.chains.get(usize::from(chain)).map_or(&[][..], Vec::as_slice);
        let mut text = found.value;
        if multi_match {
            out.push(Entry { found, text });
        }
        for step in steps {
            let (after, cost) = self.room.step(text, *step);
            self.charge(cost);
            if self.observer.is_some() {
                let value = self.room.strings.bytes(after).to_vec();
                self.note(&Note::Transformed { name: &format!("{step:?}"), value: &value });
            }
            if multi_match && after != text {
                out.push(Entry { found, text: after });
            }
            text = after;
        }
        if !multi_match {
            out.push(Entry { found, text });
        }
    }

    fn one_by_one(&mut self, index: usize, rule: &'r Rule, link: &'r Link, test: &'r Test, argument: Option<&[u8]>) -> bool {
        let mut matched = false;
        let mut values = Vec::new();
        for probe in &link.probes {
            self.refresh(probe.variable);
            values.clear();
            if probe.count {
                let count = self.count(probe, &link.targets).to_string();
                let value = self.room.strings.add(count.as_bytes());
                values.push(Found { variable: probe.variable, key: self.counted_key(probe), value });
            } else {
                self.select(probe, &|variable, lower| self.leaves_out(index, link, variable, lower), &mut values);
            }
            let mut texts = Vec::new();
            for found in &values {
                texts.clear();
                self.transformed(link.chain, link.multi_match, *found, &mut texts);
                for entry in &texts {
                    if self.exhausted {
                        return matched;
                    }
                    self.note_value(entry);
                    if self.ask(test, entry.text, argument) {
                        matched = true;
                        self.matched_value(rule, link, test, entry.found, entry.text, argument);
                    }
                }
            }
        }
        matched
    }

    /// The name a count is reported under.
    fn counted_key(&mut self, probe: &Probe) -> Option<StringId> {
        use crate::seclang::target::Selector;
        match &probe.selector {
            Selector::Name(name) => Some(self.room.strings.add(name)),
            _ => None,
        }
    }

    /// Whether a member is left out, by the rule itself or by a control that ran before.
    fn leaves_out(&self, index: usize, link: &Link, variable: Variable, lower: &[u8]) -> bool {
        link.targets.excludes(variable, lower)
            || self.room.removed_targets.iter().any(|(rules, targets)| {
                rules.contains(index) && targets.excludes(variable, lower)
            })
    }

    /// Whether the operator, negated or not, matches a text.
    fn ask(&mut self, test: &Test, text: StringId, argument: Option<&[u8]>) -> bool {
        let value = self.room.strings.bytes(text);
        let outcome = match argument {
            Some(argument) => test.operator.evaluate_expanded(value, argument, None),
            None => test.operator.evaluate(value, None),
        };
        let cost = u64::try_from(value.len()).unwrap_or(u64::MAX).saturating_mul(ASKING) + ASKING_AT_ALL;
        self.charge(cost);
        match outcome {
            Outcome::Hit => !test.negated,
            Outcome::Miss => test.negated,
            Outcome::Exhausted => {
                self.exhausted = true;
                true
            }
        }
    }

    /// The groups of a match that was found.
    pub(super) fn captures(&self, test: &Test, text: StringId, argument: Option<&[u8]>) -> Captures {
        let mut captures = Captures::default();
        let value = self.room.strings.bytes(text);
        match argument {
            Some(argument) => test.operator.evaluate_expanded(value, argument, Some(&mut captures)),
            None => test.operator.evaluate(value, Some(&mut captures)),
        };
        captures
    }

    fn note_link(&mut self, rule: &Rule, depth: usize, link: &Link, argument: &[u8]) {
        if self.observer.is_none() {
            return;
        }
        let names: Vec<String> = link.probes.iter().map(probe_name).collect();
        let names = names.join("|");
        let operator = link.test.as_ref().map(|test| test.name.as_str());
        self.note(&Note::Link { rule: rule.id, link: depth, operator, argument, variables: &names });
    }

    fn note_value(&mut self, entry: &Entry) {
        if self.observer.is_none() {
            return;
        }
        let name = self.name(&entry.found);
        let value = self.room.strings.bytes(entry.text).to_vec();
        self.note(&Note::Value { variable: &name, value: &value });
    }
}

fn probe_name(probe: &Probe) -> String {
    let mark = if probe.count { "&" } else { "" };
    match &probe.selector {
        crate::seclang::target::Selector::Name(name) => {
            format!("{mark}{}:{}", probe.variable.name(), String::from_utf8_lossy(name))
        }
        _ => format!("{mark}{}", probe.variable.name()),
    }
}
