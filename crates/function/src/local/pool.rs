//! The environments of one function: reused last in, first out; started when calls wait; never more than the limit.

use std::{
    collections::{HashMap, VecDeque},
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use brigandine_model::{Happening, InvocationFinished, Reloaded, Sink};
use tokio::{
    sync::{Notify, oneshot},
    time::{Instant, timeout, timeout_at},
};

use crate::{
    InvokeError, LocalSettings, Reply,
    local::{
        attention::{self, Calls},
        emit,
        environment::{End, Environment, failed},
        slot::{Failure, Order, Told},
        warden::Warden,
    },
    plan::Plan,
};

/// A process that has answered asks for more within microseconds; so long is it waited for before another one starts.
const RETURN: Duration = Duration::from_millis(10);
/// How often a long call's memory is looked at.
const WEIGH_EVERY: Duration = Duration::from_millis(25);
/// How often a call is given to another environment when the one it got died under it.
const ATTEMPTS: usize = 3;

/// What all pools of one host share.
pub(crate) struct Shared {
    pub(crate) settings: LocalSettings,
    pub(crate) sink: Arc<dyn Sink>,
    pub(crate) warden: Warden,
    numbers: AtomicU64,
    pub(crate) calls: Calls,
}

impl Shared {
    pub(crate) fn new(settings: LocalSettings, sink: Arc<dyn Sink>, warden: Warden) -> Self {
        Self { settings, sink, warden, numbers: AtomicU64::new(0), calls: Calls::default() }
    }

    pub(crate) fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// The name of an environment's log stream, of the platform's shape.
pub(crate) fn log_stream(number: u64) -> String {
    format!("{}/[$LATEST]{number:032x}", jiff::Timestamp::now().strftime("%Y/%m/%d"))
}

/// The environments of one function.
pub(crate) struct Pool {
    plan: Arc<Plan>,
    shared: Arc<Shared>,
    line: Mutex<Line>,
    buried: Notify,
}

#[derive(Default)]
struct Line {
    /// Free ones, the last used one last.
    idle: Vec<Arc<Environment>>,
    /// Every one whose process was not yet waited for, and why it was ended.
    all: HashMap<u64, (Arc<Environment>, Option<&'static str>)>,
    /// Calls that wait, oldest first; at most [`LocalSettings::queue`], the next one is refused.
    waiting: VecDeque<oneshot::Sender<Turn>>,
    starting: usize,
    /// Those that count against the limit, `starting` included.
    live: usize,
    generation: u64,
    closed: bool,
}

type Turn = Result<Lease, Failure>;

/// An environment that was taken for a call and goes back when the call does not come.
struct Lease {
    pool: Arc<Pool>,
    environment: Option<Arc<Environment>>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(environment) = self.environment.take()
            && environment.is_free()
        {
            self.pool.release(environment);
        }
    }
}

/// Why a call got no environment.
enum Turned {
    Refused(InvokeError),
    Failed(Failure),
}

impl Pool {
    pub(crate) fn new(plan: Plan, shared: Arc<Shared>) -> Arc<Self> {
        Arc::new(Self { plan: Arc::new(plan), shared, line: Mutex::default(), buried: Notify::new() })
    }

    pub(crate) fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn code(&self) -> &Path {
        &self.plan.code
    }

    pub(crate) fn limit(&self) -> usize {
        self.plan.limit
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs one call.
    pub(crate) async fn run(
        self: &Arc<Self>,
        mut order: Box<Order>,
        deadline: Option<Instant>,
    ) -> Result<Reply, InvokeError> {
        let _call = self.shared.calls.begin();
        for _ in 0..ATTEMPTS {
            let mut lease = match self.lease(deadline).await {
                Ok(lease) => lease,
                Err(Turned::Refused(error)) => return Err(error),
                Err(Turned::Failed(failure)) => return self.never_started(&order, &failure),
            };
            let Some(environment) = lease.environment.take() else { continue };
            match environment.assign(order) {
                Ok(told) => match Watch::new(environment, told).until(deadline).await? {
                    Told::Reply(reply) | Told::Streaming(reply, _) => return Ok(*reply),
                    Told::Unread(back) => order = back,
                },
                Err(back) => order = back,
            }
        }
        Err(InvokeError::Stopped("environments end as soon as they start".into()))
    }

    /// An environment for one call: a free one, else the first that becomes free or comes up.
    async fn lease(self: &Arc<Self>, deadline: Option<Instant>) -> Result<Lease, Turned> {
        let mut turn = match self.take_or_queue()? {
            Ok(lease) => return Ok(lease),
            Err(turn) => turn,
        };
        if self.one_is_returning()
            && let Ok(turn) = timeout(RETURN, &mut turn).await
        {
            return taken(turn);
        }
        self.balance();
        let patience = Instant::now() + self.shared.settings.queue_wait;
        if let Ok(turn) = timeout_at(earlier(patience, deadline), &mut turn).await {
            return taken(turn);
        }
        if self.line().starting > 0 {
            let patience = patience + self.shared.settings.init_limit + self.plan.timeout;
            if let Ok(turn) = timeout_at(earlier(patience, deadline), &mut turn).await {
                return taken(turn);
            }
        }
        Err(Turned::Refused(if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            InvokeError::DeadlinePassed
        } else {
            self.too_many()
        }))
    }

    fn take_or_queue(self: &Arc<Self>) -> Result<Result<Lease, oneshot::Receiver<Turn>>, Turned> {
        let mut line = self.line();
        if line.closed {
            return Err(Turned::Refused(InvokeError::Stopped("the shield is ending its work".into())));
        }
        if let Some(environment) = line.idle.pop() {
            return Ok(Ok(self.lend(environment)));
        }
        if line.waiting.len() >= self.shared.settings.queue {
            line.waiting.retain(|waiting| !waiting.is_closed());
        }
        if self.plan.limit == 0 || line.waiting.len() >= self.shared.settings.queue {
            return Err(Turned::Refused(self.too_many()));
        }
        let (sender, receiver) = oneshot::channel();
        line.waiting.push_back(sender);
        Ok(Err(receiver))
    }

    fn too_many(&self) -> InvokeError {
        InvokeError::TooManyRequests { function: self.plan.id.clone(), limit: self.plan.limit, retry_after: 1 }
    }

    fn lend(self: &Arc<Self>, environment: Arc<Environment>) -> Lease {
        Lease { pool: self.clone(), environment: Some(environment) }
    }

    fn one_is_returning(&self) -> bool {
        self.line().all.values().any(|(environment, _)| environment.is_returning())
    }

    /// Takes a free environment back: for the next call that waits, else for later.
    pub(crate) fn release(self: &Arc<Self>, mut environment: Arc<Environment>) {
        let mut line = self.line();
        if line.closed || environment.generation != line.generation {
            drop(line);
            environment.end(&End::Reload);
            return;
        }
        while let Some(waiting) = line.waiting.pop_front() {
            match waiting.send(Ok(self.lend(environment))) {
                Err(Ok(mut lease)) => match lease.environment.take() {
                    Some(back) => environment = back,
                    None => return,
                },
                Ok(()) | Err(Err(_)) => return,
            }
        }
        line.idle.push(environment);
    }

    /// Starts as many environments as calls wait for and the limit allows.
    fn balance(self: &Arc<Self>) {
        let mut line = self.line();
        line.waiting.retain(|waiting| !waiting.is_closed());
        while !line.closed && line.waiting.len() > line.starting && line.live < self.plan.limit {
            self.start_one(&mut line, true);
        }
    }

    /// Starts one environment that no call waits for yet.
    pub(crate) fn prewarm(self: &Arc<Self>) {
        let mut line = self.line();
        if !line.closed && line.live < self.plan.limit {
            self.start_one(&mut line, false);
        }
    }

    fn start_one(self: &Arc<Self>, line: &mut Line, wanted: bool) {
        line.live += 1;
        line.starting += 1;
        let (pool, generation) = (self.clone(), line.generation);
        tokio::spawn(async move {
            let brought = pool.bring_up(generation, wanted).await;
            pool.brought_up(brought);
        });
    }

    fn brought_up(self: &Arc<Self>, brought: Result<(), Failure>) {
        let mut line = self.line();
        line.starting -= 1;
        if let Err(failure) = brought {
            line.live -= 1;
            // Reloading and stopping are nobody's fault: the call waits for the next environment.
            if failure != Failure::Stopped {
                while let Some(waiting) = line.waiting.pop_front() {
                    if waiting.send(Err(failure.clone())).is_ok() {
                        break;
                    }
                }
            }
        }
        drop(line);
        self.balance();
    }

    /// Starts an environment; when it does not initialise in time it is started once more, within the function's own
    /// timeout, as the platform does.
    async fn bring_up(self: &Arc<Self>, generation: u64, wanted: bool) -> Result<(), Failure> {
        for limit in [self.shared.settings.init_limit, self.plan.timeout] {
            let started = Environment::start(self, generation, wanted).await;
            let (environment, mut begun) = started.map_err(|fault| Failure::NotStarted(fault.to_string()))?;
            if !self.enlist(&environment) {
                environment.end(&End::Shutdown);
                return Err(Failure::Stopped);
            }
            match initialised(&environment, &mut begun, Instant::now() + limit).await {
                Some(outcome) => return outcome,
                None => environment.end(&End::Timeout),
            }
        }
        Err(Failure::TooSlow)
    }

    fn enlist(&self, environment: &Arc<Environment>) -> bool {
        let mut line = self.line();
        line.all.insert(environment.number, (environment.clone(), None));
        !line.closed
    }

    /// An environment was ended from here, and why.
    pub(crate) fn note_end(self: &Arc<Self>, number: u64, reason: &'static str) {
        if let Some((_, why)) = self.line().all.get_mut(&number) {
            why.get_or_insert(reason);
        }
    }

    /// The process of an environment is gone. Why it was ended, when it was ended from here.
    pub(crate) fn bury(self: &Arc<Self>, number: u64) -> Option<String> {
        let mut line = self.line();
        line.idle.retain(|environment| environment.number != number);
        let reason = line.all.remove(&number).and_then(|(_, reason)| reason).map(str::to_owned);
        drop(line);
        self.buried.notify_waiters();
        reason
    }

    /// An environment that had come up counts no longer.
    pub(crate) fn discount(self: &Arc<Self>, number: u64) {
        let mut line = self.line();
        line.idle.retain(|environment| environment.number != number);
        line.live = line.live.saturating_sub(1);
        drop(line);
        self.balance();
    }

    /// The code has changed: free environments end now, busy ones after their call.
    pub(crate) fn retire(self: &Arc<Self>) {
        let mut line = self.line();
        line.generation += 1;
        let idle = std::mem::take(&mut line.idle);
        drop(line);
        for environment in idle {
            environment.end_if_free(&End::Reload);
        }
        emit(&*self.shared.sink, Happening::Reloaded(Reloaded { subject: self.plan.id.as_str().into() }));
    }

    /// Ends every environment and takes no more calls.
    pub(crate) fn close(&self) {
        let mut line = self.line();
        line.closed = true;
        line.waiting.clear();
        line.idle.clear();
        let all: Vec<_> = line.all.values().map(|(environment, _)| environment.clone()).collect();
        drop(line);
        for environment in all {
            environment.end(&End::Shutdown);
        }
    }

    /// Waits until every process is gone.
    pub(crate) async fn gone(&self) {
        loop {
            let buried = self.buried.notified();
            if self.line().all.is_empty() {
                return;
            }
            buried.await;
        }
    }

    fn never_started(&self, order: &Order, failure: &Failure) -> Result<Reply, InvokeError> {
        let outcome = match failure {
            Failure::Stopped => return Err(InvokeError::Stopped("the shield is ending its work".into())),
            Failure::NotStarted(fault) => {
                let reason = format!("{} could not be started: {fault}", self.plan.program.display()).into();
                return Err(InvokeError::NotHere { function: self.plan.id.clone(), reason });
            }
            Failure::Reported(error_type, document) => {
                crate::local::runtime_api::reported(error_type, document.clone())
            }
            Failure::Exited(text) => failed("Runtime.ExitError", &order.id, text),
            Failure::OutOfMemory => {
                failed("Runtime.OutOfMemory", &order.id, "Runtime exited with error: signal: killed")
            }
            Failure::TooSlow => {
                let seconds = self.plan.timeout.as_secs_f64();
                failed("Sandbox.Timedout", &order.id, &format!("Task timed out after {seconds:.2} seconds"))
            }
        };
        emit(
            &*self.shared.sink,
            Happening::InvocationFinished(InvocationFinished {
                request: order.id.clone(),
                function: self.plan.id.clone(),
                environment: 0,
                cold: true,
                duration_us: 0,
                init_us: None,
                billed_ms: 0,
                memory_mib: self.plan.memory_mib,
                peak_memory_kib: None,
                error: outcome.error.as_ref().map(|error| error.error_type.clone()),
            }),
        );
        Ok(Reply { payload: outcome.payload, error: outcome.error, cold: true, ..Reply::default() })
    }
}

fn taken(turn: Result<Turn, oneshot::error::RecvError>) -> Result<Lease, Turned> {
    match turn {
        Ok(turn) => turn.map_err(Turned::Failed),
        Err(_) => Err(Turned::Refused(InvokeError::Stopped("the shield is ending its work".into()))),
    }
}

/// Waits for an initialisation; nothing when it takes too long.
async fn initialised(
    environment: &Environment,
    begun: &mut oneshot::Receiver<Result<(), Failure>>,
    limit: Instant,
) -> Option<Result<(), Failure>> {
    loop {
        match timeout_at(limit.min(Instant::now() + WEIGH_EVERY), &mut *begun).await {
            Ok(outcome) => return Some(outcome.unwrap_or(Err(Failure::Stopped))),
            Err(_) if Instant::now() >= limit => return None,
            Err(_) => environment.weigh(),
        }
    }
}

/// A call under way: sees to its timeout and its memory, and goes on doing so when the caller has gone.
struct Watch {
    environment: Arc<Environment>,
    told: Option<oneshot::Receiver<Told>>,
    timeout: Instant,
    /// Whether the caller has gone already.
    alone: bool,
}

impl Watch {
    fn new(environment: Arc<Environment>, told: oneshot::Receiver<Told>) -> Self {
        let timeout = Instant::now() + environment.plan.timeout;
        Self { environment, told: Some(told), timeout, alone: false }
    }

    async fn until(mut self, deadline: Option<Instant>) -> Result<Told, InvokeError> {
        loop {
            let Some(told) = &mut self.told else { return Err(InvokeError::DeadlinePassed) };
            let (calls, usual) = (&self.environment.shared.calls, &self.environment.usual);
            if let Some(told) = attention::for_answer(calls, usual, told).await {
                return self.heard(told);
            }
            let look = earlier(self.timeout, deadline).min(Instant::now() + WEIGH_EVERY);
            if let Ok(told) = timeout_at(look, told).await {
                return self.heard(told);
            }
            let now = Instant::now();
            if now >= self.timeout {
                self.environment.end(&End::Timeout);
            } else if deadline.is_some_and(|deadline| now >= deadline) {
                return Err(InvokeError::DeadlinePassed);
            } else {
                self.environment.weigh();
            }
        }
    }

    /// What was told of the call. One whose result comes in pieces is seen to its end by another watch.
    fn heard(&mut self, told: Result<Told, oneshot::error::RecvError>) -> Result<Told, InvokeError> {
        self.told = None;
        let told = told.map_err(|_| InvokeError::Stopped("the environment is gone".into()))?;
        let Told::Streaming(reply, following) = told else { return Ok(told) };
        let (environment, timeout) = (self.environment.clone(), self.timeout);
        let watch = Self { environment, told: Some(following.told), timeout, alone: true };
        tokio::spawn(async move {
            if let Ok(Told::Reply(reply)) = watch.until(None).await {
                // Whoever read the pieces may have gone.
                drop(following.end.send(reply));
            }
        });
        Ok(Told::Reply(reply))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // A runtime that is shutting down drops what is spawned on it at once: spawning anew would never end.
        if !self.alone
            && let Some(told) = self.told.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let (environment, timeout) = (self.environment.clone(), self.timeout);
            let watch = Self { environment, told: Some(told), timeout, alone: true };
            runtime.spawn(async move { drop(watch.until(None).await) });
        }
    }
}

/// Stops environments that nobody has used for so long, and those that have answered and then stay busy with themselves
/// for longer than a call may take.
pub(crate) async fn reap_idle(pools: Vec<Arc<Pool>>, idle: Duration) {
    let every = (idle / 4).clamp(Duration::from_millis(50), Duration::from_secs(10));
    loop {
        tokio::time::sleep(every).await;
        for pool in &pools {
            let (idle_ones, lost): (Vec<_>, Vec<_>) = {
                let line = pool.line();
                let is_lost = |one: &Environment| one.is_returning() && one.free_since().elapsed() >= pool.plan.timeout;
                let lost = line.all.values().map(|(one, _)| one).filter(|one| is_lost(one)).cloned().collect();
                (line.idle.iter().filter(|one| one.free_since().elapsed() >= idle).cloned().collect(), lost)
            };
            for environment in lost {
                environment.end(&End::Timeout);
            }
            for environment in idle_ones {
                environment.end_if_free(&End::Idle);
            }
        }
    }
}

fn earlier(one: Instant, other: Option<Instant>) -> Instant {
    other.map_or(one, |other| one.min(other))
}
