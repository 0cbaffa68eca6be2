//! `cargo xtask precision`: a sample of findings on real templates for a person to judge, and how many a template has.
//!
//! The same seed on the same templates with the same rules gives the same sample. Judgements are kept in `docs/precision.md`.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::exam::{Exam, findings, text, value};
use crate::task::{Outcome, Task};
use crate::workspace::Workspace;

pub(crate) const TASK: Task = Task {
    name: "precision",
    summary: "a sample of findings on real templates, to be judged by reading the templates",
    examples: &[
        ("cargo xtask precision --seed 1", "60 high or critical and 60 medium findings of the default profile"),
        ("cargo xtask precision --seed 1 --profile strict examples", "the same of all rules, on the examples"),
    ],
    run,
};

/// Findings in each part of the sample.
const SIZE: usize = 60;
/// Findings of one rule in one part, unless the others are too few to fill it.
const MOST_OF_A_RULE: usize = 8;
/// The parts: a name, and the severities that belong to it.
const PARTS: &[(&str, &[&str])] = &[("critical or high", &["critical", "high"]), ("medium", &["medium"])];

fn run(arguments: &[String]) -> Result<Outcome> {
    let workspace = Workspace::load()?;
    let mut seed = 1;
    let mut exam = Exam::from_arguments(&workspace, arguments, |word, words| {
        if word == "--seed" {
            seed = value(word, words)?.parse().context("a seed is a whole number")?;
        }
        Ok(word == "--seed")
    })?;
    if !exam.has_templates() {
        return Ok(Outcome::Passed);
    }
    exam.prepare(&workspace)?;
    let report = exam.report(&workspace)?;
    let root = format!("{}/", exam.folder.display());
    for (name, severities) in PARTS {
        let of_part: Vec<&Value> =
            findings(&report).iter().filter(|finding| severities.contains(&text(finding, "severity"))).collect();
        let (sample, most) = draw(of_part.clone(), seed);
        println!(
            "\n{name}: {} of {} findings, at most {most} of one rule, seed {seed}, profile {}\n",
            sample.len(),
            of_part.len(),
            exam.profile
        );
        println!("| # | template | line | code | severity | message |\n|---|---|---|---|---|---|");
        for (index, finding) in sample.iter().enumerate() {
            println!("{}", row(index + 1, finding, &root));
        }
    }
    println!("\n{}", PerTemplate::of(&report));
    Ok(Outcome::Passed)
}

/// Shuffles, then takes from the front what its rule still has room for. Where that does not fill the sample, every rule gets
/// room for one more. With the sample goes the room each rule had in the end.
fn draw(mut from: Vec<&Value>, seed: u64) -> (Vec<&Value>, usize) {
    from.sort_by_key(|finding| place(finding));
    shuffle(&mut from, seed);
    let mut most = MOST_OF_A_RULE;
    loop {
        let mut taken: BTreeMap<&str, usize> = BTreeMap::new();
        let mut sample: Vec<&Value> = Vec::with_capacity(SIZE);
        for &finding in &from {
            let of_rule = taken.entry(text(finding, "code")).or_default();
            *of_rule += 1;
            if *of_rule <= most && sample.len() < SIZE {
                sample.push(finding);
            }
        }
        if sample.len() >= SIZE.min(from.len()) {
            sample.sort_by_key(|finding| place(finding));
            return (sample, most);
        }
        most += 1;
    }
}

/// What tells one finding from another, by its code first.
fn place(finding: &Value) -> (&str, &str, Option<u64>, &str) {
    let line = finding.get("line").and_then(Value::as_u64);
    (text(finding, "code"), text(finding, "file"), line, text(finding, "fingerprint"))
}

/// Fisher and Yates' way, with numbers of Steele, Lea and Flood's `SplitMix64`. The leaning of the remainder is far below what
/// a sample of this size could show.
fn shuffle(list: &mut [&Value], mut state: u64) {
    for last in (1..list.len()).rev() {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut number = state;
        number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        number ^= number >> 31;
        let among = u64::try_from(last).unwrap_or(u64::MAX).saturating_add(1);
        list.swap(last, usize::try_from(number % among).unwrap_or_default());
    }
}

