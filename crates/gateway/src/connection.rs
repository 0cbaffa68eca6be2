//! Connections: how many, from whom, for how long.

use std::{
    cmp::Reverse,
    collections::{HashMap, VecDeque},
    error::Error as StdError,
    future::Future,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    pin::pin,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, Instant},
};

use brigandine_model::{Guard, Throttle};
use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::{interval, sleep, timeout},
};
use tokio_rustls::TlsAcceptor;

use crate::{
    Settings,
    address::{client_key, listed, plain},
    entrance::{Accepted, Entrance},
    framing::Framed,
    rate::{BucketKey, Pace, Rates, nanoseconds},
    record::Recorder,
    settings::{Limits, Timers},
    visit::Peer,
    watch::{Fault, Judgement, Watch},
};

/// Takes connections in and sees them off.
pub(crate) struct Gatehouse {
    pub(crate) entrance: Arc<Entrance>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) rates: Arc<Rates>,
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) places: Arc<Places>,
    pub(crate) protocol: Builder<TokioExecutor>,
}

/// The bucket of connections beside those of routes.
const CONNECTIONS: u64 = u64::MAX;

/// Any stream: plain and encrypted connections share one compiled protocol stack.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// The protocols' own limits.
pub(crate) fn protocol(limits: &Limits, timers: &Timers) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        // Without a timer hyper drops its header timeout. Ours in `watch` is stricter; this one stands behind it.
        .timer(TokioTimer::new())
        .header_read_timeout(timers.head + timers.idle)
        .max_buf_size((limits.head_bytes + limits.target_bytes).max(64 * 1024));
    // hyper's own number; told so, it would leave its fast path.
    if limits.headers != 100 {
        builder.http1().max_headers(limits.headers);
    }
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(100)
        .initial_stream_window_size(64 * 1024)
        .initial_connection_window_size(1024 * 1024)
        // Twice ours, so that it is the size guard that refuses, with an answer and an event.
        .max_header_list_size(u32::try_from(2 * limits.head_bytes).unwrap_or(u32::MAX))
        .max_send_buf_size(64 * 1024)
        .keep_alive_interval(timers.ping)
        .keep_alive_timeout(timers.ping);
    builder
}

