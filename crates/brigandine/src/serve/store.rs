//! A folder of lines that are kept for a while: bounded in bytes and in number, no line older than its time.
//!
//! Lines are appended to segments; what has to go, goes a segment at a time, the oldest first. A segment takes an eighth of what
//! the folder may hold, so that at least seven eighths of it are there when it is full. A line cut off by a crash is taken away
//! when the folder is opened, and said.

use std::{
    collections::VecDeque,
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::Timestamp;

/// Parts that the folder is kept in.
const PARTS: u64 = 8;

/// What a folder may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Bytes of all lines.
    pub(crate) bytes: u64,
    /// Lines.
    pub(crate) lines: u64,
    /// Age of the oldest line.
    pub(crate) age: Duration,
}

/// An open folder.
#[derive(Debug)]
pub(crate) struct Store {
    folder: PathBuf,
    limits: Limits,
    /// Oldest first.
    segments: VecDeque<Segment>,
    /// The last of them, while it is written to.
    open: Option<File>,
    number: u64,
}

#[derive(Debug)]
struct Segment {
    path: PathBuf,
    bytes: u64,
    lines: u64,
    /// When its first line came.
    first: Timestamp,
}

/// Why a line was not kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// It is larger than the whole folder may be.
    #[error("larger-than-the-store")]
    TooLarge,
    /// The system would not write it.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl Store {
    /// Opens a folder for its owner's eyes only; also says how many lines a crash had cut off, which are gone.
    pub(crate) fn open(folder: &Path, limits: Limits) -> std::io::Result<(Self, u64)> {
        private_folder(folder)?;
        let mut segments: Vec<Segment> = Vec::new();
        let mut cut = 0;
        for path in paths(folder)? {
            let (segment, whole) = Segment::read(path)?;
            cut += u64::from(!whole);
            segments.push(segment);
        }
        let number = segments.len() as u64;
        Ok((Self { folder: folder.to_owned(), limits, segments: segments.into(), open: None, number }, cut))
    }

    /// Adds one line, which has no line break in it; older ones make room.
    pub(crate) fn append(&mut self, line: &[u8], now: Timestamp) -> Result<(), Error> {
        let bytes = line.len() as u64 + 1;
        if bytes > self.limits.bytes {
            return Err(Error::TooLarge);
        }
        self.expire(now);
        if self.segments.back().is_some_and(|segment| self.is_full(segment, bytes, now)) {
            self.open = None;
        }
        while self.bytes() + bytes > self.limits.bytes || self.lines() + 1 > self.limits.lines.max(1) {
            self.drop_oldest();
        }
        let mut file = match self.open.take() {
            Some(file) => file,
            None => self.begin(now)?,
        };
        let Some(segment) = self.segments.back_mut() else { return Ok(()) };
        let whole = [line, b"\n"].concat();
        if let Err(error) = file.write_all(&whole) {
            // Half a line may stand there now; the next one must not continue it.
            file.set_len(segment.bytes).unwrap_or_default();
            self.open = Some(file);
            return Err(error.into());
        }
        segment.bytes += bytes;
        segment.lines += 1;
        self.open = Some(file);
        Ok(())
    }

    /// Waits until what was added is on the disk itself.
    pub(crate) fn settle(&mut self) -> std::io::Result<()> {
        self.open.as_ref().map_or(Ok(()), File::sync_data)
    }

    /// Removes what is too old.
    pub(crate) fn expire(&mut self, now: Timestamp) {
        while self.segments.front().is_some_and(|segment| age(segment, now) >= self.limits.age) {
            self.drop_oldest();
        }
    }

    fn is_full(&self, segment: &Segment, more: u64, now: Timestamp) -> bool {
        segment.bytes + more > self.limits.bytes / PARTS
            || segment.lines >= (self.limits.lines / PARTS).max(1)
            || age(segment, now) >= self.limits.age / 8
    }

    fn begin(&mut self, now: Timestamp) -> std::io::Result<File> {
        self.number += 1;
        let path = self.folder.join(format!("{:012}-{:06}.jsonl", now.as_second().max(0), self.number));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path)?;
        self.segments.push_back(Segment { path, bytes: 0, lines: 0, first: now });
        Ok(file)
    }

    fn drop_oldest(&mut self) {
        let Some(segment) = self.segments.pop_front() else { return };
        if self.segments.is_empty() {
            self.open = None;
        }
        // One that is gone already is what was wanted; one that stays is found again at the next start.
        std::fs::remove_file(&segment.path).unwrap_or_default();
    }

    fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    fn lines(&self) -> u64 {
        self.segments.iter().map(|segment| segment.lines).sum()
    }
}

impl Segment {
    /// What stands in a file, and whether its last line was whole; if not, it is taken away.
    fn read(path: PathBuf) -> std::io::Result<(Self, bool)> {
        let first = path.file_stem().and_then(|stem| stem.to_str()?.split('-').next()?.parse().ok());
        let first = first.and_then(|second| Timestamp::from_second(second).ok()).unwrap_or(Timestamp::UNIX_EPOCH);
        let mut segment = Self { path, bytes: 0, lines: 0, first };
        let mut reader = BufReader::new(File::open(&segment.path)?);
        loop {
            let (read, ended) = skip_line(&mut reader)?;
            if !ended {
                if read > 0 {
                    OpenOptions::new().write(true).open(&segment.path)?.set_len(segment.bytes)?;
                }
                return Ok((segment, read == 0));
            }
            segment.bytes += read;
            segment.lines += 1;
        }
    }
}

