//! `bench check`: what judging templates costs, beside checkov and cfn-lint on the same files in the same run.
//!
//! Each tool is measured three times over: on one small template, which is its start-up; on one whole application; and on all
//! templates of the suite. What counts is the processor's time and the ratio. Of several runs the least counts: whatever lies
//! above it is what neighbours on the same cores cost; the middle one is told beside it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::peers::{CFN_LINT, CHECKOV, Peers};
use crate::program;
use crate::task::Outcome;
use crate::workspace::Workspace;

/// How long all tools together may take.
const LIMIT: Duration = Duration::from_hours(2);

/// What one template may cost beyond start-up, in milliseconds of CPU.
const MOST_PER_TEMPLATE: f64 = 0.6;
/// What the corpus may cost, in seconds of CPU and in bytes.
const MOST_CPU: f64 = 0.3;
const MOST_MEMORY: f64 = 60e6;
/// What one file may take from the start of the process to its end, in milliseconds.
const MOST_FOR_ONE: f64 = 15.0;

/// The least that is a template: what a tool does for it is its start-up.
const SMALL: &str = "AWSTemplateFormatVersion: '2010-09-09'\nResources:\n  Topic:\n    Type: AWS::SNS::Topic\n";

/// How often each tool runs on the corpus.
pub(crate) struct Effort {
    ours: usize,
    peers: usize,
}

impl Effort {
    pub(crate) fn from_arguments(arguments: &[String]) -> Result<Self> {
        let ours = super::option(arguments, "--rounds")?.unwrap_or(9);
        let alone = arguments.iter().any(|word| word == "--without-peers");
        Ok(Self { ours: usize::try_from(ours)?, peers: usize::from(!alone) })
    }
}

/// Runs commands turn by turn and tells what each cost. The operating system's own account of a child that ended is the
/// only one that misses nothing, and Python is there anyway.
const METER: &str = r"
import json, os, sys, time
for run in json.load(open(sys.argv[1])):
    files = [(os.POSIX_SPAWN_OPEN, 1, run['output'], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644),
             (os.POSIX_SPAWN_OPEN, 2, run['output'] + '.err', os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)]
    environment = {**os.environ, 'LOG_LEVEL': 'ERROR', 'AWS_DEFAULT_REGION': 'us-east-1'}
    start = time.perf_counter()
    child = os.posix_spawn(run['command'][0], run['command'], environment, file_actions=files)
    _, status, usage = os.wait4(child, 0)
    wall = time.perf_counter() - start
    unit = 1 if sys.platform == 'darwin' else 1024
    print(json.dumps({'tool': run['tool'], 'task': run['task'], 'cpu': usage.ru_utime + usage.ru_stime, 'wall': wall,
                      'memory': usage.ru_maxrss * unit, 'code': os.waitstatus_to_exitcode(status)}), flush=True)
";