impl Gatehouse {
    /// Takes connections until `shutdown`, then lets those under way finish, for a while.
    pub(crate) async fn serve(self: Arc<Self>, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        let (closing, closed) = watch::channel(false);
        let mut guests = JoinSet::new();
        let mut shutdown = pin!(shutdown);
        let mut backoff = Duration::ZERO;
        loop {
            let accepted = tokio::select! {
                () = &mut shutdown => break,
                _ = guests.join_next(), if !guests.is_empty() => continue,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, from)) => {
                    backoff = Duration::ZERO;
                    self.clone().take_in(stream, from, &closed, &mut guests);
                }
                Err(error) if gone(&error) => {}
                Err(_) => {
                    // No file descriptors or memory left: asking again at once would only burn the processor.
                    let nobody = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
                    self.recorder.connection_failed(nobody, "accept", "the system has no room for more connections");
                    backoff = (backoff * 2).clamp(Duration::from_millis(10), Duration::from_secs(1));
                    tokio::select! {
                        () = &mut shutdown => break,
                        () = sleep(backoff) => {}
                    }
                }
            }
        }
        drop(listener);
        closing.send_replace(true);
        let all_gone = async { while guests.join_next().await.is_some() {} };
        if timeout(self.settings.timers.drain, all_gone).await.is_err() {
            guests.shutdown().await;
        }
    }

    fn take_in(
        self: Arc<Self>,
        stream: TcpStream,
        from: SocketAddr,
        closed: &watch::Receiver<bool>,
        guests: &mut JoinSet<()>,
    ) {
        let peer = plain(from.ip());
        let now = Instant::now();
        let watch = Watch::new(peer, Arc::new(self.settings.timers.clone()), now);
        let exempt = listed(&self.settings.trusted_proxies, peer);
        if !exempt && self.comes_too_often(peer) {
            return self.recorder.connection_refused(peer, "address-rate");
        }
        match self.places.take(&watch, exempt, now) {
            Ok(place) => {
                let closed = closed.clone();
                guests.spawn(async move {
                    self.host(stream, &watch, closed).await;
                    drop(place);
                });
            }
            Err(reason) => self.recorder.connection_refused(peer, reason),
        }
    }

    /// Whether an address asks for more handshakes, which are dear, than twice the requests it may send. Whoever keeps to
    /// the rate of requests is never turned away here, nor where an answer that says why costs less than a handshake.
    fn comes_too_often(&self, peer: IpAddr) -> bool {
        let told = self.tls.is_some() && !self.settings.observe.covers(Guard::Rate, None);
        let Some(throttle) = self.settings.client_total.filter(|_| told) else { return false };
        let pace = Pace::from(Throttle { rate: 2.0 * throttle.rate, burst: throttle.burst.saturating_mul(2) });
        let key = BucketKey { who: client_key(peer), scope: CONNECTIONS };
        self.rates.take(key, pace, nanoseconds(self.settings.clock.steady())).is_err()
    }

    async fn host(self: Arc<Self>, stream: TcpStream, watch: &Arc<Watch>, closed: watch::Receiver<bool>) {
        // Answers are small and complete: waiting to fill packets only delays them.
        stream.set_nodelay(true).unwrap_or_default();
        let port = stream.local_addr().map_or(self.settings.listen.port(), |address| address.port());
        let Some(tls) = self.tls.clone() else {
            let peer = Peer { address: watch.peer, scheme: "http", port };
            return self.speak(Box::new(stream), watch, peer, closed).await;
        };
        let handshake = timeout(self.settings.timers.handshake, tls.accept(stream));
        let outcome = tokio::select! {
            outcome = handshake => outcome,
            () = watch.evicted.notified() => return self.fail(watch, ("tls", "it made room for others")),
        };
        match outcome {
            Ok(Ok(stream)) => {
                watch.opened(Instant::now());
                let peer = Peer { address: watch.peer, scheme: "https", port };
                self.speak(Box::new(stream), watch, peer, closed).await;
            }
            Ok(Err(_)) => self.fail(watch, ("tls", "the handshake failed")),
            Err(_) => self.fail(watch, ("tls", "the handshake took too long")),
        }
    }

    /// Speaks HTTP until either side is done.
    async fn speak(&self, stream: Box<dyn Stream>, watch: &Arc<Watch>, peer: Peer, mut closed: watch::Receiver<bool>) {
        let entrance = self.entrance.clone();
        let shared = watch.clone();
        let service = service_fn(move |request| {
            // Looked at now, not when the answer is first worked on: hyper may have read the next head by then.
            let call = Accepted { peer, ambiguity: shared.ambiguity(), busy: shared.clone().begin() };
            entrance.clone().answer(call, request)
        });
        let stream = TokioIo::new(Framed::new(stream, watch.clone()));
        let mut connection = pin!(self.protocol.serve_connection(stream, service));
        let mut beat = interval(beat(&self.settings.timers));
        let mut asked_to_leave: Option<Instant> = None;
        loop {
            let leave = tokio::select! {
                outcome = connection.as_mut() => {
                    if let Err(error) = outcome && let Some(fault) = told(error.as_ref(), watch) {
                        self.fail(watch, fault);
                    }
                    return;
                }
                () = watch.evicted.notified() => match (watch.unproven(), watch.engaged()) {
                    (true, _) => return self.fail(watch, ("head", "it made room for others")),
                    // To idle is no fault: it is told, and not charged.
                    (false, false) => {
                        return self.recorder.connection_failed(watch.peer, "idle", "it made room for others");
                    }
                    // A request came at the last moment: it is answered, then the connection leaves.
                    (false, true) => true,
                },
                _ = closed.wait_for(|closed| *closed), if asked_to_leave.is_none() => true,
                _ = beat.tick() => match watch.judge(Instant::now()) {
                    Judgement::Welcome => false,
                    Judgement::Leave => true,
                    Judgement::End(fault) => return self.fail(watch, fault),
                },
            };
            match (leave, asked_to_leave) {
                (true, None) => {
                    asked_to_leave = Some(Instant::now());
                    connection.as_mut().graceful_shutdown();
                }
                // Idle, and does not go when asked.
                (true, Some(since)) if since.elapsed() > self.settings.timers.grace && !watch.engaged() => return,
                _ => {}
            }
        }
    }

    /// Notes a fault of the other end, and charges its address for it.
    fn fail(&self, watch: &Watch, (stage, reason): Fault) {
        self.recorder.connection_failed(watch.peer, stage, reason);
        if let Some(pace) = self.entrance.plan.load().client_total {
            let key = BucketKey { who: client_key(watch.peer), scope: 0 };
            // Whether anything was left to take does not matter: it is charged.
            let _charged = self.rates.take(key, pace, nanoseconds(self.settings.clock.steady()));
        }
    }
}

