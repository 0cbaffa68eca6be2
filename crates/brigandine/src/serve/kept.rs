//! Refused requests, kept whole for those who have to find out why: only where `[record] requests = "blocked"` says so.
//!
//! They lie in `requests` in the data folder, one line of JSON each, in the form that `brigandine inspect --requests` reads. The path
//! of a request hands them over and goes on; what finds the queue full is dropped, counted, and the count is told.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use brigandine_gateway::Keeper;
use brigandine_model::{ContentJudged, Event, Happening, Judged, Request, RequestsNotKept, Sink};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    redact::{self, Credentials},
    store::{self, Limits, Store},
};
use crate::{face, firewall::JudgedBy};

/// Requests that may wait for the writer, and bytes of them; more are dropped and counted.
const WAITING: usize = 256;
const WAITING_BYTES: usize = 16 * 1024 * 1024;

/// How often drops are told and old lines looked for.
const BEAT: Duration = Duration::from_secs(1);
const SWEEP: Duration = Duration::from_mins(1);

/// Longest wait for the writer at the end.
const FAREWELL: Duration = Duration::from_secs(10);

/// A request as it lies in the store.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct KeptRequest {
    /// The request's id.
    pub(crate) id: String,
    /// When it came.
    pub(crate) at: String,
    /// Its route.
    pub(crate) route: String,
    /// `refused`, or `observed` where the firewall only observes.
    pub(crate) judged: String,
    /// Who asked.
    pub(crate) client_ip: IpAddr,
    /// The request in the form of HTTP/1.1.
    pub(crate) request_base64: String,
    /// Credentials that were replaced in it: `header authorization`.
    #[serde(default)]
    pub(crate) hidden: Vec<String>,
    /// The rules it was judged by.
    pub(crate) judged_by: JudgedBy,
}

/// The folder within the data folder.
pub(crate) fn folder(data: &Path) -> PathBuf {
    data.join("requests")
}

/// The request of this id, where it is kept.
pub(crate) fn find(data: &Path, id: &str) -> std::io::Result<Option<KeptRequest>> {
    store::find(&folder(data), |line| {
        let text = std::str::from_utf8(line).ok().filter(|text| text.contains(id))?;
        serde_json::from_str::<KeptRequest>(text).ok().filter(|kept| kept.id == id)
    })
}

/// Takes refused requests, under one set of rules.
#[derive(Clone)]
pub(crate) struct Kept {
    sender: SyncSender<Waiting>,
    waits: Arc<Waits>,
    judged_by: Arc<JudgedBy>,
}

/// The thread behind a [`Kept`].
pub(crate) struct Writer {
    waits: Arc<Waits>,
    done: Receiver<()>,
}

#[derive(Default)]
struct Waits {
    bytes: AtomicUsize,
    dropped: AtomicU64,
    closing: std::sync::atomic::AtomicBool,
}

struct Waiting {
    request: Request,
    route: Arc<str>,
    judged: Judged,
    judged_by: Arc<JudgedBy>,
    bytes: usize,
}

/// Starts the writer.
pub(crate) fn start(
    data: &Path,
    limits: Limits,
    credentials: Credentials,
    sink: Arc<dyn Sink>,
) -> anyhow::Result<(Kept, Writer)> {
    let (store, cut) = Store::open(&folder(data), limits)?;
    if cut > 0 {
        face::warn(&format!("{cut} kept request(s) were cut off when the shield ended last, and are gone"));
    }
    let (sender, receiver) = sync_channel(WAITING);
    let (told, done) = sync_channel(1);
    let waits = Arc::new(Waits::default());
    let own = waits.clone();
    std::thread::Builder::new().name("kept".to_owned()).spawn(move || {
        let mut writing = Writing { store, credentials, sink, waits: own, reason: None, lost: 0 };
        writing.run(&receiver);
        told.send(()).unwrap_or_default();
    })?;
    let kept = Kept { sender, waits: waits.clone(), judged_by: Arc::default() };
    Ok((kept, Writer { waits, done }))
}

