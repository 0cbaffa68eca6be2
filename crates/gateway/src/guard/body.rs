//! The whole body, not too large and not too slow.

use std::{sync::Arc, time::Duration};

use brigandine_model::{Admitted, Guard, Refusal};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use crate::{
    Settings,
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
}

impl Wait for WholeBody {
    type In = Call;
    type Out = Ready;

    async fn pass(&self, call: Call) -> Result<Ready, Stop> {
        let Call { visit, matched, identity } = call;
        let crate::visit::Visit { mut request, body, plan, trace } = visit;
        request.body = read(body, &plan.settings, &trace).await?;
        let entry = matched.entry;
        let admitted = Admitted {
            request,
            api: entry.api.clone(),
            route: entry.route.clone(),
            stage: matched.stage,
            path_parameters: matched.parameters,
            identity,
        };
        Ok(Ready { admitted, entry, plan, trace })
    }
}

/// Reads a body. Each piece has to come before the moment at which even the least rate would have brought it.
async fn read(mut body: Unread, settings: &Settings, trace: &Trace) -> Result<Bytes, Refusal> {
    let limit = settings.limits.body_bytes;
    let began = Instant::now();
    let mut whole = BytesMut::new();
    loop {
        let patience = patience(whole.len(), settings);
        let Some(rest) = body.rest() else { return Ok(whole.freeze()) };
        let frame = match timeout_at(began + patience, rest.frame()).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(None) => {
                body.done();
                return Ok(whole.freeze());
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
            if whole.len() + data.len() > limit {
                return Err(body_too_large(limit));
            }
            whole.extend_from_slice(&data);
            trace.write(|facts| facts.received_bytes = whole.len() as u64);
        }
    }
}

fn patience(received: usize, settings: &Settings) -> Duration {
    let timers = &settings.timers;
    let earned = Duration::from_secs(received as u64 / u64::from(timers.least_rate.max(1)));
    (timers.grace + earned).min(timers.body)
}
