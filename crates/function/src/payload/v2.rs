//! Version 2.0: lower-case headers joined by commas, cookies apart, the query as it came.

use std::{borrow::Cow, collections::BTreeMap};

use brigandine_model::{Admitted, ApiStyle};
use http::header;
use serde::Serialize;

use crate::{
    payload::{
        body,
        identity::{self, Claims, Lists},
        query,
        v1::{forwarded, path_parameters, route_scopes, user_agent, with_stage},
    },
    plan::ACCOUNT,
};

/// The event.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Event<'a> {
    version: &'static str,
    route_key: Cow<'a, str>,
    raw_path: Cow<'a, str>,
    raw_query_string: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cookies: Option<Vec<Cow<'a, str>>>,
    headers: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    query_string_parameters: Option<BTreeMap<Cow<'a, str>, String>>,
    request_context: Context<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_parameters: Option<BTreeMap<&'a str, &'a str>>,
    is_base64_encoded: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Context<'a> {
    account_id: &'static str,
    api_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorizer: Option<Authorizer<'a>>,
    domain_name: &'a str,
    domain_prefix: &'a str,
    http: Http<'a>,
    request_id: &'a str,
    route_key: Cow<'a, str>,
    stage: &'a str,
    time: String,
    time_epoch: i64,
}

#[derive(Serialize)]
struct Authorizer<'a> {
    jwt: Token<'a>,
}

#[derive(Serialize)]
struct Token<'a> {
    claims: Claims,
    scopes: Option<&'a [String]>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Http<'a> {
    method: &'a str,
    path: Cow<'a, str>,
    protocol: String,
    source_ip: String,
    user_agent: Cow<'a, str>,
}

impl<'a> Event<'a> {
    pub(crate) fn of(admitted: &'a Admitted) -> Self {
        let request = &admitted.request;
        let content_type = request.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let written = body::by_nature(&request.body, content_type);
        let parameters = query::parameters(&request.query);
        let joined = parameters.into_iter().map(|(name, values)| (name, values.join(","))).collect::<BTreeMap<_, _>>();
        Self {
            version: "2.0",
            route_key: route_key(admitted),
            raw_path: with_stage(admitted),
            raw_query_string: &request.query,
            cookies: cookies(admitted),
            headers: headers(admitted),
            query_string_parameters: (!joined.is_empty()).then_some(joined),
            request_context: Context::of(admitted),
            body: written.text,
            path_parameters: path_parameters(admitted).filter(|_| admitted.api.style != ApiStyle::FunctionUrl),
            is_base64_encoded: written.is_base64,
        }
    }
}

impl<'a> Context<'a> {
    fn of(admitted: &'a Admitted) -> Self {
        let request = &admitted.request;
        let token = admitted.identity.token.as_ref().map(|token| Token {
            claims: identity::claims(token, Lists::Brackets),
            scopes: route_scopes(admitted).then_some(&*token.scopes),
        });
        Self {
            account_id: ACCOUNT,
            api_id: admitted.api.id.as_str(),
            authorizer: token.map(|jwt| Authorizer { jwt }),
            domain_name: &request.host,
            domain_prefix: request.host.split('.').next().unwrap_or_default(),
            http: Http {
                method: request.method.as_str(),
                path: with_stage(admitted),
                protocol: format!("{:?}", request.version),
                source_ip: request.client.to_string(),
                user_agent: user_agent(&request.headers).unwrap_or_default(),
            },
            request_id: &request.id,
            route_key: route_key(admitted),
            stage: if admitted.api.style == ApiStyle::FunctionUrl { "$default" } else { &admitted.stage },
            time: request.received.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            time_epoch: request.received.as_millisecond(),
        }
    }
}

fn route_key(admitted: &Admitted) -> Cow<'_, str> {
    if admitted.api.style == ApiStyle::FunctionUrl || &*admitted.route.path == "$default" {
        return Cow::Borrowed("$default");
    }
    Cow::Owned(format!("{} {}", admitted.route.method, admitted.route.path))
}

fn cookies(admitted: &Admitted) -> Option<Vec<Cow<'_, str>>> {
    let mut cookies = Vec::new();
    for value in admitted.request.headers.get_all(header::COOKIE) {
        let value = String::from_utf8_lossy(value.as_bytes());
        cookies.extend(
            value.split(';').map(str::trim).filter(|one| !one.is_empty()).map(|one| Cow::Owned(one.to_owned())),
        );
    }
    (!cookies.is_empty()).then_some(cookies)
}

fn headers(admitted: &Admitted) -> BTreeMap<Cow<'_, str>, Cow<'_, str>> {
    let mut joined: BTreeMap<Cow<'_, str>, Cow<'_, str>> = BTreeMap::new();
    for (name, value) in admitted.request.headers.iter().filter(|(name, _)| *name != header::COOKIE) {
        let value = String::from_utf8_lossy(value.as_bytes());
        joined
            .entry(Cow::Borrowed(name.as_str()))
            .and_modify(|values| *values = Cow::Owned(format!("{values},{value}")))
            .or_insert(value);
    }
    for (name, value) in forwarded(admitted) {
        joined.insert(Cow::Owned(name.as_str().to_owned()), value);
    }
    joined
}
