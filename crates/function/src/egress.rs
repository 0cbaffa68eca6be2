//! The way out: what a function may reach of other machines, by name.
//!
//! Three doors over any listener: an HTTP proxy (`CONNECT`, and requests in the clear), TLS without a proxy, told by the name
//! in its first message, and single TCP targets. A name is resolved here, by the host's resolver, and what is connected to is
//! the very address that was looked at: private, link-local and metadata addresses are refused unless a grant names them.
//! [`Egress`] decides. Where functions run unfenced these doors are only offered, not enforced: whoever ignores them gets
//! past; inside a fence there is no other way.

mod hello;
mod judging;
mod nearness;
mod plain;
mod policy;
mod proxy;
mod resolve;
mod stream;
mod told;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use brigandine_model::{LogicalId, Passage, Sink};
use http::{HeaderMap, Method};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use self::{judging::Refused, stream::Metered, told::Tally};
pub use self::{
    nearness::{Permit, Reach},
    policy::{Grants, Unfit},
    resolve::{HostResolver, Resolve, Resolving},
};

/// Whoever decides what functions may reach.
pub trait Egress: Send + Sync {
    /// What a function is granted for this, or nothing where it may not go at all. Must not wait.
    fn judge(&self, wish: &Wish<'_>) -> Option<Permit>;
}

/// What a function wants to reach, as far as it can be seen.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// The function.
    pub function: &'a LogicalId,
    /// The host it names, lower case, without a final dot.
    pub host: &'a str,
    /// The port.
    pub port: u16,
    /// The request, where it is in the clear.
    pub request: Option<Request<'a>>,
}

/// A request in the clear.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a Method,
    /// The path with its query.
    pub path: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
}

/// Bounds of the way out of one function.
#[derive(Clone, Debug)]
pub struct EgressSettings {
    /// Whether what is not granted passes too, and is only told of. Metadata and link-local addresses never pass.
    pub observe: bool,
    /// Most connections at a time. Default 64.
    pub connections: usize,
    /// Most bytes of one connection, both ways together. Default 4 GiB.
    pub bytes: u64,
    /// Longest silence on a connection. Default five minutes.
    pub idle: Duration,
    /// Longest wait for a name, for a connection, and for what a client says first. Default 10 s each.
    pub patience: Duration,
}

impl Default for EgressSettings {
    fn default() -> Self {
        Self {
            observe: false,
            connections: 64,
            bytes: 4 * 1024 * 1024 * 1024,
            idle: Duration::from_mins(5),
            patience: Duration::from_secs(10),
        }
    }
}

/// The way out of one function.
pub struct EgressServer {
    function: LogicalId,
    egress: Arc<dyn Egress>,
    resolver: Arc<dyn Resolve>,
    settings: EgressSettings,
    told: Arc<Tally>,
    places: Arc<Semaphore>,
}

/// A connection that may be made: granted, resolved, made.
struct Made {
    stream: Metered<TcpStream>,
    /// Whether the first message must name the same host.
    names_itself: bool,
}

impl EgressServer {
    /// The way out of `function`, as `egress` decides.
    pub fn new(
        function: LogicalId,
        egress: Arc<dyn Egress>,
        (resolver, settings): (Arc<dyn Resolve>, EgressSettings),
        sink: Arc<dyn Sink>,
    ) -> Arc<Self> {
        let places = Arc::new(Semaphore::new(settings.connections.clamp(1, Semaphore::MAX_PERMITS)));
        let told = Tally::new(function.clone(), sink);
        Arc::new(Self { function, egress, resolver, settings, told, places })
    }

    /// Serves as an HTTP proxy until it is aborted.
    pub async fn proxy(self: Arc<Self>, listener: TcpListener) {
        self.serve(listener, proxy::serve).await;
    }

