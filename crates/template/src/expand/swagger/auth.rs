//! Authorizers and API keys in the definition of a REST API.

use crate::expand::fault::{Fault, Outcome};
use crate::expand::make::Maker;
use crate::expand::paths;
use crate::expand::tree;
use crate::node::{Map, Node};

use super::section;

const DEFINITIONS: &str = "securityDefinitions";

fn requirement(maker: &Maker, name: &str, scopes: Option<&Node>) -> Node {
    maker.map([(name, scopes.cloned().unwrap_or_else(|| maker.list([])))])
}

fn set_security(definition: &mut Map, security: Vec<Node>, maker: &Maker) -> bool {
    let signed = security.first().is_some_and(|first| first.get("AWS_IAM").is_some());
    definition.insert("security", maker.list(security));
    signed
}

/// Sets what one event says on its method.
pub(in crate::expand) fn set_on_method(
    body: &mut Node,
    (path, method): (&str, &str),
    auth: &Node,
    authorizers: Option<&Node>,
) -> Outcome<()> {
    if let Some(name) = tree::filled_in(auth, "Authorizer") {
        let maker = Maker { origin: name.origin.clone() };
        let scopes = method_scopes(auth, name, authorizers)?;
        let name = tree::shown(name);
        let mut signed = false;
        for definition in paths::methods_mut(body, path, method)? {
            let mut security = paths::security(definition, path, method)?;
            security.push(requirement(&maker, &name, scopes.as_ref()));
            signed |= set_security(definition, security, &maker);
        }
        if signed {
            define_signatures(body, &maker);
        }
    }
    let Some(key) = auth.get("ApiKeyRequired").filter(|key| !tree::is_null(key)) else { return Ok(()) };
    let maker = Maker { origin: key.origin.clone() };
    let name = if tree::truthy(key) { "api_key" } else { "api_key_false" };
    let mut found = false;
    for definition in paths::methods_mut(body, path, method)? {
        let mut security = paths::security(definition, path, method)?;
        security.push(requirement(&maker, name, None));
        set_security(definition, security, &maker);
        found = true;
    }
    if found && name == "api_key" { define_key(body, &maker) } else { Ok(()) }
}

fn method_scopes(auth: &Node, name: &Node, authorizers: Option<&Node>) -> Outcome<Option<Node>> {
    let Some(name) = tree::text_of(name).filter(|name| *name != "NONE") else { return Ok(None) };
    let Some(authorizers) = authorizers.filter(|authorizers| tree::truthy(authorizers)) else { return Ok(None) };
    let Some(authorizer) = authorizers.get(name) else { return Ok(None) };
    if authorizer.as_map().is_none() {
        let message = format!("Type of authorizer '{name}' must be a dictionary");
        return Err(Fault::document(message).at(&authorizer.origin));
    }
    let given = |node: &Node| node.get("AuthorizationScopes").filter(|scopes| !tree::is_null(scopes)).cloned();
    Ok(given(auth).or_else(|| given(authorizer)))
}

/// Adds definitions of authorizers.
pub(in crate::expand) fn define(body: &mut Node, definitions: Vec<(String, Node)>, maker: &Maker) -> Outcome<()> {
    let section = section(body, DEFINITIONS, maker).and_then(Node::as_map_mut);
    let Some(section) = section else { return Err(Fault::template("securityDefinitions must be a dictionary.")) };
    for (name, definition) in definitions {
        section.insert(name, definition);
    }
    Ok(())
}

fn define_signatures(body: &mut Node, maker: &Maker) {
    let Some(section) = section(body, DEFINITIONS, maker).and_then(Node::as_map_mut) else { return };
    if !section.contains_key("AWS_IAM") {
        let definition = maker.map([
            ("x-amazon-apigateway-authtype", maker.text("awsSigv4")),
            ("type", maker.text("apiKey")),
            ("name", maker.text("Authorization")),
            ("in", maker.text("header")),
        ]);
        section.insert("AWS_IAM", definition);
    }
}

/// Adds the definition of API keys.
pub(in crate::expand) fn define_key(body: &mut Node, maker: &Maker) -> Outcome<()> {
    let section = section(body, DEFINITIONS, maker).and_then(Node::as_map_mut);
    let Some(section) = section else { return Err(Fault::template("securityDefinitions must be a dictionary.")) };
    if !section.contains_key("api_key") {
        let definition = maker.map([
            ("type", maker.text("apiKey")),
            ("name", maker.text("x-api-key")),
            ("in", maker.text("header")),
        ]);
        section.insert("api_key", definition);
    }
    Ok(())
}

/// What holds for every method that says nothing itself.
pub(in crate::expand) struct Default<'d> {
    pub(in crate::expand) name: &'d str,
    pub(in crate::expand) scopes: Option<&'d Node>,
    /// Every authorizer the API knows.
    pub(in crate::expand) authorizers: &'d [String],
    pub(in crate::expand) on_preflight: bool,
}

fn checked(security: &[Node], path: &str, method: &str) -> Outcome<()> {
    match security.iter().find(|one| one.as_map().is_none()) {
        None => Ok(()),
        Some(one) => {
            let shown = tree::shown(one);
            let message = format!("{shown} in Security for path {path} method {method} is not a valid dictionary.");
            Err(Fault::document(message).at(&one.origin))
        }
    }
}

fn has_key(node: &Node, test: impl Fn(&str) -> bool) -> bool {
    node.as_map().is_some_and(|map| map.keys().any(test))
}

/// Puts the default authorizer on every method of a path that has none of its own.
pub(in crate::expand) fn set_default(body: &mut Node, path: &str, default: &Default<'_>, maker: &Maker) -> Outcome<()> {
    let mut any_signed = false;
    for (method, definition) in paths::all_methods_mut(body, path)? {
        if method == "options" && !default.on_preflight {
            continue;
        }
        let existing = paths::security(definition, path, &method)?;
        checked(&existing, path, &method)?;
        let is_authorizer = |name: &str| name == "AWS_IAM" || default.authorizers.iter().any(|known| known == name);
        let (mut own, mut others): (Vec<_>, Vec<_>) =
            existing.into_iter().partition(|security| has_key(security, is_authorizer));
        match others.iter().position(|security| has_key(security, |name| name == "NONE")) {
            Some(none) => {
                others.remove(none);
                own.clear();
            }
            None if own.is_empty() => own.push(requirement(maker, default.name, default.scopes)),
            None => {}
        }
        others.extend(own);
        if !others.is_empty() {
            any_signed |= set_security(definition, others, maker);
        }
    }
    if any_signed {
        define_signatures(body, maker);
    }
    Ok(())
}

/// Asks every method of a path for an API key unless it says otherwise.
pub(in crate::expand) fn require_key(body: &mut Node, path: &str, on_preflight: bool, maker: &Maker) -> Outcome<()> {
    for (method, definition) in paths::all_methods_mut(body, path)? {
        let existing = paths::security(definition, path, &method)?;
        checked(&existing, path, &method)?;
        let is_key = |name: &str| name == "api_key" || name == "api_key_false";
        let waived = existing.iter().any(|security| has_key(security, |name| name == "api_key_false"));
        let mut security: Vec<_> = existing.iter().filter(|one| !has_key(one, is_key)).cloned().collect();
        if !waived && (method != "options" || on_preflight) {
            security.push(requirement(maker, "api_key", None));
        }
        if !tree::same(&maker.list(security.clone()), &maker.list(existing)) {
            definition.insert("security", maker.list(security));
        }
    }
    Ok(())
}
