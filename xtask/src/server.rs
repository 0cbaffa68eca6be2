//! A server under test: started by us, read through its log, never left behind.

use std::fs::File;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::program;

/// A child process and everything it started; all of it is killed when this value is dropped.
pub(crate) struct Server {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Server {
    /// Starts `command` with both streams in the file `log`.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let file = File::create(log).with_context(|| format!("cannot write `{}`", log.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("cannot start `{name}`"))?;
        Ok(Self { name, child, log: log.to_owned() })
    }

    /// Everything the server printed so far.
    pub(crate) fn printed(&self) -> String {
        std::fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// Asks `look` again and again until it finds something, the server ends, or `limit` has passed.
    pub(crate) fn wait_until<T>(
        &mut self,
        what: &str,
        limit: Duration,
        mut look: impl FnMut(&Self) -> Option<T>,
    ) -> Result<T> {
        let start = Instant::now();
        loop {
            if let Some(found) = look(self) {
                return Ok(found);
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("`{}` ended ({status}) before {what}; it printed:\n{}", self.name, self.printed());
            }
            if start.elapsed() > limit {
                bail!("`{}`: no {what} within {} s; it printed:\n{}", self.name, limit.as_secs(), self.printed());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Asks the server to end, and waits for it.
    pub(crate) fn terminate(&mut self, limit: Duration) -> Result<ExitStatus> {
        signal(self.child.id(), "TERM")?;
        let ended = program::wait(&mut self.child, limit)?;
        ended.with_context(|| {
            format!(
                "`{}` was still running {} s after SIGTERM; it printed:\n{}",
                self.name,
                limit.as_secs(),
                self.printed()
            )
        })
    }

    /// The server's own process and everything it started.
    pub(crate) fn processes(&self) -> Vec<u32> {
        std::iter::once(self.child.id()).chain(self.descendants()).collect()
    }

    /// Processes the server started, and those they started.
    pub(crate) fn descendants(&self) -> Vec<u32> {
        descendants(self.child.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let below = self.descendants();
        // A process that is gone already is what we want; there is nobody to tell about the rest.
        drop(self.child.kill());
        drop(self.child.wait());
        for process in below {
            drop(signal(process, "KILL"));
        }
    }
}

/// Sends a signal by its name; an error when there is no such process.
pub(crate) fn signal(process: u32, name: &str) -> Result<()> {
    // `kill` is built into every shell; as a program of its own it may be missing.
    program::captured(Command::new("sh").args(["-c", &format!("kill -{name} {process}")])).map(drop)
}

/// The address a server printed, once somebody listens there: what it prints about other endpoints is passed over.
pub(crate) fn address(printed: &str) -> Option<SocketAddr> {
    let listens = |address: &SocketAddr| TcpStream::connect_timeout(address, Duration::from_secs(1)).is_ok();
    addresses(printed).find(listens)
}

/// Loopback addresses as `http://127.0.0.1:PORT`, each once it is printed whole.
fn addresses(printed: &str) -> impl Iterator<Item = SocketAddr> {
    printed.split("http://").skip(1).filter_map(|rest| {
        let end = rest.find(|letter: char| !letter.is_ascii_digit() && !matches!(letter, '.' | ':'))?;
        let address: SocketAddr = rest.get(..end)?.trim_end_matches(['.', ':']).parse().ok()?;
        (address.ip().is_loopback() && address.port() != 0).then_some(address)
    })
}

/// The process is there and has not ended.
pub(crate) fn runs(process: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| parent(&stat).is_some())
}

fn descendants(root: u32) -> Vec<u32> {
    let parents = parents();
    let mut found = vec![root];
    let mut place = 0;
    while let Some(&current) = found.get(place) {
        found.extend(parents.iter().filter(|(_, parent)| *parent == current).map(|(process, _)| *process));
        place += 1;
    }
    found.split_off(1)
}

/// Every process with its parent; empty where there is no /proc.
fn parents() -> Vec<(u32, u32)> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let process = path.file_name()?.to_str()?.parse().ok()?;
            Some((process, parent(&std::fs::read_to_string(path.join("stat")).ok()?)?))
        })
        .collect()
}

/// The fourth field of /proc/PID/stat; the second is a name in parentheses that may hold anything, so count from its end.
/// A process that has ended and only waits to be collected counts as gone.
fn parent(stat: &str) -> Option<u32> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    match fields.next()? {
        "Z" | "X" => None,
        _ => fields.next()?.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_once_they_are_whole() {
        let found = |printed| addresses(printed).map(|address| address.port()).collect::<Vec<_>>();
        assert_eq!(found("ready: http://127.0.0.1:40"), Vec::<u16>::new(), "the line is not finished");
        assert_eq!(found("http://127.0.0.1:0/\nat http://127.0.0.1:41, or http://127.0.0.1:42\u{1b}[0m\n"), [41, 42]);
        assert_eq!(found("endpoint http://10.0.0.1:80/ and http://example.com/\n"), Vec::<u16>::new());
    }

    #[test]
    fn an_address_counts_when_somebody_listens() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let here = listener.local_addr().unwrap();
        assert_eq!(address(&format!("not http://127.0.0.1:1/ but http://{here}/\n")), Some(here));
    }

    #[test]
    fn the_parent_is_read_behind_any_name() {
        assert_eq!(parent("17 (a ) b) S 4 17 17 0"), Some(4));
        assert_eq!(parent("17 (gone) Z 4 17 17 0"), None);
        assert_eq!(parent("nonsense"), None);
    }
}
