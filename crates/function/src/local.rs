//! Functions run here: one pool of environments per function, each environment one process with a Runtime API of its own.

mod attention;
mod bootstrap;
mod connection;
mod environment;
mod nowhere;
mod output;
mod peer;
mod pool;
mod process;
mod reload;
mod runtime_api;
mod slot;
mod warden;

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use brigandine_model::{App, Event, Happening, LogicalId, NotEnforced, Sink};
use http::HeaderValue;
use jiff::Timestamp;
use tokio::task::AbortHandle;

use self::{nowhere::Nowhere, pool::Pool, slot::Order, warden::Warden};
use crate::{
    AwsAccess, Call, Catalogue, Error, Invoke, InvokeError, Invoking, Notice, Overrides, PAYLOAD_LIMIT, Reply, Secrets,
    plan,
};

/// How functions are run here.
#[derive(Clone)]
pub struct LocalSettings {
    /// Folder for runtime clients, source text of the template and byte code; made when it is not there.
    pub data: PathBuf,
    /// The region functions believe to be in.
    pub region: String,
    /// Where AWS calls go.
    pub aws: AwsAccess,
    /// Whether only the declared interpreter may serve.
    pub strict_runtime: bool,
    /// Values that replace those of the template.
    pub overrides: Overrides,
    /// Values of template parameters, before their defaults.
    pub parameters: BTreeMap<String, String>,
    /// Whoever keeps the secrets that the template refers to.
    pub secrets: Option<Arc<dyn Secrets>>,
    /// Variables the host gives to single functions, whatever the template says: where secrets are fetched, and how.
    pub given: BTreeMap<LogicalId, BTreeMap<String, String>>,
    /// Most environments of one function; a reserved concurrency below it holds instead.
    pub max_environments: usize,
    /// Most calls that wait for an environment of one function; the next one is refused.
    pub queue: usize,
    /// Longest wait for a busy environment; starting one has its own time.
    pub queue_wait: Duration,
    /// An environment unused for so long is stopped.
    pub idle: Duration,
    /// Longest initialisation; after it the environment is started anew within the function's own timeout.
    pub init_limit: Duration,
    /// Whether each function gets one environment at once rather than at its first call.
    pub prewarm: bool,
    /// Whether changed code is taken up.
    pub reload: bool,
    /// How often code is looked at.
    pub reload_every: Duration,
}

impl LocalSettings {
    /// The settings of a first run, with this data directory.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            region: "us-east-1".to_owned(),
            aws: AwsAccess::None,
            strict_runtime: false,
            overrides: Overrides::default(),
            parameters: BTreeMap::new(),
            secrets: None,
            given: BTreeMap::new(),
            max_environments: 8,
            queue: 256,
            queue_wait: Duration::from_secs(5),
            idle: Duration::from_mins(10),
            init_limit: Duration::from_secs(10),
            prewarm: false,
            reload: true,
            reload_every: Duration::from_secs(1),
        }
    }
}

/// The functions of one application, run as processes of this machine.
///
/// Dropping it kills every process it started, and a shield that is itself killed takes them along.
pub struct Local {
    pools: HashMap<LogicalId, Arc<Pool>>,
    refused: BTreeMap<LogicalId, Arc<str>>,
    notices: Vec<Notice>,
    catalogue: Arc<Catalogue>,
    tasks: Vec<AbortHandle>,
}

