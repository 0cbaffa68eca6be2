//! `cargo xtask fixes`: every fix, safe or not, on every template of a folder, held against the tools of others.
//!
//! The built program mends a copy of the folder. A template that then says something to the linter of CloudFormation, or to the
//! SAM transform inside it, which it did not say before, is broken: none may be.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

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
/// How long the program may take for all templates.
const CHECK_LIMIT: Duration = Duration::from_mins(10);

/// What is asked.
struct Wish {
    folder: PathBuf,
    profile: String,
    binary: Option<PathBuf>,
}

fn run(arguments: &[String]) -> Result<Outcome> {
    let workspace = Workspace::load()?;
    let mut wish = Wish::from_arguments(&workspace, arguments)?;
    if !wish.folder.is_dir() {
        println!("skipped: there is no folder `{}`", wish.folder.display());
        return Ok(Outcome::Passed);
    }
    let peers = Peers::with(&workspace, &[SAM_TRANSLATOR, CFN_LINT])?;
    if wish.binary.is_none() {
        wish.binary = Some(build(&workspace)?);
    }
    let copy = workspace.scratch("fixes")?.join(&wish.profile);
    if copy.exists() {
        fs::remove_dir_all(&copy)?;
    }
    copy_folder(&wish.folder, &copy)?;
    let share = Share::of(&check(&workspace, &wish, &wish.folder, &["--format", "json"])?.0)?;
    let (_, said) = check(&workspace, &wish, &copy, &["--fix", "--unsafe-fixes", "--format", "concise"])?;
    println!("{}", said.lines().rfind(|line| line.starts_with("fixed ")).unwrap_or("the program said no sum"));
    for line in said.lines().filter(|line| line.contains(": not fixed: ")) {
        println!("{line}");
    }
    println!("{share}");
    let changed = changed(&wish.folder, &copy)?;
    let broken = broken(&workspace, &peers, &wish.folder, &copy, &changed)?;
    for (file, what) in &broken {
        println!("broken: {file}: {what}");
    }
    println!("{} templates changed, {} broken", changed.len(), broken.len());
    Ok(Outcome::passed_if(broken.is_empty()))
}

impl Wish {
    fn from_arguments(workspace: &Workspace, arguments: &[String]) -> Result<Self> {
        let suite = std::env::var_os("BRIGANDINE_SUITE_TEMPLATES")
            .map_or_else(|| workspace.root.join("../shared/suites/templates"), PathBuf::from);
        let mut wish = Self { folder: suite, profile: "recommended".to_owned(), binary: None };
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("`{word}` needs a value"));
            match word.as_str() {
                "--profile" => wish.profile.clone_from(value()?),
                "--binary" => wish.binary = Some(value()?.into()),
                other if other.starts_with('-') => {
                    bail!("there is no option `{other}`; options are --profile and --binary")
                }
                folder => wish.folder = folder.into(),
            }
        }
        if !wish.profile.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            bail!("`{}` is no profile", wish.profile);
        }
        Ok(wish)
    }
}

fn build(workspace: &Workspace) -> Result<PathBuf> {
    let mut cargo = program::cargo();
    cargo.args(["build", "--quiet", "-p", "brigandine"]).current_dir(&workspace.root);
    program::watched(&mut cargo)?;
    Ok(workspace.target.join("debug/brigandine"))
}

/// Standard output and standard error of one run. Templates that cannot be read are no failure here.
fn check(workspace: &Workspace, wish: &Wish, folder: &Path, further: &[&str]) -> Result<(String, String)> {
    let logs = workspace.scratch("logs")?;
    let (out, err) = (logs.join("fixes.out"), logs.join("fixes.err"));
    let mut command = Command::new(wish.binary.as_deref().unwrap_or(Path::new("brigandine")));
    command.arg("check").arg(folder).args(["--profile", &wish.profile]).args(further);
    let mut child = command.stdout(fs::File::create(&out)?).stderr(fs::File::create(&err)?).spawn()?;
    if program::wait(&mut child, CHECK_LIMIT)?.is_none() {
        bail!("the program took too long");
    }
    Ok((fs::read_to_string(out)?, fs::read_to_string(err)?))
}

/// How many findings carry a fix, by severity.
struct Share(BTreeMap<String, (usize, usize)>);

impl Share {
    fn of(json: &str) -> Result<Self> {
        let report: Value = serde_json::from_str(json).context("the program's JSON cannot be read")?;
        let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        for finding in report.get("findings").and_then(Value::as_array).into_iter().flatten() {
            let severity = finding.get("severity").and_then(Value::as_str).unwrap_or_default();
            let count = counts.entry(severity.to_owned()).or_default();
            count.0 += usize::from(finding.get("fix").is_some_and(|fix| !fix.is_null()));
            count.1 += 1;
        }
        Ok(Self(counts))
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
