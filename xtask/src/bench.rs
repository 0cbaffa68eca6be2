//! `cargo xtask bench NAME`: how fast we are, always beside a peer that runs in the same call.
//!
//! Each bench prints a table and writes its figures as JSON below `target/bench`. Machines differ and are shared: the ratio
//! is the figure, the rest is there to understand it.

mod build;
mod check;
mod contender;
mod load;
mod serve;
mod waf;

use anyhow::{Context, Result, bail};

use crate::help;
use crate::task::{Outcome, Task};
use crate::workspace::Workspace;

pub(crate) const TASK: Task = Task {
    name: "bench",
    summary: "how fast we are, beside peers that run in the same call",
    examples: &[
        ("cargo xtask bench serve", "the same function behind us, the emulator and cargo lambda"),
        ("cargo xtask bench serve --rounds 9 --seconds 5", "the same, longer"),
        ("cargo xtask bench check", "all templates of the suite, beside checkov and cfn-lint"),
        ("cargo xtask bench waf", "CPU per request of the firewall, beside nginx with libmodsecurity"),
        (
            "cargo xtask bench waf --install --rounds 9",
            "the same, longer; Debian's packages are installed where they are missing",
        ),
        (
            "cargo xtask bench waf --differential",
            "do both find the same? 20,000 requests under the Core Rule Set 3.3.4",
        ),
        ("cargo xtask bench build", "clean build times, full and check-only"),
    ],
    run,
};

fn run(arguments: &[String]) -> Result<Outcome> {
    let workspace = Workspace::load()?;
    match arguments.split_first().map(|(name, rest)| (name.as_str(), rest)) {
        Some(("serve", rest)) => serve::run(&workspace, &serve::Effort::from_arguments(rest)?),
        Some(("check", rest)) => check::run(&workspace, &check::Effort::from_arguments(rest)?),
        Some(("waf", rest)) => waf::run(&workspace, &waf::Wanted::from_arguments(rest)?),
        Some(("build", [])) => build::run(&workspace),
        Some(("build", _)) => bail!("`bench build` takes no arguments"),
        Some((name, _)) => Err(help::unknown("bench", name, ["serve", "check", "waf", "build"].into_iter())),
        None => bail!("which bench: serve, check, waf or build?"),
    }
}

/// The value after `--name`, when it is there.
fn option(arguments: &[String], name: &str) -> Result<Option<u64>> {
    let Some(place) = arguments.iter().position(|word| word == name) else { return Ok(None) };
    let value = arguments.get(place + 1).with_context(|| format!("`{name}` needs a number"))?;
    let number: u64 = value.parse().with_context(|| format!("`{name}` needs a number, not `{value}`"))?;
    if !(1..=1000).contains(&number) {
        bail!("`{name}` is between 1 and 1000, not {number}");
    }
    Ok(Some(number))
}
