//! `cargo xtask shape`: the budget on the tail, which is where codebases rot.
//!
//! Every crate's functions and files are measured outside tests. A function over eighty lines or a file over six hundred
//! fails; the rest of the budget is printed beside the figures, so that a drift is seen before it is a wall.

mod meter;
mod spread;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::task::{Outcome, Task};
use crate::workspace::Workspace;
use meter::{Function, Meter};
use spread::Spread;

pub(crate) const TASK: Task = Task {
    name: "shape",
    summary: "measures functions and files against the shape budget",
    examples: &[("cargo xtask shape", "the table, and whatever is over the budget")],
    run,
};

/// No function is longer than this many lines.
const FUNCTION_WALL: usize = 80;
/// No file is longer than this many lines.
const FILE_WALL: usize = 600;
/// The longest function but one in a hundred.
const FUNCTION_TAIL: usize = 50;
/// The typical function.
const FUNCTION_MIDDLE: usize = 6;
/// The typical file.
const FILE_MIDDLE: usize = 160;
/// More arguments than this are reported, not refused.
const ARGUMENTS: usize = 4;
/// The crate name of the row that has everything.
const ALL: &str = "all";

fn run(_: &[String]) -> Result<Outcome> {
    let report = judge(&Workspace::load()?)?;
    print!("{}", report.table);
    for note in &report.notes {
        println!("note: {note}");
    }
    for violation in &report.violations {
        println!("over the budget: {violation}");
    }
    println!("{}", report.summary);
    Ok(Outcome::passed_if(report.violations.is_empty()))
}

/// What the meter found.
pub(crate) struct Report {
    /// Figures per crate.
    pub(crate) table: String,
    /// Over the soft budget: told, not refused.
    pub(crate) notes: Vec<String>,
    /// Over a wall.
    pub(crate) violations: Vec<String>,
    /// One line for all crates.
    pub(crate) summary: String,
}

/// Measures every crate of the workspace.
pub(crate) fn judge(workspace: &Workspace) -> Result<Report> {
    let mut meters: BTreeMap<String, Meter> = BTreeMap::new();
    for folder in crate_folders(&workspace.root)? {
        let name = folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let meter = meters.entry(name).or_default();
        for (path, counts_functions) in sources(&folder)? {
            let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
            meter.read(&workspace.shown(&path), &text, counts_functions)?;
        }
    }
    Ok(report(meters))
}

fn report(mut meters: BTreeMap<String, Meter>) -> Report {
    let mut all = Meter::default();
    for meter in meters.values() {
        all.absorb(meter);
    }
    let violations = walls(&all);
    let notes = soft(&all);
    let functions = Spread::of(all.functions.iter().map(|function| function.lines));
    let summary = format!(
        "{} functions: median {}, p99 {}, longest {}; {} files, longest {}; {} over the budget",
        functions.count,
        functions.median,
        functions.p99,
        functions.longest,
        all.files.len(),
        all.files.iter().map(|(_, lines)| *lines).max().unwrap_or_default(),
        violations.len()
    );
    meters.insert(ALL.to_owned(), all);
    Report { table: table(&meters), notes, violations, summary }
}

fn walls(all: &Meter) -> Vec<String> {
    let functions = all.functions.iter().filter(|function| function.lines > FUNCTION_WALL).map(|function| {
        format!("{}: `{}` has {} lines, {FUNCTION_WALL} are the wall", function.at, function.name, function.lines)
    });
    let files = all
        .files
        .iter()
        .filter(|(_, lines)| *lines > FILE_WALL)
        .map(|(path, lines)| format!("{path} has {lines} lines, {FILE_WALL} are the wall"));
    functions.chain(files).collect()
}

fn soft(all: &Meter) -> Vec<String> {
    let mut notes: Vec<String> = all
        .functions
        .iter()
        .filter(|function| function.arguments > ARGUMENTS)
        .map(|function| format!("{}: `{}` takes {} arguments", function.at, function.name, function.arguments))
        .collect();
    let functions = Spread::of(all.functions.iter().map(|function| function.lines));
    if functions.p99 > FUNCTION_TAIL {
        let mut longest: Vec<&Function> = all.functions.iter().filter(|found| found.lines > FUNCTION_TAIL).collect();
        longest.sort_by_key(|found| std::cmp::Reverse(found.lines));
        let named = longest.iter().take(5).map(|found| format!("{} `{}` ({})", found.at, found.name, found.lines));
        notes.push(format!(
            "p99 of functions is {}, {FUNCTION_TAIL} is the aim: {}",
            functions.p99,
            named.collect::<Vec<_>>().join(", ")
        ));
    }
    notes
}

