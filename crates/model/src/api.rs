//! Doors: APIs, their routes, and who may pass.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::Serialize;

use crate::{Fact, LogicalId, Provenance, Span, Statement, Value};

/// How an API speaks to functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApiStyle {
    /// The older, richer style: stages in the path, usage plans, request models, payload 1.0.
    Rest,
    /// The newer, lighter style: token authorizers, automatic CORS, payload 2.0 by default.
    Http,
    /// One function's own address; payload 2.0.
    FunctionUrl,
    /// Messages over a held connection.
    WebSocket,
}

/// One API.
#[derive(Clone, Debug, Serialize)]
pub struct Api {
    /// Its logical id (a function's own address bears the id of the address resource).
    pub id: LogicalId,
    /// How it speaks.
    pub style: ApiStyle,
    /// Names of its stages; `$default` has no path segment.
    pub stages: Vec<Fact<String>>,
    /// Those who vouch for callers, by name.
    pub authorizers: BTreeMap<Arc<str>, Authorizer>,
    /// Who vouches for callers of every route that does not say otherwise: a name within [`Api::authorizers`], or the
    /// platform's word for signed requests.
    pub default_authorizer: Option<Fact<String>>,
    /// Cross-origin answers, when the API gives them itself.
    pub cors: Option<Fact<Cors>>,
    /// Throttle for all routes that have none of their own.
    pub throttle: Option<Fact<Throttle>>,
    /// Plans behind API keys.
    pub usage_plans: Vec<UsagePlan>,
    /// Who may call at all, in the API's own policy.
    pub policy: Vec<Statement>,
    /// Media types handed to functions as base64.
    pub binary_media_types: Vec<String>,
    /// Named JSON schemas for request bodies, as JSON text.
    pub models: BTreeMap<Arc<str>, Arc<str>>,
    /// Whether calls are recorded; absent when the template says nothing.
    pub access_log: Option<Fact<String>>,
    /// Whether the platform's own host name is closed.
    pub platform_host_closed: Option<Fact<bool>>,
    /// Whether only private networks reach it.
    pub private: Fact<bool>,
    /// Whether answers reach the client as they come, rather than when they are whole.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub streams: bool,
    /// Where it is declared, or what implied it.
    pub provenance: Provenance,
}

/// One way from the outside to a function.
#[derive(Clone, Debug, Serialize)]
pub struct Route {
    /// The API it belongs to.
    pub api: LogicalId,
    /// The method.
    pub method: RouteMethod,
    /// Path pattern: `/orders/{id}`, `/{proxy+}`; `$default` for the catch-all of the lighter style.
    pub path: Arc<str>,
    /// The function behind it, when it is one of this application's.
    pub function: Option<LogicalId>,
    /// What is behind it when no function is: a short word for people (`redirect`, `service`, `mock`).
    pub target: Option<Arc<str>>,
    /// Who may pass.
    pub authentication: Fact<Authentication>,
    /// Whether an API key of a usage plan is asked for as well.
    pub key_required: Fact<bool>,
    /// Its own throttle.
    pub throttle: Option<Fact<Throttle>>,
    /// The form in which the function gets the request.
    pub payload: Payload,
    /// Name of the request model for the body and whether a body must be there.
    pub model: Option<RequestModel>,
    /// Query and header parameters that must be present.
    pub required_parameters: Vec<RequiredParameter>,
    /// Longest wait for the function in milliseconds, where the template sets it.
    pub timeout_ms: Option<Fact<u32>>,
    /// The event, path entry or resource that declares it.
    pub provenance: Provenance,
}

/// A route's method.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum RouteMethod {
    /// Every method.
    Any,
    /// One method, upper case.
    One(Arc<str>),
}

impl fmt::Display for RouteMethod {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => out.pad("ANY"),
            Self::One(name) => out.pad(name),
        }
    }
}

/// Who may pass a route, before any API key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Authentication {
    /// Anyone.
    Open,
    /// Whom the named authorizer of the route's API vouches for, with one of these scopes where any are named.
    Authorizer {
        /// Name within [`Api::authorizers`].
        name: Arc<str>,
        /// Scopes, of which one must be held; empty for none asked.
        scopes: Vec<String>,
    },
    /// Callers who sign with credentials of the platform.
    Signature,
}

/// Someone who vouches for callers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Authorizer {
    /// Its name within the API.
    pub name: Arc<str>,
    /// The word for people, lower case: `jwt`, `cognito`, `lambda`, `iam`.
    pub label: Arc<str>,
    /// What it does.
    pub kind: AuthorizerKind,
    /// Where it is declared.
    pub provenance: Provenance,
}

/// What an authorizer does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuthorizerKind {
    /// Verifies a signed token of an issuer.
    Token {
        /// The issuer's URL.
        issuer: Value<String>,
        /// Accepted audiences.
        audience: Vec<Value<String>>,
        /// Header, query parameter or cookie that carries the token, as the platform writes it.
        source: Arc<str>,
    },
    /// Asks a function.
    Function {
        /// The function, when it is one of this application's.
        function: Option<LogicalId>,
        /// What identifies a caller, as the platform writes it; also the cache key.
        sources: Vec<String>,
        /// Seconds an answer is remembered.
        cache_seconds: Value<u32>,
        /// Whether it sees the whole request or only the token.
        whole_request: bool,
    },
    /// Verifies a signature with credentials of the platform.
    Signature,
    /// Could not be settled.
    Unknown(Arc<str>),
}

/// A steady rate and a burst.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Throttle {
    /// Requests per second, steadily.
    pub rate: f64,
    /// Requests at once.
    pub burst: u32,
}

