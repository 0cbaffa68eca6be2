//! The watch: follows the Events of a shield at work and says what people should know.
//!
//! Each Event costs a few table entries; once or more a second [`Watch::tick`] looks at the last seconds. Shares of hostile
//! requests are held against the usual shares, the number of customers against the usual number. A rise of customers is a
//! *surge* and asks for nothing; hostile requests that are no chance are an *attack* and are told with who, where and what;
//! both together are *both*. Nobody is suspected for volume: only addresses most of whose requests are evidence against them
//! are named for a ban.

mod demand;
mod runs;
mod signal;
mod story;

use std::net::IpAddr;

use brigandine_model::{Alert, ContentJudged, Event, Happening, Judged, RequestAnswered};
use jiff::Timestamp;

use crate::actors::Actors;
use demand::Demand;
use runs::Runs;
use signal::{Shares, Signal};
use story::{Stories, Tally};

/// Requests that are evidence before an address is named.
const EVIDENCE: f64 = 20.0;
/// Share of its requests that must be evidence: behind one address there may be a thousand customers and one attacker.
const SHARE: f64 = 0.8;
/// Seconds before an address is named again.
const NAMED_FOR: i64 = 600;
/// Addresses that may be named between two ticks.
const MOST_SUSPECTS: usize = 256;

/// What a tick found.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// What people should be told: began, changed, or is over.
    pub alerts: Vec<Alert>,
    /// Addresses that ask for a ban.
    pub suspects: Vec<Suspect>,
}

/// An address that does little but attack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspect {
    /// The address; of IPv6 the first of its /64.
    pub address: IpAddr,
    /// One clause.
    pub reason: String,
}

/// Follows the Events of one shield.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    shares: Shares,
    demand: Demand,
    runs: Runs,
    actors: Actors,
    stories: Stories,
    routes: Tally,
    kinds: Tally,
    suspects: Vec<Suspect>,
}

impl Watch {
    /// Takes note of one Event.
    pub fn see(&mut self, event: &Event) {
        let second = event.at.as_second();
        match &event.what {
            Happening::RequestAnswered(request) => self.see_answer(second, request),
            Happening::ContentJudged(judged) => self.see_content(judged),
            Happening::ConnectionFailed(failed) if failed.stage != "tls" && failed.reason.contains("time") => {
                self.shares.count(second, Some(Signal::Slow), number(failed.count));
                self.actors.at(failed.peer, second).hostile += number(failed.count);
            }
            Happening::InvocationFinished(finished) => self.runs.count(&finished.function),
            _ => {}
        }
    }

    fn see_answer(&mut self, second: i64, request: &RequestAnswered) {
        let signal = Signal::of(request);
        self.shares.count(second, signal, 1.0);
        let actor = self.actors.at(request.client, second);
        actor.requests += 1.0;
        match signal {
            Some(signal) if signal.is_hostile() => {
                let route = request.route.as_deref().unwrap_or("no route");
                self.routes.count(route);
                self.kinds.count(request.refusal.as_ref().map_or("refused by the function", |refusal| refusal.code));
                if signal.is_evidence() {
                    actor.hostile += 1.0;
                    let suspicious = actor.hostile >= EVIDENCE && actor.hostile >= SHARE * actor.requests;
                    if suspicious && second >= actor.named_until && self.suspects.len() < MOST_SUSPECTS {
                        actor.named_until = second + NAMED_FOR;
                        let (hostile, requests) = (actor.hostile, actor.requests);
                        let reason = format!("{hostile:.0} of its last {requests:.0} requests {}", signal.told());
                        self.suspects.push(Suspect { address: request.client, reason });
                    }
                }
            }
            None if request.refusal.is_none() => self.demand.count(second),
            Some(_) | None => {}
        }
    }

    fn see_content(&mut self, judged: &ContentJudged) {
        if matches!(judged.judged, Judged::Refused)
            && let Some(first) = judged.matches.first()
        {
            self.kinds.count(&first.message);
        }
    }

    /// Looks at the last seconds. To be called at least once a second; more often makes it quicker.
    pub fn tick(&mut self, now: Timestamp) -> Said {
        let second = now.as_second();
        self.demand.look(second);
        let busy = self.runs.look(second);
        let found: Vec<_> = Signal::ALL.into_iter().map(|signal| (signal, self.shares.now(signal, second))).collect();
        self.shares.learn(second, |signal| self.stories.stands(signal));
        let mut alerts = Vec::new();
        let attack = self.stories.attack(now, &found, self.demand.surge);
        let surge = self.stories.surge(now, self.demand.surge);
        if let Some(mut alert) = attack {
            if !alert.resolved {
                alert.evidence.extend(self.who(second));
            }
            alerts.push(alert);
        }
        alerts.extend(surge);
        alerts.extend(self.stories.failing(now, &found));
        alerts.extend(self.stories.busy(now, &busy));
        self.routes.fade();
        self.kinds.fade();
        Said { alerts, suspects: std::mem::take(&mut self.suspects) }
    }

    /// Who, where and what, one line each.
    fn who(&mut self, second: i64) -> Vec<String> {
        let mut lines = Vec::new();
        // First the look that brings everybody up to date.
        let worst = self.actors.worst(3, second);
        let (count, sum) = self.actors.hostile();
        if sum > 0.0 && !worst.is_empty() {
            let named = worst.iter().map(|(address, hostile)| format!("{address} ({:.0} %)", 100.0 * hostile / sum));
            let others = count.saturating_sub(worst.len());
            let rest = if others > 0 { format!(" and {others} others") } else { String::new() };
            lines.push(format!("from {}{rest}", named.collect::<Vec<_>>().join(", ")));
        }
        lines.extend(self.routes.top(3).map(|routes| format!("at {routes}")));
        lines.extend(self.kinds.top(3).map(|kinds| format!("as {kinds}")));
        lines
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of connections in a second are far below 2^52")]
fn number(count: u64) -> f64 {
    count as f64
}
