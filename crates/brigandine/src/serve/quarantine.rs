//! Events and items of events that were refused: kept whole, with the reason, so that nothing that was taken from a queue or a stream
//! is lost. They lie in `quarantine` in the data folder, one line of JSON each.

use std::{
    collections::{HashSet, VecDeque},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use brigandine_model::{LogicalId, RuleMatch};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

use super::store::{Limits, Store};

/// What it may hold. Whoever floods a queue with attacks must not fill the disk; the oldest make room.
const LIMITS: Limits = Limits { bytes: 256 * 1024 * 1024, lines: 100_000, age: Duration::from_hours(30 * 24) };

/// Items that are remembered, so that one that is delivered again is not kept again.
const REMEMBERED: usize = 4_096;

/// The folder, opened when it is first needed.
#[derive(Debug)]
pub(crate) struct Quarantine {
    folder: PathBuf,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    store: Option<Store>,
    known: HashSet<(LogicalId, String)>,
    order: VecDeque<(LogicalId, String)>,
}

/// One thing that was refused.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refused<'a> {
    /// The invocation it came with.
    pub(crate) request: &'a str,
    /// The function it was for.
    pub(crate) function: &'a LogicalId,
    /// As its source names it, where it is an item of a batch.
    pub(crate) item: Option<&'a str>,
    /// The rules that matched.
    pub(crate) matches: &'a [RuleMatch],
    /// It itself, JSON.
    pub(crate) json: &'a str,
}

#[derive(Serialize)]
struct Line<'a> {
    at: String,
    request: &'a str,
    function: &'a LogicalId,
    item: Option<&'a str>,
    matches: &'a [RuleMatch],
    event: &'a RawValue,
}

impl Quarantine {
    /// The quarantine of a data folder.
    pub(crate) fn of(data: &Path) -> Self {
        Self { folder: data.join("quarantine"), inner: Mutex::default() }
    }

    /// Puts things there; returns once they are on the disk. Those that are there already are left out.
    pub(crate) fn take(&self, refused: &[Refused<'_>], now: Timestamp) -> anyhow::Result<()> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let Inner { store, known, order } = &mut *inner;
        let store = match store {
            Some(store) => store,
            none => none.insert(Store::open(&self.folder, LIMITS)?.0),
        };
        for one in refused {
            let name = one.item.map(|item| (one.function.clone(), item.to_owned()));
            if name.as_ref().is_some_and(|name| known.contains(name)) {
                continue;
            }
            // One line: what breaks lines in JSON are blanks.
            let flat = one.json.replace(['\n', '\r'], " ");
            let event = serde_json::from_str(&flat)?;
            let line = Line {
                at: now.to_string(),
                request: one.request,
                function: one.function,
                item: one.item,
                matches: one.matches,
                event,
            };
            store.append(&serde_json::to_vec(&line)?, now)?;
            if let Some(name) = name {
                known.insert(name.clone());
                order.push_back(name);
            }
            while order.len() > REMEMBERED {
                if let Some(oldest) = order.pop_front() {
                    known.remove(&oldest);
                }
            }
        }
        Ok(store.settle()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_delivered_again_is_kept_once_and_stays_as_it_was() {
        let place = tempfile::tempdir().unwrap();
        let quarantine = Quarantine::of(place.path());
        let function = LogicalId::new("F");
        let refused = Refused {
            request: "r",
            function: &function,
            item: Some("49"),
            matches: &[],
            json: "{\"n\": 1.50,\n \"t\": \"a\\nb\"}",
        };
        quarantine.take(&[refused, refused], Timestamp::UNIX_EPOCH).unwrap();
        quarantine.take(&[refused], Timestamp::UNIX_EPOCH).unwrap();
        quarantine.take(&[Refused { item: Some("50"), ..refused }], Timestamp::UNIX_EPOCH).unwrap();
        let mut lines = Vec::new();
        super::super::store::find(&place.path().join("quarantine"), |line| {
            lines.push(String::from_utf8(line.to_vec()).unwrap());
            None::<()>
        })
        .unwrap();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].ends_with("\"event\":{\"n\": 1.50,  \"t\": \"a\\nb\"}}"), "{lines:?}");
    }
}
