//! The application as the door serves it: everything that can be worked out before a request comes.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use brigandine_model::{
    Api, ApiStyle, App, Authentication, AuthorizerKind, Effect, Fact, Guard, LogicalId, NotEnforced, Principal, Route,
    Throttle,
};
use tokio::sync::Semaphore;

use crate::{
    Settings,
    budget::Budget,
    cors::CrossOrigin,
    identity::{Gate, Identities, Source},
    observing::Observing,
    pattern::{Parameters, Pattern},
    rate::{Bucket, Pace},
    routing::Mount,
};

/// Bytes of the longest answer that a function can give.
const LONGEST_ANSWER: usize = 6 * 1024 * 1024 + 1024;

/// One application under one set of settings.
pub(crate) struct Plan {
    pub(crate) settings: Arc<Settings>,
    pub(crate) app: Arc<App>,
    pub(crate) mounts: Vec<Mount>,
    pub(crate) client_total: Option<Pace>,
    pub(crate) client_route: Option<Pace>,
    /// Requests at once, over all functions.
    pub(crate) requests: Arc<Semaphore>,
    /// Memory for their bodies.
    pub(crate) budget: Arc<Budget>,
    /// Memory for their answers.
    pub(crate) answers: Arc<Budget>,
    /// Headers in which authorizers look for tokens, lower case.
    pub(crate) token_headers: BTreeSet<String>,
    pub(crate) not_enforced: Vec<NotEnforced>,
}

/// One route, ready.
#[derive(Debug)]
pub(crate) struct Entry {
    /// `POST /orders`, as the route table prints it.
    pub(crate) label: Arc<str>,
    /// The path of the label.
    pub(crate) shown_path: Arc<str>,
    pub(crate) api: Arc<Api>,
    pub(crate) route: Arc<Route>,
    pub(crate) pattern: Pattern,
    /// Distinguishes its buckets from other routes'.
    pub(crate) scope: u64,
    pub(crate) gate: Gate,
    /// Guards that only observe here, beside those that do so everywhere.
    pub(crate) observed: BTreeSet<Guard>,
    /// Whether the firewall looks at its requests.
    pub(crate) inspected: bool,
    /// Whether it looks at the answers to them.
    pub(crate) answers_inspected: bool,
    pub(crate) total: Arc<Total>,
    pub(crate) slots: Option<Arc<Slots>>,
    pub(crate) deadline: Duration,
    pub(crate) cors: Option<Arc<CrossOrigin>>,
}

/// The bucket that all callers of a route share.
#[derive(Debug)]
pub(crate) struct Total {
    pub(crate) pace: Pace,
    pub(crate) throttle: Throttle,
    pub(crate) bucket: Bucket,
}

/// Simultaneous runs of one function.
#[derive(Debug)]
pub(crate) struct Slots {
    pub(crate) limit: u32,
    pub(crate) free: Arc<Semaphore>,
}

/// A route that fits a request.
#[derive(Debug)]
pub(crate) struct Matched {
    pub(crate) entry: Arc<Entry>,
    pub(crate) stage: Arc<str>,
    pub(crate) parameters: Parameters,
}

/// What lives longer than one plan: buckets and slots of routes and functions that stay the same over a reload.
struct Kept {
    totals: HashMap<u64, Arc<Total>>,
    slots: HashMap<LogicalId, Arc<Slots>>,
}

impl Kept {
    fn of(previous: Option<&Plan>) -> Self {
        let mut kept = Self { totals: HashMap::new(), slots: HashMap::new() };
        for entry in previous.iter().flat_map(|plan| plan.entries()) {
            kept.totals.insert(entry.scope, entry.total.clone());
            if let (Some(function), Some(slots)) = (&entry.route.function, &entry.slots) {
                kept.slots.insert(function.clone(), slots.clone());
            }
        }
        kept
    }