#[derive(Serialize)]
struct Run {
    tool: &'static str,
    task: Task,
    command: Vec<String>,
    output: PathBuf,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Task {
    Start,
    One,
    Corpus,
}

#[derive(Deserialize)]
struct Measured {
    tool: String,
    task: Task,
    cpu: f64,
    wall: f64,
    memory: f64,
    code: i64,
}

/// What one tool came to.
#[derive(Serialize)]
struct Row {
    tool: &'static str,
    start_cpu_ms: f64,
    one_cpu_ms: f64,
    one_wall_ms: f64,
    one_memory_mb: f64,
    corpus_cpu_s: f64,
    /// The middle of all runs.
    corpus_cpu_s_median: f64,
    corpus_memory_mb: f64,
    cpu_ms_per_template: f64,
    runs_on_corpus: usize,
}

#[derive(Serialize)]
struct Report {
    templates: usize,
    rows: Vec<Row>,
    left_out: Vec<String>,
}

pub(crate) fn run(workspace: &Workspace, effort: &Effort) -> Result<Outcome> {
    let suite = std::env::var_os("BRIGANDINE_SUITE_TEMPLATES")
        .map_or_else(|| workspace.root.join("../shared/suites/templates"), PathBuf::from);
    if !suite.is_dir() {
        println!("skipped: there is no suite at `{}`", suite.display());
        return Ok(Outcome::Passed);
    }
    let binary = build(workspace)?;
    let lint = Peers::with(workspace, &[CFN_LINT])?;
    let checkov = if effort.peers > 0 { Some(Peers::apart(workspace, "peers-checkov", &[CHECKOV])?) } else { None };
    let place = Place::made(workspace, &suite)?;
    let tools = Tools { binary: &binary, lint: &lint, checkov: checkov.as_ref(), place: &place };
    let measured = meter(workspace, &lint, &tools.runs(effort))?;
    let mut report = Report {
        templates: place.files.len(),
        rows: Vec::new(),
        left_out: vec![
            "cfn-guard brings no rules of its own and has to be compiled first, so there is nothing like for like to run"
                .to_owned(),
        ],
    };
    for tool in ["brigandine", "checkov", "cfn-lint"] {
        match row(tool, &measured, place.files.len()) {
            Some(row) => report.rows.push(row),
            None => report.left_out.push(format!("{tool} was not asked for, or did not get through the corpus")),
        }
    }
    let path = workspace.scratch("bench")?.join("check.json");
    fs::write(&path, serde_json::to_string_pretty(&report)?)?;
    print!("{}", told(&report));
    println!("{}", workspace.shown(&path));
    Ok(Outcome::passed_if(report.rows.first().is_some_and(holds)))
}

fn build(workspace: &Workspace) -> Result<PathBuf> {
    let mut cargo = program::cargo();
    cargo.args(["build", "--release", "--quiet", "--locked", "-p", "brigandine"]).current_dir(&workspace.root);
    program::watched(&mut cargo)?;
    Ok(workspace.target.join("release").join(format!("brigandine{}", std::env::consts::EXE_SUFFIX)))
}

/// The templates alone, so that every tool sees the same files and nothing else.
struct Place {
    small: PathBuf,
    one: PathBuf,
    corpus: PathBuf,
    files: Vec<PathBuf>,
    output: PathBuf,
}

impl Place {
    fn made(workspace: &Workspace, suite: &Path) -> Result<Self> {
        let folder = workspace.scratch("bench/check")?;
        let corpus = folder.join("corpus");
        if corpus.exists() {
            fs::remove_dir_all(&corpus)?;
        }
        let index = fs::read_to_string(suite.join("index.csv")).context("the suite has no `index.csv`")?;
        let mut files = Vec::new();
        for row in index.lines() {
            let mut parts = row.splitn(3, ',');
            let (Some(kind), Some(_), Some(path)) = (parts.next(), parts.next(), parts.next()) else { continue };
            if !matches!(kind, "sam" | "cloudformation") || path.split('/').any(|part| part == "..") {
                continue;
            }
            // One template without resources ends the linter's whole run, so none sees those.
            if is_void(&fs::read_to_string(suite.join("patterns").join(path)).unwrap_or_default()) {
                continue;
            }
            let target = corpus.join(path);
            fs::create_dir_all(target.parent().context("a template has no folder")?)?;
            fs::copy(suite.join("patterns").join(path), &target).with_context(|| format!("cannot copy `{path}`"))?;
            files.push(target);
        }
        if files.is_empty() {
            bail!("the suite lists no templates");
        }
        let small = folder.join("small.yaml");
        fs::write(&small, SMALL)?;
        let one = workspace.root.join("examples/shop/template.yaml");
        Ok(Self { small, one, corpus, files, output: folder.join("output") })
    }
}

/// Whether a section of resources or parameters has nothing below it.
fn is_void(text: &str) -> bool {
    let mut lines =
        text.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#')).peekable();
    while let Some(line) = lines.next() {
        let opens = ["Resources:", "Parameters:"].contains(&line.trim_end());
        if opens && lines.peek().is_none_or(|next| !next.starts_with([' ', '-'])) {
            return true;
        }
    }
    false
}

struct Tools<'a> {
    binary: &'a Path,
    lint: &'a Peers,
    checkov: Option<&'a Peers>,
    place: &'a Place,
}

impl Tools<'_> {
    /// Every run, turn by turn: ours before, between and after the others.
    fn runs(&self, effort: &Effort) -> Vec<Run> {
        let mut runs = Vec::new();
        let half = effort.ours.div_ceil(2);
        let ours = |runs: &mut Vec<Run>, times: usize| {
            for _ in 0..times {
                runs.extend([Task::Start, Task::One, Task::One, Task::Corpus].map(|task| self.ours(task)));
            }
        };
        ours(&mut runs, half);
        for _ in 0..effort.peers {
            for task in [Task::Start, Task::Start, Task::One, Task::Corpus] {
                runs.extend(self.checkov(task));
                runs.push(self.lint(task));
            }
        }
        ours(&mut runs, effort.ours - half);
        runs
    }

    fn ours(&self, task: Task) -> Run {
        let mut command = words(self.binary, &["check", "--format", "json"]);
        command.push(self.subject(task).display().to_string());
        self.of("brigandine", task, command)
    }

    fn checkov(&self, task: Task) -> Option<Run> {
        let program = self.checkov?.program("checkov");
        let mut command = words(
            &program,
            &["--framework", "cloudformation", "--skip-download", "--compact", "--quiet", "-o", "json"],
        );
        command.push(if task == Task::Corpus { "-d" } else { "-f" }.to_owned());
        command.push(self.subject(task).display().to_string());
        Some(self.of("checkov", task, command))
    }

    fn lint(&self, task: Task) -> Run {
        let mut command = words(&self.lint.program("cfn-lint"), &["-f", "json", "-t"]);
        match task {
            Task::Corpus => command.extend(self.place.files.iter().map(|file| file.display().to_string())),
            Task::Start | Task::One => command.push(self.subject(task).display().to_string()),
        }
        self.of("cfn-lint", task, command)
    }

    fn subject(&self, task: Task) -> &Path {
        match task {
            Task::Start => &self.place.small,
            Task::One => &self.place.one,
            Task::Corpus => &self.place.corpus,
        }
    }

    fn of(&self, tool: &'static str, task: Task, command: Vec<String>) -> Run {
        Run { tool, task, command, output: self.place.output.clone() }
    }
}

