//! `brigandine serve`: the application's functions here, behind the door, every step on record.

use std::{net::SocketAddr, path::Path, sync::Arc};

use anyhow::Context;
use brigandine_function::{Endpoint, EndpointSettings, Local, QueueSettings};
use brigandine_gateway::{Counters, Door, Settings};
use brigandine_model::{Event, Happening, ShieldStarted, ShieldStopped, Sink};
use jiff::Timestamp;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    arguments::Serve,
    command::routes,
    configuration::{Configuration, KeptCredentials, KeptWhole},
    face::{self, Outcome},
    project::{self, Project},
    serve::{
        development::{self, DevelopmentKey},
        freshness::{self, Watched},
        functions::{self, Place},
        greeting::Greeting,
        kept::{self, Kept},
        record::{self, Tally},
        redact::Credentials,
        settings,
        view::View,
    },
    state,
};

/// Most causes named at the end.
const MOST_CAUSES: usize = 5;

pub(crate) fn run(arguments: &Serve) -> anyhow::Result<Outcome> {
    let project = project::open_one(&arguments.path, &arguments.functions.reading)?;
    let configuration = Configuration::beside(&project.folder)?;
    let settings = settings::door(arguments, &configuration, &project.app)?;
    let data = state::folder(&project.app.name, arguments.functions.data.as_deref())?;
    let held = state::hold(&data)?;
    raise_file_limit();
    let (recorder, writer) = record::start(&data, View::standard_error().explained_by(&explaining(arguments)))?;
    let sink: Arc<dyn Sink> = Arc::new(recorder);
    let (kept, keeping) = keep(&configuration, &data, &sink)?.unzip();
    let runtime = runtime()?;
    let started = Started { arguments, project: &project, configuration: &configuration, data: &data, kept };
    let result = runtime.block_on(started.serve(settings, sink));
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    if let Some(keeping) = keeping {
        keeping.close();
    }
    let tally = writer.close();
    drop(held);
    let counters = result?;
    face::say(&summary(counters, &tally));
    Ok(Outcome::Clean)
}

/// Keeps refused requests whole where the settings say so; where they do not, what was kept before still expires.
fn keep(
    configuration: &Configuration,
    data: &Path,
    sink: &Arc<dyn Sink>,
) -> anyhow::Result<Option<(Kept, kept::Writer)>> {
    let limits = settings::kept(configuration);
    let written = &configuration.written.record;
    if written.requests == KeptWhole::None {
        kept::expire(data, limits);
        return Ok(None);
    }
    let credentials = if written.credentials == KeptCredentials::Keep { Credentials::Keep } else { Credentials::Hide };
    kept::start(data, limits, credentials, sink.clone()).context("refused requests cannot be kept").map(Some)
}

/// What `explain` has to be told to find this record.
fn explaining(arguments: &Serve) -> String {
    match (&arguments.functions.data, &arguments.path) {
        (Some(data), _) => format!(" --data {}", data.display()),
        (None, path) if path == Path::new(".") => String::new(),
        (None, path) => format!(" --template {}", path.display()),
    }
}

struct Started<'a> {
    arguments: &'a Serve,
    project: &'a Project,
    configuration: &'a Configuration,
    data: &'a Path,
    kept: Option<Kept>,
}

