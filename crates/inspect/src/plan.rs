//! The execution plan: what is worked out once at load so that a request is looked at once, not once per rule.
//!
//! Links that look at the same values through the same transformations share a *group*: its values are collected, transformed and
//! sieved once per phase. The *sieve* tells in one pass over a text which operators could match it; only those are asked.
//!
//! INVARIANT: switching the plan off changes no match (`Settings::filter`); the differential test holds it to that.

mod inert;
mod literals;
mod presence;
mod sieve;

use std::collections::HashMap;

use crate::operator::{Filter, Operator};
use crate::ruleset::Probe;
use crate::seclang::target::{Target, Targets};
use crate::transform::Transformation;

pub(crate) use inert::{Inertness, bit as inert_bit};
pub(crate) use presence::Presence;
pub(crate) use sieve::{Sieve, Sifting};

/// Requests and answers are sieved apart, so that neither pays for the other's rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Side {
    Request,
    Response,
}

/// The side a phase looks at.
pub(crate) fn side(phase: u8) -> Side {
    if phase <= 2 { Side::Request } else { Side::Response }
}

/// Texts that many links share: the values of a cast after a chain of transformations.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) cast: u16,
    pub(crate) chain: u16,
    pub(crate) multi_match: bool,
    pub(crate) side: Side,
    /// The same, target by target.
    pub(crate) cells: Vec<u16>,
}

/// The values of one target after a chain of transformations; groups whose casts have the target in common share it.
#[derive(Debug, PartialEq, Eq, Hash, Clone, Copy)]
pub(crate) struct Cell {
    pub(crate) atom: u16,
    pub(crate) chain: u16,
    pub(crate) multi_match: bool,
    pub(crate) side: Side,
}

/// A list of targets, ready to be collected.
#[derive(Debug)]
pub(crate) struct Cast {
    pub(crate) probes: Vec<Probe>,
    pub(crate) targets: Targets,
}

impl Cast {
    fn new(targets: &Targets) -> Self {
        let probe = |target: &Target| Probe {
            variable: target.variable,
            selector: target.selector.clone(),
            count: false,
            slot: None,
        };
        Self { probes: targets.included.iter().map(probe).collect(), targets: targets.clone() }
    }
}

/// A distinct chain of transformations.
#[derive(Debug)]
pub(crate) struct Chain {
    pub(crate) steps: Vec<Transformation>,
    /// The same as bits.
    pub(crate) bits: u64,
}

/// The finished plan.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Distinct lists of targets.
    pub(crate) casts: Vec<Cast>,
    /// Distinct targets, each with the exclusions that concern it.
    pub(crate) atoms: Vec<Cast>,
    pub(crate) cells: Vec<Cell>,
    pub(crate) groups: Vec<Group>,
    pub(crate) chains: Vec<Chain>,
    pub(crate) inertness: Inertness,
    request: Sieve,
    response: Sieve,
}

impl Plan {
    pub(crate) fn sieve(&self, side: Side) -> &Sieve {
        match side {
            Side::Request => &self.request,
            Side::Response => &self.response,
        }
    }
}

/// Collects casts, chains, groups and filters while rules are finished.
#[derive(Default)]
pub(crate) struct Planner {
    casts: Casts,
    atoms: Casts,
    cells: Vec<Cell>,
    cell_of: HashMap<Cell, u16>,
    chains: Vec<Chain>,
    chain_of: HashMap<Vec<Transformation>, u16>,
    groups: Vec<Group>,
    group_of: HashMap<(u16, u16, bool, Side), u16>,
    request: Vec<Filter>,
    response: Vec<Filter>,
}

/// Distinct lists of targets while they are collected.
#[derive(Default)]
struct Casts {
    list: Vec<Cast>,
    of: HashMap<Targets, u16>,
}

impl Casts {
    /// The number of a list of targets; `None` when there are too many.
    fn number(&mut self, targets: &Targets) -> Option<u16> {
        if let Some(cast) = self.of.get(targets) {
            return Some(*cast);
        }
        let cast = u16::try_from(self.list.len()).ok()?;
        self.list.push(Cast::new(targets));
        self.of.insert(targets.clone(), cast);
        Some(cast)
    }
}

impl Planner {
    /// The chain of these steps; `None` when there are too many chains.
    pub(crate) fn chain(&mut self, steps: Vec<Transformation>) -> Option<u16> {
        if let Some(chain) = self.chain_of.get(&steps) {
            return Some(*chain);
        }
        let chain = u16::try_from(self.chains.len()).ok()?;
        let bits = steps.iter().fold(0, |bits, step| bits | inert_bit(*step));
        self.chain_of.insert(steps.clone(), chain);
        self.chains.push(Chain { steps, bits });
        Some(chain)
    }

    /// Whether a chain has no steps.
    pub(crate) fn is_empty(&self, chain: u16) -> bool {
        self.chains.get(usize::from(chain)).is_some_and(|chain| chain.steps.is_empty())
    }

    /// The group of a link; `None` when there are too many, and the link then runs alone.
    pub(crate) fn group(&mut self, targets: &Targets, chain: u16, multi_match: bool, side: Side) -> Option<u16> {
        let cast = self.casts.number(targets)?;
        let key = (cast, chain, multi_match, side);
        if let Some(group) = self.group_of.get(&key) {
            return Some(*group);
        }
        let group = u16::try_from(self.groups.len()).ok()?;
        let cells: Option<Vec<u16>> = targets
            .included
            .iter()
            .map(|target| {
                let alone = targets.only(target);
                let atom = self.atoms.number(&alone)?;
                self.cell(Cell { atom, chain, multi_match, side })
            })
            .collect();
        self.groups.push(Group { cast, chain, multi_match, side, cells: cells? });
        self.group_of.insert(key, group);
        Some(group)
    }

    fn cell(&mut self, cell: Cell) -> Option<u16> {
        if let Some(known) = self.cell_of.get(&cell) {
            return Some(*known);
        }
        let number = u16::try_from(self.cells.len()).ok()?;
        self.cells.push(cell);
        self.cell_of.insert(cell, number);
        Some(number)
    }

    /// The bit of an operator; `None` when there are too many, and the operator is then always asked.
    pub(crate) fn bit(&mut self, side: Side, operator: &Operator) -> Option<u16> {
        let filters = match side {
            Side::Request => &mut self.request,
            Side::Response => &mut self.response,
        };
        let bit = u16::try_from(filters.len()).ok()?;
        filters.push(operator.filter());
        Some(bit)
    }

    pub(crate) fn plan(self) -> Plan {
        Plan {
            casts: self.casts.list,
            atoms: self.atoms.list,
            cells: self.cells,
            groups: self.groups,
            chains: self.chains,
            inertness: Inertness::new(),
            request: Sieve::new(&self.request),
            response: Sieve::new(&self.response),
        }
    }
}
