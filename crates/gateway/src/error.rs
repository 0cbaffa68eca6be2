//! What can go wrong before the door stands open. All of it is the operator's to mend.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

/// Why the door does not open.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Certificate or key cannot be used.
    #[error("the TLS file `{}` cannot be used: {reason}", file.display())]
    Tls {
        /// The file at fault.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on `{address}`: {source}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// Development identities work only where nobody else can reach them.
    #[error("development identities are only for loopback addresses, and `{address}` is not one")]
    DevelopmentInTheOpen {
        /// The address asked for.
        address: SocketAddr,
    },
    /// Behind a trusted proxy, strangers reach a loopback address as well.
    #[error(
        "development identities are for callers on this machine, and trusted proxies bring others: set one of them only"
    )]
    DevelopmentBehindProxies,
    /// The keys of an issuer cannot be used.
    #[error("the keys of the issuer `{issuer}` cannot be used: {reason}")]
    Keys {
        /// The issuer or the file.
        issuer: Arc<str>,
        /// What is wrong with them.
        reason: String,
    },
    /// No development token can be made for this route.
    #[error("no development token can be made for `{route}`: {reason}")]
    Mint {
        /// The route.
        route: Arc<str>,
        /// Why.
        reason: String,
    },
    /// A setting makes no sense.
    #[error("the setting `{name}` cannot be used: {reason}")]
    Setting {
        /// Which one.
        name: &'static str,
        /// Why.
        reason: String,
    },
}
