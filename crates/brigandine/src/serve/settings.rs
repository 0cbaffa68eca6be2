//! From written settings to those of the rooms: everything wrong is reported at once, each with its place.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use brigandine_gateway::{
    ApiKey, Firewall, IssuerSetting, KeyScope, KeySource, Observe, RouteInspection, Settings, TlsFiles,
};
use brigandine_model::{App, Guard, LogicalId, Throttle};
use ipnet::IpNet;

use crate::{
    arguments::Serve,
    command::routes,
    configuration::{Configuration, Fault, Key, Mode, WafMode},
    face,
    firewall::{self, Origin, Wanted},
    serve::store::Limits,
};

/// Where the shield listens when nothing else is said.
const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 3000);

/// Guards that can observe, by the names used in settings.
const OBSERVABLE: [Guard; 6] =
    [Guard::AddressList, Guard::Rate, Guard::Identity, Guard::Validation, Guard::Inspection, Guard::Concurrency];

/// The door's settings, from the command line first, the file second.
pub(crate) fn door(arguments: &Serve, configuration: &Configuration, app: &App) -> anyhow::Result<Settings> {
    let mut reader = Reader { configuration, faults: Vec::new() };
    let written = &configuration.written;
    let listen = configuration.listen(&mut reader.faults);
    let defaults = Settings::default();
    let mut settings = Settings {
        listen: arguments.listen.or(listen).unwrap_or(DEFAULT_LISTEN),
        tls: tls(arguments),
        trusted_proxies: reader.networks(&["serve", "trusted_proxies"], &written.serve.trusted_proxies),
        allow: reader.networks(&["addresses", "allow"], &written.addresses.allow),
        deny: reader.networks(&["addresses", "deny"], &written.addresses.deny),
        observe: reader.observe(arguments.observe || written.serve.observe, app),
        client_throttle: reader.client_throttle(defaults.client_throttle),
        client_total: reader.client_total(defaults.client_total),
        api_keys: reader.keys(app),
        issuers: reader.issuers(app),
        firewall: reader.firewall(),
        ..defaults
    };
    reader.limits(&mut settings);
    configuration.report(reader.faults)?;
    Ok(settings)
}

/// The part of the settings that may change while it serves: the firewall, and what only observes.
pub(crate) fn inspection(configuration: &Configuration, app: &App) -> anyhow::Result<(Option<Firewall>, Observe)> {
    let mut reader = Reader { configuration, faults: Vec::new() };
    let observe = reader.observe(configuration.written.serve.observe, app);
    let firewall = reader.firewall();
    configuration.report(reader.faults)?;
    Ok((firewall, observe))
}

/// The rules that a file of settings asks for.
pub(crate) fn wanted(configuration: &Configuration) -> Wanted {
    let written = &configuration.written.waf;
    let origin = written.rules.as_deref().map_or(Origin::BuiltIn, |text| Origin::parse(text, &configuration.folder));
    let paranoia = written.paranoia.unwrap_or(1);
    Wanted { origin, paranoia, exclude: written.exclude.clone(), detect: false }
}

/// How much is kept of refused requests, whether any are.
pub(crate) fn kept(configuration: &Configuration) -> Limits {
    const DAY: u64 = 86_400;
    let written = &configuration.written.record;
    Limits {
        bytes: written.requests_bytes.unwrap_or(64 * 1024 * 1024),
        lines: written.requests_count.unwrap_or(10_000),
        age: Duration::from_secs(u64::from(written.requests_days.unwrap_or(7)) * DAY),
    }
}

fn tls(arguments: &Serve) -> Option<TlsFiles> {
    let (certificate, key) = (arguments.tls_cert.clone()?, arguments.tls_key.clone()?);
    Some(TlsFiles { certificate, key })
}

