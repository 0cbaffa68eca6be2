//! One environment: a process, its Runtime API, and the one call it may be busy with.

use std::{
    net::Ipv4Addr,
    process::ExitStatus,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use brigandine_model::{EnvironmentStarted, EnvironmentStopped, Happening, InvocationFinished};
use bytes::Bytes;
use tokio::{
    net::TcpListener,
    process::Child,
    sync::{mpsc, oneshot},
    task::{AbortHandle, JoinHandle},
    time::Instant,
};

use crate::{
    ErrorKind, FunctionError, Reply, Stream,
    local::{
        attention::Usual,
        output::Output,
        pool::{self, Pool, Shared},
        process, runtime_api,
        slot::{Asked, Delivery, Ended, Failure, Following, Order, Running, Slot, Streamed, Told, Untaken},
    },
    plan::Plan,
};

/// Peak memory is read at most so often; reading it costs as much as a short call.
const SAMPLE_EVERY: Duration = Duration::from_millis(250);
/// Time a process has for its last words after it said that it cannot start.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// Pieces of a result that wait for their reader; the function waits when there are more.
const PIECES: usize = 8;

/// Why an environment ends.
#[derive(Clone, Debug)]
pub(crate) enum End {
    Idle,
    Reload,
    Shutdown,
    Timeout,
    Memory,
    Exited(ExitStatus),
}

/// What a function gave back through its Runtime API.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) payload: Bytes,
    pub(crate) error: Option<FunctionError>,
    pub(crate) content_type: Option<Arc<str>>,
    pub(crate) streamed: bool,
}

/// One environment.
pub(crate) struct Environment {
    pub(crate) number: u64,
    pub(crate) generation: u64,
    pub(crate) plan: Arc<Plan>,
    /// Host and port of its Runtime API.
    pub(crate) address: String,
    pid: u32,
    /// Whether a call waited for it when it was started.
    wanted: bool,
    pool: Weak<Pool>,
    pub(crate) shared: Arc<Shared>,
    /// How long its calls usually take.
    pub(crate) usual: Usual,
    slot: Mutex<Slot>,
    output: Arc<Output>,
    api: Mutex<Option<AbortHandle>>,
    peak_kib: AtomicU64,
    sampled_ms: AtomicU64,
    /// Open connections to its Runtime API.
    connections: AtomicUsize,
    /// Whether a connection ended with bytes in it that the process had not read.
    unread: AtomicBool,
}

/// An environment that is coming up: the receiver learns how that went.
pub(crate) type Begun = (Arc<Environment>, oneshot::Receiver<Result<(), Failure>>);

