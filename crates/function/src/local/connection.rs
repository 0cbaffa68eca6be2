//! A connection to the Runtime API that notes how it ended.
//!
//! When a process is killed the kernel closes its sockets: in order where everything was read, by a reset where something
//! was not. So a reset tells a call that was handed over and never seen from one that was.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use crate::local::environment::Environment;

/// The stream, and whom to tell.
pub(crate) struct Heard {
    stream: TcpStream,
    environment: Arc<Environment>,
}

impl Heard {
    pub(crate) fn new(stream: TcpStream, environment: Arc<Environment>) -> Self {
        environment.connected();
        Self { stream, environment }
    }

    fn note<T>(&self, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if let Poll::Ready(Err(fault)) = &outcome {
            self.note_fault(fault);
        }
        outcome
    }

    fn note_fault(&self, fault: &io::Error) {
        if matches!(fault.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) {
            self.environment.note_unread();
        }
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        // What was written after the other side had closed is answered by a reset that no read or write has met yet.
        if let Ok(Some(fault)) = self.stream.take_error() {
            self.note_fault(&fault);
        }
        self.environment.disconnected();
    }
}

impl AsyncRead for Heard {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_read(cx, buf);
        this.note(outcome)
    }
}

impl AsyncWrite for Heard {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_write(cx, buf);
        this.note(outcome)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_write_vectored(cx, bufs);
        this.note(outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
