//! What the tasks that run `brigandine check` on a folder of templates share: which folder, which profile, which binary.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::program;
use crate::workspace::Workspace;

/// How long the program may take for all templates.
const LIMIT: Duration = Duration::from_mins(10);

/// One way of asking the program.
pub(crate) struct Exam {
    /// The folder of templates; that of the suite unless another was named.
    pub(crate) folder: PathBuf,
    /// The profile.
    pub(crate) profile: String,
    binary: Option<PathBuf>,
}

impl Exam {
    /// Reads the words after a task's name. Words that the task knows itself are given to `own` with what follows them, and
    /// `own` says whether it knew them.
    pub(crate) fn from_arguments(
        workspace: &Workspace,
        arguments: &[String],
        mut own: impl FnMut(&str, &mut dyn Iterator<Item = &String>) -> Result<bool>,
    ) -> Result<Self> {
        let suite = std::env::var_os("BRIGANDINE_SUITE_TEMPLATES")
            .map_or_else(|| workspace.root.join("../shared/suites/templates"), PathBuf::from);
        let mut exam = Self { folder: suite, profile: "recommended".to_owned(), binary: None };
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--profile" => exam.profile.clone_from(value(word, &mut words)?),
                "--binary" => exam.binary = Some(value(word, &mut words)?.into()),
                other if other.starts_with('-') => {
                    if !own(other, &mut words)? {
                        bail!("there is no option `{other}`; `cargo xtask help` lists the tasks with examples");
                    }
                }
                folder => exam.folder = folder.into(),
            }
        }
        if !exam.profile.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            bail!("`{}` is no profile", exam.profile);
        }
        Ok(exam)
    }

    /// Whether there is a folder to look at; says so where there is none.
    pub(crate) fn has_templates(&self) -> bool {
        if !self.folder.is_dir() {
            println!("skipped: there is no folder `{}`", self.folder.display());
        }
        self.folder.is_dir()
    }

    /// Builds the program unless one was named.
    pub(crate) fn prepare(&mut self, workspace: &Workspace) -> Result<()> {
        if self.binary.is_none() {
            let mut cargo = program::cargo();
            cargo.args(["build", "--quiet", "-p", "brigandine"]).current_dir(&workspace.root);
            program::watched(&mut cargo)?;
            self.binary = Some(workspace.target.join("debug/brigandine"));
        }
        Ok(())
    }

    /// Standard output and standard error of one run. Templates that cannot be read are no failure here.
    pub(crate) fn check(&self, workspace: &Workspace, folder: &Path, further: &[&str]) -> Result<(String, String)> {
        let logs = workspace.scratch("logs")?;
        let (out, err) = (logs.join("check.out"), logs.join("check.err"));
        let mut command = Command::new(self.binary.as_deref().unwrap_or(Path::new("brigandine")));
        command.arg("check").arg(folder).args(["--profile", &self.profile]).args(further);
        let mut child = command.stdout(fs::File::create(&out)?).stderr(fs::File::create(&err)?).spawn()?;
        if program::wait(&mut child, LIMIT)?.is_none() {
            bail!("the program took too long");
        }
        Ok((fs::read_to_string(out)?, fs::read_to_string(err)?))
    }

    /// The report on the folder.
    pub(crate) fn report(&self, workspace: &Workspace) -> Result<Value> {
        let (json, _) = self.check(workspace, &self.folder, &["--format", "json"])?;
        serde_json::from_str(&json).context("the program's JSON cannot be read")
    }
}

/// The word after an option.
pub(crate) fn value<'a>(option: &str, words: &mut dyn Iterator<Item = &'a String>) -> Result<&'a String> {
    words.next().with_context(|| format!("`{option}` needs a value"))
}

/// The findings of a report.
pub(crate) fn findings(report: &Value) -> &[Value] {
    report.get("findings").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A text of a finding, empty where it has none.
pub(crate) fn text<'a>(finding: &'a Value, key: &str) -> &'a str {
    finding.get(key).and_then(Value::as_str).unwrap_or_default()
}
