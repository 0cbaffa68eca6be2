//! Editing the definition of an HTTP API.

use crate::node::{Map, Node};

use super::fault::{Fault, Outcome};
use super::implicit::Style;
use super::make::Maker;
use super::paths;
use super::tree;

const DEFAULT_PATH: &str = "$default";

/// Refuses a definition that is none.
pub(super) fn check(body: &Node) -> Outcome<()> {
    if !Style::Http.is_valid(Some(body)) {
        let message = "Invalid OpenApi document. Invalid values or missing keys for 'openapi' or 'paths' in \
                       'DefinitionBody'.";
        return Err(Fault::document(message).at(&body.origin));
    }
    match body.get("components") {
        Some(components) if !tree::is_null(components) && components.as_map().is_none() => {
            let message = "Invalid OpenApi document: The value of 'components' should be a map";
            Err(Fault::document(message).at(&components.origin))
        }
        _ => Ok(()),
    }
}

/// Whether the default route goes to the function of this id, in every variant.
pub(super) fn routes_default_to(body: &Node, id: &str) -> Outcome<bool> {
    if !paths::has_integration(body, DEFAULT_PATH, paths::ANY_METHOD)? {
        return Ok(false);
    }
    for item in paths::items(body, DEFAULT_PATH)? {
        let Some(definition) = item.get(paths::ANY_METHOD) else { return Ok(false) };
        for variant in paths::contents(definition)? {
            let Some(uri) = variant.at(&[paths::INTEGRATION, "uri"]) else { return Ok(false) };
            for uri in paths::contents(uri)? {
                let arn = uri.get("Fn::Sub").and_then(tree::text_of).unwrap_or_default();
                let named = arn.split(['{', '}', '/', ':', '$']).find_map(|part| part.strip_suffix(".Arn"));
                if named != Some(id) {
                    return Ok(false);
                }
            }
        }
    }
    Ok(true)
}

/// Sends the requests of a route to a function, unless the route goes somewhere already.
pub(super) fn add_function(
    body: &mut Node,
    path: &str,
    method: &str,
    uri: Node,
    condition: Option<&Node>,
    maker: &Maker,
) -> Outcome<()> {
    if paths::has_integration(body, path, method)? {
        return Ok(());
    }
    paths::add(body, path, method, &maker.origin)?;
    let uri = match condition {
        Some(condition) => maker.only_if(condition, uri),
        None => uri,
    };
    let target = maker.map([
        ("type", maker.text("aws_proxy")),
        ("httpMethod", maker.text("POST")),
        ("payloadFormatVersion", maker.text("2.0")),
        ("uri", uri),
    ]);
    let name = paths::method_name(method);
    for item in paths::items_mut(body, path)? {
        let Some(definition) = tree::subtree(item, &name, &maker.origin).and_then(Node::as_map_mut) else { continue };
        definition.insert(paths::INTEGRATION, target.clone());
        if path == DEFAULT_PATH && name == paths::ANY_METHOD {
            definition.insert("isDefaultRoute", maker.flag(true));
        }
        if !definition.contains_key("responses") {
            definition.insert("responses", maker.empty());
        }
        if let Some(condition) = condition {
            let definition = Node::map(definition.clone(), &maker.origin);
            item.insert(name.as_str(), maker.only_if(condition, definition));
        }
    }
    Ok(())
}

/// Declares the parameters in a path.
pub(super) fn add_path_parameters(body: &mut Node, path: &str, method: &str, maker: &Maker) -> Outcome<()> {
    let names: Vec<&str> =
        path.split('{').skip(1).filter_map(|part| part.split_once('}').map(|(name, _)| name)).collect();
    if names.is_empty() {
        return Ok(());
    }
    for definition in paths::methods_mut(body, path, method)? {
        let mut parameters =
            definition.get("parameters").and_then(Node::as_list).map(<[Node]>::to_vec).unwrap_or_default();
        for name in &names {
            let is_it = |one: &&mut Node| one.get("name").and_then(tree::text_of) == Some(name);
            let place = [("in", maker.text("path")), ("required", maker.flag(true))];
            if let Some(existing) = parameters.iter_mut().find(is_it).and_then(Node::as_map_mut) {
                for (key, value) in place {
                    existing.insert(key, value);
                }
            } else {
                parameters.push(maker.map([("name", maker.text(*name))].into_iter().chain(place)));
            }
        }
        definition.insert("parameters", maker.list(parameters));
    }
    Ok(())
}

