//! What a function writes to its standard output and error: one pipe, cut into lines, each with the call it belongs to.

use std::{io, os::fd::OwnedFd, sync::Arc, sync::Mutex};

use brigandine_model::{FunctionLogged, Happening, LogicalId, Sink};
use bytes::Bytes;
use tokio::net::unix::pipe;

/// Longest line; the rest of a longer one is the next line.
const LINE: usize = 8 * 1024;
/// Bytes of the end of a call's output that are kept.
const TAIL: usize = 4 * 1024;
/// Most bytes read in one go, so that a flood cannot hold up an answer.
const GULP: usize = 256 * 1024;

/// The output of one environment.
pub(crate) struct Output {
    pipe: pipe::Receiver,
    function: LogicalId,
    environment: u64,
    sink: Arc<dyn Sink>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    partial: Vec<u8>,
    tail: Vec<u8>,
    request: Option<Arc<str>>,
}

impl Output {
    pub(crate) fn new(
        reader: io::PipeReader,
        function: LogicalId,
        environment: u64,
        sink: Arc<dyn Sink>,
    ) -> io::Result<Self> {
        let pipe = pipe::Receiver::from_owned_fd(OwnedFd::from(reader))?;
        Ok(Self { pipe, function, environment, sink, kept: Mutex::new(Kept::default()) })
    }

    /// Reads until every writer is gone.
    pub(crate) async fn follow(&self) {
        while self.pipe.readable().await.is_ok() {
            // Through the runtime, which learns so that there is nothing more.
            if self.drain(|buffer| self.pipe.try_read(buffer)) {
                return;
            }
            // A function that writes without pause must not keep a thread to itself.
            tokio::task::yield_now().await;
        }
    }

    /// What comes from now on belongs to this call.
    pub(crate) fn begin(&self, request: Arc<str>) {
        self.drain(|buffer| Ok(rustix::io::read(&self.pipe, buffer)?));
        if let Ok(mut kept) = self.kept.lock() {
            self.end_line(&mut kept);
            kept.tail.clear();
            kept.request = Some(request);
        }
    }

    /// The end of what was written since [`Output::begin`].
    pub(crate) fn tail(&self) -> Bytes {
        self.drain(|buffer| Ok(rustix::io::read(&self.pipe, buffer)?));
        self.kept.lock().map_or_else(|_| Bytes::new(), |kept| Bytes::copy_from_slice(&kept.tail))
    }

    /// Takes what is there without waiting. Whether the pipe has ended.
    fn drain(&self, read: impl Fn(&mut [u8]) -> io::Result<usize>) -> bool {
        let mut buffer = [0; 8 * 1024];
        let Ok(mut kept) = self.kept.lock() else { return true };
        let mut total = 0;
        while total < GULP {
            match read(&mut buffer) {
                Ok(0) => {
                    self.end_line(&mut kept);
                    return true;
                }
                Ok(count) => {
                    total += count;
                    self.take(&mut kept, buffer.get(..count).unwrap_or_default());
                }
                Err(fault) if fault.kind() == io::ErrorKind::Interrupted => {}
                Err(fault) if fault.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => return true,
            }
        }
        false
    }

    fn take(&self, kept: &mut Kept, bytes: &[u8]) {
        kept.tail.extend_from_slice(bytes);
        let surplus = kept.tail.len().saturating_sub(TAIL);
        kept.tail.drain(..surplus);
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            kept.partial.extend_from_slice(piece);
            while kept.partial.len() > LINE {
                let rest = kept.partial.split_off(LINE);
                self.end_line(kept);
                kept.partial = rest;
            }
            if piece.ends_with(b"\n") {
                self.end_line(kept);
            }
        }
    }

    fn end_line(&self, kept: &mut Kept) {
        let line = String::from_utf8_lossy(&kept.partial);
        let line = line.trim_end_matches(['\n', '\r']);
        if !line.is_empty() {
            let (function, request) = (self.function.clone(), kept.request.clone());
            let logged = FunctionLogged { function, environment: self.environment, request, line: line.into() };
            super::emit(&*self.sink, Happening::FunctionLogged(logged));
        }
        kept.partial.clear();
    }
}
