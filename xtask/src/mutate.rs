//! `cargo xtask mutate`: risks put into real templates that have none, one at a time: are they found where they are?
//!
//! The mutations are a test of the rules' own room, which runs them on the example; here it runs on a whole corpus.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::program;
use crate::task::{Outcome, Task};
use crate::workspace::Workspace;

pub(crate) const TASK: Task = Task {
    name: "mutate",
    summary: "risks put into clean templates one at a time, with the share that is found",
    examples: &[
        ("cargo xtask mutate", "every mutation on every clean template of the suite"),
        ("cargo xtask mutate function-url", "the mutations whose name holds these letters"),
    ],
    run,
};

fn run(arguments: &[String]) -> Result<Outcome> {
    let workspace = Workspace::load()?;
    let suite = std::env::var_os("BRIGANDINE_SUITE_TEMPLATES")
        .map_or_else(|| workspace.root.join("../shared/suites/templates"), PathBuf::from);
    if !suite.is_dir() {
        println!("skipped: there is no suite at `{}`", suite.display());
        return Ok(Outcome::Passed);
    }
    let mut cargo = program::cargo();
    cargo.args(["test", "--quiet", "--package", "brigandine-rules", "--test", "mutation", "--"]);
    cargo.args(["--ignored", "--nocapture", "mutations_of_the_corpus_are_found"]);
    match arguments {
        [] => {}
        [name] if !name.starts_with('-') => {
            cargo.env("BRIGANDINE_MUTATION", name);
        }
        _ => bail!("`mutate` takes one part of a mutation's name, or nothing"),
    }
    cargo.env("BRIGANDINE_SUITE_TEMPLATES", suite).env("RUST_BACKTRACE", "0").current_dir(&workspace.root);
    Ok(Outcome::passed_if(cargo.status()?.success()))
}