    fn total(&mut self, scope: u64, throttle: Throttle) -> Arc<Total> {
        let pace = Pace::from(throttle);
        match self.totals.get(&scope) {
            Some(total) if total.pace == pace => total.clone(),
            _ => Arc::new(Total { pace, throttle, bucket: Bucket::default() }),
        }
    }

    fn slots(&mut self, function: &LogicalId, limit: u32) -> Arc<Slots> {
        match self.slots.get(function) {
            Some(slots) if slots.limit == limit => slots.clone(),
            _ => {
                let permits = usize::try_from(limit).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
                let slots = Arc::new(Slots { limit, free: Arc::new(Semaphore::new(permits)) });
                self.slots.insert(function.clone(), slots.clone());
                slots
            }
        }
    }
}

impl Plan {
    /// Works out the plan. What the previous one counted goes on counting.
    pub(crate) fn new(
        app: Arc<App>,
        settings: Arc<Settings>,
        identities: &Identities,
        previous: Option<&Self>,
    ) -> Self {
        let mut kept = Kept::of(previous);
        let mut not_enforced = Vec::new();
        let observing = Observing::new(&settings, &app);
        let alone = app.apis.len() == 1;
        let mut mounts = Vec::new();
        for api in &app.apis {
            if api.style == ApiStyle::WebSocket {
                not_enforced.push(NotEnforced {
                    subject: format!("API {}", api.id).into(),
                    reason: "held connections are not served yet: its routes answer 404".into(),
                });
                continue;
            }
            let mut mount = Mount::new(api, &app, alone);
            let routes: Vec<&Route> = app.routes.iter().filter(|route| route.api == api.id).collect();
            for route in routes {
                let draft = Draft { app: &app, settings: &settings, observing: &observing, identities, mount: &mount };
                let entry = draft.entry(route, &mut kept, &mut not_enforced);
                mount.entries.push(Arc::new(entry));
            }
            mounts.push(mount);
        }
        let requests = match previous {
            Some(previous) => previous.requests.clone(),
            None => Arc::new(Semaphore::new(settings.limits.requests.clamp(1, Semaphore::MAX_PERMITS))),
        };
        let limits = &settings.limits;
        let new = |longest: usize| Budget::new(limits.buffered_bytes, longest);
        let budget = previous.map_or_else(|| new(limits.body_bytes), |previous| previous.budget.clone());
        let answers = previous.map_or_else(|| new(LONGEST_ANSWER), |previous| previous.answers.clone());
        Self {
            client_total: settings.client_total.map(Pace::from),
            client_route: settings.client_throttle.map(Pace::from),
            settings,
            token_headers: token_headers(&app),
            app,
            mounts,
            requests,
            budget,
            answers,
            not_enforced,
        }
    }

    /// Routes whose authentication lets everyone pass, because it only observes.
    pub(crate) fn observed(&self) -> Vec<NotEnforced> {
        let open = self
            .entries()
            .filter(|entry| entry.gate.asks() && self.settings.observe.covers(Guard::Identity, Some(&entry.observed)));
        let told = |entry: &Arc<Entry>| NotEnforced {
            subject: entry.label.clone(),
            reason: format!("its authentication (API {}) only observes: who fails it is served as well", entry.api.id)
                .into(),
        };
        open.map(told).collect()
    }

    /// All routes, in template order.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.mounts.iter().flat_map(|mount| &mount.entries)
    }
}

impl Mount {
    fn new(api: &Api, app: &App, alone: bool) -> Self {
        let stages: Vec<Arc<str>> =
            api.stages.iter().flat_map(|stage| stage.value.settled()).map(|name| name.as_str().into()).collect();
        let default_stage = match (api.style, stages.first()) {
            (ApiStyle::Rest, Some(first)) => first.clone(),
            _ => "$default".into(),
        };
        let function = app.routes.iter().find(|route| route.api == api.id).and_then(|route| route.function.clone());
        let prefix = (api.style == ApiStyle::FunctionUrl && !alone)
            .then(|| format!("/url/{}", function.as_ref().unwrap_or(&api.id)));
        let cors = api.cors.as_ref().and_then(|cors| cors.value.known());
        Self {
            host: format!("{}.localhost", api.id).to_ascii_lowercase(),
            stages: stages.into_iter().filter(|stage| **stage != *"$default").collect(),
            default_stage,
            prefix,
            cors: cors.map(|cors| Arc::new(CrossOrigin::new(api.style, cors))),
            api: Arc::new(api.clone()),
            entries: Vec::new(),
        }
    }
}

