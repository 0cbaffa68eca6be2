//! What follows from a match: variables, controls, reports.

use super::Inspection;
use super::note::Note;
use crate::operator::{Captures, integer};
use crate::request::Match;
use crate::room::Found;
use crate::ruleset::rule::{Assignment, Change, Rule};
use crate::ruleset::{Control, Link, Test, Text};
use crate::strings::StringId;
use crate::variable::Variable;

/// How much of a value a report shows.
const EXCERPT: usize = 64;
/// How much text before the match an excerpt shows.
const BEFORE: usize = 16;
/// Reports hold at most this much of a message or its data.
const MESSAGE: usize = 1_024;
/// Members of headers, cookies and arguments whose values are credentials.
const SECRET_NAMES: [&str; 8] =
    ["authorization", "cookie", "password", "passwd", "secret", "token", "api-key", "apikey"];

/// What a match will be reported with when its chain is complete.
#[derive(Debug, Default)]
pub(super) struct Pending {
    variable: String,
    operator: String,
    offset: usize,
    excerpt: Vec<u8>,
}

impl<'r> Inspection<'r> {
    /// A link without an operator.
    pub(super) fn unconditional(&mut self, link: &'r Link) {
        self.act(link);
    }

    /// A link that found a value.
    pub(super) fn matched_value(
        &mut self,
        rule: &'r Rule,
        link: &'r Link,
        test: &'r Test,
        found: Found,
        id: StringId,
        argument: Option<&[u8]>,
    ) {
        let wanted = link.capture || rule.log || rule.audit;
        let captures = if wanted && !test.negated { self.captures(test, id, argument) } else { Captures::default() };
        if link.capture && captures.len() > 0 {
            self.capture(&captures, id);
        }
        if wanted {
            self.charge_asking(id);
        }
        let matched = Found { value: id, ..found };
        self.matched = Some(matched);
        if self.wants(Variable::MatchedVars) || self.wants(Variable::MatchedVarsNames) {
            let name = self.name(&found);
            let name = self.room.strings.add(name.as_bytes());
            self.matched_names.push((name, id));
        }
        self.act(link);
        if rule.log || rule.audit {
            let argument = argument.unwrap_or(test.argument.as_bytes());
            self.locate(test, &matched, &captures, argument);
        }
    }

    /// Groups of the match become `TX:0` to `TX:9`; those it does not have are removed.
    fn capture(&mut self, captures: &Captures, text: StringId) {
        for group in 0..10_usize {
            let value = captures.text(group, self.room.strings.bytes(text)).map(<[u8]>::to_vec);
            if let Some(value) = &value {
                self.note(&Note::Captured { group, text: value });
            }
            let value = value.map(|value| self.room.strings.add(&value));
            if let Some(slot) = self.room.slots.get_mut(group) {
                *slot = value;
            }
        }
    }

    /// Everything a match does that does not end the phase.
    fn act(&mut self, link: &'r Link) {
        for control in &link.control {
            self.control(control);
        }
        for assignment in &link.set {
            self.assign(assignment);
        }
        for (assignment, seconds) in &link.expire {
            // Nothing outlives the request, so only what expires at once is of consequence.
            if integer(&self.expand(seconds)) <= 0 {
                let key = self.expand(&assignment.key);
                self.store(assignment, &key, None);
            }
        }
        if let Some(session) = &link.session {
            self.session = self.expand(session);
        }
        if let Some(user) = &link.user {
            self.user = self.expand(user);
        }
    }

    fn assign(&mut self, assignment: &'r Assignment) {
        // With a slot the name is only needed to tell of it.
        let named = assignment.slot.is_none() || self.observer.is_some();
        let key = if named { self.expand(&assignment.key) } else { Vec::new() };
        let value = match &assignment.change {
            Change::Remove => None,
            Change::Assign(value) => Some(self.expand(value)),
            Change::Add(amount) => Some(self.sum(assignment, &key, amount, false)),
            Change::Subtract(amount) => Some(self.sum(assignment, &key, amount, true)),
        };
        if self.observer.is_some() {
            let name = format!("{}:{}", assignment.collection.name(), String::from_utf8_lossy(&key));
            self.note(&Note::Set { variable: &name, value: value.as_deref() });
        }
        let value = value.map(|value| self.room.strings.add(&value));
        self.store(assignment, &key, value);
    }

