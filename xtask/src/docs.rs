//! `cargo xtask docs`: everything that is written about the binary and can be read off it.
//!
//! The binary writes its own reference (rule index, command line, completions, manual pages, configuration schema) with its
//! hidden `generate` command; this task copies it into `docs/`, or, with `--check`, names what is stale.

mod register;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::help;
use crate::program;
use crate::task::{Outcome, Task};
use crate::workspace::Workspace;

pub(crate) const TASK: Task = Task {
    name: "docs",
    summary: "writes docs/ from the binary itself; --check only compares",
    examples: &[("cargo xtask docs", "write what changed"), ("cargo xtask docs --check", "name what is stale, exit 1")],
    run,
};

/// Files by their path below the folder, `/` between the parts on every platform.
type Tree = BTreeMap<String, Vec<u8>>;

fn run(arguments: &[String]) -> Result<Outcome> {
    let checks = match arguments {
        [] => false,
        [word] if word == "--check" => true,
        [word, ..] => return Err(help::unknown("argument", word, ["--check"].into_iter())),
    };
    let workspace = Workspace::load()?;
    let incomplete = register::incomplete(&workspace)?;
    for file in &incomplete {
        println!("stale     {}", workspace.shown(&file.path));
        if !checks {
            std::fs::write(&file.path, &file.text)?;
        }
    }
    let mut build = program::cargo();
    build.args(["build", "--quiet", "--package", "brigandine"]).current_dir(&workspace.root);
    program::watched(&mut build)?;
    let stale = stale(&workspace)?;
    for change in &stale {
        println!("{change}");
        if !checks {
            change.apply(&workspace)?;
        }
    }
    match (stale.len() + incomplete.len(), checks) {
        (0, _) => println!("docs/ is current"),
        (count, true) => println!("{count} files are not current: run `cargo xtask docs`"),
        (count, false) => println!("{count} files written"),
    }
    Ok(Outcome::passed_if(stale.is_empty() && incomplete.is_empty() || !checks))
}

/// One file of `docs/` that differs from what the binary says.
pub(crate) enum Change {
    Missing(String, Vec<u8>),
    Stale(String, Vec<u8>),
    /// In a folder that is generated as a whole, but nothing generates it.
    Orphaned(String),
}

impl std::fmt::Display for Change {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing(path, _) => write!(formatter, "missing   docs/{path}"),
            Self::Stale(path, _) => write!(formatter, "stale     docs/{path}"),
            Self::Orphaned(path) => write!(formatter, "orphaned  docs/{path}"),
        }
    }
}

impl Change {
    fn apply(&self, workspace: &Workspace) -> Result<()> {
        let docs = workspace.root.join("docs");
        match self {
            Self::Missing(path, bytes) | Self::Stale(path, bytes) => {
                let path = docs.join(path);
                path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
                std::fs::write(&path, bytes).with_context(|| format!("cannot write `{}`", path.display()))
            }
            Self::Orphaned(path) => Ok(std::fs::remove_file(docs.join(path))?),
        }
    }
}

/// Compares `docs/` with what the binary in the target directory generates; the binary has to be built.
pub(crate) fn stale(workspace: &Workspace) -> Result<Vec<Change>> {
    let out = workspace.target.join("docs");
    if out.is_dir() {
        std::fs::remove_dir_all(&out)?;
    }
    let binary = workspace.target.join("debug").join(format!("brigandine{}", std::env::consts::EXE_SUFFIX));
    program::captured(Command::new(&binary).arg("generate").arg("--out").arg(&out).current_dir(&workspace.root))?;
    let generated = read(&out)?;
    ensure!(!generated.is_empty(), "`brigandine generate` wrote nothing");
    let docs = workspace.root.join("docs");
    let present = if docs.is_dir() { read(&docs)? } else { Tree::new() };
    Ok(compare(generated, &present))
}

fn compare(generated: Tree, present: &Tree) -> Vec<Change> {
    let folder = |path: &str| path.split_once('/').map(|(folder, _)| folder.to_owned());
    let whole: Vec<String> = generated.keys().filter_map(|path| folder(path)).collect();
    let orphaned: Vec<String> = present
        .keys()
        .filter(|path| !generated.contains_key(*path) && folder(path).is_some_and(|name| whole.contains(&name)))
        .cloned()
        .collect();
    let written = generated.into_iter().filter_map(|(path, bytes)| match present.get(&path) {
        None => Some(Change::Missing(path, bytes)),
        Some(found) if *found != bytes => Some(Change::Stale(path, bytes)),
        Some(_) => None,
    });
    written.chain(orphaned.into_iter().map(Change::Orphaned)).collect()
}

fn read(folder: &Path) -> Result<Tree> {
    let mut tree = Tree::new();
    let mut waiting: Vec<(PathBuf, String)> = vec![(folder.to_owned(), String::new())];
    while let Some((current, prefix)) = waiting.pop() {
        for entry in std::fs::read_dir(&current).with_context(|| format!("cannot list `{}`", current.display()))? {
            let path = entry?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                bail!("`{}` is not a name in UTF-8", path.display())
            };
            let below = format!("{prefix}{name}");
            if path.is_dir() {
                waiting.push((path, format!("{below}/")));
            } else {
                tree.insert(below, std::fs::read(&path)?);
            }
        }
    }
    Ok(tree)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> Tree {
        files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect()
    }

    fn sentences(generated: &[(&str, &str)], present: &[(&str, &str)]) -> Vec<String> {
        compare(tree(generated), &tree(present)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_missing_stale_or_orphaned_is_named() {
        let generated = [("cli.md", "new"), ("man/brigandine.1", "page"), ("rules.md", "same")];
        let present =
            [("cli.md", "old"), ("man/brigandine-gone.1", "page"), ("rules.md", "same"), ("story.md", "ours")];
        assert_eq!(
            sentences(&generated, &present),
            ["stale     docs/cli.md", "missing   docs/man/brigandine.1", "orphaned  docs/man/brigandine-gone.1"]
        );
    }

    #[test]
    fn a_folder_that_nothing_generates_is_left_alone() {
        assert_eq!(sentences(&[("cli.md", "a")], &[("cli.md", "a"), ("pictures/path.svg", "x")]), Vec::<String>::new());
    }
}
