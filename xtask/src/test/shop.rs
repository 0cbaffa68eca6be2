//! The example application: its own tests, and the two programs that must accept its template.

use std::process::Command;

use anyhow::{Context, Result};

use super::counts::Counts;
use super::{Bench, Verdict};
use crate::peers::{CFN_LINT, Package, Peers, SAM_TRANSLATOR};
use crate::program::Ran;

/// The tests of its Python functions.
pub(crate) fn python(bench: &Bench) -> Result<Verdict> {
    let mut command = Command::new("python3");
    command.args(["-B", "-m", "unittest", "discover", "--start-directory", "tests"]).current_dir(bench.shop());
    let ran = bench.run_where_it_is("shop-python", &mut command)?;
    Ok(counted(Counts::of_unittest(&ran.output), ran))
}

/// The tests of its Node functions.
pub(crate) fn node(bench: &Bench) -> Result<Verdict> {
    let mut command = Command::new("node");
    command.args(["--test", "--test-reporter=tap"]).current_dir(bench.shop());
    let ran = bench.run_where_it_is("shop-node", &mut command)?;
    Ok(counted(Counts::of_tap(&ran.output), ran))
}

fn counted(counts: Counts, ran: Ran) -> Verdict {
    match (ran.success, counts.run()) {
        (true, 0) => Verdict::failed(format!("{}\nno test was run", ran.output)),
        (true, _) => Verdict::Passed(counts.to_string(), counts),
        (false, _) => Verdict::Failed(ran.output, counts),
    }
}

/// cfn-lint has nothing to say about its template.
pub(crate) fn lint(bench: &Bench) -> Result<Verdict> {
    with_peer(bench, CFN_LINT, |peers| {
        bench.run("cfn-lint", Command::new(peers.program("cfn-lint")).arg(bench.shop().join("template.yaml")))
    })
}

/// The official transform turns its template into CloudFormation.
pub(crate) fn transform(bench: &Bench) -> Result<Verdict> {
    with_peer(bench, SAM_TRANSLATOR, |peers| {
        let script = bench.workspace.root.join("xtask/data/transform.py");
        bench.run("sam-transform", peers.python().arg(script).arg(bench.shop().join("template.yaml")))
    })
}

fn with_peer(bench: &Bench, package: Package, run: impl FnOnce(&Peers) -> Result<Ran>) -> Result<Verdict> {
    match Peers::with(&bench.workspace, &[package]) {
        Err(error) => Ok(Verdict::Skipped(format!("{error:#}"))),
        Ok(peers) => {
            let ran = run(&peers).with_context(|| format!("`{}` could not be run", package.name))?;
            let last = ran.output.trim().lines().last().unwrap_or("").to_owned();
            Ok(if ran.success { Verdict::passed(last) } else { Verdict::failed(ran.output) })
        }
    }
}