    fn sum(&mut self, assignment: &Assignment, key: &[u8], amount: &Text, negative: bool) -> Vec<u8> {
        let amount = integer(&self.expand(amount));
        let old = match assignment.collection {
            Variable::Tx => self.transient(assignment.slot, key),
            other => self.member(other, key),
        };
        let old = old.map_or(0, |old| integer(self.room.strings.bytes(old)));
        let new = if negative { old.saturating_sub(amount) } else { old.saturating_add(amount) };
        new.to_string().into_bytes()
    }

    fn store(&mut self, assignment: &Assignment, key: &[u8], value: Option<StringId>) {
        match assignment.collection {
            Variable::Tx => self.set_transient(assignment.slot, key, value),
            other => self.set_member(other, key, value),
        }
    }

    fn control(&mut self, control: &'r Control) {
        match control {
            Control::RemoveRules(rules) => self.room.removed.add(rules),
            Control::RemoveTargets(rules, targets) => {
                self.room.retargeted.add(rules);
                let removed = (rules.clone(), targets.clone());
                // A control runs for every value that matches; its effect is needed once.
                if !self.room.removed_targets.contains(&removed) {
                    self.room.removed_targets.push(removed);
                }
            }
            Control::Engine(engine) => self.engine = *engine,
            Control::BodyProcessor(name) => self.set_processor(name),
            Control::ForceBody(on) => self.body.force = *on,
            Control::ReadRequestBody(on) => self.body.read_request = *on,
            Control::ReadResponseBody(on) => self.body.read_response = *on,
            Control::Recording => {}
        }
    }

    fn locate(&mut self, test: &Test, matched: &Found, captures: &Captures, argument: &[u8]) {
        let variable = self.name(matched);
        let value = self.room.strings.bytes(matched.value);
        let offset = captures.span().map_or(0, |span| span.start);
        let excerpt = if is_secret(&variable) { b"(hidden)".to_vec() } else { excerpt(value, offset) };
        let negation = if test.negated { "!" } else { "" };
        let argument: String = String::from_utf8_lossy(argument).chars().take(EXCERPT).collect();
        let operator = format!("{negation}@{} {argument}", test.name);
        self.pending = Some(Pending { variable, operator, offset, excerpt });
    }

    fn filled(&mut self, text: Option<&'r Text>) -> String {
        let Some(text) = text else { return String::new() };
        let mut bytes = self.expand(text);
        bytes.truncate(MESSAGE);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Reports a rule whose chain is complete.
    pub(super) fn conclude(&mut self, rule: &'r Rule) {
        if let Some(severity) = rule.severity {
            self.highest_severity = Some(self.highest_severity.map_or(severity, |highest| highest.min(severity)));
        }
        if !rule.log && !rule.audit {
            return;
        }
        let pending = self.pending.take().unwrap_or_default();
        let tags: Vec<String> =
            rule.tags.iter().map(|tag| String::from_utf8_lossy(&self.expand(tag)).into_owned()).collect();
        // Filled in after the whole chain, so that a message speaks of what completed the match.
        let head = rule.links.first();
        let message = self.filled(head.and_then(|link| link.message.as_ref()));
        let data = self.filled(head.and_then(|link| link.data.as_ref()));
        self.note(&Note::Reported { rule: rule.id, message: &message, tags: &tags });
        self.matches.push(Match {
            rule: rule.id,
            place: rule.place.clone(),
            phase: self.phase,
            severity: rule.severity,
            message,
            data,
            tags,
            variable: pending.variable,
            operator: pending.operator,
            offset: pending.offset,
            excerpt: pending.excerpt,
            disruptive: false,
            log: rule.log,
        });
    }
}

/// Whether a variable holds credentials that no record should keep.
fn is_secret(variable: &str) -> bool {
    let lower = variable.to_ascii_lowercase();
    let (collection, name) = lower.split_once(':').unwrap_or((&lower, ""));
    collection == "request_cookies" || SECRET_NAMES.iter().any(|secret| name.contains(secret))
}

fn excerpt(value: &[u8], offset: usize) -> Vec<u8> {
    let start = offset.saturating_sub(BEFORE);
    value.get(start..).unwrap_or_default().iter().take(EXCERPT).copied().collect()
}
