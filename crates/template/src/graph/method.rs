//! Routes of the older style that are written as resources: a tree of path parts with methods on it.

use std::sync::Arc;

use brigandine_model::{
    Authentication, Fact, LogicalId, ParameterPlace, Payload, RequestModel, RequiredParameter, Route, RouteMethod,
    Value,
};

use super::{Declared, Graph, api::Door, authorizer::unwritten, openapi::Checks};
use crate::{
    Map, Node,
    resolve::{referred, reparse},
};

/// Longest chain of path parts.
const DEEPEST: usize = 64;

/// The pattern of a path nobody knows.
const ANYWHERE: &str = "/{proxy+}";

/// Where a method stands.
struct MethodPath {
    /// The path, or the part of it that is known; anything where nothing is.
    pattern: String,
    /// Whether it is the whole path.
    known: bool,
}

impl<'n> Graph<'n> {
    /// Models that are resources.
    pub(super) fn models(&mut self, door: &mut Door) {
        for declared in self.of(&["AWS::ApiGateway::Model"]) {
            let Some(properties) = declared.properties else { continue };
            if !self.belongs(properties, "RestApiId", &door.api.id) {
                continue;
            }
            let name = self.text_at(properties, "Name").and_then(|fact| fact.value.known().cloned());
            let name: Arc<str> = name.map_or_else(|| declared.id.as_str().into(), Into::into);
            let Some(schema) = self.part(properties, "Schema", &declared.id) else { continue };
            let written = self.text_at(properties, "Schema").and_then(|fact| fact.value.known().cloned());
            let text = if schema.as_text().is_some() { written.map(Into::into) } else { None };
            door.api.models.insert(name.clone(), text.unwrap_or_else(|| self.schema_text(schema, schema)));
            door.model_names.insert(declared.id.clone(), name);
        }
    }

    pub(super) fn methods(&mut self, door: &mut Door) {
        for declared in self.of(&["AWS::ApiGateway::Method"]) {
            let Some(properties) = declared.properties else { continue };
            if !self.belongs(properties, "RestApiId", &door.api.id) {
                continue;
            }
            let path = self.method_path(properties);
            if !path.known {
                let reason = match &*path.pattern {
                    ANYWHERE => "the path of the method is not known".to_owned(),
                    part => format!("the path of the method is only known from `{part}` on"),
                };
                self.unjudged(&reason, Some(&declared.id), properties.get("ResourceId").unwrap_or(properties));
            }
            self.method(door, &declared, properties, &path.pattern);
        }
    }

    /// From the resource a method stands on up to the root, or up to where the template knows no further.
    fn method_path(&self, properties: &Node) -> MethodPath {
        let mut parts: Vec<String> = Vec::new();
        let mut at = self.text_at(properties, "ResourceId");
        let mut known = true;
        for _ in 0..DEEPEST {
            let holder = at.as_ref().and_then(referred).and_then(|id| self.declared(&id));
            let Some(holder) = holder.filter(|holder| holder.kind != "AWS::CloudFormation::Stack") else { break };
            if holder.kind != "AWS::ApiGateway::Resource" {
                parts.reverse();
                return MethodPath { pattern: format!("/{}", parts.join("/")), known };
            }
            let part = holder.properties.and_then(|properties| self.text_at(properties, "PathPart"));
            let settled = part.and_then(|fact| fact.value.known().cloned());
            known &= settled.is_some();
            parts.push(settled.unwrap_or_else(|| format!("{{{}}}", holder.id)));
            at = holder.properties.and_then(|properties| self.text_at(properties, "ParentId"));
        }
        parts.reverse();
        let nothing = parts.is_empty() || parts.len() == DEEPEST;
        let pattern = if nothing { ANYWHERE.to_owned() } else { format!("/{}", parts.join("/")) };
        MethodPath { pattern, known: false }
    }

