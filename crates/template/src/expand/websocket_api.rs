//! `AWS::Serverless::WebSocketApi`: the API with its routes, integrations, authorizer and stage.
//!
//! The transform hands none of the resource's attributes to what it makes here, not even a condition: neither do we.

use crate::node::{Map, Node};

use super::Expansion;
use super::fault::{Outcome, Owner};
use super::function::propagate_tags;
use super::http_api;
use super::make::Maker;
use super::resource::{Made, Written};
use super::shape;
use super::tree;

const CREATED_BY: &str = "websocketapi:createdBy";

/// Expands one WebSocket API.
pub(super) fn expand(cx: &mut Expansion<'_>, id: &str, node: &Node) -> Outcome<Vec<Made>> {
    let mut written = Written::read(id, "AWS::Serverless::WebSocketApi", node, shape::WEBSOCKET_API)?;
    for name in ["Auth", "Domain", "Routes"] {
        if let Some(property) = written.properties.get_mut(name) {
            cx.parameters.resolve(property)?;
        }
    }
    written.attributes = Map::default();
    let routes = written.get("Routes").and_then(Node::as_map).cloned().unwrap_or_default();
    check(&written, &routes)?;
    let maker = written.maker();
    let own_tags = written.filled("Tags").and_then(Node::as_map).cloned();
    let mut tags = own_tags.clone().unwrap_or_default();
    tags.insert(CREATED_BY, maker.text("SAM"));
    if own_tags.is_some() {
        written.properties.insert("Tags", Node::map(tags.clone(), &written.origin));
    }

    let mut made = vec![api(&written, tags)];
    // Each of these APIs keeps its name records to itself.
    let shared = std::mem::take(&mut cx.record_sets);
    let domain = http_api::custom_domain(cx, &written, CREATED_BY);
    cx.record_sets = shared;
    let mut stage = stage(&written)?;
    let mut authorizer = Vec::new();
    let mut route_ids = Vec::new();
    for (key, route) in routes.iter() {
        let resources = expand_route(&written, key, route, &mut authorizer)?;
        route_ids.extend(resources.first().map(|route| maker.text(route.id.as_str())));
        made.extend(resources);
    }
    made.extend(domain?);
    if written.filled("RouteSettings").is_some() {
        stage.depends_on = Some(maker.list(route_ids));
    }
    made.push(stage);
    made.extend(authorizer);
    propagate_tags(&mut made, &written);
    Ok(made)
}

fn check(written: &Written, routes: &Map) -> Outcome<()> {
    if routes.is_empty() {
        return Err(written.fault("WebSocket API must have at least one route."));
    }
    if let Some(address) = written.get("IpAddressType")
        && !tree::is_intrinsic(address)
        && !matches!(tree::text_of(address), Some("ipv4" | "dualstack"))
    {
        return Err(written.fault("IpAddressType must be 'ipv4' or 'dualstack'."));
    }
    if written.get("Domain").is_some_and(|domain| tree::filled_in(domain, "MutualTlsAuthentication").is_some()) {
        return Err(written.fault("Mutual TLS domain name association is not supported for Websocket APIs."));
    }
    if written.filled("Auth").is_some() && !routes.contains_key("$connect") {
        return Err(written.fault("Authorization is only available if there is a $connect route."));
    }
    Ok(())
}

fn api(written: &Written, tags: Map) -> Made {
    let maker = written.maker();
    let mut api = Made::of(written, "AWS::ApiGatewayV2::Api");
    api.take(
        written,
        &[
            "ApiKeySelectionExpression",
            "Description",
            "DisableExecuteApiEndpoint",
            "DisableSchemaValidation",
            "IpAddressType",
            "RouteSelectionExpression",
        ],
    );
    api.set("Name", written.get("Name").cloned().unwrap_or_else(|| maker.text(written.id.clone())));
    api.set("Tags", Node::map(tags, &maker.origin));
    api.set("ProtocolType", maker.text("WEBSOCKET"));
    api
}

fn stage(written: &Written) -> Outcome<Made> {
    let maker = written.maker();
    let default = maker.text("default");
    let name = written.get("StageName").unwrap_or(&default);
    let id = &written.id;
    let id = match tree::text_of(name) {
        Some("$default") => {
            return Err(written.fault("Stages cannot be named $default for WebSocket APIs."));
        }
        Some("default") => format!("{id}DefaultStage"),
        name => format!("{id}{}Stage", name.unwrap_or_default()),
    };
    let mut stage = Made::new(id, "AWS::ApiGatewayV2::Stage", &maker, &Map::default())
        .with("ApiId", maker.reference(written.id.clone()))
        .with("StageName", name.clone())
        .with("Tags", maker.map([(CREATED_BY, maker.text("SAM"))]))
        .with("AutoDeploy", maker.flag(true));
    stage.take(written, &["StageVariables", "AccessLogSettings", "DefaultRouteSettings", "RouteSettings"]);
    Ok(stage)
}

fn route_name(written: &Written, key: &str) -> Outcome<String> {
    let plain = match key {
        "$connect" | "$disconnect" | "$default" => key.trim_start_matches('$'),
        key if !key.is_empty() && key.chars().all(char::is_alphanumeric) => key,
        _ => {
            return Err(written.fault(format!(
                "Route key '{key}' must be alphanumeric. Only $connect, $disconnect, and $default special routes are \
                 supported."
            )));
        }
    };
    let mut letters = plain.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    Ok(format!("{}{first}{}", written.id, letters.as_str().to_lowercase()))
}

