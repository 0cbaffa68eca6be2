//! Version 1.0: headers and parameters twice, single and multi-valued; what is absent is null.

use std::{borrow::Cow, collections::BTreeMap};

use brigandine_model::{Admitted, ApiStyle, Authentication};
use http::{HeaderMap, HeaderName, header};
use serde::Serialize;

use crate::{
    payload::{
        body,
        identity::{self, Claims, Lists},
        query,
    },
    plan::ACCOUNT,
};

type Single<'a> = BTreeMap<Cow<'a, str>, Cow<'a, str>>;
type Multi<'a> = BTreeMap<Cow<'a, str>, Vec<Cow<'a, str>>>;

/// The event.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Event<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'static str>,
    resource: &'a str,
    path: Cow<'a, str>,
    http_method: &'a str,
    headers: Single<'a>,
    multi_value_headers: Multi<'a>,
    query_string_parameters: Option<Single<'a>>,
    multi_value_query_string_parameters: Option<Multi<'a>>,
    path_parameters: Option<BTreeMap<&'a str, &'a str>>,
    stage_variables: Option<()>,
    request_context: Context<'a>,
    body: Option<Cow<'a, str>>,
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
    extended_request_id: &'a str,
    http_method: &'a str,
    identity: Caller<'a>,
    path: Cow<'a, str>,
    protocol: String,
    request_id: &'a str,
    request_time: String,
    request_time_epoch: i64,
    resource_id: &'a str,
    resource_path: &'a str,
    stage: &'a str,
}

#[derive(Serialize)]
struct Authorizer<'a> {
    claims: Claims,
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<&'a [String]>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the names are the platform's")]
struct Caller<'a> {
    access_key: Option<()>,
    account_id: Option<()>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key_id: Option<&'a str>,
    caller: Option<()>,
    cognito_authentication_provider: Option<()>,
    cognito_authentication_type: Option<()>,
    cognito_identity_id: Option<()>,
    cognito_identity_pool_id: Option<()>,
    source_ip: String,
    user: Option<()>,
    user_agent: Option<Cow<'a, str>>,
    user_arn: Option<()>,
}

impl<'a> Event<'a> {
    pub(crate) fn of(admitted: &'a Admitted) -> Self {
        let request = &admitted.request;
        let rest = admitted.api.style == ApiStyle::Rest;
        let content_type = request.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let written = if rest {
            body::by_list(&request.body, content_type, &admitted.api.binary_media_types)
        } else {
            body::by_nature(&request.body, content_type)
        };
        let multi_headers = headers(admitted);
        let parameters = query::parameters(&request.query);
        let given = !parameters.is_empty();
        Self {
            version: (!rest).then_some("1.0"),
            resource: &admitted.route.path,
            path: if rest { Cow::Borrowed(&request.path) } else { with_stage(admitted) },
            http_method: request.method.as_str(),
            headers: last_values(&multi_headers),
            multi_value_headers: multi_headers,
            query_string_parameters: given.then(|| last_values(&parameters)),
            multi_value_query_string_parameters: given.then_some(parameters),
            path_parameters: path_parameters(admitted),
            stage_variables: None,
            request_context: Context::of(admitted),
            body: written.text,
            is_base64_encoded: written.is_base64,
        }
    }
}

impl<'a> Context<'a> {
    fn of(admitted: &'a Admitted) -> Self {
        let request = &admitted.request;
        Self {
            account_id: ACCOUNT,
            api_id: admitted.api.id.as_str(),
            authorizer: authorizer(admitted),
            domain_name: &request.host,
            domain_prefix: request.host.split('.').next().unwrap_or_default(),
            extended_request_id: &request.id,
            http_method: request.method.as_str(),
            identity: Caller::of(admitted),
            path: with_stage(admitted),
            protocol: format!("{:?}", request.version),
            request_id: &request.id,
            request_time: request.received.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            request_time_epoch: request.received.as_millisecond(),
            resource_id: "local",
            resource_path: &admitted.route.path,
            stage: &admitted.stage,
        }
    }
}

