//! The door as the binary sees it.

use std::{future::Future, net::SocketAddr, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use brigandine_model::{Admitted, Answer, App, Guard, Happening, LogicalId, NotEnforced, Reloaded, Sink};
use tokio::{
    net::TcpListener,
    sync::Mutex,
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};
use tokio_rustls::TlsAcceptor;
use tower::util::BoxCloneSyncService;

use crate::{
    Counters, Error, Firewall, Observe, Settings,
    connection::{Gatehouse, Places, protocol},
    entrance::Entrance,
    identity::{Identities, issuer::Refreshed},
    observing::Observing,
    path::path,
    plan::{Entry, Plan, by_label},
    rate::Rates,
    record::Recorder,
    tls::Certificates,
};

/// What stands behind the door.
pub type Backend = BoxCloneSyncService<Admitted, Answer, BackendError>;

/// Why what stands behind the door gave no answer; becomes the answer of [`Guard::Function`](brigandine_model::Guard).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct BackendError {
    /// HTTP status of the answer.
    pub status: u16,
    /// Stable word for machines.
    pub code: &'static str,
    /// One sentence for the caller; reveals nothing a caller may not know.
    pub reason: Arc<str>,
    /// Seconds after which it is worth trying again.
    pub retry_after: Option<u32>,
}

/// One line of the route table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteLine {
    /// The API.
    pub api: LogicalId,
    /// `GET`, or `ANY`.
    pub method: String,
    /// The path that `curl` takes; where two APIs share it, the second answers at its own host only.
    pub path: Arc<str>,
    /// The host that picks this API: `<logical id>.localhost`, lower case.
    pub host: String,
    /// The function, or the word for what is there instead.
    pub function: Option<Arc<str>>,
    /// `none`, `jwt`, `cognito`, `lambda`, `iam`, `api-key`, `jwt + api-key`, `unknown`.
    pub authentication: String,
    /// `50/s burst 100`; all callers together.
    pub throttle: String,
    /// Whether it answers 501 because its authentication cannot be enforced yet.
    pub enforced: bool,
}

/// The door. Clones are the same door.
#[derive(Clone)]
pub struct Door {
    gatehouse: Arc<Gatehouse>,
    identities: Arc<Identities>,
    certificates: Option<Arc<Certificates>>,
    listener: Arc<Mutex<Option<TcpListener>>>,
}

impl Door {
    /// A door to this application, closed as yet.
    pub fn new(app: Arc<App>, settings: Settings, backend: Backend, sink: Arc<dyn Sink>) -> Result<Self, Error> {
        if settings.development_identities() && !settings.listen.ip().to_canonical().is_loopback() {
            return Err(Error::DevelopmentInTheOpen { address: settings.listen });
        }
        if settings.development_identities() && !settings.trusted_proxies.is_empty() {
            return Err(Error::DevelopmentBehindProxies);
        }
        Observing::new(&settings, &app).check()?;
        let settings = Arc::new(settings);
        let identities = Arc::new(Identities::new(&settings)?);
        let certificates = settings.tls.as_ref().map(Certificates::load).transpose()?;
        let tls = certificates.as_ref().map(Certificates::config).transpose()?.map(TlsAcceptor::from);
        let plan = Plan::new(app, settings.clone(), &identities, None);
        let rates = Arc::new(Rates::new(settings.limits.rate_entries));
        let recorder = Arc::new(Recorder::new(sink, settings.clock.clone()));
        let entrance = Arc::new(Entrance {
            plan: ArcSwap::from_pointee(plan),
            path: path(&rates, &recorder, backend),
            recorder: recorder.clone(),
        });
        let gatehouse = Arc::new(Gatehouse {
            entrance,
            places: Places::new(&settings.limits),
            protocol: protocol(&settings.limits, &settings.timers),
            settings,
            recorder,
            rates,
            tls,
        });
        Ok(Self { gatehouse, identities, certificates, listener: Arc::default() })
    }

    /// Takes the address; says which one it is (of interest where port 0 was asked for).
    pub async fn bind(&self) -> Result<SocketAddr, Error> {
        let address = self.gatehouse.settings.listen;
        let told = |source| Error::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(told)?;
        let bound = listener.local_addr().map_err(told)?;
        *self.listener.lock().await = Some(listener);
        Ok(bound)
    }

    /// Stands open until `shutdown`, then lets requests under way finish, for at most [`Timers::drain`]. Takes the
    /// address itself where [`bind`](Self::bind) was not called.
    ///
    /// [`Timers::drain`]: crate::Timers::drain
    pub async fn serve(&self, shutdown: impl Future<Output = ()>) -> Result<(), Error> {
        let mut listener = self.listener.lock().await.take();
        if listener.is_none() {
            self.bind().await?;
            listener = self.listener.lock().await.take();
        }
        let mut chores = JoinSet::new();
        chores.spawn(self.clone().tell_counts());
        chores.spawn(self.clone().take_up_files_and_keys());
        if let Some(listener) = listener {
            self.gatehouse.clone().serve(listener, shutdown).await;
        }
        chores.shutdown().await;
        self.gatehouse.recorder.flush();
        Ok(())
    }

