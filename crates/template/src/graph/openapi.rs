//! Routes from an API description (OpenAPI 2 and 3) with the platform's extensions.

use std::{collections::BTreeMap, sync::Arc};

use brigandine_model::{
    ApiStyle, Authentication, AuthorizerKind, Fact, LogicalId, ParameterPlace, Payload, Provenance, RequestModel,
    RequiredParameter, Route, RouteMethod,
};

use super::{
    Graph,
    api::Door,
    authorizer::{Scheme, unwritten},
    cors, is_null,
};
use crate::{Map, Node, resolve::When};

const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
const ANY: &str = "x-amazon-apigateway-any-method";

/// What of a body holds for all its operations.
pub(super) struct Body<'b> {
    root: &'b Node,
    schemes: BTreeMap<Arc<str>, Scheme>,
    security: Option<&'b Node>,
    validators: BTreeMap<String, Checks>,
    validator: Option<String>,
}

/// What a request validator looks at.
#[derive(Clone, Copy, Default)]
pub(super) struct Checks {
    pub(super) body: bool,
    pub(super) parameters: bool,
}

impl Graph<'_> {
    pub(super) fn body(&mut self, door: &mut Door, root: &Node) {
        let id = door.api.id.clone();
        if root.as_map().is_none() || root.as_intrinsic().is_some() {
            return self.unjudged("the description of the API is computed", Some(&id), root);
        }
        let body = Body {
            root,
            schemes: self.schemes(root, &id),
            security: root.get("security"),
            validators: self.validators(root),
            validator: self.word(root, "x-amazon-apigateway-request-validator"),
        };
        self.body_whole(door, root);
        door.api.default_authorizer = self.described_default(&body);
        for (name, scheme) in &body.schemes {
            if let Scheme::Authorizer(authorizer) = scheme {
                door.api.authorizers.insert(name.clone(), authorizer.clone());
            }
        }
        let Some(paths) = self.part(root, "paths", &id).and_then(Node::as_map) else { return };
        for (path, item) in paths.iter() {
            for (when, item) in self.resolve.choose(item) {
                self.path(door, &body, path, item, &when);
            }
        }
    }

    /// Who vouches where an operation says nothing.
    fn described_default(&self, body: &Body<'_>) -> Option<Fact<String>> {
        let node = body.security?;
        let requirements = self.resolve.items(node);
        let names = requirements.iter().filter_map(|(_, requirement)| requirement.as_map()).flat_map(Map::iter);
        let mut vouching = names.filter(|(name, _)| matches!(body.schemes.get(*name), Some(Scheme::Authorizer(_))));
        vouching.next().map(|(name, _)| Fact::known(name.to_owned(), self.at(node)))
    }

    fn word(&self, node: &Node, key: &str) -> Option<String> {
        self.text_at(node, key).and_then(|fact| fact.value.known().cloned())
    }

    /// What a body says of the API as a whole.
    fn body_whole(&mut self, door: &mut Door, root: &Node) {
        let id = door.api.id.clone();
        if let Some(policy) = root.get("x-amazon-apigateway-policy") {
            door.api.policy.extend(self.api_policy(policy, &id));
        }
        if let Some(node) = self.part(root, "x-amazon-apigateway-cors", &id) {
            door.api.cors = Some(self.cors(node, &cors::DESCRIPTION, &id));
        }
        let media = self.settled_strings(root, "x-amazon-apigateway-binary-media-types", &id);
        door.api.binary_media_types.extend(media);
        if let Some(node) = self.part(root, "x-amazon-apigateway-endpoint-configuration", &id) {
            if let Some(closed) = self.flag_at(node, "disableExecuteApiEndpoint") {
                door.api.platform_host_closed = Some(closed);
            }
            if let Some(types) = node.get("types") {
                door.api.private = self.is_private(types);
            }
        }
    }

    fn schemes(&mut self, root: &Node, id: &LogicalId) -> BTreeMap<Arc<str>, Scheme> {
        let declared = root.get("securityDefinitions").or_else(|| root.at(&["components", "securitySchemes"]));
        let mut schemes = BTreeMap::new();
        for (name, _, node) in declared.and_then(Node::as_map).into_iter().flat_map(Map::entries) {
            schemes.insert(name.clone(), self.scheme(name, node, id));
        }
        schemes
    }

    fn validators(&self, root: &Node) -> BTreeMap<String, Checks> {
        let declared = root.get("x-amazon-apigateway-request-validators").and_then(Node::as_map);
        let is = |node: &Node, key: &str| self.flag_at(node, key).is_some_and(|fact| fact.value.known() == Some(&true));
        let checks = |node: &Node| Checks {
            body: is(node, "validateRequestBody"),
            parameters: is(node, "validateRequestParameters"),
        };
        declared.into_iter().flat_map(Map::iter).map(|(name, node)| (name.to_owned(), checks(node))).collect()
    }

    fn path(&mut self, door: &mut Door, body: &Body<'_>, path: &str, item: &Node, when: &When) {
        let Some(operations) = item.as_map() else { return };
        for (method, operation) in operations.iter() {
            if !METHODS.contains(&method) && method != ANY {
                continue;
            }
            for (inner, operation) in self.resolve.choose(operation) {
                if !is_null(operation) {
                    self.operation(door, body, &Spot { path, method, item, operation, when: when.and(&inner) });
                }
            }
        }
    }

    fn operation(&mut self, door: &mut Door, body: &Body<'_>, spot: &Spot<'_>) {
        let id = door.api.id.clone();
        let integration = Self::integration_node(body, spot.operation);
        let behind = self.behind(integration, &id);
        if spot.method == "options" && behind.is_mock() {
            if door.api.cors.is_none() {
                door.api.cors = self.mock_cors(integration, &id);
            }
            return;
        }
        let (authentication, key_required) = self.security(body, spot);
        let checks = self.checks(body, spot);
        let model = self.request_model(&mut door.api.models, body.root, spot, checks);
        let payload = match door.api.style {
            ApiStyle::Rest | ApiStyle::WebSocket => Payload::V1,
            ApiStyle::Http | ApiStyle::FunctionUrl => behind.payload.unwrap_or(Payload::V2),
        };
        door.routes.push(Route {
            api: id,
            method: if spot.method == ANY {
                RouteMethod::Any
            } else {
                RouteMethod::One(spot.method.to_ascii_uppercase().into())
            },
            path: route_path(spot.path),
            function: behind.function,
            target: behind.target,
            authentication: spot.when.wrap(authentication),
            key_required,
            throttle: None,
            payload,
            model,
            required_parameters: if checks.parameters { self.required(spot) } else { Vec::new() },
            timeout_ms: behind.timeout,
            provenance: Provenance { span: self.named(&spot.operation.origin), ..self.at(spot.operation) },
        });
    }

    /// The integration, behind a local `$ref` where it has one.
    fn integration_node<'b>(body: &Body<'b>, operation: &'b Node) -> Option<&'b Node> {
        let node = operation.get("x-amazon-apigateway-integration")?;
        let Some(reference) = node.get("$ref").and_then(Node::as_text) else { return Some(node) };
        let keys: Vec<&str> = reference.strip_prefix("#/")?.split('/').collect();
        body.root.at(&keys)
    }

    fn checks(&self, body: &Body<'_>, spot: &Spot<'_>) -> Checks {
        let own = self.word(spot.operation, "x-amazon-apigateway-request-validator");
        let name = own.as_ref().or(body.validator.as_ref());
        name.and_then(|name| body.validators.get(name)).copied().unwrap_or_default()
    }

    /// Who may pass: the operation's own word, else the description's. Several requirements hold together.
    fn security(&mut self, body: &Body<'_>, spot: &Spot<'_>) -> (Fact<Authentication>, Fact<bool>) {
        let provenance = self.at(spot.operation);
        let iam = spot.operation.at(&["x-amazon-apigateway-auth", "type"]).and_then(Node::as_text) == Some("AWS_IAM");
        let Some(node) = spot.operation.get("security").or(body.security).and_then(|node| self.resolve.first(node))
        else {
            let open = if iam { Authentication::Signature } else { Authentication::Open };
            return (unwritten(open, &provenance), unwritten(false, &provenance));
        };
        let provenance = self.at(node);
        let mut authentication =
            Fact::known(if iam { Authentication::Signature } else { Authentication::Open }, provenance.clone());
        let mut key_required = Fact::known(false, provenance.clone());
        for (when, requirement) in self.resolve.items(node) {
            for (name, scopes) in requirement.as_map().into_iter().flat_map(Map::iter) {
                match self.requirement(body, name, scopes) {
                    Asked::Key => key_required = when.wrap(Fact::known(true, provenance.clone())),
                    Asked::Nothing => {}
                    Asked::Who(who) => authentication = when.wrap(Fact::known(who, provenance.clone())),
                    Asked::Unclear(why) => authentication = Fact::unknown(&why, provenance.clone()),
                }
            }
        }
        (authentication, key_required)
    }

    fn requirement(&self, body: &Body<'_>, name: &str, scopes: &Node) -> Asked {
        match body.schemes.get(name) {
            Some(Scheme::Key) => Asked::Key,
            Some(Scheme::Paper) => Asked::Nothing,
            Some(Scheme::Authorizer(authorizer)) if authorizer.kind == AuthorizerKind::Signature => {
                Asked::Who(Authentication::Signature)
            }
            Some(Scheme::Authorizer(authorizer)) => {
                let scopes = self.resolve.strings(scopes).into_iter().filter_map(|fact| fact.value.known().cloned());
                Asked::Who(Authentication::Authorizer { name: authorizer.name.clone(), scopes: scopes.collect() })
            }
            None if name == "NONE" => Asked::Nothing,
            None if name.eq_ignore_ascii_case("api_key") => Asked::Key,
            None if name == "AWS_IAM" || name == "sigv4" => Asked::Who(Authentication::Signature),
            None => Asked::Unclear(format!("the description defines no security scheme `{name}`")),
        }
    }

    fn request_model(
        &mut self,
        models: &mut Models,
        root: &Node,
        spot: &Spot<'_>,
        checks: Checks,
    ) -> Option<RequestModel> {
        let (schema, required) = self.body_schema(spot)?;
        let name = schema_name(schema, spot);
        if !models.contains_key(&name) {
            let text = self.schema_text(schema, root);
            models.insert(name.clone(), text);
        }
        Some(RequestModel { name, required, validated: checks.body, span: schema.origin.span(self.resolve.file()) })
    }

    /// The schema of the body and whether there must be one, in either version's words.
    fn body_schema<'s>(&self, spot: &Spot<'s>) -> Option<(&'s Node, bool)> {
        let is_true =
            |node: &Node| self.flag_at(node, "required").is_some_and(|fact| fact.value.known() == Some(&true));
        if let Some(request) = spot.operation.get("requestBody") {
            let content = request.get("content")?;
            let media =
                content.get("application/json").or_else(|| content.as_map()?.iter().next().map(|(_, node)| node))?;
            return Some((media.get("schema")?, is_true(request)));
        }
        let parameter = spot.parameters().find(|node| node.get("in").and_then(Node::as_text) == Some("body"))?;
        Some((parameter.get("schema")?, is_true(parameter)))
    }

    fn required(&self, spot: &Spot<'_>) -> Vec<RequiredParameter> {
        let mut found = Vec::new();
        for node in spot.parameters() {
            let place = match node.get("in").and_then(Node::as_text) {
                Some("query") => ParameterPlace::Query,
                Some("header") => ParameterPlace::Header,
                _ => continue,
            };
            let required = self.flag_at(node, "required").is_some_and(|fact| fact.value.known() == Some(&true));
            let name = node.get("name").and_then(Node::as_text);
            if let (true, Some(name)) = (required, name) {
                found.push(RequiredParameter { place, name: name.into() });
            }
        }
        found
    }
}

type Models = BTreeMap<Arc<str>, Arc<str>>;

enum Asked {
    Key,
    Nothing,
    Who(Authentication),
    Unclear(String),
}

/// One operation and where it stands.
struct Spot<'s> {
    path: &'s str,
    method: &'s str,
    item: &'s Node,
    operation: &'s Node,
    when: When,
}

impl<'s> Spot<'s> {
    /// Parameters of the operation, then those of its path.
    fn parameters(&self) -> impl Iterator<Item = &'s Node> + use<'s> {
        let own = self.operation.get("parameters").and_then(Node::as_list).unwrap_or_default();
        let shared = self.item.get("parameters").and_then(Node::as_list).unwrap_or_default();
        own.iter().chain(shared)
    }
}

fn route_path(path: &str) -> Arc<str> {
    if path == "/$default" { "$default".into() } else { path.into() }
}

/// A referred schema keeps its name; one written in place is named for its route.
fn schema_name(schema: &Node, spot: &Spot<'_>) -> Arc<str> {
    let referred = schema.get("$ref").and_then(Node::as_text).and_then(|text| text.rsplit('/').next());
    referred.map_or_else(|| format!("{} {}", spot.method, spot.path).into(), Into::into)
}
