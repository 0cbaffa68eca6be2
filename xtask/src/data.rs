//! `cargo xtask data`: platform facts as data files of our own making.
//!
//! Each file says its source, version and date. A script under `xtask/data` draws it from a pinned package; this task runs
//! the scripts and says how much changed. A file whose facts are the same keeps its old date.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::peers::{CFN_LINT, POLICY_SENTRY, Package, Peers, SAM_TRANSLATOR};
use crate::program;
use crate::task::{Outcome, Task};
use crate::workspace::Workspace;

pub(crate) const TASK: Task = Task {
    name: "data",
    summary: "draws the platform facts from their sources again",
    examples: &[("cargo xtask data", "rewrite the data files, count what changed")],
    run,
};

/// One data file and what makes it.
struct Fact {
    path: &'static str,
    script: &'static str,
    arguments: &'static [&'static str],
    source: Package,
}

const FACTS: &[Fact] = &[
    Fact { path: "crates/iam/data/actions.txt", script: "actions.py", arguments: &["actions"], source: POLICY_SENTRY },
    Fact {
        path: "crates/iam/data/managed-policies.json",
        script: "actions.py",
        arguments: &["managed-policies"],
        source: POLICY_SENTRY,
    },
    Fact {
        path: "crates/template/data/policy-templates.json",
        script: "sam.py",
        arguments: &["policy-templates"],
        source: SAM_TRANSLATOR,
    },
    Fact {
        path: "crates/template/data/connector-profiles.json",
        script: "sam.py",
        arguments: &["connector-profiles"],
        source: SAM_TRANSLATOR,
    },
    Fact {
        path: "crates/template/data/managed-policy-names.json",
        script: "sam.py",
        arguments: &["managed-policy-names"],
        source: SAM_TRANSLATOR,
    },
    Fact { path: "crates/rules/data/runtimes.txt", script: "runtimes.py", arguments: &[], source: CFN_LINT },
];

fn run(_: &[String]) -> Result<Outcome> {
    let workspace = Workspace::load()?;
    let peers = Peers::with(&workspace, &[POLICY_SENTRY, SAM_TRANSLATOR, CFN_LINT])?;
    for fact in FACTS {
        let drawn = draw(fact, &peers, &workspace.root)?;
        let path = workspace.root.join(fact.path);
        let present = std::fs::read_to_string(&path).unwrap_or_default();
        let change = Change::between(&present, &drawn);
        if !change.is_none() {
            path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
            std::fs::write(&path, &drawn).with_context(|| format!("cannot write `{}`", path.display()))?;
        }
        println!("{:<47}{change}", fact.path);
    }
    Ok(Outcome::Passed)
}

fn draw(fact: &Fact, peers: &Peers, root: &Path) -> Result<String> {
    let script = root.join("xtask/data").join(fact.script);
    let drawn = program::captured(peers.python().arg(&script).args(fact.arguments))?;
    ensure!(is_dated(&drawn), "`{}` wrote no date", fact.script);
    let source = format!("{} {}", fact.source.name, fact.source.version);
    ensure!(drawn.contains(&source), "`{}` does not name its source, {source}", fact.script);
    Ok(drawn)
}

fn is_dated(text: &str) -> bool {
    text.lines().any(is_date)
}

/// The one line that differs from day to day although the facts are the same.
fn is_date(line: &str) -> bool {
    let line = line.trim_start_matches(['#', ' ', '"']);
    line.strip_prefix("date").is_some_and(|rest| rest.starts_with([':', '"']))
}

/// Lines gained and lost, the date aside.
#[derive(Debug, PartialEq, Eq)]
struct Change {
    gained: usize,
    lost: usize,
}

impl Change {
    fn between(before: &str, after: &str) -> Self {
        let mut balance: BTreeMap<&str, i64> = BTreeMap::new();
        for line in before.lines().filter(|line| !is_date(line)) {
            *balance.entry(line).or_default() -= 1;
        }
        for line in after.lines().filter(|line| !is_date(line)) {
            *balance.entry(line).or_default() += 1;
        }
        let sum = |figures: &mut dyn Iterator<Item = i64>| usize::try_from(figures.sum::<i64>()).unwrap_or_default();
        Self {
            gained: sum(&mut balance.values().copied().filter(|count| *count > 0)),
            lost: sum(&mut balance.values().copied().filter(|count| *count < 0).map(i64::abs)),
        }
    }

    fn is_none(&self) -> bool {
        self.gained == 0 && self.lost == 0
    }
}

impl std::fmt::Display for Change {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_none() {
            formatter.write_str("unchanged")
        } else {
            write!(formatter, "{} lines gained, {} lost", self.gained, self.lost)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_date_alone_is_no_change() {
        assert!(Change::between("# date: 2026-01-01\na\n", "# date: 2026-02-02\na\n").is_none());
        assert!(Change::between("{\n  \"date\": \"2026-01-01\",\n", "{\n  \"date\": \"2026-02-02\",\n").is_none());
    }

    #[test]
    fn lines_are_counted_both_ways() {
        assert_eq!(Change::between("a\nb\nb\n", "b\nc\nd\n"), Change { gained: 2, lost: 2 });
        assert_eq!(Change::between("", "x\n").to_string(), "1 lines gained, 0 lost");
    }

    #[test]
    fn every_fact_has_its_date_line_recognised() {
        assert!(is_dated("# source: x 1\n# date: 2026-01-01\n"));
        assert!(is_dated("{\n  \"date\": \"2026-01-01\"\n}"));
        assert!(!is_dated("data: nothing\ndateless\n"));
    }
}