/// Often enough for the shortest of the waits.
fn beat(timers: &Timers) -> Duration {
    let shortest = timers.head.min(timers.idle).min(timers.grace).min(timers.connection);
    (shortest / 4).clamp(Duration::from_millis(5), Duration::from_secs(1))
}

/// Whether a connection was gone before it could be taken.
fn gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}

/// What an error says of the other end; nothing where it merely went away.
fn told(error: &(dyn StdError + Send + Sync + 'static), watch: &Watch) -> Option<Fault> {
    if let Some(fault) = watch.fault() {
        return Some(fault);
    }
    let broke = watch.engaged().then_some(("protocol", "the connection broke within a request"));
    let Some(error) = error.downcast_ref::<hyper::Error>() else { return broke };
    if error.is_parse_too_large() {
        return Some(("head", "the request head is too large"));
    }
    if error.is_parse() {
        return Some(("head", malformed(&error.to_string())));
    }
    if error.is_timeout() {
        return Some(("head", "the request head took too long"));
    }
    if error.is_incomplete_message() {
        return Some(("head", "the connection ended within a request"));
    }
    let io = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    if io.is_some() || error.is_canceled() || error.is_closed() || error.is_shutdown() || error.is_body_write_aborted()
    {
        return broke;
    }
    Some(("protocol", "the protocol was violated"))
}

/// What is wrong with a head that hyper refuses. hyper tells the kinds apart in words only; what it may say in another
/// version is still told as malformed.
fn malformed(said: &str) -> &'static str {
    const KINDS: [(&str, &str); 6] = [
        ("invalid HTTP method", "the request head is malformed: the method is invalid"),
        ("invalid URI", "the request head is malformed: the target is invalid"),
        ("invalid HTTP version", "the request head is malformed: the version is invalid"),
        ("invalid HTTP header", "the request head is malformed: a header is invalid"),
        ("invalid content-length", "the request head is malformed: the length is invalid"),
        ("transfer-encoding", "the request head is malformed: the transfer coding is invalid"),
    ];
    let known = KINDS.iter().find(|(words, _)| said.contains(words));
    known.map_or("the request head is malformed", |(_, told)| told)
}

/// Who is in.
pub(crate) struct Places {
    total: usize,
    per_address: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    total: usize,
    /// By client; no more entries than connections.
    by_address: HashMap<u128, usize>,
    /// Those who may never have brought a whole request, oldest first.
    unproven: VecDeque<Weak<Watch>>,
    /// Those who have.
    proven: Vec<Weak<Watch>>,
    /// Of these, some that idled when it was last looked, whoever should go first in front.
    idlers: VecDeque<Weak<Watch>>,
    /// When it was last looked in vain.
    looked: Option<Instant>,
}

/// Idlers noted at one look through all connections, and the time between two looks in vain: a flood of newcomers must
/// not cost one look each.
const NOTED: usize = 64;
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// A place, given back when dropped.
pub(crate) struct Place {
    places: Arc<Places>,
    address: Option<u128>,
}

impl Places {
    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            total: limits.connections.max(1),
            per_address: limits.connections_per_address.max(1),
            taken: Mutex::default(),
        })
    }

    /// A place for one more. When all are taken, the oldest connection without a whole request makes room, or else one
    /// that idles.
    fn take(self: &Arc<Self>, watch: &Arc<Watch>, exempt: bool, now: Instant) -> Result<Place, &'static str> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let address = (!exempt).then(|| client_key(watch.peer));
        let from_there = address.and_then(|address| taken.by_address.get(&address).copied()).unwrap_or(0);
        if from_there >= self.per_address {
            return Err("address-limit");
        }
        if taken.total >= self.total && !taken.make_room(now) {
            return Err("total-limit");
        }
        taken.total += 1;
        if let Some(address) = address {
            taken.by_address.insert(address, from_there + 1);
        }
        if taken.unproven.len() + taken.proven.len() >= 2 * self.total {
            taken.sort_out();
        }
        taken.unproven.push_back(Arc::downgrade(watch));
        Ok(Place { places: self.clone(), address })
    }
}

impl Taken {
    fn make_room(&mut self, now: Instant) -> bool {
        while let Some(weak) = self.unproven.pop_front() {
            let Some(watch) = weak.upgrade() else { continue };
            if watch.unproven() {
                watch.evict();
                return true;
            }
            self.proven.push(weak);
        }
        if self.evict_idler() {
            return true;
        }
        if self.looked.is_some_and(|looked| now.saturating_duration_since(looked) < BETWEEN_LOOKS) {
            return false;
        }
        self.look_for_idlers();
        let found = self.evict_idler();
        self.looked = (!found).then_some(now);
        found
    }

