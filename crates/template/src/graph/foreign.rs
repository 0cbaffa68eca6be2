//! APIs that stand in another template, as far as this one adds routes to them.
//!
//! What a route asks of its caller is written here and can be judged here. What is said of such an API as a whole is
//! written elsewhere, and so is not known.

use brigandine_model::{Api, ApiStyle, Fact, LogicalId, Piece, Symbol, Value};

use super::{Declared, Graph, api::Door};
use crate::Node;

/// Routes that are resources, the property that names their API, and its style.
const ROUTES: [(&str, &str, ApiStyle); 2] =
    [("AWS::ApiGateway::Method", "RestApiId", ApiStyle::Rest), ("AWS::ApiGatewayV2::Route", "ApiId", ApiStyle::Http)];

impl<'n> Graph<'n> {
    pub(super) fn foreign_apis(&mut self) {
        for (kind, key, style) in ROUTES {
            for (id, declared) in self.foreign_names(kind, key) {
                let mut door = Door::new(&id, self.foreign_style(style, &id), &declared.provenance);
                unknown_elsewhere(&mut door.api);
                let near = declared.properties.and_then(|properties| properties.get(key)).unwrap_or(declared.node);
                let reason = format!("the API `{id}` is not part of the template: only the routes added here are read");
                self.unjudged(&reason, Some(&declared.id), near);
                self.foreign_routes(&mut door, style);
                self.app.apis.push(door.api);
                self.app.routes.extend(door.routes);
            }
        }
    }

    fn foreign_routes(&mut self, door: &mut Door, style: ApiStyle) {
        if style == ApiStyle::Rest {
            self.models(door);
            self.authorizers_beside(door, "AWS::ApiGateway::Authorizer", "RestApiId");
            self.methods(door);
            self.rest_stages(door);
        } else {
            self.authorizers_beside(door, "AWS::ApiGatewayV2::Authorizer", "ApiId");
            self.declared_routes(door);
            self.newer_stages(door);
        }
    }

    /// The APIs elsewhere that routes of this kind belong to, each with the first such route.
    fn foreign_names(&mut self, kind: &str, key: &str) -> Vec<(LogicalId, Declared<'n>)> {
        let mut found: Vec<(LogicalId, Declared<'n>)> = Vec::new();
        for declared in self.of(&[kind]) {
            let owner = declared.properties.and_then(|properties| self.owner(properties, key));
            match owner {
                None => self.unjudged(&format!("the route names no API in `{key}`"), Some(&declared.id), declared.node),
                Some(id) if self.app.api(&id).is_some() || found.iter().any(|(known, _)| *known == id) => {}
                Some(id) => found.push((id, declared)),
            }
        }
        found
    }

    /// Only a held connection has routes that are neither a method with a path nor the catch-all.
    fn foreign_style(&self, style: ApiStyle, id: &LogicalId) -> ApiStyle {
        let held = |declared: &Declared<'_>| {
            let Some(properties) = declared.properties.filter(|_| style == ApiStyle::Http) else { return false };
            let key = self.text_at(properties, "RouteKey").and_then(|fact| fact.value.known().cloned());
            self.belongs(properties, "ApiId", id) && key.is_some_and(|key| key != "$default" && !key.contains(' '))
        };
        if self.of(&["AWS::ApiGatewayV2::Route"]).iter().any(held) { ApiStyle::WebSocket } else { style }
    }

    /// The API a resource belongs to: its logical id, or a name for what stands in another template.
    pub(super) fn owner(&self, properties: &Node, key: &str) -> Option<LogicalId> {
        let node = properties.get(key)?;
        let fact = self.resolve.optional_text(node)?;
        if let Some(id) = crate::resolve::referred(&fact).filter(|id| self.is_here(id)) {
            return Some(id);
        }
        let name = match node.as_intrinsic() {
            Some(("Fn::ImportValue", argument)) => name_of(&self.resolve.text(argument).value),
            _ => name_of(&fact.value),
        };
        let name = name.unwrap_or_else(|| "elsewhere".to_owned());
        let id = LogicalId::new(name);
        Some(if self.app.resources.contains_key(&id) { LogicalId::new(format!("{id} (elsewhere)")) } else { id })
    }

    /// Whether a reference ends in this template; outputs of nested stacks lead on.
    fn is_here(&self, id: &LogicalId) -> bool {
        self.declared(id).is_some_and(|declared| {
            declared.kind != "AWS::CloudFormation::Stack" && !declared.kind.starts_with("Custom::")
        })
    }
}

/// A name for people of what a value leads to elsewhere.
fn name_of(value: &Value<String>) -> Option<String> {
    match value {
        Value::Known(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Symbolic(symbol) => Some(spelled(symbol)),
        Value::OneOf(cases) => {
            let names: Option<Vec<String>> = cases.iter().map(|case| name_of(&case.value)).collect();
            names.map(|names| names.join(" or "))
        }
        Value::Unknown(_) => None,
    }
}

fn spelled(symbol: &Symbol) -> String {
    match symbol.pieces.as_slice() {
        [Piece::Parameter(name)] => name.to_string(),
        [Piece::Attribute { resource, attribute: Some(attribute) }] => format!("{resource}.{attribute}"),
        [Piece::Attribute { resource, attribute: None }] => resource.to_string(),
        _ => symbol.to_string(),
    }
}

/// Settings of the whole API are written where the API is. Whether it is private is left at the platform's default: a
/// route that asks nothing is a fault unless somebody shows that nobody gets there.
fn unknown_elsewhere(api: &mut Api) {
    const WHY: &str = "the API is not part of the template";
    api.access_log = Some(Fact::unknown(WHY, api.provenance.clone()));
    api.throttle = Some(Fact::unknown(WHY, api.provenance.clone()));
    api.platform_host_closed = Some(Fact::unknown(WHY, api.provenance.clone()));
}