    /// Serves another state of the application from the next request on. Rates and counts go on.
    pub fn reload(&self, app: Arc<App>) {
        self.change(move |plan| (app.clone(), plan.settings.clone()));
        self.tell_reloaded("template".into());
    }

    /// Looks at requests by this firewall from the next one on, and by none where there is none; those under way keep the one
    /// they began with. Of `observe`, which is named as in [`Settings`], what it says of inspection counts.
    pub fn guard_with(&self, firewall: Option<Firewall>, observe: &Observe) -> Result<(), Error> {
        let changed = move |plan: &Plan| {
            let observe = plan.settings.observe.with(Guard::Inspection, observe);
            Settings { firewall: firewall.clone(), observe, ..(*plan.settings).clone() }
        };
        let plan = self.gatehouse.entrance.plan.load_full();
        Observing::new(&changed(&plan), &plan.app).check()?;
        self.change(|plan| (plan.app.clone(), Arc::new(changed(plan))));
        self.tell_reloaded("firewall".into());
        Ok(())
    }

    /// Puts another plan in the place of this one, whoever else does so meanwhile.
    fn change(&self, next: impl Fn(&Plan) -> (Arc<App>, Arc<Settings>)) {
        self.gatehouse.entrance.plan.rcu(|previous| {
            let (app, settings) = next(previous);
            Plan::new(app, settings, &self.identities, Some(previous))
        });
    }

    /// The application as it is served now.
    pub fn app(&self) -> Arc<App> {
        self.gatehouse.entrance.plan.load().app.clone()
    }

    /// The route table, in template order.
    pub fn routes(&self) -> Vec<RouteLine> {
        let plan = self.gatehouse.entrance.plan.load();
        let lines = plan.mounts.iter().flat_map(|mount| mount.entries.iter().map(|entry| (&mount.host, entry)));
        lines.map(|(host, entry)| line(host, entry)).collect()
    }

    /// The model's route behind a label of the route table: `POST /orders`.
    pub fn route(&self, label: &str) -> Option<Arc<brigandine_model::Route>> {
        let plan = self.gatehouse.entrance.plan.load();
        by_label(&plan).get(label).map(|entry| entry.route.clone())
    }

    /// What is declared and cannot be enforced, and what is done instead.
    pub fn not_enforced(&self) -> Vec<NotEnforced> {
        self.gatehouse.entrance.plan.load().not_enforced.clone()
    }

    /// Routes that are served to callers who fail their authentication, because that only observes: worth a loud line at
    /// the start. What cannot be enforced at all is not among them; it answers 501.
    pub fn observed(&self) -> Vec<NotEnforced> {
        self.gatehouse.entrance.plan.load().observed()
    }

    /// What was counted since it opened.
    pub fn counters(&self) -> Counters {
        self.gatehouse.recorder.counters(self.gatehouse.rates.evicted())
    }

    async fn tell_counts(self) {
        let mut second = interval(Duration::from_secs(1));
        loop {
            second.tick().await;
            self.gatehouse.recorder.flush();
        }
    }

    /// Looks after certificates and issuers' keys.
    async fn take_up_files_and_keys(self) {
        let mut beat = interval(self.gatehouse.settings.timers.reload.max(Duration::from_millis(5)));
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            beat.tick().await;
            if let Some(certificates) = &self.certificates {
                match certificates.refresh() {
                    Ok(false) => {}
                    Ok(true) => self.tell_reloaded("TLS certificate".into()),
                    Err(error) => self.tell_not_enforced("TLS certificate".into(), &error.to_string()),
                }
            }
            for issuer in self.identities.issuers() {
                match issuer.refresh().await {
                    Ok(Refreshed::Same) => {}
                    Ok(Refreshed::Changed) => self.tell_reloaded(format!("keys of {}", issuer.name).into()),
                    Err(reason) => self.tell_not_enforced(format!("keys of {}", issuer.name).into(), &reason),
                }
            }
        }
    }

    fn tell_reloaded(&self, subject: Arc<str>) {
        self.gatehouse.recorder.tell(Happening::Reloaded(Reloaded { subject }));
    }

    fn tell_not_enforced(&self, subject: Arc<str>, reason: &str) {
        let reason = format!("{reason}: what was in use before stays").into();
        self.gatehouse.recorder.tell(Happening::NotEnforced(NotEnforced { subject, reason }));
    }
}

fn line(host: &str, entry: &Entry) -> RouteLine {
    let route = &entry.route;
    let throttle = entry.total.throttle;
    RouteLine {
        api: route.api.clone(),
        method: route.method.to_string(),
        path: entry.shown_path.clone(),
        host: host.to_owned(),
        function: route.function.as_ref().map(|id| id.as_str().into()).or_else(|| route.target.clone()),
        authentication: route.authentication_label(&entry.api),
        throttle: format!("{}/s burst {}", throttle.rate, throttle.burst),
        enforced: entry.gate.unenforced().is_none(),
    }
}
