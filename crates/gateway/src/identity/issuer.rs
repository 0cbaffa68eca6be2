//! An issuer's keys: fetched ahead of need, fetched again for an unknown key id, kept when the issuer is away.
//!
//! A flood of made-up key ids causes one fetch per thirty seconds at most; a rotation is seen at the first new token.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use rustls::ClientConfig;
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::{
    Clock, KeySource, Settings,
    identity::fetch::{Document, Fetcher, leads_inside, secure},
    jose::{KeySet, VerifyingKey},
};

/// Keys without a word on their life live this long; shorter and longer words are brought between the bounds.
const USUAL_LIFE: Duration = Duration::from_mins(10);
const SHORTEST_LIFE: Duration = Duration::from_mins(1);
/// Keys older than this verify nothing.
const LONGEST_LIFE: Duration = Duration::from_hours(24);

/// An issuer and its keys.
pub(crate) struct Issuer {
    pub(crate) name: Arc<str>,
    source: KeySource,
    fetcher: Fetcher,
    clock: Arc<dyn Clock>,
    between: Duration,
    keys: ArcSwapOption<Loaded>,
    /// When the last fetch began, on the steady clock. Whoever holds it fetches; the others wait and look again.
    last_fetch: Mutex<Option<Duration>>,
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Issuer").field("name", &self.name).field("source", &self.source).finish_non_exhaustive()
    }
}

struct Loaded {
    keys: KeySet,
    raw: Bytes,
    at: Duration,
    life: Duration,
    stamp: Option<Stamp>,
}

/// What changes when a file changes.
type Stamp = (SystemTime, u64);

/// Why there is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoKey {
    /// The issuer has none with this id.
    Unknown,
    /// The issuer's keys could not be had.
    Unavailable,
}

/// What a refresh did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refreshed {
    /// Nothing was due, or nothing changed.
    Same,
    /// There are new keys.
    Changed,
}

impl Issuer {
    /// An issuer; the keys of a file are read at once.
    pub(crate) fn new(
        name: Arc<str>,
        source: KeySource,
        settings: &Settings,
        tls: Arc<ClientConfig>,
    ) -> Result<Self, Arc<str>> {
        let fetcher = Fetcher { tls, patience: settings.timers.issuer, private: settings.private_issuers };
        let issuer = Self {
            name,
            source,
            fetcher,
            clock: settings.clock.clone(),
            between: settings.timers.refetch,
            keys: ArcSwapOption::empty(),
            last_fetch: Mutex::default(),
        };
        match &issuer.source {
            KeySource::File(path) => {
                issuer.read(path).map_err(|reason| format!("its issuer's keys cannot be used: {reason}"))?;
            }
            KeySource::Url(url) => check(url)?,
            KeySource::Discovery => check(&issuer.name)?,
        }
        Ok(issuer)
    }

    /// The key with this id, fetched when it is not known yet.
    pub(crate) async fn key(&self, id: Option<&str>) -> Result<VerifyingKey, NoKey> {
        if let Ok(key) = self.known(id) {
            return Ok(key);
        }
        if matches!(self.source, KeySource::File(_)) {
            return self.known(id);
        }
        let mut last = self.last_fetch.lock().await;
        let now = self.clock.steady();
        let due = last.is_none_or(|last| now.saturating_sub(last) >= self.between);
        if self.known(id).is_err() && due {
            *last = Some(now);
            // A failure shows as keys that stay away; the refresh task tells people of it.
            self.load().await.unwrap_or(Refreshed::Same);
        }
        drop(last);
        self.known(id)
    }

    fn known(&self, id: Option<&str>) -> Result<VerifyingKey, NoKey> {
        let loaded = self.keys.load();
        let now = self.clock.steady();
        let forever = matches!(self.source, KeySource::File(_));
        match loaded.as_deref() {
            Some(loaded) if forever || now.saturating_sub(loaded.at) < LONGEST_LIFE => {
                loaded.keys.key(id).cloned().ok_or(NoKey::Unknown)
            }
            _ => Err(NoKey::Unavailable),
        }
    }

