//! The first message of a TLS client, read so far that the host it names is known.

use rustls::server::Acceptor;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::policy;

/// Longest first message.
const LONGEST: usize = 32 * 1024;

/// A first message.
pub(super) struct Hello {
    /// The host it names, in its one form.
    pub(super) name: Option<String>,
    /// All bytes read so far.
    pub(super) bytes: Vec<u8>,
}

/// Why there is none.
pub(super) enum Unread {
    /// The client left without a word.
    Nothing,
    /// What it said is none.
    NoHello,
}

pub(super) async fn read(client: &mut (impl AsyncRead + Unpin)) -> Result<Hello, Unread> {
    let mut acceptor = Acceptor::default();
    let mut bytes = Vec::new();
    let mut buffer = [0_u8; 4 * 1024];
    while bytes.len() < LONGEST {
        let count = client.read(&mut buffer).await.unwrap_or(0);
        let mut new = buffer.get(..count).unwrap_or_default();
        if new.is_empty() {
            return Err(if bytes.is_empty() { Unread::Nothing } else { Unread::NoHello });
        }
        bytes.extend_from_slice(new);
        while !new.is_empty() {
            if acceptor.read_tls(&mut new).is_err() {
                return Err(Unread::NoHello);
            }
        }
        match acceptor.accept() {
            Ok(Some(accepted)) => {
                let name = accepted.client_hello().server_name().and_then(policy::host);
                return Ok(Hello { name, bytes });
            }
            Ok(None) => {}
            Err(_) => return Err(Unread::NoHello),
        }
    }
    Err(Unread::NoHello)
}
