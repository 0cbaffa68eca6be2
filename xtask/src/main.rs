//! Developer tasks, run as `cargo xtask TASK`.
//!
//! Whatever a change must satisfy is one of these tasks, so that a laptop and the continuous integration run the same
//! thing. Adding a task is one file with a `TASK` and one line in the list below.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a developer tool talks on the terminal")]

mod bench;
mod compat;
mod data;
mod dist;
mod docs;
mod exam;
mod fixes;
mod help;
mod http;
mod layers;
mod mutate;
mod peers;
mod precision;
mod program;
mod server;
mod shape;
mod task;
mod test;
mod workspace;

use std::process::ExitCode;

use task::{Outcome, Task};

/// Every task, in the order `help` shows them.
const TASKS: &[Task] = &[
    test::TASK,
    layers::TASK,
    shape::TASK,
    docs::TASK,
    data::TASK,
    dist::TASK,
    bench::TASK,
    fixes::TASK,
    precision::TASK,
    mutate::TASK,
    compat::TASK,
    help::TASK,
];

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let name = words.next().unwrap_or_else(|| "help".to_owned());
    let arguments: Vec<String> = words.collect();
    match perform(&name, &arguments) {
        Ok(Outcome::Passed) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn perform(name: &str, arguments: &[String]) -> anyhow::Result<Outcome> {
    let asks_for_help = arguments.iter().any(|word| word == "--help" || word == "-h");
    match TASKS.iter().find(|task| task.name == name) {
        Some(task) if asks_for_help => help::describe(task),
        Some(task) => (task.run)(arguments),
        None if name == "--help" || name == "-h" => (help::TASK.run)(arguments),
        None => Err(help::unknown("task", name, TASKS.iter().map(|task| task.name))),
    }
}
