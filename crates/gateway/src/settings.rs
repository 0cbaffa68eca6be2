//! What the operator may set. Every default is stated here; none must be set for a first run.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use brigandine_inspect::RuleSet;
use brigandine_model::{ContentJudged, Guard, LogicalId, Throttle};
use ipnet::IpNet;

use crate::{ApiKey, Clock, DevelopmentIssuer, SystemClock};

/// Settings of the door.
#[derive(Clone)]
pub struct Settings {
    /// Address to listen on. Default `127.0.0.1:3000`; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Certificate and key; plain text without them.
    pub tls: Option<TlsFiles>,
    /// Proxies whose word on the client's address is believed. Default none. Not together with development identities:
    /// through a proxy on this machine, strangers would use them.
    pub trusted_proxies: Vec<IpNet>,
    /// When not empty, only these client addresses may call.
    pub allow: Vec<IpNet>,
    /// These client addresses may not call, even when allowed above.
    pub deny: Vec<IpNet>,
    /// Counts and sizes.
    pub limits: Limits,
    /// Waits.
    pub timers: Timers,
    /// Guards that observe instead of refusing.
    pub observe: Observe,
    /// All callers together, for each route without a throttle in the template. Default 10,000/s, burst 5,000: what
    /// the platform grants a whole account.
    pub route_throttle: Throttle,
    /// One client on one route, whatever the template says; `None` for no such limit. Default 100/s, burst 200.
    pub client_throttle: Option<Throttle>,
    /// One client on all routes together, refused requests included. Default 500/s, burst 1,000.
    pub client_total: Option<Throttle>,
    /// Keys of usage plans.
    pub api_keys: Vec<ApiKey>,
    /// What the template cannot say about token authorizers, by authorizer name.
    pub issuers: BTreeMap<Arc<str>, IssuerSetting>,
    /// Certificate authorities beside the public ones, for issuers (PEM file).
    pub extra_roots: Option<PathBuf>,
    /// Whether issuers may live on private networks.
    pub private_issuers: bool,
    /// The firewall; nothing is looked at without it.
    pub firewall: Option<Firewall>,
    /// Stands in for every token issuer; loopback addresses only.
    ///
    /// While it or a development key is set, only requests for `localhost`, `*.localhost` and loopback addresses are
    /// served (others answer 421): a web page whose name was rebound to this machine is not to call with them.
    pub development: Option<Arc<DevelopmentIssuer>>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}

impl Settings {
    /// Whether an issuer or a key is set that is only for development.
    pub(crate) fn development_identities(&self) -> bool {
        self.development.is_some() || self.api_keys.iter().any(|key| key.development)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 3000)),
            tls: None,
            trusted_proxies: Vec::new(),
            allow: Vec::new(),
            deny: Vec::new(),
            limits: Limits::default(),
            timers: Timers::default(),
            observe: Observe::default(),
            route_throttle: Throttle { rate: 10_000.0, burst: 5_000 },
            client_throttle: Some(Throttle { rate: 100.0, burst: 200 }),
            client_total: Some(Throttle { rate: 500.0, burst: 1_000 }),
            api_keys: Vec::new(),
            issuers: BTreeMap::new(),
            extra_roots: None,
            private_issuers: false,
            firewall: None,
            development: None,
            clock: Arc::new(SystemClock::default()),
        }
    }
}

/// Certificate chain and private key, both PEM; taken up anew when either file changes.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The chain, leaf first.
    pub certificate: PathBuf,
    /// The key.
    pub key: PathBuf,
}