impl Environment {
    /// Starts the process.
    pub(crate) async fn start(pool: &Arc<Pool>, generation: u64, wanted: bool) -> std::io::Result<Begun> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?.to_string();
        let (plan, shared) = (pool.plan().clone(), pool.shared().clone());
        let number = shared.next_number();
        let (child, reader) = process::start(&plan, &address, &pool::log_stream(number))?;
        let pid = child.id().unwrap_or_default();
        shared.warden.watch(pid);
        let output = Arc::new(Output::new(reader, plan.id.clone(), number, shared.sink.clone())?);
        let (started, receiver) = oneshot::channel();
        let environment = Arc::new(Self {
            number,
            generation,
            plan,
            address,
            pid,
            wanted,
            pool: Arc::downgrade(pool),
            shared,
            usual: Usual::default(),
            slot: Mutex::new(Slot::new(started)),
            output: output.clone(),
            api: Mutex::new(None),
            peak_kib: AtomicU64::new(0),
            sampled_ms: AtomicU64::new(0),
            connections: AtomicUsize::new(0),
            unread: AtomicBool::new(false),
        });
        let following = tokio::spawn(async move { output.follow().await });
        let api = tokio::spawn(runtime_api::serve(listener, environment.clone()));
        *lock(&environment.api) = Some(api.abort_handle());
        tokio::spawn(see_off(environment.clone(), child, following));
        environment.emit(Happening::EnvironmentStarted(EnvironmentStarted {
            function: environment.plan.id.clone(),
            environment: number,
            program: environment.plan.label.clone(),
            pid,
        }));
        Ok((environment, receiver))
    }

    /// Gives a call to this environment; it comes back when the environment is not free (any more).
    pub(crate) fn assign(&self, order: Box<Order>) -> Result<oneshot::Receiver<Told>, Box<Order>> {
        if process::has_ended(self.pid) {
            return Err(order);
        }
        self.output.begin(order.id.clone());
        let deadline_ms = epoch_ms().saturating_add(millis(self.plan.timeout));
        let mut slot = lock(&self.slot);
        let cold = self.wanted && slot.calls == 0;
        slot.assign(Delivery { order, deadline_ms }, cold).map_err(|delivery| delivery.order)
    }

    /// The process asks for its next call.
    pub(crate) fn ask(self: &Arc<Self>) -> Asked {
        let asked = lock(&self.slot).ask();
        if matches!(asked, Asked::Wait(_))
            && let Some(pool) = self.pool.upgrade()
        {
            pool.release(self.clone());
        }
        asked
    }

    /// Whether an answer to this call would be taken.
    pub(crate) fn expects(&self, id: &str) -> Result<(), Untaken> {
        lock(&self.slot).expects(id)
    }

    /// The process answers a call.
    pub(crate) fn finish(&self, id: &str, outcome: Outcome) -> Result<(), Untaken> {
        let running = lock(&self.slot).finish(id)?;
        self.answer(*running, outcome);
        Ok(())
    }

    /// Hands the result of a call out as it comes, where its caller can take it so. Nothing where the caller cannot.
    pub(crate) fn begin_stream(&self, id: &str, content_type: Option<Arc<str>>) -> Option<mpsc::Sender<Bytes>> {
        let Streamed { waiting, told, cold } = lock(&self.slot).begin_stream(id)?;
        let (sender, pieces) = mpsc::channel(PIECES);
        let (end, ended) = oneshot::channel();
        let stream = Some(Stream::new(pieces, ended));
        let environment = self.number;
        let reply = Reply { content_type, streamed: true, stream, cold, environment, ..Reply::default() };
        // Whoever called may have gone; the function runs to its end all the same.
        drop(waiting.send(Told::Streaming(Box::new(reply), Following { told, end })));
        Some(sender)
    }

    /// The result of a call that was handed out has come to its end.
    pub(crate) fn end_stream(&self, id: &str, outcome: Outcome) -> Result<(), Untaken> {
        let running = lock(&self.slot).end_stream(id)?;
        self.answer(*running, outcome);
        Ok(())
    }

    /// The process says that it cannot start. Whether it was still starting.
    pub(crate) fn refuse(self: &Arc<Self>, error_type: Arc<str>, document: Bytes) -> bool {
        if !lock(&self.slot).is_starting() {
            return false;
        }
        let ended = lock(&self.slot).end();
        if let Ended::Starting(started) = ended {
            drop(started.send(Err(Failure::Reported(error_type, document))));
        }
        let environment = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(LAST_WORDS).await;
            environment.stop();
        });
        true
    }

    /// Ends the environment, whatever it is doing, and answers whoever waits for it.
    pub(crate) fn end(&self, end: &End) {
        let ended = lock(&self.slot).end();
        if matches!(ended, Ended::Already) {
            return;
        }
        self.close(end);
        // Until here the environment counts against the limit: a call that is told of its end finds room for the next.
        if let (Some(pool), Ended::Free | Ended::Busy(_) | Ended::Untaken(_)) = (self.pool.upgrade(), &ended) {
            pool.discount(self.number);
        }
        match ended {
            Ended::Starting(started) => drop(started.send(Err(failure(end)))),
            // Gone before it saw the call: nothing of it has happened, so it can happen elsewhere.
            Ended::Untaken(running) if matches!(end, End::Exited(_)) => give_back(*running),
            Ended::Busy(running) if !running.streaming && self.unread.load(Ordering::Acquire) && is_signal(end) => {
                give_back(*running);
            }
            Ended::Busy(running) | Ended::Untaken(running) => self.answer_for(*running, end),
            Ended::Free | Ended::Already => {}
        }
    }

    /// Ends the environment only if it is free.
    pub(crate) fn end_if_free(&self, end: &End) {
        let was_free = lock(&self.slot).end_if_free();
        if was_free {
            self.close(end);
            if let Some(pool) = self.pool.upgrade() {
                pool.discount(self.number);
            }
        }
    }

    fn close(&self, end: &End) {
        if let (Some(pool), Some(reason)) = (self.pool.upgrade(), reason(end)) {
            pool.note_end(self.number, reason);
        }
        self.stop();
    }

    /// Kills the process and all it started, and closes its Runtime API.
    fn stop(&self) {
        process::kill(self.pid);
        if let Some(api) = lock(&self.api).take() {
            api.abort();
        }
    }

    /// Kills the process if it takes more memory than its function has.
    pub(crate) fn weigh(&self) {
        let Some((now, peak)) = process::memory(self.pid) else { return };
        self.peak_kib.fetch_max(peak, Ordering::Relaxed);
        if now > u64::from(self.plan.memory_mib).saturating_mul(1024) {
            self.end(&End::Memory);
        }
    }

    /// A connection was opened to its Runtime API.
    pub(crate) fn connected(&self) {
        self.connections.fetch_add(1, Ordering::AcqRel);
    }

    /// A connection has ended.
    pub(crate) fn disconnected(&self) {
        self.connections.fetch_sub(1, Ordering::AcqRel);
    }

    /// A connection was reset: there were bytes on the other side that nobody had read, or nobody any more.
    pub(crate) fn note_unread(&self) {
        self.unread.store(true, Ordering::Release);
    }

    pub(crate) fn is_free(&self) -> bool {
        lock(&self.slot).is_free()
    }

    pub(crate) fn is_returning(&self) -> bool {
        lock(&self.slot).is_returning()
    }

    pub(crate) fn free_since(&self) -> Instant {
        lock(&self.slot).free_since
    }

    fn answer_for(&self, running: Running, end: &End) {
        let (error_type, text) = match end {
            End::Timeout => {
                let seconds = self.plan.timeout.as_secs_f64();
                ("Sandbox.Timedout", format!("Task timed out after {seconds:.2} seconds"))
            }
            End::Memory => ("Runtime.OutOfMemory", "Runtime exited with error: signal: killed".to_owned()),
            End::Exited(status) => ("Runtime.ExitError", process::exit_text(*status)),
            End::Idle | End::Reload | End::Shutdown => {
                ("Runtime.ExitError", "Runtime exited with error: signal: killed".to_owned())
            }
        };
        let outcome = failed(error_type, &running.id, &text);
        self.answer(running, outcome);
    }

    fn answer(&self, running: Running, outcome: Outcome) {
        let duration = running.started.elapsed();
        self.usual.note(duration);
        let init = lock(&self.slot).init;
        self.sample();
        let reply = Reply {
            payload: outcome.payload,
            error: outcome.error,
            content_type: outcome.content_type,
            streamed: outcome.streamed,
            log_tail: self.output.tail(),
            stream: None,
            duration,
            init: init.filter(|_| running.cold),
            peak_memory_kib: self.peak(),
            cold: running.cold,
            environment: self.number,
        };
        self.emit(Happening::InvocationFinished(InvocationFinished {
            request: running.id,
            function: self.plan.id.clone(),
            environment: self.number,
            cold: running.cold,
            duration_us: micros(duration),
            init_us: reply.init.map(micros),
            billed_ms: reply.billed_ms(),
            memory_mib: self.plan.memory_mib,
            peak_memory_kib: reply.peak_memory_kib,
            error: reply.error.as_ref().map(|error| error.error_type.clone()),
        }));
        // Whoever called may have gone; the record is kept all the same.
        drop(running.end.send(Told::Reply(Box::new(reply))));
    }

    fn peak(&self) -> Option<u64> {
        Some(self.peak_kib.load(Ordering::Relaxed)).filter(|peak| *peak > 0)
    }

    /// Reads the peak memory when that was long ago.
    fn sample(&self) {
        let now = epoch_ms();
        let due = self.sampled_ms.load(Ordering::Relaxed).saturating_add(millis(SAMPLE_EVERY));
        if now >= due {
            self.sampled_ms.store(now, Ordering::Relaxed);
            if let Some((_, peak)) = process::memory(self.pid) {
                self.peak_kib.fetch_max(peak, Ordering::Relaxed);
            }
        }
    }

    fn emit(&self, what: Happening) {
        super::emit(&*self.shared.sink, what);
    }
}