    fn evict_idler(&mut self) -> bool {
        while let Some(watch) = self.idlers.pop_front() {
            if let Some(watch) = watch.upgrade().filter(|watch| watch.idle_since().is_some()) {
                watch.evict();
                return true;
            }
        }
        false
    }

    /// Notes those who idle: from the address with the most connections first, whoever idles longest first. Trusted
    /// proxies, which speak for many, come last.
    fn look_for_idlers(&mut self) {
        let by_address = &self.by_address;
        let idlers = self.proven.iter().filter_map(|weak| {
            let watch = weak.upgrade()?;
            let crowd = by_address.get(&client_key(watch.peer)).copied().unwrap_or(0);
            Some((Reverse(crowd), watch.idle_since()?, weak))
        });
        let mut idlers: Vec<_> = idlers.collect();
        idlers.sort_by_key(|(crowd, since, _)| (*crowd, *since));
        self.idlers = idlers.into_iter().take(NOTED).map(|(_, _, weak)| weak.clone()).collect();
    }

    /// Forgets who is gone, and tells those who brought a request from those who did not.
    fn sort_out(&mut self) {
        self.proven.retain(|watch| watch.strong_count() > 0);
        for weak in std::mem::take(&mut self.unproven) {
            match weak.upgrade().map(|watch| watch.unproven()) {
                Some(true) => self.unproven.push_back(weak),
                Some(false) => self.proven.push(weak),
                None => {}
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.total -= 1;
        if let Some(address) = self.address
            && let Some(count) = taken.by_address.get_mut(&address)
        {
            *count -= 1;
            if *count == 0 {
                taken.by_address.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(last: u8) -> Arc<Watch> {
        Watch::new(IpAddr::from([127, 0, 0, last]), Arc::new(Timers::default()), Instant::now())
    }

    fn places(total: usize, per_address: usize) -> Arc<Places> {
        Places::new(&Limits { connections: total, connections_per_address: per_address, ..Limits::default() })
    }

    #[test]
    fn one_address_has_its_share_and_a_proxy_more() {
        let places = places(10, 2);
        let guest = watch(1);
        let first = places.take(&guest, false, Instant::now());
        let _second = places.take(&guest, false, Instant::now());
        assert_eq!(places.take(&guest, false, Instant::now()).err(), Some("address-limit"));
        assert!(places.take(&guest, true, Instant::now()).is_ok());
        drop(first);
        assert!(places.take(&guest, false, Instant::now()).is_ok());
    }

    #[test]
    fn who_brought_a_request_stays_and_the_oldest_other_goes() {
        let places = places(2, 10);
        let (proven, idle, newcomer) = (watch(1), watch(2), watch(3));
        let _first = places.take(&proven, false, Instant::now());
        let _second = places.take(&idle, false, Instant::now());
        drop(proven.clone().begin());
        let _third = places.take(&newcomer, false, Instant::now()).unwrap();
        let (_busy, _busy_too) = (newcomer.clone().begin(), proven.clone().begin());
        assert_eq!(places.take(&watch(4), false, Instant::now()).err(), Some("total-limit"));
    }

    #[test]
    fn of_the_idle_the_largest_crowd_goes_first_and_the_longest_idle_of_it() {
        let places = places(4, 10);
        let guests = [watch(1), watch(2), watch(2), watch(3)];
        let now = Instant::now();
        let _held: Vec<_> = guests.iter().map(|guest| places.take(guest, false, now).unwrap()).collect();
        // Those of the crowd idle shortest, the second of them longer than the first.
        let _busy = guests[3].clone().begin();
        for place in [0, 2, 1] {
            drop(guests[place].clone().begin());
        }
        let told = |guest: &Arc<Watch>| guest.idle_since().is_none();
        drop(places.take(&watch(5), false, now).unwrap());
        assert_eq!(guests.each_ref().map(told), [false, false, true, true]);
    }

    #[test]
    fn a_table_of_guests_does_not_grow_with_their_number() {
        let places = places(4, 10);
        for _ in 0..1_000 {
            let guest = watch(1);
            let place = places.take(&guest, false, Instant::now());
            drop(guest.clone().begin());
            drop(place);
        }
        let taken = places.taken.lock().unwrap();
        assert!(taken.unproven.len() + taken.proven.len() <= 8);
    }
}
