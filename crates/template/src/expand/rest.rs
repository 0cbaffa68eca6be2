//! `AWS::Serverless::Api`: the REST API with its deployment and stage, and what authorizers, domains and keys add.

mod authorizer;
mod definition;
mod domain;
mod usage_plan;

pub(super) use authorizer::uri as authorizer_uri;
pub(super) use usage_plan::SharedPlan;

use crate::node::{Map, Node};

use super::Expansion;
use super::fault::{Fault, Outcome};
use super::function::{code, propagate_tags};
use super::make::Maker;
use super::paths;
use super::resource::{Made, Written};
use super::shape;
use super::tree;

use authorizer::Authorizer;

/// Keys of the Auth property.
const AUTH: [&str; 8] = [
    "Authorizers",
    "DefaultAuthorizer",
    "InvokeRole",
    "AddDefaultAuthorizerToCorsPreflight",
    "AddApiKeyRequiredToCorsPreflight",
    "ApiKeyRequired",
    "ResourcePolicy",
    "UsagePlan",
];

/// Expands one REST API.
pub(super) fn expand(cx: &mut Expansion<'_>, id: &str, node: &Node) -> Outcome<Vec<Made>> {
    let mut written = Written::read(id, "AWS::Serverless::Api", node, shape::API)?;
    for name in ["BinaryMediaTypes", "Domain", "Auth"] {
        if let Some(property) = written.properties.get_mut(name) {
            cx.parameters.resolve(property)?;
        }
    }
    let api = construct(cx, &mut written)?;
    let mut made = Vec::new();
    let domain = domain::construct(cx, &written)?;
    let (deployment, stage) = deploy(&written, &api);
    let stage_id = stage.id.clone();
    made.extend([api, deployment, stage]);
    made.extend(permissions(cx, &written)?);
    made.extend(domain);
    made.extend(usage_plan::construct(cx, &written, &stage_id)?);
    propagate_tags(&mut made, &written);
    Ok(made)
}

fn check(written: &Written) -> Outcome<()> {
    let filled = |name: &str| written.filled(name);
    if filled("DefinitionUri").is_some() && filled("DefinitionBody").is_some() {
        return Err(written.fault("Specify either 'DefinitionUri' or 'DefinitionBody' property and not both."));
    }
    if filled("DefinitionUri").is_some() && filled("MergeDefinitions").is_some() {
        return Err(written.fault("Cannot set 'MergeDefinitions' to True when using `DefinitionUri`."));
    }
    match filled("OpenApiVersion") {
        Some(version) if !paths::is_version(version, "23") => {
            let message = "The OpenApiVersion value must be of the format '3.0.0'.";
            Err(Fault::resource(&written.id, message).at(&version.origin))
        }
        _ => Ok(()),
    }
}

fn construct(cx: &Expansion<'_>, written: &mut Written) -> Outcome<Made> {
    check(written)?;
    let mut api = Made::of(written, "AWS::ApiGateway::RestApi");
    if let Some(endpoint) = written.filled("EndpointConfiguration") {
        set_endpoint(&mut api, endpoint)?;
    } else if cx.options.partition != "aws" {
        // Edge-optimised endpoints, the platform's default, exist in the standard partition only.
        set_endpoint(&mut api, &Maker::implied_by(&written.origin).text("REGIONAL"))?;
    }
    definition::complete(cx, written)?;
    api.take(written, &["BinaryMediaTypes", "MinimumCompressionSize"]);
    for name in [
        "FailOnWarnings",
        "Name",
        "Description",
        "Mode",
        "ApiKeySourceType",
        "Policy",
        "SecurityPolicy",
        "EndpointAccessMode",
    ] {
        api.set_given(name, written.filled(name));
    }
    if let Some(uri) = written.filled("DefinitionUri") {
        let maker = Maker { origin: uri.origin.clone() };
        let location = code::location(&written.id, "DefinitionUri", uri)?;
        api.set("BodyS3Location", location.into_node(["Bucket", "Key", "Version"], &maker));
    } else if let Some(body) = written.filled("DefinitionBody") {
        api.set("Body", body.clone());
    }
    Ok(api)
}