/// Waits for the end of a process and tells everyone.
async fn see_off(environment: Arc<Environment>, mut child: Child, mut following: JoinHandle<()>) {
    let status = child.wait().await;
    // Whatever it started and left behind goes with it; what it wrote last is read first.
    process::kill(environment.pid);
    environment.shared.warden.forget(environment.pid);
    if tokio::time::timeout(LAST_WORDS, &mut following).await.is_err() {
        following.abort();
    }
    let word = status.as_ref().map_or_else(|_| "ended".to_owned(), |status| process::exit_word(*status));
    // The kernel has closed its connections; how they ended says whether it had read its last call.
    let end = Instant::now() + LAST_WORDS;
    while environment.connections.load(Ordering::Acquire) > 0 && Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    if let Ok(status) = status {
        environment.end(&End::Exited(status));
    }
    environment.stop();
    if let Some(pool) = environment.pool.upgrade() {
        let reason = pool.bury(environment.number).unwrap_or(word);
        environment.emit(Happening::EnvironmentStopped(EnvironmentStopped {
            function: environment.plan.id.clone(),
            environment: environment.number,
            reason: reason.into(),
        }));
    }
}

/// The outcome when the platform, not the function, has the last word.
pub(crate) fn failed(error_type: &str, id: &str, text: &str) -> Outcome {
    let message = format!("RequestId: {id} Error: {text}");
    let document = serde_json::json!({"errorType": error_type, "errorMessage": message});
    Outcome {
        payload: document.to_string().into(),
        error: Some(FunctionError { kind: ErrorKind::Unhandled, error_type: error_type.into(), message }),
        content_type: None,
        streamed: false,
    }
}

fn failure(end: &End) -> Failure {
    match end {
        End::Exited(status) => Failure::Exited(process::exit_text(*status)),
        End::Memory => Failure::OutOfMemory,
        End::Timeout => Failure::TooSlow,
        End::Idle | End::Reload | End::Shutdown => Failure::Stopped,
    }
}

fn give_back(running: Running) {
    drop(running.end.send(Told::Unread(running.order)));
}

fn is_signal(end: &End) -> bool {
    matches!(end, End::Exited(status) if status.code().is_none())
}

/// The word for the record, when the process did not end by itself.
fn reason(end: &End) -> Option<&'static str> {
    match end {
        End::Idle => Some("idle"),
        End::Reload => Some("reload"),
        End::Shutdown => Some("shutdown"),
        End::Timeout => Some("timeout"),
        End::Memory => Some("memory"),
        End::Exited(_) => None,
    }
}

/// A state that was being changed when a thread failed is still the state.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn epoch_ms() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or_default()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
