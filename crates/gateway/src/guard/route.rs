//! A known route and method.

use brigandine_model::{Answer, Guard, Identity};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue,
    header::{ACCESS_CONTROL_REQUEST_METHOD, ALLOW},
};

use crate::{
    cors::is_preflight,
    routing::{Found, find, reachable},
    visit::{Call, Step, Stop, Visit, refuse},
};

/// Requests with a route. Preflights to an API with cross-origin rules are answered here, before anyone is asked who
/// they are, as browsers send them without credentials.
pub(crate) struct KnownRoute;

impl Step for KnownRoute {
    type In = Visit;
    type Out = Call;

    fn pass(&self, mut visit: Visit) -> Result<Call, Stop> {
        if let Some(answer) = preflight(&visit) {
            return Err(Stop::Answered(Box::new(answer)));
        }
        let plan = visit.plan.clone();
        let request = &visit.request;
        let (matched, path) = match find(&plan.mounts, &request.host, &request.method, &request.path) {
            Found::Route(matched, path) => (matched, path),
            Found::WrongMethod(methods) => {
                let methods: Vec<&str> = methods.into_iter().collect();
                if let Ok(allow) = HeaderValue::from_str(&methods.join(", ")) {
                    visit.trace.write(|facts| facts.answer_headers.push((ALLOW, allow)));
                }
                return Err(
                    refuse(Guard::Route, 405, "method-not-allowed", "this path does not take this method").into()
                );
            }
            Found::Nothing => return Err(refuse(Guard::Route, 404, "not-found", "nothing is found here").into()),
        };
        visit.request.path = path.clone();
        let entry = &matched.entry;
        visit.trace.write(|facts| {
            facts.path = Some(path);
            facts.route = Some(entry.label.clone());
            facts.function.clone_from(&entry.route.function);
            if let Some(cors) = entry.cors.as_ref().filter(|cors| cors.owns_answers()) {
                facts.answer_headers = cors.answer(&visit.request.headers);
                facts.owns_cors = true;
            }
        });
        Ok(Call { visit, matched, identity: Identity::default() })
    }
}

/// The answer to a preflight, where the API it is meant for gives such answers. The older style only does so where no
/// route of its own takes the method.
fn preflight(visit: &Visit) -> Option<Answer> {
    let request = &visit.request;
    if !is_preflight(&request.method, &request.headers) {
        return None;
    }
    let mounts = &visit.plan.mounts;
    let asked = request.headers.get(ACCESS_CONTROL_REQUEST_METHOD)?;
    let asked = http::Method::from_bytes(asked.as_bytes()).ok()?;
    let own = match find(mounts, &request.host, &request.method, &request.path) {
        Found::Route(matched, _) => Some(matched),
        _ => None,
    };
    let meant = match find(mounts, &request.host, &asked, &request.path) {
        Found::Route(matched, _) => matched.entry.cors.clone(),
        _ => own.as_ref().and_then(|matched| matched.entry.cors.clone()).or_else(|| {
            let (mounts, _) = reachable(mounts, &request.host);
            mounts.iter().find_map(|mount| mount.cors.clone())
        }),
    };
    let cors = meant?;
    if own.is_some() && !cors.owns_answers() {
        return None;
    }
    let (status, headers) = cors.preflight(&request.headers);
    Some(Answer {
        status,
        headers: headers.into_iter().collect::<HeaderMap>(),
        body: Bytes::new(),
        rest: None,
        invocation: None,
    })
}
