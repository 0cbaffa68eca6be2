//! `cargo xtask fixes`: every fix, safe or not, on every template of a folder, held against the tools of others.
//!
//! The built program mends a copy of the folder. A template that then says something to the linter of CloudFormation, or to the
//! SAM transform inside it, which it did not say before, is broken: none may be.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::Value;

use crate::exam::{Exam, findings, text};
use crate::peers::{CFN_LINT, Peers, SAM_TRANSLATOR};
use crate::program;
use crate::task::{Outcome, Task};
use crate::workspace::Workspace;

pub(crate) const TASK: Task = Task {
    name: "fixes",
    summary: "all fixes on real templates, held against cfn-lint and the SAM transform",
    examples: &[
        ("cargo xtask fixes", "the templates of the suite, in the default profile"),
        ("cargo xtask fixes --profile launch-day examples", "hardening, on the examples"),
    ],
    run,
};

/// How long the linter may take for all templates.
const LINT_LIMIT: Duration = Duration::from_hours(1);

fn run(arguments: &[String]) -> Result<Outcome> {
    let workspace = Workspace::load()?;
    let mut exam = Exam::from_arguments(&workspace, arguments, |_, _| Ok(false))?;
    if !exam.has_templates() {
        return Ok(Outcome::Passed);
    }
    let peers = Peers::with(&workspace, &[SAM_TRANSLATOR, CFN_LINT])?;
    exam.prepare(&workspace)?;
    let copy = workspace.scratch("fixes")?.join(&exam.profile);
    if copy.exists() {
        fs::remove_dir_all(&copy)?;
    }
    copy_folder(&exam.folder, &copy)?;
    let share = Share::of(&exam.report(&workspace)?);
    let (_, said) = exam.check(&workspace, &copy, &["--fix", "--unsafe-fixes", "--format", "concise"])?;
    println!("{}", said.lines().rfind(|line| line.starts_with("fixed ")).unwrap_or("the program said no sum"));
    for line in said.lines().filter(|line| line.contains(": not fixed: ")) {
        println!("{line}");
    }
    println!("{share}");
    let changed = changed(&exam.folder, &copy)?;
    let broken = broken(&workspace, &peers, &exam.folder, &copy, &changed)?;
    for (file, what) in &broken {
        println!("broken: {file}: {what}");
    }
    println!("{} templates changed, {} broken", changed.len(), broken.len());
    Ok(Outcome::passed_if(broken.is_empty()))
}

/// How many findings carry a fix, by severity.
struct Share(BTreeMap<String, (usize, usize)>);

impl Share {
    fn of(report: &Value) -> Self {
        let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        for finding in findings(report) {
            let count = counts.entry(text(finding, "severity").to_owned()).or_default();
            count.0 += usize::from(finding.get("fix").is_some_and(|fix| !fix.is_null()));
            count.1 += 1;
        }
        Self(counts)
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "findings that carry a fix:")?;
        for severity in ["critical", "high", "medium", "low", "info"] {
            let (with, all) = self.0.get(severity).copied().unwrap_or_default();
            let percent = (with * 100).checked_div(all).unwrap_or(100);
            write!(out, " {severity} {with}/{all} ({percent} %)")?;
        }
        Ok(())
    }
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// The files that are not what they were, relative to the folder.
fn changed(before: &Path, after: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(after.join(&folder))? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                open.push(path);
            } else if fs::read(before.join(&path)).ok() != Some(fs::read(entry.path())?) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Lints what changed; a template that is clean now needs no look at what it was. The linter runs AWS's own SAM transform first
/// and tells its refusal as E0001.
const LINTER: &str = r"
import collections, json, sys
from pathlib import Path
from cfnlint.api import lint_file

def said(path):
    try:
        return collections.Counter((match.rule.id, match.message) for match in lint_file(Path(path)))
    except Exception as fault:
        return collections.Counter({('E0000', repr(fault)): 1})

def ids(counter):
    total = collections.Counter()
    for (rule, _), count in counter.items():
        total[rule] += count
    return total

before, after = sys.argv[1], sys.argv[2]
for name in Path(sys.argv[3]).read_text().splitlines():
    now = said(f'{after}/{name}')
    new = {}
    if now:
        then = said(f'{before}/{name}')
        new = ids(now) - ids(then)
    if new:
        words = [f'{rule} {message}' for (rule, message) in now if rule in new and (rule, message) not in then]
        print(json.dumps([name, '; '.join(sorted(words)) or str(dict(new))]), flush=True)
print(json.dumps(None), flush=True)
";

/// The templates about which the linter has more to say than before, with what.
fn broken(
    workspace: &Workspace,
    peers: &Peers,
    before: &Path,
    after: &Path,
    changed: &[PathBuf],
) -> Result<Vec<(String, String)>> {
    let logs = workspace.scratch("logs")?;
    let list = logs.join("fixes.txt");
    let names: Vec<String> = changed.iter().map(|path| path.display().to_string()).collect();
    fs::write(&list, names.join("\n"))?;
    let mut python = peers.python();
    python.args(["-c", LINTER]).args([before, after, &list]).env("AWS_DEFAULT_REGION", "us-east-1");
    let ran = program::logged(&mut python, &logs.join("fixes.log"), LINT_LIMIT)?;
    let lines = ran.output.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let (ends, found): (Vec<_>, Vec<_>) = lines.partition(Value::is_null);
    if ends.is_empty() || !ran.success {
        bail!("the linter did not get to the end: see `{}`", logs.join("fixes.log").display());
    }
    let text = |one: &Value, at: usize| one.get(at).and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(found.iter().map(|one| (text(one, 0), text(one, 1))).collect())
}
