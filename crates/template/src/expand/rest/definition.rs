//! What the properties of a REST API add to its definition.

use crate::expand::Expansion;
use crate::expand::fault::{Fault, Outcome, Owner};
use crate::expand::implicit::Style;
use crate::expand::make::Maker;
use crate::expand::paths;
use crate::expand::resource::Written;
use crate::expand::swagger::{self, cors::Cors};
use crate::expand::tree;
use crate::node::{Key, Map, Node};

use super::authorizer::Authorizer;

/// Completes the definition in place.
pub(super) fn complete(cx: &Expansion<'_>, written: &mut Written) -> Outcome<()> {
    add_cors(written)?;
    add_auth(cx, written)?;
    add_gateway_responses(written)?;
    add_media_types(written)?;
    add_models(written)?;
    add_endpoint(written)?;
    if let Some(body) = written.filled("DefinitionBody").cloned()
        && written.filled("DefinitionUri").is_none()
    {
        store(written, align(written, body)?);
    }
    Ok(())
}

fn store(written: &mut Written, body: Node) {
    written.properties.insert("DefinitionBody", body);
}

/// The definition, for a property that can only be added to one written in place.
fn body(written: &Written, missing: &str, invalid: &str) -> Outcome<Node> {
    let Some(body) = written.filled("DefinitionBody") else { return Err(written.fault(missing)) };
    if !Style::Rest.is_valid(Some(body)) {
        return Err(Fault::resource(&written.id, invalid).at(&body.origin));
    }
    swagger::check(body)?;
    Ok(body.clone())
}

fn add_cors(written: &mut Written) -> Outcome<()> {
    let Some(property) = written.filled("Cors").cloned() else { return Ok(()) };
    let fault = |message: String| Fault::resource(&written.id, message).at(&property.origin);
    if written.filled("DefinitionBody").is_none() {
        return Err(fault("Cors works only with inline Swagger specified in 'DefinitionBody' property.".to_owned()));
    }
    let maker = Maker::implied_by(&property.origin);
    let mut cors = Cors { origin: property.clone(), headers: None, methods: None, max_age: None, credentials: false };
    if let Some(map) = property.as_map().filter(|_| !tree::is_intrinsic(&property)) {
        let known = ["AllowMethods", "AllowHeaders", "AllowOrigin", "MaxAge", "AllowCredentials"];
        if let Some(unknown) = map.keys().find(|key| !known.contains(key)) {
            return Err(fault(format!("Invalid key '{unknown}' for 'Cors' property.")));
        }
        cors.origin = map.get("AllowOrigin").cloned().unwrap_or_else(|| maker.text("'*'"));
        cors.headers = tree::filled(map, "AllowHeaders").cloned();
        cors.methods = tree::filled(map, "AllowMethods").cloned();
        cors.max_age = tree::given(map, "MaxAge").cloned();
        cors.credentials = map.get("AllowCredentials").and_then(tree::flag_of) == Some(true);
    } else if tree::text_of(&property).is_none() && !tree::is_intrinsic(&property) {
        return Err(fault("Invalid value for 'Cors' property".to_owned()));
    }
    let invalid =
        "Unable to add Cors configuration because 'DefinitionBody' does not contain a valid Swagger definition.";
    let mut body = body(written, "", invalid)?;
    if cors.credentials && tree::text_of(&cors.origin) == Some("'*'") {
        return Err(fault(
            "Unable to add Cors configuration because 'AllowCredentials' can not be true when 'AllowOrigin' is \"'*'\" \
             or not set"
                .to_owned(),
        ));
    }
    let mut seen = Vec::new();
    for path in paths::names(&body) {
        let normal = if path == "/" { path.clone() } else { path.trim_end_matches('/').to_owned() };
        if seen.contains(&normal) {
            continue;
        }
        seen.push(normal);
        let has_origin = tree::truthy(&cors.origin);
        let needs = paths::items(&body, &path)?.iter().any(|item| item.get("options").is_none());
        if needs && !has_origin {
            return Err(fault(
                "Structure of the SAM template is invalid. Invalid input. Value for AllowedOrigins is required"
                    .to_owned(),
            ));
        }
        swagger::cors::add(&mut body, &path, &cors, &maker)?;
    }
    store(written, body);
    Ok(())
}