/// Requests allowed in a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Quota {
    /// Requests.
    pub limit: u64,
    /// In what time.
    pub period: Period,
}

/// The period of a [`Quota`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Period {
    /// A calendar day, UTC.
    Day,
    /// Seven days.
    Week,
    /// A calendar month, UTC.
    Month,
}

/// A plan behind API keys.
#[derive(Clone, Debug, Serialize)]
pub struct UsagePlan {
    /// Its logical id.
    pub id: LogicalId,
    /// Throttle of each key.
    pub throttle: Option<Fact<Throttle>>,
    /// Quota of each key.
    pub quota: Option<Fact<Quota>>,
    /// The keys' logical ids.
    pub keys: Vec<LogicalId>,
    /// Where it is declared.
    pub provenance: Provenance,
}

/// Cross-origin answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cors {
    /// Allowed origins; `*` for any.
    pub origins: Vec<String>,
    /// Allowed methods; `*` for any.
    pub methods: Vec<String>,
    /// Allowed request headers; `*` for any.
    pub headers: Vec<String>,
    /// Response headers pages may read.
    pub expose: Vec<String>,
    /// Seconds a browser may remember the answer.
    pub max_age: Option<u32>,
    /// Whether cookies and authorization travel along.
    pub credentials: bool,
}

/// The form in which a function gets a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Payload {
    /// Version 1.0: multi-value maps, as REST APIs send it.
    #[serde(rename = "1.0")]
    V1,
    /// Version 2.0: comma-joined headers, cookies apart, as HTTP APIs and function URLs send it.
    #[serde(rename = "2.0")]
    V2,
}

/// What a route asks of a request body.
#[derive(Clone, Debug, Serialize)]
pub struct RequestModel {
    /// Name within [`Api::models`].
    pub name: Arc<str>,
    /// Whether a body must be there.
    pub required: bool,
    /// Whether the body is checked against the model, rather than only documented.
    pub validated: bool,
    /// Where it is declared.
    pub span: Option<Span>,
}

/// A parameter that must be present in a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RequiredParameter {
    /// Where it stands.
    pub place: ParameterPlace,
    /// Its name.
    pub name: Arc<str>,
}

/// Where a request parameter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ParameterPlace {
    /// In the query string.
    Query,
    /// Among the headers.
    Header,
}

impl Route {
    /// The throttle that holds on the route: its own, else that of its API, else that of the plans behind the key it asks
    /// for, where each of them has one.
    pub fn throttle_in<'a>(&'a self, api: &'a Api) -> Option<&'a Fact<Throttle>> {
        let plans = if self.key_required.value.known() == Some(&true) { api.usage_plans.as_slice() } else { &[] };
        let of_plans = || {
            let first = plans.first().and_then(|plan| plan.throttle.as_ref());
            first.filter(|_| plans.iter().all(|plan| plan.throttle.is_some()))
        };
        self.throttle.as_ref().or(api.throttle.as_ref()).or_else(of_plans)
    }

    /// The word for people, lower case: `none`, `jwt`, `cognito`, `lambda`, `iam`, with ` + api-key` where a key is
    /// asked for too, `api-key` where only a key is, `unknown` where it could not be settled.
    pub fn authentication_label(&self, api: &Api) -> String {
        let first = match self.authentication.value.known() {
            None => "unknown",
            Some(Authentication::Open) => "none",
            Some(Authentication::Signature) => "iam",
            Some(Authentication::Authorizer { name, .. }) => {
                api.authorizers.get(name).map_or("unknown", |authorizer| &authorizer.label)
            }
        };
        match (first, self.key_required.value.known()) {
            ("none", Some(true)) => "api-key".to_owned(),
            (first, Some(true)) => format!("{first} + api-key"),
            (first, _) => first.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(throttle: Option<Throttle>) -> UsagePlan {
        UsagePlan {
            id: LogicalId::new("Plan"),
            throttle: throttle.map(|throttle| Fact::known(throttle, Provenance::default())),
            quota: None,
            keys: Vec::new(),
            provenance: Provenance::default(),
        }
    }

    fn pair(key_required: bool, usage_plans: Vec<UsagePlan>) -> (Route, Api) {
        let known = |value| Fact::known(value, Provenance::default());
        let route = Route {
            api: LogicalId::new("Api"),
            method: RouteMethod::Any,
            path: "/".into(),
            function: None,
            target: None,
            authentication: Fact::known(Authentication::Open, Provenance::default()),
            key_required: known(key_required),
            throttle: None,
            payload: Payload::V1,
            model: None,
            required_parameters: Vec::new(),
            timeout_ms: None,
            provenance: Provenance::default(),
        };
        let api = Api {
            id: LogicalId::new("Api"),
            style: ApiStyle::Rest,
            stages: Vec::new(),
            authorizers: BTreeMap::new(),
            default_authorizer: None,
            cors: None,
            throttle: None,
            usage_plans,
            policy: Vec::new(),
            binary_media_types: Vec::new(),
            models: BTreeMap::new(),
            access_log: None,
            platform_host_closed: None,
            private: known(false),
            streams: false,
            provenance: Provenance::default(),
        };
        (route, api)
    }

    #[test]
    fn a_plan_throttles_only_who_needs_its_key() {
        let slow = Throttle { rate: 1.0, burst: 2 };
        let holds = |key: bool, plans: Vec<UsagePlan>| {
            let (route, api) = pair(key, plans);
            route.throttle_in(&api).and_then(|fact| fact.value.known().copied())
        };
        assert_eq!(holds(true, vec![plan(Some(slow))]), Some(slow));
        assert_eq!(holds(false, vec![plan(Some(slow))]), None);
        assert_eq!(holds(true, vec![plan(Some(slow)), plan(None)]), None);
    }
}
