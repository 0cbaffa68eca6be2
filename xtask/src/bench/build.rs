//! `bench build`: what a newcomer waits for, from an empty target directory.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use serde::Serialize;

use crate::program;
use crate::task::Outcome;
use crate::workspace::Workspace;

#[derive(Serialize)]
struct Row {
    build: &'static str,
    seconds: f64,
    bytes: u64,
}

const BUILDS: &[(&str, &[&str])] = &[("check-only", &["--no-default-features"]), ("full", &[])];

pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let mut rows = Vec::new();
    for &(name, features) in BUILDS {
        let row = clean(workspace, name, features)?;
        println!("{:<12}{:>8.1} s{:>8.1} MB on {cores} cores", row.build, row.seconds, megabytes(row.bytes));
        rows.push(row);
    }
    let path = workspace.scratch("bench")?.join("build.json");
    std::fs::write(&path, serde_json::to_string_pretty(&rows)?)?;
    println!("{}", workspace.shown(&path));
    Ok(Outcome::Passed)
}

/// Fetches first, so that the network is not measured, then builds into an empty directory.
fn clean(workspace: &Workspace, build: &'static str, features: &[&str]) -> Result<Row> {
    let target = workspace.target.join("bench-build");
    if target.is_dir() {
        std::fs::remove_dir_all(&target)?;
    }
    program::watched(program::cargo().args(["fetch", "--quiet", "--locked"]).current_dir(&workspace.root))?;
    let mut command = program::cargo();
    command.args(["build", "--release", "--quiet", "--locked", "--package", "brigandine", "--target-dir"]);
    command.arg(&target).args(features).current_dir(&workspace.root);
    let start = Instant::now();
    program::watched(&mut command)?;
    let seconds = start.elapsed().as_secs_f64();
    let bytes = size(&target.join("release").join(format!("brigandine{}", std::env::consts::EXE_SUFFIX)))?;
    std::fs::remove_dir_all(&target)?;
    Ok(Row { build, seconds, bytes })
}

fn size(path: &Path) -> Result<u64> {
    Ok(std::fs::metadata(path)?.len())
}

#[expect(clippy::cast_precision_loss, reason = "a binary is far smaller than 2^52 bytes")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
