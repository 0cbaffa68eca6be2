//! The whole body, not too large and not too slow.

use std::{sync::Arc, time::Duration};

use brigandine_model::{Admitted, Guard, Refusal};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use crate::{
    Settings,
    address::client_key,
    budget::Held,
    guard::size::body_too_large,
    plan::{Entry, Plan},
    visit::{Call, Stop, Trace, Unread, Wait, refuse},
};

/// Requests whose body is whole.
pub(crate) struct WholeBody;

/// A request that only waits for its function.
pub(crate) struct Ready {
    pub(crate) admitted: Admitted,
    pub(crate) entry: Arc<Entry>,
    pub(crate) plan: Arc<Plan>,
    pub(crate) trace: Arc<Trace>,
    /// The memory of its body, until its function has answered.
    pub(crate) held: Held,
}

impl Wait for WholeBody {
    type In = Call;
    type Out = Ready;

    async fn pass(&self, call: Call) -> Result<Ready, Stop> {
        let Call { visit, matched, identity } = call;
        let crate::visit::Visit { mut request, body, plan, trace } = visit;
        let mut whole = Whole::of(plan.budget.nothing(client_key(request.client)), plan.settings.limits.body_bytes);
        whole.read(body, &plan.settings, &trace).await?;
        request.body = whole.bytes.into();
        let entry = matched.entry;
        let admitted = Admitted {
            request,
            api: entry.api.clone(),
            route: entry.route.clone(),
            stage: matched.stage,
            path_parameters: matched.parameters,
            identity,
        };
        Ok(Ready { admitted, entry, plan, trace, held: whole.held })
    }
}

/// A body as far as it came.
struct Whole {
    bytes: Vec<u8>,
    limit: usize,
    held: Held,
}

impl Whole {
    fn of(held: Held, limit: usize) -> Self {
        Self { bytes: Vec::new(), limit, held }
    }

    /// Reads a body. Each piece has to come before the moment at which even the least rate would have brought it.
    async fn read(&mut self, mut body: Unread, settings: &Settings, trace: &Trace) -> Result<(), Refusal> {
        let began = Instant::now();
        loop {
            let patience = patience(self.bytes.len(), settings);
            let Some(rest) = body.rest() else { return Ok(()) };
            let frame = match timeout_at(began + patience, rest.frame()).await {
                Ok(Some(Ok(frame))) => frame,
                Ok(None) => {
                    body.done();
                    return Ok(());
                }
                Ok(Some(Err(_))) => {
                    body.done();
                    return Err(refuse(Guard::Connection, 400, "body-broken", "the request body ended early"));
                }
                Err(_) => {
                    body.done();
                    return Err(refuse(Guard::Connection, 408, "body-too-slow", "the request body took too long"));
                }
            };
            // Trailers are read and left behind: no function can see them.
            if let Ok(data) = frame.into_data() {
                self.room_for(data.len())?;
                self.bytes.extend_from_slice(&data);
                trace.write(|facts| facts.received_bytes = self.bytes.len() as u64);
            }
        }
    }

    /// Room for this many bytes more, charged before it is taken.
    fn room_for(&mut self, more: usize) -> Result<(), Refusal> {
        let needed = self.bytes.len() + more;
        if needed > self.limit {
            return Err(body_too_large(self.limit));
        }
        if needed > self.bytes.capacity() {
            // Doubled, so that a body in many pieces is copied few times.
            let room = needed.max(2 * self.bytes.capacity()).min(self.limit);
            if !self.held.grow_to(room) {
                let reason = "too many request bodies are held at once";
                return Err(Refusal { retry_after: Some(1), ..refuse(Guard::Size, 503, "body-budget", reason) });
            }
            self.bytes.reserve_exact(room - self.bytes.len());
        }
        Ok(())
    }
}

fn patience(received: usize, settings: &Settings) -> Duration {
    let timers = &settings.timers;
    let earned = Duration::from_secs(received as u64 / u64::from(timers.least_rate.max(1)));
    (timers.grace + earned).min(timers.body)
}