impl Local {
    /// Plans every function of `app` and makes ready to run them; `root` is the folder of its template. Must be called
    /// within a tokio runtime with time and I/O. A function that cannot run here is a notice and no error.
    pub async fn start(app: &App, root: &Path, settings: LocalSettings, sink: Arc<dyn Sink>) -> Result<Self, Error> {
        let root = std::fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
        let settings = LocalSettings { data: bootstrap::prepare(&settings.data)?, ..settings };
        let catalogue = Arc::new(Catalogue::new(app, &settings));
        let bootstraps = bootstrap::write(&settings.data)?;
        let mut plans = plan::plan(app, &root, &settings, &bootstraps).await?;
        let mut tasks = Vec::new();
        if settings.aws == AwsAccess::None {
            let nowhere = Nowhere::open().await?;
            for plan in &mut plans.ready {
                let url = format!("{}{}", nowhere.url, plan.id);
                plan.environment.entry("AWS_ENDPOINT_URL".to_owned()).or_insert(url);
            }
            tasks.push(tokio::spawn(nowhere.serve(sink.clone())).abort_handle());
        }
        for one in std::mem::take(&mut plans.substituted) {
            emit(&*sink, Happening::RuntimeSubstituted(one));
        }
        if !plans.ready.is_empty() {
            emit(&*sink, Happening::NotEnforced(unfenced()));
        }
        let warden = Warden::start();
        let shared = Arc::new(pool::Shared::new(settings.clone(), sink, warden));
        let pools: HashMap<_, _> =
            plans.ready.into_iter().map(|plan| (plan.id.clone(), Pool::new(plan, shared.clone()))).collect();
        let all: Vec<_> = pools.values().cloned().collect();
        if settings.prewarm {
            all.iter().for_each(Pool::prewarm);
        }
        tasks.push(tokio::spawn(pool::reap_idle(all.clone(), settings.idle)).abort_handle());
        if settings.reload {
            tasks.push(tokio::spawn(reload::watch(all, settings.reload_every)).abort_handle());
        }
        Ok(Self { pools, refused: plans.refused, notices: sorted(plans.notices), catalogue, tasks })
    }

    /// What people should know, most important first; the same at every start of the same application.
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// Functions that do not run here, and why.
    pub fn refused(&self) -> impl Iterator<Item = (&LogicalId, &str)> {
        self.refused.iter().map(|(id, reason)| (id, &**reason))
    }

    /// The functions by the names callers know them by.
    pub fn catalogue(&self) -> Arc<Catalogue> {
        self.catalogue.clone()
    }

    /// The greatest number of simultaneous runs of a function that runs here.
    pub fn limit(&self, function: &LogicalId) -> Option<usize> {
        self.pools.get(function).map(|pool| pool.limit())
    }

    /// Kills every process and waits until they are gone, at most two seconds. Calls under way get an error.
    pub async fn shutdown(&self) {
        self.stop();
        let gone = async {
            for pool in self.pools.values() {
                pool.gone().await;
            }
        };
        // Whoever is not gone by then is in the hands of the kernel.
        drop(tokio::time::timeout(Duration::from_secs(2), gone).await);
    }

    fn stop(&self) {
        self.tasks.iter().for_each(AbortHandle::abort);
        self.pools.values().for_each(|pool| pool.close());
    }

    async fn run(&self, call: Call) -> Result<Reply, InvokeError> {
        let Some(pool) = self.pools.get(&call.function) else {
            return Err(match self.refused.get(&call.function) {
                Some(reason) => InvokeError::NotHere { function: call.function, reason: reason.clone() },
                None => InvokeError::UnknownFunction(call.function),
            });
        };
        let deadline = call.deadline;
        pool.run(order(call)?, deadline).await
    }
}

impl Invoke for Local {
    fn invoke(&self, call: Call) -> Invoking<'_> {
        Box::pin(self.run(call))
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A call whose parts fit where they go: the id into a path and a header, the context into a header.
fn order(call: Call) -> Result<Box<Order>, InvokeError> {
    let size = call.payload.len();
    if size > PAYLOAD_LIMIT {
        return Err(InvokeError::PayloadTooLarge { size });
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if call.request_id.is_empty() || call.request_id.len() > 64 || !call.request_id.bytes().all(plain) {
        return Err(InvokeError::Malformed("a request id has letters, digits and hyphens, at most 64"));
    }
    let id_header =
        HeaderValue::from_str(&call.request_id).map_err(|_| InvokeError::Malformed("the request id fits no header"))?;
    let client_context = match &call.client_context {
        Some(text) => Some(
            HeaderValue::from_bytes(text.as_bytes())
                .map_err(|_| InvokeError::Malformed("the client context must be JSON on one line"))?,
        ),
        None => None,
    };
    Ok(Box::new(Order {
        id: call.request_id,
        id_header,
        payload: call.payload,
        client_context,
        streaming: call.streaming,
    }))
}

fn unfenced() -> NotEnforced {
    NotEnforced { subject: "functions".into(), reason: "they run unfenced, as the user who started the shield".into() }
}

fn sorted(mut notices: Vec<Notice>) -> Vec<Notice> {
    notices.sort_by_key(|notice| notice.kind);
    notices
}

pub(crate) fn emit(sink: &dyn Sink, what: Happening) {
    sink.emit(Event { at: Timestamp::now(), what });
}
