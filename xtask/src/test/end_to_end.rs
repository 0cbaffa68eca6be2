//! The example application end to end: the binary as a user starts it, over real sockets, with a function shot under it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{Bench, Verdict, cargo};
use crate::http::{self, Answer, Request};
use crate::program;
use crate::server::{self, Server};

/// A route that the example leaves open.
const PUBLIC: &str = "/products";
/// A route that the example closes, as its table names it.
const PROTECTED: &str = "POST /orders";
/// Starting interpreters on a busy machine.
const READY: Duration = Duration::from_mins(1);
/// Ending them.
const GONE: Duration = Duration::from_secs(30);

/// Everything a first visitor would try, and one thing they would not.
pub(crate) fn run(bench: &Bench) -> Result<Verdict> {
    if let Some(output) = cargo::build(bench)? {
        return Ok(Verdict::failed(output));
    }
    let visit = Visit::prepare(bench)?;
    visit.check_is_clean()?;
    let routes = visit.routes()?;
    let (mut server, address) = visit.serve(&bench.logs.join("serve.log"))?;
    visit.guards(address)?;
    let killed = visit.survives_kills(&mut server, address)?;
    ends_cleanly(&mut server)?;
    Ok(Verdict::passed(format!(
        "{routes} routes; open, closed and token as declared; {killed} kills survived; clean exit"
    )))
}

struct Visit {
    binary: PathBuf,
    shop: PathBuf,
    root: PathBuf,
    /// Keys and logs of this run, so that nothing of the user's own is touched.
    data: PathBuf,
    /// An order as the example's own event shows it.
    order: String,
}

impl Visit {
    fn prepare(bench: &Bench) -> Result<Self> {
        let data = bench.workspace.target.join("end-to-end");
        if data.is_dir() {
            std::fs::remove_dir_all(&data)?;
        }
        let shop = bench.shop();
        Ok(Self { binary: cargo::binary(bench), order: order(&shop)?, shop, root: bench.workspace.root.clone(), data })
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(words).arg(&self.shop).current_dir(&self.root);
        command
    }

    fn check_is_clean(&self) -> Result<()> {
        program::captured(&mut self.command(&["check"])).map(drop).context("`check examples/shop`")
    }

    /// How many routes there are; the open one must be listed as open and the closed one as closed.
    fn routes(&self) -> Result<usize> {
        let text = program::captured(&mut self.command(&["routes", "--format", "json"]))?;
        let table: Value = serde_json::from_str(&text).context("`routes --format json` is no JSON")?;
        let routes = table.get("routes").and_then(Value::as_array).context("the route table has no `routes`")?;
        let authentication = |method: &str, path: &str| {
            let field = |route: &Value, name: &str| route.get(name).and_then(Value::as_str).map(str::to_owned);
            let found = routes.iter().find(|route| {
                field(route, "method").as_deref() == Some(method) && field(route, "path").as_deref() == Some(path)
            });
            found.and_then(|route| field(route, "authentication"))
        };
        ensure!(
            authentication("GET", PUBLIC).as_deref() == Some("none"),
            "`GET {PUBLIC}` is not listed as open: {text}"
        );
        let (method, path) = protected();
        let closed = authentication(method, path).with_context(|| format!("`{PROTECTED}` is not listed: {text}"))?;
        ensure!(closed != "none", "`{PROTECTED}` is listed as open");
        Ok(routes.len())
    }

    fn serve(&self, log: &Path) -> Result<(Server, SocketAddr)> {
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0"]);
        let mut server = Server::start(command.arg("--data").arg(&self.data), log)?;
        let address = server.wait_until("printed address", READY, |server| server::address(&server.printed()))?;
        Ok((server, address))
    }

    /// Open is open, closed is closed, and the token that the binary prints opens it.
    fn guards(&self, address: SocketAddr) -> Result<()> {
        expect(&http::once(address, &Request::to(PUBLIC))?, 200..=200, "the open route")?;
        expect(&self.place_order(address, None)?, 401..=401, "the closed route without a token")?;
        expect(&self.place_order(address, Some("e30.e30.e30"))?, 401..=401, "the closed route with a made-up token")?;
        expect(&self.place_order(address, Some(&self.token()?))?, 200..=299, "the closed route with a token")
    }

    fn token(&self) -> Result<String> {
        let mut command = self.command(&["token", "--route", PROTECTED]);
        let printed = program::captured(command.arg("--data").arg(&self.data))?;
        let token = printed.split_whitespace().last().context("`token` printed nothing")?;
        Ok(token.to_owned())
    }

    fn place_order(&self, address: SocketAddr, token: Option<&str>) -> Result<Answer> {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
        let (method, path) = protected();
        Ok(http::once(address, &Request { method, path, headers: &headers, body: self.order.as_bytes() })?)
    }

    /// Kills every process behind the shield, one by one. A visitor whose event a dying process had already taken hears of
    /// it, as from the platform; those who come when it is dead must not notice anything.
    fn survives_kills(&self, server: &mut Server, address: SocketAddr) -> Result<usize> {
        let token = self.token()?;
        let mut killed = 0;
        // A process may have gone by itself when its turn comes.
        for function in server.descendants().into_iter().filter(|function| server::runs(*function)) {
            server::signal(function, "KILL")?;
            server.wait_until("death of what was killed", GONE, |_| (!server::runs(function)).then_some(()))?;
            killed += 1;
            expect(&http::once(address, &Request::to(PUBLIC))?, 200..=299, "the open route after a kill")?;
            expect(&self.place_order(address, Some(&token))?, 200..=299, "the closed route after a kill")?;
        }
        ensure!(killed > 0, "no function runs behind the shield");
        Ok(killed)
    }
}

fn ends_cleanly(server: &mut Server) -> Result<()> {
    let functions = server.descendants();
    let status = server.terminate(GONE)?;
    ensure!(status.success(), "after SIGTERM the server ended with {status}; it printed:\n{}", server.printed());
    let left: Vec<&u32> = functions.iter().filter(|function| server::runs(**function)).collect();
    ensure!(left.is_empty(), "functions outlived the server: {left:?}");
    Ok(())
}

fn expect(answer: &Answer, wanted: std::ops::RangeInclusive<u16>, what: &str) -> Result<()> {
    ensure!(wanted.contains(&answer.status), "{what} answers {}, not {wanted:?}: {}", answer.status, answer.text());
    Ok(())
}

fn protected() -> (&'static str, &'static str) {
    PROTECTED.split_once(' ').unwrap_or((PROTECTED, "/"))
}

fn order(shop: &Path) -> Result<String> {
    let path = shop.join("events/place-order.json");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let event: Value = serde_json::from_str(&text)?;
    let body = event.get("body").and_then(Value::as_str).context("`events/place-order.json` has no body")?;
    Ok(body.to_owned())
}
