//! The lints that hold the laws no graph can show: every room inherits the workspace's, every pure room bans clocks and disks.

use std::path::Path;

use anyhow::{Context, Result};

use super::graph::{Crate, Graph};
use super::table::{OWN_LINTS, room};

/// A sentence per room that left the shared lints.
pub(crate) fn outside(graph: &Graph, root: &Path) -> Result<Vec<String>> {
    let mut violations = Vec::new();
    for own in graph.ours() {
        violations.extend(of(own, root)?);
    }
    Ok(violations)
}

fn of(own: &Crate, root: &Path) -> Result<Vec<String>> {
    let mut violations = Vec::new();
    let Some((folder, law)) = own.ours.as_deref().zip(room(&own.name)) else { return Ok(violations) };
    let manifest = folder.join("Cargo.toml");
    let text = std::fs::read_to_string(&manifest).with_context(|| format!("cannot read `{}`", manifest.display()))?;
    if law.name != OWN_LINTS && !inherits_lints(&text) {
        violations.push(format!("`{}` does not inherit the workspace's lints (`[lints] workspace = true`)", own.name));
    }
    if law.pure && !bans_clocks(&folder.join("clippy.toml")) {
        violations.push(format!("pure room `{}` has no clippy.toml with `disallowed-methods`", own.name));
    }
    let expected = root.join(if law.name == "xtask" { "xtask".to_owned() } else { format!("crates/{}", law.name) });
    if folder != expected {
        violations.push(format!("`{}` does not live in crates/{}", own.name, law.name));
    }
    Ok(violations)
}

fn inherits_lints(manifest: &str) -> bool {
    let mut lines = manifest.lines().map(str::trim).skip_while(|line| *line != "[lints]").skip(1);
    lines.by_ref().take_while(|line| !line.starts_with('[')).any(|line| line.replace(' ', "") == "workspace=true")
}

fn bans_clocks(clippy: &Path) -> bool {
    std::fs::read_to_string(clippy)
        .is_ok_and(|text| text.contains("disallowed-methods") && text.contains("std::time::SystemTime::now"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inherited_lints_are_recognised() {
        assert!(inherits_lints("[package]\nname = \"x\"\n\n[lints]\nworkspace = true\n\n[dependencies]\n"));
        assert!(!inherits_lints("[package]\nname = \"x\"\n[lints]\n[dependencies]\nworkspace = true\n"));
        assert!(!inherits_lints("[package]\nversion.workspace = true\n"));
    }
}
