//! Editing the definition of a REST API.

pub(super) mod auth;
pub(super) mod cors;
pub(super) mod policy;
pub(super) mod request;

use crate::node::{Map, Node};

use super::fault::{Fault, Outcome};
use super::implicit::Style;
use super::make::Maker;
use super::paths;
use super::tree;

/// Where a route's requests go.
pub(super) struct Integration<'i> {
    pub(super) uri: Node,
    /// The condition on what is called.
    pub(super) condition: Option<&'i Node>,
    pub(super) streaming: bool,
    pub(super) credentials: Option<Node>,
}

/// Refuses a definition that is none, or whose path items are no maps.
pub(super) fn check(body: &Node) -> Outcome<()> {
    if !Style::Rest.is_valid(Some(body)) {
        let message = "Invalid Swagger document or the Swagger document is not explicitly defined in 'DefinitionBody'.";
        return Err(Fault::document(message).at(&body.origin));
    }
    for path in paths::names(body) {
        paths::items(body, &path)?;
    }
    Ok(())
}

/// Whose credentials the gateway calls with, when the route asks for signed requests.
pub(super) fn credentials(maker: &Maker, partition: &str, method: &Map, api: &Map) -> Option<Node> {
    let is_iam = |auth: &Map, name: &str| auth.get(name).and_then(tree::text_of) == Some("AWS_IAM");
    let by_default = is_iam(api, "DefaultAuthorizer") && method.is_empty();
    if !by_default && !is_iam(method, "Authorizer") {
        return None;
    }
    let role = |auth: &Map| match auth.get("InvokeRole") {
        None => None,
        Some(role) if tree::truthy(role) => Some(role.clone()),
        Some(role) => Some(Node::text("NONE", &role.origin)),
    };
    let role = role(method).or_else(|| role(api));
    match role.as_ref().and_then(tree::text_of) {
        Some("NONE") => None,
        Some("CALLER_CREDENTIALS") => Some(maker.text(format!("arn:{partition}:iam::*:user/*"))),
        None if role.is_none() => Some(maker.text(format!("arn:{partition}:iam::*:user/*"))),
        _ => role,
    }
}

/// Sends the requests of a route to a function.
pub(super) fn add_function(
    body: &mut Node,
    path: &str,
    method: &str,
    integration: &Integration<'_>,
    maker: &Maker,
) -> Outcome<()> {
    let uri = match integration.condition {
        Some(condition) => maker.only_if(condition, integration.uri.clone()),
        None => integration.uri.clone(),
    };
    let mut target = vec![("type", maker.text("aws_proxy")), ("httpMethod", maker.text("POST")), ("uri", uri)];
    if integration.streaming {
        target.push(("responseTransferMode", maker.text("STREAM")));
    }
    target.extend(integration.credentials.clone().map(|credentials| ("credentials", credentials)));
    add_target(body, (path, method), &maker.map(target), &maker.empty(), (integration.condition, maker))
}

/// Starts a state machine with the requests of a route.
pub(super) fn add_state_machine(
    body: &mut Node,
    route: (&str, &str),
    template: Node,
    role: Node,
    (condition, maker): (Option<&Node>, &Maker),
) -> Outcome<()> {
    let uri = maker.sub("arn:${AWS::Partition}:apigateway:${AWS::Region}:states:action/StartExecution");
    let status = |code: &str| (code.to_owned(), maker.map([("statusCode", maker.text(code))]));
    let described = |code: &str, text: &str| (code.to_owned(), maker.map([("description", maker.text(text))]));
    let target = maker.map([
        ("type", maker.text("aws")),
        ("httpMethod", maker.text("POST")),
        ("uri", condition.map_or(uri.clone(), |condition| maker.only_if(condition, uri))),
        ("responses", maker.map([status("200"), status("400")])),
        ("credentials", role),
        ("requestTemplates", template),
    ]);
    let responses = maker.map([described("200", "OK"), described("400", "Bad Request")]);
    add_target(body, route, &target, &responses, (condition, maker))
}

fn add_target(
    body: &mut Node,
    (path, method): (&str, &str),
    target: &Node,
    responses: &Node,
    (condition, maker): (Option<&Node>, &Maker),
) -> Outcome<()> {
    paths::add(body, path, method, &maker.origin)?;
    let name = paths::method_name(method);
    for item in paths::items_mut(body, path)? {
        let Some(definition) = tree::subtree(item, &name, &maker.origin).and_then(Node::as_map_mut) else { continue };
        definition.insert(paths::INTEGRATION, target.clone());
        if !definition.contains_key("responses") {
            definition.insert("responses", responses.clone());
        }
        if let Some(condition) = condition {
            let definition = Node::map(definition.clone(), &maker.origin);
            item.insert(name.as_str(), maker.only_if(condition, definition));
        }
    }
    Ok(())
}

/// A map of the definition, made when it is absent or empty.
pub(super) fn section<'b>(body: &'b mut Node, name: &str, maker: &Maker) -> Option<&'b mut Node> {
    let body = body.as_map_mut()?;
    if tree::filled(body, name).is_none() {
        body.insert(name, maker.empty());
    }
    body.get_mut(name)
}