/// Removes what an earlier run kept and is too old by now, where nothing is kept any more.
pub(crate) fn expire(data: &Path, limits: Limits) {
    let folder = folder(data);
    if !folder.is_dir() {
        return;
    }
    match Store::open(&folder, limits) {
        Ok((mut store, _)) => store.expire(Timestamp::now()),
        Err(error) => face::warn(&format!("old kept requests in `{}` cannot be removed: {error}", folder.display())),
    }
}

impl Kept {
    /// The same store, for requests that these rules judge.
    pub(crate) fn under(&self, judged_by: JudgedBy) -> Self {
        Self { judged_by: Arc::new(judged_by), ..self.clone() }
    }
}

impl Keeper for Kept {
    fn keep(&self, request: &Request, judged: &ContentJudged) {
        let headers: usize = request.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        let bytes = request.body.len() + request.query.len() + request.path.len() + headers;
        let before = self.waits.bytes.fetch_add(bytes, Ordering::Relaxed);
        let waiting = Waiting {
            request: request.clone(),
            route: judged.route.clone(),
            judged: judged.judged,
            judged_by: self.judged_by.clone(),
            bytes,
        };
        // One always fits, however large.
        let fits = before == 0 || before + bytes <= WAITING_BYTES;
        if !fits || self.sender.try_send(waiting).is_err() {
            self.waits.bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.waits.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Writer {
    /// Writes what is waiting and ends the thread, though others may still hold a [`Kept`].
    pub(crate) fn close(self) {
        self.waits.closing.store(true, Ordering::Release);
        if self.done.recv_timeout(FAREWELL).is_err() {
            face::warn("refused requests could not all be kept in time");
        }
    }
}

struct Writing {
    store: Store,
    credentials: Credentials,
    sink: Arc<dyn Sink>,
    waits: Arc<Waits>,
    /// What could not be written since it was last told, and why.
    lost: u64,
    reason: Option<Arc<str>>,
}

impl Writing {
    fn run(&mut self, receiver: &Receiver<Waiting>) {
        let (mut told, mut swept) = (Instant::now(), None::<Instant>);
        loop {
            if swept.is_none_or(|last| last.elapsed() > SWEEP) {
                self.store.expire(Timestamp::now());
                swept = Some(Instant::now());
            }
            match receiver.recv_timeout(BEAT / 10) {
                Ok(waiting) => self.write(&waiting),
                Err(RecvTimeoutError::Timeout) if self.waits.closing.load(Ordering::Acquire) => break,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if told.elapsed() > BEAT {
                self.tell();
                told = Instant::now();
            }
        }
        self.tell();
    }

    fn write(&mut self, waiting: &Waiting) {
        let raw = redact::raw(&waiting.request, self.credentials);
        let kept = KeptRequest {
            id: waiting.request.id.to_string(),
            at: waiting.request.received.to_string(),
            route: waiting.route.to_string(),
            judged: if waiting.judged == Judged::Refused { "refused" } else { "observed" }.to_owned(),
            client_ip: waiting.request.client,
            request_base64: STANDARD.encode(&raw.bytes),
            hidden: raw.hidden,
            judged_by: (*waiting.judged_by).clone(),
        };
        self.waits.bytes.fetch_sub(waiting.bytes, Ordering::Relaxed);
        let written = serde_json::to_vec(&kept)
            .map_err(|error| store::Error::Io(error.into()))
            .and_then(|line| self.store.append(&line, Timestamp::now()));
        if let Err(error) = written {
            self.lost += 1;
            self.reason = Some(error.to_string().into());
        }
    }

    /// Tells what was not kept, at most two events a second.
    fn tell(&mut self) {
        let dropped = self.waits.dropped.swap(0, Ordering::Relaxed);
        let lost = std::mem::take(&mut self.lost);
        let reason = self.reason.take().unwrap_or_else(|| "unknown".into());
        for (count, reason) in [(dropped, "too-many-at-once".into()), (lost, reason)] {
            if count > 0 {
                let what = Happening::RequestsNotKept(RequestsNotKept { count, reason });
                self.sink.emit(Event { at: Timestamp::now(), what });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use brigandine_model::Part;

    use super::*;

    #[derive(Default)]
    struct Told(Mutex<Vec<(u64, String)>>);

    impl Sink for Told {
        fn emit(&self, event: Event) {
            if let Happening::RequestsNotKept(lost) = event.what {
                self.0.lock().unwrap().push((lost.count, lost.reason.to_string()));
            }
        }
    }

    const LIMITS: Limits = Limits { bytes: 64 * 1024 * 1024, lines: 10_000, age: Duration::from_hours(1) };

    fn request(id: &str, body: usize) -> Request {
        Request {
            id: id.into(),
            received: Timestamp::UNIX_EPOCH,
            client: [192, 0, 2, 1].into(),
            method: http::Method::POST,
            scheme: "http",
            host: "localhost".into(),
            path: "/orders".into(),
            query: "q=../../etc/passwd".into(),
            headers: http::HeaderMap::new(),
            body: vec![b'a'; body].into(),
            version: http::Version::HTTP_11,
        }
    }

    fn judged(id: &str) -> ContentJudged {
        ContentJudged {
            request: id.into(),
            client: [192, 0, 2, 1].into(),
            route: "POST /orders".into(),
            part: Part::Request,
            judged: Judged::Refused,
            score: 5,
            work: 1,
            over_budget: false,
            matches: Vec::new(),
        }
    }

    #[test]
    fn a_refused_request_is_found_again_as_it_was_judged() {
        let place = tempfile::tempdir().unwrap();
        let (kept, writer) = start(place.path(), LIMITS, Credentials::Hide, Arc::new(Told::default())).unwrap();
        let kept = kept.under(JudgedBy { rules: "builtin".to_owned(), paranoia: 2, exclude: vec!["7".to_owned()] });
        kept.keep(&request("one", 3), &judged("one"));
        kept.keep(&request("two", 0), &judged("two"));
        writer.close();
        let found = find(place.path(), "one").unwrap().unwrap();
        assert_eq!((found.judged_by.paranoia, found.judged.as_str()), (2, "refused"));
        let raw = STANDARD.decode(found.request_base64).unwrap();
        assert_eq!(raw, b"POST /orders?q=../../etc/passwd HTTP/1.1\r\ncontent-length: 3\r\n\r\naaa");
        assert!(find(place.path(), "three").unwrap().is_none());
        assert!(find(&place.path().join("nowhere"), "one").unwrap().is_none());
    }

    #[test]
    fn a_flood_drops_requests_and_tells_how_many() {
        let place = tempfile::tempdir().unwrap();
        let sink = Arc::new(Told::default());
        let (kept, writer) = start(place.path(), LIMITS, Credentials::Hide, sink.clone()).unwrap();
        kept.keep(&request("first", 10), &judged("first"));
        // As if as much waited already as may.
        kept.waits.bytes.fetch_add(WAITING_BYTES, Ordering::Relaxed);
        for _ in 0..20 {
            kept.keep(&request("late", 10), &judged("late"));
        }
        writer.close();
        assert_eq!(*sink.0.lock().unwrap(), [(20, "too-many-at-once".to_owned())]);
        assert!(find(place.path(), "first").unwrap().is_some() && find(place.path(), "late").unwrap().is_none());
        assert_eq!(kept.waits.bytes.load(Ordering::Relaxed), WAITING_BYTES);
    }

    #[test]
    fn what_the_store_cannot_hold_is_told_with_its_reason() {
        let place = tempfile::tempdir().unwrap();
        let sink = Arc::new(Told::default());
        let small = Limits { bytes: 2_000, ..LIMITS };
        let (kept, writer) = start(place.path(), small, Credentials::Hide, sink.clone()).unwrap();
        kept.keep(&request("large", 4_000), &judged("large"));
        kept.keep(&request("small", 10), &judged("small"));
        writer.close();
        assert_eq!(*sink.0.lock().unwrap(), [(1, "larger-than-the-store".to_owned())]);
        assert!(find(place.path(), "small").unwrap().is_some());
    }
}
