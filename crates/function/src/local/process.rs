//! The process of one environment: started with nothing of the host's environment, ended together with all it started.

use std::{
    fs,
    io::PipeReader,
    process::{ExitStatus, Stdio},
};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::process::{Child, Command};

use crate::plan::Plan;

/// Starts the program of a plan, which finds its Runtime API at `address`; its output comes out of the pipe.
pub(crate) fn start(plan: &Plan, address: &str, log_stream: &str) -> std::io::Result<(Child, PipeReader)> {
    let (reader, writer) = std::io::pipe()?;
    let child = Command::new(&plan.program)
        .args(&plan.arguments)
        .env_clear()
        .envs(&plan.environment)
        .env("AWS_LAMBDA_RUNTIME_API", address)
        .env("AWS_LAMBDA_LOG_STREAM_NAME", log_stream)
        .current_dir(&plan.code)
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer)
        .process_group(0)
        .kill_on_drop(true)
        .spawn()?;
    Ok((child, reader))
}

/// Kills a process and whatever it started that stayed in its group.
pub(crate) fn kill(group: u32) {
    if let Some(group) = i32::try_from(group).ok().and_then(Pid::from_raw) {
        // It may be gone already.
        kill_process_group(group, Signal::KILL).ok();
    }
}

/// Whether a child has ended, though nobody may have heard of it yet.
pub(crate) fn has_ended(pid: u32) -> bool {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return true };
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    !matches!(waitid(WaitId::Pid(pid), options), Ok(None))
}

/// Resident memory of a process, now and at its peak, in KiB.
pub(crate) fn memory(pid: u32) -> Option<(u64, u64)> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let field = |name: &str| {
        let rest = status.lines().find_map(|line| line.strip_prefix(name))?;
        rest.trim().trim_end_matches(" kB").trim().parse::<u64>().ok()
    };
    Some((field("VmRSS:")?, field("VmHWM:")?))
}

/// How a process ended, as the platform says it.
pub(crate) fn exit_text(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (None, Some(signal)) => format!("Runtime exited with error: signal: {}", signal_text(signal)),
        (Some(code), _) if code != 0 => format!("Runtime exited with error: exit status {code}"),
        _ => "Runtime exited without providing a reason".to_owned(),
    }
}

/// How a process ended, for the record.
pub(crate) fn exit_word(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit-status-{code}"),
        (None, Some(signal)) => format!("signal-{signal}"),
        (None, None) => "ended".to_owned(),
    }
}

fn signal_text(signal: i32) -> String {
    match signal {
        1 => "hangup".to_owned(),
        2 => "interrupt".to_owned(),
        4 => "illegal instruction".to_owned(),
        6 => "aborted".to_owned(),
        7 => "bus error".to_owned(),
        8 => "floating point exception".to_owned(),
        9 => "killed".to_owned(),
        11 => "segmentation fault".to_owned(),
        13 => "broken pipe".to_owned(),
        15 => "terminated".to_owned(),
        other => format!("signal {other}"),
    }
}
