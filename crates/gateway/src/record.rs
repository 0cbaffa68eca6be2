//! The record: one event per answer, and per connection that came to nothing, however many come at once.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use brigandine_model::{ConnectionFailed, ConnectionRefused, Event, Happening, Refusal, RequestAnswered, Sink};
use http::Method;

use crate::{Clock, visit::Trace};

/// What the door counted since it opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Requests answered, by a function or by a guard.
    pub answered: u64,
    /// Of these, refused by a guard.
    pub refused: u64,
    /// Of these, that would have been refused by a guard that only observes.
    pub observed: u64,
    /// Connections turned away.
    pub connections_refused: u64,
    /// Connections that ended by a fault.
    pub connections_failed: u64,
    /// Buckets that left the table of rates before they were full: above zero, it is too small.
    pub rates_evicted: u64,
}

/// Alike events told singly in one second; further ones are counted and told together at its end.
const SINGLY: usize = 20;
/// Kinds of events told apart in one second; peers beyond are counted together under the unspecified address.
const KINDS: usize = 256;

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Kind {
    peer: IpAddr,
    /// Nothing for a refused connection.
    stage: Option<&'static str>,
    reason: &'static str,
}

#[derive(Default)]
struct Window {
    told: usize,
    pending: HashMap<Kind, u64>,
}

/// Writes events and counts.
pub(crate) struct Recorder {
    sink: Arc<dyn Sink>,
    pub(crate) clock: Arc<dyn Clock>,
    answered: AtomicU64,
    refused: AtomicU64,
    observed: AtomicU64,
    connections_refused: AtomicU64,
    connections_failed: AtomicU64,
    window: Mutex<Window>,
}

impl Recorder {
    pub(crate) fn new(sink: Arc<dyn Sink>, clock: Arc<dyn Clock>) -> Self {
        Self {
            sink,
            clock,
            answered: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            observed: AtomicU64::new(0),
            connections_refused: AtomicU64::new(0),
            connections_failed: AtomicU64::new(0),
            window: Mutex::default(),
        }
    }

    pub(crate) fn counters(&self, rates_evicted: u64) -> Counters {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counters {
            answered: read(&self.answered),
            refused: read(&self.refused),
            observed: read(&self.observed),
            connections_refused: read(&self.connections_refused),
            connections_failed: read(&self.connections_failed),
            rates_evicted,
        }
    }

    pub(crate) fn tell(&self, what: Happening) {
        self.sink.emit(Event { at: self.clock.wall(), what });
    }

    /// A connection was turned away.
    pub(crate) fn connection_refused(&self, peer: IpAddr, reason: &'static str) {
        self.connections_refused.fetch_add(1, Ordering::Relaxed);
        self.count(Kind { peer, stage: None, reason });
    }

    /// A connection ended by a fault.
    pub(crate) fn connection_failed(&self, peer: IpAddr, stage: &'static str, reason: &'static str) {
        self.connections_failed.fetch_add(1, Ordering::Relaxed);
        self.count(Kind { peer, stage: Some(stage), reason });
    }

    fn count(&self, mut kind: Kind) {
        let single = {
            let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
            if window.told < SINGLY {
                window.told += 1;
                true
            } else {
                if window.pending.len() >= KINDS && !window.pending.contains_key(&kind) {
                    kind.peer = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
                }
                *window.pending.entry(kind).or_default() += 1;
                false
            }
        };
        if single {
            self.tell(kind.event(1));
        }
    }

    /// Tells what was counted meanwhile; to be called every second and at the end.
    pub(crate) fn flush(&self) {
        let pending = {
            let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
            window.told = 0;
            std::mem::take(&mut window.pending)
        };
        for (kind, count) in pending {
            self.tell(kind.event(count));
        }
    }
}

impl Kind {
    fn event(self, count: u64) -> Happening {
        let Self { peer, stage, reason } = self;
        match stage {
            None => Happening::ConnectionRefused(ConnectionRefused { peer, reason, count }),
            Some(stage) => Happening::ConnectionFailed(ConnectionFailed { peer, stage, reason: reason.into(), count }),
        }
    }
}

/// The record of one request: written when its answer is known, or when everybody forgot it.
pub(crate) struct Draft {
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) id: Arc<str>,
    pub(crate) began: Instant,
    pub(crate) method: Method,
    /// The raw path, cut and escaped, for requests that never had a canonical one.
    pub(crate) raw_path: Arc<str>,
    pub(crate) trace: Arc<Trace>,
    /// Status of the answer. A caller who left before it is told as 499.
    pub(crate) status: u16,
    pub(crate) sent_bytes: u64,
    pub(crate) refusal: Option<Refusal>,
}

impl Drop for Draft {
    fn drop(&mut self) {
        let duration_us = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        let refusal = self.refusal.take();
        let answered = self.trace.write(|facts| RequestAnswered {
            request: self.id.clone(),
            client: facts.client,
            method: self.method.as_str().into(),
            path: facts.path.take().unwrap_or_else(|| self.raw_path.clone()),
            route: facts.route.take(),
            function: facts.function.take(),
            caller: facts.caller.take(),
            status: self.status,
            received_bytes: facts.received_bytes,
            sent_bytes: self.sent_bytes,
            duration_us,
            refusal,
            observed: std::mem::take(&mut facts.observed),
        });
        let recorder = &self.recorder;
        recorder.answered.fetch_add(1, Ordering::Relaxed);
        if answered.refusal.is_some() {
            recorder.refused.fetch_add(1, Ordering::Relaxed);
        }
        if !answered.observed.is_empty() {
            recorder.observed.fetch_add(1, Ordering::Relaxed);
        }
        recorder.tell(Happening::RequestAnswered(Box::new(answered)));
    }
}

/// A path for the record: cut to 256 bytes, everything but printable ASCII escaped.
pub(crate) fn shown(raw: &str) -> Arc<str> {
    raw.bytes().take(256).flat_map(std::ascii::escape_default).map(char::from).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemClock;

    #[derive(Default)]
    struct Kept(Mutex<Vec<Happening>>);

    impl Sink for Kept {
        fn emit(&self, event: Event) {
            self.0.lock().unwrap().push(event.what);
        }
    }

    #[test]
    fn a_flood_of_failures_is_told_in_few_events_and_none_is_lost() {
        let kept = Arc::new(Kept::default());
        let recorder = Recorder::new(kept.clone(), Arc::new(SystemClock::default()));
        for number in 0..100_000_u32 {
            recorder.connection_failed(IpAddr::V4(number.into()), "head", "malformed");
        }
        recorder.flush();
        let events = kept.0.lock().unwrap();
        let counts = events.iter().map(|what| match what {
            Happening::ConnectionFailed(failed) => failed.count,
            _ => 0,
        });
        assert!(events.len() <= SINGLY + KINDS + 1);
        assert_eq!(counts.sum::<u64>(), 100_000);
        assert_eq!(recorder.counters(0).connections_failed, 100_000);
    }

    #[test]
    fn paths_without_meaning_are_shown_without_harm() {
        assert_eq!(&*shown("/a\u{1b}[0m\n\u{e9}"), "/a\\x1b[0m\\n\\xc3\\xa9");
        assert!(shown(&"/x".repeat(9_000)).len() <= 1_024);
    }
}
