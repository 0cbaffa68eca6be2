//! Reading and editing the paths of an API definition, common to both styles of API.
//!
//! Path items and methods may stand behind an `Fn::If`; every edit goes to each arm that is not empty.

use crate::node::{Kind, Map, Node, Origin};

use super::fault::{Fault, Outcome};
use super::make::Maker;
use super::tree;

pub(super) const INTEGRATION: &str = "x-amazon-apigateway-integration";
pub(super) const ANY_METHOD: &str = "x-amazon-apigateway-any-method";
/// Entries of a path item that are no methods.
const NO_METHODS: [&str; 3] = ["summary", "description", "parameters"];

/// A method in the spelling of API definitions.
pub(super) fn method_name(method: &str) -> String {
    let lower = method.to_lowercase();
    if lower == "any" { ANY_METHOD.to_owned() } else { lower }
}

/// Whether a version is one of `majors`, a dot, a digit and perhaps another dot and digit.
pub(super) fn is_version(version: &Node, majors: &str) -> bool {
    let shown = tree::shown(version);
    let mut parts = shown.split('.');
    let major = parts.next().is_some_and(|part| part.len() == 1 && majors.contains(part));
    let rest: Vec<_> = parts.collect();
    let digits = rest.iter().all(|part| part.len() == 1 && part.bytes().all(|byte| byte.is_ascii_digit()));
    major && digits && (1..=2).contains(&rest.len())
}

/// Whether a definition says it is of version 3.
pub(super) fn is_version_3(body: &Node) -> bool {
    tree::filled_in(body, "openapi").is_some_and(|version| is_version(version, "3"))
}

/// The values a node may turn out to be: itself, or the arms of its condition that are not empty.
pub(super) fn contents(node: &Node) -> Outcome<Vec<&Node>> {
    match node.get("Fn::If") {
        None => Ok(vec![node]),
        Some(arms) => {
            let arms = arms.as_list().ok_or_else(|| not_a_list(arms))?;
            Ok(arms.iter().skip(1).filter(|arm| !tree::is_no_value(arm)).collect())
        }
    }
}

/// [`contents`], open to change.
pub(super) fn contents_mut(node: &mut Node) -> Outcome<Vec<&mut Node>> {
    if node.get("Fn::If").is_none() {
        return Ok(vec![node]);
    }
    match node.as_map_mut().and_then(|map| map.get_mut("Fn::If")) {
        Some(Node { kind: Kind::List(arms), .. }) => {
            Ok(arms.iter_mut().skip(1).filter(|arm| !tree::is_no_value(arm)).collect())
        }
        Some(other) => Err(not_a_list(other)),
        None => Ok(Vec::new()),
    }
}

fn not_a_list(node: &Node) -> Fault {
    Fault::document("Value of Fn::If must be a list.").at(&node.origin)
}

fn not_a_path_item(path: &str) -> Fault {
    Fault::document(format!("Value of '{path}' path must be a dictionary according to Swagger spec."))
}

/// Refuses a path item that is no map.
pub(super) fn check_path_item(item: &Node, path: &str) -> Outcome<()> {
    if item.as_map().is_some() { Ok(()) } else { Err(not_a_path_item(path).at(&item.origin)) }
}

fn not_a_method(path: &str, method: &str) -> Fault {
    Fault::document(format!("Definition of method '{method}' for path '{path}' should be a map."))
}

/// Whether a method has somewhere to send its requests.
pub(super) fn has_target(definition: &Node) -> bool {
    tree::filled_in(definition, INTEGRATION).is_some()
}

/// The names of all paths.
pub(super) fn names(body: &Node) -> Vec<String> {
    let paths = body.get("paths").and_then(Node::as_map);
    paths.map(|paths| paths.keys().map(str::to_owned).collect()).unwrap_or_default()
}

/// All paths, open to change.
pub(super) fn all_mut(body: &mut Node) -> Option<&mut Map> {
    body.as_map_mut()?.get_mut("paths")?.as_map_mut()
}

/// The variants of one path item, each a map.
pub(super) fn items<'b>(body: &'b Node, path: &str) -> Outcome<Vec<&'b Node>> {
    let item = body.at(&["paths", path]).ok_or_else(|| not_a_path_item(path))?;
    let variants = contents(item)?;
    variants.iter().try_for_each(|variant| check_path_item(variant, path))?;
    Ok(variants)
}

/// [`items`], open to change.
pub(super) fn items_mut<'b>(body: &'b mut Node, path: &str) -> Outcome<Vec<&'b mut Map>> {
    let item = all_mut(body).and_then(|paths| paths.get_mut(path)).ok_or_else(|| not_a_path_item(path))?;
    contents_mut(item)?
        .into_iter()
        .map(|variant| {
            let origin = variant.origin.clone();
            variant.as_map_mut().ok_or_else(|| not_a_path_item(path).at(&origin))
        })
        .collect()
}