fn table(meters: &BTreeMap<String, Meter>) -> String {
    let heading = ["crate", "functions", "median", "p90", "p99", "longest", ">4 args", "files", "median", "longest"];
    let mut text = row(&heading.map(str::to_owned));
    let (rest, total): (Vec<_>, Vec<_>) = meters.iter().partition(|(name, _)| name.as_str() != ALL);
    for (name, meter) in rest.into_iter().chain(total) {
        let functions = Spread::of(meter.functions.iter().map(|function| function.lines));
        let files = Spread::of(meter.files.iter().map(|(_, lines)| *lines));
        let crowded = meter.functions.iter().filter(|function| function.arguments > ARGUMENTS).count();
        let figures = [functions.count, functions.median, functions.p90, functions.p99, functions.longest, crowded];
        let file_figures = [files.count, files.median, files.longest];
        let cells: Vec<String> =
            std::iter::once(name.clone()).chain(figures.iter().chain(&file_figures).map(ToString::to_string)).collect();
        text.push_str(&row(&cells));
    }
    let budget = [
        "budget",
        "",
        &FUNCTION_MIDDLE.to_string(),
        "",
        &FUNCTION_TAIL.to_string(),
        &FUNCTION_WALL.to_string(),
        "0",
        "",
        &FILE_MIDDLE.to_string(),
        &FILE_WALL.to_string(),
    ]
    .map(str::to_owned);
    text.push_str(&row(&budget));
    text
}

fn row(cells: &[String]) -> String {
    let (name, figures) = cells.split_first().map_or(("", [].as_slice()), |(name, rest)| (name.as_str(), rest));
    let figures: Vec<String> = figures.iter().map(|cell| format!("{cell:>10}")).collect();
    format!("{name:<12}{}\n", figures.concat())
}

fn crate_folders(root: &Path) -> Result<Vec<PathBuf>> {
    let mut folders = entries(&root.join("crates"))?;
    folders.push(root.join("xtask"));
    folders.retain(|folder| folder.join("Cargo.toml").is_file());
    Ok(folders)
}

/// The Rust files of a crate; functions of test files are not counted, their length as a file is.
fn sources(folder: &Path) -> Result<Vec<(PathBuf, bool)>> {
    let mut found = Vec::new();
    for (name, counts_functions) in [("src", true), ("tests", false)] {
        let mut waiting = vec![folder.join(name)];
        while let Some(current) = waiting.pop() {
            for path in if current.is_dir() { entries(&current)? } else { Vec::new() } {
                if path.is_dir() {
                    waiting.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    found.push((path, counts_functions));
                }
            }
        }
    }
    found.sort();
    Ok(found)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let listing = std::fs::read_dir(folder).with_context(|| format!("cannot list `{}`", folder.display()))?;
    let mut paths = listing.map(|entry| Ok(entry?.path())).collect::<Result<Vec<PathBuf>>>()?;
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_function_and_a_long_file_are_over_the_budget() {
        let body = "    let _ = 1;\n".repeat(FUNCTION_WALL - 1);
        let long = format!("fn long() {{\n{body}}}\n");
        let mut meter = Meter::default();
        meter.read("a.rs", &long, true).unwrap();
        meter.read("b.rs", &"// line\n".repeat(FILE_WALL + 1), true).unwrap();
        let report = report(BTreeMap::from([("sample".to_owned(), meter)]));
        assert_eq!(report.violations.len(), 2, "{:?}", report.violations);
        assert!(report.violations.iter().any(|sentence| sentence.contains("`long` has 81 lines")));
    }

    #[test]
    fn what_is_at_the_wall_passes() {
        let body = "    let _ = 1;\n".repeat(FUNCTION_WALL - 2);
        let mut meter = Meter::default();
        meter.read("a.rs", &format!("fn at_the_wall() {{\n{body}}}\n"), true).unwrap();
        assert_eq!(report(BTreeMap::from([("sample".to_owned(), meter)])).violations, Vec::<String>::new());
    }
}
