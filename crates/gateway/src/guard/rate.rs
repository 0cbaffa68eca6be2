//! Requests per second: of one client altogether, of one client on one route, of everyone on one route.

use std::{sync::Arc, time::Duration};

use brigandine_model::{Guard, Refusal};

use crate::{
    address::{client_key, listed},
    plan::Plan,
    rate::{BucketKey, Rates, nanoseconds},
    visit::{Call, Step, Stop, Trace, Traced, Visit, refuse},
};

/// A guard that stands before [`ClientRate`]: what it refuses is charged all the same, to the client as far as it is
/// known by then; a trusted proxy, which speaks for many, pays for nobody. Whoever has nothing left is told so, and its
/// own connection ends: otherwise the refusals would be free.
pub(crate) struct Charged<S>(pub(crate) S, pub(crate) Arc<Rates>);

impl<S: Step<In: Traced>> Step for Charged<S> {
    type In = S::In;
    type Out = S::Out;

    fn pass(&self, input: S::In) -> Result<S::Out, Stop> {
        let (plan, trace) = input.traced();
        self.0.pass(input).map_err(|stop| match stop {
            Stop::Refused(refusal) => Stop::Refused(charge(&self.1, &plan, &trace, refusal)),
            answered @ Stop::Answered(_) => answered,
        })
    }
}

fn charge(rates: &Rates, plan: &Plan, trace: &Trace, refusal: Refusal) -> Refusal {
    let client = trace.write(|facts| facts.client);
    let Some(pace) = plan.client_total.filter(|_| !listed(&plan.settings.trusted_proxies, client)) else {
        return refusal;
    };
    let key = BucketKey { who: client_key(client), scope: 0 };
    let Err(wait) = rates.take(key, pace, nanoseconds(plan.settings.clock.steady())) else { return refusal };
    let spent = too_many("client-rate", "too many requests from this address", wait);
    if plan.settings.observe.covers(Guard::Rate, None) {
        trace.write(|facts| facts.observed.push(spent));
        return refusal;
    }
    // A proxy's connection carries others' requests as well.
    trace.write(|facts| facts.last = !listed(&plan.settings.trusted_proxies, facts.peer));
    spent
}

/// Clients within their rate on all routes together.
pub(crate) struct ClientRate(pub(crate) Arc<Rates>);

impl Step for ClientRate {
    type In = Visit;
    type Out = Visit;

    fn pass(&self, visit: Visit) -> Result<Visit, Stop> {
        if let Some(pace) = visit.plan.client_total {
            let key = BucketKey { who: client_key(visit.request.client), scope: 0 };
            let now = nanoseconds(visit.plan.settings.clock.steady());
            if let Err(wait) = self.0.take(key, pace, now) {
                visit.object(too_many("client-rate", "too many requests from this address", wait))?;
            }
        }
        Ok(visit)
    }
}

/// Clients within their rate on one route.
pub(crate) struct ClientRouteRate(pub(crate) Arc<Rates>);

impl Step for ClientRouteRate {
    type In = Call;
    type Out = Call;

    fn pass(&self, call: Call) -> Result<Call, Stop> {
        let plan = &call.visit.plan;
        let entry = &call.matched.entry;
        let now = nanoseconds(plan.settings.clock.steady());
        if let Some(pace) = plan.client_route {
            let key = BucketKey { who: client_key(call.visit.request.client), scope: entry.scope };
            if let Err(wait) = self.0.take(key, pace, now) {
                call.object(too_many("client-route-rate", "too many requests from this address", wait))?;
            }
        }
        Ok(call)
    }
}

/// All callers of a route together within its rate. Only those who may call are counted: otherwise anyone without a
/// token could use up what the customers share.
pub(crate) struct RouteRate;

impl Step for RouteRate {
    type In = Call;
    type Out = Call;

    fn pass(&self, call: Call) -> Result<Call, Stop> {
        let total = &call.matched.entry.total;
        let now = nanoseconds(call.visit.plan.settings.clock.steady());
        if let Err(wait) = total.bucket.take(total.pace, now) {
            call.object(too_many("route-rate", "too many requests", wait))?;
        }
        Ok(call)
    }
}

/// The refusal of a request over a rate.
pub(crate) fn too_many(code: &'static str, reason: &'static str, wait: Duration) -> Refusal {
    let seconds = u32::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX).max(1);
    Refusal { retry_after: Some(seconds), ..refuse(Guard::Rate, 429, code, reason) }
}
