//! The five things that go wrong, what counts as one, and what share of them is usual.

use brigandine_model::{Guard, RequestAnswered};

use crate::ratio::surprise;

/// Seconds that are looked at together.
const WINDOW: i64 = 3;
const SLOTS: usize = 8;
/// Fewer are chance.
const FEWEST: f64 = 10.0;
/// A chance of about 1 in 66 million.
const SURPRISE: f64 = 18.0;
/// What is taken for granted before anything is known: half a hit among two hundred requests.
const PRIOR: (f64, f64) = (0.5, 200.0);
/// Seconds in which half of what is usual is forgotten.
const HALF: f64 = 600.0;

/// A kind of request that is not a customer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Content that the firewall refuses.
    Payload,
    /// Credentials that are wrong.
    Credentials,
    /// Requests for what is not there, or malformed ones.
    Probing,
    /// Connections that are too slow or broken.
    Slow,
    /// Functions that fail.
    Failing,
}

impl Signal {
    pub(crate) const ALL: [Self; 5] = [Self::Payload, Self::Credentials, Self::Probing, Self::Slow, Self::Failing];

    /// Whether somebody does it, rather than the application.
    pub(crate) fn is_hostile(self) -> bool {
        self != Self::Failing
    }

    /// Whether it is evidence against the one who does it: guesses and typing errors are not.
    pub(crate) fn is_evidence(self) -> bool {
        matches!(self, Self::Payload | Self::Credentials)
    }

    /// What happened to such requests.
    pub(crate) fn told(self) -> &'static str {
        match self {
            Self::Payload => "refused for their content",
            Self::Credentials => "with wrong credentials",
            Self::Probing => "malformed or for what is not there",
            Self::Slow => "on connections too slow or broken",
            Self::Failing => "that a function failed to answer",
        }
    }

    /// What an answer is a signal of.
    pub(crate) fn of(request: &RequestAnswered) -> Option<Self> {
        let Some(refusal) = &request.refusal else {
            return match request.status {
                401 | 403 => Some(Self::Credentials),
                500.. => Some(Self::Failing),
                _ => None,
            };
        };
        match refusal.guard {
            Guard::Inspection => Some(Self::Payload),
            Guard::Identity if matches!(refusal.status, 401 | 403) => Some(Self::Credentials),
            Guard::Canonical | Guard::Size | Guard::Route | Guard::Validation if refusal.status < 500 => {
                Some(Self::Probing)
            }
            Guard::Connection => Some(Self::Slow),
            Guard::Function => Some(Self::Failing),
            _ => None,
        }
    }
}

/// One second.
#[derive(Clone, Copy, Debug, Default)]
struct Second {
    at: i64,
    requests: f64,
    hits: [f64; 5],
}

/// The last seconds, and what is usual.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shares {
    seconds: [Second; SLOTS],
    usual: [(f64, f64); 5],
    learned: i64,
}

/// What one signal amounts to now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    pub(crate) hits: f64,
    pub(crate) requests: f64,
    /// The usual share.
    pub(crate) usual: f64,
    /// Whether so many are no chance.
    pub(crate) alarming: bool,
}

impl Shares {
    /// Counts `times` requests or connections.
    pub(crate) fn count(&mut self, second: i64, signal: Option<Signal>, times: f64) {
        let slot = self.slot(second);
        slot.requests += times;
        if let Some(hits) = signal.and_then(|signal| slot.hits.get_mut(signal as usize)) {
            *hits += times;
        }
    }

    fn slot(&mut self, second: i64) -> &mut Second {
        let place = usize::try_from(second.rem_euclid(8)).unwrap_or_default() % SLOTS;
        let [first, rest @ ..] = &mut self.seconds;
        let slot = if place == 0 { first } else { rest.get_mut(place - 1).unwrap_or(first) };
        if slot.at != second {
            *slot = Second { at: second, ..Second::default() };
        }
        slot
    }

    /// What a signal amounts to in the seconds up to this one.
    pub(crate) fn now(&self, signal: Signal, second: i64) -> Now {
        let recent = self.seconds.iter().filter(|slot| (second - WINDOW + 1..=second).contains(&slot.at));
        let place = signal as usize;
        let (hits, requests) = recent.fold((0.0, 0.0), |(hits, requests), slot| {
            (hits + slot.hits.get(place).copied().unwrap_or_default(), requests + slot.requests)
        });
        let (usual_hits, usual_requests) = self.usual.get(place).copied().unwrap_or_default();
        let usual = (usual_hits + PRIOR.0) / (usual_requests + PRIOR.1);
        let alarming = hits >= FEWEST && surprise(hits, requests, usual) >= SURPRISE;
        Now { hits, requests, usual, alarming }
    }

    /// Learns from the seconds that have passed, but not from a signal whose alarm stands: an attack is not the usual.
    pub(crate) fn learn(&mut self, second: i64, stands: impl Fn(Signal) -> bool) {
        let keep = 0.5_f64.powf(HALF.recip());
        if self.learned == 0 {
            self.learned = second - WINDOW - 1;
        }
        let passed = second - WINDOW - self.learned;
        if passed <= 0 {
            return;
        }
        for signal in Signal::ALL.into_iter().filter(|signal| !stands(*signal)) {
            let place = signal as usize;
            let Some(usual) = self.usual.get_mut(place) else { continue };
            let faded = keep.powi(i32::try_from(passed.min(86_400)).unwrap_or(86_400));
            *usual = (usual.0 * faded, usual.1 * faded);
            for slot in self.seconds.iter().filter(|slot| (self.learned + 1..=second - WINDOW).contains(&slot.at)) {
                usual.0 += slot.hits.get(place).copied().unwrap_or_default();
                usual.1 += slot.requests;
            }
        }
        self.learned = second - WINDOW;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_that_was_always_there_is_usual_and_a_new_one_is_an_alarm() {
        let mut shares = Shares::default();
        for second in 1..=300 {
            shares.count(second, None, 95.0);
            shares.count(second, Some(Signal::Probing), 5.0);
            shares.learn(second, |_| false);
            assert!(second < 30 || !shares.now(Signal::Probing, second).alarming, "at {second}");
        }
        shares.count(301, Some(Signal::Payload), 10.0);
        shares.count(301, None, 95.0);
        assert!(shares.now(Signal::Payload, 301).alarming);
        assert!(!shares.now(Signal::Payload, 310).alarming, "and over when it is over");
    }

    #[test]
    fn nine_strange_requests_are_no_alarm() {
        let mut shares = Shares::default();
        shares.count(1, Some(Signal::Payload), 9.0);
        assert!(!shares.now(Signal::Payload, 1).alarming);
    }
}
