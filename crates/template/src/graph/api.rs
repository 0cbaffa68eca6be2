//! APIs of both styles: what is said of the API as a whole.

use std::{collections::BTreeMap, sync::Arc};

use brigandine_model::{Api, ApiStyle, Fact, LogicalId, Provenance, Route, RouteMethod, Statement, Throttle, Value};

use super::{Declared, Graph, cors};
use crate::{Node, resolve::When};

pub(super) const REST: &str = "AWS::ApiGateway::RestApi";
pub(super) const NEWER: &str = "AWS::ApiGatewayV2::Api";

/// What an account gives a stage that sets only one of the two.
const RATE: f64 = 10_000.0;
const BURST: u32 = 5_000;

/// One API with its routes, in the making.
pub(super) struct Door {
    pub(super) api: Api,
    pub(super) routes: Vec<Route>,
    /// Models of the API by the logical id of their resource.
    pub(super) model_names: BTreeMap<LogicalId, Arc<str>>,
}

impl Door {
    pub(super) fn new(id: &LogicalId, style: ApiStyle, provenance: &Provenance) -> Self {
        let api = Api {
            id: id.clone(),
            style,
            stages: Vec::new(),
            authorizers: BTreeMap::new(),
            default_authorizer: None,
            cors: None,
            throttle: None,
            usage_plans: Vec::new(),
            policy: Vec::new(),
            binary_media_types: Vec::new(),
            models: BTreeMap::new(),
            access_log: None,
            platform_host_closed: None,
            private: Fact::known(false, Provenance::platform_default(provenance.span.clone())),
            streams: false,
            provenance: provenance.clone(),
        };
        Self { api, routes: Vec::new(), model_names: BTreeMap::new() }
    }
}

impl<'n> Graph<'n> {
    pub(super) fn apis(&mut self) {
        for declared in self.of(&[REST, NEWER]) {
            let door = if declared.kind == REST { self.rest_api(&declared) } else { self.newer_api(&declared) };
            if door.routes.is_empty() {
                self.unjudged("no route of the API is known", Some(&declared.id), declared.node);
            }
            self.app.apis.push(door.api);
            self.app.routes.extend(door.routes);
        }
    }

    /// What the transform spreads over every route is said once in the written template: on the API or in Globals.
    pub(super) fn default_authorizers(&mut self, written: &Node) {
        let Self { app, resolve, .. } = self;
        for api in &mut app.apis {
            let globals = match api.style {
                ApiStyle::Rest => "Api",
                ApiStyle::Http => "HttpApi",
                ApiStyle::FunctionUrl | ApiStyle::WebSocket => continue,
            };
            let resource = app.resources.get(&api.id).and_then(|resource| resource.written_kind.as_deref());
            if resource.is_some_and(|kind| !kind.starts_with("AWS::Serverless::")) {
                continue;
            }
            let own = written.at(&["Resources", api.id.as_str(), "Properties", "Auth", "DefaultAuthorizer"]);
            let common = written.at(&["Globals", globals, "Auth", "DefaultAuthorizer"]);
            let fact = own.or(common).and_then(|node| resolve.optional_text(node));
            if let Some(fact) = fact.filter(|fact| fact.value.known().is_none_or(|name| name != "NONE")) {
                api.default_authorizer = Some(fact);
            }
        }
    }

    fn rest_api(&mut self, declared: &Declared<'n>) -> Door {
        let mut door = Door::new(&declared.id, ApiStyle::Rest, &declared.provenance);
        if let Some(properties) = declared.properties {
            self.whole(&mut door, properties);
            if let Some(policy) = properties.get("Policy") {
                door.api.policy = self.api_policy(policy, &declared.id);
            }
            self.description(&mut door, properties);
        }
        self.models(&mut door);
        self.authorizers_beside(&mut door, "AWS::ApiGateway::Authorizer", "RestApiId");
        self.methods(&mut door);
        self.rest_stages(&mut door);
        door
    }

    fn newer_api(&mut self, declared: &Declared<'n>) -> Door {
        let protocol = declared.properties.and_then(|properties| self.text_at(properties, "ProtocolType"));
        let socket = protocol.is_some_and(|fact| fact.value.known().is_some_and(|text| text == "WEBSOCKET"));
        let style = if socket { ApiStyle::WebSocket } else { ApiStyle::Http };
        let mut door = Door::new(&declared.id, style, &declared.provenance);
        if let Some(properties) = declared.properties {
            self.whole(&mut door, properties);
            if let Some(node) = self.part(properties, "CorsConfiguration", &declared.id) {
                door.api.cors = Some(self.cors(node, &cors::RESOURCE, &declared.id));
            }
            self.description(&mut door, properties);
        }
        self.authorizers_beside(&mut door, "AWS::ApiGatewayV2::Authorizer", "ApiId");
        self.newer_routes(&mut door, declared);
        self.newer_stages(&mut door);
        if socket {
            held_connection(&mut door.routes);
        }
        door
    }

    /// Properties both styles share.
    fn whole(&mut self, door: &mut Door, properties: &Node) {
        let id = door.api.id.clone();
        door.api.platform_host_closed = self.flag_at(properties, "DisableExecuteApiEndpoint");
        let media = self.settled_strings(properties, "BinaryMediaTypes", &id);
        door.api.binary_media_types = media.iter().map(|media| media.replace("~1", "/")).collect();
        let kinds = self.part(properties, "EndpointConfiguration", &id);
        if let Some(node) = kinds.and_then(|node| node.get("Types").map(|types| (node, types))) {
            door.api.private = self.is_private(node.1);
        }
    }

