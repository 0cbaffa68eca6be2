//! The request path, whole, on one screen. Cheap checks first: what costs more is reached by fewer.

use std::sync::Arc;

use tower::ServiceBuilder;

use crate::{
    Backend,
    guard::{
        answer::HarmlessAnswer,
        body::WholeBody,
        canonical::OneMeaning,
        client::AddressLists,
        content::HarmlessContent,
        function::Invocation,
        identity::KnownCaller,
        rate::{Charged, ClientRate, ClientRouteRate, RouteRate},
        route::KnownRoute,
        size::HeadSize,
    },
    rate::Rates,
    record::Recorder,
    visit::{Arrival, Seam, back, step, wait},
};

/// Connection counts and timers stand before all this, in `connection`; the record of every answer stands round it, in
/// `record`. Validation will stand between identity and inspection.
pub(crate) fn path(rates: &Arc<Rates>, recorder: &Arc<Recorder>, backend: Backend) -> Seam<Arrival> {
    ServiceBuilder::new()
        // Sizes of the head, and of the body as far as the head announces it. Refusals of the first three are charged apart.
        .layer(step(Charged(HeadSize, rates.clone())))
        // One meaning only; from here on there is one path, one host, one client address.
        .layer(step(Charged(OneMeaning, rates.clone())))
        // Allowed and denied client addresses.
        .layer(step(Charged(AddressLists, rates.clone())))
        // One client on all routes together: also charges what is refused further down.
        .layer(step(ClientRate(rates.clone())))
        // A known route, or 404 and 405. Preflights are answered here.
        .layer(step(KnownRoute))
        // One client on this route: bounds what guessing at tokens costs, whatever the others do.
        .layer(step(ClientRouteRate(rates.clone())))
        // Tokens and API keys, with their plans' throttles and quotas.
        .layer(wait(KnownCaller(rates.clone())))
        // All callers on this route together: only now, so that who may not call cannot use up the customers' share.
        .layer(step(RouteRate))
        // The whole body, not too large, not too slow, and within the memory for bodies: read only for those who may call.
        .layer(wait(WholeBody))
        // What is in it, by the firewall's rules: only of requests that would otherwise run a function.
        .layer(wait(HarmlessContent(recorder.clone())))
        // What is in the answer, on its way back: only on routes whose answers are to be looked at.
        .layer(back(HarmlessAnswer(recorder.clone())))
        // Simultaneous runs of the function, its deadline, and the function.
        .service(Seam::new(Invocation(backend)))
}