/// What the entries of one API are made from.
struct Draft<'a> {
    app: &'a App,
    settings: &'a Settings,
    observing: &'a Observing<'a>,
    identities: &'a Identities,
    mount: &'a Mount,
}

impl Draft<'_> {
    fn entry(&self, route: &Route, kept: &mut Kept, not_enforced: &mut Vec<NotEnforced>) -> Entry {
        let api = &self.mount.api;
        let own_address = api.style == ApiStyle::FunctionUrl;
        let shown_path = self.app.shared_path(route);
        let label: Arc<str> = label(self.app, route).into();
        let scope = scope_of(api, route);
        let throttle = settled(route.throttle.as_ref())
            .or_else(|| settled(api.throttle.as_ref()))
            .unwrap_or(self.settings.route_throttle);
        let gate = self.gate(route);
        if let Some(reason) = gate.unenforced() {
            not_enforced
                .push(NotEnforced { subject: label.clone(), reason: format!("{reason}: it answers 501").into() });
        }
        note_unchecked(route, &label, not_enforced);
        note_any_audience(&gate, api, not_enforced);
        let inspection = self.observing.inspection(&api.id, &label);
        Entry {
            observed: self.observing.on(&api.id, &label),
            inspected: self.settings.firewall.is_some() && inspection.inspect.unwrap_or(true),
            answers_inspected: self.settings.firewall.as_ref().is_some_and(|firewall| {
                inspection.inspect.unwrap_or(true) && inspection.responses.unwrap_or(firewall.responses)
            }),
            pattern: if own_address { Pattern::Default } else { Pattern::parse(&route.path) },
            shown_path,
            label,
            api: api.clone(),
            route: Arc::new(route.clone()),
            scope,
            gate,
            total: kept.total(scope, throttle),
            slots: self.slots(route, kept),
            deadline: self.deadline(route),
            cors: self.mount.cors.clone(),
        }
    }

    fn gate(&self, route: &Route) -> Gate {
        let api = &self.mount.api;
        if !open_policy(api) {
            return Gate::not_enforced("the API's own policy cannot be enforced yet");
        }
        match route.authentication.value.known() {
            None => Gate::not_enforced("its authentication could not be settled"),
            Some(Authentication::Signature) => Gate::not_enforced("signed requests cannot be verified yet"),
            Some(Authentication::Open) => self.identities.gate(api, route, None),
            Some(Authentication::Authorizer { name, scopes }) => match api.authorizers.get(name) {
                Some(authorizer) => self.identities.gate(api, route, Some((authorizer, scopes))),
                None => Gate::not_enforced(&format!("the authorizer `{name}` is not declared")),
            },
        }
    }

    fn slots(&self, route: &Route, kept: &mut Kept) -> Option<Arc<Slots>> {
        let function = self.app.function(route.function.as_ref()?)?;
        let limit = settled(function.reserved_concurrency.as_ref())?;
        Some(kept.slots(&function.id, limit))
    }

    fn deadline(&self, route: &Route) -> Duration {
        let timers = &self.settings.timers;
        let usual = match self.mount.api.style {
            ApiStyle::Rest => timers.rest,
            ApiStyle::FunctionUrl => timers.url,
            ApiStyle::Http | ApiStyle::WebSocket => timers.http,
        };
        settled(route.timeout_ms.as_ref()).map_or(usual, |wait| Duration::from_millis(u64::from(wait)))
    }
}

