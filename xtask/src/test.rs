//! `cargo xtask test`: everything that must pass, in order, the same on a laptop and in the continuous integration.
//!
//! A step that cannot run here because a tool is missing says what to install and is counted as skipped; it never looks
//! like a step that passed. All steps run even when an early one fails, so that one run tells everything.

mod cargo;
mod counts;
mod end_to_end;
mod shop;
mod tools;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::help;
use crate::program::{self, Ran};
use crate::task::{Outcome, Task};
use crate::workspace::Workspace;
use crate::{docs, layers, shape};
use counts::Counts;

pub(crate) const TASK: Task = Task {
    name: "test",
    summary: "everything that must pass, in order",
    examples: &[
        ("cargo xtask test", "all steps"),
        ("cargo xtask test format clippy layers", "only these, in their order"),
        ("cargo xtask test end-to-end", "the example application, with the binary as it is built now"),
    ],
    run,
};

/// One step: what it is called and what it does.
struct Step {
    name: &'static str,
    run: fn(&Bench) -> Result<Verdict>,
}

const STEPS: &[Step] = &[
    Step { name: "tools", run: tools::present },
    Step { name: "format", run: cargo::format },
    Step { name: "layers", run: layers_hold },
    Step { name: "shape", run: shape_holds },
    Step { name: "clippy", run: cargo::clippy },
    Step { name: "check-only", run: cargo::check_only },
    Step { name: "tests", run: cargo::tests },
    Step { name: "doc-tests", run: cargo::doc_tests },
    Step { name: "docs", run: docs_are_current },
    Step { name: "shop-python", run: shop::python },
    Step { name: "shop-node", run: shop::node },
    Step { name: "deny", run: cargo::deny },
    Step { name: "cfn-lint", run: shop::lint },
    Step { name: "sam-transform", run: shop::transform },
    Step { name: "end-to-end", run: end_to_end::run },
];

/// How a step ended.
pub(crate) enum Verdict {
    /// With what is worth a word, and the tests it ran.
    Passed(String, Counts),
    /// With everything the reader needs to see.
    Failed(String, Counts),
    /// Could not run here: why, and what would help.
    Skipped(String),
}

impl Verdict {
    fn passed(detail: impl Into<String>) -> Self {
        Self::Passed(detail.into(), Counts::default())
    }

    fn failed(output: impl Into<String>) -> Self {
        Self::Failed(output.into(), Counts::default())
    }

    /// A program that either succeeds without a word or shows what it printed.
    fn of(ran: Ran) -> Self {
        if ran.success { Self::passed("") } else { Self::failed(ran.output) }
    }
}

/// Where steps work.
pub(crate) struct Bench {
    pub(crate) workspace: Workspace,
    /// One file per step, kept until the next run.
    pub(crate) logs: PathBuf,
}

impl Bench {
    /// A command at the root whose output goes to the log of this name.
    pub(crate) fn run(&self, log: &str, command: &mut Command) -> Result<Ran> {
        command.current_dir(&self.workspace.root);
        self.run_where_it_is(log, command)
    }

    /// The same, in the directory the command names itself.
    pub(crate) fn run_where_it_is(&self, log: &str, command: &mut Command) -> Result<Ran> {
        program::logged(command, &self.logs.join(format!("{log}.log")), STEP_LIMIT)
    }

    /// The application that ships with us.
    pub(crate) fn shop(&self) -> PathBuf {
        self.workspace.root.join("examples/shop")
    }
}

/// A step that takes longer hangs.
const STEP_LIMIT: Duration = Duration::from_mins(20);
/// Lines of a failed step that are shown; the whole lies in its log.
const SHOWN: usize = 200;

fn run(arguments: &[String]) -> Result<Outcome> {
    let steps = chosen(arguments)?;
    let workspace = Workspace::load()?;
    let logs = workspace.scratch("logs")?;
    let bench = Bench { workspace, logs };
    let start = Instant::now();
    let mut tally = Tally::default();
    for step in steps {
        perform(step, &bench, &mut tally)?;
    }
    Ok(tally.close(start.elapsed()))
}

fn chosen(arguments: &[String]) -> Result<Vec<&'static Step>> {
    if let Some(word) = arguments.iter().find(|word| !STEPS.iter().any(|step| step.name == word.as_str())) {
        return Err(help::unknown("step", word, STEPS.iter().map(|step| step.name)));
    }
    Ok(STEPS.iter().filter(|step| arguments.is_empty() || arguments.iter().any(|word| word == step.name)).collect())
}

fn perform(step: &Step, bench: &Bench, tally: &mut Tally) -> Result<()> {
    print!("{:<15}", step.name);
    std::io::stdout().flush()?;
    let start = Instant::now();
    // A step that could not do its job has not passed.
    let verdict = (step.run)(bench).unwrap_or_else(|error| Verdict::failed(format!("{error:#}")));
    let took = start.elapsed().as_secs_f64();
    match verdict {
        Verdict::Passed(detail, counts) => {
            println!("passed  {took:>7.1} s  {detail}");
            tally.counts += counts;
        }
        Verdict::Skipped(reason) => {
            println!("skipped {took:>7.1} s  {reason}");
            tally.skipped.push(format!("{}: {reason}", step.name));
        }
        Verdict::Failed(output, counts) => {
            println!("FAILED  {took:>7.1} s");
            println!("{}", tail(&output));
            tally.counts += counts;
            tally.failed.push(step.name);
        }
    }
    Ok(())
}

fn tail(output: &str) -> String {
    let lines: Vec<&str> = output.trim_end().lines().collect();
    let hidden = lines.len().saturating_sub(SHOWN);
    let shown = lines.iter().skip(hidden).map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n");
    if hidden == 0 { shown } else { format!("    ({hidden} lines before these: target/logs)\n{shown}") }
}

/// What all steps came to.
#[derive(Default)]
struct Tally {
    counts: Counts,
    failed: Vec<&'static str>,
    skipped: Vec<String>,
}

impl Tally {
    fn close(&self, took: Duration) -> Outcome {
        println!();
        for reason in &self.skipped {
            println!("not run: {reason}");
        }
        if !self.failed.is_empty() {
            println!("failed steps: {}", self.failed.join(", "));
        }
        println!("{}", self.counts.summary(took));
        println!("{}", self.counts);
        Outcome::passed_if(self.failed.is_empty())
    }
}

fn layers_hold(bench: &Bench) -> Result<Verdict> {
    let (violations, summary) = layers::judge(&bench.workspace)?;
    Ok(if violations.is_empty() { Verdict::passed(summary) } else { Verdict::failed(violations.join("\n")) })
}

fn shape_holds(bench: &Bench) -> Result<Verdict> {
    let report = shape::judge(&bench.workspace)?;
    Ok(if report.violations.is_empty() {
        Verdict::passed(report.summary)
    } else {
        Verdict::failed(format!("{}{}", report.table, report.violations.join("\n")))
    })
}

fn docs_are_current(bench: &Bench) -> Result<Verdict> {
    if let Some(output) = cargo::build(bench)? {
        return Ok(Verdict::failed(output));
    }
    let stale = docs::stale(&bench.workspace)?;
    let lines: Vec<String> = stale.iter().map(ToString::to_string).collect();
    Ok(if lines.is_empty() {
        Verdict::passed("docs/ is what the binary says")
    } else {
        Verdict::failed(format!("{}\nrun `cargo xtask docs`", lines.join("\n")))
    })
}