    pub(super) fn is_private(&self, types: &Node) -> Fact<bool> {
        let facts = self.resolve.strings(types);
        let provenance = self.at(types);
        match facts.iter().find(|fact| fact.value.known().is_none()) {
            Some(open) => Fact { value: open.value.clone().map(&|text| text == "PRIVATE"), provenance },
            None => Fact::known(
                facts.iter().any(|fact| fact.value.known().is_some_and(|text| text == "PRIVATE")),
                provenance,
            ),
        }
    }

    pub(super) fn api_policy(&mut self, policy: &Node, id: &LogicalId) -> Vec<Statement> {
        self.statements(policy, id, &When::always())
    }

    fn description(&mut self, door: &mut Door, properties: &Node) {
        let id = door.api.id.clone();
        if let Some(body) = self.part(properties, "Body", &id) {
            self.body(door, body);
        } else if let Some(place) = properties.get("BodyS3Location") {
            self.unjudged("the routes of the API are described outside the template", Some(&id), place);
        }
    }

    /// Whether a resource belongs to this API.
    pub(super) fn belongs(&self, properties: &Node, key: &str, id: &LogicalId) -> bool {
        self.owner(properties, key).is_some_and(|api| api == *id)
    }

    pub(super) fn authorizers_beside(&mut self, door: &mut Door, kind: &str, key: &str) {
        for declared in self.of(&[kind]) {
            let Some(properties) = declared.properties else { continue };
            if self.belongs(properties, key, &door.api.id) {
                let authorizer = self.resource_authorizer(&declared.id, properties, key == "ApiId");
                door.api.authorizers.insert(authorizer.name.clone(), authorizer);
            }
        }
    }

    pub(super) fn rest_stages(&mut self, door: &mut Door) {
        for declared in self.of(&["AWS::ApiGateway::Stage"]) {
            let Some(properties) = declared.properties else { continue };
            if !self.belongs(properties, "RestApiId", &door.api.id) {
                continue;
            }
            door.api.stages.extend(self.text_at(properties, "StageName"));
            let log = self.part(properties, "AccessLogSetting", &declared.id);
            door.api.access_log =
                log.and_then(|node| self.text_at(node, "DestinationArn")).or(door.api.access_log.take());
            self.method_settings(door, properties);
        }
        if door.api.stages.is_empty() {
            for declared in self.of(&["AWS::ApiGateway::Deployment"]) {
                let Some(properties) = declared.properties else { continue };
                if self.belongs(properties, "RestApiId", &door.api.id) {
                    door.api.stages.extend(self.text_at(properties, "StageName"));
                }
            }
        }
    }

    fn method_settings(&mut self, door: &mut Door, properties: &Node) {
        let Some(settings) = properties.get("MethodSettings") else { return };
        for (when, setting) in self.resolve.items(settings) {
            let Some(throttle) = self.throttle(setting, "ThrottlingRateLimit", "ThrottlingBurstLimit") else {
                continue;
            };
            let throttle = when.wrap(throttle);
            let text = |key: &str| self.text_at(setting, key).and_then(|fact| fact.value.known().cloned());
            let path = text("ResourcePath").map_or_else(|| "/*".to_owned(), |path| plain_path(&path));
            let method = text("HttpMethod").unwrap_or_else(|| "*".to_owned());
            if matches!(path.as_str(), "/*" | "*" | "/") && method == "*" {
                door.api.throttle = Some(throttle);
                continue;
            }
            for route in &mut door.routes {
                let fits = method == "*" || route.method == RouteMethod::One(method.to_ascii_uppercase().into());
                if fits && (*route.path == *path || path == "/*") {
                    route.throttle = Some(throttle.clone());
                }
            }
        }
    }

    /// Rate and burst; nothing where neither is set. A negative number switches throttling off.
    pub(super) fn throttle(&self, node: &Node, rate: &str, burst: &str) -> Option<Fact<Throttle>> {
        let (rate_node, burst_node) = (node.get(rate), node.get(burst));
        let near = rate_node.or(burst_node)?;
        let read = |node: Option<&Node>| node.map(|node| self.resolve.decimal(node).value);
        let (rate, burst) = (read(rate_node), read(burst_node));
        let open = [&rate, &burst].into_iter().flatten().find(|value| value.known().is_none()).cloned();
        let provenance = self.at(near);
        if let Some(open) = open {
            let value = match open {
                Value::Symbolic(symbol) => Value::Symbolic(symbol),
                Value::Unknown(why) => Value::Unknown(why),
                _ => Value::Unknown("the throttle depends on a condition".into()),
            };
            return Some(Fact { value, provenance });
        }
        let rate = rate.and_then(|value| value.known().copied()).unwrap_or(RATE);
        let burst = burst.and_then(|value| value.known().copied()).unwrap_or(f64::from(BURST));
        if rate < 0.0 || burst < 0.0 {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the range first")]
        let burst = burst.min(f64::from(u32::MAX)) as u32;
        Some(Fact::known(Throttle { rate, burst }, provenance))
    }
}

/// Over a held connection, whoever may connect may send: callers are only ever asked at the start.
fn held_connection(routes: &mut [Route]) {
    let Some(connect) = routes.iter().find(|route| &*route.path == "$connect") else { return };
    let authentication = connect.authentication.clone();
    for route in routes {
        route.authentication = authentication.clone();
    }
}

/// `/~1orders~1{id}` and `/orders/{id}` are the same path.
fn plain_path(path: &str) -> String {
    let plain = path.replace("~1", "/");
    match plain.strip_prefix("//") {
        Some(rest) => format!("/{rest}"),
        None => plain,
    }
}