fn row(number: usize, finding: &Value, root: &str) -> String {
    let file = text(finding, "file");
    let file = file.split_once(root).map_or(file, |(_, below)| below);
    let line = finding.get("line").and_then(Value::as_u64).unwrap_or_default();
    let words = [text(finding, "title"), text(finding, "message")].join(": ").replace('|', "\\|");
    format!("| {number} | {file} | {line} | {} | {} | {words} |", text(finding, "code"), text(finding, "severity"))
}

/// How many findings a template has; those without any count too.
struct PerTemplate(Vec<usize>);

impl PerTemplate {
    fn of(report: &Value) -> Self {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for finding in findings(report) {
            *counts.entry(text(finding, "file")).or_default() += 1;
        }
        let templates = report.pointer("/summary/templates").and_then(Value::as_u64).unwrap_or_default();
        let clean = usize::try_from(templates).unwrap_or_default().saturating_sub(counts.len());
        let mut sorted: Vec<usize> = std::iter::repeat_n(0, clean).chain(counts.into_values()).collect();
        sorted.sort_unstable();
        Self(sorted)
    }

    /// The count that so many of ten templates do not exceed.
    fn tenths(&self, tenths: usize) -> usize {
        let at = (self.0.len().saturating_sub(1) * tenths).div_ceil(10);
        self.0.get(at).copied().unwrap_or_default()
    }
}

impl std::fmt::Display for PerTemplate {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sum: usize = self.0.iter().sum();
        write!(
            out,
            "{sum} findings in {} templates; findings per template: median {}, nine of ten at most {}, most {}",
            self.0.len(),
            self.tenths(5),
            self.tenths(9),
            self.tenths(10)
        )
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn many(code: &str, number: usize) -> Vec<Value> {
        (0..number).map(|line| json!({"code": code, "file": "t.yaml", "line": line, "fingerprint": ""})).collect()
    }

    fn of<'a>(sample: &[&'a Value], code: &str) -> Vec<&'a Value> {
        sample.iter().copied().filter(|finding| text(finding, "code") == code).collect()
    }

    #[test]
    fn a_seed_gives_one_sample_and_another_seed_another() {
        let all = many("A", 500);
        let (first, _) = draw(all.iter().collect(), 1);
        let reversed: Vec<&Value> = all.iter().rev().collect();
        assert_eq!((first.len(), &first), (SIZE, &draw(reversed, 1).0));
        assert_ne!(first, draw(all.iter().collect(), 2).0);
    }

    #[test]
    fn no_rule_takes_more_than_its_room_while_others_fill_the_sample() {
        let all: Vec<Value> = (0..10).flat_map(|rule| many(&format!("R{rule}"), 30)).collect();
        let (sample, most) = draw(all.iter().collect(), 7);
        assert_eq!((sample.len(), most), (SIZE, MOST_OF_A_RULE));
        assert!((0..10).all(|rule| of(&sample, &format!("R{rule}")).len() <= most));
    }

    #[test]
    fn room_grows_where_findings_are_few() {
        let all: Vec<Value> = many("A", 100).into_iter().chain(many("B", 10)).collect();
        let (sample, most) = draw(all.iter().collect(), 3);
        assert_eq!((of(&sample, "A").len(), of(&sample, "B").len(), most), (50, 10, 50));
        let few = many("A", 20);
        assert_eq!(draw(few.iter().collect(), 3).0.len(), 20);
    }

    #[test]
    fn templates_without_findings_count_for_the_median() {
        let report = json!({"findings": many("A", 9), "summary": {"templates": 3}});
        assert_eq!(
            PerTemplate::of(&report).to_string(),
            "9 findings in 3 templates; findings per template: median 0, nine of ten at most 9, most 9"
        );
    }
}
