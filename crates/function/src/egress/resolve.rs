//! Names to addresses, by the resolver of the host: few at a time, never for long, remembered for a moment.

use std::{
    collections::HashMap,
    future::Future,
    io,
    net::IpAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Semaphore, oneshot},
    time::Instant,
};

/// Names resolved at the same time.
const AT_ONCE: usize = 8;
/// Names remembered.
const REMEMBERED: usize = 256;
/// How long.
const FRESH: Duration = Duration::from_secs(30);
/// Most addresses of a name.
const ADDRESSES: usize = 16;

/// Addresses that are being looked for.
pub type Resolving<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send + 'a>>;

/// Whoever knows the addresses of names.
pub trait Resolve: Send + Sync {
    /// The addresses of a host.
    fn resolve(&self, host: String) -> Resolving<'_>;
}

/// The resolver of the host.
pub struct HostResolver {
    turns: Arc<Semaphore>,
    known: Arc<Known>,
}

impl Default for HostResolver {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(AT_ONCE)), known: Arc::default() }
    }
}

impl Resolve for HostResolver {
    fn resolve(&self, host: String) -> Resolving<'_> {
        Box::pin(async move {
            if let Some(found) = remembered(&self.known, &host) {
                return Ok(found);
            }
            let turn = self.turns.clone().acquire_owned().await.map_err(io::Error::other)?;
            let (sender, found) = oneshot::channel();
            let known = self.known.clone();
            // A lookup cannot be stopped: its turn lasts until it ends, whoever has stopped waiting for it.
            tokio::spawn(async move {
                let looked = tokio::net::lookup_host((host.as_str(), 0)).await;
                let looked = looked.map(|found| found.map(|one| one.ip()).take(ADDRESSES).collect::<Vec<_>>());
                if let Ok(found) = &looked {
                    remember(&known, host, found.clone());
                }
                drop(turn);
                drop(sender.send(looked));
            });
            found.await.map_err(io::Error::other)?
        })
    }
}

type Known = Mutex<HashMap<String, (Instant, Vec<IpAddr>)>>;

fn remembered(known: &Known, host: &str) -> Option<Vec<IpAddr>> {
    let known = known.lock().unwrap_or_else(PoisonError::into_inner);
    known.get(host).filter(|(since, _)| since.elapsed() < FRESH).map(|(_, found)| found.clone())
}

fn remember(known: &Known, host: String, found: Vec<IpAddr>) {
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    if known.len() >= REMEMBERED {
        known.retain(|_, (since, _)| since.elapsed() < FRESH);
    }
    // A function that asks for ever new names makes the others be looked up again, no more.
    if known.len() >= REMEMBERED {
        known.clear();
    }
    known.insert(host, (Instant::now(), found));
}
