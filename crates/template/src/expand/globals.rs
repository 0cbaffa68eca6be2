//! Merging the Globals section into the resources it speaks for.
//!
//! Maps are merged key by key, lists are appended to what Globals has, everything else is replaced by the resource's
//! own value. What comes from Globals keeps the place of its line there.

use brigandine_model::Via;

use crate::node::{Key, Kind, Map, Node};

use super::fault::{Fault, Outcome};
use super::tree;

/// Properties each section may set, in the order the transform lists them.
const SECTIONS: &[(&str, &[&str])] = &[
    (
        "Api",
        &[
            "Auth",
            "Name",
            "DefinitionUri",
            "CacheClusterEnabled",
            "CacheClusterSize",
            "MergeDefinitions",
            "Variables",
            "EndpointConfiguration",
            "MethodSettings",
            "BinaryMediaTypes",
            "MinimumCompressionSize",
            "Cors",
            "GatewayResponses",
            "AccessLogSetting",
            "CanarySetting",
            "TracingEnabled",
            "OpenApiVersion",
            "Domain",
            "AlwaysDeploy",
            "PropagateTags",
            "SecurityPolicy",
            "EndpointAccessMode",
        ],
    ),
    (
        "CapacityProvider",
        &[
            "VpcConfig",
            "OperatorRole",
            "Tags",
            "InstanceRequirements",
            "ScalingConfig",
            "KmsKeyArn",
            "PropagateTags",
            "LoggingConfig",
            "ManagedResourceTags",
        ],
    ),
    (
        "Function",
        &[
            "Handler",
            "Runtime",
            "CodeUri",
            "DeadLetterQueue",
            "Description",
            "MemorySize",
            "Timeout",
            "VpcConfig",
            "Environment",
            "Tags",
            "PropagateTags",
            "Tracing",
            "KmsKeyArn",
            "AutoPublishAlias",
            "AutoPublishAliasAllProperties",
            "Layers",
            "DeploymentPreference",
            "RolePath",
            "PermissionsBoundary",
            "ReservedConcurrentExecutions",
            "ProvisionedConcurrencyConfig",
            "AssumeRolePolicyDocument",
            "EventInvokeConfig",
            "FileSystemConfigs",
            "CodeSigningConfigArn",
            "Architectures",
            "SnapStart",
            "EphemeralStorage",
            "FunctionUrlConfig",
            "RuntimeManagementConfig",
            "LoggingConfig",
            "RecursiveLoop",
            "SourceKMSKeyArn",
            "TenancyConfig",
            "DurableConfig",
            "CapacityProviderConfig",
            "FunctionScalingConfig",
            "PublishToLatestPublished",
            "VersionDeletionPolicy",
        ],
    ),
    (
        "HttpApi",
        &[
            "Auth",
            "AccessLogSettings",
            "StageVariables",
            "Tags",
            "CorsConfiguration",
            "DefaultRouteSettings",
            "Domain",
            "RouteSettings",
            "FailOnWarnings",
            "PropagateTags",
        ],
    ),
    ("LayerVersion", &["PublishLambdaVersion"]),
    (
        "MicrovmImage",
        &[
            "BuildRoleArn",
            "BaseImageArn",
            "BaseImageVersion",
            "Logging",
            "EgressNetworkConnectors",
            "CpuConfigurations",
            "Resources",
            "AdditionalOsCapabilities",
            "Hooks",
            "EnvironmentVariables",
            "Tags",
            "PropagateTags",
        ],
    ),
    ("NetworkConnector", &["OperatorRole", "Tags", "PropagateTags"]),
    ("SimpleTable", &["SSESpecification"]),
    ("StateMachine", &["PropagateTags"]),
    (
        "WebSocketApi",
        &[
            "AccessLogSettings",
            "ApiKeySelectionExpression",
            "DefaultRouteSettings",
            "DisableExecuteApiEndpoint",
            "DisableSchemaValidation",
            "Domain",
            "FailOnWarnings",
            "IpAddressType",
            "PropagateTags",
            "RouteSelectionExpression",
            "RouteSettings",
            "StageVariables",
            "Tags",
        ],
    ),
];

/// How two values at a path are merged when not in the usual way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    Usual,
    /// The resource's own value stands alone.
    Replace,
    /// Only keys the resource names survive.
    Prune,
}

fn rule(section: &str, path: &str) -> Rule {
    match (section, path) {
        ("Function", "Architectures") | ("CapacityProvider", "InstanceRequirements.Architectures") => Rule::Replace,
        ("CapacityProvider", "ManagedResourceTags") => Rule::Prune,
        _ => Rule::Usual,
    }
}

