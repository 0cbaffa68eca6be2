//! The steps that cargo does.

use std::path::PathBuf;

use anyhow::Result;

use super::counts::Counts;
use super::{Bench, Verdict};
use crate::program::{self, Ran};

/// Whether a subcommand of cargo is there: as a program of its own, or through rustup's component.
fn has(subcommand: &str) -> bool {
    program::captured(program::cargo().args([subcommand, "--version"])).is_ok()
}

fn skipped(component: &str, install: &str) -> Verdict {
    Verdict::Skipped(format!("{component} is not installed: {install}"))
}

/// Everything is formatted.
pub(crate) fn format(bench: &Bench) -> Result<Verdict> {
    if !has("fmt") {
        return Ok(skipped("rustfmt", "rustup component add rustfmt"));
    }
    let ran = bench.run("format", program::cargo().args(["fmt", "--all", "--check", "--", "-l"]))?;
    let root = format!("{}/", bench.workspace.root.display());
    let output = ran.output.replace(&root, "not formatted: ");
    Ok(Verdict::of(Ran { output, ..ran }))
}

/// The workspace's lints hold everywhere, tests included.
pub(crate) fn clippy(bench: &Bench) -> Result<Verdict> {
    if !has("clippy") {
        return Ok(skipped("clippy", "rustup component add clippy"));
    }
    let arguments = ["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"];
    Ok(Verdict::of(bench.run("clippy", program::cargo().args(arguments))?))
}

/// The binary without its runtime half builds without a warning.
pub(crate) fn check_only(bench: &Bench) -> Result<Verdict> {
    let subcommand = if has("clippy") { "clippy" } else { "check" };
    let mut command = program::cargo();
    command.args([subcommand, "--quiet", "--no-default-features", "--package", "brigandine"]);
    if subcommand == "clippy" {
        command.args(["--", "-D", "warnings"]);
    }
    Ok(Verdict::of(bench.run("check-only", &mut command)?))
}

/// Builds what the tests build, with the same features, so that nothing is built twice; the output when it fails.
pub(crate) fn build(bench: &Bench) -> Result<Option<String>> {
    let ran = bench.run("build", program::cargo().args(["build", "--workspace", "--all-targets", "--quiet"]))?;
    Ok(if ran.success { None } else { Some(ran.output) })
}

/// Where the build puts the product.
pub(crate) fn binary(bench: &Bench) -> PathBuf {
    bench.workspace.target.join("debug").join(format!("brigandine{}", std::env::consts::EXE_SUFFIX))
}

/// Every test of the workspace, outside suites included where they are present.
pub(crate) fn tests(bench: &Bench) -> Result<Verdict> {
    let nextest = has("nextest");
    let mut command = program::cargo();
    if nextest {
        // The output of what passes goes to the log, where the suites' closing lines are read from.
        command.args(["nextest", "run", "--workspace", "--no-fail-fast", "--success-output", "immediate"]);
    } else {
        command.args(["test", "--workspace", "--all-targets", "--no-fail-fast", "--", "--show-output"]);
    }
    let ran = bench.run("tests", command.args(if nextest { ["--color", "never"].as_slice() } else { &[] }))?;
    let counts = if nextest { Counts::of_nextest(&ran.output) } else { Counts::of_cargo_test(&ran.output) };
    let detail = format!("{counts}{}", suites(&ran.output));
    Ok(match (ran.success, counts.run()) {
        (true, 0) => Verdict::failed(format!("{}\nno test was run", ran.output)),
        (true, _) => Verdict::Passed(detail, counts),
        (false, _) => Verdict::Failed(only_failures(&ran.output), counts),
    })
}

/// The closing lines of the outside suites, each on a line of its own.
fn suites(output: &str) -> String {
    let closing = |line: &&str| {
        let counted = line.contains(" passed, ") && line.contains(" excused");
        counted || (line.contains("suite") && line.contains("skipped"))
    };
    let lines: Vec<String> =
        output.lines().map(str::trim).filter(closing).map(|line| format!("\n    {line}")).collect();
    lines.concat()
}

/// A failed run without the output of the tests that passed.
fn only_failures(output: &str) -> String {
    let mut kept = Vec::new();
    let mut passing = false;
    for line in output.lines() {
        let word = line.split_whitespace().next().unwrap_or_default();
        if line.starts_with("    ") && word.chars().all(|letter| letter.is_ascii_uppercase()) && !word.is_empty() {
            passing = word == "PASS";
        }
        if !passing || word == "Summary" {
            kept.push(line);
        }
        passing &= word != "Summary";
    }
    kept.join("\n")
}

/// The examples in the documentation compile and hold.
pub(crate) fn doc_tests(bench: &Bench) -> Result<Verdict> {
    let ran = bench.run("doc-tests", program::cargo().args(["test", "--doc", "--workspace", "--no-fail-fast"]))?;
    let counts = Counts::of_cargo_test(&ran.output);
    Ok(if ran.success { Verdict::Passed(counts.to_string(), counts) } else { Verdict::Failed(ran.output, counts) })
}

/// No banned crate, no licence we may not ship, no unknown source. Advisories need the network and are looked at by hand.
pub(crate) fn deny(bench: &Bench) -> Result<Verdict> {
    if !has("deny") {
        return Ok(skipped("cargo-deny", "cargo install --locked cargo-deny"));
    }
    let ran = bench.run("deny", program::cargo().args(["deny", "check", "bans", "licenses", "sources"]))?;
    Ok(Verdict::of(ran))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = "
        PASS [   0.1s] (1/3) iam table::suite
──── STDOUT:             iam table::suite
    iam-escalation: 20 passed, 0 failed, 1 excused
        FAIL [   0.1s] (2/3) iam table::broken
    what it said
        PASS [   0.1s] (3/3) iam table::noisy
    noise
     Summary [   0.3s] 3 tests run: 2 passed, 1 failed, 0 skipped
";

    #[test]
    fn suites_are_shown_by_their_closing_line() {
        assert_eq!(suites(RUN), "\n    iam-escalation: 20 passed, 0 failed, 1 excused");
    }

    #[test]
    fn a_failed_run_shows_no_passing_test() {
        let shown = only_failures(RUN);
        assert!(shown.contains("what it said") && shown.contains("Summary"));
        assert!(!shown.contains("noise") && !shown.contains("excused"));
    }
}