/// Passes one line; its length, and whether it was ended.
fn skip_line(reader: &mut impl BufRead) -> std::io::Result<(u64, bool)> {
    let mut length = 0;
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok((length, false));
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(buffer.len(), |end| end + 1);
        reader.consume(taken);
        length += taken as u64;
        if end.is_some() {
            return Ok((length, true));
        }
    }
}

fn age(segment: &Segment, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(segment.first)).unwrap_or_default()
}

/// The segments of a folder, oldest first.
fn paths(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_file() && path.extension().is_some_and(|extension| extension == "jsonl") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// The first whole line, looking at the youngest segment first, that `wanted` makes something of. While a shield writes to the
/// folder, a line that is not ended yet is none.
pub(crate) fn find<T>(folder: &Path, mut wanted: impl FnMut(&[u8]) -> Option<T>) -> std::io::Result<Option<T>> {
    let paths = match paths(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    for path in paths.iter().rev() {
        let mut reader = match File::open(path) {
            // It expired meanwhile.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            other => BufReader::new(other?),
        };
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line)? > 0 {
            if let Some(found) = line.strip_suffix(b"\n").and_then(&mut wanted) {
                return Ok(Some(found));
            }
            line.clear();
        }
    }
    Ok(None)
}

/// A folder of ours within the data folder: nobody else may look into it, whatever it was before.
fn private_folder(folder: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
        match std::fs::DirBuilder::new().mode(0o700).create(folder) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))
            }
            other => other,
        }
    }
    #[cfg(not(unix))]
    std::fs::create_dir_all(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    fn limits(bytes: u64, lines: u64) -> Limits {
        Limits { bytes, lines, age: 8 * DAY }
    }

    fn at(day: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + day * 86_400).unwrap()
    }

    fn all(folder: &Path) -> Vec<String> {
        let mut lines = Vec::new();
        find(folder, |line| {
            lines.push(String::from_utf8(line.to_vec()).unwrap());
            None::<()>
        })
        .unwrap();
        lines.sort();
        lines
    }

    #[test]
    fn no_more_bytes_and_lines_are_kept_than_may_be() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("kept");
        let (mut store, _) = Store::open(&folder, limits(1_000, 50)).unwrap();
        for number in 0..500 {
            store.append(format!("{number:09}").as_bytes(), at(0)).unwrap();
            assert!(store.bytes() <= 1_000 && store.lines() <= 50, "{number}");
        }
        let lines = all(&folder);
        assert!(lines.len() > 40 && lines.len() <= 50, "{}", lines.len());
        assert_eq!(lines.last().unwrap(), "000000499");
        assert!(matches!(store.append(&[b'x'; 1_000], at(0)), Err(Error::TooLarge)));
        store.append(&[b'x'; 999], at(0)).unwrap();
        assert_eq!(all(&folder).len(), 1);
    }

    #[test]
    fn no_line_outlives_its_time_and_young_ones_stay() {
        let place = tempfile::tempdir().unwrap();
        let (mut store, _) = Store::open(place.path(), limits(100_000, 1_000)).unwrap();
        for day in 0..20 {
            store.append(day.to_string().as_bytes(), at(day)).unwrap();
        }
        assert_eq!(all(place.path()), ["12", "13", "14", "15", "16", "17", "18", "19"]);
        // What was written by an earlier run expires as well.
        let (mut store, _) = Store::open(place.path(), limits(100_000, 1_000)).unwrap();
        store.expire(at(26));
        assert_eq!(all(place.path()), ["19"]);
    }

    #[test]
    fn a_line_cut_off_by_a_crash_is_told_once_and_harms_no_other() {
        let place = tempfile::tempdir().unwrap();
        let (mut store, cut) = Store::open(place.path(), limits(100_000, 1_000)).unwrap();
        assert_eq!(cut, 0);
        store.append(b"whole", at(0)).unwrap();
        drop(store);
        let path = paths(place.path()).unwrap().remove(0);
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"half a li").unwrap();
        assert_eq!(all(place.path()), ["whole"]);
        let (mut store, cut) = Store::open(place.path(), limits(100_000, 1_000)).unwrap();
        assert_eq!(cut, 1);
        store.append(b"next", at(0)).unwrap();
        drop(store);
        let (_, cut) = Store::open(place.path(), limits(100_000, 1_000)).unwrap();
        assert_eq!((cut, all(place.path())), (0, vec!["next".to_owned(), "whole".to_owned()]));
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("kept");
        std::fs::create_dir(&folder).unwrap();
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
        let (mut store, _) = Store::open(&folder, limits(1_000, 10)).unwrap();
        store.append(b"secret", at(0)).unwrap();
        store.settle().unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(mode(&paths(&folder).unwrap()[0]), 0o600);
    }
}
