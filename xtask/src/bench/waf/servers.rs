//! The two servers, what their processes cost, and the load on them.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::Standing;
use super::rules::Peer;
use crate::http::Connection;
use crate::program;
use crate::server::{self, Server};
use crate::workspace::Workspace;

use super::shapes::Asked;

/// Connections that are asked on at once.
const CLIENTS: usize = 4;
/// No single answer takes longer.
const LIMIT: Duration = Duration::from_secs(20);
/// Loading the rules takes a moment.
const READY: Duration = Duration::from_mins(1);
/// Ticks per second in which the kernel tells CPU time; the same on every Linux that matters.
const TICKS: f64 = 100.0;

/// A server that looks at requests.
pub(super) struct Guarded {
    pub(super) name: &'static str,
    address: SocketAddr,
    server: Server,
    /// What stands behind it, where that is a process of its own.
    behind: Option<Server>,
    standing: Standing,
}

/// One round on one server.
pub(super) struct Driven {
    /// CPU time of the server per answer.
    pub(super) microseconds: f64,
    /// The status of every request, 0 where it was not sent.
    statuses: Vec<u16>,
}

impl Driven {
    /// The part of the requests that was refused.
    #[expect(clippy::cast_precision_loss, reason = "a few thousand requests")]
    pub(super) fn refused(&self) -> f64 {
        let sent = self.statuses.iter().filter(|status| **status != 0).count();
        self.statuses.iter().filter(|status| **status == 403).count() as f64 / sent.max(1) as f64
    }

    /// Requests that were refused by one and not by the other.
    pub(super) fn decided_otherwise(&self, other: &Self) -> usize {
        let both = self.statuses.iter().zip(&other.statuses).filter(|(left, right)| **left != 0 && **right != 0);
        both.filter(|(left, right)| (**left == 403) != (**right == 403)).count()
    }
}

impl Guarded {
    /// nginx with the module, in front of an nginx that says yes to everything.
    pub(super) fn peer(peer: &Peer, rules: &Path, place: &Path) -> Result<Self> {
        let back = free_address()?;
        let yes = format!("server {{ listen {back}; location / {{ return 200 'ok'; }} }}");
        let behind = nginx(peer, "behind", &yes, back, place)?;
        let front = free_address()?;
        let guarded = format!(
            "upstream behind {{ server {back}; keepalive 16; }}\n\
             server {{ listen {front}; modsecurity on; modsecurity_rules_file {}; location / {{ proxy_pass http://behind; \
             proxy_http_version 1.1; proxy_set_header Connection ''; proxy_set_header Host $host; }} }}",
            rules.display()
        );
        let server = nginx(peer, "guarded", &guarded, front, place)?;
        Self::standing_at("nginx + libmodsecurity", front, server, Some(behind), String::new())
    }

    /// Our gateway, in front of a function that is none, once with the rules and once with none at all.
    pub(super) fn ours(workspace: &Workspace, rules: &Path, place: &Path) -> Result<[Self; 2]> {
        let none = place.join("no-rules.conf");
        std::fs::write(&none, "SecRuleEngine Off\n")?;
        let mut command = program::cargo();
        command.args(["build", "--release", "--locked", "--package", "brigandine-gateway", "--example", "null"]);
        program::watched(command.current_dir(&workspace.root))?;
        let binary = workspace.target.join("release/examples/null");
        Ok([
            Self::gateway("brigandine gateway", &binary, rules, place)?,
            Self::gateway("gateway, no rules", &binary, &none, place)?,
        ])
    }

    fn gateway(name: &'static str, binary: &Path, rules: &Path, place: &Path) -> Result<Self> {
        let log = place.join(format!("{}.log", name.replace([' ', ','], "-")));
        let mut server = Server::start(Command::new(binary).arg(rules), &log)?;
        let address = server.wait_until("printed address", READY, |server| server::address(&server.printed()))?;
        let printed = server.printed();
        // Both need what lies outside a request: a list on the network, a map of addresses. The peer has neither as installed.
        let known = |note: &&str| note.contains("`@rbl`") || note.contains("`@geoLookup`");
        if let Some(note) = printed.lines().filter(|line| line.starts_with("note: ")).find(|note| !known(note)) {
            bail!("a rule is not active: {note}");
        }
        let said = printed.lines().next().unwrap_or_default().to_owned();
        Self::standing_at(name, address, server, None, said)
    }

    fn standing_at(
        name: &'static str,
        address: SocketAddr,
        server: Server,
        behind: Option<Server>,
        said: String,
    ) -> Result<Self> {
        let standing = Standing {
            server: name,
            ready_cpu_milliseconds: cpu(&server)? / 1_000.0,
            resident_megabytes: resident(&server)?,
            resident_megabytes_after: 0.0,
            said,
        };
        Ok(Self { name, address, server, behind, standing })
    }

    /// What it took to be ready, and what it holds now; then it ends.
    pub(super) fn standing(self) -> Standing {
        let resident_megabytes_after = resident(&self.server).unwrap_or_default();
        drop(self.behind);
        Standing { resident_megabytes_after, ..self.standing }
    }

