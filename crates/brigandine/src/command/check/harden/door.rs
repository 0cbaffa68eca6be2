//! Doors: how fast they may be used, and what is written down of who came.

use brigandine_model::{Api, ApiStyle, Change, Literal, LogicalId, Property, Via};

use super::{Plan, Site, declare, keys, names, set};

/// Requests per second through one door, steadily and at once. A start that a person changes, not a measurement.
const RATE: i64 = 50;
const BURST: i64 = 100;
/// Days that access logs are kept.
const KEPT: i64 = 90;

/// A stage, and where its settings are written.
pub(super) struct Stage<'a> {
    pub(super) api: &'a Api,
    pub(super) id: &'a LogicalId,
    seat: Seat,
}

/// Where the settings of a stage are written.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seat {
    /// In the properties of this resource.
    Resource(LogicalId),
    /// In a section of Globals, since nobody wrote the API.
    Globals(&'static str),
}

impl Stage<'_> {
    pub(super) fn is_rest(&self) -> bool {
        self.api.style == ApiStyle::Rest
    }

    /// What a person calls it by: the stage where they wrote one, or else the API.
    fn name(&self) -> &LogicalId {
        match &self.seat {
            Seat::Resource(id) if id == self.id => id,
            _ => &self.api.id,
        }
    }

    /// How `Fn::Sub` names the stage.
    pub(super) fn hole(&self) -> String {
        match &self.seat {
            Seat::Resource(id) if id == self.id => format!("${{{id}}}"),
            _ => format!("${{{}.Stage}}", self.api.id),
        }
    }

    fn set(&self, property: &str, value: Literal) -> Change {
        match &self.seat {
            Seat::Resource(id) => set(id, &["Properties", property], value),
            Seat::Globals(section) => {
                Change::Declare { path: keys(&["Globals", section]), name: property.into(), value }
            }
        }
    }
}

/// The stages of all APIs that have routes.
pub(super) fn stages<'a>(site: &Site<'a>, plan: &mut Plan) -> Vec<Stage<'a>> {
    let mut found = Vec::new();
    let app = site.app;
    for api in app.apis.iter().filter(|api| app.routes.iter().any(|route| route.api == api.id)) {
        let (kind, field) = match api.style {
            ApiStyle::Rest => ("AWS::ApiGateway::Stage", "RestApiId"),
            ApiStyle::Http | ApiStyle::WebSocket => ("AWS::ApiGatewayV2::Stage", "ApiId"),
            ApiStyle::FunctionUrl => continue,
        };
        let mut none = true;
        for (id, resource) in app.resources.iter().filter(|(_, resource)| *resource.kind == *kind) {
            let of = resource.properties.as_ref().and_then(|properties| properties.at(&[field])?.text());
            if !of.is_some_and(|of| names(of, &api.id)) {
                continue;
            }
            if let Some(seat) = seat(site, api, id) {
                none = false;
                found.push(Stage { api, id, seat });
            }
        }
        if none {
            plan.note(format!(
                "the stage of `{}` is not declared as a resource, so it gets no limits and no firewall",
                api.id
            ));
        }
    }
    found
}

fn seat(site: &Site<'_>, api: &Api, stage: &LogicalId) -> Option<Seat> {
    match (site.written(stage), site.written(&api.id)) {
        (Some("AWS::ApiGateway::Stage" | "AWS::ApiGatewayV2::Stage"), _) => Some(Seat::Resource(stage.clone())),
        (None, Some("AWS::Serverless::Api" | "AWS::Serverless::HttpApi")) => Some(Seat::Resource(api.id.clone())),
        (None, None) if api.id.as_str() == "ServerlessRestApi" => Some(Seat::Globals("Api")),
        (None, None) if api.id.as_str() == "ServerlessHttpApi" => Some(Seat::Globals("HttpApi")),
        _ => None,
    }
}

/// Throttles of stages and of usage plans.
pub(super) fn limits(site: &Site<'_>, stages: &[Stage<'_>], plan: &mut Plan) {
    for stage in stages.iter().filter(|stage| !is_throttled(site, stage)) {
        let title = format!("limit how fast `{}` may be called", stage.name());
        if stage.is_rest() {
            match method_settings(site, stage, stages) {
                Some(changes) => plan.step(title, changes),
                None => plan.note(format!(
                    "the method settings of `{}` come from several places; set its throttle by hand",
                    stage.api.id
                )),
            }
        } else {
            let value = Literal::map([
                ("ThrottlingRateLimit", Literal::Number(RATE)),
                ("ThrottlingBurstLimit", Literal::Number(BURST)),
            ]);
            let has_own = site.property(stage.id, &["DefaultRouteSettings"]);
            match (has_own, &stage.seat) {
                (None, _) => plan.step(title, vec![stage.set("DefaultRouteSettings", value)]),
                (Some(own), Seat::Resource(id)) if own.provenance.via != Via::Globals => {
                    let path = |name| ["Properties", "DefaultRouteSettings", name];
                    let changes = vec![
                        set(id, &path("ThrottlingRateLimit"), Literal::Number(RATE)),
                        set(id, &path("ThrottlingBurstLimit"), Literal::Number(BURST)),
                    ];
                    plan.step(title, changes);
                }
                (Some(_), _) => plan
                    .note(format!("the route settings of `{}` come from Globals; set a throttle there", stage.api.id)),
            }
        }
    }
    for (api, usage) in stages.iter().flat_map(|stage| stage.api.usage_plans.iter().map(|usage| (stage.api, usage))) {
        if usage.throttle.is_some() {
            continue;
        }
        let value =
            Literal::map([("RateLimit", Literal::Number(RATE / 5)), ("BurstLimit", Literal::Number(BURST / 5))]);
        let change = match (site.written(&usage.id), site.written(&api.id)) {
            (Some("AWS::ApiGateway::UsagePlan"), _) => set(&usage.id, &["Properties", "Throttle"], value),
            (None, Some("AWS::Serverless::Api")) => {
                set(&api.id, &["Properties", "Auth", "UsagePlan", "Throttle"], value)
            }
            _ => continue,
        };
        plan.step(format!("limit how fast one key of `{}` may call", usage.id), vec![change]);
    }
}