struct Reader<'a> {
    configuration: &'a Configuration,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    fn fault(&mut self, path: &[&str], what: String) {
        self.faults.push(self.configuration.fault(path, what));
    }

    fn networks(&mut self, path: &[&str], written: &[String]) -> Vec<IpNet> {
        let mut networks = Vec::new();
        for text in written {
            match text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)) {
                Ok(network) => networks.push(network),
                Err(_) => self.fault(path, format!("`{text}` is no address and no CIDR block, such as `10.0.0.0/8`")),
            }
        }
        networks
    }

    fn observe(&mut self, everything: bool, app: &App) -> Observe {
        let written = &self.configuration.written;
        let mut guards = BTreeSet::new();
        for (name, mode) in &written.guards {
            if let Some(guard) = self.guard(&["guards", name], name).filter(|_| *mode == Mode::Observe) {
                guards.insert(guard);
            }
        }
        if written.waf.mode == WafMode::Observe {
            guards.insert(Guard::Inspection);
        }
        let mut known = Vec::new();
        for (route, line) in app.routes.iter().zip(routes::lines(app)) {
            let label = format!("{} {}", line.method, line.path);
            known.push(format!("{} {label}", route.api));
            known.push(label);
        }
        let mut per_route = BTreeMap::new();
        for (label, route) in &written.routes {
            if !known.contains(label) {
                let near = face::nearest(label, known.iter().map(String::as_str));
                let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                self.fault(&["routes", label], format!("there is no route `{label}`{hint}"));
            }
            let path = ["routes", label, "observe"];
            let guards = route.observe.iter().filter_map(|name| self.guard(&path, name)).collect();
            per_route.insert(Arc::from(label.as_str()), guards);
        }
        Observe { everything, guards, routes: per_route }
    }

    fn guard(&mut self, path: &[&str], name: &str) -> Option<Guard> {
        let found = OBSERVABLE.into_iter().find(|guard| guard.as_str() == name);
        if found.is_none() {
            let near = face::nearest(name, OBSERVABLE.map(Guard::as_str));
            let hint = near.map_or_else(
                || format!("; guards that can observe are {}", OBSERVABLE.map(Guard::as_str).join(", ")),
                |near| format!("; did you mean `{near}`?"),
            );
            self.fault(path, format!("there is no guard `{name}` that can observe{hint}"));
        }
        found
    }

    /// The firewall, on by default with the program's own rules.
    fn firewall(&mut self) -> Option<Firewall> {
        let configuration = self.configuration;
        let written = &configuration.written.waf;
        if written.mode == WafMode::Off {
            return None;
        }
        let paranoia = written.paranoia.unwrap_or(1);
        if !(1..=4).contains(&paranoia) {
            self.fault(&["waf", "paranoia"], "a level of strictness is a number from 1 to 4".to_owned());
            return None;
        }
        let rules = match firewall::load(&wanted(configuration)) {
            Ok(rules) => rules,
            Err(error) => {
                self.fault(&["waf"], error.to_string());
                return None;
            }
        };
        if written.response_bytes == Some(0) {
            self.fault(&["waf", "response_bytes"], "at least one byte is looked at".to_owned());
        }
        let mut firewall = Firewall::new(rules);
        firewall.responses = written.responses;
        if let Some(bytes) = written.response_bytes {
            firewall.response_bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        }
        let routes = configuration.written.routes.iter().map(|(label, route)| {
            (label.as_str().into(), RouteInspection { inspect: route.inspect, responses: route.responses })
        });
        firewall.routes = routes.filter(|(_, inspection)| *inspection != RouteInspection::default()).collect();
        let asked = firewall.responses || firewall.routes.values().any(|route| route.responses == Some(true));
        if asked && !firewall.rules.looks_at_answers() {
            face::warn("answers are to be looked at, but the rules have none for answers; a Core Rule Set has some");
        }
        firewall.warm();
        firewall::warm(&firewall.rules);
        Some(firewall)
    }

    /// The limit of one client on one route.
    fn client_throttle(&mut self, default: Option<Throttle>) -> Option<Throttle> {
        let limits = &self.configuration.written.limits;
        let (rate, burst) = (limits.requests_per_second, limits.burst);
        if rate.is_none() && burst.is_none() {
            return default;
        }
        let default = default.unwrap_or(Throttle { rate: 100.0, burst: 200 });
        let rate = rate.unwrap_or(default.rate);
        if !rate.is_finite() || rate <= 0.0 {
            self.fault(&["limits", "requests_per_second"], "a rate is a number above zero".to_owned());
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "saturates; both ends are sensible bursts"
        )]
        let double = (rate * 2.0).ceil().clamp(1.0, f64::from(u32::MAX)) as u32;
        Some(Throttle { rate, burst: burst.unwrap_or(double) })
    }

    /// The limit of one client on all routes: five times that on one, so that raising the one raises the other.
    fn client_total(&mut self, default: Option<Throttle>) -> Option<Throttle> {
        let limits = &self.configuration.written.limits;
        match limits.requests_per_second {
            Some(rate) if rate.is_finite() && rate > 0.0 => {
                let burst = self.client_throttle(None).map_or(u32::MAX, |throttle| throttle.burst.saturating_mul(5));
                Some(Throttle { rate: rate * 5.0, burst })
            }
            _ => default,
        }
    }

    fn keys(&mut self, app: &App) -> Vec<ApiKey> {
        let plans: Vec<&LogicalId> =
            app.apis.iter().flat_map(|api| api.usage_plans.iter().map(|plan| &plan.id)).collect();
        let mut keys = Vec::new();
        for (name, key) in &self.configuration.written.keys {
            if let (Some(digest), Some(scope)) = (self.digest(name, key), self.scope(name, key, &plans)) {
                keys.push(ApiKey { id: name.as_str().into(), digest, scope, development: false });
            }
        }
        keys
    }

    fn digest(&mut self, name: &str, key: &Key) -> Option<[u8; 32]> {
        let text = key.sha256.as_bytes();
        let mut digest = [0; 32];
        let mut pairs = text.chunks_exact(2).map(|pair| {
            let pair = std::str::from_utf8(pair).ok()?;
            u8::from_str_radix(pair, 16).ok()
        });
        let whole = text.len() == 64
            && digest.iter_mut().all(|byte| pairs.next().flatten().map(|value| *byte = value).is_some());
        if !whole {
            self.fault(&["keys", name, "sha256"], "a SHA-256 digest is 64 hexadecimal digits".to_owned());
        }
        whole.then_some(digest)
    }

    fn scope(&mut self, name: &str, key: &Key, plans: &[&LogicalId]) -> Option<KeyScope> {
        let wanted = match (&key.plan, plans) {
            (Some(wanted), _) => wanted.as_str(),
            (None, [only]) => return Some(KeyScope::Plan((*only).clone())),
            (None, _) => {
                self.fault(&["keys", name], format!("`{name}` must say its usage plan: `plan = \"...\"`"));
                return None;
            }
        };
        let found = plans.iter().find(|plan| plan.as_str() == wanted);
        if found.is_none() {
            let near = face::nearest(wanted, plans.iter().map(|plan| plan.as_str()));
            let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            self.fault(&["keys", name, "plan"], format!("there is no usage plan `{wanted}` in the template{hint}"));
        }
        found.map(|plan| KeyScope::Plan((*plan).clone()))
    }

    fn issuers(&mut self, app: &App) -> BTreeMap<Arc<str>, IssuerSetting> {
        let known: BTreeSet<&str> = app.apis.iter().flat_map(|api| api.authorizers.keys().map(AsRef::as_ref)).collect();
        let mut issuers = BTreeMap::new();
        for (name, authorizer) in &self.configuration.written.authorizers {
            if !known.contains(name.as_str()) {
                let near = face::nearest(name, known.iter().copied());
                let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                self.fault(&["authorizers", name], format!("there is no authorizer `{name}` in the template{hint}"));
            }
            let keys = authorizer
                .jwks
                .as_ref()
                .map_or(KeySource::Discovery, |file| KeySource::File(self.configuration.folder.join(file)));
            let audience: Vec<Arc<str>> = authorizer.audience.iter().map(|name| name.as_str().into()).collect();
            let setting = IssuerSetting {
                issuer: authorizer.issuer.as_deref().map(Arc::from),
                audience: (!audience.is_empty()).then_some(audience),
                keys,
            };
            issuers.insert(Arc::from(name.as_str()), setting);
        }
        issuers
    }

    fn limits(&mut self, settings: &mut Settings) {
        let written = &self.configuration.written.limits;
        let count = |value: u32| usize::try_from(value).unwrap_or(usize::MAX);
        if let Some(bytes) = written.body_bytes {
            settings.limits.body_bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        }
        if let Some(connections) = written.connections {
            settings.limits.connections = count(connections);
        }
        if let Some(connections) = written.connections_per_address {
            settings.limits.connections_per_address = count(connections);
        }
        let record = &self.configuration.written.record;
        for (name, zero) in [
            ("requests_bytes", record.requests_bytes == Some(0)),
            ("requests_count", record.requests_count == Some(0)),
            ("requests_days", record.requests_days == Some(0)),
        ] {
            if zero {
                self.fault(&["record", name], "nothing could be kept; write `requests = \"none\"` instead".to_owned());
            }
        }
    }
}