/// Counts and sizes.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at once. Default 4,096. At the limit, the oldest connection that has not yet brought a whole request
    /// makes room; where there is none, one that idles between requests: of the address with the most connections, the
    /// one that idles longest. Where all are busy, the newcomer is turned away.
    pub connections: usize,
    /// Connections at once from one address (IPv6: one /64); trusted proxies are exempt. Default 256.
    pub connections_per_address: usize,
    /// Requests at once. Default 2,048.
    pub requests: usize,
    /// Headers in a request. Default 100.
    pub headers: usize,
    /// Bytes of a request's head. Default 32 KiB.
    pub head_bytes: usize,
    /// Bytes of a request's target. Default 8 KiB.
    pub target_bytes: usize,
    /// Bytes of a request's body. Default 6 MiB: no more fits into one invocation.
    pub body_bytes: usize,
    /// Bytes of all request bodies held at once, until their functions have answered; at least one body. Default
    /// 256 MiB. One client address (IPv6: one /64) may hold a quarter of it. Over it, 503. The same again for answers that
    /// wait for their readers.
    pub buffered_bytes: usize,
    /// Entries in the table of rates, about 64 bytes each. Default 65,536; the least used make room for new ones.
    pub rate_entries: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4_096,
            connections_per_address: 256,
            requests: 2_048,
            headers: 100,
            head_bytes: 32 * 1024,
            target_bytes: 8 * 1024,
            body_bytes: 6 * 1024 * 1024,
            buffered_bytes: 256 * 1024 * 1024,
            rate_entries: 65_536,
        }
    }
}

/// Waits. None is endless.
#[derive(Clone, Debug)]
pub struct Timers {
    /// For the TLS handshake. Default 10 s.
    pub handshake: Duration,
    /// For a whole request head, from its first byte, or from the connection's start for the first one. Default 10 s.
    pub head: Duration,
    /// Between requests on one connection. Default 60 s.
    pub idle: Duration,
    /// For a whole request body, whatever its rate. Default 60 s.
    pub body: Duration,
    /// Before the least rate counts, for bodies and answers alike. Default 10 s.
    pub grace: Duration,
    /// Bytes per second below which a sender or reader is too slow. Default 1,024.
    pub least_rate: u32,
    /// For one answer to be taken, whatever its size, and the most patience that a steady reader can earn ahead. Default
    /// 120 s.
    pub answer: Duration,
    /// Between pings on an HTTP/2 connection. Default 20 s; unanswered for as long again, the connection ends.
    pub ping: Duration,
    /// For one connection altogether, before it is asked to leave. Default 1 h.
    pub connection: Duration,
    /// For requests under way when the door closes. Default 30 s.
    pub drain: Duration,
    /// For a function behind a REST route without a timeout of its own. Default 29 s.
    pub rest: Duration,
    /// For a function behind an HTTP API route without a timeout of its own. Default 30 s.
    pub http: Duration,
    /// For a function behind its own address. Default 900 s.
    pub url: Duration,
    /// Between looks at certificate, key and key set files. Default 2 s.
    pub reload: Duration,
    /// For one answer of an issuer. Default 5 s.
    pub issuer: Duration,
    /// Between two refetches of an issuer's keys for the sake of unknown key ids. Default 30 s.
    pub refetch: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            handshake: seconds(10),
            head: seconds(10),
            idle: seconds(60),
            body: seconds(60),
            grace: seconds(10),
            least_rate: 1_024,
            answer: seconds(120),
            ping: seconds(20),
            connection: seconds(3_600),
            drain: seconds(30),
            rest: seconds(29),
            http: seconds(30),
            url: seconds(900),
            reload: seconds(2),
            issuer: seconds(5),
            refetch: seconds(30),
        }
    }
}

/// Guards that record what they would refuse, and let pass.
///
/// The guards that can observe are address lists, rate, identity, validation, inspection and concurrency. The others
/// always refuse: what they would let pass has no one meaning, fits into no invocation or leads nowhere.
///
/// A route whose authorizer cannot be enforced answers 501 whatever is named here: it is never served open.
#[derive(Clone, Debug, Default)]
pub struct Observe {
    /// Every guard that can.
    pub everything: bool,
    /// These, on all routes.
    pub guards: BTreeSet<Guard>,
    /// These, on the named route: `POST /orders`, as the route table prints it; where two APIs have a route of that label,
    /// the API's logical id stands before it: `Shop POST /orders`.
    pub routes: BTreeMap<Arc<str>, BTreeSet<Guard>>,
}

