//! `cargo xtask help`: the tasks with examples, and the nearest name when one was mistyped.

use anyhow::{Error, Result, anyhow};

use crate::TASKS;
use crate::task::{Outcome, Task};

pub(crate) const TASK: Task = Task {
    name: "help",
    summary: "this list, or one task with its examples",
    examples: &[("cargo xtask help", "every task"), ("cargo xtask help bench", "one task")],
    run,
};

fn run(arguments: &[String]) -> Result<Outcome> {
    match arguments.first() {
        None => Ok(list()),
        Some(name) => match TASKS.iter().find(|task| task.name == name) {
            Some(task) => describe(task),
            None => Err(unknown("task", name, TASKS.iter().map(|task| task.name))),
        },
    }
}

fn list() -> Outcome {
    println!("cargo xtask TASK [ARGUMENTS]\n");
    for task in TASKS {
        println!("  {:<8}{}", task.name, task.summary);
    }
    println!("\nExamples");
    for (line, purpose) in TASKS.iter().filter_map(|task| task.examples.first()) {
        println!("  {line:<30}{purpose}");
    }
    println!("\nExit codes: 0 everything holds, 1 something does not, 2 the task could not do its job.");
    Outcome::Passed
}

/// Prints one task with all its examples.
#[expect(clippy::unnecessary_wraps, reason = "ends a chain of tasks that all may fail")]
pub(crate) fn describe(task: &Task) -> Result<Outcome> {
    println!("cargo xtask {}: {}\n", task.name, task.summary);
    for (line, purpose) in task.examples {
        println!("  {line:<48}{purpose}");
    }
    Ok(Outcome::Passed)
}

/// The error for a word that names nothing, with the nearest word that does.
pub(crate) fn unknown<'a>(kind: &str, word: &str, known: impl Iterator<Item = &'a str>) -> Error {
    let known: Vec<&str> = known.collect();
    match nearest(word, &known) {
        Some(near) => anyhow!("there is no {kind} `{word}`; did you mean `{near}`?"),
        None => anyhow!("there is no {kind} `{word}`; there are {}", known.join(", ")),
    }
}

fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let tolerance = word.chars().count().div_ceil(3);
    known
        .iter()
        .map(|candidate| (distance(word, candidate), *candidate))
        .filter(|(far, candidate)| *far <= tolerance || (word.len() >= 2 && candidate.starts_with(word)))
        .min()
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance, one row at a time.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, from) in left.chars().enumerate() {
        let mut next = vec![index + 1];
        for ((to, diagonal), above) in right.iter().zip(&row).zip(row.iter().skip(1)) {
            let before = next.last().copied().unwrap_or_default();
            next.push((diagonal + usize::from(from != *to)).min(above + 1).min(before + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_finds_its_word() {
        assert_eq!(nearest("layer", &["layers", "shape"]), Some("layers"));
        assert_eq!(nearest("shpae", &["layers", "shape"]), Some("shape"));
        assert_eq!(nearest("shap", &["layers", "shape"]), Some("shape"));
        assert_eq!(nearest("deploy", &["layers", "shape"]), None);
    }

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("same", "same"), 0);
    }
}