fn token_headers(app: &App) -> BTreeSet<String> {
    let authorizers = app.apis.iter().flat_map(|api| api.authorizers.values());
    let sources = authorizers.flat_map(|authorizer| match &authorizer.kind {
        AuthorizerKind::Token { source, .. } => vec![&**source],
        AuthorizerKind::Function { sources, .. } => sources.iter().map(String::as_str).collect(),
        AuthorizerKind::Signature | AuthorizerKind::Unknown(_) => Vec::new(),
    });
    let headers = sources.filter_map(|text| match Source::parse(text)? {
        Source::Header(name) => Some(name.as_str().to_owned()),
        Source::Query(_) | Source::Cookie(_) => None,
    });
    headers.collect()
}

/// Guards that do not exist yet are named, so that nobody believes in them.
fn note_unchecked(route: &Route, label: &Arc<str>, not_enforced: &mut Vec<NotEnforced>) {
    let model = route.model.as_ref().is_some_and(|model| model.validated || model.required);
    if model || !route.required_parameters.is_empty() {
        not_enforced.push(NotEnforced {
            subject: label.clone(),
            reason: "its request model and required parameters are not checked yet: it is served without".into(),
        });
    }
}

/// An authorizer that names no audience takes tokens that other applications of the same issuer were given. Said once for
/// all its routes.
fn note_any_audience(gate: &Gate, api: &Api, not_enforced: &mut Vec<NotEnforced>) {
    let Gate::Asks { token: Some(token), .. } = gate else { return };
    let subject: Arc<str> = format!("authorizer {} of API {}", token.authorizer, api.id).into();
    if token.any_audience && not_enforced.iter().all(|told| told.subject != subject) {
        let reason = "it names no audience, so it accepts tokens of its issuer for any audience: its routes are served";
        not_enforced.push(NotEnforced { subject, reason: reason.into() });
    }
}

/// Whether an API's own policy, if it has one, lets everyone in without conditions.
fn open_policy(api: &Api) -> bool {
    api.policy.iter().all(|statement| {
        statement.effect.value.known() == Some(&Effect::Allow)
            && statement.conditions.is_empty()
            && !statement.except_principals
            && statement.principals.iter().any(|principal| matches!(principal, Principal::Internet))
            && statement.actions.iter().any(|action| ends_with(action, &["*", ":Invoke"]))
            && statement.resources.iter().any(covers_all)
    })
}

fn ends_with(fact: &Fact<String>, endings: &[&str]) -> bool {
    fact.value.known().is_some_and(|text| endings.iter().any(|ending| text.ends_with(ending)))
}

/// Whether a resource pattern names nothing: only stars and slashes behind its last colon.
fn covers_all(resource: &Fact<String>) -> bool {
    let text = resource.value.known().and_then(|text| text.rsplit(':').next());
    text.is_some_and(|rest| rest.ends_with('*') && rest.chars().all(|letter| matches!(letter, '*' | '/')))
}

/// The settled value; where it depends on a condition, the first of its cases.
fn settled<T: Copy>(fact: Option<&Fact<T>>) -> Option<T> {
    let value = &fact?.value;
    value.known().or_else(|| value.settled().first().copied()).copied()
}

fn scope_of(api: &Api, route: &Route) -> u64 {
    let mut hasher = DefaultHasher::new();
    (api.id.as_str(), &route.method, &*route.path).hash(&mut hasher);
    // Zero is the scope of a client's requests altogether.
    hasher.finish().max(1)
}

/// `POST /orders`, as the route table prints it.
pub(crate) fn label(app: &App, route: &Route) -> String {
    format!("{} {}", route.method, app.shared_path(route))
}

/// Every route with its label, for those who ask by label.
pub(crate) fn by_label(plan: &Plan) -> BTreeMap<Arc<str>, Arc<Entry>> {
    let mut routes = BTreeMap::new();
    for entry in plan.entries() {
        routes.entry(entry.label.clone()).or_insert_with(|| entry.clone());
    }
    routes
}