/// Asks a route for an authorizer.
pub(super) fn set_on_method(
    body: &mut Node,
    (path, method): (&str, &str),
    authorizer: &Node,
    (authorizers, scopes): (Option<&Node>, Option<&Node>),
) -> Outcome<()> {
    let Some(name) = tree::text_of(authorizer) else { return Ok(()) };
    let maker = Maker { origin: authorizer.origin.clone() };
    let mut wanted = None;
    if name != "NONE" && name != "AWS_IAM" {
        let definition = authorizers.and_then(|all| all.get(name));
        if let Some(definition) = definition.filter(|definition| definition.as_map().is_none()) {
            let message = format!("Type of authorizer '{name}' must be a dictionary");
            return Err(Fault::document(message).at(&definition.origin));
        }
        wanted = scopes.or_else(|| tree::filled_in(definition?, "AuthorizationScopes"));
    }
    for definition in paths::methods_mut(body, path, method)? {
        let mut security = paths::security(definition, path, method)?;
        security.push(maker.map([(name, wanted.cloned().unwrap_or_else(|| maker.list([])))]));
        definition.insert("security", maker.list(security));
    }
    Ok(())
}

/// Puts the default authorizer on every method of a path that asks for none itself.
pub(super) fn set_default(
    body: &mut Node,
    path: &str,
    name: &str,
    scopes: Option<&Node>,
    maker: &Maker,
) -> Outcome<()> {
    for item in paths::items_mut(body, path)? {
        let unnamed = item.keys().find(|key| !item.contains_key(&paths::method_name(key)));
        if let Some(unnamed) = unnamed.map(paths::method_name) {
            return Err(Fault::document(format!("Could not find {unnamed} in {path} within DefinitionBody.")));
        }
        for (method, definition) in item.iter_mut() {
            if method == "parameters" || method.eq_ignore_ascii_case("options") {
                continue;
            }
            for variant in paths::contents_mut(definition)? {
                if variant.as_map().is_none() {
                    let message = format!("Definition of method '{method}' for path '{path}' should be a map.");
                    return Err(Fault::document(message).at(&variant.origin));
                }
                let leads = paths::has_target(variant);
                let Some(map) = variant.as_map_mut().filter(|map| leads && tree::filled(map, "security").is_none())
                else {
                    continue;
                };
                let scopes = scopes.cloned().unwrap_or_else(|| maker.list([]));
                map.insert("security", maker.list([maker.map([(name, scopes)])]));
            }
        }
    }
    Ok(())
}

/// Adds authorizers to the components of a definition.
pub(super) fn define(body: &mut Node, definitions: Vec<(String, Node)>, maker: &Maker) {
    if definitions.is_empty() {
        return;
    }
    let Some(body) = body.as_map_mut() else { return };
    let components = tree::subtree(body, "components", &maker.origin).and_then(Node::as_map_mut);
    let schemes = components.and_then(|all| tree::subtree(all, "securitySchemes", &maker.origin)?.as_map_mut());
    if let Some(schemes) = schemes {
        for (name, definition) in definitions {
            schemes.insert(name, definition);
        }
    }
}

/// Adds tags to a definition, replacing values of tags it has.
pub(super) fn add_tags(body: &mut Node, tags: &Map, maker: &Maker) -> Outcome<()> {
    let Some(map) = body.as_map_mut() else { return Ok(()) };
    let mut all = match tree::filled(map, "tags") {
        None => Vec::new(),
        Some(written) => written.as_list().map(<[Node]>::to_vec).ok_or_else(|| {
            let kind = if written.as_map().is_some() { "dict" } else { "str" };
            let shown = tree::shown(written);
            let message = format!("Tags in OpenApi DefinitionBody needs to be a list. {shown} is a {kind} not a list.");
            Fault::document(message).at(&written.origin)
        })?,
    };
    for (name, value) in tags.iter() {
        let is_it = |one: &&mut Node| one.get("name").and_then(tree::text_of) == Some(name);
        if let Some(existing) = all.iter_mut().find(is_it).and_then(Node::as_map_mut) {
            existing.insert("x-amazon-apigateway-tag-value", value.clone());
        } else {
            let tag = [("name", maker.text(name)), ("x-amazon-apigateway-tag-value", value.clone())];
            all.push(maker.map(tag));
        }
    }
    map.insert("tags", maker.list(all));
    Ok(())
}