    /// Sends the requests, again from the first one after the last, for so long.
    #[expect(clippy::cast_precision_loss, reason = "a count of answers is far below 2^52")]
    pub(super) fn drive(&mut self, requests: &[Asked], time: Duration) -> Result<Driven> {
        let (next, start) = (AtomicUsize::new(0), Instant::now());
        let before = cpu(&self.server)?;
        let clients: Vec<Result<Vec<(usize, u16)>>> = std::thread::scope(|scope| {
            let client = || client(self.address, requests, &next, || start.elapsed() < time);
            let running: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
            running.into_iter().filter_map(|client| client.join().ok()).collect()
        });
        let spent = cpu(&self.server)? - before;
        let mut statuses = vec![0; requests.len()];
        let mut answers = 0_usize;
        for answered in clients {
            for (place, status) in answered.with_context(|| format!("{} failed under the load", self.name))? {
                answers += 1;
                if let Some(known) = statuses.get_mut(place) {
                    *known = status;
                }
            }
        }
        if answers == 0 {
            bail!("{} gave no answer within {} s", self.name, time.as_secs());
        }
        if let Some(odd) = statuses.iter().find(|status| !matches!(**status, 0 | 200 | 403)) {
            bail!("{} answered {odd} to a request of the bench", self.name);
        }
        Ok(Driven { microseconds: spent / answers as f64, statuses })
    }
}

/// Takes one request after the other from all that are left, on one connection as long as it is kept.
fn client(
    address: SocketAddr,
    requests: &[Asked],
    next: &AtomicUsize,
    go_on: impl Fn() -> bool,
) -> Result<Vec<(usize, u16)>> {
    let mut answered = Vec::new();
    let mut kept: Option<Connection> = None;
    while go_on() {
        let place = next.fetch_add(1, Ordering::Relaxed) % requests.len().max(1);
        let Some(request) = requests.get(place) else { break };
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => Connection::open(address, LIMIT)?,
        };
        let answer = connection.send(&request.as_request().request())?;
        answered.push((place, answer.status));
        kept = answer.kept.then_some(connection);
    }
    Ok(answered)
}

/// Starts an nginx with one worker.
fn nginx(peer: &Peer, name: &str, servers: &str, address: SocketAddr, place: &Path) -> Result<Server> {
    let folder = place.join(name);
    std::fs::create_dir_all(&folder)?;
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary = temporary.map(|kind| format!("{kind}_temp_path {}/{kind};", folder.display())).concat();
    // A worker of another user could not read what lies in the folder of the one who builds.
    let user = program::captured(Command::new("id").arg("-u"))?.trim() == "0";
    let text = format!(
        "load_module {};\n{}worker_processes 1;\ndaemon off;\npid {folder}/pid;\nerror_log {folder}/error.log error;\n\
         events {{ worker_connections 256; }}\nhttp {{ access_log off; {temporary} keepalive_requests 10000000; \
         client_body_buffer_size 256k; client_max_body_size 16m;\n{servers}\n}}\n",
        peer.module,
        if user { "user root;\n" } else { "" },
        folder = folder.display()
    );
    let file = folder.join("nginx.conf");
    std::fs::write(&file, text)?;
    let mut command = Command::new(&peer.nginx);
    command.arg("-e").arg(folder.join("error.log")).arg("-c").arg(&file);
    let mut server = Server::start(&mut command, &folder.join("log"))?;
    server.wait_until("open port", READY, |server| {
        let worker = !server.descendants().is_empty();
        (worker && TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok()).then_some(())
    })?;
    Ok(server)
}

/// Microseconds of CPU of a server and everything it started, ended threads included.
fn cpu(server: &Server) -> Result<f64> {
    let mut ticks = 0;
    for process in server.processes() {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).context("the server has ended")?;
        ticks += spent(&stat).context("the kernel tells no CPU time")?;
    }
    #[expect(clippy::cast_precision_loss, reason = "a bench runs for minutes")]
    Ok(ticks as f64 * 1e6 / TICKS)
}

/// Fields 14 and 15 of /proc/PID/stat: the second is a name in parentheses that may hold anything, so count from its end.
fn spent(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

/// Megabytes that a server and everything it started hold in memory.
fn resident(server: &Server) -> Result<f64> {
    let mut kilobytes = 0.0;
    for process in server.processes() {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).context("the server has ended")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        kilobytes += line.split_ascii_whitespace().next().and_then(|word| word.parse::<f64>().ok()).unwrap_or_default();
    }
    Ok(kilobytes / 1024.0)
}

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_read_behind_any_name() {
        assert_eq!(spent("17 (a ) b) S 4 17 17 0 -1 4194560 100 0 0 0 250 31 0 0 20 0 1"), Some(281));
        assert_eq!(spent("nonsense"), None);
    }

    #[test]
    fn decisions_are_compared_where_both_decided() {
        let driven = |statuses: &[u16]| Driven { microseconds: 1.0, statuses: statuses.to_vec() };
        let (left, right) = (driven(&[200, 403, 403, 0]), driven(&[200, 200, 403, 403]));
        assert_eq!(left.decided_otherwise(&right), 1);
        assert!((left.refused() - 2.0 / 3.0).abs() < 1e-9);
    }
}