/// Whether the stage says how fast it may be called, whatever the route.
fn is_throttled(site: &Site<'_>, stage: &Stage<'_>) -> bool {
    const LIMIT: &str = "ThrottlingRateLimit";
    let settings = site.property(stage.id, &["MethodSettings"]);
    let items = settings.map(Property::items).unwrap_or_default();
    let of_all = items.iter().any(|item| text(item, "ResourcePath") == Some("/*") && item.at(&[LIMIT]).is_some());
    of_all || site.property(stage.id, &["DefaultRouteSettings", LIMIT]).is_some()
}

fn text<'p>(item: &'p Property, key: &str) -> Option<&'p str> {
    item.at(&[key]).and_then(Property::known)
}

/// The changes that throttle all methods of a stage; nothing when its settings are merged from several places.
fn method_settings(site: &Site<'_>, stage: &Stage<'_>, stages: &[Stage<'_>]) -> Option<Vec<Change>> {
    let has_settings = |stage: &Stage<'_>| site.property(stage.id, &["MethodSettings"]).is_some();
    let settings = site.property(stage.id, &["MethodSettings"]);
    let items = settings.map(Property::items).unwrap_or_default();
    let is_all = |item: &&Property| text(item, "ResourcePath") == Some("/*") && text(item, "HttpMethod") == Some("*");
    let all = items.iter().position(is_all);
    let value = Literal::map([
        ("HttpMethod", Literal::text("*")),
        ("ResourcePath", Literal::text("/*")),
        ("ThrottlingRateLimit", Literal::Number(RATE)),
        ("ThrottlingBurstLimit", Literal::Number(BURST)),
    ]);
    match &stage.seat {
        // What stands in Globals is added to what explicit APIs say themselves.
        Seat::Globals(_) if stages.iter().filter(|other| other.is_rest()).any(has_settings) => None,
        Seat::Globals(_) => Some(vec![stage.set("MethodSettings", Literal::List(vec![value]))]),
        Seat::Resource(_) if items.iter().any(|item| item.provenance.via == Via::Globals) => None,
        Seat::Resource(id) => {
            let path = keys(&["Properties", "MethodSettings"]);
            let Some(index) = all else { return Some(vec![Change::Append { resource: id.clone(), path, value }]) };
            let change = |name: &str, number| {
                let below = [index.to_string().into(), name.into()];
                let path = path.iter().cloned().chain(below).collect();
                Change::Set { resource: id.clone(), path, value: Literal::Number(number) }
            };
            Some(vec![change("ThrottlingRateLimit", RATE), change("ThrottlingBurstLimit", BURST)])
        }
    }
}

/// What is written down of every request through an older and a newer door.
const REST_LINE: &str = r#"{"requestId":"$context.requestId","ip":"$context.identity.sourceIp","time":"$context.requestTime","method":"$context.httpMethod","path":"$context.path","status":"$context.status","user":"$context.authorizer.principalId"}"#;
const HTTP_LINE: &str = r#"{"requestId":"$context.requestId","ip":"$context.identity.sourceIp","time":"$context.requestTime","route":"$context.routeKey","status":"$context.status","error":"$context.authorizer.error"}"#;

/// Access logs, each into a group of its own.
pub(super) fn access_logs(site: &Site<'_>, stages: &[Stage<'_>], plan: &mut Plan) {
    for stage in stages {
        let (property, line) = match stage.api.style {
            ApiStyle::Rest => ("AccessLogSetting", REST_LINE),
            ApiStyle::Http => ("AccessLogSettings", HTTP_LINE),
            _ => continue,
        };
        if site.property(stage.id, &[property]).is_some() {
            continue;
        }
        let group = site.free(&format!("{}AccessLogs", stage.name()));
        let condition = match &stage.seat {
            Seat::Resource(id) => site.condition(id),
            Seat::Globals(_) => None,
        };
        let kept = Literal::map([("RetentionInDays", Literal::Number(KEPT))]);
        let log =
            Literal::map([("DestinationArn", Literal::attribute(&group, "Arn")), ("Format", Literal::text(line))]);
        plan.step(
            format!("write down who calls `{}`", stage.name()),
            vec![declare(&group, "AWS::Logs::LogGroup", condition, kept), stage.set(property, log)],
        );
        let knows_account = site.app.resources.values().any(|resource| &*resource.kind == "AWS::ApiGateway::Account");
        if stage.is_rest() && !knows_account {
            plan.note(
                "access logs of REST APIs need a role for logs in the account's API Gateway settings, set once per region (AWS::ApiGateway::Account)",
            );
        }
    }
}
