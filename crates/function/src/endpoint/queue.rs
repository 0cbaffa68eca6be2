//! Events nobody waits for: accepted into a bounded queue, tried again as the platform does, and on record when given up.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use brigandine_model::{Happening, InvocationDropped, LogicalId, Sink};
use tokio::{
    sync::{Semaphore, watch},
    time::{Instant, timeout},
};

use crate::{Call, Invoke, InvokeError, local::emit};

/// How patient the queue is.
#[derive(Clone, Debug)]
pub struct QueueSettings {
    /// Most events that are accepted and not yet done. Default 1,000.
    pub events: usize,
    /// Most bytes of all of them, in KiB. Default 64 MiB.
    pub kibibytes: usize,
    /// Most events of one function in hand at once: the rest of its places is for those who wait. Default 4.
    pub per_function: usize,
    /// Waits before the second and the third attempt of a function that failed. Default one and two minutes.
    pub retries: [Duration; 2],
    /// First wait when there was no place for it; doubled each time, up to the last retry's wait. Default 1 s.
    pub throttled: Duration,
}

impl Default for QueueSettings {
    fn default() -> Self {
        Self {
            events: 1_000,
            kibibytes: 64 * 1024,
            per_function: 4,
            retries: [Duration::from_mins(1), Duration::from_mins(2)],
            throttled: Duration::from_secs(1),
        }
    }
}

/// An event to be run, and how long it is worth the trouble.
pub(crate) struct Waiting {
    pub(crate) call: Call,
    pub(crate) retries: u32,
    pub(crate) max_age: Duration,
}

/// The queue.
pub(crate) struct Queue {
    invoke: Arc<dyn Invoke>,
    sink: Arc<dyn Sink>,
    settings: QueueSettings,
    places: Arc<Semaphore>,
    memory: Arc<Semaphore>,
    gates: Mutex<HashMap<LogicalId, Arc<Semaphore>>>,
    closing: watch::Sender<bool>,
}

/// What comes after an attempt.
enum Next {
    Done,
    /// After this wait.
    Again(Duration),
    Dropped(&'static str),
}

/// One event on its way.
struct Course {
    waiting: Waiting,
    began: Instant,
    attempts: u32,
    throttles: u32,
    error: Option<Arc<str>>,
}

impl Queue {
    pub(crate) fn new(invoke: Arc<dyn Invoke>, sink: Arc<dyn Sink>, settings: QueueSettings) -> Arc<Self> {
        let most = |number: usize| Arc::new(Semaphore::new(number.clamp(1, Semaphore::MAX_PERMITS)));
        let (places, memory) = (most(settings.events), most(settings.kibibytes));
        let (closing, _) = watch::channel(false);
        Arc::new(Self { invoke, sink, places, memory, settings, gates: Mutex::default(), closing })
    }

    /// Takes an event; whether there was room for it.
    pub(crate) fn accept(self: &Arc<Self>, waiting: Waiting) -> bool {
        let kibibytes = u32::try_from(waiting.call.payload.len().div_ceil(1024).max(1)).unwrap_or(u32::MAX);
        let Ok(place) = self.places.clone().try_acquire_owned() else { return false };
        let Ok(memory) = self.memory.clone().try_acquire_many_owned(kibibytes) else { return false };
        if *self.closing.borrow() {
            return false;
        }
        let queue = self.clone();
        tokio::spawn(async move {
            queue.see_through(waiting).await;
            drop((place, memory));
        });
        true
    }

    /// Gives up what waits, and waits a moment for what runs.
    pub(crate) async fn close(&self) {
        self.closing.send_replace(true);
        let all = u32::try_from(self.settings.events.max(1)).unwrap_or(u32::MAX);
        // What still runs is ended with its function.
        drop(timeout(Duration::from_secs(1), self.places.acquire_many(all)).await);
    }

    async fn see_through(&self, waiting: Waiting) {
        let mut closing = self.closing.subscribe();
        let mut course = Course { waiting, began: Instant::now(), attempts: 0, throttles: 0, error: None };
        loop {
            let attempt = self.attempt(&course.waiting.call, &mut closing).await;
            match self.next(&mut course, attempt) {
                Next::Done => return,
                Next::Dropped(reason) => return self.drop_it(&course, reason),
                Next::Again(wait) => {
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        _ = closing.wait_for(|closing| *closing) => return self.drop_it(&course, "shutdown"),
                    }
                }
            }
        }
    }

    /// One attempt, when it is this function's turn; nothing when the queue is being closed.
    async fn attempt(
        &self,
        call: &Call,
        closing: &mut watch::Receiver<bool>,
    ) -> Option<Result<Option<Arc<str>>, InvokeError>> {
        let gate = {
            let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
            // As many entries as the application has functions.
            let gate = gates.entry(call.function.clone());
            gate.or_insert_with(|| Arc::new(Semaphore::new(self.settings.per_function.max(1)))).clone()
        };
        let turn = tokio::select! {
            turn = gate.acquire() => turn.ok()?,
            _ = closing.wait_for(|closing| *closing) => return None,
        };
        let outcome = self.invoke.invoke(call.clone()).await;
        drop(turn);
        Some(outcome.map(|reply| reply.error.map(|error| error.error_type)))
    }

    fn next(&self, course: &mut Course, attempt: Option<Result<Option<Arc<str>>, InvokeError>>) -> Next {
        let wait = match attempt {
            None | Some(Err(InvokeError::Stopped(_))) => return Next::Dropped("shutdown"),
            Some(Ok(None)) => return Next::Done,
            Some(Ok(Some(error))) => {
                course.attempts += 1;
                course.error = Some(error);
                if course.attempts > course.waiting.retries {
                    return Next::Dropped("retries-exhausted");
                }
                let [first, second] = self.settings.retries;
                if course.attempts == 1 { first } else { second }
            }
            Some(Err(InvokeError::TooManyRequests { .. } | InvokeError::DeadlinePassed)) => {
                course.throttles += 1;
                let doubled = self.settings.throttled.saturating_mul(1 << (course.throttles - 1).min(16));
                doubled.min(self.settings.retries[1].max(self.settings.throttled))
            }
            Some(Err(_)) => return Next::Dropped("does-not-run"),
        };
        if course.began.elapsed() + wait > course.waiting.max_age {
            Next::Dropped("too-old")
        } else {
            Next::Again(wait)
        }
    }

    fn drop_it(&self, course: &Course, reason: &'static str) {
        let call = &course.waiting.call;
        let dropped = InvocationDropped {
            request: call.request_id.clone(),
            function: call.function.clone(),
            attempts: course.attempts,
            reason,
            error: course.error.clone(),
        };
        emit(&*self.sink, Happening::InvocationDropped(dropped));
    }
}
