//! What can keep functions from running here at all.

use std::path::PathBuf;

/// Why functions cannot be run here. Faults of single functions are notices, not errors: the others still serve.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The data directory cannot be used; the operator can name another.
    #[error("cannot write `{}` in the data directory", path.display())]
    Data {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file with environment values is not what `sam` would read; the operator can mend it.
    #[error("the environment values are not readable: {reason}")]
    Overrides {
        /// What is wrong, one clause.
        reason: String,
    },
    /// The address cannot be listened on; the operator can name another.
    #[error("cannot listen on `{address}`")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// No socket on the loopback address.
    #[error("cannot listen on the loopback address")]
    Loopback {
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}
