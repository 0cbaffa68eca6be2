//! Where things are: the workspace as cargo sees it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cargo_metadata::{Metadata, MetadataCommand};

/// The root and the target directory of this workspace.
#[derive(Clone, Debug)]
pub(crate) struct Workspace {
    /// The directory of the root manifest.
    pub(crate) root: PathBuf,
    /// Where cargo builds; everything a task writes that is not meant for the tree goes below it.
    pub(crate) target: PathBuf,
    /// The version all our crates share.
    pub(crate) version: String,
}

impl Workspace {
    /// Asks cargo, so that `CARGO_TARGET_DIR` and configuration files are honoured.
    pub(crate) fn load() -> Result<Self> {
        let metadata = metadata_command().no_deps().exec().context("cargo metadata failed")?;
        let version = metadata
            .packages
            .iter()
            .find(|package| package.name.as_str() == "brigandine")
            .map(|package| package.version.to_string())
            .context("the workspace has no package `brigandine`")?;
        Ok(Self {
            root: metadata.workspace_root.into_std_path_buf(),
            target: metadata.target_directory.into_std_path_buf(),
            version,
        })
    }

    /// A directory below the target directory, created when missing.
    pub(crate) fn scratch(&self, name: &str) -> Result<PathBuf> {
        let path = self.target.join(name);
        std::fs::create_dir_all(&path).with_context(|| format!("cannot create `{}`", path.display()))?;
        Ok(path)
    }

    /// The path as a reader of the output wants it: relative to the root where possible.
    pub(crate) fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }
}

/// The dependency graph of the whole workspace, every feature of `extra` applied.
pub(crate) fn metadata(extra: &[&str]) -> Result<Metadata> {
    let options: Vec<String> = extra.iter().map(|&word| word.to_owned()).collect();
    metadata_command().other_options(options).exec().context("cargo metadata failed")
}

fn metadata_command() -> MetadataCommand {
    // Set by `cargo run`; the compiled-in value serves a binary that was started by hand.
    let own = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    let mut command = MetadataCommand::new();
    command.current_dir(own);
    command
}
