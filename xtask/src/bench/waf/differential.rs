//! `bench waf --differential`: do both engines find the same?
//!
//! The rules at their strictest, refusing nothing, on requests of the suites, honest ones and mixtures of them. Every difference
//! belongs to a class (`classes`) that `docs/firewall.md` explains, or it fails the task.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Serialize;

use super::classes::{self, Differing, Gathered};
use super::rules::{Peer, Strictness};
use crate::program;
use crate::task::Outcome;
use crate::workspace::Workspace;

/// Where the classes of differences are explained.
const EXPLAINED: &str = "docs/firewall.md";

/// What one class comes to.
#[derive(Debug, Default, Serialize)]
struct Class {
    requests: BTreeSet<usize>,
    /// How often each rule was found by them alone, and by us alone.
    rules: BTreeMap<u64, [usize; 2]>,
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
    let gathered = classes::read(&std::fs::read(&requests)?)?;
    let classes = classed(&gathered, &our_lines, &their_lines);
    let matches: usize = their_lines.iter().map(BTreeSet::len).sum();
    let differing: BTreeSet<usize> = classes.values().flat_map(|class| class.requests.iter().copied()).collect();
    let alike = count - differing.len();
    println!("{count} requests, {matches} matches of libmodsecurity; on {alike} requests both find exactly the same");
    let text = std::fs::read_to_string(workspace.root.join(EXPLAINED)).unwrap_or_default();
    let mut explained = true;
    for (name, class) in &classes {
        let told = text.contains(&format!("**{name}**"));
        explained &= told;
        println!(
            "{:<26}{:>6} requests{}{class}",
            name,
            class.requests.len(),
            if told { "" } else { ", not explained" }
        );
    }
    let path = place.with_file_name("waf-differential.json");
    std::fs::write(&path, serde_json::to_string_pretty(&classes)?)?;
    println!("{}", workspace.shown(&path));
    Ok(Outcome::passed_if(explained))
}

impl std::fmt::Display for Class {
    /// The rules it touches most, and a request to look at.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut rules: Vec<_> = self.rules.iter().collect();
        rules.sort_by_key(|(_, [theirs, ours])| std::cmp::Reverse(theirs + ours));
        for (rule, [theirs, ours]) in rules.into_iter().take(6) {
            write!(formatter, "; {rule} -{theirs} +{ours}")?;
        }
        self.requests.first().map_or(Ok(()), |request| write!(formatter, "; such as request {request}"))
    }
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

/// Every difference in its class.
fn classed(gathered: &[Gathered], ours: &[BTreeSet<u64>], theirs: &[BTreeSet<u64>]) -> BTreeMap<&'static str, Class> {
    let mut classes: BTreeMap<&'static str, Class> = BTreeMap::new();
    for (number, (request, (ours, theirs))) in gathered.iter().zip(ours.iter().zip(theirs)).enumerate() {
        let mine = ours.difference(theirs).map(|rule| Differing { rule: *rule, only_ours: true });
        let differing: Vec<Differing> =
            theirs.difference(ours).map(|rule| Differing { rule: *rule, only_ours: false }).chain(mine).collect();
        for found in &differing {
            let name = classes::class(request, *found, &differing).unwrap_or("nobody knows why");
            let class = classes.entry(name).or_default();
            class.requests.insert(number);
            let [theirs, ours] = class.rules.entry(found.rule).or_default();
            *(if found.only_ours { ours } else { theirs }) += 1;
        }
    }
    classes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_class_covers_is_told() {
        let gathered = classes::read(&[0; 20]).unwrap();
        let found = classed(&gathered, &[BTreeSet::from([1])], &[BTreeSet::from([2])]);
        assert_eq!(found["nobody knows why"].rules, BTreeMap::from([(1, [0, 1]), (2, [1, 0])]));
    }
}
