//! `cargo xtask layers`: the architecture as law.
//!
//! Reads the dependency graph and fails on an edge between our crates that the table does not allow, on an impure crate
//! anywhere below a pure room, on the runtime half inside the check-only binary, and on a room that left the shared lints.

mod closure;
mod edges;
mod graph;
mod lints;
mod table;

use anyhow::Result;

use crate::task::{Outcome, Task};
use crate::workspace::{Workspace, metadata};
use graph::Graph;

pub(crate) const TASK: Task = Task {
    name: "layers",
    summary: "fails when a crate imports what its room may not",
    examples: &[("cargo xtask layers", "check every edge between our crates")],
    run,
};

/// The crates that make the check-only binary: everything else of the binary's is the runtime half.
const CHECK_ONLY: &[&str] = &["--no-default-features"];

fn run(_: &[String]) -> Result<Outcome> {
    let (violations, summary) = judge(&Workspace::load()?)?;
    for violation in &violations {
        println!("{violation}");
    }
    println!("{summary}");
    Ok(Outcome::passed_if(violations.is_empty()))
}

/// Every broken law as a sentence, and one line that says what was looked at.
pub(crate) fn judge(workspace: &Workspace) -> Result<(Vec<String>, String)> {
    let full = Graph::from(&metadata(&[])?);
    let check_only = Graph::from(&metadata(CHECK_ONLY)?);
    let mut violations = edges::illegal(&full);
    violations.extend(closure::impure(&full));
    violations.extend(closure::runtime_in_check_only(&check_only));
    violations.extend(lints::outside(&full, &workspace.root)?);
    let summary = format!(
        "{} crates of ours, {} in all, {} edges between ours, {} violations",
        full.ours().count(),
        full.size(),
        full.ours().map(|own| full.our_edges(own).count()).sum::<usize>(),
        violations.len()
    );
    Ok((violations, summary))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_workspace_keeps_the_laws() {
        let (violations, summary) = judge(&Workspace::load().unwrap()).unwrap();
        assert_eq!(violations, Vec::<String>::new());
        assert!(summary.contains("edges between ours"), "{summary}");
    }

    #[test]
    fn the_whole_binary_would_not_pass_for_the_check_only_one() {
        let full = Graph::from(&metadata(&[]).unwrap());
        let found = closure::runtime_in_check_only(&full);
        assert!(found.iter().any(|sentence| sentence.contains("must not reach `tokio`")), "{found:?}");
    }
}