/// Takes the Globals section out of the template and merges it into the resources.
pub(super) fn merge(root: &mut Map) -> Outcome<()> {
    let globals = match root.remove("Globals") {
        Some(globals) => {
            check(&globals).map_err(|fault| fault.at(&globals.origin))?;
            tree::retag(&globals, &Via::Globals)
        }
        None => return Ok(()),
    };
    let Some(resources) = root.get_mut("Resources").and_then(Node::as_map_mut) else { return Ok(()) };
    for (id, resource) in resources.iter_mut() {
        let Some(section) = section_of(resource) else { continue };
        let Some(section_globals) = globals.get(&section).and_then(Node::as_map) else { continue };
        merge_resource(id, resource, &section, section_globals)?;
    }
    Ok(())
}

fn section_of(resource: &Node) -> Option<String> {
    let section = tree::text_of(resource.get("Type")?)?.strip_prefix("AWS::Serverless::")?;
    Some(section.to_owned())
}

fn merge_resource(id: &str, resource: &mut Node, section: &str, globals: &Map) -> Outcome<()> {
    let globals = without_ignored(id, resource, globals)?;
    let origin = resource.origin.clone();
    let Some(map) = resource.as_map_mut() else { return Ok(()) };
    let own = map.get("Properties").cloned().unwrap_or_else(|| Node::map(Map::default(), &origin));
    let merged = merged(section, "", &Node::map(globals, &own.origin), &own);
    map.insert("Properties", merged);
    Ok(())
}

fn without_ignored(id: &str, resource: &Node, globals: &Map) -> Outcome<Map> {
    let mut globals = globals.clone();
    let Some(ignored) = resource.get("IgnoreGlobals").filter(|ignored| tree::truthy(ignored)) else {
        return Ok(globals);
    };
    let invalid = |what: &str| {
        let message = format!("Resource {id} has invalid resource attribute 'IgnoreGlobals'{what}.");
        Fault::resource(id, message).at(&ignored.origin).fatal()
    };
    if tree::text_of(ignored) == Some("*") {
        return Ok(Map::default());
    }
    for item in ignored.as_list().ok_or_else(|| invalid(""))? {
        let name = tree::shown(item);
        globals.remove(&name).ok_or_else(|| invalid(&format!(" on item '{name}'")))?;
    }
    Ok(globals)
}

fn check(globals: &Node) -> Outcome<()> {
    let invalid = |message: String| Fault::said(format!("'Globals' section is invalid. {message}")).fatal();
    let sections = globals.as_map().ok_or_else(|| invalid("It must be a non-empty dictionary".to_owned()))?;
    for (section, properties) in sections.iter() {
        let Some((_, known)) = SECTIONS.iter().find(|(name, _)| *name == section) else {
            let names: Vec<_> = SECTIONS.iter().map(|(name, _)| *name).collect();
            return Err(invalid(format!(
                "'{section}' is not supported. Must be one of the following values - {}",
                listed(&names)
            )));
        };
        let properties =
            properties.as_map().ok_or_else(|| invalid("Value of ${section} must be a dictionary".to_owned()))?;
        if let Some(unknown) = properties.keys().find(|key| !known.contains(key)) {
            return Err(invalid(format!(
                "'{unknown}' is not a supported property of '{section}'. Must be one of the following values - {}",
                listed(known)
            )));
        }
    }
    Ok(())
}

fn listed(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("'{name}'")).collect();
    format!("[{}]", quoted.join(", "))
}

fn merged(section: &str, path: &str, global: &Node, local: &Node) -> Node {
    match (&global.kind, &local.kind) {
        (Kind::Map(under), Kind::Map(over)) if !tree::is_intrinsic(global) && !tree::is_intrinsic(local) => {
            match rule(section, path) {
                Rule::Replace => local.clone(),
                Rule::Prune if !over.is_empty() => {
                    Node::map(merged_maps(section, path, under, over, true), &local.origin)
                }
                Rule::Prune | Rule::Usual => Node::map(merged_maps(section, path, under, over, false), &local.origin),
            }
        }
        (Kind::List(under), Kind::List(over)) if rule(section, path) == Rule::Usual => {
            Node::list(under.iter().chain(over).cloned().collect(), &local.origin)
        }
        _ => local.clone(),
    }
}

fn merged_maps(section: &str, path: &str, under: &Map, over: &Map, prune: bool) -> Map {
    let mut result = if prune { Map::default() } else { under.clone() };
    for (key, origin, value) in over.entries() {
        let path = if path.is_empty() { key.to_string() } else { format!("{path}.{key}") };
        let value = match under.get(key) {
            Some(global) => merged(section, &path, global, value),
            None => value.clone(),
        };
        result.insert_key(Key { text: key.clone(), origin: origin.clone() }, value);
    }
    result
}
