//! Running other programs: found on the path, output kept in a log, never without a time limit.

use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// A program that ran to its end or to its time limit.
pub(crate) struct Ran {
    /// Ended by itself with exit code 0.
    pub(crate) success: bool,
    /// Everything it printed, both streams in the order they came.
    pub(crate) output: String,
}

/// Runs `command` with both streams in the file `log`; killed when it takes longer than `limit`.
pub(crate) fn logged(command: &mut Command, log: &Path, limit: Duration) -> Result<Ran> {
    let file = File::create(log).with_context(|| format!("cannot write `{}`", log.display()))?;
    let named = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .spawn()
        .with_context(|| format!("cannot start `{named}`"))?;
    let ended = wait(&mut child, limit)?;
    let bytes = std::fs::read(log)?;
    let mut output = String::from_utf8_lossy(&bytes).into_owned();
    if ended.is_none() {
        writeln!(output, "\nstopped: `{named}` took longer than {} s", limit.as_secs())?;
    }
    Ok(Ran { success: ended.is_some_and(|status| status.success()), output })
}

/// Waits until `limit` has passed; then kills the child and returns none.
pub(crate) fn wait(child: &mut std::process::Child, limit: Duration) -> Result<Option<ExitStatus>> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if start.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Standard output of a short command that must succeed.
pub(crate) fn captured(command: &mut Command) -> Result<String> {
    let named = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot start `{named}`"))?;
    if !output.status.success() {
        bail!("`{named}` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a command whose output the reader wants to see as it comes; fails when it fails.
pub(crate) fn watched(command: &mut Command) -> Result<()> {
    let named = command.get_program().to_string_lossy().into_owned();
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("cannot start `{named}`"))?;
    if !status.success() {
        bail!("`{named}` failed: {status}");
    }
    Ok(())
}

/// Where `name` lies on the path.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|candidate| candidate.is_file())
}

/// The cargo that runs us, so that one toolchain does everything.
pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}