    /// Serves TLS connections that are meant for whoever they name, at this port, until it is aborted.
    pub async fn transparent(self: Arc<Self>, listener: TcpListener, port: u16) {
        let serve = move |server: Arc<Self>, stream: TcpStream, place: OwnedSemaphorePermit| async move {
            server.pass_named(stream, port).await;
            drop(place);
        };
        self.serve(listener, serve).await;
    }

    /// Serves connections that are meant for one target until it is aborted.
    pub async fn direct(self: Arc<Self>, listener: TcpListener, (host, port): (String, u16)) {
        let host: Arc<str> = host.into();
        let serve = move |server: Arc<Self>, stream: TcpStream, place: OwnedSemaphorePermit| {
            let host = host.clone();
            async move {
                if let Ok(made) = server.reach(&host, port, None).await {
                    server.splice(stream, made.stream).await;
                }
                drop(place);
            }
        };
        self.serve(listener, serve).await;
    }

    async fn serve<F: Future<Output = ()> + Send + 'static>(
        self: Arc<Self>,
        listener: TcpListener,
        serve: impl Fn(Arc<Self>, TcpStream, OwnedSemaphorePermit) -> F,
    ) {
        let mut connections = tokio::task::JoinSet::new();
        loop {
            while connections.try_join_next().is_some() {}
            let Ok((stream, from)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            };
            if !from.ip().to_canonical().is_loopback() {
                continue;
            }
            match self.places.clone().try_acquire_owned() {
                Ok(place) => drop(connections.spawn(serve(self.clone(), stream, place))),
                Err(_) => self.told.tell(("", 0), Passage::Refused, "limit"),
            }
        }
    }

    /// A TLS connection to whoever its first message names.
    async fn pass_named(&self, mut client: TcpStream, port: u16) {
        let Ok(hello) = timeout(self.settings.patience, hello::read(&mut client)).await else { return };
        let named = hello.as_ref().ok().and_then(|hello| hello.name.clone());
        let (Ok(hello), Some(host)) = (hello, named) else {
            return self.told.tell(("", port), Passage::Refused, "no-name");
        };
        let Ok(mut made) = self.reach(&host, port, None).await else { return };
        if made.stream.write_all(&hello.bytes).await.is_ok() {
            self.splice(client, made.stream).await;
        }
    }

    /// A tunnel that was opened for `host`: where its first message must name a host, it must be the same.
    async fn pass_tunnel(&self, mut client: impl AsyncRead + AsyncWrite + Unpin, made: Made, host: (&str, u16)) {
        let mut upstream = made.stream;
        if made.names_itself {
            let Ok(hello) = timeout(self.settings.patience, hello::read(&mut client)).await else { return };
            match hello {
                Ok(hello) if hello.name.as_deref() == Some(host.0) => {
                    if upstream.write_all(&hello.bytes).await.is_err() {
                        return;
                    }
                }
                // One who leaves without a word has done nothing.
                Err(hello::Unread::Nothing) => return,
                Ok(hello::Hello { name: None, .. }) | Err(hello::Unread::NoHello) => {
                    return self.told.tell(host, Passage::Refused, "no-name");
                }
                Ok(_) => return self.told.tell(host, Passage::Refused, "name-mismatch"),
            }
        }
        self.splice(client, upstream).await;
    }

    async fn splice(&self, mut client: impl AsyncRead + AsyncWrite + Unpin, mut upstream: Metered<TcpStream>) {
        // How it ends is the affair of those who speak over it.
        drop(tokio::io::copy_bidirectional(&mut client, &mut upstream).await);
    }

    /// Connects to one of the addresses that were looked at, and to no other.
    async fn connect(&self, addresses: &[SocketAddr]) -> Result<Metered<TcpStream>, Refused> {
        for address in addresses.iter().take(3) {
            let connecting = timeout(self.settings.patience, TcpStream::connect(address)).await;
            if let Ok(Ok(stream)) = connecting {
                // Without it, it is only slower.
                drop(stream.set_nodelay(true));
                return Ok(Metered::new(stream, self.settings.bytes, self.settings.idle));
            }
        }
        Err(Refused::Unreachable)
    }
}