fn add_auth(cx: &Expansion<'_>, written: &mut Written) -> Outcome<()> {
    let Some(property) = written.filled("Auth").cloned() else { return Ok(()) };
    let invalid =
        "Unable to add Auth configuration because 'DefinitionBody' does not contain a valid Swagger definition.";
    let missing = "Auth works only with inline Swagger specified in 'DefinitionBody' property.";
    if written.filled("DefinitionBody").is_none() {
        return Err(written.fault(missing));
    }
    let auth = property.as_map().cloned().unwrap_or_default();
    if auth.keys().any(|key| !super::AUTH.contains(&key)) {
        return Err(Fault::resource(&written.id, "Invalid value for 'Auth' property").at(&property.origin));
    }
    let mut body = body(written, missing, invalid)?;
    let maker = Maker { origin: property.origin.clone() };
    let default = tree::filled(&auth, "DefaultAuthorizer");
    let authorizers = Authorizer::all(&written.id, tree::filled(&auth, "Authorizers"), default)?;
    if !authorizers.is_empty() {
        let mut definitions = Vec::new();
        for authorizer in &authorizers {
            let definition = authorizer.definition(&written.id, &cx.options.partition)?;
            definitions.push((authorizer.name.clone(), definition));
        }
        swagger::auth::define(&mut body, definitions, &maker)?;
        if let Some(default) = default {
            set_default(written, &mut body, &auth, default, &authorizers)?;
        }
    }
    if let Some(key) = tree::filled(&auth, "ApiKeyRequired") {
        let maker = Maker { origin: key.origin.clone() };
        swagger::auth::define_key(&mut body, &maker)?;
        let on_preflight = auth.get("AddApiKeyRequiredToCorsPreflight").is_none_or(tree::truthy);
        for path in paths::names(&body) {
            swagger::auth::require_key(&mut body, &path, on_preflight, &maker)?;
        }
    }
    if let Some(policy) = tree::filled(&auth, "ResourcePolicy") {
        if policy.as_map().is_none() {
            let message = "ResourcePolicy must be a map (ResourcePolicyStatement).";
            return Err(Fault::document(message).at(&policy.origin));
        }
        let stage = written.get("StageName").cloned().unwrap_or_else(|| maker.text(""));
        for path in paths::names(&body) {
            swagger::policy::add(&mut body, policy, &path, &stage)?;
        }
        swagger::policy::add_statements(&mut body, policy);
    }
    store(written, align(written, body)?);
    Ok(())
}

fn set_default(
    written: &Written,
    body: &mut Node,
    auth: &Map,
    default: &Node,
    authorizers: &[Authorizer],
) -> Outcome<()> {
    let fault = |message: String| Fault::resource(&written.id, message).at(&default.origin);
    let Some(name) = tree::text_of(default) else { return Err(fault("DefaultAuthorizer is not a string.".to_owned())) };
    let known = authorizers.iter().find(|authorizer| authorizer.name == name);
    if known.is_none() && name != "AWS_IAM" {
        return Err(fault(format!(
            "Unable to set DefaultAuthorizer because '{name}' was not defined in 'Authorizers'."
        )));
    }
    let names: Vec<String> = authorizers.iter().map(|authorizer| authorizer.name.clone()).collect();
    let maker = Maker { origin: default.origin.clone() };
    let default = swagger::auth::Default {
        name,
        scopes: known.and_then(Authorizer::scopes),
        authorizers: &names,
        on_preflight: auth.get("AddDefaultAuthorizerToCorsPreflight").is_none_or(tree::truthy),
    };
    for path in paths::names(body) {
        swagger::auth::set_default(body, &path, &default, &maker)?;
    }
    Ok(())
}

fn add_gateway_responses(written: &mut Written) -> Outcome<()> {
    let Some(property) = written.filled("GatewayResponses").cloned() else { return Ok(()) };
    let fault = |message: String| Fault::resource(&written.id, message).at(&property.origin);
    let missing = "GatewayResponses works only with inline Swagger specified in 'DefinitionBody' property.";
    if written.filled("DefinitionBody").is_none() {
        return Err(fault(missing.to_owned()));
    }
    let responses = property.as_map().cloned().unwrap_or_default();
    for (name, response) in responses.iter() {
        if tree::is_intrinsic(response) {
            return Err(fault(
                "Unable to set GatewayResponses attribute because intrinsic functions are not supported for this field."
                    .to_owned(),
            ));
        }
        let Some(map) = response.as_map() else {
            let kind = kind_name(response);
            return Err(fault(format!(
                "Invalid property type '{kind}' for GatewayResponses. Expected an object of type 'GatewayResponse'."
            )));
        };
        let known = ["ResponseParameters", "ResponseTemplates", "StatusCode"];
        if let Some(unknown) = map.keys().find(|key| !known.contains(key)) {
            return Err(fault(format!("Invalid property '{unknown}' in 'GatewayResponses' property '{name}'.")));
        }
    }
    let invalid =
        "Unable to add Auth configuration because 'DefinitionBody' does not contain a valid Swagger definition.";
    let mut body = body(written, missing, invalid)?;
    let maker = Maker { origin: property.origin.clone() };
    let mut generated = Vec::new();
    for (name, response) in responses.iter() {
        generated.push((name.to_owned(), gateway_response(&written.id, name, response)?));
    }
    let section = swagger::section(&mut body, "x-amazon-apigateway-gateway-responses", &maker);
    if let Some(section) = section.and_then(Node::as_map_mut) {
        for (name, response) in generated {
            section.insert(name, response);
        }
    }
    store(written, body);
    Ok(())
}

