//! The last step of loading: updates are applied, names become slots, aims become sets, and the plan is made.

use super::draft::{self, Draft, DraftLink};
use super::{Builder, aimed, at};
use crate::plan::{Planner, side};
use crate::ruleset::RuleSet;
use crate::ruleset::rule::{Assignment, Control, Decision, Link, Rule, RuleBits, SkipTo, Slots, Test, Text};
use crate::seclang::action::{self, Actions, Aim, Disruptive, SetVariable, Skip};
use crate::seclang::target::{Selector, Targets};
use crate::seclang::template::Template;
use crate::strings::Strings;
use crate::variable::Variable;
use crate::{Error, Place};

pub(super) fn finish(mut builder: Builder<'_>) -> Result<RuleSet, Error> {
    let markers = std::mem::take(&mut builder.markers);
    let mut drafts: Vec<Option<Draft>> = std::mem::take(&mut builder.drafts).into_iter().map(Some).collect();
    apply(&builder, &mut drafts);
    let mut phases: [Vec<u32>; 6] = std::array::from_fn(|_| Vec::new());
    // Markers count drafts; the rules that stay are renumbered.
    let mut before: Vec<usize> = Vec::with_capacity(drafts.len() + 1);
    let mut kept: Vec<Draft> = Vec::new();
    for draft in drafts {
        before.push(kept.len());
        kept.extend(draft);
    }
    before.push(kept.len());
    let markers: Vec<(String, usize)> = markers
        .into_iter()
        .map(|(name, position)| (name, before.get(position).copied().unwrap_or(kept.len())))
        .collect();
    for (index, draft) in kept.iter().enumerate() {
        let index = u32::try_from(index).map_err(|_| at(&draft.place, "there are too many rules"))?;
        if let Some(list) = phases.get_mut(usize::from(draft.phase)) {
            list.push(index);
        }
    }
    let rosters: Vec<Roster> = kept.iter().map(Roster::of).collect();
    let mut finisher = Finisher { slots: Slots::new(), planner: Planner::default(), rosters };
    let mut rules = Vec::with_capacity(kept.len());
    for (index, draft) in kept.into_iter().enumerate() {
        let list = phases.get(usize::from(draft.phase)).map_or(&[][..], Vec::as_slice);
        let skip = skip_to(&draft, index, &markers, &finisher.rosters, list);
        rules.push(finisher.rule(draft, skip)?);
    }
    let plan = finisher.planner.plan();
    let mut base = Strings::default();
    base.clear();
    let slot_names = finisher.slots.names.iter().map(|name| base.add(name)).collect();
    Ok(RuleSet {
        rules,
        phases,
        options: builder.options,
        slot_of: finisher.slots.of,
        used: finisher.slots.used,
        base,
        slot_names,
        plan,
        notes: builder.notes,
    })
}

/// What exclusions look for in a rule.
struct Roster {
    id: u64,
    tags: Vec<String>,
    message: String,
}

impl Roster {
    fn of(draft: &Draft) -> Self {
        let head = draft.links.first().map(|link| &link.actions);
        Self {
            id: head.and_then(|actions| actions.id).unwrap_or(0),
            tags: head.map(|actions| actions.tag_texts.clone()).unwrap_or_default(),
            message: head.map(message_text).unwrap_or_default(),
        }
    }

    fn meant(&self, aim: &Aim) -> bool {
        aimed(aim, self.id, &self.tags, &self.message)
    }
}

fn message_text(actions: &Actions) -> String {
    let Some(message) = &actions.message else { return String::new() };
    let texts = message.pieces.iter().filter_map(|piece| match piece {
        crate::seclang::template::Piece::Text(text) => Some(String::from_utf8_lossy(text)),
        crate::seclang::template::Piece::Value(..) => None,
    });
    texts.collect()
}

/// Removals and updates, whatever their place among the rules.
fn apply(builder: &Builder<'_>, drafts: &mut [Option<Draft>]) {
    for slot in drafts.iter_mut() {
        let Some(draft) = slot else { continue };
        let roster = Roster::of(draft);
        if builder.removals.iter().any(|aim| roster.meant(aim)) {
            *slot = None;
            continue;
        }
        for (aim, targets) in &builder.target_updates {
            if roster.meant(aim) {
                draft.links.iter_mut().take(1).for_each(|link| link.retarget(targets));
            }
        }
        for (id, link, actions) in &builder.action_updates {
            if roster.id == *id
                && let Some(link) = draft.links.get_mut(*link)
            {
                draft::merge(&mut link.actions, actions);
            }
        }
    }
}

/// A marker that does not follow ends the phase, as engines before us have it.
fn skip_to(
    draft: &Draft,
    index: usize,
    markers: &[(String, usize)],
    rosters: &[Roster],
    list: &[u32],
) -> Option<SkipTo> {
    let skip = draft.links.iter().rev().find_map(|link| link.actions.skip.as_ref())?;
    let name = match skip {
        Skip::Rules(count) => return Some(SkipTo::Rules(*count)),
        Skip::After(name) => name,
    };
    let marker = markers.iter().find(|(marker, position)| marker == name && *position > index).map(|found| found.1);
    let rule = || {
        let id: u64 = name.parse().ok()?;
        rosters.iter().enumerate().skip(index + 1).find(|(_, roster)| roster.id == id).map(|(found, _)| found + 1)
    };
    let position = marker.or_else(rule).unwrap_or(usize::MAX);
    Some(SkipTo::Position(list.partition_point(|rule| usize::try_from(*rule).is_ok_and(|rule| rule < position))))
}

