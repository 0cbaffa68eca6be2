//! Simultaneous runs of a function, its deadline, and the function itself.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use brigandine_model::{Answer, ApiStyle, BrokenOff, Flow, Guard, Pieces, Refusal};
use bytes::Bytes;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tower::{Service, ServiceExt};

use crate::{
    Backend, BackendError,
    guard::body::Ready,
    visit::{Stop, refuse},
};

/// The end of the path.
#[derive(Clone)]
pub(crate) struct Invocation(pub(crate) Backend);

impl Service<Ready> for Invocation {
    type Response = Answer;
    type Error = Stop;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, Stop>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Stop>> {
        // The backend is waited for within the deadline, below.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, ready: Ready) -> Self::Future {
        Box::pin(invoke(self.0.clone(), ready))
    }
}

/// Runs the function in a task of its own: a caller who leaves does not stop it, so that the count of simultaneous runs
/// stays true, and a panic in it does not tear down the connection.
async fn invoke(backend: Backend, ready: Ready) -> Result<Answer, Stop> {
    let permits = permits(&ready)?;
    let Ready { admitted, entry, held, .. } = ready;
    if entry.route.function.is_none() {
        return Err(refuse(Guard::Function, 501, "no-function", "no function stands behind this route").into());
    }
    let style = entry.api.style;
    let deadline = entry.deadline;
    let run = tokio::spawn(async move {
        let outcome = timeout(deadline, backend.oneshot(admitted)).await;
        drop(held);
        // A function whose answer still comes still runs.
        outcome.map(|outcome| outcome.map(|answer| answer.map_rest(|flow| Flow::new(Held { flow, _permits: permits }))))
    });
    match run.await {
        Ok(Ok(Ok(answer))) if answer.status.is_informational() => {
            Err(refuse(Guard::Function, 502, "function-answer", "the function's answer is malformed").into())
        }
        Ok(Ok(Ok(answer))) => Ok(answer),
        Ok(Ok(Err(error))) => Err(error.into_refusal().into()),
        Ok(Err(_)) => Err(late(style).into()),
        Err(_) => Err(refuse(Guard::Function, 500, "function-fault", "the request could not be completed").into()),
    }
}

/// A body that still comes, and the places its function takes meanwhile.
struct Held {
    flow: Flow,
    _permits: Vec<OwnedSemaphorePermit>,
}

impl Pieces for Held {
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, BrokenOff>>> {
        self.flow.poll_piece(context)
    }
}

fn late(style: ApiStyle) -> Refusal {
    let reason = match style {
        ApiStyle::Rest => "Endpoint request timed out",
        _ => "the function did not answer in time",
    };
    refuse(Guard::Function, 504, "function-timeout", reason)
}

/// A place among all requests, and one among the function's runs where it has a limit. Nobody queues: a queue in front
/// of a busy function only makes late answers later.
fn permits(ready: &Ready) -> Result<Vec<OwnedSemaphorePermit>, Stop> {
    let take = |free: &Arc<Semaphore>| free.clone().try_acquire_owned().ok();
    let mut permits = Vec::with_capacity(2);
    let full =
        |status, code, reason| Refusal { retry_after: Some(1), ..refuse(Guard::Concurrency, status, code, reason) };
    if let Some(permit) = take(&ready.plan.requests) {
        permits.push(permit);
    } else {
        ready.object(full(503, "requests-at-once", "too many requests at once"))?;
    }
    if let Some(slots) = &ready.entry.slots {
        if let Some(permit) = take(&slots.free) {
            permits.push(permit);
        } else {
            ready.object(full(429, "function-busy", "too many simultaneous runs of the function"))?;
        }
    }
    Ok(permits)
}

impl Ready {
    /// Whether a guard only observes on this route.
    pub(crate) fn observes(&self, guard: Guard) -> bool {
        self.plan.settings.observe.covers(guard, Some(&self.entry.observed))
    }

    /// Stops the request, or notes the refusal where the guard only observes.
    pub(crate) fn object(&self, refusal: Refusal) -> Result<(), Stop> {
        if self.observes(refusal.guard) {
            self.trace.write(|facts| facts.observed.push(refusal));
            return Ok(());
        }
        Err(Stop::Refused(refusal))
    }
}

impl BackendError {
    fn into_refusal(self) -> Refusal {
        Refusal {
            guard: Guard::Function,
            status: self.status,
            code: self.code,
            reason: self.reason,
            retry_after: self.retry_after,
        }
    }
}
