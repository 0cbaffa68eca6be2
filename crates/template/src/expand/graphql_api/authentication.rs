//! How a GraphQL API knows who calls it.

use crate::expand::fault::{Fault, Outcome};
use crate::expand::make::Maker;
use crate::expand::resource::{Made, Written};
use crate::expand::tree;
use crate::node::{Map, Node};

/// Type, the property that says more about it, and what the service calls that.
const KINDS: [(&str, &str, &str); 3] = [
    ("AWS_LAMBDA", "LambdaAuthorizer", "LambdaAuthorizerConfig"),
    ("OPENID_CONNECT", "OpenIDConnect", "OpenIDConnectConfig"),
    ("AMAZON_COGNITO_USER_POOLS", "UserPool", "UserPoolConfig"),
];

/// Sets default and further authentication, and returns the functions that have to be called for it.
pub(super) fn set(graph: &mut Made, written: &Written) -> Outcome<Vec<Node>> {
    let Some(auth) = written.get("Auth") else { return Ok(Vec::new()) };
    let mut callers = Vec::new();
    let mut default = auth.as_map().cloned().unwrap_or_default();
    let further = default.remove("Additional");
    graph.set_given("AuthenticationType", default.get("Type"));
    if let Some((name, config)) = config(written, &default, None, &mut callers)? {
        graph.set(name, config);
    }
    let further = further.as_ref().and_then(Node::as_list).unwrap_or_default();
    let mut providers = Vec::new();
    for (index, provider) in further.iter().enumerate() {
        let maker = Maker { origin: provider.origin.clone() };
        let map = provider.as_map().cloned().unwrap_or_default();
        let mut entries: Vec<_> =
            map.get("Type").map(|kind| ("AuthenticationType", kind.clone())).into_iter().collect();
        entries.extend(config(written, &map, Some(index), &mut callers)?);
        providers.push(maker.map(entries));
    }
    if !providers.is_empty() {
        let providers = Node::list(providers, &auth.origin);
        graph.set("AdditionalAuthenticationProviders", providers);
    }
    Ok(callers)
}

fn config(
    written: &Written,
    auth: &Map,
    index: Option<usize>,
    callers: &mut Vec<Node>,
) -> Outcome<Option<(&'static str, Node)>> {
    let fault = |message: String| Fault::resource(&written.id, message).at(&written.origin);
    let place = match index {
        None | Some(0) => "'Auth'".to_owned(),
        Some(index) => format!("'Auth.Additional.{index}'"),
    };
    if auth.iter().filter(|(_, value)| !tree::is_null(value)).count() > 2 {
        return Err(fault(format!("{place} has more than one authentication configuration defined.")));
    }
    let kind = auth.get("Type").and_then(tree::text_of);
    let known = ["API_KEY", "AWS_IAM"].into_iter().chain(KINDS.iter().map(|(kind, _, _)| *kind));
    if !known.into_iter().any(|known| kind == Some(known)) {
        let place = index.map_or_else(|| "Auth.Type".to_owned(), |index| format!("Auth.Additional.{index}.Type"));
        return Err(fault(format!("Property '{place}' is invalid.")));
    }
    let Some((kind, property, name)) = KINDS.into_iter().find(|(known, _, _)| kind == Some(known)) else {
        return Ok(None);
    };
    let Some(config) = tree::given(auth, property) else {
        return Err(fault(format!("'{property}' must be defined if type is '{kind}'.")));
    };
    let mut entries = Map::default();
    for (key, value) in config.as_map().into_iter().flat_map(Map::iter) {
        let left_out = key == "DefaultAction" && index.is_some();
        if !tree::is_null(value) && !left_out {
            entries.insert(key, value.clone());
        }
    }
    if kind == "AWS_LAMBDA" {
        callers.extend(entries.get("AuthorizerUri").cloned());
    }
    Ok(Some((name, Node::map(entries, &config.origin))))
}
