//! The execution plan: what is worked out once at load so that a request is looked at once, not once per rule.
//!
//! Links that look at the same values through the same transformations share a *group*: its values are collected, transformed and
//! sieved once per phase. The *sieve* tells in one pass over a text which operators could match it; only those are asked.
//!
//! INVARIANT: switching the plan off changes no match (`Settings::filter`); the differential test holds it to that.

mod sieve;

use std::collections::HashMap;

use crate::operator::{Filter, Operator};
use crate::seclang::target::Targets;

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

/// Values that many links share.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) targets: Targets,
    pub(crate) chain: u16,
    pub(crate) multi_match: bool,
    pub(crate) side: Side,
}

/// The finished plan.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) groups: Vec<Group>,
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

/// Collects groups and filters while rules are finished.
pub(crate) struct Planner {
    groups: Vec<Group>,
    group_of: HashMap<(Targets, u16, bool, Side), u16>,
    request: Vec<Filter>,
    response: Vec<Filter>,
}

impl Planner {
    pub(crate) fn new() -> Self {
        Self { groups: Vec::new(), group_of: HashMap::new(), request: Vec::new(), response: Vec::new() }
    }

    /// The group of a link; `None` when there are too many, and the link then runs alone.
    pub(crate) fn group(&mut self, targets: &Targets, chain: u16, multi_match: bool, side: Side) -> Option<u16> {
        let key = (targets.clone(), chain, multi_match, side);
        if let Some(group) = self.group_of.get(&key) {
            return Some(*group);
        }
        let group = u16::try_from(self.groups.len()).ok()?;
        self.groups.push(Group { targets: targets.clone(), chain, multi_match, side });
        self.group_of.insert(key, group);
        Some(group)
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
        Plan { groups: self.groups, request: Sieve::new(&self.request), response: Sieve::new(&self.response) }
    }
}