fn kind_name(node: &Node) -> &'static str {
    use crate::node::Meaning;
    match node.meaning() {
        None => "list",
        Some(Meaning::Null) => "NoneType",
        Some(Meaning::Bool(_)) => "bool",
        Some(Meaning::Int(_)) => "int",
        Some(Meaning::Float(_)) => "float",
        Some(Meaning::Text(_)) => "Py27UniStr",
    }
}

fn gateway_response(api: &str, name: &str, response: &Node) -> Outcome<Node> {
    let maker = Maker { origin: response.origin.clone() };
    let owner = Owner::Resource(api);
    let written = response.get("ResponseParameters").filter(|parameters| tree::truthy(parameters));
    let mut parameters = Map::default();
    if let Some(written) = written {
        let map = owner.map(written, &format!("GatewayResponses.{name}.ResponseParameters"))?;
        let places = [("Headers", "header."), ("Paths", "path."), ("QueryStrings", "querystring.")];
        if let Some(unknown) = map.keys().find(|key| places.iter().all(|(place, _)| place != key)) {
            return Err(Fault::resource(api, format!("Invalid gateway response parameter '{unknown}'")));
        }
        for (place, prefix) in places {
            let Some(values) = map.get(place) else { continue };
            for (key, origin, value) in owner.map(values, &format!("ResponseParameters.{place}"))?.entries() {
                let text = format!("gatewayresponse.{prefix}{key}").into();
                parameters.insert_key(Key { text, origin: origin.clone() }, value.clone());
            }
        }
    }
    let templates = response.get("ResponseTemplates").filter(|templates| tree::truthy(templates)).cloned();
    let mut entries = vec![
        ("responseParameters", Node::map(parameters, &response.origin)),
        ("responseTemplates", templates.unwrap_or_else(|| maker.empty())),
    ];
    if let Some(status) = tree::filled_in(response, "StatusCode") {
        let shown = tree::shown(status);
        if shown.len() > 3 || !shown.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Fault::resource(api, "Property 'StatusCode' must be numeric").at(&status.origin));
        }
        entries.push(("statusCode", Node::text(shown, &status.origin)));
    }
    Ok(maker.map(entries))
}

fn add_media_types(written: &mut Written) -> Outcome<()> {
    let Some(types) = written.filled("BinaryMediaTypes").cloned() else { return Ok(()) };
    let Some(mut body) = written.filled("DefinitionBody").cloned() else { return Ok(()) };
    swagger::check(&body)?;
    if let Some(map) = body.as_map_mut() {
        map.insert("x-amazon-apigateway-binary-media-types", unescaped(&types));
    }
    store(written, body);
    Ok(())
}

/// Media types may be written with `~1` for the slash.
fn unescaped(node: &Node) -> Node {
    use crate::node::Kind;
    match &node.kind {
        Kind::Scalar(_) => match tree::text_of(node) {
            Some(text) if text.contains("~1") => Node::text(text.replace("~1", "/"), &node.origin),
            _ => node.clone(),
        },
        Kind::List(items) => Node::list(items.iter().map(unescaped).collect(), &node.origin),
        Kind::Map(map) => {
            let mut result = Map::default();
            for (key, origin, value) in map.entries() {
                let text = key.replace("~1", "/").into();
                result.insert_key(Key { text, origin: origin.clone() }, unescaped(value));
            }
            Node::map(result, &node.origin)
        }
    }
}

fn add_models(written: &mut Written) -> Outcome<()> {
    let Some(models) = written.filled("Models").cloned() else { return Ok(()) };
    let missing = "Models works only with inline Swagger specified in 'DefinitionBody' property.";
    let invalid =
        "Unable to add Models definitions because 'DefinitionBody' does not contain a valid Swagger definition.";
    let mut body = body(written, missing, invalid)?;
    let all = models.as_map().cloned().unwrap_or_default();
    if all.iter().any(|(_, model)| model.as_map().is_none()) {
        return Err(Fault::resource(&written.id, "Invalid value for 'Models' property").at(&models.origin));
    }
    let maker = Maker { origin: models.origin.clone() };
    for (name, origin, model) in all.entries() {
        if tree::filled_in(model, "type").is_none() {
            return Err(Fault::document("'Models' schema is missing 'type'.").at(&model.origin));
        }
        if let Some(section) = swagger::section(&mut body, "definitions", &maker).and_then(Node::as_map_mut) {
            section.insert_key(Key { text: name.to_lowercase().into(), origin: origin.clone() }, model.clone());
        }
    }
    store(written, align(written, body)?);
    Ok(())
}

