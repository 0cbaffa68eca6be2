//! The record of events: newline-delimited JSON in the data folder, and the terminal view and the watch fed from the same
//! stream.
//!
//! Emitting never waits: a bounded channel leads to one writer thread that encodes and writes. When the channel is full the
//! event is dropped and counted, and the count itself is recorded. The view has a thread of its own, so that a terminal
//! nobody reads costs lines on the terminal and nothing on record.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError, sync_channel},
    },
    time::{Duration, Instant},
};

use brigandine_detect::Watch;
use brigandine_model::{AddressSuspected, Event, Guard, Happening, Judged, RuleMatch, Sink};
use jiff::Timestamp;

use super::{
    segment::Segment,
    view::{View, Watcher},
};

/// Events that may wait for the writer; more are dropped and counted.
const WAITING: usize = 65_536;

/// How often the writer looks for events while there are some.
const BEAT: Duration = Duration::from_millis(10);

/// Longest time an event waits to be written.
const FLUSH: Duration = Duration::from_millis(200);

/// Longest wait for the writer at the end.
const FAREWELL: Duration = Duration::from_secs(10);

/// The sink every room emits into.
#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    sender: SyncSender<Entry>,
    dropped: Arc<AtomicU64>,
}

/// The thread behind a [`Recorder`].
#[derive(Debug)]
pub(crate) struct Writer {
    sender: SyncSender<Entry>,
    done: Receiver<Tally>,
}

enum Entry {
    Event(Event),
    Close,
}

/// Starts the writer: events go to `events.ndjson` in `folder`, and to the view.
pub(crate) fn start(folder: &Path, view: View) -> anyhow::Result<(Recorder, Writer)> {
    let segment = Segment::open(folder)?;
    let watcher = view.watch()?;
    let (sender, receiver) = sync_channel(WAITING);
    let (told, done) = sync_channel(1);
    let dropped = Arc::new(AtomicU64::new(0));
    let lost = dropped.clone();
    std::thread::Builder::new().name("record".to_owned()).spawn(move || {
        let tally = write_all(&receiver, segment, &watcher, &lost);
        watcher.close();
        // Nobody may be waiting any more.
        drop(told.send(tally));
    })?;
    Ok((Recorder { sender: sender.clone(), dropped }, Writer { sender, done }))
}