struct Finisher {
    slots: Slots,
    planner: Planner,
    rosters: Vec<Roster>,
}

impl Finisher {
    fn rule(&mut self, draft: Draft, skip: Option<SkipTo>) -> Result<Rule, Error> {
        let Draft { place, phase, default, links } = draft;
        let head = links.first().map(|link| link.actions.clone()).unwrap_or_default();
        let disruptive = links.iter().rev().find_map(|link| link.actions.disruptive.clone());
        let status = links.iter().rev().find_map(|link| link.actions.status);
        let decision = self.decision(disruptive.or_else(|| head.disruptive.clone()), status, &default);
        let log = head.log.or(default.log).unwrap_or(true);
        let audit = head.audit.or(default.audit).unwrap_or(log);
        let mut finished = Vec::with_capacity(links.len());
        for link in links {
            finished.push(self.link(link, &place, phase, &default)?);
        }
        Ok(Rule {
            id: head.id.unwrap_or(0),
            place,
            links: finished,
            severity: head.severity.or(default.severity),
            tags: head.tags.iter().map(|tag| self.slots.text(tag)).collect(),
            version: head.version.clone().unwrap_or_default(),
            log,
            audit,
            decision,
            skip,
            message_text: message_text(&head),
        })
    }

    fn decision(&mut self, disruptive: Option<Disruptive>, status: Option<u16>, default: &Actions) -> Decision {
        let status_or = |fallback: u16| status.or(default.status).unwrap_or(fallback);
        // Only `block` asks for the default; a rule that says nothing only reports.
        match disruptive {
            None | Some(Disruptive::Pass) => Decision::Pass,
            Some(Disruptive::Allow(reach)) => Decision::Allow(reach),
            Some(Disruptive::Deny) => Decision::Refuse { status: status_or(403) },
            Some(Disruptive::Drop) => Decision::Refuse { status: status.unwrap_or(403) },
            Some(Disruptive::Redirect(location)) => {
                let status = Some(status_or(302)).filter(|status| (300..=308).contains(status)).unwrap_or(302);
                Decision::Redirect { status, location: self.slots.text(&location) }
            }
            Some(Disruptive::Block) => match &default.disruptive {
                None | Some(Disruptive::Block) => Decision::Pass,
                Some(meant) => self.decision(Some(meant.clone()), status, default),
            },
        }
    }

    fn link(&mut self, link: DraftLink, place: &Place, phase: u8, default: &Actions) -> Result<Link, Error> {
        let DraftLink { targets, name, argument, negated, template, operator, actions, .. } = link;
        let mut steps = if actions.restart { Vec::new() } else { default.transformations.clone() };
        steps.extend_from_slice(&actions.transformations);
        let Some(chain) = self.planner.chain(steps) else {
            return Err(at(place, "there are too many chains of transformations"));
        };
        let template = template.map(|template| self.slots.text(&template));
        let side = side(phase);
        let group = (!targets.is_volatile() && operator.is_some())
            .then(|| self.planner.group(&targets, chain, actions.multi_match, side))
            .flatten();
        let test = operator.map(|operator| {
            let sieved = group.is_some() && template.is_none() && !negated;
            let bit = if sieved { self.planner.bit(side, &operator) } else { None };
            Test { operator, negated, name, argument, template, bit }
        });
        let probes = self.slots.probes(&targets);
        let plain = self.planner.is_empty(chain) && targets.excluded.is_empty();
        let number = test.as_ref().is_some_and(|test| test.operator.compares_numbers());
        let gate = match probes.as_slice() {
            [probe] if plain && number && !probe.count => probe.slot,
            _ => None,
        };
        Ok(Link {
            probes,
            targets,
            group,
            gate,
            test,
            chain,
            multi_match: actions.multi_match,
            capture: actions.capture,
            message: self.optional(actions.message.as_ref()),
            data: self.optional(actions.data.as_ref()),
            set: actions.set.iter().map(|set| self.assignment(set)).collect(),
            expire: actions
                .expire
                .iter()
                .map(|(set, seconds)| (self.assignment(set), self.slots.text(seconds)))
                .collect(),
            session: self.optional(actions.session.as_ref()),
            user: self.optional(actions.user.as_ref()),
            control: actions.control.iter().map(|control| self.control(control)).collect(),
        })
    }

    fn optional(&mut self, template: Option<&Template>) -> Option<Text> {
        template.map(|template| self.slots.text(template))
    }

    fn assignment(&mut self, set: &SetVariable) -> Assignment {
        let slot = match (set.collection, set.key.constant()) {
            (Variable::Tx, Some(key)) => self.slots.slot(&key.to_ascii_lowercase()),
            _ => None,
        };
        let change = set.change.map(|value| self.slots.text(value));
        Assignment { collection: set.collection, key: self.slots.text(&set.key), slot, change }
    }

    fn meant(&self, aim: &Aim) -> RuleBits {
        let mut bits = RuleBits::with_room(self.rosters.len());
        for (index, _) in self.rosters.iter().enumerate().filter(|(_, roster)| roster.meant(aim)) {
            bits.insert(index);
        }
        bits
    }

    fn control(&self, control: &action::Control<Aim>) -> Control {
        let mut control = control.map(|aim| self.meant(aim));
        if let Control::RemoveTargets(_, targets) = &mut control {
            widen(targets);
        }
        control
    }
}

/// `ARGS:` with nothing behind the colon means the whole collection.
fn widen(targets: &mut Targets) {
    for target in &mut targets.excluded {
        if matches!(&target.selector, Selector::Name(name) if name.is_empty()) {
            target.selector = Selector::All;
        }
    }
}
