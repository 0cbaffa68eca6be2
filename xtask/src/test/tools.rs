//! What the tests need besides cargo: installed through apt-get where that is allowed, named exactly where it is not.

use std::process::Command;

use anyhow::Result;

use super::{Bench, Verdict};
use crate::program;

/// A program, the Debian package it comes in, and what would not run without it.
struct Tool {
    program: &'static str,
    package: &'static str,
    purpose: &'static str,
}

const TOOLS: &[Tool] = &[
    Tool { program: "cc", package: "gcc libc6-dev", purpose: "the cryptography of the shield is compiled with it" },
    Tool { program: "python3", package: "python3", purpose: "the example's Python functions run in it" },
    Tool { program: "node", package: "nodejs", purpose: "the example's JavaScript functions run in it" },
];

/// Every tool is there, or was installed just now.
pub(crate) fn present(bench: &Bench) -> Result<Verdict> {
    let missing: Vec<&Tool> = TOOLS.iter().filter(|tool| program::find(tool.program).is_none()).collect();
    let wants_venv = program::find("python3").is_none() || !makes_environments();
    if missing.is_empty() && !wants_venv {
        return Ok(Verdict::passed(versions()));
    }
    let mut packages: Vec<&str> = missing.iter().flat_map(|tool| tool.package.split(' ')).collect();
    if wants_venv {
        packages.push("python3-venv");
    }
    let installed = may_install() && install(bench, &packages)?;
    let still: Vec<&&Tool> = missing.iter().filter(|tool| program::find(tool.program).is_none()).collect();
    Ok(match (still.is_empty(), installed) {
        (true, true) => Verdict::passed(format!("installed {}; {}", packages.join(" "), versions())),
        // Without the environments only the two checks by other people's tools are lost, and they say so themselves.
        (true, false) => Verdict::passed(format!("{}; apt-get install python3-venv for the peers", versions())),
        (false, _) => Verdict::failed(still.iter().map(|tool| sentence(tool)).collect::<Vec<_>>().join("\n")),
    })
}

fn sentence(tool: &Tool) -> String {
    format!("`{}` is missing ({}): apt-get install {}", tool.program, tool.purpose, tool.package)
}

/// Debian ships `venv` without what it needs to put pip into a new environment.
fn makes_environments() -> bool {
    program::captured(Command::new("python3").args(["-c", "import venv, ensurepip"])).is_ok()
}

fn may_install() -> bool {
    let is_root = program::captured(Command::new("id").arg("-u")).is_ok_and(|user| user.trim() == "0");
    is_root && program::find("apt-get").is_some()
}

fn install(bench: &Bench, packages: &[&str]) -> Result<bool> {
    let mut update = Command::new("apt-get");
    let updated = bench.run("apt-update", update.args(["update", "--quiet"]))?;
    let mut install = Command::new("apt-get");
    install
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(["install", "--yes", "--no-install-recommends"])
        .args(packages);
    Ok(updated.success && bench.run("apt-install", &mut install)?.success)
}

fn versions() -> String {
    let version = |name: &str| program::captured(Command::new(name).arg("--version")).unwrap_or_default();
    let python = version("python3").trim().to_owned();
    format!("{python}, Node {}", version("node").trim())
}
