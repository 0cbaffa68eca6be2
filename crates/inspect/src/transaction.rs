//! One request on its way through the rules.

mod act;
mod collect;
mod content;
mod evaluate;
pub(crate) mod note;
mod store;

use crate::plan::side;
use crate::request::{Action, Match, Request, Response, Settings, Verdict};
use crate::room::{Found, Scratch};
use crate::ruleset::rule::{Decision, Rule, SkipTo};
use crate::ruleset::RuleSet;
use crate::seclang::action::{Allowance, Engine};
use crate::strings::StringId;
use act::Pending;
use note::{Note, Observer};

/// An inspection that is under way: first the request, then perhaps its answer.
///
/// It keeps copies of what it needs, so that nothing of the request has to live on between the two.
#[derive(Debug)]
pub struct Inspection<'r> {
    rules: &'r RuleSet,
    settings: Settings,
    room: Box<Scratch>,
    engine: Engine,
    phase: u8,
    /// Counts changes of the values that groups are collected from.
    generation: u32,
    work: u64,
    exhausted: bool,
    refusal: Option<Refusal>,
    /// How far `allow` lets the rest pass.
    allowed: Option<Allowance>,
    matches: Vec<Match>,
    matched: Option<Found>,
    /// Names and values that matched in the rule that runs.
    matched_names: Vec<(StringId, StringId)>,
    pending: Option<Pending>,
    /// Whether something of the request was left unlooked at.
    partial: bool,
    highest_severity: Option<u8>,
    /// The rule that is being looked at, for `RULE` and its macros.
    current: Option<usize>,
    body: BodySwitches,
    session: Vec<u8>,
    user: Vec<u8>,
    observer: Option<Observer<'r>>,
}

/// What rules say of bodies while they run.
#[derive(Debug)]
struct BodySwitches {
    read_request: bool,
    read_response: bool,
    force: bool,
    processor: String,
    kept: Vec<u8>,
    content_type: Vec<u8>,
}

#[derive(Debug)]
struct Refusal {
    status: u16,
    redirect: Option<String>,
}

impl RuleSet {
    /// Inspects a request, without its answer.
    pub fn inspect(&self, request: &Request<'_>, settings: &Settings) -> Verdict {
        let mut inspection = self.start(settings, Scratch::default());
        inspection.request(request);
        inspection.finish().0
    }

    /// Starts an inspection in memory that may have served another one before.
    pub fn start(&self, settings: &Settings, scratch: Scratch) -> Inspection<'_> {
        let mut room = Box::new(scratch);
        room.reset(self);
        Inspection {
            rules: self,
            settings: *settings,
            room,
            engine: settings.engine.unwrap_or(self.options.engine),
            phase: 0,
            generation: 0,
            work: 0,
            exhausted: false,
            refusal: None,
            allowed: None,
            matches: Vec::new(),
            matched: None,
            matched_names: Vec::new(),
            pending: None,
            partial: false,
            highest_severity: None,
            current: None,
            body: BodySwitches {
                read_request: settings.request_body.unwrap_or(self.options.read_request_body),
                read_response: settings.response_body.unwrap_or(self.options.read_response_body),
                force: false,
                processor: String::new(),
                kept: Vec::new(),
                content_type: Vec::new(),
            },
            session: Vec::new(),
            user: Vec::new(),
            observer: None,
        }
    }
}

