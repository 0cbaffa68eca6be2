//! `cargo xtask dist`: one stripped binary and its checksum, ready to hand out.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::program;
use crate::task::{Outcome, Task};
use crate::workspace::Workspace;

pub(crate) const TASK: Task = Task {
    name: "dist",
    summary: "a stripped release binary with its SHA-256 under target/dist",
    examples: &[("cargo xtask dist", "target/dist/brigandine-VERSION-TARGET and .sha256")],
    run,
};

fn run(_: &[String]) -> Result<Outcome> {
    let workspace = Workspace::load()?;
    let built = release(&workspace)?;
    let name = format!("brigandine-{}-{}", workspace.version, host()?);
    let path = workspace.scratch("dist")?.join(&name);
    std::fs::copy(&built, &path).with_context(|| format!("cannot write `{}`", path.display()))?;
    program::watched(Command::new("strip").arg(&path)).context("binutils strips the binary; is it installed?")?;
    let checksum = sha256(&path)?;
    let beside = path.with_file_name(format!("{name}.sha256"));
    // The format `sha256sum --check` reads.
    std::fs::write(&beside, format!("{checksum}  {name}\n"))?;
    let mebibytes = std::fs::metadata(&path)?.len().div_ceil(1 << 20);
    println!("{} ({mebibytes} MiB)\n{} {checksum}", workspace.shown(&path), workspace.shown(&beside));
    Ok(Outcome::Passed)
}

/// Builds the binary as it is released, and says where it lies.
pub(crate) fn release(workspace: &Workspace) -> Result<PathBuf> {
    let mut build = program::cargo();
    build.args(["build", "--release", "--package", "brigandine"]).current_dir(&workspace.root);
    program::watched(&mut build)?;
    Ok(workspace.target.join("release").join(format!("brigandine{}", std::env::consts::EXE_SUFFIX)))
}

/// The target triple of this machine, as the compiler names it.
fn host() -> Result<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let about = program::captured(Command::new(rustc).arg("-vV"))?;
    let line = about.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(line.context("`rustc -vV` names no host")?.to_owned())
}

fn sha256(path: &Path) -> Result<String> {
    let mut text = String::new();
    for byte in Sha256::digest(std::fs::read(path)?) {
        write!(text, "{byte:02x}")?;
    }
    Ok(text)
}