impl Observe {
    /// The same, but for one guard what `other` says of it. Whether everything observes is not of one guard.
    pub(crate) fn with(&self, guard: Guard, other: &Self) -> Self {
        let mut whole = self.clone();
        let put = |guards: &mut BTreeSet<Guard>, named: bool| {
            if named {
                guards.insert(guard)
            } else {
                guards.remove(&guard)
            };
        };
        put(&mut whole.guards, other.guards.contains(&guard));
        for route in other.routes.keys() {
            whole.routes.entry(route.clone()).or_default();
        }
        for (route, guards) in &mut whole.routes {
            put(guards, other.routes.get(route).is_some_and(|own| own.contains(&guard)));
        }
        whole
    }

    /// Whether `guard` only observes, for all routes or for one with these words of its own.
    pub(crate) fn covers(&self, guard: Guard, own: Option<&BTreeSet<Guard>>) -> bool {
        let able = matches!(
            guard,
            Guard::AddressList
                | Guard::Rate
                | Guard::Identity
                | Guard::Validation
                | Guard::Inspection
                | Guard::Concurrency
        );
        let named = self.guards.contains(&guard) || own.is_some_and(|own| own.contains(&guard));
        able && (self.everything || named)
    }
}

/// The firewall: rules that look at what is in a request.
#[derive(Clone)]
pub struct Firewall {
    /// The rules.
    pub rules: Arc<RuleSet>,
    /// How they are applied.
    pub inspection: brigandine_inspect::Settings,
    /// What is different on single routes, named as for [`Observe::routes`].
    pub routes: BTreeMap<Arc<str>, RouteInspection>,
    /// Whether answers are looked at as well. Default no: they have to be held back until they are whole, and the request is
    /// looked at a second time, since rules for answers may ask for both.
    pub responses: bool,
    /// Bytes of an answer's body that are looked at; what follows passes unseen, and the record says so. Default 512 KiB.
    pub response_bytes: usize,
    /// Where refused requests are kept whole, where they are.
    pub keeper: Option<Arc<dyn Keeper>>,
}

/// What the firewall does differently on one route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RouteInspection {
    /// Whether requests are looked at.
    pub inspect: Option<bool>,
    /// Whether answers are.
    pub responses: Option<bool>,
}

impl Firewall {
    /// These rules on all routes, for requests only; nothing is kept.
    pub fn new(rules: RuleSet) -> Self {
        let inspection =
            brigandine_inspect::Settings { body_by_content: true, ..brigandine_inspect::Settings::default() };
        Self {
            rules: Arc::new(rules),
            inspection,
            routes: BTreeMap::new(),
            responses: false,
            response_bytes: 512 * 1024,
            keeper: None,
        }
    }

    /// Hands a refused request to whoever keeps them.
    pub(crate) fn keep(&self, request: &brigandine_model::Request, judged: &ContentJudged) {
        if let Some(keeper) = &self.keeper {
            keeper.keep(request, judged);
        }
    }
}

/// Keeps refused requests whole, for those who have to find out why. Never blocks, and never fails towards the caller.
pub trait Keeper: Send + Sync {
    /// Takes one request that was refused, or would have been where the firewall only observes.
    fn keep(&self, request: &brigandine_model::Request, judged: &ContentJudged);
}

/// What the template cannot say about a token authorizer.
#[derive(Clone, Debug, Default)]
pub struct IssuerSetting {
    /// The issuer, where the template's is only known once deployed (or is to be replaced).
    pub issuer: Option<Arc<str>>,
    /// Accepted audiences, in place of the template's.
    pub audience: Option<Vec<Arc<str>>>,
    /// Where its keys are.
    pub keys: KeySource,
}

/// Where an issuer's keys are.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeySource {
    /// Where the issuer's own discovery document says.
    #[default]
    Discovery,
    /// At this address.
    Url(Arc<str>),
    /// In this file, a JSON Web Key Set; taken up anew when it changes.
    File(PathBuf),
}

/// What a key is good for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyScope {
    /// Routes of the API that has this usage plan.
    Plan(LogicalId),
    /// Routes of this API.
    Api(LogicalId),
}
