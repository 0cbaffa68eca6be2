//! `AWS::Serverless::HttpApi`: the HTTP API with its stage, and what authorizers and domains add.

mod authorizer;
mod definition;
mod domain;

pub(super) use domain::construct as custom_domain;

use crate::node::{Map, Node};

use super::Expansion;
use super::fault::{Outcome, Owner};
use super::function::code;
use super::implicit::Style;
use super::make::Maker;
use super::resource::{Made, Written};
use super::shape;
use super::tree;

use authorizer::Authorizer;

/// The tag that says who made an API and its parts.
const CREATED_BY: &str = "httpapi:createdBy";
const DEFAULT_STAGE: &str = "$default";

/// Expands one HTTP API.
pub(super) fn expand(cx: &mut Expansion<'_>, id: &str, node: &Node) -> Outcome<Vec<Made>> {
    let mut written = Written::read(id, "AWS::Serverless::HttpApi", node, shape::HTTP_API)?;
    for name in ["CorsConfiguration", "Domain"] {
        if let Some(property) = written.properties.get_mut(name) {
            cx.parameters.resolve(property)?;
        }
    }
    let maker = written.maker();
    let mut api = Made::of(&written, "AWS::ApiGatewayV2::Api");
    definition::complete(cx, &mut written)?;
    let mut tags = written.get("Tags").and_then(Node::as_map).cloned().unwrap_or_default();
    let has_body = written.filled("DefinitionBody").is_some();
    if Style::Http.is_valid(written.filled("DefinitionBody")) {
        tags.insert(CREATED_BY, maker.text("SAM"));
    }
    api.set_given("FailOnWarnings", written.filled("FailOnWarnings"));
    if let Some(uri) = written.filled("DefinitionUri") {
        let place = Maker { origin: uri.origin.clone() };
        let location = code::location(&written.id, "DefinitionUri", uri)?;
        api.set("BodyS3Location", location.into_node(["Bucket", "Key", "Version"], &place));
    } else if let Some(body) = written.filled("DefinitionBody") {
        api.set("Body", body.clone());
    } else {
        return Err(written.fault(
            "'DefinitionUri' or 'DefinitionBody' are required properties of an 'AWS::Serverless::HttpApi'. Add a value \
             for one of these properties or add a 'HttpApi' event to an 'AWS::Serverless::Function'.",
        ));
    }
    let mut made = vec![api];
    made.extend(permissions(&written)?);
    made.extend(domain::construct(cx, &written, CREATED_BY)?);
    made.push(stage(&written, &tags));
    if has_body && !tags.is_empty() {
        made.iter_mut().skip(1).for_each(|resource| resource.assign_tags(&tags));
    }
    Ok(made)
}

fn stage(written: &Written, tags: &Map) -> Made {
    let maker = written.maker();
    let default = maker.text(DEFAULT_STAGE);
    let name = written.filled("StageName").unwrap_or(&default);
    let id = &written.id;
    let id = match tree::text_of(name) {
        Some(DEFAULT_STAGE) => format!("{id}ApiGatewayDefaultStage"),
        Some(name) if name.chars().all(char::is_alphanumeric) => format!("{id}{name}Stage"),
        name => format!("{id}Stage{}", tree::suffix_of_text(name.unwrap_or_default())),
    };
    let mut stage = Made::new(id, "AWS::ApiGatewayV2::Stage", &maker, &written.passed_on())
        .with("ApiId", maker.reference(written.id.clone()))
        .with("StageName", name.clone())
        .with("AutoDeploy", maker.flag(true));
    stage.take(written, &["StageVariables", "AccessLogSettings", "DefaultRouteSettings", "RouteSettings"]);
    if written.get("Tags").is_some() || tags.contains_key(CREATED_BY) {
        stage.set("Tags", Node::map(tags.clone(), &maker.origin));
    }
    stage
}

fn permissions(written: &Written) -> Outcome<Vec<Made>> {
    let Some(auth) = written.filled("Auth").and_then(Node::as_map) else { return Ok(Vec::new()) };
    let mut made = Vec::new();
    for authorizer in Authorizer::all(&written.id, auth)? {
        if let Some(function) = authorizer.calls() {
            let id = format!("{}{}AuthorizerPermission", written.id, authorizer.name);
            made.push(permission(written, &id, function, &Maker::implied_by(&authorizer.origin)));
        }
    }
    Ok(made)
}

/// The permission for an API to call an authorizer.
pub(super) fn permission(written: &Written, id: &str, function: &Node, maker: &Maker) -> Made {
    let arn = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${__ApiId__}/authorizers/*";
    Made::new(id, "AWS::Lambda::Permission", maker, &written.passed_on())
        .with("Action", maker.text("lambda:InvokeFunction"))
        .with("FunctionName", function.clone())
        .with("Principal", maker.text("apigateway.amazonaws.com"))
        .with("SourceArn", maker.sub_with(arn, [("__ApiId__", maker.reference(written.id.clone()))]))
}

/// The Auth property, its authorizers checked.
fn auth<'w>(written: &'w Written, known: &[&str]) -> Outcome<Option<&'w Map>> {
    let Some(auth) = written.filled("Auth") else { return Ok(None) };
    let map = Owner::Resource(&written.id).map(auth, "Auth")?;
    if map.keys().any(|key| !known.contains(&key)) {
        return Err(written.fault("Invalid value for 'Auth' property"));
    }
    Ok(Some(map))
}