fn set_endpoint(api: &mut Made, endpoint: &Node) -> Outcome<()> {
    let maker = Maker { origin: endpoint.origin.clone() };
    let kind = tree::filled_in(endpoint, "Type").unwrap_or(endpoint);
    api.set("Parameters", maker.map([("endpointConfigurationTypes", kind.clone())]));
    let mut config = vec![("Types", maker.list([kind.clone()]))];
    if tree::filled_in(endpoint, "Type").is_some() {
        let written = |name: &str| endpoint.get(name);
        if written("VPCEndpointIds").is_some() && written("VpcEndpointIds").is_some() {
            let message = "'VPCEndpointIds' and 'VpcEndpointIds' cannot be used together in EndpointConfiguration.";
            return Err(Fault::resource(&api.id, message).at(&endpoint.origin));
        }
        config
            .extend(written("VPCEndpointIds").or(written("VpcEndpointIds")).map(|ids| ("VpcEndpointIds", ids.clone())));
        config.extend(written("IpAddressType").map(|kind| ("IpAddressType", kind.clone())));
    }
    api.set("EndpointConfiguration", maker.map(config));
    Ok(())
}

/// The deployment, named after what it deploys so that a change makes another one, and the stage it is put on.
fn deploy(written: &Written, api: &Made) -> (Made, Made) {
    let maker = written.maker();
    let attributes = written.passed_on();
    let mut id = format!("{}Deployment", written.id);
    let deployed = api.properties.get("Body").or(api.properties.get("BodyS3Location"));
    let mut description = None;
    if let Some(deployed) = deployed.filter(|deployed| tree::truthy(deployed)) {
        let digest = tree::digest(&tree::canonical(deployed));
        id.extend(digest.chars().take(10));
        description = Some(maker.text(format!("RestApi deployment id: {digest}")));
    }
    let mut deployment = Made::new(id, "AWS::ApiGateway::Deployment", &maker, &attributes)
        .with("RestApiId", maker.reference(written.id.clone()));
    deployment.set_given("Description", description.as_ref());
    if written.filled("OpenApiVersion").is_none() {
        deployment.set("StageName", maker.text("Stage"));
    }
    let mut stage = Made::new(stage_id(written), "AWS::ApiGateway::Stage", &maker, &attributes)
        .with("RestApiId", maker.reference(written.id.clone()))
        .with("DeploymentId", maker.reference(deployment.id.as_str()));
    let taken = [
        "StageName",
        "CacheClusterEnabled",
        "CacheClusterSize",
        "Variables",
        "MethodSettings",
        "AccessLogSetting",
        "CanarySetting",
        "TracingEnabled",
    ];
    stage.take(written, &taken);
    if let Some(tags) = written.get("Tags").and_then(Node::as_map) {
        stage.set("Tags", maker.list(maker.tags(tags)));
    }
    (deployment, stage)
}

fn stage_id(written: &Written) -> String {
    let id = &written.id;
    match written.text("StageName") {
        Some(name) if !name.is_empty() && name.chars().all(char::is_alphanumeric) => format!("{id}{name}Stage"),
        name => format!("{id}Stage{}", tree::suffix_of_text(name.unwrap_or_default())),
    }
}

/// The permissions for the API to call its authorizers.
fn permissions(cx: &Expansion<'_>, written: &Written) -> Outcome<Vec<Made>> {
    let Some(authorizers) = auth(written).and_then(|auth| tree::filled(auth, "Authorizers")) else {
        return Ok(Vec::new());
    };
    let arn = format!(
        "arn:{}:execute-api:${{AWS::Region}}:${{AWS::AccountId}}:${{__ApiId__}}/authorizers/*",
        cx.options.partition
    );
    let mut made = Vec::new();
    for authorizer in Authorizer::all(&written.id, Some(authorizers), None)? {
        let Some(function) = authorizer.calls() else { continue };
        let maker = Maker::implied_by(&authorizer.origin);
        let id = format!("{}{}AuthorizerPermission", written.id, authorizer.name);
        let source = maker.sub_with(arn.as_str(), [("__ApiId__", maker.reference(written.id.clone()))]);
        made.push(
            Made::new(id, "AWS::Lambda::Permission", &maker, &written.passed_on())
                .with("Action", maker.text("lambda:InvokeFunction"))
                .with("FunctionName", function.clone())
                .with("Principal", maker.text("apigateway.amazonaws.com"))
                .with("SourceArn", source),
        );
    }
    Ok(made)
}

fn auth(written: &Written) -> Option<&Map> {
    written.filled("Auth").and_then(Node::as_map)
}
