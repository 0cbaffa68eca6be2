//! `cargo xtask compat`: unmodified development kits call functions here, and documents arrive as they were sent.
//!
//! The kits are installed below `target`, pinned; where one cannot be had, what it would have proved is skipped, in words.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::peers::{BOTO3, Peers};
use crate::program;
use crate::server::Server;
use crate::task::{Outcome, Task};
use crate::workspace::Workspace;

pub(crate) const TASK: Task = Task {
    name: "compat",
    summary: "unmodified development kits call functions here",
    examples: &[("cargo xtask compat", "boto3 and the kit for JavaScript, on Python, Node and Rust functions")],
    run,
};

/// The development kit for JavaScript.
const KIT: &str = "@aws-sdk/client-lambda@3.1164.0";
/// How long an index that answers slowly may take.
const INSTALL_LIMIT: Duration = Duration::from_mins(7);
/// How long one kit may take.
const CLIENT_LIMIT: Duration = Duration::from_mins(5);
/// Starting on a busy machine.
const READY: Duration = Duration::from_mins(1);
/// What the binary prints before the address.
const ANNOUNCED: &str = "--endpoint-url ";

fn run(_: &[String]) -> Result<Outcome> {
    let workspace = Workspace::load()?;
    let place = workspace.scratch("compat")?;
    let binary = build(&workspace)?;
    let application = application(&workspace, &place)?;
    let mut command = Command::new(binary);
    command.arg("serve").arg(&application).args(["--listen", "127.0.0.1:0", "--invoke-listen", "127.0.0.1:0"]);
    let mut server = Server::start(command.arg("--data").arg(place.join("data")), &place.join("serve.log"))?;
    let endpoint = server.wait_until("printed endpoint", READY, |server| endpoint(&server.printed()))?;
    let clients = workspace.root.join("xtask/fixtures/compat");
    let python = boto3(&workspace, &clients, (&endpoint, &place));
    let node = javascript(&workspace, &clients, (&endpoint, &place));
    let mut holds = true;
    for (name, outcome) in [("boto3", python), ("the kit for JavaScript", node)] {
        match outcome {
            Ok(passed) => holds &= passed,
            Err(error) => println!("skipped: {name}: {error:#}"),
        }
    }
    Ok(Outcome::passed_if(holds))
}

/// The binary as it is now.
fn build(workspace: &Workspace) -> Result<PathBuf> {
    let mut command = program::cargo();
    program::watched(command.args(["build", "--quiet", "--package", "brigandine"]).current_dir(&workspace.root))?;
    Ok(workspace.target.join("debug").join(format!("brigandine{}", std::env::consts::EXE_SUFFIX)))
}

/// The fixture beside the function that has to be compiled.
fn application(workspace: &Workspace, place: &Path) -> Result<PathBuf> {
    let fixtures = workspace.root.join("xtask/fixtures");
    let built = place.join("build");
    let mut command = program::cargo();
    command.args(["build", "--release", "--quiet", "--locked", "--target-dir"]).arg(&built);
    program::watched(command.current_dir(fixtures.join("rust-function")))
        .context("the Rust function cannot be built")?;
    let application = place.join("application");
    for folder in [&application.join("src"), &application.join("bundle")] {
        fs::create_dir_all(folder)?;
    }
    for entry in fs::read_dir(fixtures.join("compat/src"))? {
        let entry = entry?;
        // Interpreters leave folders of their own beside the text.
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), application.join("src").join(entry.file_name()))?;
        }
    }
    fs::copy(fixtures.join("compat/template.yaml"), application.join("template.yaml"))?;
    fs::copy(built.join("release/echo"), application.join("bundle/bootstrap"))?;
    Ok(application)
}

/// The printed address of the endpoint, once it is whole.
fn endpoint(printed: &str) -> Option<String> {
    let (_, rest) = printed.split_once(ANNOUNCED)?;
    let end = rest.find(|letter: char| letter.is_whitespace() || letter == '`')?;
    rest.get(..end).map(str::to_owned)
}

/// Python, with the documents of the suite where they are.
fn boto3(workspace: &Workspace, clients: &Path, (endpoint, place): (&str, &Path)) -> Result<bool> {
    let peers = Peers::with(workspace, &[BOTO3])?;
    let suite = std::env::var_os("BRIGANDINE_SUITE_EVENTS")
        .map_or_else(|| workspace.root.join("../shared/suites/events"), PathBuf::from);
    let mut command = peers.python();
    command.arg("-B").arg(clients.join("boto3_client.py")).arg(endpoint);
    if suite.is_dir() {
        command.arg(&suite);
    } else {
        println!("skipped: there is no suite `events`");
    }
    told("boto3", &mut command, &place.join("boto3.log"))
}

fn javascript(workspace: &Workspace, clients: &Path, (endpoint, place): (&str, &Path)) -> Result<bool> {
    let kit = workspace.scratch("peers-node")?;
    let version = KIT.rsplit_once('@').map_or("", |(_, version)| version);
    let manifest = fs::read_to_string(kit.join("node_modules/@aws-sdk/client-lambda/package.json"));
    if !manifest.is_ok_and(|text| text.contains(&format!("\"version\": \"{version}\""))) {
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]).arg(&kit).arg(KIT);
        if !program::logged(&mut npm, &place.join("npm.log"), INSTALL_LIMIT)?.success {
            bail!("npm cannot install {KIT}");
        }
    }
    let mut command = Command::new("node");
    command.arg(clients.join("sdk_client.mjs")).arg(&kit).arg(endpoint);
    told("the kit for JavaScript", &mut command, &place.join("sdk.log"))
}

/// Runs a client and prints what it has to say; whether everything held.
fn told(name: &str, command: &mut Command, log: &Path) -> Result<bool> {
    let ran = program::logged(command, log, CLIENT_LIMIT)?;
    let is_ours =
        |line: &&str| line.starts_with("failed: ") || line.contains(" passed, ") || line.ends_with(" documents");
    let lines: Vec<&str> = ran.output.lines().filter(is_ours).collect();
    // One that could not even say what failed has failed.
    if lines.is_empty() || !ran.success {
        println!("{name}: {}", if lines.is_empty() { ran.output.as_str() } else { "not everything holds" });
    }
    for line in lines {
        println!("{name}: {line}");
    }
    Ok(ran.success)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoint_is_read_once_it_is_whole() {
        assert_eq!(endpoint("with `--endpoint-url http://127.0.0.1:40"), None);
        assert_eq!(endpoint("with `--endpoint-url http://127.0.0.1:41`\n").as_deref(), Some("http://127.0.0.1:41"));
    }
}