fn add_endpoint(written: &mut Written) -> Outcome<()> {
    const CONFIG: &str = "x-amazon-apigateway-endpoint-configuration";
    let Some(disabled) = written.get("DisableExecuteApiEndpoint").cloned() else { return Ok(()) };
    let Some(mut body) = written.filled("DefinitionBody").cloned() else {
        return Err(written.fault("DisableExecuteApiEndpoint works only within 'DefinitionBody' property."));
    };
    swagger::check(&body)?;
    let maker = Maker { origin: disabled.origin.clone() };
    let set = |holder: &mut Node, invalid: &str| -> Outcome<()> {
        let config = holder.as_map_mut().and_then(|map| {
            if !map.contains_key(CONFIG) {
                map.insert(CONFIG, maker.empty());
            }
            map.get_mut(CONFIG)?.as_map_mut()
        });
        let Some(config) = config else {
            return Err(Fault::document(format!("{invalid}: The value of '{CONFIG}' should be a map.")));
        };
        config.insert("disableExecuteApiEndpoint", disabled.clone());
        Ok(())
    };
    if paths::is_version_3(&body) {
        let mut servers =
            body.get("servers").and_then(Node::as_list).map_or_else(|| vec![maker.empty()], <[Node]>::to_vec);
        for (index, server) in servers.iter_mut().enumerate() {
            set(server, &format!("Invalid OpenAPI definition of 'servers[{index}]'"))?;
        }
        if let Some(map) = body.as_map_mut() {
            map.insert("servers", maker.list(servers));
        }
    } else {
        set(&mut body, "Invalid OpenAPI definition")?;
    }
    store(written, body);
    Ok(())
}

/// Moves what version 3 of the format keeps elsewhere, when that version is asked for.
fn align(written: &Written, mut body: Node) -> Outcome<Node> {
    if body.get("swagger").is_some_and(|version| !tree::is_null(version)) {
        return Ok(body);
    }
    let declared = body.get("openapi").filter(|version| !tree::is_null(version));
    let version = written.get("OpenApiVersion").or(declared);
    if !version.is_some_and(|version| tree::truthy(version) && paths::is_version(version, "3")) {
        return Ok(body);
    }
    let maker = written.maker();
    if let Some(map) = body.as_map_mut() {
        for (old, new) in [("securityDefinitions", "securitySchemes"), ("definitions", "schemas")] {
            let Some(moved) = tree::filled(map, old).cloned() else { continue };
            map.remove(old);
            if tree::filled(map, "components").is_none() {
                map.insert("components", maker.empty());
            }
            if let Some(components) = map.get_mut("components").and_then(Node::as_map_mut) {
                components.insert(new, moved);
            }
        }
    }
    for path in paths::names(&body) {
        align_preflight(&mut body, &path)?;
    }
    Ok(body)
}

fn align_preflight(body: &mut Node, path: &str) -> Outcome<()> {
    let Some(item) = paths::all_mut(body).and_then(|paths| paths.get_mut(path)) else { return Ok(()) };
    paths::check_path_item(item, path)?;
    let origin = item.origin.clone();
    let Some(options) = item.as_map_mut().and_then(|item| item.get_mut("options")).filter(|it| tree::truthy(it)) else {
        return Ok(());
    };
    let Some(options) = options.as_map_mut() else {
        let message =
            format!("Value of options method for path {path} must be a dictionary according to Swagger spec.");
        return Err(Fault::document(message).at(&origin));
    };
    options.remove("produces");
    options.remove("consumes");
    let Some(responses) = options.get_mut("responses").filter(|responses| !tree::is_null(responses)) else {
        return Ok(());
    };
    let invalid = |what: &str| {
        let what = if what.is_empty() { "It".to_owned() } else { format!("The value of '{what}'") };
        let message = format!("Invalid responses in options method for path {path}: {what} should be a map.");
        Fault::document(message).at(&origin)
    };
    let responses = responses.as_map_mut().ok_or_else(|| invalid(""))?;
    let Some(ok) = responses.get_mut("200").filter(|ok| !tree::is_null(ok)) else { return Ok(()) };
    let ok = ok.as_map_mut().ok_or_else(|| invalid("200"))?;
    let Some(headers) = ok.get_mut("headers").filter(|headers| tree::truthy(headers)) else { return Ok(()) };
    let Some(headers) = headers.as_map_mut() else {
        let message = format!(
            "Value of response's headers in options method for path {path} must be a dictionary according to Swagger spec."
        );
        return Err(Fault::document(message).at(&origin));
    };
    for (_, header) in headers.iter_mut() {
        let maker = Maker { origin: header.origin.clone() };
        *header = maker.map([("schema", header.clone())]);
    }
    Ok(())
}