impl<'a> Caller<'a> {
    fn of(admitted: &'a Admitted) -> Self {
        Self {
            access_key: None,
            account_id: None,
            api_key_id: admitted.identity.key_id.as_deref(),
            caller: None,
            cognito_authentication_provider: None,
            cognito_authentication_type: None,
            cognito_identity_id: None,
            cognito_identity_pool_id: None,
            source_ip: admitted.request.client.to_string(),
            user: None,
            user_agent: user_agent(&admitted.request.headers),
            user_arn: None,
        }
    }
}

fn authorizer(admitted: &Admitted) -> Option<Authorizer<'_>> {
    let token = admitted.identity.token.as_ref()?;
    if admitted.api.style == ApiStyle::Rest {
        return Some(Authorizer { claims: identity::claims(token, Lists::Commas), scopes: None });
    }
    Some(Authorizer { claims: identity::claims(token, Lists::Brackets), scopes: Some(&token.scopes) })
}

/// Every header with all its values, names capitalised as HTTP/1.1 clients write them, for functions look them up so.
fn headers(admitted: &Admitted) -> Multi<'_> {
    let mut gathered = Multi::new();
    for (name, value) in &admitted.request.headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        gathered.entry(Cow::Owned(capitalised(name))).or_default().push(value);
    }
    for (name, value) in forwarded(admitted) {
        gathered.insert(Cow::Owned(capitalised(&name)), vec![value]);
    }
    gathered
}

/// What every API adds: the host where the protocol carries it elsewhere, and how the client came.
pub(crate) fn forwarded(admitted: &Admitted) -> Vec<(HeaderName, Cow<'_, str>)> {
    let request = &admitted.request;
    let client = request.client.to_string();
    let mut hops: Vec<_> = request
        .headers
        .get_all("x-forwarded-for")
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect();
    if !hops.iter().any(|hops| hops.split(',').any(|hop| hop.trim() == client)) {
        hops.push(client);
    }
    let port = if request.scheme == "https" { "443" } else { "80" };
    let mut added = vec![
        (HeaderName::from_static("x-forwarded-for"), Cow::Owned(hops.join(", "))),
        (HeaderName::from_static("x-forwarded-port"), Cow::Borrowed(port)),
        (HeaderName::from_static("x-forwarded-proto"), Cow::Borrowed(request.scheme)),
    ];
    if !request.headers.contains_key(header::HOST) {
        added.push((header::HOST, Cow::Borrowed(&*request.host)));
    }
    added
}

pub(crate) fn user_agent(headers: &HeaderMap) -> Option<Cow<'_, str>> {
    headers.get(header::USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()))
}

pub(crate) fn path_parameters(admitted: &Admitted) -> Option<BTreeMap<&str, &str>> {
    let parameters = &admitted.path_parameters;
    (!parameters.is_empty()).then(|| parameters.iter().map(|(name, value)| (&**name, value.as_str())).collect())
}

/// The path with its stage before it, where the stage is part of the address.
pub(crate) fn with_stage(admitted: &Admitted) -> Cow<'_, str> {
    if matches!(&*admitted.stage, "$default" | "") || admitted.api.style == ApiStyle::FunctionUrl {
        return Cow::Borrowed(&admitted.request.path);
    }
    Cow::Owned(format!("/{}{}", admitted.stage, admitted.request.path))
}

/// The scopes the route asks for, where it asks for any.
pub(crate) fn route_scopes(admitted: &Admitted) -> bool {
    matches!(admitted.route.authentication.value.known(), Some(Authentication::Authorizer { scopes, .. }) if !scopes.is_empty())
}

fn last_values<'a>(multi: &Multi<'a>) -> Single<'a> {
    multi.iter().filter_map(|(name, values)| Some((name.clone(), values.last()?.clone()))).collect()
}

/// `x-api-key` as `X-Api-Key`.
fn capitalised(name: &HeaderName) -> String {
    let mut start = true;
    let raise = |c: char| {
        let raised = if start { c.to_ascii_uppercase() } else { c };
        start = c == '-';
        raised
    };
    name.as_str().chars().map(raise).collect()
}