    /// Fetches or reads the keys anew when it is time: at four fifths of their life, or when the file changed.
    pub(crate) async fn refresh(&self) -> Result<Refreshed, String> {
        let loaded = self.keys.load_full();
        if let KeySource::File(path) = &self.source {
            let stamp = loaded.and_then(|loaded| loaded.stamp);
            let path: PathBuf = path.clone();
            let changed = stamp_of(&path).ok() != stamp;
            return if changed { self.read(&path) } else { Ok(Refreshed::Same) };
        }
        let now = self.clock.steady();
        if loaded.is_some_and(|loaded| now.saturating_sub(loaded.at) < loaded.life * 4 / 5) {
            return Ok(Refreshed::Same);
        }
        let mut last = self.last_fetch.lock().await;
        if last.is_some_and(|last| now.saturating_sub(last) < self.between) {
            return Ok(Refreshed::Same);
        }
        *last = Some(now);
        self.load().await
    }

    async fn load(&self) -> Result<Refreshed, String> {
        let (raw, life) = self.fetch().await?;
        let life = life.unwrap_or(USUAL_LIFE).clamp(SHORTEST_LIFE, LONGEST_LIFE);
        self.keep(raw, life, None)
    }

    async fn fetch(&self) -> Result<Document, String> {
        match &self.source {
            KeySource::Url(url) => self.fetcher.get(url).await,
            _ => self.fetcher.get(&self.discover().await?).await,
        }
    }

    /// Where the issuer's own document says its keys are. The document must speak of exactly this issuer.
    async fn discover(&self) -> Result<String, String> {
        #[derive(Deserialize)]
        struct Discovery {
            issuer: String,
            jwks_uri: String,
        }
        let url = format!("{}/.well-known/openid-configuration", self.name.trim_end_matches('/'));
        let (document, _) = self.fetcher.get(&url).await?;
        let found: Discovery =
            serde_json::from_slice(&document).map_err(|_| format!("`{url}`: it is not a discovery document"))?;
        if *found.issuer != *self.name {
            return Err(format!("`{url}`: it speaks of another issuer"));
        }
        // An issuer on the network may send us neither to this machine nor to an address of our own network.
        let (own, keys) = (self.name.parse(), found.jwks_uri.parse());
        match (own, keys) {
            (Ok(own), Ok(keys)) if !secure(&own)? || secure(&keys)? && !leads_inside(&keys, &own) => Ok(found.jwks_uri),
            _ => Err(format!("`{url}`: the address of its keys is not trusted")),
        }
    }

    fn read(&self, path: &Path) -> Result<Refreshed, String> {
        let told = |error: std::io::Error| format!("`{}`: {error}", path.display());
        let stamp = stamp_of(path).map_err(told)?;
        let raw = std::fs::read(path).map_err(told)?;
        self.keep(raw.into(), LONGEST_LIFE, Some(stamp)).map_err(|reason| format!("`{}`: {reason}", path.display()))
    }

    fn keep(&self, raw: Bytes, life: Duration, stamp: Option<Stamp>) -> Result<Refreshed, String> {
        let keys = KeySet::from_json(&raw).map_err(|fault| fault.to_string())?;
        let same = self.keys.load().as_deref().is_some_and(|loaded| loaded.raw == raw);
        self.keys.store(Some(Arc::new(Loaded { keys, raw, at: self.clock.steady(), life, stamp })));
        Ok(if same { Refreshed::Same } else { Refreshed::Changed })
    }
}

fn check(url: &str) -> Result<(), Arc<str>> {
    let told = |reason: String| Arc::from(format!("its issuer `{url}` cannot be asked: {reason}"));
    let uri = url.parse().map_err(|_| told("it is not a URL".to_owned()))?;
    secure(&uri).map(|_| ()).map_err(told)
}

fn stamp_of(path: &Path) -> std::io::Result<Stamp> {
    let metadata = std::fs::metadata(path)?;
    Ok((metadata.modified()?, metadata.len()))
}
