//! Alerts as stories: told when they begin, when they change, and when they are over.

use std::collections::HashMap;

use brigandine_model::{Alert, Severity};
use jiff::Timestamp;

use super::{
    runs::Busy,
    signal::{Now, Signal},
};

/// Seconds without a sign before a story is over.
const QUIET: i64 = 30;
/// Names that are counted at a time; more are counted as one.
const NAMES: usize = 64;

/// The stories that are being told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stories {
    attack: Option<Open>,
    surge: Option<Open>,
    failing: Option<Open>,
    busy: Option<Open>,
    /// Signals of the attack that stands.
    standing: [bool; 5],
}

#[derive(Clone, Copy, Debug)]
struct Open {
    since: Timestamp,
    last: i64,
    /// Whether a surge went on beside it when it was told last.
    beside: bool,
}

impl Stories {
    /// Whether a story of this signal stands.
    pub(crate) fn stands(&self, signal: Signal) -> bool {
        self.standing.get(signal as usize).copied().unwrap_or_default()
    }

    /// The story of an attack: what is new of it.
    pub(crate) fn attack(&mut self, now: Timestamp, found: &[(Signal, Now)], surge: Option<f64>) -> Option<Alert> {
        let hostile = |signal: &Signal| signal.is_hostile();
        let mut alarming: Vec<&(Signal, Now)> =
            found.iter().filter(|(signal, now)| hostile(signal) && now.alarming).collect();
        alarming.sort_by(|(_, one), (_, other)| other.hits.total_cmp(&one.hits));
        let mut grew = false;
        for (signal, _) in &alarming {
            if let Some(stands) = self.standing.get_mut(*signal as usize) {
                grew |= !*stands;
                *stands = true;
            }
        }
        let Some((signal, worst)) = alarming.first() else {
            let over = over(&mut self.attack, now, "attack", "the attack is over");
            if over.is_some() {
                Signal::ALL.into_iter().filter(hostile).for_each(|signal| self.lay(signal));
            }
            return over;
        };
        let beside = surge.is_some();
        let changed = self.attack.is_none_or(|open| open.beside != beside) || grew;
        let since = self.attack.map_or(now, |open| open.since);
        self.attack = Some(Open { since, last: now.as_second(), beside });
        let verdict = if beside { "attack during a surge" } else { "attack" };
        let title = format!("{verdict}: {:.0} of {:.0} requests in 3 s {}", worst.hits, worst.requests, signal.told());
        let evidence = alarming.iter().map(|(signal, now)| share(*signal, now)).collect();
        changed.then(|| told(since, Severity::High, "attack", title, evidence))
    }

    fn lay(&mut self, signal: Signal) {
        if let Some(stands) = self.standing.get_mut(signal as usize) {
            *stands = false;
        }
    }

    /// The story of a surge of customers.
    pub(crate) fn surge(&mut self, now: Timestamp, surge: Option<f64>) -> Option<Alert> {
        let Some(times) = surge else {
            return over(&mut self.surge, now, "surge", "the surge is over");
        };
        let new = self.surge.is_none();
        let since = self.surge.map_or(now, |open| open.since);
        self.surge = Some(Open { since, last: now.as_second(), beside: false });
        let title = format!("surge: {times:.1} times the usual number of requests is being answered");
        new.then(|| told(since, Severity::Info, "surge", title, Vec::new()))
    }

    /// The story of functions that fail.
    pub(crate) fn failing(&mut self, now: Timestamp, found: &[(Signal, Now)]) -> Option<Alert> {
        let Some((signal, what)) = found.iter().find(|(signal, what)| *signal == Signal::Failing && what.alarming)
        else {
            let over = over(&mut self.failing, now, "failing", "the functions answer again");
            if over.is_some() {
                self.lay(Signal::Failing);
            }
            return over;
        };
        let new = self.failing.is_none();
        let since = self.failing.map_or(now, |open| open.since);
        self.failing = Some(Open { since, last: now.as_second(), beside: false });
        if let Some(stands) = self.standing.get_mut(Signal::Failing as usize) {
            *stands = true;
        }
        let title = format!("failing: {:.0} of {:.0} requests in 3 s {}", what.hits, what.requests, signal.told());
        new.then(|| told(since, Severity::High, "failing", title, vec![share(*signal, what)]))
    }

