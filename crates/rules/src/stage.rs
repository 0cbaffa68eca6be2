//! Stages of APIs: where the platform is told what to record of calls.

use std::sync::Arc;

use brigandine_model::{App, Change, Literal, LogicalId, Property, PropertyKind, Provenance, Resource, Value};

/// One stage, as it is after expansion.
pub(crate) struct Stage<'a> {
    id: &'a LogicalId,
    resource: &'a Resource,
    /// What is set for it; nothing when nothing is.
    pub(crate) settings: Option<&'a Property>,
    pub(crate) style: Style,
    /// The API it belongs to, when that is part of the template.
    pub(crate) api: Option<&'a LogicalId>,
}

/// The style of a stage's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Rest,
    Http,
    WebSocket,
}

/// Where a person sets what a stage gets.
enum Home<'a> {
    Resource(&'a LogicalId),
    Globals(&'static str),
}

impl<'a> Stage<'a> {
    /// Every stage of the template, those that a deployment makes included.
    pub(crate) fn all(app: &'a App) -> Vec<Self> {
        app.resources.iter().filter_map(|(id, resource)| Self::of(app, id, resource)).collect()
    }

    fn of(app: &'a App, id: &'a LogicalId, resource: &'a Resource) -> Option<Self> {
        let properties = resource.properties.as_ref();
        let (settings, key, newer) = match &*resource.kind {
            "AWS::ApiGateway::Stage" => (properties, "RestApiId", false),
            "AWS::ApiGatewayV2::Stage" => (properties, "ApiId", true),
            // A deployment with a name makes a stage of it.
            "AWS::ApiGateway::Deployment" => {
                let named = properties.filter(|own| own.at(&["StageName"]).is_some())?;
                if is_staged(app, id) || resource.written_kind.is_none() {
                    return None;
                }
                (named.at(&["StageDescription"]), "RestApiId", false)
            }
            _ => return None,
        };
        let api = properties.and_then(|own| own.at(&[key])).and_then(referred);
        let api = api.and_then(|api| app.resources.get_key_value(api)).map(|(id, _)| id);
        let style = match newer {
            false => Style::Rest,
            true if is_web_socket(app, api, properties) => Style::WebSocket,
            true => Style::Http,
        };
        Some(Self { id, resource, settings, style, api })
    }

    /// The name a person knows it by: the stage's where one wrote it, the API's otherwise.
    pub(crate) fn name(&self) -> &'a LogicalId {
        if self.resource.written_kind.is_some() { self.id } else { self.api.unwrap_or(self.id) }
    }

    /// The text to edit.
    pub(crate) fn provenance(&self) -> &'a Provenance {
        &self.resource.provenance
    }

    /// The key of its access log.
    pub(crate) fn log_key(&self) -> &'static str {
        if self.style == Style::Rest { "AccessLogSetting" } else { "AccessLogSettings" }
    }

    /// Whether only private networks reach it.
    pub(crate) fn is_private(&self, app: &App) -> bool {
        self.api.and_then(|id| app.api(id)).is_some_and(|api| api.private.value.known() == Some(&true))
    }

    /// Sets a property of the stage where a person would. Nothing where the stage comes from a deployment.
    pub(crate) fn set(&self, app: &App, key: &str, value: Literal) -> Option<Change> {
        let key: Arc<str> = key.into();
        Some(match self.home(app)? {
            Home::Resource(id) => Change::Set { resource: id.clone(), path: vec!["Properties".into(), key], value },
            Home::Globals(section) => {
                Change::Declare { path: vec!["Globals".into(), section.into()], name: key, value }
            }
        })
    }

    fn home(&self, app: &'a App) -> Option<Home<'a>> {
        match self.resource.written_kind.as_deref() {
            Some("AWS::ApiGateway::Deployment") => return None,
            Some(_) => return Some(Home::Resource(self.id)),
            None => {}
        }
        let api = self.api?;
        match app.resources.get(api)?.written_kind.as_deref() {
            Some(kind) if kind.starts_with("AWS::Serverless::") => Some(Home::Resource(api)),
            Some(_) => None,
            None => Some(Home::Globals(if self.style == Style::Rest { "Api" } else { "HttpApi" })),
        }
    }
}

/// The items of a list of settings: those for single methods or routes.
pub(crate) fn items<'a>(settings: Option<&'a Property>, key: &str) -> Vec<&'a Property> {
    settings.and_then(|own| own.at(&[key])).map(Property::items).unwrap_or_default()
}

/// The resource that a property names, and nothing else.
pub(crate) fn referred(property: &Property) -> Option<&LogicalId> {
    match &property.kind {
        PropertyKind::Text(Value::Symbolic(symbol)) => symbol.resources().next(),
        _ => None,
    }
}

fn is_staged(app: &App, deployment: &LogicalId) -> bool {
    app.resources.values().any(|resource| {
        &*resource.kind == "AWS::ApiGateway::Stage"
            && resource.properties.as_ref().and_then(|own| own.at(&["DeploymentId"])).and_then(referred)
                == Some(deployment)
    })
}

fn is_web_socket(app: &App, api: Option<&LogicalId>, stage: Option<&Property>) -> bool {
    let protocol = api.and_then(|id| app.resources.get(id)?.properties.as_ref()?.at(&["ProtocolType"])?.known());
    // Of an API elsewhere only the stage is known: the level of a log is a setting of held connections.
    let level = || stage.is_some_and(|own| own.at(&["DefaultRouteSettings", "LoggingLevel"]).is_some());
    protocol.map_or_else(level, |protocol| protocol == "WEBSOCKET")
}