impl Started<'_> {
    /// Serves until it is asked to end; gives back what was counted.
    async fn serve(&self, mut settings: Settings, sink: Arc<dyn Sink>) -> anyhow::Result<Counters> {
        let keys = self.development(&mut settings)?;
        let wanted = settings::wanted(self.configuration);
        settings.firewall = settings.firewall.map(|firewall| freshness::keeping(firewall, self.kept.as_ref(), &wanted));
        let place = Place { data: self.data, sink: sink.clone() };
        let local = functions::start(self.project, &self.arguments.functions, self.configuration, place).await?;
        let app = Arc::new(self.project.app.clone());
        let door =
            Door::new(app.clone(), settings.clone(), functions::backend(local.clone(), sink.clone()), sink.clone())?;
        let address = door.bind().await.map_err(listening)?;
        let endpoint = self.endpoint(&local, sink.clone()).await?;
        functions::tell(&local);
        self.tell_exposure(address);
        tell(&door, address, &*sink);
        let lines = routes::lines(&self.project.app);
        let named = self.arguments.path.display().to_string();
        let greeting = Greeting {
            app: &self.project.app,
            lines: &lines,
            address,
            endpoint: endpoint.as_ref().map(Endpoint::address),
            settings: &settings,
            keys: &keys,
            named: &named,
            options: &self.options(),
        };
        face::result(&greeting.text())?;
        let folder = self.project.folder.clone();
        let watched = Watched { folder, app, kept: self.kept.clone() };
        let watching = tokio::spawn(freshness::watch(watched, door.clone(), self.configuration.clone(), sink.clone()));
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        // The sender is dropped when the door has closed.
        let ended = async { drop(ended.await) };
        let invoking = endpoint.map(|endpoint| tokio::spawn(endpoint.serve(ended)));
        let served = door.serve(asked_to_end()).await;
        watching.abort();
        drop(end);
        if let Some(invoking) = invoking {
            invoking.await.context("the endpoint for invoking functions failed")?;
        }
        local.shutdown().await;
        served?;
        let counters = door.counters();
        let Counters { answered, refused, observed, .. } = counters;
        emit(&*sink, Happening::ShieldStopped(ShieldStopped { requests: answered, refused, observed }));
        Ok(counters)
    }

    /// The endpoint for invoking functions, where one is asked for.
    async fn endpoint(&self, local: &Arc<Local>, sink: Arc<dyn Sink>) -> anyhow::Result<Option<Endpoint>> {
        let Some(listen) = self.arguments.invoke_listen else { return Ok(None) };
        if !listen.ip().to_canonical().is_loopback() {
            if !self.arguments.invoke_open {
                return Err(face::sentence(
                    format!(
                        "`{listen}` is in reach of other machines, and whoever reaches it invokes functions without credentials"
                    ),
                    "choose a loopback address, such as 127.0.0.1:9001, or say so with `--invoke-open`",
                ));
            }
            face::warn(&format!(
                "{listen} is in reach of other machines: anyone there invokes every function, past every guard"
            ));
        }
        let settings = EndpointSettings { listen, queue: QueueSettings::default() };
        Ok(Some(Endpoint::bind(settings, local.catalogue(), local.clone(), sink).await?))
    }

    /// Options without which `token` would speak for another run of the application.
    fn options(&self) -> String {
        let arguments = &self.arguments.functions;
        let data = arguments.data.iter().map(|data| format!(" --data {}", data.display()));
        let parameters =
            arguments.reading.parameters.iter().map(|(name, value)| format!(" --parameter {name}={value}"));
        data.chain(parameters).collect()
    }

    /// Says so when others than this machine can call.
    fn tell_exposure(&self, address: SocketAddr) {
        if address.ip().to_canonical().is_loopback() {
            return;
        }
        let open = routes::lines(&self.project.app).iter().filter(|line| line.authentication == "none").count();
        face::warn(&format!(
            "{address} is in reach of other machines: {open} routes are open to anyone, and functions run unfenced"
        ));
    }

    /// On a loopback address only, and not behind a proxy, whose callers come from anywhere: an issuer that stands in, and a
    /// key for each usage plan.
    fn development(&self, settings: &mut Settings) -> anyhow::Result<Vec<DevelopmentKey>> {
        if !settings.listen.ip().to_canonical().is_loopback() || !settings.trusted_proxies.is_empty() {
            return Ok(Vec::new());
        }
        settings.development = Some(development::issuer(self.data)?);
        let (keys, texts): (Vec<_>, Vec<_>) = development::keys(&self.project.app)?.into_iter().unzip();
        settings.api_keys.extend(keys);
        Ok(texts)
    }
}

/// Says that it serves, and what of the template it cannot enforce.
fn tell(door: &Door, address: SocketAddr, sink: &dyn Sink) {
    let (app, address) = (door.app().name.clone(), address.to_string().into());
    emit(sink, Happening::ShieldStarted(ShieldStarted { app, address, version: env!("CARGO_PKG_VERSION") }));
    for missing in door.not_enforced().into_iter().chain(door.observed()) {
        face::warn(&face::harmless(&format!("{}: {}", missing.subject, missing.reason)));
        emit(sink, Happening::NotEnforced(missing));
    }
}

fn emit(sink: &dyn Sink, what: Happening) {
    sink.emit(Event { at: Timestamp::now(), what });
}

/// Half of the processors for the shield: the functions need the others, and a request that stays on one thread is spared
/// the wakings of several.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    let processors = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads((processors / 2).max(1)).enable_all().build().context("cannot start the runtime")
}

/// As many open files as this process may have: each connection is one, and the usual limit is far below what the door holds.
fn raise_file_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        face::warn(&format!("the limit of open files stays as it is, so fewer connections are held: {error}"));
    }
}

fn listening(error: brigandine_gateway::Error) -> anyhow::Error {
    match &error {
        brigandine_gateway::Error::Listen { source, address } if source.kind() == std::io::ErrorKind::AddrInUse => {
            face::sentence(
                format!("the address `{address}` is in use"),
                "choose another with `--listen 127.0.0.1:0`, or stop what listens there",
            )
        }
        _ => error.into(),
    }
}

/// Resolves when the process is asked to end.
async fn asked_to_end() {
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        face::warn("signals cannot be heard; stop this process by killing it");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    face::say("\nEnding: no new connections; requests under way are finished.");
}

/// What it did, and what it would have refused, with the causes that count most.
fn summary(counters: Counters, tally: &Tally) -> String {
    let Counters { answered, refused, observed, connections_failed, .. } = counters;
    let plural = |count: u64| if count == 1 { "" } else { "s" };
    let mut text = format!("{answered} request{}, {refused} refused", plural(answered));
    if connections_failed > 0 {
        text = format!("{text}; {connections_failed} connection{} ended by a fault", plural(connections_failed));
    }
    if observed > 0 {
        text = format!("{text}; would have refused {observed} of {answered}:");
        for (cause, count) in tally.worst(MOST_CAUSES) {
            text = format!("{text}\n  {count:>8}  {cause}");
        }
    }
    let rules = tally.rules(MOST_CAUSES);
    if !rules.is_empty() {
        text = format!("{text}\nrules of the firewall that would have refused:");
        for (rule, count) in rules {
            text = format!("{text}\n  {count:>8}  {rule}");
        }
    }
    text
}
