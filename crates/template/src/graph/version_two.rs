//! Routes, integrations and stages of the newer style that are written as resources.

use std::sync::Arc;

use brigandine_model::{ApiStyle, Payload, Route, RouteMethod};

use super::{Declared, Graph, api::Door, authorizer::unwritten, integration::Behind};
use crate::{Map, Node, resolve::referred};

impl<'n> Graph<'n> {
    pub(super) fn newer_routes(&mut self, door: &mut Door, api: &Declared<'n>) {
        self.declared_routes(door);
        self.quick_route(door, api);
    }

    /// Routes that are resources.
    pub(super) fn declared_routes(&mut self, door: &mut Door) {
        for declared in self.of(&["AWS::ApiGatewayV2::Route"]) {
            let Some(properties) = declared.properties else { continue };
            if !self.belongs(properties, "ApiId", &door.api.id) {
                continue;
            }
            let behind = self.target(properties, &declared);
            let key = self.text_at(properties, "RouteKey").and_then(|fact| fact.value.known().cloned());
            match key {
                Some(key) => self.newer_route(door, &declared, properties, &key, behind),
                None => self.unjudged("the route key is not known", Some(&declared.id), properties),
            }
        }
    }

    /// An API made with nothing but a target.
    fn quick_route(&mut self, door: &mut Door, api: &Declared<'n>) {
        let Some(properties) = api.properties else { return };
        let Some(target) = properties.get("Target") else { return };
        let fact = self.resolve.text(target);
        let behind = self.behind_function(&fact, target, &api.id);
        let key = self.text_at(properties, "RouteKey").and_then(|fact| fact.value.known().cloned());
        self.newer_route(door, api, properties, key.as_deref().unwrap_or("$default"), behind);
        if door.api.stages.is_empty() {
            door.api.stages.push(unwritten("$default".to_owned(), &api.provenance));
        }
    }

    /// The integration a route's target names: `integrations/ID`.
    fn target(&mut self, properties: &Node, route: &Declared<'n>) -> Behind {
        let integration = self.text_at(properties, "Target").and_then(|fact| referred(&fact));
        let node = integration.and_then(|id| self.declared(&id)?.properties);
        if node.is_none() {
            self.unjudged("the integration of the route is not part of the template", Some(&route.id), properties);
        }
        self.behind(node, &route.id)
    }

    fn newer_route(&mut self, door: &mut Door, declared: &Declared<'n>, properties: &Node, key: &str, behind: Behind) {
        let (method, path) = self::key(key);
        let key_required = self.flag_at(properties, "ApiKeyRequired");
        let payload = match door.api.style {
            ApiStyle::WebSocket => Payload::V1,
            _ => behind.payload.unwrap_or(Payload::V2),
        };
        door.routes.push(Route {
            api: door.api.id.clone(),
            method,
            path,
            function: behind.function,
            target: behind.target,
            authentication: self.authorization(properties, &declared.id),
            key_required: key_required.unwrap_or_else(|| unwritten(false, &declared.provenance)),
            throttle: None,
            payload,
            model: None,
            required_parameters: Vec::new(),
            timeout_ms: behind.timeout,
            provenance: declared.provenance.clone(),
        });
    }

    pub(super) fn newer_stages(&mut self, door: &mut Door) {
        for declared in self.of(&["AWS::ApiGatewayV2::Stage"]) {
            let Some(properties) = declared.properties else { continue };
            if !self.belongs(properties, "ApiId", &door.api.id) {
                continue;
            }
            door.api.stages.extend(self.text_at(properties, "StageName"));
            let log = self.part(properties, "AccessLogSettings", &declared.id);
            door.api.access_log =
                log.and_then(|node| self.text_at(node, "DestinationArn")).or(door.api.access_log.take());
            let default = self.part(properties, "DefaultRouteSettings", &declared.id);
            let throttle = default.and_then(|node| self.throttle(node, "ThrottlingRateLimit", "ThrottlingBurstLimit"));
            door.api.throttle = throttle.or(door.api.throttle.take());
            let own = self.part(properties, "RouteSettings", &declared.id).and_then(Node::as_map);
            for (key, settings) in own.into_iter().flat_map(Map::iter) {
                let throttle = self.throttle(settings, "ThrottlingRateLimit", "ThrottlingBurstLimit");
                let (method, path) = self::key(key);
                for route in door.routes.iter_mut().filter(|route| route.method == method && route.path == path) {
                    route.throttle.clone_from(&throttle);
                }
            }
        }
    }
}

/// `GET /orders`, or a name alone.
fn key(key: &str) -> (RouteMethod, Arc<str>) {
    match key.split_once(' ') {
        Some(("ANY", path)) => (RouteMethod::Any, path.trim().into()),
        Some((method, path)) => (RouteMethod::One(method.to_ascii_uppercase().into()), path.trim().into()),
        None => (RouteMethod::Any, key.into()),
    }
}
