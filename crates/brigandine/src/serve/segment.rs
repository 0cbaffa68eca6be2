//! The file behind the record: whole lines only, bounded in size, never mistaken after a crash.
//!
//! Lines are gathered and written with one call, so that several writers to one folder cannot tear each other's lines. A
//! segment that is full is put aside; the oldest ones go.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use brigandine_model::Event;

/// Bytes gathered before they are written.
const BATCH: usize = 64 * 1024;

/// Bytes after which a segment is put aside, and how many are kept beside the one being written: half a GiB in all.
const FULL: u64 = 64 * 1024 * 1024;
const KEPT: u32 = 7;

/// One segment being written.
#[derive(Debug)]
pub(crate) struct Segment {
    path: PathBuf,
    file: File,
    length: u64,
    full: u64,
    gathered: Vec<u8>,
    lines: u64,
    lost: u64,
    failing: bool,
}

impl Segment {
    /// Opens `events.ndjson` in `folder`, for its owner's eyes only.
    pub(crate) fn open(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join("events.ndjson");
        let (file, length) = open(&path).with_context(|| format!("cannot write `{}`", path.display()))?;
        Ok(Self { path, file, length, full: FULL, gathered: Vec::new(), lines: 0, lost: 0, failing: false })
    }

    /// Adds one event; it is written with others soon.
    pub(crate) fn append(&mut self, event: &Event) {
        let before = self.gathered.len();
        if serde_json::to_writer(&mut self.gathered, event).is_err() {
            self.gathered.truncate(before);
            self.lost += 1;
            return;
        }
        self.gathered.push(b'\n');
        self.lines += 1;
        if self.gathered.len() >= BATCH {
            self.flush();
        }
    }

    /// Counts events that never came here; the count is recorded with the next line.
    pub(crate) fn note_lost(&mut self, count: u64) {
        self.lost += count;
    }

    /// Writes what was gathered. What cannot be written is counted, and the count recorded once there is room again.
    pub(crate) fn flush(&mut self) {
        if self.lost > 0 {
            self.gathered.extend_from_slice(format!("{{\"event\":\"gap\",\"lost\":{}}}\n", self.lost).as_bytes());
        }
        if self.gathered.is_empty() {
            return;
        }
        match self.write() {
            Ok(()) => (self.lost, self.failing) = (0, false),
            Err(error) => {
                self.lost += self.lines;
                if !self.failing {
                    crate::face::warn(&format!("events cannot be recorded: {error}"));
                }
                self.failing = true;
            }
        }
        self.gathered.clear();
        self.lines = 0;
    }

    fn write(&mut self) -> std::io::Result<()> {
        if self.length >= self.full {
            self.put_aside()?;
        }
        if let Err(error) = self.file.write_all(&self.gathered) {
            // Half a line may stand there now; the next writer must not continue it.
            self.file.set_len(self.length).unwrap_or_default();
            return Err(error);
        }
        self.length += self.gathered.len() as u64;
        Ok(())
    }

    /// `events.ndjson` becomes `events.1.ndjson`, that one `events.2.ndjson`, and so on.
    fn put_aside(&mut self) -> std::io::Result<()> {
        let numbered = |number: u32| self.path.with_file_name(format!("events.{number}.ndjson"));
        for number in (1..KEPT).rev() {
            match std::fs::rename(numbered(number), numbered(number + 1)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        std::fs::rename(&self.path, numbered(1))?;
        (self.file, self.length) = open(&self.path)?;
        Ok(())
    }
}

/// The file ready to be appended to, and its length. A line cut off by a crash is ended first.
fn open(path: &Path) -> std::io::Result<(File, u64)> {
    let mut options = OpenOptions::new();
    options.append(true).read(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    let mut length = file.seek(SeekFrom::End(0))?;
    if length > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
            length += 1;
        }
    }
    Ok((file, length))
}

#[cfg(test)]
mod tests {
    use brigandine_model::{Happening, Reloaded};
    use jiff::Timestamp;

    use super::*;

    fn event(subject: &str) -> Event {
        Event { at: Timestamp::UNIX_EPOCH, what: Happening::Reloaded(Reloaded { subject: subject.into() }) }
    }

    fn lines(path: &Path) -> Vec<String> {
        std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_line_cut_off_by_a_crash_is_not_continued() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.ndjson");
        std::fs::write(&path, "{\"event\":\"reload").unwrap();
        let mut segment = Segment::open(folder.path()).unwrap();
        segment.append(&event("after"));
        segment.flush();
        let lines = lines(&path);
        assert_eq!(lines.len(), 2);
        assert!(serde_json::from_str::<serde_json::Value>(&lines[1]).is_ok(), "{lines:?}");
    }

    #[test]
    fn full_segments_are_put_aside_and_the_oldest_go() {
        let folder = tempfile::tempdir().unwrap();
        let mut segment = Segment::open(folder.path()).unwrap();
        segment.full = 1;
        for number in 0..20 {
            segment.append(&event(&number.to_string()));
            segment.flush();
        }
        let kept = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(kept, 1 + KEPT as usize);
        assert!(lines(&folder.path().join("events.ndjson"))[0].contains("\"19\""));
        assert!(lines(&folder.path().join("events.7.ndjson"))[0].contains("\"12\""));
    }

    #[test]
    fn what_was_lost_is_on_record() {
        let folder = tempfile::tempdir().unwrap();
        let mut segment = Segment::open(folder.path()).unwrap();
        segment.note_lost(7);
        segment.append(&event("next"));
        segment.flush();
        assert_eq!(lines(&folder.path().join("events.ndjson"))[1], r#"{"event":"gap","lost":7}"#);
    }
}
