//! One rule, ready to run: names resolved to slots, sets of rules to bits.

use std::sync::Arc;

use crate::Place;
use crate::operator::Operator;
use crate::seclang::action::{self, Allowance};
use crate::seclang::target::{Selector, Targets};
use crate::seclang::template::Template;
use crate::variable::Variable;

/// A rule with all links of its chain.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) id: u64,
    pub(crate) place: Place,
    pub(crate) links: Vec<Link>,
    pub(crate) severity: Option<u8>,
    pub(crate) tags: Vec<Text>,
    pub(crate) version: String,
    /// Whether a match is reported.
    pub(crate) log: bool,
    /// Whether it is recorded.
    pub(crate) audit: bool,
    pub(crate) decision: Decision,
    pub(crate) skip: Option<SkipTo>,
    /// As read, for macros that quote it.
    pub(crate) message_text: String,
}

/// What a full match does to the request.
#[derive(Clone, Debug)]
pub(crate) enum Decision {
    Pass,
    Allow(Allowance),
    Refuse { status: u16 },
    Redirect { status: u16, location: Text },
}

/// Where a full match goes on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SkipTo {
    /// Leaves out the next rules of the phase.
    Rules(usize),
    /// Goes to this position of the phase.
    Position(usize),
}

/// One link of a chain; a rule without a chain has one.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) probes: Vec<Probe>,
    pub(crate) targets: Targets,
    /// Values that many links share, if they cannot change during a phase.
    pub(crate) group: Option<u16>,
    /// The one member of TX whose number is compared as it is, if that is all there is to the link.
    pub(crate) gate: Option<u16>,
    /// `None` for a rule that always matches.
    pub(crate) test: Option<Test>,
    pub(crate) chain: u16,
    pub(crate) multi_match: bool,
    pub(crate) capture: bool,
    pub(crate) message: Option<Text>,
    pub(crate) data: Option<Text>,
    pub(crate) set: Vec<Assignment>,
    pub(crate) expire: Vec<(Assignment, Text)>,
    pub(crate) session: Option<Text>,
    pub(crate) user: Option<Text>,
    pub(crate) control: Vec<Control>,
}

/// A target with its slot.
#[derive(Clone, Debug)]
pub(crate) struct Probe {
    pub(crate) variable: Variable,
    pub(crate) selector: Selector,
    pub(crate) count: bool,
    /// For a single member of TX.
    pub(crate) slot: Option<u16>,
}

/// What is asked of every value.
#[derive(Debug)]
pub(crate) struct Test {
    pub(crate) operator: Operator,
    pub(crate) negated: bool,
    pub(crate) name: String,
    pub(crate) argument: String,
    /// The argument when it has to be filled in first.
    pub(crate) template: Option<Text>,
    /// Its bit in the sieve of its phase, if values can be sorted out before it is asked.
    pub(crate) bit: Option<u16>,
}

/// A template with its slots.
#[derive(Clone, Debug, Default)]
pub(crate) struct Text {
    pub(crate) parts: Vec<Part>,
}

/// A part of a text.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    Literal(Arc<[u8]>),
    Slot(u16),
    Value(Variable, Selector),
}

/// A change of a variable with its slot.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    pub(crate) collection: Variable,
    pub(crate) key: Text,
    pub(crate) slot: Option<u16>,
    pub(crate) change: Change,
}

/// How it changes.
pub(crate) type Change = action::Change<Text>;

/// A change of the engine, the rules it means resolved.
pub(crate) type Control = action::Control<RuleBits>;

/// A set of rules by index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RuleBits(Vec<u64>);

impl RuleBits {
    /// An empty set with room for this many rules.
    pub(crate) fn with_room(rules: usize) -> Self {
        Self(vec![0; rules.div_ceil(64)])
    }

    pub(crate) fn insert(&mut self, index: usize) {
        if let Some(word) = self.0.get_mut(index / 64) {
            *word |= 1 << (index % 64);
        }
    }

    pub(crate) fn contains(&self, index: usize) -> bool {
        self.0.get(index / 64).is_some_and(|word| word >> (index % 64) & 1 == 1)
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (word, more) in self.0.iter_mut().zip(&other.0) {
            *word |= more;
        }
    }

    /// Empties the set and gives it room.
    pub(crate) fn reset(&mut self, rules: usize) {
        self.0.clear();
        self.0.resize(rules.div_ceil(64), 0);
    }
}

/// Gives every mentioned member of TX a slot.
#[derive(Debug)]
pub(crate) struct Slots {
    pub(crate) names: Vec<Arc<[u8]>>,
    pub(crate) of: std::collections::HashMap<Arc<[u8]>, u16>,
    /// The variables rules mention; others need not be worked out.
    pub(crate) used: [bool; Variable::COUNT],
}

impl Slots {
    /// The captures stand first.
    pub(crate) fn new() -> Self {
        let mut slots =
            Self { names: Vec::new(), of: std::collections::HashMap::new(), used: [false; Variable::COUNT] };
        for digit in b'0'..=b'9' {
            slots.slot(&[digit]);
        }
        slots
    }

    /// The slot of a member; `None` when there are too many, which then are looked up by name.
    pub(crate) fn slot(&mut self, lower: &[u8]) -> Option<u16> {
        if let Some(slot) = self.of.get(lower) {
            return Some(*slot);
        }
        let slot = u16::try_from(self.names.len()).ok()?;
        let name: Arc<[u8]> = Arc::from(lower);
        self.names.push(Arc::clone(&name));
        self.of.insert(name, slot);
        Some(slot)
    }

    fn mention(&mut self, variable: Variable) {
        if let Some(used) = self.used.get_mut(variable as usize) {
            *used = true;
        }
    }

    /// Resolves a template.
    pub(crate) fn text(&mut self, template: &Template) -> Text {
        use crate::seclang::template::Piece;
        let parts = template.pieces.iter().map(|piece| match piece {
            Piece::Text(text) => Part::Literal(Arc::clone(text)),
            Piece::Value(Variable::Tx, Selector::Name(name)) => match self.slot(name) {
                Some(slot) => Part::Slot(slot),
                None => Part::Value(Variable::Tx, Selector::Name(Arc::clone(name))),
            },
            Piece::Value(variable, selector) => {
                self.mention(*variable);
                Part::Value(*variable, selector.clone())
            }
        });
        Text { parts: parts.collect() }
    }

    /// Resolves the targets of a link.
    pub(crate) fn probes(&mut self, targets: &Targets) -> Vec<Probe> {
        let probe = |target: &crate::seclang::target::Target| {
            self.mention(target.variable);
            let slot = match (&target.selector, target.variable) {
                (Selector::Name(name), Variable::Tx) => self.slot(name),
                _ => None,
            };
            Probe { variable: target.variable, selector: target.selector.clone(), count: target.count, slot }
        };
        targets.included.iter().map(probe).collect()
    }
}
