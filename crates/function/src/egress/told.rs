//! The record of what functions reached or wanted to reach: each within a second, however many come at once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use brigandine_model::{EgressJudged, Happening, LogicalId, Passage, Sink};

use crate::local::emit;

/// Events told singly in one second; further ones are counted and told together at its end.
const SINGLY: usize = 20;
/// Kinds told apart in one second; hosts beyond are counted together without their names.
const KINDS: usize = 128;
/// Letters of a host that are told.
const HOST: usize = 253;

#[derive(Clone, PartialEq, Eq, Hash)]
struct Kind {
    host: Arc<str>,
    port: u16,
    judged: Passage,
    reason: &'static str,
}

#[derive(Default)]
struct Window {
    told: usize,
    pending: HashMap<Kind, u64>,
    /// Whether the end of the second is waited for.
    open: bool,
}

/// Counts and tells.
pub(super) struct Tally {
    function: LogicalId,
    sink: Arc<dyn Sink>,
    window: Mutex<Window>,
}

impl Tally {
    pub(super) fn new(function: LogicalId, sink: Arc<dyn Sink>) -> Arc<Self> {
        Arc::new(Self { function, sink, window: Mutex::default() })
    }

    /// Something was judged.
    pub(super) fn tell(self: &Arc<Self>, (host, port): (&str, u16), judged: Passage, reason: &'static str) {
        let host: Arc<str> = host.chars().take(HOST).flat_map(char::escape_debug).collect::<String>().into();
        let mut kind = Kind { host, port, judged, reason };
        let (single, opens) = {
            let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
            let opens = !std::mem::replace(&mut window.open, true);
            if window.told < SINGLY {
                window.told += 1;
                (true, opens)
            } else {
                if window.pending.len() >= KINDS && !window.pending.contains_key(&kind) {
                    (kind.host, kind.port) = ("".into(), 0);
                }
                *window.pending.entry(kind.clone()).or_default() += 1;
                (false, opens)
            }
        };
        if single {
            self.emit(kind, 1);
        }
        if opens {
            let tally = self.clone();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(900)).await;
                tally.flush();
            });
        }
    }

    fn flush(&self) {
        let pending = {
            let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *window).pending
        };
        for (kind, count) in pending {
            self.emit(kind, count);
        }
    }

    fn emit(&self, kind: Kind, count: u64) {
        let Kind { host, port, judged, reason } = kind;
        let judged = EgressJudged { function: self.function.clone(), host, port, judged, reason, count };
        emit(&*self.sink, Happening::EgressJudged(judged));
    }
}