impl Sink for Recorder {
    fn emit(&self, event: Event) {
        if let Err(TrySendError::Full(_)) = self.sender.try_send(Entry::Event(event)) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Writer {
    /// Writes what is waiting and ends the thread; gives back what guards that only observe would have refused.
    pub(crate) fn close(self) -> Tally {
        let until = Instant::now() + FAREWELL;
        while let Err(TrySendError::Full(_)) = self.sender.try_send(Entry::Close) {
            if Instant::now() > until {
                break;
            }
            std::thread::sleep(BEAT);
        }
        self.done.recv_timeout(FAREWELL).unwrap_or_else(|_| {
            crate::face::warn("the record's writer did not end in time; the last events may be missing");
            Tally::default()
        })
    }
}

/// What guards that only observe would have refused.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// By guard, reason and route: as many entries as the template has routes times the reasons there are.
    causes: BTreeMap<(Guard, &'static str, Option<Arc<str>>), u64>,
    /// By rule of the firewall, with what it last said: as many as there are rules.
    rules: BTreeMap<u64, (Arc<str>, u64)>,
}

impl Tally {
    fn count(&mut self, event: &Event) {
        match &event.what {
            Happening::RequestAnswered(request) => {
                for refusal in &request.observed {
                    *self.causes.entry((refusal.guard, refusal.code, request.route.clone())).or_default() += 1;
                }
            }
            Happening::ContentJudged(judged) if judged.judged == Judged::Observed => self.matched(&judged.matches),
            Happening::EventJudged(judged) if judged.judged == Judged::Observed => self.matched(&judged.matches),
            _ => {}
        }
    }

    /// Counts each rule once for a request; a rule that looks at the score follows from the others.
    fn matched(&mut self, matches: &[RuleMatch]) {
        for (place, found) in matches.iter().enumerate() {
            let again = matches.iter().take(place).any(|earlier| earlier.rule == found.rule);
            if again || found.variable.starts_with("TX") {
                continue;
            }
            let entry = self.rules.entry(found.rule).or_insert_with(|| (found.message.clone(), 0));
            entry.1 += 1;
        }
    }

    /// The rules that would have refused most, most first.
    pub(crate) fn rules(&self, most: usize) -> Vec<(String, u64)> {
        let mut rules: Vec<_> = self.rules.iter().collect();
        rules.sort_by_key(|(_, (_, count))| std::cmp::Reverse(*count));
        let told = |(rule, (message, count)): (&u64, &(Arc<str>, u64))| {
            (format!("{rule}  {}", crate::face::harmless(message)), *count)
        };
        rules.into_iter().take(most).map(told).collect()
    }

    /// The causes that count most, most first, each as a person reads it.
    pub(crate) fn worst(&self, most: usize) -> Vec<(String, u64)> {
        let mut causes: Vec<_> = self.causes.iter().collect();
        causes.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let told = |((guard, code, route), count): (&(Guard, &'static str, Option<Arc<str>>), &u64)| {
            let route = route.as_deref().unwrap_or("no route");
            (format!("{}: {code} on {route}", guard.as_str()), *count)
        };
        causes.into_iter().take(most).map(told).collect()
    }
}

fn write_all(receiver: &Receiver<Entry>, mut segment: Segment, watcher: &Watcher, dropped: &AtomicU64) -> Tally {
    let mut tally = Tally::default();
    let mut watch = Watch::default();
    let mut idle = Duration::ZERO;
    let mut flushed = Instant::now();
    loop {
        match next(receiver, idle) {
            Ok(Entry::Event(event)) => {
                idle = Duration::ZERO;
                tally.count(&event);
                watch.see(&event);
                segment.append(&event);
                watcher.show(event);
            }
            Err(RecvTimeoutError::Timeout) => idle += BEAT,
            Ok(Entry::Close) | Err(RecvTimeoutError::Disconnected) => break,
        }
        if flushed.elapsed() > FLUSH {
            for event in found(&mut watch, Timestamp::now()) {
                segment.append(&event);
                watcher.show(event);
            }
            segment.note_lost(dropped.swap(0, Ordering::Relaxed));
            segment.flush();
            flushed = Instant::now();
        }
    }
    segment.note_lost(dropped.swap(0, Ordering::Relaxed));
    segment.flush();
    tally
}

/// What the watch has found by now, as Events.
fn found(watch: &mut Watch, at: Timestamp) -> Vec<Event> {
    let said = watch.tick(at);
    let alerts = said.alerts.into_iter().map(|alert| Happening::Alerted(Box::new(alert)));
    let suspects = said.suspects.into_iter().map(|suspect| {
        let (address, reason) = (suspect.address, suspect.reason.into());
        Happening::AddressSuspected(AddressSuspected { address, reason })
    });
    alerts.chain(suspects).map(|what| Event { at, what }).collect()
}

/// The next entry. While events keep coming the writer looks once in a while rather than being woken for each: waking a
/// thread costs the request more than all the rest of its record.
fn next(receiver: &Receiver<Entry>, idle: Duration) -> Result<Entry, RecvTimeoutError> {
    if idle > BEAT * 50 {
        return receiver.recv_timeout(Duration::from_secs(1));
    }
    receiver.try_recv().map_err(|empty| match empty {
        TryRecvError::Disconnected => RecvTimeoutError::Disconnected,
        TryRecvError::Empty => {
            std::thread::sleep(BEAT);
            RecvTimeoutError::Timeout
        }
    })
}

#[cfg(test)]
mod tests {
    use brigandine_model::Reloaded;
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn what_the_watch_finds_is_on_record_with_what_it_saw() {
        let folder = tempfile::tempdir().unwrap();
        let (recorder, writer) = start(folder.path(), View::silent()).unwrap();
        for _ in 0..40 {
            let refusal = brigandine_model::Refusal {
                guard: Guard::Inspection,
                status: 403,
                code: "content",
                reason: "no".into(),
                retry_after: None,
            };
            let what = Happening::RequestAnswered(Box::new(super::super::view::tests::refused(refusal)));
            recorder.emit(Event { at: Timestamp::now(), what });
        }
        let path = folder.path().join("events.ndjson");
        let until = Instant::now() + Duration::from_secs(20);
        let mut text = String::new();
        while Instant::now() < until && !(text.contains("\"alerted\"") && text.contains("\"address-suspected\"")) {
            std::thread::sleep(BEAT);
            text = std::fs::read_to_string(&path).unwrap();
        }
        writer.close();
        assert!(text.contains("attack: 40 of 40 requests in 3 s refused for their content"), "{text}");
        assert!(text.contains("\"address-suspected\",\"address\":\"127.0.0.1\""), "{text}");
    }

    #[test]
    fn every_event_becomes_one_line_of_json() {
        let folder = tempfile::tempdir().unwrap();
        let (recorder, writer) = start(folder.path(), View::silent()).unwrap();
        for subject in ["first", "sec\nond"] {
            let what = Happening::Reloaded(Reloaded { subject: subject.into() });
            recorder.emit(Event { at: Timestamp::UNIX_EPOCH, what });
        }
        writer.close();
        let text = std::fs::read_to_string(folder.path().join("events.ndjson")).unwrap();
        let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[1]["event"], "reloaded");
        assert_eq!(lines[1]["subject"], "sec\nond");
        assert_eq!(lines[1]["at"], "1970-01-01T00:00:00Z");
    }
}