/// Whether path and method lead somewhere, in every variant.
pub(super) fn has_integration(body: &Node, path: &str, method: &str) -> Outcome<bool> {
    let method = method_name(method);
    if body.at(&["paths", path]).is_none() {
        return Ok(false);
    }
    let present = contents(body.at(&["paths", path]).unwrap_or(body))?
        .iter()
        .all(|item| item.as_map().is_some_and(|item| item.contains_key(&method)));
    if !present {
        return Ok(false);
    }
    for item in items(body, path)? {
        let Some(definition) = item.get(&method).filter(|definition| definition.as_map().is_some()) else {
            return Ok(false);
        };
        let mut found = false;
        for variant in contents(definition)? {
            if variant.as_map().is_none() {
                return Err(not_a_method(path, &method).at(&variant.origin));
            }
            found |= has_target(variant);
        }
        if !found {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Makes sure that path and method are there, empty if they were not.
pub(super) fn add(body: &mut Node, path: &str, method: &str, origin: &Origin) -> Outcome<()> {
    let method = method_name(method);
    let Some(paths) = all_mut(body) else { return Ok(()) };
    if !paths.contains_key(path) {
        paths.insert(path, Node::map(Map::default(), origin));
    }
    for item in items_mut(body, path)? {
        if !item.contains_key(&method) {
            item.insert(method.as_str(), Node::map(Map::default(), origin));
        }
    }
    Ok(())
}

/// Makes an edit of one path, or none at all when it is refused.
pub(super) fn edit(body: &mut Node, path: &str, act: impl FnOnce(&mut Node) -> Outcome<()>) -> Outcome<()> {
    let before = body.at(&["paths", path]).cloned();
    act(body).inspect_err(|_| {
        if let Some(paths) = all_mut(body) {
            match before {
                Some(item) => paths.insert(path, item),
                None => paths.remove(path),
            };
        }
    })
}

/// The variants of one method that lead somewhere, open to change.
pub(super) fn methods_mut<'b>(body: &'b mut Node, path: &str, method: &str) -> Outcome<Vec<&'b mut Map>> {
    let name = method_name(method);
    let mut found = Vec::new();
    for item in items_mut(body, path)? {
        let definition = item.get_mut(&name).ok_or_else(|| not_a_method(path, method))?;
        collect_targets(definition, path, method, &mut found)?;
    }
    Ok(found)
}

fn collect_targets<'b>(
    definition: &'b mut Node,
    path: &str,
    method: &str,
    found: &mut Vec<&'b mut Map>,
) -> Outcome<()> {
    for variant in contents_mut(definition)? {
        let leads = has_target(variant);
        let origin = variant.origin.clone();
        let map = variant.as_map_mut().ok_or_else(|| not_a_method(path, method).at(&origin))?;
        if leads {
            found.push(map);
        }
    }
    Ok(())
}

/// Every method of a path that leads somewhere, with its name, open to change.
pub(super) fn all_methods_mut<'b>(body: &'b mut Node, path: &str) -> Outcome<Vec<(String, &'b mut Map)>> {
    let mut all = Vec::new();
    for item in items_mut(body, path)? {
        for (name, definition) in item.iter_mut() {
            if NO_METHODS.contains(&name) {
                continue;
            }
            let mut found = Vec::new();
            collect_targets(definition, path, name, &mut found)?;
            all.extend(found.into_iter().map(|map| (method_name(name), map)));
        }
    }
    Ok(all)
}

/// Puts a whole path behind a condition.
pub(super) fn make_conditional(body: &mut Node, path: &str, condition: &str, maker: &Maker) {
    if let Some(paths) = all_mut(body)
        && let Some(item) = paths.get(path).cloned()
    {
        paths.insert(path, maker.only_if(&maker.text(condition), item));
    }
}

/// The security list of a method.
pub(super) fn security(definition: &Map, path: &str, method: &str) -> Outcome<Vec<Node>> {
    match definition.get("security") {
        None => Ok(Vec::new()),
        Some(security) => security.as_list().map(<[Node]>::to_vec).ok_or_else(|| {
            let message = format!("Type of security for path {path} method {method} must be a list");
            Fault::document(message).at(&security.origin)
        }),
    }
}

/// A path as permissions name it: every parameter is a star.
pub(super) fn starred(path: &str) -> String {
    let mut result = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        result.push_str(before);
        if let Some((_, tail)) = after.split_once('}').filter(|(name, _)| is_parameter(name)) {
            result.push('*');
            rest = tail;
        } else {
            result.push('{');
            rest = after;
        }
    }
    result.push_str(rest);
    result
}

fn is_parameter(name: &str) -> bool {
    let name = name.strip_suffix('+').unwrap_or(name);
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

/// A path without the slash at its end, which the gateway drops.
pub(super) fn without_trailing_slash(path: &str) -> &str {
    match path.strip_suffix('/') {
        Some(shorter) if !shorter.is_empty() => shorter,
        _ => path,
    }
}

/// The target that sends requests to a function, or to one of its aliases.
pub(super) fn function_uri(maker: &Maker, partition: &str, function: &Node, streaming: bool) -> Node {
    let (version, action) =
        if streaming { ("2021-11-15", "response-streaming-invocations") } else { ("2015-03-31", "invocations") };
    let target = match function.as_intrinsic() {
        Some(("Ref", id)) => id.as_text().unwrap_or_default().to_owned(),
        Some((_, parts)) => {
            let parts: Vec<_> = parts.as_list().unwrap_or_default().iter().filter_map(Node::as_text).collect();
            parts.join(".")
        }
        None => String::new(),
    };
    maker.sub(format!(
        "arn:{partition}:apigateway:${{AWS::Region}}:lambda:path/{version}/functions/${{{target}}}/{action}"
    ))
}
