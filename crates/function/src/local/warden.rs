//! The warden: a small process that outlives the shield just long enough to kill what the shield started.
//!
//! A shield that is killed with signal 9 cannot clean up. The warden holds the reading end of a pipe on which the shield
//! names its process groups; when the pipe ends, whoever is still named is killed. It works for every runtime, loops
//! without end and grandchildren included, and needs nothing but a POSIX shell.

use std::{
    io::PipeWriter,
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
    sync::Mutex,
};

const SCRIPT: &str = include_str!("../../bootstrap/warden.sh");

/// The pipe to the warden, and the warden.
pub(crate) struct Warden {
    live: Mutex<Option<(PipeWriter, Child)>>,
}

impl Warden {
    /// Starts it. Where there is no shell there is no warden; runtime clients still end when their connection does.
    pub(crate) fn start() -> Self {
        Self { live: Mutex::new(start()) }
    }

    /// Names a process group to kill when the shield is gone.
    pub(crate) fn watch(&self, group: u32) {
        self.say(&format!("+ {group}\n"));
    }

    /// The group has ended.
    pub(crate) fn forget(&self, group: u32) {
        self.say(&format!("- {group}\n"));
    }

    /// One short line into a pipe that holds thousands; when it is full the line is lost, and with it only the second net.
    fn say(&self, line: &str) {
        if let Ok(live) = self.live.lock()
            && let Some((sender, _)) = &*live
        {
            rustix::io::write(sender, line.as_bytes()).ok();
        }
    }
}

impl Drop for Warden {
    fn drop(&mut self) {
        if let Ok(live) = self.live.get_mut()
            && let Some((sender, mut child)) = live.take()
        {
            drop(sender);
            drop(child.wait());
        }
    }
}

fn start() -> Option<(PipeWriter, Child)> {
    let (reader, writer) = std::io::pipe().ok()?;
    let child = Command::new("/bin/sh")
        .args(["-c", SCRIPT])
        .env_clear()
        .current_dir("/")
        .stdin(reader)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .ok()?;
    // The shield must not wait for the warden, whatever becomes of it.
    rustix::io::ioctl_fionbio(&writer, true).ok()?;
    Some((writer, child))
}
