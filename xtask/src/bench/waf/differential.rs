//! `bench waf --differential`: do both engines find the same?
//!
//! The rules at their strictest, refusing nothing, on requests of the suites, honest ones and mixtures of them. Every request on
//! which the engines disagree is listed by its rule; whoever changes the engine reads `docs/firewall.md`, where each class of
//! difference is explained, and a rule that is not named there fails the task.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Serialize;

use super::rules::{Peer, Strictness};
use crate::program;
use crate::task::Outcome;
use crate::workspace::Workspace;

/// Where the classes of differences are explained.
const EXPLAINED: &str = "docs/firewall.md";

/// How one rule differs.
#[derive(Debug, Default, Serialize)]
struct Difference {
    /// Requests in which only the peer's matched, and only ours.
    only_theirs: Vec<usize>,
    only_ours: Vec<usize>,
}

pub(super) fn run(workspace: &Workspace, place: &Path, count: usize) -> Result<Outcome> {
    let rules = Peer::rules(place, &Strictness { engine: "DetectionOnly", level: 4 })?;
    let ours = ours(workspace)?;
    let theirs = theirs(workspace, place)?;
    let requests = place.join("requests");
    program::watched(Command::new(&ours).arg("gather").arg(&requests).arg(count.to_string()))?;
    let our_lines = lines(Command::new(&ours).arg("run").arg(&rules).arg(&requests))?;
    let their_lines = lines(Command::new(&theirs).arg(&rules).arg(&requests))?;
    if our_lines.len() != count || their_lines.len() != count {
        bail!("{count} requests, but {} and {} answers", our_lines.len(), their_lines.len());
    }
    let differences = differences(&our_lines, &their_lines);
    let matches: usize = their_lines.iter().map(BTreeSet::len).sum();
    let alike = count - requests_that_differ(&differences);
    println!("{count} requests, {matches} matches of libmodsecurity; {alike} requests with exactly the same rules");
    let text = std::fs::read_to_string(workspace.root.join(EXPLAINED)).unwrap_or_default();
    let mut unexplained = 0;
    for (rule, difference) in &differences {
        let explained = text.contains(&format!("`{rule}`"));
        unexplained += usize::from(!explained);
        println!(
            "{rule}: only theirs {} (such as request {:?}), only ours {} (such as {:?}){}",
            difference.only_theirs.len(),
            difference.only_theirs.first(),
            difference.only_ours.len(),
            difference.only_ours.first(),
            if explained { "" } else { ", not explained" }
        );
    }
    let path = place.with_file_name("waf-differential.json");
    std::fs::write(&path, serde_json::to_string_pretty(&differences)?)?;
    println!("{} rules differ, {unexplained} of them unexplained: {}", differences.len(), workspace.shown(&path));
    Ok(Outcome::passed_if(unexplained == 0))
}

/// Builds the example that gathers requests and asks our engine.
fn ours(workspace: &Workspace) -> Result<PathBuf> {
    let mut command = program::cargo();
    command.args(["build", "--release", "--locked", "--package", "brigandine-inspect", "--example", "matched"]);
    program::watched(command.current_dir(&workspace.root))?;
    Ok(workspace.target.join("release/examples/matched"))
}

/// Builds the small program that asks libmodsecurity.
fn theirs(workspace: &Workspace, place: &Path) -> Result<PathBuf> {
    let built = place.join("matched");
    let mut command = Command::new("cc");
    command.args(["-O2", "-o"]).arg(&built).arg(workspace.root.join("xtask/fixtures/matched.c")).arg("-lmodsecurity");
    program::watched(&mut command).context("a C compiler and libmodsecurity-dev are needed")?;
    Ok(built)
}

/// The rules of each line. Rules of the last phase are left out: they only sum up.
fn lines(command: &mut Command) -> Result<Vec<BTreeSet<u64>>> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        bail!("`{}` failed: {}", command.get_program().to_string_lossy(), output.status);
    }
    let text = String::from_utf8(output.stdout).context("rules are numbers")?;
    let rules =
        |line: &str| line.split(' ').filter_map(|word| word.parse().ok()).filter(|rule| *rule < 980_000).collect();
    Ok(text.lines().map(rules).collect())
}

fn differences(ours: &[BTreeSet<u64>], theirs: &[BTreeSet<u64>]) -> BTreeMap<u64, Difference> {
    let mut differences: BTreeMap<u64, Difference> = BTreeMap::new();
    for (request, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        for rule in theirs.difference(ours) {
            differences.entry(*rule).or_default().only_theirs.push(request);
        }
        for rule in ours.difference(theirs) {
            differences.entry(*rule).or_default().only_ours.push(request);
        }
    }
    differences
}

fn requests_that_differ(differences: &BTreeMap<u64, Difference>) -> usize {
    let all = differences.values().flat_map(|found| found.only_theirs.iter().chain(&found.only_ours));
    all.collect::<BTreeSet<_>>().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_one_finds_is_told() {
        let sets = |lists: &[&[u64]]| lists.iter().map(|list| list.iter().copied().collect()).collect::<Vec<_>>();
        let found = differences(&sets(&[&[1, 2], &[3], &[]]), &sets(&[&[1], &[3, 4], &[4]]));
        assert_eq!((found[&2].only_ours.clone(), found[&4].only_theirs.clone()), (vec![0], vec![1, 2]));
        assert_eq!((found.len(), requests_that_differ(&found)), (2, 3));
    }
}
