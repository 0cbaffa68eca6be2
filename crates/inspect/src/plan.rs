//! The execution plan: what is worked out once at load so that a request is looked at once, not once per rule.
//!
//! Links that look at the same values through the same transformations share a *group*: its values are collected, transformed and
//! sieved once per phase. The *sieve* tells in one pass over a text which operators could match it; only those are asked.
//!
//! INVARIANT: switching the plan off changes no match (`Settings::filter`); the differential test holds it to that.

mod inert;
mod presence;
mod sieve;

use std::collections::HashMap;

use crate::operator::{Filter, Operator};
use crate::seclang::target::Targets;
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
    pub(crate) casts: Vec<Targets>,
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
    casts: Vec<Targets>,
    cast_of: HashMap<Targets, u16>,
    chains: Vec<Chain>,
    chain_of: HashMap<Vec<Transformation>, u16>,
    groups: Vec<Group>,
    group_of: HashMap<(u16, u16, bool, Side), u16>,
    request: Vec<Filter>,
    response: Vec<Filter>,
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

    /// The group of a link; `None` when there are too many, and the link then runs alone.
    pub(crate) fn group(&mut self, targets: &Targets, chain: u16, multi_match: bool, side: Side) -> Option<u16> {
        let cast = self.cast(targets)?;
        let key = (cast, chain, multi_match, side);
        if let Some(group) = self.group_of.get(&key) {
            return Some(*group);
        }
        let group = u16::try_from(self.groups.len()).ok()?;
        self.groups.push(Group { cast, chain, multi_match, side });
        self.group_of.insert(key, group);
        Some(group)
    }

    fn cast(&mut self, targets: &Targets) -> Option<u16> {
        if let Some(cast) = self.cast_of.get(targets) {
            return Some(*cast);
        }
        let cast = u16::try_from(self.casts.len()).ok()?;
        self.casts.push(targets.clone());
        self.cast_of.insert(targets.clone(), cast);
        Some(cast)
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
            casts: self.casts,
            groups: self.groups,
            chains: self.chains,
            inertness: Inertness::new(),
            request: Sieve::new(&self.request),
            response: Sieve::new(&self.response),
        }
    }
}