fn words(program: &Path, arguments: &[&str]) -> Vec<String> {
    let program = program.display().to_string();
    std::iter::once(program).chain(arguments.iter().map(|&word| word.to_owned())).collect()
}

fn meter(workspace: &Workspace, peers: &Peers, runs: &[Run]) -> Result<Vec<Measured>> {
    let logs = workspace.scratch("logs")?;
    let list = logs.join("bench-check.json");
    fs::write(&list, serde_json::to_string(runs)?)?;
    let mut python: Command = peers.python();
    python.args(["-c", METER]).arg(&list);
    let ran = program::logged(&mut python, &logs.join("bench-check.log"), LIMIT)?;
    let measured: Vec<Measured> = ran.output.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    if !ran.success || measured.len() != runs.len() {
        bail!("not every run came to its end: see `{}`", logs.join("bench-check.log").display());
    }
    Ok(measured)
}

/// The figures of one tool, of runs that came to their end: the linter sums 2, 4 and 8 for what it found, and a traceback is 1.
fn row(tool: &'static str, measured: &[Measured], templates: usize) -> Option<Row> {
    let of = |task: Task| -> Vec<&Measured> {
        let ended = |code: i64| {
            if tool == "cfn-lint" { code % 2 == 0 && (0..=14).contains(&code) } else { (0..=2).contains(&code) }
        };
        measured.iter().filter(|one| one.tool == tool && one.task == task && ended(one.code)).collect()
    };
    let (start, one, corpus) = (of(Task::Start), of(Task::One), of(Task::Corpus));
    let start_cpu = least(start.iter().map(|run| run.cpu))?;
    let corpus_cpu = least(corpus.iter().map(|run| run.cpu))?;
    #[expect(clippy::cast_precision_loss, reason = "a corpus is far smaller than 2^52 templates")]
    let beyond = (corpus_cpu - start_cpu) / templates.saturating_sub(1).max(1) as f64;
    let most = |runs: &[&Measured]| runs.iter().map(|run| run.memory).fold(0.0, f64::max) / 1e6;
    Some(Row {
        tool,
        start_cpu_ms: start_cpu * 1e3,
        one_cpu_ms: least(one.iter().map(|run| run.cpu))? * 1e3,
        one_wall_ms: least(one.iter().map(|run| run.wall))? * 1e3,
        one_memory_mb: most(&one),
        corpus_cpu_s: corpus_cpu,
        corpus_cpu_s_median: median(corpus.iter().map(|run| run.cpu))?,
        corpus_memory_mb: most(&corpus),
        cpu_ms_per_template: beyond * 1e3,
        runs_on_corpus: corpus.len(),
    })
}

fn least(values: impl Iterator<Item = f64>) -> Option<f64> {
    values.reduce(f64::min)
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

fn holds(row: &Row) -> bool {
    row.cpu_ms_per_template <= MOST_PER_TEMPLATE
        && row.corpus_cpu_s < MOST_CPU
        && row.corpus_memory_mb * 1e6 < MOST_MEMORY
        && row.one_wall_ms < MOST_FOR_ONE
}

fn told(report: &Report) -> String {
    let mut lines = vec![format!(
        "{:<12}{:>14}{:>16}{:>14}{:>14}{:>12}{:>12}",
        "", "start-up CPU", "per template", "corpus CPU", "peak memory", "one, CPU", "one, wall"
    )];
    lines.extend(report.rows.iter().map(figures));
    if let Some((ours, others)) = report.rows.split_first() {
        lines.extend(others.iter().map(|peer| ratios(ours, peer)));
        lines.push(format!(
            "{} templates, least of {} runs (middle: {:.2} s on the corpus); bars {}: {MOST_PER_TEMPLATE} ms per template beyond start-up, {MOST_CPU} s and {} MB on the corpus, \
             {MOST_FOR_ONE} ms for one",
            report.templates,
            ours.runs_on_corpus,
            ours.corpus_cpu_s_median,
            if holds(ours) { "held" } else { "MISSED" },
            MOST_MEMORY / 1e6
        ));
    }
    lines.extend(report.left_out.iter().map(|why| format!("left out: {why}")));
    lines.join("\n") + "\n"
}

fn figures(row: &Row) -> String {
    format!(
        "{:<12}{:>11.1} ms{:>13.3} ms{:>12.2} s{:>11.1} MB{:>9.1} ms{:>9.1} ms",
        row.tool,
        row.start_cpu_ms,
        row.cpu_ms_per_template,
        row.corpus_cpu_s,
        row.corpus_memory_mb,
        row.one_cpu_ms,
        row.one_wall_ms
    )
}

fn ratios(ours: &Row, peer: &Row) -> String {
    format!(
        "{} costs {:.0} times as much CPU per template, {:.0} times on the corpus, {:.0} times on one file",
        peer.tool,
        peer.cpu_ms_per_template / ours.cpu_ms_per_template,
        peer.corpus_cpu_s / ours.corpus_cpu_s,
        peer.one_cpu_ms / ours.one_cpu_ms
    )
}