/// The route, what it calls, and the permission for that.
fn expand_route(written: &Written, key: &str, node: &Node, authorizer: &mut Vec<Made>) -> Outcome<Vec<Made>> {
    let maker = Maker::implied_by(&node.origin);
    let base = route_name(written, key)?;
    let api = || maker.reference(written.id.clone());
    let integration_id = format!("{base}Integration");
    let mut route = Made::new(format!("{base}Route"), "AWS::ApiGatewayV2::Route", &maker, &Map::default())
        .with("RouteKey", maker.text(key))
        .with("ApiId", api())
        .with("Target", maker.join("/", [maker.text("integrations"), maker.reference(integration_id.as_str())]));
    let taken = [
        "ApiKeyRequired",
        "ModelSelectionExpression",
        "OperationName",
        "RequestModels",
        "RouteResponseSelectionExpression",
    ];
    for name in taken {
        route.set_given(name, node.get(name));
    }
    if let Some(parameters) = tree::filled_in(node, "RequestParameters") {
        if key != "$connect" {
            return Err(
                written.fault("Request parameters are only supported for the $connect route in WebSocket APIs.")
            );
        }
        route.set("RequestParameters", parameters.clone());
    }
    authorize(written, key, &mut route, authorizer)?;
    let Some(function) = node.get("FunctionArn") else {
        return Err(written.fault("Route must have associated function."));
    };
    let uri =
        "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${FunctionArn}/invocations";
    let mut integration = Made::new(integration_id, "AWS::ApiGatewayV2::Integration", &maker, &Map::default())
        .with("ApiId", api())
        .with("IntegrationType", maker.text("AWS_PROXY"))
        .with("IntegrationUri", maker.sub_with(uri, [("FunctionArn", function.clone())]));
    integration.set_given("TimeoutInMillis", node.get("IntegrationTimeout"));
    let arn =
        format!("arn:${{AWS::Partition}}:execute-api:${{AWS::Region}}:${{AWS::AccountId}}:${{{}.ApiId}}/", written.id);
    let default = maker.text("default");
    let stage = written.get("StageName").unwrap_or(&default);
    let source = match tree::text_of(stage) {
        Some(stage) => maker.sub(format!("{arn}{stage}/{key}")),
        None => maker.sub_with(format!("{arn}${{__StageName__}}/{key}"), [("__StageName__", stage.clone())]),
    };
    let permission = Made::new(format!("{base}Permission"), "AWS::Lambda::Permission", &maker, &Map::default())
        .with("Action", maker.text("lambda:InvokeFunction"))
        .with("FunctionName", function.clone())
        .with("Principal", maker.text("apigateway.amazonaws.com"))
        .with("SourceArn", source);
    Ok(vec![route, integration, permission])
}

/// Puts the authorization of the API on the route by which connections come in.
fn authorize(written: &Written, key: &str, route: &mut Made, authorizer: &mut Vec<Made>) -> Outcome<()> {
    let Some(auth) = written.filled("Auth") else { return Ok(()) };
    let map = Owner::Resource(&written.id).map(auth, "Auth")?;
    let Some(kind) = tree::filled(map, "AuthType") else {
        return Err(written.fault("AuthType must be specified for additional auth configurations."));
    };
    let arn = tree::filled(map, "AuthArn");
    let shown = tree::shown(kind);
    match shown.as_str() {
        "CUSTOM" if arn.is_none() => {
            return Err(written.fault("AuthArn must be specified if AuthType is CUSTOM."));
        }
        "AWS_IAM" | "NONE" if map.len() > 1 => {
            return Err(written.fault(format!("No additional configurations supported for AuthType {shown}.")));
        }
        "CUSTOM" | "AWS_IAM" | "NONE" => {}
        _ => {
            return Err(written.fault(format!("AuthType '{shown}' is not one of AWS_IAM, CUSTOM or NONE.")));
        }
    }
    if key != "$connect" {
        return Ok(());
    }
    route.set("AuthorizationType", kind.clone());
    if let Some(arn) = arn.filter(|_| shown == "CUSTOM") {
        let custom = custom_authorizer(written, map, arn, &Maker::implied_by(&auth.origin));
        route.set("AuthorizerId", Maker::implied_by(&auth.origin).reference(custom.id.as_str()));
        authorizer.push(custom);
        if tree::filled(map, "InvokeRole").is_none() {
            let id = format!("{}AuthorizerPermission", written.id);
            authorizer.push(http_api::permission(written, &id, arn, &Maker::implied_by(&auth.origin)));
        }
    }
    Ok(())
}

fn custom_authorizer(written: &Written, auth: &Map, arn: &Node, maker: &Maker) -> Made {
    let id = format!("{}ConnectAuthorizer", written.id);
    let uri = "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${AuthArn}/invocations";
    let name = tree::filled(auth, "Name").cloned().unwrap_or_else(|| maker.text(id.as_str()));
    let mut authorizer = Made::new(id, "AWS::ApiGatewayV2::Authorizer", maker, &Map::default())
        .with("ApiId", maker.reference(written.id.clone()))
        .with("AuthorizerType", maker.text("REQUEST"))
        .with("AuthorizerUri", maker.sub_with(uri, [("AuthArn", arn.clone())]))
        .with("Name", name);
    authorizer.set_given("AuthorizerCredentialsArn", auth.get("InvokeRole"));
    authorizer.set_given("IdentitySource", auth.get("IdentitySource"));
    authorizer
}