    /// The story of functions that run unusually often.
    pub(crate) fn busy(&mut self, now: Timestamp, busy: &[Busy]) -> Option<Alert> {
        let Some(busiest) = busy.first() else {
            // Looked at once a minute.
            let quiet = self.busy.is_some_and(|open| now.as_second() - open.last < 300);
            return if quiet {
                None
            } else {
                over(&mut self.busy, now, "runs", "functions run as often as usual again")
            };
        };
        let new = self.busy.is_none();
        let since = self.busy.map_or(now, |open| open.since);
        self.busy = Some(Open { since, last: now.as_second(), beside: false });
        let title = match busy {
            [only] => format!("`{}` ran {} times in a minute", only.function, only.runs),
            _ => format!("{} functions run unusually often, `{}` most", busy.len(), busiest.function),
        };
        let line = |busy: &Busy| {
            format!("`{}`: {} runs in a minute, up to {:.0} would be usual", busy.function, busy.runs, busy.limit)
        };
        new.then(|| told(since, Severity::Medium, "runs", title, busy.iter().take(5).map(line).collect()))
    }
}

/// The end of a story, once it has been quiet for long enough.
fn over(open: &mut Option<Open>, now: Timestamp, key: &str, title: &str) -> Option<Alert> {
    let ended = open.filter(|open| now.as_second() - open.last >= QUIET)?;
    *open = None;
    let lasted = ended.last - ended.since.as_second() + 1;
    let evidence = vec![format!("it lasted {lasted} s")];
    Some(Alert { resolved: true, ..told(ended.since, Severity::Info, key, title.to_owned(), evidence) })
}

fn told(since: Timestamp, severity: Severity, key: &str, title: String, evidence: Vec<String>) -> Alert {
    Alert { since, severity, key: key.into(), title, evidence, resolved: false }
}

fn share(signal: Signal, now: &Now) -> String {
    let usual = 100.0 * now.usual;
    format!("{:.0} requests {}, {:.0} % of all; usual are {usual:.1} %", now.hits, signal.told(), percent(now))
}

fn percent(now: &Now) -> f64 {
    100.0 * now.hits / now.requests.max(1.0)
}

/// How often names came up lately: routes, rules.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    names: HashMap<Box<str>, f64>,
    others: f64,
}

impl Tally {
    pub(crate) fn count(&mut self, name: &str) {
        if let Some(count) = self.names.get_mut(name) {
            *count += 1.0;
        } else if self.names.len() < NAMES {
            self.names.insert(name.into(), 1.0);
        } else {
            self.others += 1.0;
        }
    }

    /// What was counted counts less with every tick.
    pub(crate) fn fade(&mut self) {
        self.names.retain(|_, count| {
            *count *= 0.95;
            *count >= 0.5
        });
        self.others *= 0.95;
    }

    /// The most frequent ones with their shares, in one line.
    pub(crate) fn top(&self, most: usize) -> Option<String> {
        let sum: f64 = self.names.values().sum::<f64>() + self.others;
        let mut all: Vec<(&str, f64)> = self.names.iter().map(|(name, count)| (&**name, *count)).collect();
        all.sort_by(|(one, its), (other, others)| others.total_cmp(its).then(one.cmp(other)));
        let frequent = all.iter().take(most).map(|(name, count)| format!("{name} ({:.0} %)", 100.0 * count / sum));
        (!all.is_empty()).then(|| frequent.collect::<Vec<_>>().join(", "))
    }
}
