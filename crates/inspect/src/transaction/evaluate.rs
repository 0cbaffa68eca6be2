//! Asks the operators of a rule about its values.
//!
//! Two ways that must agree: links whose values cannot change during a phase share a group, which is sieved; all others, and every
//! link while someone observes, take their values one by one.

use super::Inspection;
use super::note::Note;
use crate::operator::{Captures, Outcome};
use crate::plan::{Cast, Group, Plan, Side, inert_bit};
use crate::room::{Entry, Found, Kind};
use crate::ruleset::rule::Rule;
use crate::ruleset::{Link, Probe, Test};
use crate::strings::StringId;
use crate::variable::Variable;

/// What asking an operator about one byte costs, against looking at it in the sieve.
const ASKING: u64 = 4;
/// What asking costs however short the text is.
const ASKING_AT_ALL: u64 = 16;

/// What a link asks of its values.
#[derive(Clone, Copy)]
struct Question<'r, 'a> {
    link: &'r Link,
    test: &'r Test,
    /// The operator's argument when it was filled in.
    argument: Option<&'a [u8]>,
}

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
            self.unconditional(link);
            return true;
        };
        if let Some(slot) = link.gate
            && self.observer.is_none()
            && self.room.removed_targets.is_empty()
        {
            return self.gate(slot, rule, link, test);
        }
        let argument = test.template.as_ref().map(|template| self.expand(template));
        let argument = argument.as_deref();
        let matched = match link.group {
            Some(group) if self.observer.is_none() => {
                self.grouped(index, usize::from(group), rule, Question { link, test, argument })
            }
            _ => {
                self.note_link(rule, depth, link, argument.unwrap_or(test.argument.as_bytes()));
                self.one_by_one(index, rule, link, test, argument)
            }
        };
        self.note(&Note::Returned { matched });
        matched
    }

    /// A comparison of one number, such as that of a paranoia level: hundreds of rules do nothing else.
    fn gate(&mut self, slot: u16, rule: &'r Rule, link: &'r Link, test: &'r Test) -> bool {
        let slot = usize::from(slot);
        let Some(value) = self.room.slots.get(slot).copied().flatten() else { return false };
        let argument = test.template.as_ref().map(|template| self.expand(template));
        let matched = self.ask(test, value, argument.as_deref());
        if matched {
            let found = Found { variable: Variable::Tx, key: self.rules.slot_names.get(slot).copied(), value };
            self.matched_value(rule, link, test, found, value, argument.as_deref());
        }
        matched
    }

    /// The values of a group, each asked about only if the sieve let it through.
    fn grouped(&mut self, index: usize, group: usize, rule: &'r Rule, question: Question<'r, '_>) -> bool {
        let plan = &self.rules.plan;
        let Some(made) = plan.groups.get(group) else { return false };
        let Question { link, test, argument } = question;
        let bit = test.bit.filter(|_| self.settings.filter);
        if let Some(bit) = bit {
            self.fill(group, made);
            if !self.any_matches(group, made, test, bit) {
                return false;
            }
        }
        let cast = usize::from(made.cast);
        self.gather(cast);
        let Some(state) = self.room.casts.get_mut(cast) else { return false };
        let values = std::mem::take(&mut state.values);
        let retargeted = self.room.retargeted.contains(index);
        let mut matched = false;
        let mut texts = std::mem::take(&mut self.room.spare_texts);
        for found in &values {
            if retargeted && self.removed_from(index, found) {
                continue;
            }
            texts.clear();
            self.transformed(made.chain, made.multi_match, *found, &mut texts);
            for entry in &texts {
                if bit.is_some_and(|bit| !self.room.may_match(entry.text, bit, plan, made.side)) {
                    continue;
                }
                if self.exhausted {
                    break;
                }
                if self.ask(test, entry.text, argument) {
                    matched = true;
                    self.matched_value(rule, link, test, entry.found, entry.text, argument);
                } else if let Some(bit) = bit {
                    self.room.cannot_match(entry.text, bit, plan, made.side);
                }
            }
        }
        self.room.spare_texts = texts;
        if let Some(state) = self.room.casts.get_mut(cast) {
            state.values = values;
        }
        matched
    }

    /// Whether the operator matches any text of a group. Texts it does not match are not asked about again.
    fn any_matches(&mut self, group: usize, made: &'r Group, test: &'r Test, bit: u16) -> bool {
        let plan = &self.rules.plan;
        let Some(state) = self.room.groups.get_mut(group) else { return true };
        if state.any.get(usize::from(bit / 64)).is_some_and(|word| word >> (bit % 64) & 1 == 0) {
            return false;
        }
        for cell in made.cells.iter().map(|cell| usize::from(*cell)) {
            let Some(state) = self.room.cells.get_mut(cell) else { return true };
            if state.any.get(usize::from(bit / 64)).is_some_and(|word| word >> (bit % 64) & 1 == 0) {
                continue;
            }
            let texts = std::mem::take(&mut state.texts);
            let mut matched = false;
            for text in &texts {
                if matched || self.exhausted {
                    break;
                }
                if !self.room.may_match(*text, bit, plan, made.side) {
                    continue;
                }
                matched = self.ask(test, *text, None);
                if !matched {
                    self.room.cannot_match(*text, bit, plan, made.side);
                }
            }
            if let Some(state) = self.room.cells.get_mut(cell) {
                state.texts = texts;
            }
            if matched {
                return true;
            }
        }
        self.exhausted
    }

    /// Collects the values of a cast unless that was done in this phase.
    fn gather(&mut self, cast: usize) {
        let Some(made) = self.rules.plan.casts.get(cast) else { return };
        let Some(state) = self.room.casts.get_mut(cast) else { return };
        if state.generation == self.generation {
            return;
        }
        state.generation = self.generation;
        let mut values = std::mem::take(&mut state.values);
        self.collect(made, &mut values);
        if let Some(state) = self.room.casts.get_mut(cast) {
            state.values = values;
        }
    }

    fn collect(&self, cast: &Cast, values: &mut Vec<Found>) {
        values.clear();
        for probe in &cast.probes {
            self.select(probe, &|variable, lower| cast.targets.excludes(variable, lower), values);
        }
    }

    /// Collects and sorts the texts of a target unless that was done in this phase.
    fn gather_atom(&mut self, atom: usize) {
        let Some(made) = self.rules.plan.atoms.get(atom) else { return };
        let Some(state) = self.room.atoms.get_mut(atom) else { return };
        if state.generation == self.generation {
            return;
        }
        let mut gathered = std::mem::take(state);
        gathered.generation = self.generation;
        self.collect(made, &mut gathered.values);
        self.room.sort(&mut gathered, &self.rules.plan);
        if let Some(state) = self.room.atoms.get_mut(atom) {
            *state = gathered;
        }
    }

    /// Learns what could match any text of a group unless that was done in this phase.
    fn fill(&mut self, group: usize, made: &'r Group) {
        let Some(state) = self.room.groups.get_mut(group) else { return };
        if state.generation == self.generation {
            return;
        }
        state.generation = self.generation;
        let mut any = std::mem::take(&mut state.any);
        any.clear();
        any.resize(self.rules.plan.sieve(made.side).words(), 0);
        for cell in made.cells.iter().map(|cell| usize::from(*cell)) {
            self.fill_cell(cell);
            let bits = self.room.cells.get(cell).map_or(&[][..], |cell| &cell.any);
            any.iter_mut().zip(bits).for_each(|(word, more)| *word |= more);
        }
        if let Some(state) = self.room.groups.get_mut(group) {
            state.any = any;
        }
    }

    /// Transforms and sieves the texts of a cell unless that was done in this phase.
    fn fill_cell(&mut self, cell: usize) {
        let plan: &'r Plan = &self.rules.plan;
        let Some(made) = plan.cells.get(cell) else { return };
        self.gather_atom(usize::from(made.atom));
        let Some(state) = self.room.cells.get_mut(cell) else { return };
        if state.generation == self.generation {
            return;
        }
        let mut filled = std::mem::take(state);
        filled.generation = self.generation;
        filled.texts.clear();
        filled.any.clear();
        filled.any.resize(plan.sieve(made.side).words(), 0);
        let Some(atom) = self.room.atoms.get_mut(usize::from(made.atom)) else { return };
        let mut kinds = std::mem::take(&mut atom.kinds);
        let used = atom.used;
        let mut texts = std::mem::take(&mut self.room.spare_texts);
        let chain = plan.chains.get(usize::from(made.chain)).map_or(u64::MAX, |chain| chain.bits);
        for kind in kinds.iter_mut().take(used) {
            if kind.concerned & chain == 0 {
                self.sift_kind(kind, made.side, &mut filled.any);
                filled.texts.extend_from_slice(&kind.texts);
                continue;
            }
            for value in &kind.texts {
                texts.clear();
                let found = Found { variable: Variable::Args, key: None, value: *value };
                self.transformed(made.chain, made.multi_match, found, &mut texts);
                for entry in &texts {
                    self.sift_into(entry.text, made.side, &mut filled.any);
                    filled.texts.push(entry.text);
                }
                if self.exhausted {
                    break;
                }
            }
        }
        self.room.spare_texts = texts;
        if let Some(atom) = self.room.atoms.get_mut(usize::from(made.atom)) {
            atom.kinds = kinds;
        }
        if let Some(state) = self.room.cells.get_mut(cell) {
            *state = filled;
        }
    }

    /// Adds the bits of texts that no step changes. A target is asked about for one side in a phase.
    fn sift_kind(&mut self, kind: &mut Kind, side: Side, any: &mut [u64]) {
        if kind.any.is_empty() {
            let mut bits = std::mem::take(&mut kind.any);
            bits.resize(any.len(), 0);
            for text in &kind.texts {
                if !self.exhausted {
                    self.sift_into(*text, side, &mut bits);
                }
            }
            kind.any = bits;
        }
        any.iter_mut().zip(&kind.any).for_each(|(word, more)| *word |= more);
    }

    /// Sieves a text and adds its bits.
    fn sift_into(&mut self, text: StringId, side: Side, any: &mut [u64]) {
        let (start, work) = self.room.sift(text, &self.rules.plan, side);
        self.charge(work);
        let bits = self.room.bits(start, any.len(), side);
        any.iter_mut().zip(bits).for_each(|(word, more)| *word |= more);
    }

    /// The texts of a value: after all transformations, or with `multiMatch` after each that changed it.
    fn transformed(&mut self, chain: u16, multi_match: bool, found: Found, out: &mut Vec<Entry>) {
        let rules = self.rules;
        let Some(chain) = rules.plan.chains.get(usize::from(chain)) else { return };
        let mut text = found.value;
        if self.observer.is_none() && self.room.is_inert(text, chain.bits, &rules.plan) {
            out.push(Entry { found, text });
            return;
        }
        if multi_match {
            out.push(Entry { found, text });
        }
        for step in &chain.steps {
            if self.observer.is_none() && self.room.is_inert(text, inert_bit(*step), &rules.plan) {
                continue;
            }
            let (after, cost) = self.room.step(text, *step);
            self.charge(cost);
            if self.observer.is_some() {
                let value = self.room.strings.bytes(after).to_vec();
                self.note(&Note::Transformed { name: step.name(), value: &value });
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

    fn one_by_one(
        &mut self,
        index: usize,
        rule: &'r Rule,
        link: &'r Link,
        test: &'r Test,
        argument: Option<&[u8]>,
    ) -> bool {
        let mut matched = false;
        let mut values = std::mem::take(&mut self.room.spare_values);
        let mut texts = std::mem::take(&mut self.room.spare_texts);
        for probe in &link.probes {
            self.refresh(probe.variable);
            if probe.variable == Variable::Tx && probe.slot.is_none() {
                // Every member's name is compared.
                self.charge(u64::try_from(self.room.slots.len() + self.room.more.len()).unwrap_or(u64::MAX));
            }
            values.clear();
            if probe.count {
                let count = self.count(probe, &link.targets).to_string();
                let value = self.room.strings.add(count.as_bytes());
                values.push(Found { variable: probe.variable, key: self.counted_key(probe), value });
            } else {
                self.select(probe, &|variable, lower| self.leaves_out(index, link, variable, lower), &mut values);
            }
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
        (self.room.spare_values, self.room.spare_texts) = (values, texts);
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
            || self
                .room
                .removed_targets
                .iter()
                .any(|(rules, targets)| rules.contains(index) && targets.excludes(variable, lower))
    }

    /// Whether a control that ran before took a value from a rule.
    fn removed_from(&self, index: usize, found: &Found) -> bool {
        let lower = found.key.map(|key| self.room.strings.bytes(key).to_ascii_lowercase()).unwrap_or_default();
        let mut removals = self.room.removed_targets.iter();
        removals.any(|(rules, targets)| rules.contains(index) && targets.excludes(found.variable, &lower))
    }

    /// Whether the operator, negated or not, matches a text.
    fn ask(&mut self, test: &Test, id: StringId, argument: Option<&[u8]>) -> bool {
        let value = self.room.strings.bytes(id);
        let outcome = match argument {
            Some(argument) => test.operator.evaluate_expanded(value, argument, None),
            None => test.operator.evaluate(value, None),
        };
        self.charge_asking(id);
        match outcome {
            Outcome::Hit => !test.negated,
            Outcome::Miss => test.negated,
            Outcome::Exhausted => {
                self.exhausted = true;
                true
            }
        }
    }

    /// Counts the work of asking an operator about a text.
    pub(super) fn charge_asking(&mut self, id: StringId) {
        let length = u64::try_from(self.room.strings.bytes(id).len()).unwrap_or(u64::MAX);
        self.charge(length.saturating_mul(ASKING).saturating_add(ASKING_AT_ALL));
    }

    /// The groups of a match that was found.
    pub(super) fn captures(&self, test: &Test, id: StringId, argument: Option<&[u8]>) -> Captures {
        let mut captures = Captures::default();
        let value = self.room.strings.bytes(id);
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
