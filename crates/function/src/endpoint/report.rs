//! The log of one run as the platform keeps it: a first line, what the function wrote, and what it cost.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use crate::{Reply, catalogue::LATEST};

/// Bytes of the end of a log that are handed out.
const TAIL: usize = 4 * 1024;

/// What a log says beside what the reply knows.
pub(crate) struct Report {
    pub(crate) id: Arc<str>,
    pub(crate) memory_mib: u32,
    /// Whether the caller asked for it.
    pub(crate) wanted: bool,
}

impl Report {
    /// The end of the log, where it was asked for.
    pub(crate) fn tail(&self, reply: &Reply) -> Option<Vec<u8>> {
        self.wanted.then(|| {
            let id = &self.id;
            let mut log = format!("START RequestId: {id} Version: {LATEST}\n").into_bytes();
            log.extend_from_slice(&reply.log_tail);
            if !log.ends_with(b"\n") {
                log.push(b'\n');
            }
            log.extend_from_slice(format!("END RequestId: {id}\n{}\n", self.line(reply)).as_bytes());
            let surplus = log.len().saturating_sub(TAIL);
            log.split_off(surplus)
        })
    }

    /// The line with the figures.
    fn line(&self, reply: &Reply) -> String {
        let mut line = format!(
            "REPORT RequestId: {}\tDuration: {} ms\tBilled Duration: {} ms\tMemory Size: {} MB",
            self.id,
            milliseconds(reply.duration),
            reply.billed_ms(),
            self.memory_mib
        );
        // Into text: cannot fail.
        if let Some(peak) = reply.peak_memory_kib {
            write!(line, "\tMax Memory Used: {} MB", peak.div_ceil(1024)).unwrap_or_default();
        }
        if let Some(init) = reply.init {
            write!(line, "\tInit Duration: {} ms", milliseconds(init)).unwrap_or_default();
        }
        match reply.error.as_ref().map(|error| &*error.error_type) {
            Some("Sandbox.Timedout") => line.push_str("\tStatus: timeout"),
            Some(kind) if kind.starts_with("Runtime.") => {
                write!(line, "\tStatus: error\tError Type: {kind}").unwrap_or_default();
            }
            _ => {}
        }
        line
    }
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.2}", duration.as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(wanted: bool) -> Report {
        Report { id: "r".into(), memory_mib: 128, wanted }
    }

    #[test]
    fn the_log_has_the_platforms_lines() {
        let reply = Reply {
            log_tail: "hello".into(),
            duration: Duration::from_micros(1_234),
            init: Some(Duration::from_millis(40)),
            peak_memory_kib: Some(30 * 1024),
            ..Reply::default()
        };
        let text = String::from_utf8(report(true).tail(&reply).unwrap()).unwrap();
        let wanted = "START RequestId: r Version: $LATEST\nhello\nEND RequestId: r\nREPORT RequestId: r\tDuration: 1.23 ms\t\
                      Billed Duration: 42 ms\tMemory Size: 128 MB\tMax Memory Used: 30 MB\tInit Duration: 40.00 ms\n";
        assert_eq!(text, wanted);
        assert_eq!(report(false).tail(&reply), None);
    }

    #[test]
    fn no_more_than_the_end_of_it_is_handed_out() {
        let reply = Reply { log_tail: vec![b'x'; TAIL].into(), ..Reply::default() };
        assert_eq!(report(true).tail(&reply).map(|tail| tail.len()), Some(TAIL));
    }
}
