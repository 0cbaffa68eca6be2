//! Servers that put the same function behind a door: ours, and the peers we compare it with.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;

use crate::http::{self, Request};
use crate::peers::Peers;
use crate::server::{self, Server};

/// Building a peer's dependencies anew on two cores takes this long at worst.
const READY: Duration = Duration::from_mins(5);
/// Where the emulators take an event as it is.
const INVOCATIONS: &str = "/2015-03-31/functions";

/// A running server and how it wants to be asked.
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    pub(crate) path: String,
    /// The server takes the event itself; ours takes the request and makes the event.
    wants_event: bool,
    /// The server ends when two requests meet in it.
    pub(crate) one_at_a_time: bool,
    /// Lives as long as this value.
    server: Server,
}

impl Contender {
    /// The request body that carries `text` to the function.
    pub(crate) fn wrap(&self, text: &str) -> Vec<u8> {
        if self.wants_event { event(text) } else { text.as_bytes().to_vec() }
    }

    /// Ours: the whole chain, as a user starts it.
    pub(crate) fn ours(binary: &Path, application: &Path, logs: &Path) -> Result<Self> {
        Self::shield("brigandine serve", binary, application, logs)
    }

    /// Ours without the firewall, whose work no peer does: the application is copied into the logs with it switched off.
    pub(crate) fn ours_unlooked(binary: &Path, application: &Path, logs: &Path) -> Result<Self> {
        let logs = logs.join("unlooked");
        let twin = logs.join("application");
        copy(application, &twin)?;
        let settings = twin.join("brigandine.toml");
        std::fs::write(&settings, std::fs::read_to_string(&settings)? + "\n[waf]\nmode = \"off\"\n")?;
        Self::shield("brigandine, waf off", binary, &twin, &logs)
    }

    fn shield(name: &'static str, binary: &Path, application: &Path, logs: &Path) -> Result<Self> {
        let mut command = Command::new(binary);
        command.arg("serve").arg(application).args(["--listen", "127.0.0.1:0", "--data"]).arg(logs.join("data"));
        let mut server = Server::start(&mut command, &logs.join("brigandine.log"))?;
        let address = server.wait_until("printed address", READY, |server| server::address(&server.printed()))?;
        Self { name, address, path: "/echo".to_owned(), wants_event: false, one_at_a_time: false, server }.warmed_up()
    }

    /// The runtime interface emulator around one process of the function.
    pub(crate) fn emulator(peers: &Peers, function: &Function<'_>, logs: &Path) -> Result<Self> {
        let (front, back) = (free_address()?, free_address()?);
        let mut command = Command::new(emulator_binary(peers, logs)?);
        command.args(["--log-level", "error", "--runtime-interface-emulator-address", &front.to_string()]);
        command.args(["--runtime-api-address", &back.to_string()]).args(&function.command).arg(function.handler);
        let server = Server::start(command.current_dir(function.folder), &logs.join("emulator.log"))?;
        let path = format!("{INVOCATIONS}/function/invocations");
        Self { name: "interface emulator", address: front, path, wants_event: true, one_at_a_time: true, server }
            .warmed_up()
    }

    /// `cargo lambda watch` in the function's own folder, with the binary built already.
    pub(crate) fn cargo_lambda(peers: &Peers, project: &Path, built: &Path, logs: &Path) -> Result<Self> {
        let address = free_address()?;
        let mut command = Command::new(peers.program("cargo-lambda"));
        command.args([
            "lambda",
            "watch",
            "--release",
            "--ignore-changes",
            "--concurrency",
            "8",
            "-A",
            "127.0.0.1",
            "-P",
        ]);
        command.arg(address.port().to_string()).current_dir(project).env("CARGO_TARGET_DIR", built);
        let server = Server::start(&mut command, &logs.join("cargo-lambda.log"))?;
        let path = format!("{INVOCATIONS}/echo/invocations");
        Self { name: "cargo lambda watch", address, path, wants_event: true, one_at_a_time: false, server }.warmed_up()
    }

    /// Asks until the first right answer comes.
    fn warmed_up(mut self) -> Result<Self> {
        let headers = [("content-type", "application/json")];
        let body = self.wrap("{\"mark\":\"warm-up\"}");
        let request = Request { method: "POST", path: &self.path, headers: &headers, body: &body };
        let address = self.address;
        let mut last = "no connection".to_owned();
        let waited = self.server.wait_until("right answer", READY, |_| match http::once(address, &request) {
            Ok(answer) if answer.is_success() && answer.text().contains("warm-up") => Some(()),
            Ok(answer) => {
                last = format!("{} {}", answer.status, answer.text());
                None
            }
            Err(error) => {
                last = error.to_string();
                None
            }
        });
        waited.with_context(|| format!("{}: {last}", self.name))?;
        Ok(self)
    }
}

/// Copies a folder of a few files; programs stay programs.
fn copy(from: &Path, into: &Path) -> Result<()> {
    std::fs::create_dir_all(into)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = into.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// A function as the emulator starts it.
pub(crate) struct Function<'a> {
    /// The process that asks for events.
    pub(crate) command: Vec<PathBuf>,
    pub(crate) handler: &'a str,
    pub(crate) folder: &'a Path,
}

/// The event of a request to an HTTP API, in the second format.
fn event(body: &str) -> Vec<u8> {
    let http = json!({ "method": "POST", "path": "/echo", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "bench" });
    json!({
        "version": "2.0", "routeKey": "POST /echo", "rawPath": "/echo", "rawQueryString": "",
        "headers": { "content-type": "application/json", "host": "127.0.0.1" },
        "requestContext": {
            "accountId": "123456789012", "apiId": "api", "domainName": "127.0.0.1", "domainPrefix": "127", "http": http,
            "requestId": "request", "routeKey": "POST /echo", "stage": "$default", "time": "01/Jan/2026:00:00:00 +0000",
            "timeEpoch": 1_767_225_600_000_u64
        },
        "body": body, "isBase64Encoded": false
    })
    .to_string()
    .into_bytes()
}

/// The emulator as its package brings it, copied to where it may be made executable.
fn emulator_binary(peers: &Peers, logs: &Path) -> Result<PathBuf> {
    let machine = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
    let packed = peers.file(&format!("samcli/local/rapid/aws-lambda-rie-{machine}"))?;
    let binary = logs.join("aws-lambda-rie");
    std::fs::copy(&packed, &binary).with_context(|| format!("cannot write `{}`", binary.display()))?;
    #[cfg(unix)]
    std::fs::set_permissions(&binary, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    Ok(binary)
}

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