impl<'r> Inspection<'r> {
    /// Tells every step to an observer from now on. Slow: nothing is shared or skipped while someone watches.
    pub fn observe(&mut self, observer: &'r mut (dyn FnMut(&Note<'_>) + Send)) {
        self.observer = Some(Observer(observer));
    }

    /// Runs the request phases.
    pub fn request(&mut self, request: &Request<'_>) -> Action {
        if self.engine == Engine::Off {
            return self.action();
        }
        self.collect_request(request);
        self.run(1);
        if self.goes_on(2) {
            self.collect_body();
            self.run(2);
        }
        if self.partial && self.allowed.is_none() {
            self.exhausted = true;
        }
        self.action()
    }

    /// Runs the phases of the answer.
    pub fn response(&mut self, response: &Response<'_>) -> Action {
        if self.engine == Engine::Off || self.refusal.is_some() {
            return self.action();
        }
        if self.allowed == Some(Allowance::Request) {
            self.allowed = None;
        }
        self.collect_response(response);
        if self.goes_on(3) {
            self.run(3);
        }
        if self.goes_on(4) {
            self.collect_response_body(response);
            self.run(4);
        }
        self.action()
    }

    /// Runs the logging phase and tells what was found; the memory can be used again.
    pub fn finish(mut self) -> (Verdict, Scratch) {
        if self.engine != Engine::Off {
            self.run(5);
        }
        let score = self.score();
        let action = self.action();
        let fallback = if action == Action::Block { 403 } else { 200 };
        let (status, redirect) = match self.refusal {
            Some(refusal) => (refusal.status, refusal.redirect),
            None => (fallback, None),
        };
        let verdict = Verdict {
            action,
            status,
            redirect,
            score,
            matches: self.matches,
            work: self.work,
            budget_exceeded: self.exhausted,
        };
        (verdict, *self.room)
    }

    /// What is to be done as far as is known.
    pub fn action(&self) -> Action {
        let exhausted = self.exhausted && self.engine == Engine::On;
        if self.refusal.is_some() || exhausted { Action::Block } else { Action::Allow }
    }

    /// The anomaly score under the names that rule sets keep it.
    fn score(&self) -> i64 {
        const NAMES: [&[u8]; 3] = [b"blocking_inbound_anomaly_score", b"anomaly_score", b"inbound_anomaly_score"];
        let found = NAMES.iter().find_map(|name| {
            let slot = self.rules.slot_of.get(*name)?;
            self.room.slots.get(usize::from(*slot)).copied().flatten()
        });
        found.map_or(0, |id| crate::operator::integer(self.room.strings.bytes(id)))
    }

    /// Whether the rules of a phase still run.
    fn goes_on(&self, phase: u8) -> bool {
        let allowed = match self.allowed {
            Some(Allowance::All) => true,
            Some(Allowance::Request) => phase <= 2,
            Some(Allowance::Phase) | None => false,
        };
        self.refusal.is_none() && !allowed && !(self.exhausted && self.engine == Engine::On)
    }

    /// Counts work; when it is more than a request may cost, nothing more is looked at.
    fn charge(&mut self, work: u64) {
        self.work = self.work.saturating_add(work);
        if self.work > self.settings.budget || self.room.strings.overflowed() {
            self.exhausted = true;
        }
    }

    fn run(&mut self, phase: u8) {
        self.phase = phase;
        self.generation += 1;
        let rules = self.rules;
        let list = rules.phases.get(usize::from(phase)).map_or(&[][..], Vec::as_slice);
        let mut position = 0;
        while let Some(index) = list.get(position).and_then(|index| usize::try_from(*index).ok()) {
            position += 1;
            let Some(rule) = rules.rules.get(index) else { break };
            if self.engine == Engine::Off || (self.exhausted && phase != 5) {
                break;
            }
            if self.room.removed.contains(index) {
                self.note(&Note::Skipped { rule: rule.id, removed: true });
                continue;
            }
            self.current = Some(index);
            self.charge(1);
            if !self.rule(index, rule) {
                continue;
            }
            match rule.skip {
                Some(SkipTo::Rules(count)) => position += count,
                Some(SkipTo::Position(to)) => position = position.max(to),
                None => {}
            }
            if self.decide(rule) {
                break;
            }
        }
        self.current = None;
        if self.allowed == Some(Allowance::Phase) {
            self.allowed = None;
        }
    }

    /// Does what a full match asks for; whether the phase ends with it.
    fn decide(&mut self, rule: &'r Rule) -> bool {
        let enforced = self.engine == Engine::On && self.phase != 5;
        let (status, redirect) = match &rule.decision {
            Decision::Pass => return false,
            Decision::Allow(reach) => {
                self.note(&Note::Decided { rule: rule.id, action: "allow", enforced });
                if enforced {
                    self.allowed = Some(*reach);
                }
                return enforced;
            }
            Decision::Refuse { status } => (*status, None),
            Decision::Redirect { status, location } => {
                let location = self.expand(location);
                (*status, Some(String::from_utf8_lossy(&location).into_owned()))
            }
        };
        self.note(&Note::Decided { rule: rule.id, action: "deny", enforced });
        if enforced && self.refusal.is_none() {
            self.refusal = Some(Refusal { status, redirect });
            if let Some(last) = self.matches.last_mut().filter(|last| last.rule == rule.id) {
                last.disruptive = true;
            }
        }
        enforced && self.settings.stop_early
    }

    fn note(&mut self, note: &Note<'_>) {
        if let Some(observer) = &mut self.observer {
            (observer.0)(note);
        }
    }

    /// The side of the phase that runs.
    fn side(&self) -> crate::plan::Side {
        side(self.phase)
    }
}