    fn method(&mut self, door: &mut Door, declared: &Declared<'n>, properties: &Node, path: &str) {
        let id = &declared.id;
        let integration = properties.get("Integration");
        let behind = self.behind(integration, id);
        let name =
            self.text_at(properties, "HttpMethod").and_then(|fact| fact.value.known().cloned()).unwrap_or_default();
        if name == "OPTIONS" && behind.is_mock() {
            if door.api.cors.is_none() {
                door.api.cors = self.mock_cors(integration, id);
            }
            return;
        }
        let checks = self.validator(properties);
        let key_required = self.flag_at(properties, "ApiKeyRequired");
        door.routes.push(Route {
            api: door.api.id.clone(),
            method: if name == "ANY" || name.is_empty() {
                RouteMethod::Any
            } else {
                RouteMethod::One(name.to_ascii_uppercase().into())
            },
            path: path.into(),
            function: behind.function,
            target: behind.target,
            authentication: self.authorization(properties, id),
            key_required: key_required.unwrap_or_else(|| unwritten(false, &declared.provenance)),
            throttle: None,
            payload: Payload::V1,
            model: self.declared_model(door, properties, checks),
            required_parameters: if checks.parameters { self.declared_parameters(properties) } else { Vec::new() },
            timeout_ms: behind.timeout,
            provenance: declared.provenance.clone(),
        });
    }

    /// Who may pass, in the words resources of both styles use.
    pub(super) fn authorization(&mut self, properties: &Node, id: &LogicalId) -> Fact<Authentication> {
        let Some(kind) = self.text_at(properties, "AuthorizationType") else {
            return unwritten(Authentication::Open, &self.at(properties));
        };
        let authorizer = self.text_at(properties, "AuthorizerId");
        let name = authorizer
            .as_ref()
            .and_then(|fact| referred(fact).map(|id| id.to_string()).or_else(|| fact.value.known().cloned()));
        let scopes = self.settled_strings(properties, "AuthorizationScopes", id);
        let parse = |text: &str| match text {
            "NONE" => Some(Authentication::Open),
            "AWS_IAM" => Some(Authentication::Signature),
            _ => name
                .as_ref()
                .map(|name| Authentication::Authorizer { name: name.as_str().into(), scopes: scopes.clone() }),
        };
        let value = reparse(kind.value, &parse, "an authorization whose authorizer is known");
        Fact { value, provenance: kind.provenance }
    }

    fn validator(&self, properties: &Node) -> Checks {
        let id = self.text_at(properties, "RequestValidatorId").and_then(|fact| referred(&fact));
        let Some(properties) = id.and_then(|id| self.declared(&id)?.properties) else { return Checks::default() };
        let is = |key: &str| self.flag_at(properties, key).is_some_and(|fact| fact.value.known() == Some(&true));
        Checks { body: is("ValidateRequestBody"), parameters: is("ValidateRequestParameters") }
    }

    fn declared_model(&self, door: &Door, properties: &Node, checks: Checks) -> Option<RequestModel> {
        let models = properties.get("RequestModels")?;
        let node = models.get("application/json").or_else(|| models.as_map()?.iter().next().map(|(_, node)| node))?;
        let fact = self.resolve.text(node);
        let name = match referred(&fact) {
            Some(id) => door.model_names.get(&id).cloned()?,
            None => match &fact.value {
                Value::Known(name) => name.as_str().into(),
                _ => return None,
            },
        };
        Some(RequestModel { name, required: checks.body, validated: checks.body, span: self.at(node).span })
    }

    fn declared_parameters(&self, properties: &Node) -> Vec<RequiredParameter> {
        let mut found = Vec::new();
        let parameters = properties.get("RequestParameters").and_then(Node::as_map);
        for (name, node) in parameters.into_iter().flat_map(Map::iter) {
            let required = self.resolve.boolean(node).value.known() == Some(&true);
            let place = match name.strip_prefix("method.request.").and_then(|rest| rest.split_once('.')) {
                Some(("querystring", name)) => (ParameterPlace::Query, name),
                Some(("header", name)) => (ParameterPlace::Header, name),
                _ => continue,
            };
            if required {
                found.push(RequiredParameter { place: place.0, name: place.1.into() });
            }
        }
        found
    }
}
