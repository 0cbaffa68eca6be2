//! The record of events: newline-delimited JSON in the data folder, and the terminal view fed from the same stream.
//!
//! Emitting never waits: a bounded channel leads to one writer thread that does the encoding and the writing. When the
//! channel is full the event is dropped and counted, and the count itself is recorded once there is room again.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufWriter, Write},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use anyhow::Context;
use brigandine_model::{Event, Guard, Happening, Sink};

use super::view::View;

/// Events that may wait for the writer; more are dropped and counted.
const WAITING: usize = 65_536;

/// The sink every room emits into.
#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    sender: SyncSender<Entry>,
    dropped: Arc<AtomicU64>,
}

/// The thread behind a [`Recorder`].
#[derive(Debug)]
pub(crate) struct Writer {
    thread: JoinHandle<Tally>,
    sender: SyncSender<Entry>,
}

enum Entry {
    Event(Event),
    Close,
}

/// Starts the writer: events go to `events.ndjson` in `folder`, and to the view.
pub(crate) fn start(folder: &Path, view: View) -> anyhow::Result<(Recorder, Writer)> {
    let path = folder.join("events.ndjson");
    let file = private_append(&path).with_context(|| format!("cannot write `{}`", path.display()))?;
    let (sender, receiver) = sync_channel(WAITING);
    let dropped = Arc::new(AtomicU64::new(0));
    let lost = dropped.clone();
    let thread = std::thread::Builder::new()
        .name("record".to_owned())
        .spawn(move || write_all(&receiver, BufWriter::with_capacity(256 * 1024, file), view, &lost))?;
    Ok((Recorder { sender: sender.clone(), dropped }, Writer { thread, sender }))
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
        // A writer that is gone already is seen by joining it.
        drop(self.sender.send(Entry::Close));
        self.thread.join().unwrap_or_else(|_| {
            crate::face::warn("the record's writer ended early; the last events may be missing");
            Tally::default()
        })
    }
}

/// What guards that only observe would have refused, by guard, reason and route: as many entries as the template has
/// routes times the reasons there are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally(BTreeMap<(Guard, &'static str, Option<Arc<str>>), u64>);

impl Tally {
    fn count(&mut self, event: &Event) {
        let Happening::RequestAnswered(request) = &event.what else { return };
        for refusal in &request.observed {
            *self.0.entry((refusal.guard, refusal.code, request.route.clone())).or_default() += 1;
        }
    }

    /// The causes that count most, most first, each as a person reads it.
    pub(crate) fn worst(&self, most: usize) -> Vec<(String, u64)> {
        let mut causes: Vec<_> = self.0.iter().collect();
        causes.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let told = |((guard, code, route), count): (&(Guard, &'static str, Option<Arc<str>>), &u64)| {
            let route = route.as_deref().unwrap_or("no route");
            (format!("{}: {code} on {route}", guard.as_str()), *count)
        };
        causes.into_iter().take(most).map(told).collect()
    }
}

fn write_all(receiver: &Receiver<Entry>, mut file: BufWriter<File>, mut view: View, dropped: &AtomicU64) -> Tally {
    let mut failing = false;
    let mut tally = Tally::default();
    loop {
        let entry = receiver.recv_timeout(Duration::from_millis(100));
        match entry {
            Ok(Entry::Event(event)) => {
                view.show(&event);
                tally.count(&event);
                let written = write_event(&mut file, &event).and_then(|()| write_gap(&mut file, dropped));
                tell_once(written, &mut failing);
            }
            Err(RecvTimeoutError::Timeout) => {
                tell_once(file.flush(), &mut failing);
                view.tick();
            }
            Ok(Entry::Close) | Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    tell_once(file.flush(), &mut failing);
    view.tick();
    tally
}

fn write_event(file: &mut BufWriter<File>, event: &Event) -> std::io::Result<()> {
    serde_json::to_writer(&mut *file, event)?;
    file.write_all(b"\n")
}

/// Puts the number of dropped events on record, when there are any.
fn write_gap(file: &mut BufWriter<File>, dropped: &AtomicU64) -> std::io::Result<()> {
    match dropped.swap(0, Ordering::Relaxed) {
        0 => Ok(()),
        lost => writeln!(file, r#"{{"event":"gap","lost":{lost}}}"#),
    }
}

/// Says that the record cannot be written when that begins, not for each event.
fn tell_once(result: std::io::Result<()>, failing: &mut bool) {
    match result {
        Ok(()) => *failing = false,
        Err(error) if !*failing => {
            crate::face::warn(&format!("events cannot be recorded: {error}"));
            *failing = true;
        }
        Err(_) => {}
    }
}

fn private_append(path: &Path) -> std::io::Result<File> {
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use brigandine_model::Reloaded;
    use jiff::Timestamp;

    use super::*;

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
